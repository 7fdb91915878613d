// The engine on a line protocol, for `holdpoint mask --jsonl`: one JSON object per line in, one out.
//
//   {"id","content_type","text"|"b64","meta":{"service","operation","protocol"},"content_encoding"?,"chunk"?}
//   -> {"id","text"|"b64"} or {"id","blocked":true,"reason"}
//
// A line of `holdpoint audit export` is answered by what its recorded parameters hold. With `report_only` the answer is
// {"id","changed","findings"} instead of the text.
//
// "chunk" asks for the body in pieces of that size, which may not change the result: bodies are put together whole
// (at most document_bytes_max), so it does not.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "bus/base/json.hpp"
#include "masker/mask.hpp"

namespace holdpoint::masker {

struct LineOptions {
  bool report_only = false;
  /// An operator's rules for a service and operation; may be empty. Where it fails the line is answered {"error"}.
  std::function<Result<Rules>(std::string_view service, std::string_view operation)> rules;
  std::function<void(const std::vector<Finding>& findings)> found;  ///< told of each line; may be empty
};

/// What a line asks for.
struct Line {
  MaskInput input;
  Bytes body;
  bool text = true;  ///< answered as text, else as base64
};
/// Of a line's object. Fails with `malformed` when its b64 is no base64.
Result<Line> read_line(const Json& request);

/// The answer line, without its line end. A line that cannot be read is answered {"error"}.
std::string mask_line(std::string_view line, const LineOptions& options = {});

}  // namespace holdpoint::masker
