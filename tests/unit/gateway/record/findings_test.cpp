#include "gateway/record/findings.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace holdpoint::record {
namespace {

Json told(const char* kind, const char* rule, Json count, const std::string& path = {}) {
  return Json::array({{{"class", kind}, {"rule", rule}, {"count", std::move(count)}, {"path", path}}});
}

TEST(Findings, say_what_how_often_and_where) {
  Findings found;
  EXPECT_TRUE(found.header().empty());
  found.add(told("card", "card", 2, "Item.note.S"));
  found.add(told("aws-secret-key", "name", 1, "Item.key.S"));
  found.add(told("card", "card", 1, "Item.note.S"));
  found.add(told("password", "name", 1, "Value"), ":headers");
  EXPECT_EQ(found.header(), "5; classes=\"aws-secret-key,card,password\"");
  EXPECT_EQ(found.to_json(),
            Json::array({{{"class", "card"}, {"rule", "card"}, {"count", 3}, {"path", "Item.note.S"}},
                         {{"class", "aws-secret-key"}, {"rule", "name"}, {"count", 1}, {"path", "Item.key.S"}},
                         {{"class", "password"}, {"rule", "name"}, {"count", 1}, {"path", ":headers"}}}));
}

TEST(Findings, name_the_statement_that_left_something_and_until_when) {
  Findings found;
  found.add_unmasked(told("email", "email", 2, "Item.mail.S"),
                     {{"email", *from_rfc3339("2026-12-31T00:00:00Z"), "support.json", "ReadMail"}});
  EXPECT_EQ(found.header(), "0; unmasked=\"email\"");
  EXPECT_EQ(found.to_json(), Json::array());
  EXPECT_EQ(found.unmasked_json(), Json::array({{{"class", "email"},
                                                 {"rule", "email"},
                                                 {"count", 2},
                                                 {"path", "Item.mail.S"},
                                                 {"policy", "support.json"},
                                                 {"statement", "ReadMail"},
                                                 {"until", "2026-12-31T00:00:00.000000Z"}}}));
  found.add(told("card", "card", 1));
  EXPECT_EQ(found.header(), "1; classes=\"card\"; unmasked=\"email\"");
}

TEST(Findings, take_no_value_over_wherever_a_masker_puts_one) {
  const std::string key = "AKIAIOSFODNN7EXAMPLE";
  Findings found;
  found.add(told(key.c_str(), key.c_str(), key, "Item." + key + ".S"));
  found.add(told("card", "card", 1, "Item.4111111111111111"));
  found.add(told("email", "email", -1, "a\r\nx-other: 1"));
  const std::string record = to_json(found.to_json());
  for (const std::string& secret : {key, std::string("4111111111111111"), std::string("\\r")})
    EXPECT_EQ(record.find(secret), std::string::npos) << record;
  EXPECT_NE(record.find("Item.*.S"), std::string::npos) << record;
  EXPECT_EQ(found.header(), "3; classes=\"card,email,other\"");
}

TEST(Findings, are_bounded_and_still_counted) {
  Findings found;
  for (int i = 0; i < 10000; ++i) found.add(told("card", "card", 1, "list.n" + std::to_string(i)));
  for (int i = 0; i < 10000; ++i)
    found.add(told("card", std::string(1 + i % 30, static_cast<char>('a' + i % 26)).c_str(), 1));
  EXPECT_LE(found.to_json().size(), 256u);
  EXPECT_EQ(found.header(), "20000; classes=\"card\"");
}

TEST(Findings, make_a_header_that_is_well_formed_and_short_with_every_class) {
  Findings found;
  for (const char* kind : {"access-key-id",  "aws-secret-key", "session-token", "private-key",   "jwt",
                           "token",          "password",       "password-hash", "secret",        "signature",
                           "cookie",         "mfa-seed",       "card",          "iban",          "ssn",
                           "national-id",    "email",          "phone",         "date-of-birth", "passport",
                           "driver-license", "bank-account",   "no-such-class"})
    found.add(told(kind, "name", 4294967296ULL, "a"));
  const std::string header = found.header();
  EXPECT_TRUE(std::regex_match(header, std::regex("[0-9]{1,15}; classes=\"[a-z-]+(,[a-z-]+)*\""))) << header;
  EXPECT_LT(header.size(), 320u);
}

TEST(Findings, of_what_is_no_list_of_objects_are_none) {
  Findings found;
  for (const Json& odd : {Json(), Json(7), Json::object(), Json::array({1, "x", nullptr})}) found.add(odd);
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace holdpoint::record
