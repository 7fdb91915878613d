// Unescaped text together with where each of its bytes came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"

namespace holdpoint::masker {

struct MappedText {
  std::string text;
  std::vector<std::uint32_t> from;  ///< one per byte of `text`, and the end

  void reserve(std::size_t size) {
    text.reserve(size);
    from.reserve(size + 1);
  }
  void put(char c, std::size_t origin) {
    text.push_back(c);
    from.push_back(static_cast<std::uint32_t>(origin));
  }
  /// Bytes that stand for themselves, from where `raw` has them at `begin`.
  void put_run(std::string_view raw, std::size_t begin, std::size_t end);
  /// UTF-8 of `code`; lone surrogates come out as three bytes, so that nothing is lost for detection.
  void put_code_point(std::uint32_t code, std::size_t origin);
  void finish(std::size_t end) { from.push_back(static_cast<std::uint32_t>(end)); }
  /// Edits of `text` become edits of the original, `base` added. `keep_length` pads each to the bytes it replaces
  /// (escapes are longer than what they mean) and writes no control byte where an escape stood.
  void map_back(Edits inner, std::size_t base, bool keep_length, Edits& outer) const;
};

/// Masks are plain, but a document that was written anew inside a JSON string may need escapes: of the edits from the
/// one at `from` on.
void escape_json(Edits& edits, std::size_t from);

/// The inside of a JSON string (no quotes). Invalid escapes stand for themselves.
MappedText unescape_json(std::string_view raw);
/// XML character data: entities, and CDATA sections whose markers fall away (`has_cdata` is then set).
MappedText unescape_xml(std::string_view raw, bool& has_cdata);
/// %XX, and "+" as a space where `form`.
MappedText unescape_percent(std::string_view raw, bool form);

/// Text without terminal escape sequences (CSI, OSC, character sets).
MappedText strip_escapes(std::string_view raw);

}  // namespace holdpoint::masker
