#include "masker/worker/answer.hpp"

#include "bus/wire/bundle.hpp"
#include "masker/finding_json.hpp"
#include "masker/mask.hpp"

namespace holdpoint::masker {

namespace {

/// Masks one: its findings and the like come back, the bytes into `masked`.
Result<Json> mask_one(const Json& body, BytesView bytes, Bytes& masked) {
  if (!body.is_object()) return fail(Code::malformed, "MaskRequested: a request is an object");
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
  MaskOutput output = mask(input, bytes);
  Json answer = {{"findings", findings_json(output.findings)}, {"changed", output.changed}};
  if (!output.unmasked.empty()) answer["unmasked"] = findings_json(output.unmasked);
  if (!output.blocked.empty()) answer["blocked"] = output.blocked;
  masked = std::move(output.bytes);
  return answer;
}

/// Questions of one gateway that came together: each is answered for itself, in order.
Result<wire::Message> mask_all(const wire::Message& request) {
  const auto requests = request.body.find("requests");
  if (requests == request.body.end() || !requests->is_array() || request.attachments.size() != 1)
    return fail(Code::malformed, "MasksRequested: expected requests and one attachment");
  const auto payloads = wire::parts_of(request.attachments.front(), requests->size());
  if (!payloads) return fail(Code::malformed, "MasksRequested: expected a payload for each request");
  wire::Message answer{"PayloadsMasked", Json::object(), std::vector<Bytes>(1)};
  Json& answers = answer.body["answers"] = Json::array();
  for (std::size_t index = 0; index < requests->size(); ++index) {
    Bytes masked;
    auto one = mask_one((*requests)[index], (*payloads)[index], masked);
    if (one && !(*one)["changed"].get<bool>()) masked.clear();  // whoever asked has these bytes
    answers.push_back(one ? std::move(*one) : Json{{"refused", wire::refusal(one.error()).body}});
    wire::add_to_bundle(masked, answer.attachments.front());
  }
  return answer;
}

}  // namespace

Result<wire::Message> answer_mask_request(const wire::Message& request) {
  if (request.type == "MasksRequested") return mask_all(request);
  if (request.type != "MaskRequested")
    return fail(Code::unsupported, "masks: unknown message " + display(request.type, 64));
  if (request.attachments.size() != 1)
    return fail(Code::malformed, "MaskRequested: expected one attachment, the bytes");
  wire::Message answer{"PayloadMasked", {}, std::vector<Bytes>(1)};
  auto body = mask_one(request.body, request.attachments.front(), answer.attachments.front());
  if (!body) return body.error();
  answer.body = std::move(*body);
  return answer;
}

}  // namespace holdpoint::masker
