#include "masker/offline.hpp"

#include "bus/base/json.hpp"
#include "masker/mask.hpp"

namespace holdpoint::masker {

std::string mask_line(std::string_view line) {
  // Base64 and escapes make a line longer than its body.
  const auto request = parse_json(line, {document_bytes_max * 2, 64});
  if (!request) return to_json({{"error", request.error().context}});
  if (!request->is_object()) return to_json({{"error", "expected an object"}});
  Json answer = {{"id", request->value("id", Json())}};
  MaskInput input;
  input.content_type = string_or(*request, "content_type");
  input.content_encoding = string_or(*request, "content_encoding");
  if (const auto meta = request->find("meta"); meta != request->end() && meta->is_object()) {
    input.service = string_or(*meta, "service");
    input.operation = string_or(*meta, "operation");
    input.protocol = string_or(*meta, "protocol");
  }
  const bool text = request->contains("text");
  Bytes body = string_or(*request, "text");
  if (!text) {
    auto bytes = from_base64(string_or(*request, "b64"));
    if (!bytes) return to_json({{"id", answer["id"]}, {"error", "b64 is not base64"}});
    body = std::move(*bytes);
  }
  MaskOutput output = mask(input, body);
  if (!output.blocked.empty()) {
    answer["blocked"] = true;
    answer["reason"] = output.blocked;
  } else if (text && is_utf8(output.bytes)) {
    answer["text"] = std::move(output.bytes);
  } else {
    answer["b64"] = to_base64(output.bytes);
  }
  return to_json(answer);
}

}  // namespace holdpoint::masker
