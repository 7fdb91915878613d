#include "masker/worker/answer.hpp"

#include <optional>

#include "bus/wire/bundle.hpp"
#include "masker/finding_json.hpp"
#include "masker/mask.hpp"

namespace holdpoint::masker {

namespace {

/// How one is to be masked.
Result<MaskInput> input_of(const Json& body) {
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
  return input;
}

/// What is told of one: its findings and the like.
Json told(const MaskOutput& output) {
  Json answer = {{"findings", findings_json(output.findings)}, {"changed", output.changed}};
  if (!output.unmasked.empty()) answer["unmasked"] = findings_json(output.unmasked);
  if (!output.blocked.empty()) answer["blocked"] = output.blocked;
  return answer;
}

bool is_untold(const MaskOutput& output) {
  return !output.changed && output.findings.empty() && output.unmasked.empty() && output.blocked.empty();
}

/// Which of `requests` each payload belongs to: `of`, or each its own. Nothing when that cannot be told.
std::optional<std::vector<std::size_t>> owners_of(const Json& body, std::size_t requests) {
  std::vector<std::size_t> owners;
  const auto of = body.find("of");
  if (of == body.end()) {
    for (std::size_t index = 0; index < requests; ++index) owners.push_back(index);
    return owners;
  }
  if (!of->is_array() || of->size() > wire::kBundlePartsMax) return std::nullopt;
  for (const Json& each : *of) {
    const std::int64_t owner = each.is_number_integer() ? each.get<std::int64_t>() : -1;
    if (owner < 0 || static_cast<std::size_t>(owner) >= requests) return std::nullopt;
    owners.push_back(static_cast<std::size_t>(owner));
  }
  return owners;
}

/// Questions of one gateway that came together: each is answered for itself, in order.
Result<wire::Message> mask_all(const wire::Message& request) {
  const auto requests = request.body.find("requests");
  if (requests == request.body.end() || !requests->is_array() || request.attachments.size() != 1)
    return fail(Code::malformed, "MasksRequested: expected requests and one attachment");
  if (requests->size() > wire::kBundlePartsMax)
    return fail(Code::malformed, "MasksRequested: at most 32 requests travel together");
  const auto owners = owners_of(request.body, requests->size());
  if (!owners) return fail(Code::malformed, "MasksRequested: expected \"of\" to name a request for each payload");
  const auto payloads = wire::parts_of(request.attachments.front(), owners->size());
  if (!payloads) return fail(Code::malformed, "MasksRequested: expected a payload for each request");
  const bool brief = request.body.contains("of");
  std::vector<Result<MaskInput>> inputs;
  inputs.reserve(requests->size());
  for (const Json& each : *requests) inputs.push_back(input_of(each));
  wire::Message answer{"PayloadsMasked", Json::object(), std::vector<Bytes>(1)};
  Json& answers = answer.body["answers"] = Json::array();
  for (std::size_t index = 0; index < owners->size(); ++index) {
    const Result<MaskInput>& input = inputs[(*owners)[index]];
    std::string masked;  // empty where whoever asked has these bytes
    if (!input) {
      answers.push_back(Json{{"refused", wire::refusal(input.error()).body}});
    } else {
      MaskOutput output = mask(*input, (*payloads)[index]);
      answers.push_back(brief && is_untold(output) ? Json() : told(output));
      if (output.changed) masked = std::move(output.bytes);
    }
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
  auto input = input_of(request.body);
  if (!input) return input.error();
  MaskOutput output = mask(*input, request.attachments.front());
  wire::Message answer{"PayloadMasked", told(output), std::vector<Bytes>(1)};
  answer.attachments.front() = std::move(output.bytes);
  return answer;
}

}  // namespace holdpoint::masker
