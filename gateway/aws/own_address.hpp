// Addresses in requests and answers that clients call again: a queue's URL, an object's Location, S3's redirects. An
// answer names the target, whom the client must not and cannot call; a later request names this gateway, whom the
// target does not know. Both are written anew, so that each side reads its own. Pure.
//
// Where a call goes is decided elsewhere (endpoint.hpp): no address that stands in a request has a say in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bus/base/encoding.hpp"
#include "gateway/aws/classify.hpp"

namespace holdpoint::aws {

/// "http(s)://AUTHORITY/ACCOUNT/NAME": a queue's URL taken apart.
struct QueueUrl {
  std::string_view authority;  ///< host and port as written
  std::string_view path;       ///< "/ACCOUNT/NAME"
};
/// Nothing for what is no such URL. The views are into `url`.
std::optional<QueueUrl> parse_queue_url(std::string_view url);
/// "/ACCOUNT/NAME", in the characters of accounts and queues alone.
bool is_queue_path(std::string_view path);

/// The body of a JSON or form call, accepted by the classifier, with `value` as its top-level member `member`. Fails
/// with `unsupported` for other protocols, else as the parsers do.
Result<Bytes> with_member(const Route& route, BytesView body, std::string_view member, std::string_view value);

/// The gateway as the client calls it.
struct OwnAddress {
  std::string_view scheme;     ///< "http" or "https"
  std::string_view authority;  ///< of the request's Host header
  bool holds_bucket = false;   ///< the host begins with the bucket's name: paths hold the key alone
};

/// Whether the body of this answer may hold an address and must be read whole.
bool holds_address(const Operation& operation, int status);
/// An absolute Location of a created bucket becomes the gateway's; S3's redirects lose theirs, which leads past the
/// gateway or in a circle, and say x-amz-bucket-region where the target did not, by which clients sign anew.
void localise_headers(const Operation& operation, int status, const OwnAddress& own, Headers& headers);
/// False when nothing was changed. What cannot be read stays as it is: then the client is told of an address that it
/// cannot call.
bool localise_body(const Operation& operation, int status, const OwnAddress& own, std::string& body);

}  // namespace holdpoint::aws
