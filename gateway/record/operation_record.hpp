// The data of the events that a gateway records (PROTOCOL.md, "Events"). Pure: builds their text, records nothing.
//
// Nothing sensitive enters: parameters are recorded as the masker left them (inspection.hpp), else as their shape
// alone; of other words of agents what is plain, or what the masker left. Strings of agents that are not UTF-8 are
// carried as
// {"base64": …}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/base/json.hpp"
#include "bus/record/event.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/operation/message.hpp"

namespace holdpoint::record {

/// What is known of one operation; members are empty as long as they are not.
struct OperationFacts {
  std::string operation_id;
  std::string session_id;
  std::string principal;
  std::string role_arn;
  std::string target;
  std::string service;
  std::string operation;
  std::string region;
  std::vector<std::string> actions;
  std::vector<std::string> resources;
  std::string access;
  Json parameters = Json::object();          ///< as recorded: masked and bounded, or their shape
  std::map<std::string, std::string> shown;  ///< what the masker made of a text of these facts
  std::string invocation_id;
  std::string source_ip;
  std::string user_agent;
  std::string method;
  std::string path;  ///< without the query, which may hold signatures and tokens
  std::uint64_t body_bytes = 0;
};

/// Longer parameters are recorded as their hash and size: an entry of the journal is bounded.
constexpr std::size_t kParameterBytesMax = 128 << 10;

/// What an agent may put into one member of the record.
constexpr std::size_t kTextBytesMax = 4096;
constexpr std::size_t kListMax = 256;

/// Takes over what the classifier found, of the parameters only their shape.
void describe(OperationFacts& facts, const aws::Operation& operation);
/// `parameters` with the members at `pointers` replaced; a pointer that leads nowhere is passed over.
Json without_sensitive(Json parameters, const std::vector<std::string>& pointers);
/// What is recorded instead of parameters beyond the bound, whose text has so many bytes.
Json withheld_parameters(std::size_t bytes);

EventData operation_data(const OperationFacts& facts, bool with_parameters = true);

struct Judgement {
  std::string policy;
  std::string statement;
  bool record_full = true;  ///< false: "Record": "metadata", the events hold no parameters at all
};
EventData refused_data(const OperationFacts& facts, const operation::Refusal& refusal, const Judgement& judgement,
                       int status);
EventData parked_data(const OperationFacts& facts, const Judgement& judgement, std::string_view review_id);

struct IntentFacts {
  std::string decision;  ///< allowed, granted
  std::string review_id;
  std::string upstream_host;
};
EventData intended_data(const OperationFacts& facts, const Judgement& judgement, const IntentFacts& intent);
EventData answered_data(const OperationFacts& facts, int status, std::string_view upstream_request_id);

struct OutcomeFacts {
  std::string outcome;  ///< done, failed, unknown
  int status = 0;
  std::string upstream_request_id;
  std::uint64_t request_bytes = 0;
  std::uint64_t answer_bytes = 0;
  Json findings = Json::array();
  Json unmasked = Json::array();
  std::string blocked;
  std::int64_t upstream_ms = 0;
  std::int64_t wait_ms = 0;
};
EventData completed_data(const OperationFacts& facts, const OutcomeFacts& outcome);

}  // namespace holdpoint::record
