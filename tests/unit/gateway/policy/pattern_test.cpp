#include "gateway/policy/pattern.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace holdpoint::policy {
namespace {

class FixedContext final : public Context {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> keys;
  [[nodiscard]] std::vector<std::string> values(std::string_view key) const override {
    const auto found = keys.find(key);
    return found == keys.end() ? std::vector<std::string>{} : found->second;
  }
};

// The definition, by recursion; shares nothing with the code under test.
bool naive(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return naive(pattern.substr(1), text) || (!text.empty() && naive(pattern, text.substr(1)));
  if (text.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == text[0]) && naive(pattern.substr(1), text.substr(1));
}

TEST(Pattern, MatchesAsTheDefinitionSays) {
  std::mt19937 random(20261101);
  const FixedContext context;
  const auto draw = [&](std::string_view letters, std::size_t length_max) {
    std::string out(random() % (length_max + 1), ' ');
    for (char& c : out) c = letters[random() % letters.size()];
    return out;
  };
  int matched = 0;
  for (int i = 0; i < 40000; ++i) {
    const std::string pattern = draw("ab:*?*", 8);
    const std::string text = draw("ab:", 9);
    const bool expected = naive(pattern, text);
    matched += expected ? 1 : 0;
    const auto parsed = Pattern::parse(pattern, {.variables = false}).value();
    ASSERT_EQ(parsed.match(text, context) == Pattern::Match::yes, expected) << pattern << " on " << text;
  }
  EXPECT_GT(matched, 1000);
}

// All texts of up to `length` letters, one of which both must fit.
bool share_a_text(const std::string& one, const std::string& other, std::string& text, std::size_t length) {
  if (naive(one, text) && naive(other, text)) return true;
  if (length == 0) return false;
  for (const char c : {'a', 'b'}) {
    text.push_back(c);
    const bool found = share_a_text(one, other, text, length - 1);
    text.pop_back();
    if (found) return true;
  }
  return false;
}

TEST(Pattern, MayMatchWhatLeavesRoomForATextOfBoth) {
  std::mt19937 random(20261122);
  const FixedContext context;
  const auto draw = [&] {
    std::string out(random() % 6, ' ');
    for (char& c : out) c = "ab*?*"[random() % 5];
    return out;
  };
  int shared = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string mine = draw();
    const std::string theirs = draw();
    std::string text;
    // Whatever two globs of five symbols share, they share in ten letters.
    const bool expected = share_a_text(mine, theirs, text, 10);
    shared += expected ? 1 : 0;
    const auto parsed = Pattern::parse(mine, {.variables = false}).value();
    ASSERT_EQ(parsed.may_match(theirs, context), expected) << mine << " and " << theirs;
  }
  EXPECT_GT(shared, 500);
  EXPECT_LT(shared, 3500);
}

TEST(Pattern, AHostilePatternTakesNoTimeToSpeakOf) {
  const auto pattern = Pattern::parse(std::string(60, '*') + "a*a*a*a*a*a*a*a*a*a*a*b", {}).value();
  EXPECT_EQ(pattern.match(std::string(20000, 'a'), FixedContext()), Pattern::Match::no);
}

TEST(Pattern, AQuestionMarkIsOneCharacter) {
  const FixedContext context;
  const auto matches = [&](const char* pattern, const char* text) {
    return Pattern::parse(pattern, {}).value().match(text, context) == Pattern::Match::yes;
  };
  EXPECT_TRUE(matches("a?b", "aéb"));
  EXPECT_TRUE(matches("a?b", "a€b"));
  EXPECT_TRUE(matches("?", "😀"));
  EXPECT_FALSE(matches("??", "é"));
  EXPECT_FALSE(matches("*??", "é"));
  EXPECT_TRUE(matches("*?b", "ééb"));
  EXPECT_TRUE(matches("?", "\xff"));
  EXPECT_FALSE(matches("?", ""));
}

TEST(Pattern, VariablesAreReplacedByLiterals) {
  FixedContext context;
  context.keys = {{"aws:username", {"ann"}}, {"aws:userid", {"*"}}, {"aws:two", {"a", "b"}}, {"aws:query", {"?"}}};
  struct Row {
    const char* pattern;
    const char* text;
    Pattern::Match expected;
  };
  using enum Pattern::Match;
  const Row rows[] = {{"home/${aws:username}/*", "home/ann/x", yes},
                      {"home/${aws:username}/*", "home/bob/x", no},
                      {"home/${AWS:UserName}/*", "home/ann/x", yes},
                      {"home/${ aws:username }", "home/ann", yes},
                      {"home/${aws:userid}", "home/anything", no},
                      {"home/${aws:userid}", "home/*", yes},
                      {"${aws:query}", "x", no},
                      {"${aws:query}", "?", yes},
                      {"home/${aws:missing}", "home/", unresolved},
                      {"home/${aws:missing, 'guest'}", "home/guest", yes},
                      {"home/${aws:missing,'*'}", "home/x", no},
                      {"home/${aws:username, 'guest'}", "home/guest", no},
                      {"home/${aws:missing, ''}", "home/", yes},
                      {"${aws:two}", "a", unresolved},
                      {"${aws:two, 'a'}", "a", unresolved},
                      {"a${*}", "a*", yes},
                      {"a${*}", "ab", no},
                      {"a${?}", "ab", no},
                      {"a${?}", "a?", yes},
                      {"${$}{aws:username}", "${aws:username}", yes},
                      {"$x", "$x", yes},
                      {"${aws:username}${aws:username}", "annann", yes}};
  for (const Row& row : rows) {
    EXPECT_EQ(Pattern::parse(row.pattern, {}).value().match(row.text, context), row.expected)
        << row.pattern << " on " << row.text;
  }
}

TEST(Pattern, WithoutVariablesADollarIsADollar) {
  const auto pattern = Pattern::parse("${aws:username}", {.variables = false}).value();
  EXPECT_EQ(pattern.match("${aws:username}", FixedContext()), Pattern::Match::yes);
}

TEST(Pattern, RefusesVariablesThatAreNone) {
  for (const char* bad : {"${", "a${aws:username", "${}", "${ }", "${a b}", "${aws:username, guest}",
                          "${aws:username, 'guest}", "${aws:username,}", "${${aws:username}}"}) {
    EXPECT_EQ(Pattern::parse(bad, {}).error().code, Code::malformed) << bad;
  }
}

TEST(Pattern, ArnPartsAreComparedOneByOne) {
  FixedContext context;
  context.keys = {{"k", {"x:y"}}};
  const auto matches = [&](const char* pattern, const char* arn) {
    return Pattern::parse(pattern, {}).value().match_arn(arn, context) == Pattern::Match::yes;
  };
  EXPECT_TRUE(matches("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a:b:c"));
  EXPECT_TRUE(matches("arn:aws:*:*:*:x", "arn:aws:sns:eu:1:x"));
  EXPECT_FALSE(matches("arn:aws:s*:x", "arn:aws:sns:eu:1:x"));
  EXPECT_FALSE(matches("arn:aws:s*:1:x:y", "arn:aws:sns:eu:1:x"));
  EXPECT_FALSE(matches("arn:aws:s3:::b", "arn:aws:s3::"));
  EXPECT_FALSE(matches("arn:aws:s3:::b", ""));
  EXPECT_TRUE(matches("*", "arn:aws:s3:::b"));
  EXPECT_TRUE(matches("arn:aws:a:b:c:${k}", "arn:aws:a:b:c:x:y"));
  EXPECT_FALSE(matches("arn:aws:a:b:${k}:z", "arn:aws:a:b:x:y"));
}

}  // namespace
}  // namespace holdpoint::policy
