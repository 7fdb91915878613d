// One understood AWS call: what the classifier yields, what policy decides on, what reviewers see, what is recorded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/base/json.hpp"
#include "gateway/aws/handed_out.hpp"

namespace holdpoint::aws {

enum class Protocol { json10, json11, query, ec2, rest_json, rest_xml, s3, rpc_v2_cbor };
enum class Access { list, read, write, tagging, permissions };  ///< IAM's access levels

std::string_view name(
    Protocol protocol);  ///< "json-1.0", "json-1.1", "query", "ec2", "rest-json", "rest-xml", "s3", "rpc-v2-cbor"
std::string_view name(Access access);  ///< "List", "Read", "Write", "Tagging", "Permissions management"

/// Condition keys with their values, as IAM names them ("dynamodb:LeadingKeys" -> {...}). Names in lower case; without
/// a value: the request has some, and they could not be read.
using ContextKeys = std::map<std::string, std::vector<std::string>>;

/// One (action, resource) pair that the operation needs; every pair of an operation must be permitted.
struct Requirement {
  std::string action;    ///< "dynamodb:GetItem"
  std::string resource;  ///< ARN, or "*" where the action has no resource
  ContextKeys context;   ///< keys that belong to this pair alone
  std::string region{};  ///< where it is needed, when that is not the operation's own
  /// What else the name may stand for, with wildcards ("…:role/*/deploy"): a restriction that covers any of it applies,
  /// while a permit is judged by `resource`. Empty = nothing.
  std::string may_be{};
};

struct Operation {
  std::string service;       ///< SDK service id, lower case with hyphens: "dynamodb", "s3", "cloudwatch-logs"
  std::string operation;     ///< "GetItem"
  std::string signing_name;  ///< of the credential scope: "dynamodb"
  std::string region;        ///< of the credential scope
  Protocol protocol = Protocol::json10;
  Access access = Access::write;
  std::vector<Requirement> requirements;
  Json parameters = Json::object();        ///< canonical; free of idempotency tokens that the SDK makes by itself
  ContextKeys context;                     ///< keys of the request as a whole (aws:RequestTag/…, s3:prefix, …)
  std::vector<std::string> sensitive;      ///< JSON pointers into `parameters` that the model marks
  std::vector<std::string> candidates;     ///< wire twins ("service:Operation") when ambiguous; empty otherwise
  bool body_is_data = false;               ///< S3 object bytes and the like: not parsed, bound by hash
  bool answer_is_data = false;             ///< the answer's body is the payload itself (GetObject)
  HandsOut hands_out = HandsOut::nothing;  ///< the most of what it and its wire twins do
};

}  // namespace holdpoint::aws
