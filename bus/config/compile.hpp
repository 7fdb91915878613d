// From the YAML file that an operator writes, and the policy files beside it, to the configuration document.
//
// Strict: an unknown or duplicate key, a value of another kind, a reference to what is not there is an error that names
// file, line and column and what was expected; all of them are reported together. Keys that hold secrets do not exist
// here: credentials are sealed by `holdpoint credentials set`, keys of processes by `holdpoint keys issue`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bus/config/compile_masking.hpp"
#include "bus/config/document.hpp"

namespace holdpoint::config {

/// Looks at the policies of a compiled document and says what is wrong, one line each (gateway/policy/lint.hpp; bus/
/// must not know the policy language).
using PolicyCheck = std::function<std::vector<std::string>(const Document&)>;

/// The document without what only the deployment knows: deployment, version, issued_at, keys, sealed parts, and url and
/// keys of the embedded issuer are left empty. Fails with `configuration`; the context has one line per error (at most
/// 20), each "FILE:LINE:COLUMN: …". `check` runs when everything else is right.
Result<Document> compile(const std::filesystem::path& file, const PolicyCheck& check = {},
                         const MaskRuleCheck& mask_check = {});

}  // namespace holdpoint::config
