#include "gateway/record/inspection.hpp"

#include "bus/base/encoding.hpp"
#include "gateway/record/placeholders.hpp"
#include "gateway/record/plain_text.hpp"

namespace holdpoint::record {
namespace {

/// Of DynamoDB alone: elsewhere names stand beside their values.
std::vector<NamedPlace> places_of(const aws::Operation& operation, const Json& parameters) {
  return operation.service == "dynamodb" ? named_places(parameters) : std::vector<NamedPlace>();
}

Json parameters_of(const aws::Operation& operation) {
  return bounded_parameters(without_sensitive(operation.parameters, operation.sensitive));
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

Json inspection_document(const OperationFacts& facts, const aws::Operation& operation) {
  Json document{{"parameters", parameters_of(operation)}, {"named", Json::array()}, {"texts", Json::array()}};
  for (const NamedPlace& each : places_of(operation, document["parameters"]))
    document["named"].push_back({{each.name, document["parameters"][each.place]}});
  for (const std::string& text : unplain_texts(facts)) document["texts"].push_back(decoded(text));
  return document;
}

void take_inspected(OperationFacts& facts, const aws::Operation& operation, const Json& masked) {
  if (!masked.is_object() || !masked.contains("parameters") || !masked.contains("named") || !masked.contains("texts"))
    return;
  const std::vector<std::string> texts = unplain_texts(facts);
  const Json asked = parameters_of(operation);
  const auto places = places_of(operation, asked);
  const Json& named = masked["named"];
  const Json& seen = masked["texts"];
  if (!named.is_array() || named.size() != places.size() || !seen.is_array() || seen.size() != texts.size()) return;
  Json parameters = masked["parameters"];
  if (!parameters.is_object()) return;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!named[i].is_object() || named[i].size() != 1 || !parameters.contains(places[i].place)) return;
    const Json& value = named[i].begin().value();
    if (value != asked[places[i].place]) parameters[places[i].place] = value;
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!seen[i].is_string()) return;
    const std::string shown = without_cards(seen[i].get_ref<const std::string&>());
    facts.shown[texts[i]] = shown == decoded(texts[i]) ? texts[i] : shown;
  }
  // Members that name things, as the resources do.
  for (auto& [name, value] : parameters.items()) {
    if (value.is_string()) value = without_cards(value.get_ref<const std::string&>());
  }
  facts.parameters = std::move(parameters);
}

}  // namespace holdpoint::record
