// Forms that are not text: chosen by what they are, walked by their own files, refused when they are not what they say.
#include "masker/structure/compress.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t unpacked_bytes_max = 64U << 20;

Bytes pack(Packing packing, std::string_view bytes, std::size_t size, bool keep_length) {
  if (packing == Packing::zstd) return keep_length ? compress_zstd_to(size, bytes) : compress_zstd(bytes);
  return keep_length ? compress_gzip_to(size, bytes) : compress_gzip(bytes);
}

}  // namespace

bool Scan::walk_binary(std::string_view bytes, std::string_view type, int depth, Edits& edits) {
  const std::string parameters = depth == 0 ? to_lower(input_.content_type) : std::string();
  const BinaryForm form = binary_form_of(bytes, type, parameters);
  if (form == BinaryForm::none) return false;
  if (depth > nested_depth_max) {
    block("encodings are nested too deeply");
    return true;
  }
  bool read = true;
  switch (form) {
    case BinaryForm::none:
      return false;
    case BinaryForm::packed:
      walk_packed(bytes, depth, edits);
      return true;
    case BinaryForm::wide_text:
      walk_wide_text(bytes, type, parameters, depth, edits);
      return true;
    case BinaryForm::multipart:
      return walk_multipart(bytes, depth, edits);
    case BinaryForm::cbor:
      // Digits and letters are CBOR too: what reads as text is inspected as text, whatever its type says.
      if (is_textual(bytes)) return false;
      read = walk_cbor(bytes, depth, edits);
      // Only guessed: other binary data begins like this too.
      if (!read && type.find("cbor") == std::string_view::npos) return false;
      break;
    case BinaryForm::event_stream:
      read = walk_event_stream(bytes, depth, edits);
      break;
    case BinaryForm::postgres:
      read = walk_postgres(bytes, depth, edits);
      break;
  }
  if (read) return true;
  // An error page under the type of the answer it stands for.
  if (is_plain_text(bytes)) return false;
  block("the bytes are not what their content type says, or are cut off");
  return true;
}

bool Scan::spend(std::size_t bytes) {
  constexpr std::size_t document_bytes_max = 256U << 20;
  unpacked_ += bytes;
  if (unpacked_ > document_bytes_max) block("too much compressed data in one answer");
  return blocked_.empty();
}

void Scan::walk_packed(std::string_view bytes, int depth, Edits& edits) {
  if (!blocked_.empty()) return;
  const Packing packing = packing_of(bytes);
  const auto plain =
      packing == Packing::zstd ? unpack_zstd(bytes, unpacked_bytes_max) : inflate(bytes, unpacked_bytes_max);
  if (!plain) return block("compressed data cannot be opened: " + plain.error().context);
  if (!spend(plain->size())) return;
  if (depth == document_depth_) ++document_depth_;
  Edits found;
  walk_document(*plain, {}, depth + 1, found);
  if (found.empty()) return;
  order(found);
  edits.push_back({0, bytes.size(), pack(packing, splice(*plain, found), bytes.size(), fill_)});
}

}  // namespace holdpoint::masker
