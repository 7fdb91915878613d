#include "gateway/review/digest.hpp"

#include <algorithm>

#include "bus/base/json.hpp"

namespace holdpoint::review {

Secret digest_key(BytesView session_key) { return derive_key(session_key, "holdpoint-review-digest-v1"); }

std::string operation_digest(BytesView key, std::string_view principal, std::string_view role_arn,
                             std::string_view target, const aws::Operation& operation,
                             const std::optional<Hash>& body_hash) {
  HOLDPOINT_INVARIANT(operation.body_is_data == body_hash.has_value());
  // The pairs, not two lists: swapping source and destination of a copy is another operation.
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const aws::Requirement& each : operation.requirements) pairs.emplace_back(each.action, each.resource);
  std::sort(pairs.begin(), pairs.end());
  Json requirements = Json::array();
  for (const auto& [action, resource] : pairs) requirements.push_back(Json::array({action, resource}));
  Json canonical{{"v", 1},
                 {"principal", principal},
                 {"role", role_arn},
                 {"target", target},
                 {"service", operation.service},
                 {"operation", operation.operation},
                 {"region", operation.region},
                 {"requirements", std::move(requirements)},
                 {"parameters", operation.parameters}};
  if (body_hash) canonical["body_sha256"] = to_hex(view(*body_hash));
  return to_base64(view(hmac_sha256(key, to_json(canonical))));
}

}  // namespace holdpoint::review
