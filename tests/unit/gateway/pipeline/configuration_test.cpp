// The configuration in force: read by every shard's thread while another version comes.
#include "gateway/configuration/configuration.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "bus/config/keyring.hpp"

namespace holdpoint::configuration {
namespace {

class InForce : public ::testing::Test {
 protected:
  InForce() { std::filesystem::remove(newest_); }
  ~InForce() override { std::filesystem::remove(newest_); }

  config::SignedDocument document(std::uint64_t version) const {
    config::Document document;
    document.deployment = "test";
    document.version = version;
    document.group_public = keyring_.group_public();
    document.session_keys = {{.id = "k1", .sealed = seal_to(keyring_.group_public(), Bytes(32, 'k'))}};
    return config::sign_document(config::document_to_json(document), keyring_.operator_key());
  }

  config::Keyring keyring_ = config::Keyring::create("test", "ipc:///nowhere");
  config::PeerIdentity identity_ = keyring_.issue(wire::Role::gateway, "gateway-1").identity;
  std::uint64_t told_ = 0;
  std::filesystem::path newest_ = std::filesystem::temp_directory_path() / ("hp-in-force-" + std::to_string(getpid()));
  Configuration configuration_{
      identity_, {}, newest_, [this](const SnapshotPtr& snapshot) { told_ = snapshot->document.version; }};
};

TEST_F(InForce, is_the_newest_version_and_never_an_older_one) {
  EXPECT_EQ(configuration_.current(), nullptr);
  const auto applied = configuration_.apply(document(2));
  ASSERT_TRUE(applied) << applied.error().context;
  EXPECT_EQ(configuration_.current()->document.version, 2u);
  EXPECT_EQ(told_, 2u);
  for (const std::uint64_t old : {1, 2}) EXPECT_EQ(configuration_.apply(document(old)).error().code, Code::stale);
  EXPECT_EQ(configuration_.current()->document.version, 2u);
}

// Under ThreadSanitizer this fails where reading is not ordered before the next version's writing.
TEST_F(InForce, is_read_whole_by_other_threads_while_versions_come) {
  constexpr std::uint64_t versions = 50;
  ASSERT_TRUE(configuration_.apply(document(1)));
  bool rising = true;
  std::thread shard([&] {
    for (std::uint64_t last = 1; last < versions;) {
      const SnapshotPtr snapshot = configuration_.current();
      rising = rising && snapshot->document.version >= last && snapshot->document.group_public.size() == 32;
      last = snapshot->document.version;
    }
  });
  for (std::uint64_t version = 2; version <= versions; ++version) EXPECT_TRUE(configuration_.apply(document(version)));
  shard.join();
  EXPECT_TRUE(rising);
}

}  // namespace
}  // namespace holdpoint::configuration
