// UTF-16 and UTF-32: read as UTF-8 by the other walks, masks written back in the units of the original.
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

std::uint32_t unit_at(std::string_view bytes, std::size_t at, const WideText& form) {
  std::uint32_t unit = 0;
  for (unsigned i = 0; i < form.unit_bytes; ++i) {
    const unsigned shift = form.big_endian ? form.unit_bytes - 1 - i : i;
    unit |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (shift * 8);
  }
  return unit;
}

MappedText read_wide(std::string_view bytes, const WideText& form) {
  MappedText out;
  out.reserve(bytes.size() / form.unit_bytes);
  std::size_t at = form.mark_bytes;
  while (at + form.unit_bytes <= bytes.size()) {
    std::uint32_t code = unit_at(bytes, at, form);
    std::size_t length = form.unit_bytes;
    const std::size_t next = at + length;
    if (form.unit_bytes == 2 && code >= 0xd800 && code < 0xdc00 && next + 2 <= bytes.size()) {
      const std::uint32_t low = unit_at(bytes, next, form);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        length = 4;
      }
    }
    out.put_code_point(code <= 0x10ffff ? code : 0xfffd, at);
    at += length;
  }
  out.finish(at);
  return out;
}

/// `text` in units; masks are ASCII, and what else an edit holds was UTF-8 of these units before.
std::string write_wide(std::string_view text, const WideText& form) {
  std::string out;
  const auto unit = [&](std::uint32_t value) {
    for (unsigned i = 0; i < form.unit_bytes; ++i) {
      const unsigned shift = form.big_endian ? form.unit_bytes - 1 - i : i;
      out.push_back(static_cast<char>((value >> (shift * 8)) & 0xffU));
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    std::uint32_t code = length == 1 ? first : first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length && at + i < text.size(); ++i)
      code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    at += length;
    if (form.unit_bytes == 2 && code >= 0x10000) {
      unit(0xd800 + ((code - 0x10000) >> 10));
      unit(0xdc00 + ((code - 0x10000) & 0x3ffU));
    } else {
      unit(code);
    }
  }
  return out;
}

}  // namespace

void Scan::walk_wide_text(std::string_view bytes, std::string_view type, std::string_view parameters, int depth,
                          Edits& edits) {
  const WideText form = wide_text_of(bytes, parameters);
  if (depth == document_depth_) ++document_depth_;
  // A mark and a charset are claims, and clients read the bytes: what reads as text is inspected as it stands.
  const std::size_t before = edits.size();
  if (const std::string_view rest = bytes.substr(form.mark_bytes); is_textual(rest)) {
    walk_document(rest, type, depth + 1, edits);
    return shift(edits, before, form.mark_bytes);
  }
  const MappedText plain = read_wide(bytes, form);
  Edits inner;
  walk_document(plain.text, type, depth + 1, inner);
  order(inner);
  for (const Edit& edit : inner) {
    Edit mapped{plain.from[edit.begin], plain.from[edit.end], write_wide(edit.text, form)};
    if (fill_) {
      // A letter of several bytes was one unit: its mask has as many letters too many.
      const std::size_t length = mapped.end - mapped.begin;
      if (mapped.text.size() > length) mapped.text.resize(length);
      while (mapped.text.size() < length) mapped.text.append(write_wide("*", form));
    }
    edits.push_back(std::move(mapped));
  }
  walk_text(bytes, depth + 1, edits);  // what is wide only in part
  order(edits);
}

}  // namespace holdpoint::masker
