#include "bus/base/json.hpp"

#include <gtest/gtest.h>

#include <random>

#include "bus/base/text.hpp"

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

TEST(Json, WritesEveryByteAtEveryPlaceAsTheLibraryDoes) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t size = 1; size <= 18; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, ' ');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(to_json(Json(text)), Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
            << byte << " at " << at << " of " << size;
      }
    }
  }
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

// One text out of another: a byte changed, left out, doubled, or something put in.
std::string mutated(std::string text, std::mt19937& random) {
  static const auto kPieces = split(
      "\"|\\|{|}|[|]|,|:|-|0|1e5|1E-400|-0|.5|1.|1e400|e|true|nul| |\n|\f|\x1f|\x7f|\\u0041|\\ud83d|\\ude00|\\u12|\\x|"
      "\\u0000|\xc3\xa4|\xc0\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xf0\x9f\x98\x80|18446744073709551615|"
      "18446744073709551616|-9223372036854775808|-9223372036854775809",
      '|');
  const int changes = 1 + static_cast<int>(random() % 3);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text.erase(at, 1);
        break;
      case 1:
        text.insert(at, 1, text[at]);
        break;
      case 2:
        text[at] = static_cast<char>(1 + random() % 255);
        break;
      default:
        text.insert(at, kPieces[random() % kPieces.size()]);
    }
  }
  return text;
}

TEST(Json, ReadsWhatTheLibraryReads) {
  std::mt19937 random(7);
  const std::vector<std::string> seeds{
      R"({"a":[1,-2,3.5e-3,true,false,null],"b":{"c":"text \u00e4\ud83d\ude00\n"},"d":[]})",
      R"([[],{},"",0,-0,1E5,10])",
      R"("a\"b\\c\/\b\f\r\t")",
      " [ 1 , { \"x\" : \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\" } ] ",
      "1",
      "-12.25",
      "true"};
  int taken = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::string text = mutated(seeds[random() % seeds.size()], random);
    if (text.starts_with("\xef\xbb\xbf")) continue;
    const auto ours = parse_json(text);
    const Json library = Json::parse(text, nullptr, false);
    if (!ours && ours.error().context.starts_with("duplicate key")) continue;
    ASSERT_EQ(ours.has_value(), !library.is_discarded()) << text;
    if (!ours) continue;
    ++taken;
    ASSERT_EQ(*ours, library) << text;
    ASSERT_EQ(to_json(*ours), to_json(library)) << text;
  }
  EXPECT_GT(taken, 20000);
}

TEST(Json, ExactNumbersAreThoseThatADoubleHolds) {
  const JsonLimits exact{.exact_numbers = true};
  for (const char* good : {"0.1", "1.10", "1e3", "-0.0", "0.30000000000000004", "5.6843418860808015E-14",
                           "18446744073709551615", "-9223372036854775808", "10000000000000000000000000", "0e5000"})
    EXPECT_TRUE(parse_json(good, exact)) << good;
  for (const char* bad : {"0.10000000000000000001", "18446744073709551617", "1.000000000000000001", "1e-5000"}) {
    EXPECT_TRUE(parse_json(bad)) << bad;
    EXPECT_EQ(parse_json(bad, exact).error().code, Code::malformed) << bad;
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
