// The engine on a line protocol, for `holdpoint mask --jsonl`: one JSON object per line in, one out.
//
//   {"id","content_type","text"|"b64","meta":{"service","operation","protocol"},"content_encoding"?,"chunk"?}
//   -> {"id","text"|"b64"} or {"id","blocked":true,"reason"}
//
// "chunk" asks for the body in pieces of that size, which may not change the result: bodies are put together whole
// (at most document_bytes_max), so it does not.
#pragma once

#include <string>
#include <string_view>

namespace holdpoint::masker {

/// The answer line, without its line end. A line that cannot be read is answered {"error"}.
std::string mask_line(std::string_view line);

}  // namespace holdpoint::masker
