#include "masker/offline.hpp"

#include <optional>

#include "masker/finding_json.hpp"

namespace holdpoint::masker {

namespace {

/// An entry of the log: the parameters of its operation, as the record has them.
std::optional<Line> read_event(const Json& event) {
  const auto data = event.is_object() ? event.find("data") : event.end();
  if (data == event.end() || !data->is_object() || !data->contains("parameters")) return std::nullopt;
  Line line;
  line.input.content_type = "application/json";
  line.input.service = string_or(*data, "service");
  line.input.operation = string_or(*data, "operation");
  line.input.direction = "record";
  line.body = to_json((*data)["parameters"]);
  return line;
}

void put(Json& answer, MaskOutput output, bool text, const LineOptions& options) {
  if (!output.blocked.empty()) {
    answer["blocked"] = true;
    answer["reason"] = output.blocked;
  } else if (options.report_only) {
    answer["changed"] = output.changed;
    answer["findings"] = findings_json(output.findings);
  } else if (text && is_utf8(output.bytes)) {
    answer["text"] = std::move(output.bytes);
  } else {
    answer["b64"] = to_base64(output.bytes);
  }
}

}  // namespace

Result<Line> read_line(const Json& request) {
  Line line;
  line.input.content_type = string_or(request, "content_type");
  line.input.content_encoding = string_or(request, "content_encoding");
  if (const auto meta = request.find("meta"); meta != request.end() && meta->is_object()) {
    line.input.service = string_or(*meta, "service");
    line.input.operation = string_or(*meta, "operation");
    line.input.protocol = string_or(*meta, "protocol");
  }
  line.text = request.contains("text");
  line.body = string_or(request, "text");
  if (line.text) return line;
  auto bytes = from_base64(string_or(request, "b64"));
  if (!bytes) return fail(Code::malformed, "b64 is not base64");
  line.body = std::move(*bytes);
  return line;
}

std::string mask_line(std::string_view text, const LineOptions& options) {
  // Base64 and escapes make a line longer than its body.
  const auto request = parse_json(text, {document_bytes_max * 2, 64});
  if (!request) return to_json({{"error", request.error().context}});
  if (!request->is_object()) return to_json({{"error", "expected an object"}});
  const auto event = request->find("event");
  Json answer = {{"id", request->value(event == request->end() ? "id" : "index", Json())}};
  const auto refused = [&](const std::string& why) { return to_json({{"id", answer["id"]}, {"error", why}}); };
  Result<Line> line = Line();
  if (event != request->end()) {
    auto recorded = read_event(*event);
    if (!recorded) return to_json({{"id", answer["id"]}, {"skipped", "it has no parameters"}});
    line = std::move(*recorded);
  } else {
    line = read_line(*request);
  }
  if (!line) return refused(line.error().context);
  if (options.rules) {
    auto rules = options.rules(line->input.service, line->input.operation);
    if (!rules) return refused(rules.error().context);
    line->input.rules = std::move(*rules);
  }
  MaskOutput output = mask(line->input, line->body);
  if (options.found) options.found(output.findings);
  put(answer, std::move(output), line->text, options);
  return to_json(answer);
}

}  // namespace holdpoint::masker
