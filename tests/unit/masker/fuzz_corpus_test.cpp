// Replays the saved fuzz corpus, one file per case; what a fuzzer finds is added there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/form_fuzz.hpp"
#include "tests/fuzz/mask_fuzz.hpp"

namespace holdpoint::masker::testing {
namespace {

TEST(FuzzCorpus, every_saved_input_keeps_the_properties) {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(HOLDPOINT_SOURCE_DIR "/tests/fuzz/corpus/masker")) {
    SCOPED_TRACE(file.path().filename().string());
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    fuzz::mask_one(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    // And cut at every offset: truncated bodies are ordinary.
    for (std::size_t size = 0; size < bytes.size() && size < 600; ++size) {
      fuzz::mask_one(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
    }
    ++count;
  }
  EXPECT_GE(count, 10U);
}

TEST(FuzzCorpus, every_saved_input_of_a_form_keeps_its_properties) {
  for (std::string_view form : fuzz::forms) {
    std::size_t count = 0;
    for (const auto& file :
         std::filesystem::directory_iterator(HOLDPOINT_SOURCE_DIR "/tests/fuzz/corpus/" + std::string(form))) {
      SCOPED_TRACE(file.path().filename().string());
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(in), {});
      const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
      for (std::size_t size = 0; size < bytes.size() && size < 400; ++size) fuzz::form_one(form, data, size);
      fuzz::form_one(form, data, bytes.size());
      ++count;
    }
    EXPECT_GE(count, 2U) << form;
  }
}

}  // namespace
}  // namespace holdpoint::masker::testing
