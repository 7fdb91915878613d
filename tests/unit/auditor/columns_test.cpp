#include "auditor/columns.hpp"

#include <gtest/gtest.h>

#include <map>

#include "auditor/event_scan.hpp"
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

constexpr std::string_view kEvent =
    R"({"specversion":"1.0","id":"x","source":"gateway-1","type":"t","subject":"s","time":"2026-11-01T12:00:00Z",)"
    R"("data":{"operation_id":"o","status":-0,"wait_ms":17,"upstream_ms":2.5,"findings":[{"class":"card"},[],1],)"
    R"("reason":"a \"b\" \n c\u00e9 é","parameters":{"Key":{"a":[true,false,null,{}]},"data":{"target":"no"}}}})";

TEST(Columns, AreTheSameHoweverAnEntryIsRead) {
  constexpr std::string_view kPieces[] = {"",
                                          "\"",
                                          "\\",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "0",
                                          "-",
                                          ".",
                                          "e9",
                                          " ",
                                          "\n",
                                          "\xff",
                                          "\xc3\xa9",
                                          "\\u0000",
                                          "true",
                                          "\"status\":1,",
                                          "123456789012345678"};
  for (std::size_t at = 0; at <= kEvent.size(); ++at) {
    for (const std::string_view piece : kPieces) {
      for (const std::size_t replaced : {0, 1}) {
        Bytes entry(kEvent);
        entry.replace(at, replaced, piece);
        ASSERT_EQ(named(entry), verify::expected_columns(entry)) << display(entry, 400);
      }
    }
  }
}

TEST(Columns, OfOrdinaryEntriesNeedNoTree) {
  std::vector<EventMember> members;
  EXPECT_TRUE(scan_event(R"({"type":"t","data":{"reason":"a \"quoted\" é","findings":[1,2],"status":200}})", members));
  ASSERT_EQ(members.size(), 5u);
  EXPECT_EQ(event_text(members[1]), "a \"quoted\" é");
  EXPECT_EQ(members[2].size, 2u);
  EXPECT_TRUE(members[3].of_data);
  EXPECT_FALSE(scan_event(kEvent, members)) << "a code point in escapes is left to the parser";
  std::string many = R"({"data":{)";
  for (int i = 0; i < 60; ++i) many += "\"m" + std::to_string(i) + "\":1,";
  many.back() = '}';
  EXPECT_FALSE(scan_event(many + "}", members)) << "comparing each name with all others has a bound";
}

}  // namespace
}  // namespace holdpoint::auditor
