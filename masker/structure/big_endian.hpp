// Numbers as binary formats write them: the most significant byte first. Callers check bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdpoint::masker {

inline std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}
inline std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(read_big_endian(bytes.substr(at, 4)));
}
inline unsigned read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(read_big_endian(bytes.substr(at, 2)));
}
inline void put_big_endian(std::string& out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0;) out.push_back(static_cast<char>((value >> (i * 8)) & 0xff));
}
inline void put_u32(std::string& out, std::uint32_t value) { put_big_endian(out, value, 4); }

}  // namespace holdpoint::masker
