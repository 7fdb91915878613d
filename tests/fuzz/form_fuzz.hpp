// What holds for every input of one form, checked by that form's fuzzer and by its saved corpus alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdpoint::fuzz {

/// Also the folders of the saved corpora.
inline constexpr auto forms = std::to_array<std::string_view>(
    {"cbor", "event_stream", "postgres", "packed", "wide_text", "multipart", "terminal"});

/// The first byte chooses the style, and for event streams whether the rest is bytes or the payloads of sound
/// messages; the rest is the body. Aborts when a property fails.
void form_one(std::string_view form, const std::uint8_t* data, std::size_t size);

}  // namespace holdpoint::fuzz
