#include "gateway/record/inspection.hpp"

#include <utility>

#include "bus/base/encoding.hpp"
#include "gateway/record/plain_text.hpp"

namespace holdpoint::record {
namespace {

/// Of DynamoDB alone: elsewhere names stand beside their values.
std::vector<NamedPlace> places_of(const aws::Operation& operation, const Json& parameters) {
  return operation.service == "dynamodb" ? named_places(parameters) : std::vector<NamedPlace>();
}

/// What percent-encoding hides from detectors.
std::string decoded(const std::string& text) {
  if (text.find('%') == std::string::npos) return text;
  std::string plus;  // a path's plus is a plus
  for (const char c : text) plus += c == '+' ? std::string("%2B") : std::string(1, c);
  return form_decode(plus).value_or(text);
}

std::vector<std::string> unplain_texts(const OperationFacts& facts) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& text) {
    if (text.size() <= kTextBytesMax && is_utf8(text) && !is_plain(text)) out.push_back(text);
  };
  for (std::size_t i = 0; i < facts.resources.size() && i < kListMax; ++i) add(facts.resources[i]);
  for (const std::string* text : {&facts.path, &facts.user_agent, &facts.invocation_id}) add(*text);
  return out;
}

}  // namespace

bool has_unplain_text(const OperationFacts& facts) { return !unplain_texts(facts).empty(); }

Inspection::Inspection(const OperationFacts& facts, const aws::Operation& operation)
    : parameters_(without_sensitive(operation.parameters, operation.sensitive)),
      parameters_text_(to_json(parameters_)),
      texts_(unplain_texts(facts)) {
  if (parameters_text_.size() > kParameterBytesMax) {
    parameters_ = withheld_parameters(parameters_text_.size());
    parameters_text_ = to_json(parameters_);
  }
  places_ = places_of(operation, parameters_);
}

std::string Inspection::document() const {
  std::string out = R"({"named":[)";
  const char* separator = "{";
  for (const NamedPlace& each : places_) {
    out += std::exchange(separator, ",{");
    append_json_text(each.name, out);
    out.push_back(':');
    append_json(parameters_[each.place], out);
    out.push_back('}');
  }
  out += R"(],"parameters":)";
  out += parameters_text_;
  out += R"(,"texts":[)";
  separator = "";
  for (const std::string& text : texts_) {
    out += std::exchange(separator, ",");
    append_json_text(decoded(text), out);
  }
  out += "]}";
  return out;
}

void Inspection::show(OperationFacts& facts, std::size_t text, const std::string& seen) const {
  const std::string shown = without_cards(seen);
  facts.shown[texts_[text]] = shown == decoded(texts_[text]) ? texts_[text] : shown;
}

void Inspection::take_parameters(OperationFacts& facts, Json parameters) {
  // Members that name things, as the resources do.
  for (auto& [name, value] : parameters.items()) {
    if (value.is_string()) value = without_cards(value.get_ref<const std::string&>());
  }
  facts.parameters = std::move(parameters);
}

void Inspection::take(OperationFacts& facts, const Json& masked) {
  if (!masked.is_object() || !masked.contains("parameters") || !masked.contains("named") || !masked.contains("texts"))
    return;
  const Json& named = masked["named"];
  const Json& seen = masked["texts"];
  if (!named.is_array() || named.size() != places_.size() || !seen.is_array() || seen.size() != texts_.size()) return;
  Json parameters = masked["parameters"];
  if (!parameters.is_object()) return;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Json::json_pointer& place = places_[i].place;
    if (!named[i].is_object() || named[i].size() != 1 || !parameters.contains(place)) return;
    const Json& value = named[i].begin().value();
    if (value != parameters_[place]) parameters[place] = value;
  }
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (!seen[i].is_string()) return;
    show(facts, i, seen[i].get_ref<const std::string&>());
  }
  take_parameters(facts, std::move(parameters));
}

void Inspection::take_unchanged(OperationFacts& facts) {
  if (!parameters_.is_object()) return;
  for (std::size_t i = 0; i < texts_.size(); ++i) show(facts, i, decoded(texts_[i]));
  take_parameters(facts, std::move(parameters_));
}

}  // namespace holdpoint::record
