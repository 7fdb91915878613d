// What holds for every input, checked by the fuzzer and by the saved corpus alike.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdpoint::fuzz {

/// The first byte chooses content type, service and style; the rest is the body. Aborts when a property fails.
void mask_one(const std::uint8_t* data, std::size_t size);

}  // namespace holdpoint::fuzz
