#include "masker/worker/answer.hpp"

#include "masker/mask.hpp"

namespace holdpoint::masker {

Result<wire::Message> answer_mask_request(const wire::Message& request) {
  if (request.type != "MaskRequested")
    return fail(Code::unsupported, "masks: unknown message " + display(request.type, 64));
  if (request.attachments.size() != 1)
    return fail(Code::malformed, "MaskRequested: expected one attachment, the bytes");
  const Json& body = request.body;
  if (const auto part = body.find("part"); part != body.end()) {
    // A body in one part is whole.
    const bool only = part->is_object() && part->value("index", 0) == 0 && part->value("last", false);
    if (!only) return fail(Code::unsupported, "MaskRequested: bodies are masked whole; send one part");
  }
  MaskInput input;
  input.content_type = string_or(body, "content_type");
  input.content_encoding = string_or(body, "content_encoding");
  input.service = string_or(body, "service");
  input.operation = string_or(body, "operation");
  input.protocol = string_or(body, "protocol");
  input.direction = string_or(body, "direction", "answer");
  if (const auto keep = body.find("length_preserving"); keep != body.end()) {
    if (!keep->is_boolean()) return fail(Code::malformed, "MaskRequested: length_preserving must be true or false");
    input.length_preserving = keep->get<bool>();
  }
  if (const auto rules = body.find("rules"); rules != body.end() && !rules->is_null()) {
    auto parsed = parse_rules(to_json(*rules));
    if (!parsed) return parsed.error();
    input.rules = std::move(*parsed);
  }
  MaskOutput output = mask(input, request.attachments.front());
  wire::Message answer;
  answer.type = "PayloadMasked";
  Json findings = Json::array();
  for (const Finding& finding : output.findings) {
    Json row = {{"class", name(finding.kind)}, {"rule", finding.rule}, {"count", finding.count}};
    if (!finding.path.empty()) row["path"] = finding.path;
    findings.push_back(std::move(row));
  }
  answer.body = {{"findings", std::move(findings)}, {"changed", output.changed}};
  if (!output.blocked.empty()) answer.body["blocked"] = output.blocked;
  answer.attachments.push_back(std::move(output.bytes));
  return answer;
}

}  // namespace holdpoint::masker
