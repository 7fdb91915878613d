// Values that only look like secrets: placeholders, references, flags. Asked before a value is masked by its name.
#pragma once

#include <string_view>

namespace holdpoint::masker {

/// ${VAR}, {{var}}, <your-key>, ****, var.x, null, true, changeme-like blanks, our own masks.
bool is_placeholder(std::string_view value);
/// arn:…, /a/file/path, secret references: names a place where a secret is kept.
bool is_reference(std::string_view value);
/// 8-4-4-4-12 hexadecimal.
bool is_uuid(std::string_view value);
/// Only digits, sign, point.
bool is_number(std::string_view value);
/// 2025-01-31T… and the like.
bool is_timestamp(std::string_view value);

}  // namespace holdpoint::masker
