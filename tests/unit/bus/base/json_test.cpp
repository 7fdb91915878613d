#include "bus/base/json.hpp"

#include <gtest/gtest.h>

namespace holdpoint {
namespace {

TEST(Json, AcceptsOneTextForOneValue) {
  EXPECT_EQ(to_json(parse_json(R"({"b":1,"a":[true,null,"x"]})").value()), R"({"a":[true,null,"x"],"b":1})");
}

TEST(Json, IsWrittenAsTheLibraryWritesIt) {
  const Json texts{
      "",        "plain",    "a \"quoted\" \\ text",    "tab\tline\nbell\x07", "del\x7f", "\xc3\xa4\xe2\x82\xac",
      "bad\xff", "\xe2\x82", std::string("nul\0nul", 7)};
  Json value{{"texts", texts},         {"\xff name\n", 1},
             {"", Json::object()},     {"numbers", {0, -1, 1.5, 1e300, UINT64_MAX}},
             {"empty", Json::array()}, {"nothing", nullptr},
             {"truth", {true, false}}, {"deep", {{{"x", {{{"y", texts}}}}}}}};
  const auto replace = Json::error_handler_t::replace;
  EXPECT_EQ(to_json(value), value.dump(-1, ' ', false, replace));
  for (const Json& text : texts) EXPECT_EQ(to_json(text), text.dump(-1, ' ', false, replace));
}

TEST(Json, RefusesAmbiguousText) {
  for (const char* bad : {R"({"a":1,"a":2})", R"({"a":1}x)", R"({"a":1,})", "\xef\xbb\xbf{}", "", "nul", "\"\xff\"",
                          R"("\ud800")", "1e999", R"({"a":{"b":1,"b":1}})", "01", "[1,]", "{'a':1}"}) {
    const auto parsed = parse_json(bad);
    ASSERT_TRUE(parsed.has_error()) << bad;
    EXPECT_EQ(parsed.error().code, Code::malformed) << bad;
  }
}

TEST(Json, RefusesANulBehindWhichAnotherReaderMightGoOn) {
  using namespace std::string_literals;
  for (const std::string& bad : {"{}\0"s, "{\"a\":1}\0{\"a\":2}"s, "\0{}"s, "{\"a\":\"\0\"}"s, "[1\0,2]"s}) {
    const auto parsed = parse_json(bad);
    ASSERT_TRUE(parsed.has_error()) << bad;
    EXPECT_EQ(parsed.error().code, Code::malformed) << bad;
  }
}

TEST(Json, BoundsSizeAndDepth) {
  EXPECT_EQ(parse_json(std::string(100, '['), {.depth_max = 50}).error().code, Code::too_large);
  EXPECT_EQ(parse_json("[1,2,3]", {.bytes_max = 3}).error().code, Code::too_large);
  EXPECT_TRUE(parse_json(std::string(50, '[') + std::string(50, ']'), {.depth_max = 50}).has_value());
}

TEST(Json, KeepsBytesThatAreNoText) {
  EXPECT_EQ(text_json("abc"), Json("abc"));
  EXPECT_EQ(text_json("\xff"), (Json{{"base64", "/w=="}}));
}

}  // namespace
}  // namespace holdpoint
