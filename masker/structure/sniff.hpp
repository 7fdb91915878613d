// What bytes are, whatever a header says. Pure and cheap: looks at the front, or once over the bytes.
#pragma once

#include <string_view>

namespace holdpoint::masker {

/// Text as people and programs write it: hardly a control byte but white space, and UTF-8.
bool is_textual(std::string_view bytes);
/// As above, and not a single byte that only binary formats hold: what is neither this nor its declared binary format
/// cannot be inspected.
bool is_plain_text(std::string_view bytes);

/// Begins as a document of JSON does, and not as a line of a log ("[INFO] …").
bool opens_json(std::string_view text);
/// Begins as HTML does.
bool opens_page(std::string_view text);

enum class Packing { none, gzip, zlib, zstd };
/// By the magic at the front; zlib has none and is never reported.
Packing packing_of(std::string_view bytes);

/// The first bytes (eight at least) of ASCII in UTF-16, or a byte order mark: what PowerShell's encoded commands are.
bool is_wide_front(std::string_view front);

/// A form that is not text in UTF-8, and has a walk of its own.
enum class BinaryForm { none, cbor, event_stream, postgres, packed, wide_text, multipart };
/// `type` is the media type in lower case without its parameters; `parameters` all of the header.
BinaryForm binary_form_of(std::string_view bytes, std::string_view type, std::string_view parameters);

/// A first line of column names, of which one says that its column is sensitive, above lines with as many columns.
bool is_table_with_header(std::string_view text);

/// Code units of 2 or 4 bytes.
struct WideText {
  unsigned unit_bytes = 0;  ///< 0: not wide
  bool big_endian = false;
  unsigned mark_bytes = 0;  ///< of the byte order mark
};
/// By its byte order mark, by the character set of the header, or by the zeros that ASCII has in it.
WideText wide_text_of(std::string_view bytes, std::string_view parameters);

}  // namespace holdpoint::masker
