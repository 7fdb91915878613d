#include "gateway/record/operation_record.hpp"

#include <algorithm>

#include "bus/base/crypto.hpp"

namespace holdpoint::record {
namespace {

// What an agent may put into one member of the record.
constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kListMax = 256;

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
  facts.parameters = bounded_parameters(without_sensitive(operation.parameters, operation.sensitive));
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
  put(data, "invocation_id", facts.invocation_id);
  put(data, "source_ip", facts.source_ip);
  put(data, "user_agent", facts.user_agent);
  put(data, "method", facts.method);
  put(data, "path", facts.path);
  if (!facts.actions.empty()) data["actions"] = list(facts.actions);
  if (!facts.resources.empty()) data["resources"] = list(facts.resources);
  if (!facts.parameters.empty()) data["parameters"] = facts.parameters;
  data["body_bytes"] = facts.body_bytes;
  return data;
}

Json refused_data(const OperationFacts& facts, const operation::Refusal& refusal, const Judgement& judgement,
                  int status) {
  Json data = operation_data(facts);
  data["decision"] = refusal.decision;
  data["code"] = holdpoint::name(refusal.code);
  put(data, "reason", refusal.reason);
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  data["status"] = status;
  return data;
}

Json parked_data(const OperationFacts& facts, const Judgement& judgement, std::string_view review_id) {
  Json data = operation_data(facts);
  data["review_id"] = review_id;
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  return data;
}

Json intended_data(const OperationFacts& facts, const Judgement& judgement, const IntentFacts& intent) {
  Json data = operation_data(facts);
  if (!intent.record_full) data.erase("parameters");
  data["decision"] = intent.decision;
  put(data, "policy", judgement.policy);
  put(data, "statement", judgement.statement);
  if (!intent.review_id.empty()) {
    data["review_id"] = intent.review_id;
    data["claim"] = facts.operation_id;
  }
  data["upstream_host"] = intent.upstream_host;
  data["record"] = intent.record_full ? "full" : "metadata";
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
  put(data, "blocked", outcome.blocked);
  return data;
}

}  // namespace holdpoint::record
