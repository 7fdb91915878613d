#include "bus/config/keyring.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace holdpoint::config {
namespace {

std::filesystem::path scratch(const std::string& name) {
  const auto folder = std::filesystem::path(testing::TempDir()) / ("keyring-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  return folder / name;
}

TEST(Keyring, IssuesAnIdentityAndItsRowOfTheDocument) {
  const Keyring keyring = Keyring::create("demo", "ipc:///run/x/bus");
  const Issued issued = keyring.issue(wire::Role::masker, "masker-1");
  EXPECT_EQ(issued.identity.key_id, issued.key.key_id);
  EXPECT_EQ(issued.identity.curve_public, issued.key.curve_public);
  EXPECT_EQ(issued.identity.signing_key.public_key(), issued.key.sign_public);
  EXPECT_EQ(issued.key.role, wire::Role::masker);
  EXPECT_EQ(issued.identity.bus_public, keyring.bus_public());
  EXPECT_EQ(issued.identity.operator_public, keyring.operator_key().public_key());
}

TEST(Keyring, GivesTheGroupSecretToGatewaysAlone) {
  const Keyring keyring = Keyring::create("demo", "ipc:///run/x/bus");
  using enum wire::Role;
  for (const auto role : {approvals, masker, auditor, op, frontend, broker}) {
    EXPECT_TRUE(keyring.issue(role, "x").identity.group_secret.empty()) << wire::name(role);
  }
  const Issued issued = keyring.issue(gateway, "gateway-1");
  const BoxKey group{keyring.group_public(), issued.identity.group_secret.clone()};
  EXPECT_EQ(unseal_with(group, seal_to(keyring.group_public(), "x")).value(), "x");
}

TEST(Keyring, KeepsTheBrokersKeysWhichEveryPeerPins) {
  const Keyring keyring = Keyring::create("demo", "ipc:///run/x/bus");
  EXPECT_EQ(keyring.issue(wire::Role::broker, "bus").identity.curve_public, keyring.bus_public());
  EXPECT_NE(keyring.issue(wire::Role::gateway, "a").key.key_id, keyring.issue(wire::Role::gateway, "a").key.key_id);
}

TEST(Keyring, ReadsBackWhatItSaved) {
  const auto file = scratch("keyring.json");
  const Keyring keyring = Keyring::create("demo", "ipc:///run/x/bus");
  ASSERT_TRUE(keyring.save(file));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto loaded = Keyring::load(file);
  ASSERT_TRUE(loaded) << loaded.error().context;
  EXPECT_EQ(loaded->operator_key().public_key(), keyring.operator_key().public_key());
  EXPECT_EQ(loaded->group_public(), keyring.group_public());
  EXPECT_EQ(loaded->bus_public(), keyring.bus_public());
  EXPECT_EQ(loaded->deployment(), "demo");
}

TEST(PeerIdentity, ReadsBackWhatItSaved) {
  const auto file = scratch("gateway.json");
  const Issued issued = Keyring::create("demo", "ipc:///run/x/bus").issue(wire::Role::gateway, "gateway-1");
  ASSERT_TRUE(save_identity(issued.identity, file));
  const auto loaded = load_identity(file, wire::Role::gateway);
  ASSERT_TRUE(loaded) << loaded.error().context;
  EXPECT_EQ(loaded->name, "gateway-1");
  EXPECT_EQ(loaded->role, wire::Role::gateway);
  EXPECT_EQ(loaded->key_id, issued.identity.key_id);
  EXPECT_EQ(loaded->curve_secret.reveal(), issued.identity.curve_secret.reveal());
  EXPECT_EQ(loaded->signing_key.public_key(), issued.key.sign_public);
  EXPECT_EQ(loaded->group_secret.reveal(), issued.identity.group_secret.reveal());
  EXPECT_EQ(loaded->bus_endpoint, "ipc:///run/x/bus");
  // A masker that was started with the gateway's file must not sit on the bus as a gateway.
  const auto other = load_identity(file, wire::Role::masker);
  ASSERT_TRUE(other.has_error());
  EXPECT_EQ(other.error().code, Code::configuration);
  EXPECT_NE(other.error().context.find("gateway, not masker"), std::string::npos) << other.error().context;
}

TEST(PeerIdentity, IsRefusedWhenOthersCanReadItOrItIsDamaged) {
  const auto file = scratch("damaged.json");
  const Issued issued = Keyring::create("demo", "ipc:///run/x/bus").issue(wire::Role::op, "cli");
  ASSERT_TRUE(save_identity(issued.identity, file));
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_NE(load_identity(file, wire::Role::op).error().context.find("chmod 600"), std::string::npos);
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  std::ifstream in(file);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  const Json whole = parse_json(good).value();
  for (const auto& [member, value] : whole.items()) {
    if (member == "name" || member == "deployment" || member == "bus_endpoint" || member == "group_secret") continue;
    Json damaged = whole;
    damaged[member] = "no";
    std::ofstream(file) << to_json(damaged);
    const auto loaded = load_identity(file, wire::Role::op);
    ASSERT_TRUE(loaded.has_error()) << member;
    EXPECT_EQ(loaded.error().code, Code::configuration);
    EXPECT_NE(loaded.error().context.find(file.string()), std::string::npos);
    damaged.erase(member);
    std::ofstream(file) << to_json(damaged);
    EXPECT_NE(load_identity(file, wire::Role::op).error().context.find(member), std::string::npos) << member;
  }
  std::ofstream(file) << good.substr(0, good.size() / 2);
  EXPECT_EQ(load_identity(file, wire::Role::op).error().code, Code::configuration);
  EXPECT_EQ(load_identity(scratch("missing.json"), wire::Role::op).error().code, Code::configuration);
}

}  // namespace
}  // namespace holdpoint::config
