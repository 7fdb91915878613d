#include "gateway/record/operation_record.hpp"

#include <algorithm>

#include "bus/base/crypto.hpp"
#include "gateway/record/plain_text.hpp"
#include "gateway/record/shape.hpp"

namespace holdpoint::record {
namespace {

Json text(const std::string& value) { return text_json(BytesView(value).substr(0, kTextBytesMax)); }

Json list(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const std::string& value : values) {
    if (out.size() == kListMax) {
      out.push_back("and " + std::to_string(values.size() - kListMax) + " more");
      break;
    }
    out.push_back(text(value));
  }
  return out;
}

void put(Json& data, const char* member, const std::string& value) {
  if (!value.empty()) data[member] = text(value);
}

/// An agent's own words: as the masker left them, else what is plain of them.
std::string shown(const OperationFacts& facts, const std::string& value) {
  if (const auto found = facts.shown.find(value); found != facts.shown.end()) return found->second;
  return plain_part(value);
}

std::vector<std::string> shown(const OperationFacts& facts, std::vector<std::string> values) {
  for (std::string& value : values) value = shown(facts, value);
  return values;
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

Json bounded_parameters(Json parameters) {
  const std::string whole = to_json(parameters);
  if (whole.size() <= kParameterBytesMax) return parameters;
  return Json{{"withheld", "larger than " + std::to_string(kParameterBytesMax) + " bytes"}, {"bytes", whole.size()}};
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

Json operation_data(const OperationFacts& facts) {
  Json data = Json::object();
  put(data, "operation_id", facts.operation_id);
  put(data, "session_id", facts.session_id);
  put(data, "principal", facts.principal);
  put(data, "role_arn", facts.role_arn);
  put(data, "target", facts.target);
  put(data, "service", facts.service);
  put(data, "operation", facts.operation);
  put(data, "region", facts.region);
  put(data, "access", facts.access);
  put(data, "invocation_id", shown(facts, facts.invocation_id));
  put(data, "source_ip", facts.source_ip);
  put(data, "user_agent", shown(facts, facts.user_agent));
  put(data, "method", shown(facts, facts.method));
  put(data, "path", shown(facts, facts.path));
  if (!facts.actions.empty()) data["actions"] = list(facts.actions);
  if (!facts.resources.empty()) data["resources"] = list(shown(facts, facts.resources));
  if (!facts.parameters.empty()) data["parameters"] = facts.parameters;
  data["body_bytes"] = facts.body_bytes;
  return data;
}

namespace {

Json operation_data(const OperationFacts& facts, const Judgement& judgement) {
  Json data = operation_data(facts);
  if (!judgement.record_full) data.erase("parameters");
  return data;
}

}  // namespace

Json refused_data(const OperationFacts& facts, const operation::Refusal& refusal, const Judgement& judgement,
                  int status) {
  Json data = operation_data(facts, judgement);
  data["decision"] = refusal.decision;
  data["code"] = holdpoint::name(refusal.code);
  put(data, "reason", shown_sentence(facts, refusal.reason));
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  data["status"] = status;
  return data;
}

Json parked_data(const OperationFacts& facts, const Judgement& judgement, std::string_view review_id) {
  Json data = operation_data(facts, judgement);
  data["review_id"] = review_id;
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  return data;
}

Json intended_data(const OperationFacts& facts, const Judgement& judgement, const IntentFacts& intent) {
  Json data = operation_data(facts, judgement);
  data["decision"] = intent.decision;
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  if (!intent.review_id.empty()) {
    data["review_id"] = intent.review_id;
    data["claim"] = facts.operation_id;
  }
  data["upstream_host"] = intent.upstream_host;
  data["record"] = judgement.record_full ? "full" : "metadata";
  return data;
}

Json answered_data(const OperationFacts& facts, int status, std::string_view upstream_request_id) {
  return {{"operation_id", facts.operation_id},
          {"status", status},
          {"upstream_request_id", text_json(upstream_request_id.substr(0, kTextBytesMax))}};
}

Json completed_data(const OperationFacts& facts, const OutcomeFacts& outcome) {
  Json data = Json::object();
  put(data, "operation_id", facts.operation_id);
  put(data, "session_id", facts.session_id);
  data["outcome"] = outcome.outcome;
  data["status"] = outcome.status;
  data["request_bytes"] = outcome.request_bytes;
  data["answer_bytes"] = outcome.answer_bytes;
  data["findings"] = outcome.findings;
  data["upstream_ms"] = outcome.upstream_ms;
  data["wait_ms"] = outcome.wait_ms;
  put(data, "upstream_request_id", outcome.upstream_request_id);
  put(data, "blocked", plain_sentence(outcome.blocked));
  return data;
}

}  // namespace holdpoint::record
