#include "bus/config/version_floor.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace holdpoint::config {
namespace {

class VersionFloorTest : public ::testing::Test {
 protected:
  VersionFloorTest() { std::filesystem::create_directories(folder_); }
  ~VersionFloorTest() override { std::filesystem::remove_all(folder_); }
  Code admitted_after_a_restart(std::uint64_t version) {
    const auto admitted = VersionFloor(file_).admit(version);
    return admitted ? Code{} : admitted.error().code;
  }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / ("floor-" + std::to_string(getpid()));
  std::filesystem::path file_ = folder_ / "configuration.version";
};

TEST_F(VersionFloorTest, RefusesWhatIsOlderThanWhatWasInForceAlsoAfterARestart) {
  VersionFloor floor(file_);
  EXPECT_TRUE(floor.admit(7));
  EXPECT_TRUE(floor.admit(9));
  EXPECT_TRUE(floor.admit(9)) << "the same one again";
  EXPECT_FALSE(floor.admit(8));
  EXPECT_EQ(admitted_after_a_restart(8), Code::conflict);
  EXPECT_TRUE(VersionFloor(file_).admit(9));
  EXPECT_TRUE(VersionFloor(file_).admit(10));
  EXPECT_EQ(admitted_after_a_restart(9), Code::conflict);
}

TEST_F(VersionFloorTest, UsesNoVersionThatItCannotRemember) {
  std::ofstream(file_) << "seven";
  ::chmod(file_.c_str(), 0600);
  EXPECT_EQ(admitted_after_a_restart(8), Code::configuration);
  VersionFloor nowhere(folder_ / "missing" / "configuration.version");
  EXPECT_FALSE(nowhere.admit(1));
}

}  // namespace
}  // namespace holdpoint::config
