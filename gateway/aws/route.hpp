// Which operation a request is: from the credential scope's services alone, in the order that resolves the wire
// (rpc-v2-cbor path, X-Amz-Target, Action of a form or query, REST). What contradicts the scope or itself is refused.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/aws/http_head.hpp"
#include "gateway/aws/table.hpp"

namespace holdpoint::aws {

/// Where a call is signed for, and whom it would reach.
struct CallScope {
  std::string service;  ///< of the credential scope
  std::string region;
  std::string account;  ///< the target's, for resource ARNs
  /// Names the gateway answers to; "bucket.NAME" is S3's virtual-host style. The owner outlives the scope.
  std::span<const std::string> hosts;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Route {
  const OperationModel* operation = nullptr;
  Protocol protocol = Protocol::json10;
  Fields labels;                             ///< member name -> decoded value (S3: Bucket and Key)
  Fields query;                              ///< decoded, without presigning parameters; duplicates kept
  Fields form;                               ///< query and ec2 protocols: all fields but Action and Version
  std::string path;                          ///< decoded
  std::vector<const OperationModel*> twins;  ///< others that fit as well
};

/// One more operation that fits as well as what the route has. The name that the newest SDKs use and the service that
/// the scope is named after come first; the others are twins.
void add_candidate(Route& route, const OperationModel& operation, Protocol protocol, const CallScope& scope);

/// `body` is looked at for the query protocols alone; nullptr = not read yet (then a form's action is not known and
/// the route has no operation, only a protocol). Fails with `malformed`, `denied` (a contradiction), `not_found`
/// (no such operation) or `unsupported`.
Result<Route> find_route(const HttpHead& head, const CallScope& scope, const BytesView* body);

/// Decoded fields of "a=b&c=d". `plus_is_space` for form bodies; in a query string a raw "+" is refused.
Result<Fields> parse_fields(std::string_view text, bool plus_is_space);
/// A parameter that belongs to a presigned request's signature, not to the operation.
bool is_presigning(std::string_view name);
/// The value of the first field of that name, nullptr if there is none.
const std::string* field(const Fields& fields, std::string_view name);

}  // namespace holdpoint::aws
