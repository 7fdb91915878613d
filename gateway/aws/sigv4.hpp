// Signature Version 4, both directions. Verifying takes two steps, because the secret is found by what the first gives:
//
//   parse_signature(head) -> who, scope, payload form -> (caller opens the session) -> verify_signature(…, key, body)
//
// Error codes say what to answer: `unauthenticated` no signature at all, `malformed` one that breaks the rules,
// `unsupported` SigV2, SigV4a or an S3 POST form, `expired` a date outside the window, `tampered` a signature or a body
// that does not fit. Not here: chunk signatures (chunked_body.hpp), sessions and secrets (the caller's).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/base/time.hpp"
#include "gateway/aws/http_head.hpp"

namespace holdpoint::aws {

/// How the body is bound to the signature.
enum class PayloadForm {
  hashed,                 ///< x-amz-content-sha256 carries the body's SHA-256, or the body itself is hashed
  unsigned_payload,       ///< UNSIGNED-PAYLOAD: the body is not bound
  unsigned_trailer,       ///< STREAMING-UNSIGNED-PAYLOAD-TRAILER: aws-chunked, not bound
  signed_chunks,          ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD: aws-chunked, each chunk signed
  signed_chunks_trailer,  ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
};
bool is_aws_chunked(PayloadForm form);
/// The word for x-amz-content-sha256; empty for `hashed`.
std::string_view payload_word(PayloadForm form);

struct ParsedSignature {
  std::string access_key_id;
  std::string date;  ///< YYYYMMDD of the scope
  std::string region;
  std::string service;
  std::string session_token;  ///< empty if there is none
  std::string amz_date;       ///< YYYYMMDDTHHMMSSZ
  Instant signed_at{};
  std::vector<std::string> signed_headers;  ///< lower case, sorted
  std::string signature;                    ///< 64 hexadecimal digits, lower case
  PayloadForm payload = PayloadForm::hashed;
  std::string declared_hash;  ///< of `hashed`, when the header gives it: 64 hexadecimal digits
  bool presigned = false;

  [[nodiscard]] std::string scope() const;
};

/// How far a client's clock may be off (AWS allows 15 minutes as well).
constexpr Duration kClockSkewMax = std::chrono::minutes(15);

/// Checks everything but the signature itself, the date window included.
Result<ParsedSignature> parse_signature(const HttpHead& head, Instant now);

/// HMAC chain date, region, service, "aws4_request"; cache it (it costs as much as signing).
Secret derive_signing_key(BytesView secret, std::string_view date, std::string_view region, std::string_view service);

/// True when verifying needs the body's hash (no x-amz-content-sha256).
bool needs_body_hash(const ParsedSignature& parsed);

/// Constant time. With `body_hash` the body is checked too; without it a declared hash is trusted for now and
/// check_body must follow once the body is in. Fails with `tampered`.
Result<void> verify_signature(const ParsedSignature& parsed, const HttpHead& head, BytesView signing_key,
                              const std::optional<Hash>& body_hash);
Result<void> check_body(const ParsedSignature& parsed, const Hash& body_hash);

/// What a call is signed with.
struct SigningIdentity {
  std::string access_key_id;
  std::string session_token;  ///< empty for static keys
  Secret signing_key;         ///< of derive_signing_key for the same date, region and service
};

struct SigningScope {
  std::string region;
  std::string service;
};

/// "20260101T000000Z"
std::string amz_date(Instant instant);

/// The headers to add to `head` (which must have Host and none of these): x-amz-date, x-amz-content-sha256,
/// x-amz-security-token, Authorization. Signs every header of `head` but those that hops may change.
Result<Headers> sign(const HttpHead& head, const SigningIdentity& identity, const SigningScope& scope,
                     std::string_view payload, Instant now);

/// The target of a presigned request: `head` (method, target with its query, Host alone) with the signature's
/// parameters behind its own. Its body is empty.
Result<std::string> presign(const HttpHead& head, const SigningIdentity& identity, const SigningScope& scope,
                            std::chrono::seconds expires, Instant now);

}  // namespace holdpoint::aws
