// A set of bytes, and where its members stand in a text: std::string_view::find_first_of() asks memchr for every byte.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace holdpoint::masker {

class ByteSet {
 public:
  constexpr explicit ByteSet(std::string_view bytes) {
    for (const char c : bytes) has_[static_cast<unsigned char>(c)] = true;
  }
  [[nodiscard]] constexpr bool has(char c) const { return has_[static_cast<unsigned char>(c)]; }
  /// As find_first_of() and find_first_not_of().
  [[nodiscard]] constexpr std::size_t find(std::string_view text, std::size_t from = 0) const {
    return first(text, from, true);
  }
  [[nodiscard]] constexpr std::size_t find_other(std::string_view text, std::size_t from = 0) const {
    return first(text, from, false);
  }

 private:
  [[nodiscard]] constexpr std::size_t first(std::string_view text, std::size_t from, bool wanted) const {
    for (; from < text.size(); ++from) {
      if (has(text[from]) == wanted) return from;
    }
    return std::string_view::npos;
  }

  std::array<bool, 256> has_{};
};

}  // namespace holdpoint::masker
