#include "bus/config/keyring.hpp"

#include "bus/base/json.hpp"
#include "bus/config/private_file.hpp"

namespace holdpoint::config {
namespace {

std::string key_id_of(BytesView curve_public) { return to_hex(view(sha256(curve_public))).substr(0, 16); }

SigningKey copy(const SigningKey& key) { return SigningKey::from_seed(key.seed().reveal()).value(); }

}  // namespace

Keyring Keyring::create(std::string deployment, std::string bus_endpoint) {
  Keyring keyring;
  keyring.deployment_ = std::move(deployment);
  keyring.bus_endpoint_ = std::move(bus_endpoint);
  keyring.operator_key_ = SigningKey::generate();
  keyring.group_ = generate_box_key();
  keyring.bus_ = generate_box_key();  // CURVE keys are X25519 keys
  keyring.bus_signing_key_ = SigningKey::generate();
  return keyring;
}

Issued Keyring::issue(wire::Role role, std::string name, std::string bus_endpoint) const {
  const bool broker = role == wire::Role::broker;
  BoxKey curve = broker ? BoxKey{bus_.public_key, bus_.secret_key.clone()} : generate_box_key();
  Issued issued;
  PeerIdentity& identity = issued.identity;
  identity.name = std::move(name);
  identity.role = role;
  identity.key_id = key_id_of(curve.public_key);
  identity.curve_public = curve.public_key;
  identity.curve_secret = std::move(curve.secret_key);
  identity.signing_key = broker ? copy(bus_signing_key_) : SigningKey::generate();
  identity.deployment = deployment_;
  identity.bus_endpoint = bus_endpoint.empty() ? bus_endpoint_ : std::move(bus_endpoint);
  identity.bus_public = bus_.public_key;
  identity.operator_public = operator_key_.public_key();
  if (role == wire::Role::gateway) identity.group_secret = group_.secret_key.clone();
  issued.key = {identity.key_id,  identity.name, role, identity.curve_public, identity.signing_key.public_key(),
                /*revoked=*/false};
  return issued;
}

Result<void> Keyring::save(const std::filesystem::path& file) const {
  const Json json = {{"deployment", deployment_},
                     {"bus_endpoint", bus_endpoint_},
                     {"operator_seed", to_base64(operator_key_.seed().reveal())},
                     {"group_public", to_base64(group_.public_key)},
                     {"group_secret", to_base64(group_.secret_key.reveal())},
                     {"bus_public", to_base64(bus_.public_key)},
                     {"bus_secret", to_base64(bus_.secret_key.reveal())},
                     {"bus_signing_seed", to_base64(bus_signing_key_.seed().reveal())}};
  const Secret text(to_json(json) + "\n");
  return write_file_atomically(file, text.reveal(), 0600);
}

Result<Keyring> Keyring::load(const std::filesystem::path& file) {
  auto bytes = read_private_file(file);
  if (!bytes) return bytes.error();
  const Secret wiped(std::move(*bytes));
  auto json = parse_json(wiped.reveal());
  const auto damaged = [&](std::string_view member) {
    return fail(Code::configuration, file.string() + ": member \"" + std::string(member) + "\" is missing or damaged");
  };
  if (!json || !json->is_object()) return fail(Code::configuration, file.string() + ": is not a keyring");
  const auto key = [&](std::string_view member) {
    auto decoded = from_base64(string_or(*json, member));
    return decoded && decoded->size() == 32 ? std::move(*decoded) : Bytes();
  };
  Keyring keyring;
  keyring.deployment_ = string_or(*json, "deployment");
  keyring.bus_endpoint_ = string_or(*json, "bus_endpoint");
  if (keyring.deployment_.empty()) return damaged("deployment");
  auto operator_key = SigningKey::from_seed(Secret(key("operator_seed")).reveal());
  if (!operator_key) return damaged("operator_seed");
  auto bus_signing_key = SigningKey::from_seed(Secret(key("bus_signing_seed")).reveal());
  if (!bus_signing_key) return damaged("bus_signing_seed");
  keyring.operator_key_ = std::move(*operator_key);
  keyring.bus_signing_key_ = std::move(*bus_signing_key);
  keyring.group_ = {key("group_public"), Secret(key("group_secret"))};
  keyring.bus_ = {key("bus_public"), Secret(key("bus_secret"))};
  if (keyring.group_.public_key.empty() || keyring.group_.secret_key.empty()) return damaged("group_secret");
  if (keyring.bus_.public_key.empty() || keyring.bus_.secret_key.empty()) return damaged("bus_secret");
  return keyring;
}

}  // namespace holdpoint::config
