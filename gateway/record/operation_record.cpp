#include "gateway/record/operation_record.hpp"

#include <algorithm>

#include "bus/base/crypto.hpp"
#include "gateway/record/plain_text.hpp"
#include "gateway/record/shape.hpp"

namespace holdpoint::record {
namespace {

void put(EventData& data, const char* member, std::string_view value) {
  if (!value.empty()) data.text(member, value.substr(0, kTextBytesMax));
}

/// An agent's own words: as the masker left them, else what is plain of them.
std::string shown(const OperationFacts& facts, const std::string& value) {
  if (const auto found = facts.shown.find(value); found != facts.shown.end()) return found->second;
  return plain_part(value);
}

void put_shown(EventData& data, const char* member, const OperationFacts& facts, const std::string& value) {
  if (!value.empty()) put(data, member, shown(facts, value));
}

template <class TextOf>
void put_list(EventData& data, const char* member, const std::vector<std::string>& values, TextOf text_of) {
  if (values.empty()) return;
  data.begin_list(member);
  for (std::size_t i = 0; i < values.size() && i < kListMax; ++i)
    data.list_text(BytesView(text_of(values[i])).substr(0, kTextBytesMax));
  if (values.size() > kListMax) data.list_text("and " + std::to_string(values.size() - kListMax) + " more");
  data.end_list();
}

/// Our own sentence about the call, which quotes its resources.
std::string shown_sentence(const OperationFacts& facts, std::string sentence) {
  const auto replace = [&](const std::string& value) {
    const std::string instead = shown(facts, value);
    if (value.empty() || instead == value) return;
    const std::string quoted = display(value, 512);
    for (std::size_t at = sentence.find(quoted); at != std::string::npos;
         at = sentence.find(quoted, at + instead.size()))
      sentence.replace(at, quoted.size(), instead);
  };
  for (std::size_t i = 0; i < facts.resources.size() && i < kListMax; ++i) replace(facts.resources[i]);
  replace(facts.path);
  return plain_sentence(sentence);
}

std::vector<std::string> unique(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

Json without_sensitive(Json parameters, const std::vector<std::string>& pointers) {
  for (const std::string& pointer : pointers) {
    // A pointer is made by the classifier from the same parameters; one that does not parse hides everything.
    try {
      const Json::json_pointer place(pointer);
      if (parameters.contains(place)) parameters[place] = Json{{"masked", "sensitive"}};
    } catch (const Json::exception&) {
      return Json{{"masked", "sensitive"}};
    }
  }
  return parameters;
}

Json withheld_parameters(std::size_t bytes) {
  return Json{{"withheld", "larger than " + std::to_string(kParameterBytesMax) + " bytes"}, {"bytes", bytes}};
}

void describe(OperationFacts& facts, const aws::Operation& operation) {
  facts.service = operation.service;
  facts.operation = operation.operation;
  facts.region = operation.region;
  facts.access = aws::name(operation.access);
  facts.actions.clear();
  facts.resources.clear();
  for (const aws::Requirement& each : operation.requirements) {
    facts.actions.push_back(each.action);
    facts.resources.push_back(each.resource);
  }
  facts.actions = unique(std::move(facts.actions));
  facts.resources = unique(std::move(facts.resources));
  facts.parameters = shape_of(operation.parameters, facts.resources);
}

// Members stand in their order, so that there is little to sort when the event is written.
EventData operation_data(const OperationFacts& facts, bool with_parameters) {
  EventData data;
  put(data, "access", facts.access);
  put_list(data, "actions", facts.actions, [](const std::string& action) -> const std::string& { return action; });
  data.number("body_bytes", facts.body_bytes);
  put_shown(data, "invocation_id", facts, facts.invocation_id);
  put_shown(data, "method", facts, facts.method);
  put(data, "operation", facts.operation);
  put(data, "operation_id", facts.operation_id);
  if (with_parameters && !facts.parameters.empty()) data.json("parameters", facts.parameters);
  put_shown(data, "path", facts, facts.path);
  put(data, "principal", facts.principal);
  put(data, "region", facts.region);
  put_list(data, "resources", facts.resources, [&](const std::string& resource) { return shown(facts, resource); });
  put(data, "role_arn", facts.role_arn);
  put(data, "service", facts.service);
  put(data, "session_id", facts.session_id);
  put(data, "source_ip", facts.source_ip);
  put(data, "target", facts.target);
  put_shown(data, "user_agent", facts, facts.user_agent);
  return data;
}

EventData refused_data(const OperationFacts& facts, const operation::Refusal& refusal, const Judgement& judgement,
                       int status) {
  EventData data = operation_data(facts, judgement.record_full);
  data.text("decision", refusal.decision);
  data.text("code", holdpoint::name(refusal.code));
  put(data, "reason", shown_sentence(facts, refusal.reason));
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  data.number("status", status);
  return data;
}

EventData parked_data(const OperationFacts& facts, const Judgement& judgement, std::string_view review_id) {
  EventData data = operation_data(facts, judgement.record_full);
  data.text("review_id", review_id);
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  return data;
}

EventData intended_data(const OperationFacts& facts, const Judgement& judgement, const IntentFacts& intent) {
  EventData data = operation_data(facts, judgement.record_full);
  data.text("decision", intent.decision);
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  if (!intent.review_id.empty()) {
    data.text("review_id", intent.review_id);
    data.text("claim", facts.operation_id);
  }
  data.text("upstream_host", intent.upstream_host);
  data.text("record", judgement.record_full ? "full" : "metadata");
  return data;
}

EventData answered_data(const OperationFacts& facts, int status, std::string_view upstream_request_id) {
  EventData data;
  data.text("operation_id", facts.operation_id);
  data.number("status", status);
  data.text("upstream_request_id", upstream_request_id.substr(0, kTextBytesMax));
  return data;
}

EventData completed_data(const OperationFacts& facts, const OutcomeFacts& outcome) {
  EventData data;
  data.number("answer_bytes", outcome.answer_bytes);
  put(data, "blocked", plain_sentence(outcome.blocked));
  data.json("findings", outcome.findings);
  put(data, "operation_id", facts.operation_id);
  data.text("outcome", outcome.outcome);
  data.number("request_bytes", outcome.request_bytes);
  put(data, "session_id", facts.session_id);
  data.number("status", outcome.status);
  if (!outcome.unmasked.empty()) data.json("unmasked", outcome.unmasked);
  data.number("upstream_ms", outcome.upstream_ms);
  put(data, "upstream_request_id", outcome.upstream_request_id);
  data.number("wait_ms", outcome.wait_ms);
  return data;
}

}  // namespace holdpoint::record
