// Where documents of JSON stand in text: found by their brackets and quotes, in time linear in the text however many
// are cut. A try reads the rest of its own line; from there on every line begins outside quotes (a quote does not
// cross lines), so what closes behind a line's beginning is the same for every try and is worked out once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace holdpoint::masker {

class Islands {
 public:
  /// `text` is at most 4 GiB and outlives this.
  explicit Islands(std::string_view text) : text_(text) {}

  /// Where a document may begin, at `from` or behind it; the text's size when nowhere.
  [[nodiscard]] std::size_t find(std::size_t from) const;
  /// The offset behind the value that begins at `open`; 0 when it does not end.
  std::size_t end(std::size_t open);
  /// More brackets close behind their line than are kept: the ends of later islands are not known.
  [[nodiscard]] bool is_full() const { return full_; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  /// A bracket that closes what was opened before its line, and the next one outwards.
  struct Closer {
    std::uint32_t at;
    std::uint32_t outer;
  };
  /// The first closer that counts from this line's beginning on. Lines that change nothing have no entry.
  struct Line {
    std::uint32_t begin;
    std::uint32_t closer;
  };

  void read_lines();
  /// What one line does to what follows it: true when a value may go on behind it.
  bool read_line(std::size_t begin, std::size_t end, std::size_t& opened, std::vector<std::uint32_t>& closed) const;
  [[nodiscard]] std::size_t closer(std::size_t line, std::size_t depth) const;

  std::string_view text_;
  std::vector<Closer> closers_;
  std::vector<Line> lines_;  ///< from the last to the first
  bool read_ = false;
  bool full_ = false;
};

}  // namespace holdpoint::masker
