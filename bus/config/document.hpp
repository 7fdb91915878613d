// The configuration document: what `holdpoint config apply` makes from the YAML file and the policies beside it, signs
// with the operator's key under a rising version, and the broker distributes (Clone). Plain data, no behaviour.
//
//   {"deployment","version","issued_at","gateway":{…},"issuers":[…],"targets":[…],"roles":[…],"reviewers":{…},
//    "masking":{…},"keys":[…],"sealed":{…},"revoked":{…},"revoked_in_file":{…},"revoked_by_hand":{…}}
//
// Signed form on the wire and on disk: {"document": "<the exact JSON text>", "signature": base64 Ed25519 over
// "holdpoint-configuration-v1\n" + text}. Older or unsigned is refused, also after a restart.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bus/base/crypto.hpp"
#include "bus/base/json.hpp"
#include "bus/base/time.hpp"
#include "bus/wire/role.hpp"

namespace holdpoint::config {

enum class Durable { journal, database };
enum class Outside { deny, hold };

struct GatewaySettings {
  std::vector<std::string> listen{"127.0.0.1:7400"};
  std::string tls_certificate;  ///< PEM file; empty = plain http, allowed on loopback only
  std::string tls_key;
  Durable durable = Durable::journal;
  std::vector<std::string> hosts;  ///< names the gateway answers to beside its listen addresses ("unknown Host")
  std::uint64_t body_bytes_max = 16 << 20;
  std::uint32_t parked_max = 10000;  ///< in one gateway
  std::uint32_t parked_per_principal_max = 100;
  // 0 = no bound
  std::uint32_t in_flight_max = 0;  ///< calls at work in one gateway, parked ones too
  std::uint32_t in_flight_per_principal_max = 0;
  std::uint32_t calls_per_second_per_principal_max = 0;
};

struct Issuer {
  std::string name;
  std::string url;                                                 ///< compared with `iss` byte for byte
  std::vector<std::string> audiences;                              ///< of agents' tokens
  std::vector<std::string> review_audiences{"holdpoint-reviews"};  ///< of reviewers' tokens; disjoint from the above
  std::vector<std::string> parties;                                ///< accepted `azp` beside the audiences
  std::vector<std::string> claims;  ///< claims that conditions may use; empty = all that are text
  std::string groups_claim = "groups";
  bool embedded = false;       ///< keys under var/, JWKS below
  Json jwks = Json::object();  ///< static keys; for the embedded issuer always, else fetched from the url
  std::string jwks_uri;        ///< where they are fetched from; empty = what the url's discovery document says
};

struct Target {
  std::string name;
  std::string type = "aws";
  std::string account;  ///< 12 digits
  std::vector<std::string> regions;
  std::string credentials;                       ///< name in Document::sealed_credentials
  std::string assume;                            ///< role ARN, empty = use the credentials as they are
  std::map<std::string, std::string> endpoints;  ///< service id -> http(s)://host:port, for emulators and VPC endpoints
};

struct NamedPolicy {
  std::string name;  ///< file as written in the YAML, for "which statement decided"
  std::string text;  ///< IAM policy JSON
};

struct RoleSettings {
  std::string arn;
  std::string trust;  ///< IAM trust policy JSON
  std::vector<NamedPolicy> policies;
  std::string target;
  Duration session_max = std::chrono::hours(1);
  Outside outside = Outside::deny;
};

struct ReviewerGroup {
  std::vector<std::string> groups;    ///< claims' groups whose members may vote
  std::vector<std::string> subjects;  ///< "issuer-name:subject"
};

/// What an operator adds to what is masked: a place in answers and parameters, or bytes wherever they stand. "*" is
/// any.
struct MaskRule {
  enum class Kind { path, literal, regex };
  std::string name = "operator";  ///< stands in findings; lower-case letters and "-"
  std::string service = "*";      ///< as the table of operations calls it: "dynamodb", "secrets-manager"
  std::string operation = "*";
  std::string target = "*";
  Kind kind = Kind::path;
  std::string text;        ///< the path, the literal or the expression
  std::string mask_class;  ///< mask_classes.hpp
};

struct MaskingSettings {
  std::string preset = "default";                          ///< default | off
  std::vector<std::pair<std::string, std::string>> paths;  ///< "service:Operation:json.path" -> class
  std::vector<MaskRule> rules;
  std::map<std::string, std::string> styles;  ///< class -> redact, partial, fill
};

/// A key of a process of this deployment.
struct PeerKey {
  std::string key_id;
  std::string name;
  wire::Role role = wire::Role::none;
  Bytes curve_public;  ///< 32 bytes
  Bytes sign_public;   ///< 32 bytes
  bool revoked = false;
};

struct Revocations {
  std::vector<std::string> principals;  ///< "issuer-name:subject"
  std::vector<std::string> sessions;    ///< session ids
  std::vector<std::string> roles;       ///< role ARNs
  std::vector<std::string> targets;     ///< target names
};

/// A key of the gateway group, sealed to the group's public key; the newest first, older ones still open.
struct SealedKey {
  std::string id;
  Bytes sealed;
};

struct Document {
  std::string deployment;
  std::uint64_t version = 0;
  Instant issued_at{};
  GatewaySettings gateway;
  std::vector<Issuer> issuers;
  std::vector<Target> targets;
  std::vector<RoleSettings> roles;
  std::map<std::string, ReviewerGroup> reviewers;
  MaskingSettings masking;
  std::vector<PeerKey> keys;
  Bytes group_public;  ///< X25519 public key of the gateway group
  std::map<std::string, Bytes>
      sealed_credentials;  ///< name -> box; opens to {"access_key_id","secret_access_key","session_token"?}
  std::vector<SealedKey> session_keys;  ///< 32 bytes each when opened; sessions and review digests derive from them
  Revocations revoked;                  ///< all in force: the union of the next two
  Revocations revoked_in_file;          ///< by the YAML file; goes when it goes there
  Revocations revoked_by_hand;          ///< by `holdpoint revoke`; stays until it is undone there

  [[nodiscard]] const PeerKey* key(std::string_view key_id) const;
  [[nodiscard]] const Target* target(std::string_view name) const;
  [[nodiscard]] const RoleSettings* role(std::string_view arn) const;
};

std::string document_to_json(const Document& document);
Result<Document> document_from_json(std::string_view text);

struct SignedDocument {
  std::string text;
  Bytes signature;
};
/// `text` = document_to_json(...).
SignedDocument sign_document(const std::string& text, const SigningKey& operator_key);
/// Checks the signature, then parses. Fails with `tampered` or `malformed`.
Result<Document> open_document(const SignedDocument& document, BytesView operator_public);

}  // namespace holdpoint::config
