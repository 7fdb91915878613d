#include "bus/base/encoding.hpp"

#include <gtest/gtest.h>

namespace holdpoint {
namespace {

TEST(Encoding, Base64RoundTripsAndRefusesSecondSpellings) {
  for (const std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(from_base64(to_base64(text)), text);
    EXPECT_EQ(from_base64url(to_base64url(text)), text);
  }
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Z", "Zg==\n", "Z g=", "===="}) EXPECT_FALSE(from_base64(bad)) << bad;
  EXPECT_FALSE(from_base64url("Zg=="));
  EXPECT_FALSE(from_base64url("Zh"));
}

TEST(Encoding, UriEncodingFollowsRfc3986) {
  EXPECT_EQ(uri_encode("a b/c~é+"), "a%20b%2Fc~%C3%A9%2B");
  EXPECT_EQ(uri_encode("a/b", true), "a/b");
  EXPECT_EQ(uri_decode("a%2Fb+c"), "a/b+c");
  EXPECT_EQ(form_decode("a+b"), "a b");
  for (const char* bad : {"%", "%1", "%zz", "a%2"}) EXPECT_FALSE(uri_decode(bad)) << bad;
}

TEST(Encoding, XmlEscapedTextCannotEndItsElementOrItsAttribute) {
  EXPECT_EQ(xml_escape("a<b>&c"), "a&lt;b&gt;&amp;c");
  EXPECT_EQ(xml_escape("\"a\" 'b'"), "&quot;a&quot; &apos;b&apos;");
  EXPECT_EQ(xml_escape("]]>"), "]]&gt;");
  EXPECT_EQ(xml_escape("&amp;"), "&amp;amp;");
  EXPECT_EQ(xml_escape("añ\n"), "añ\n");
}

TEST(Encoding, Utf8IsWellFormedOrRefused) {
  EXPECT_TRUE(is_utf8("añ€😀"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "\xf0\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(bad)) << to_hex(bad);
  }
}

TEST(Encoding, Utf8IsLookedAtByteByByteBehindPlainText) {
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t behind = 0; behind < 20; ++behind) {
      const auto within = [&](std::string_view middle) {
        return std::string(before, 'a') + std::string(middle) + std::string(behind, 'b');
      };
      EXPECT_TRUE(is_utf8(within("\u00f1\u20ac"))) << before << " " << behind;
      EXPECT_FALSE(is_utf8(within("\x80"))) << before << " " << behind;
      EXPECT_FALSE(is_utf8(within("\xe2\x82"))) << before << " " << behind;
    }
  }
}

TEST(Encoding, CaseIsIgnoredOfAsciiLettersAlone) {
  EXPECT_TRUE(equal_ignoring_case("Content-TYPE", "content-Type"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("\u00c4", "\u00e4"));
}

TEST(Encoding, DisplayShowsWhatWouldHide) {
  EXPECT_EQ(display("abc", 3), "abc");
  EXPECT_EQ(display(""), "");
  EXPECT_EQ(display("\x7f"), "\\u{007F}");
  EXPECT_EQ(display("a\x1b[31m\n"), "a\\u{001B}[31m\\u{000A}");
  EXPECT_EQ(display("x\u202Ey\u200B"), "x\\u{202E}y\\u{200B}");
  EXPECT_EQ(display("\xff"), "\\xFF");
  EXPECT_EQ(display("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace holdpoint
