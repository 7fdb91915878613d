#include "bus/config/peer_identity.hpp"

#include <optional>

#include "bus/base/json.hpp"
#include "bus/config/private_file.hpp"

namespace holdpoint::config {
namespace {

constexpr std::size_t kKeyBytes = 32;

// Reads members one by one and keeps the first failure, so that the message names file and member.
class Reader {
 public:
  Reader(const Json& object, const std::filesystem::path& file) : object_(object), file_(file) {}

  std::string text(std::string_view member) {
    auto value = get_string(object_, member);
    if (!value) return note(member, "a string"), std::string();
    return std::move(*value);
  }
  Bytes key(std::string_view member, bool optional = false) {
    const std::string encoded = text(member);
    if (optional && encoded.empty()) return {};
    auto bytes = from_base64(encoded);
    if (!bytes || bytes->size() != kKeyBytes) return note(member, "32 bytes in base64"), Bytes(kKeyBytes, '\0');
    return std::move(*bytes);
  }
  wire::Role role(std::string_view member) {
    const auto role = wire::role_from_name(text(member));
    if (!role) note(member, "a role (gateway, approvals, masker, auditor, operator, frontend, broker)");
    return role.value_or(wire::Role::none);
  }
  void note(std::string_view member, std::string_view wanted) {
    if (error_) return;
    error_ = fail(Code::configuration,
                  file_.string() + ": member \"" + std::string(member) + "\" must be " + std::string(wanted));
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  const Json& object_;
  const std::filesystem::path& file_;
  std::optional<Error> error_;
};

}  // namespace

Result<PeerIdentity> load_identity(const std::filesystem::path& file, wire::Role role) {
  auto bytes = read_private_file(file);
  if (!bytes) return bytes.error();
  const Secret wiped(std::move(*bytes));
  auto json = parse_json(wiped.reveal());
  if (!json || !json->is_object()) return fail(Code::configuration, file.string() + ": is not an identity file");
  Reader reader(*json, file);
  PeerIdentity identity;
  identity.name = reader.text("name");
  identity.role = reader.role("role");
  identity.key_id = reader.text("key_id");
  identity.curve_public = reader.key("curve_public");
  identity.curve_secret = Secret(reader.key("curve_secret"));
  const Secret seed(reader.key("signing_seed"));
  identity.deployment = reader.text("deployment");
  identity.bus_endpoint = reader.text("bus_endpoint");
  identity.bus_public = reader.key("bus_public");
  identity.operator_public = reader.key("operator_public");
  identity.group_secret = Secret(reader.key("group_secret", true));
  if (identity.key_id != to_hex(view(sha256(identity.curve_public))).substr(0, 16)) {
    reader.note("key_id", "the first 16 hex digits of SHA-256(curve_public)");
  }
  if (reader.error()) return *reader.error();
  if (identity.role != role) {
    return fail(Code::configuration, file.string() + ": is an identity of the role " +
                                         std::string(wire::name(identity.role)) + ", not " +
                                         std::string(wire::name(role)));
  }
  auto signing_key = SigningKey::from_seed(seed.reveal());
  if (!signing_key) return fail(Code::configuration, file.string() + ": member \"signing_seed\" is no Ed25519 seed");
  identity.signing_key = std::move(*signing_key);
  return identity;
}

Result<void> save_identity(const PeerIdentity& identity, const std::filesystem::path& file) {
  const Json json = {{"name", identity.name},
                     {"role", std::string(wire::name(identity.role))},
                     {"key_id", identity.key_id},
                     {"curve_public", to_base64(identity.curve_public)},
                     {"curve_secret", to_base64(identity.curve_secret.reveal())},
                     {"signing_seed", to_base64(identity.signing_key.seed().reveal())},
                     {"deployment", identity.deployment},
                     {"bus_endpoint", identity.bus_endpoint},
                     {"bus_public", to_base64(identity.bus_public)},
                     {"operator_public", to_base64(identity.operator_public)},
                     {"group_secret", to_base64(identity.group_secret.reveal())}};
  const Secret text(to_json(json) + "\n");
  return write_file_atomically(file, text.reveal(), 0600);
}

}  // namespace holdpoint::config
