#include "auditor/columns.hpp"

#include <gtest/gtest.h>

#include "auditor/verify/expected_columns.hpp"
#include "tests/unit/auditor/hostile_entries.hpp"

namespace holdpoint::auditor {
namespace {

std::map<std::string, std::optional<std::string>> named(BytesView entry) {
  std::map<std::string, std::optional<std::string>> columns;
  const auto values = columns_of(entry);
  for (std::size_t i = 0; i < values.size(); ++i) columns[std::string(column_names()[i])] = values[i];
  return columns;
}

TEST(Columns, CopyWhatTheEventSays) {
  const auto columns = named(R"({"specversion":"1.0","time":"2026-11-01T13:00:00+01:00","type":"t","subject":"s",
    "data":{"operation_id":"o","status":403,"wait_ms":17,"findings":[{"class":"card"},{"class":"key"}],"reason":"né"}})");
  EXPECT_EQ(columns.at("time"), "2026-11-01T12:00:00.000000Z");
  EXPECT_EQ(columns.at("operation_id"), "o");
  EXPECT_EQ(columns.at("status"), "403");
  EXPECT_EQ(columns.at("findings"), "2");
  EXPECT_EQ(columns.at("reason"), "n\xc3\xa9");
  EXPECT_EQ(columns.at("session_id"), std::nullopt);
}

TEST(Columns, CutLongTextsBetweenCharactersAndShowNul) {
  std::string long_text;
  for (int i = 0; i < 600; ++i) long_text += "\xf0\x9f\x98\x80";
  const auto columns = named(R"({"data":{"reason":"a\u0000b","policy":")" + long_text + "\"}}");
  EXPECT_EQ(columns.at("reason"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(columns.at("policy")->size(), 2000u);
  EXPECT_TRUE(is_utf8(*columns.at("policy")));
}

TEST(Columns, WriterAndVerifierAgreeOnHostileEntries) {
  for (const Bytes& entry : hostile_entries()) {
    EXPECT_EQ(named(entry), verify::expected_columns(entry)) << display(entry, 200);
  }
}

}  // namespace
}  // namespace holdpoint::auditor
