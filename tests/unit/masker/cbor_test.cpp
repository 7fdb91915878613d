#include <gtest/gtest.h>

#include "bus/base/encoding.hpp"
#include "masker/structure/compress.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

std::string hex(std::string_view text) { return from_hex(text).value(); }
/// A short definite text string.
std::string text_item(std::string_view value) {
  if (value.size() < 24) return static_cast<char>(0x60 + value.size()) + std::string(value);
  return std::string("\x78") + static_cast<char>(value.size()) + std::string(value);
}

MaskOutput cbor(std::string_view bytes, std::string_view service = "dynamodb", std::string_view operation = "Any") {
  return mask_as("application/cbor", bytes, service, operation);
}

TEST(Cbor, strings_are_masked_by_name_and_their_heads_written_anew) {
  EXPECT_EQ(cbor("\xa2" + text_item("password") + text_item("hunter22") + text_item("n") + "\x07").bytes,
            "\xa2" + text_item("password") + text_item("REDACTED-password") + text_item("n") + "\x07");
}

TEST(Cbor, containers_and_strings_of_indefinite_length_stay_indefinite) {
  const std::string secret = "\x7f" + text_item("hun") + text_item("ter22") + "\xff";
  const std::string name = "\x7f" + text_item("pass") + text_item("word") + "\xff";
  EXPECT_EQ(cbor("\xbf" + name + "\x9f" + secret + "\xff\xff").bytes,
            "\xbf" + name + "\x9f\x7f" + text_item("REDACTED-password") + "\xff\xff\xff");
}

TEST(Cbor, a_value_cut_into_pieces_is_found) {
  const std::string cut = "\x7f" + text_item("key AKIAIOSF") + text_item("ODNN7EXAMPLE") + "\xff";
  // A mask of the same length keeps the pieces.
  EXPECT_EQ(cbor("\x81" + cut).bytes, "\x81\x7f" + text_item("key AKIA****") + text_item("********MPLE") + "\xff");
}

TEST(Cbor, numbers_keep_their_width_and_times_their_value) {
  std::string number = "\x1b";
  for (int shift = 56; shift >= 0; shift -= 8) number.push_back(static_cast<char>(4111111111111111ULL >> shift));
  std::string masked = "\x1b";
  for (int shift = 56; shift >= 0; shift -= 8) masked.push_back(static_cast<char>(4111110000001111ULL >> shift));
  EXPECT_EQ(cbor("\xa1" + text_item("card_number") + number).bytes, "\xa1" + text_item("card_number") + masked);
  const std::string time = "\xa1" + text_item("card_number") + "\xc1" + number;
  EXPECT_EQ(cbor(time).bytes, time);
}

TEST(Cbor, half_floats_nulls_tags_and_simple_values_stay) {
  const std::string odd = hex("8af93e00fa47c35000fb7ff0000000000000f4f5f6f7f820c249010000000000000000d9d9f70138ff");
  EXPECT_EQ(cbor(odd).bytes, odd);
}

TEST(Cbor, byte_strings_of_text_of_gzip_and_of_cbor_are_opened) {
  const auto bytes_item = [](std::string_view value) {
    return std::string("\x58") + static_cast<char>(value.size()) + std::string(value);
  };
  EXPECT_EQ(cbor("\x81" + bytes_item("token ghp_0123456789abcdefghijABCDEFGHIJ012345")).bytes.find("ghp_0"),
            std::string::npos);
  const std::string packed = cbor("\x81" + bytes_item(compress_gzip("password=hunter22"))).bytes;
  EXPECT_EQ(inflate(packed.substr(3), 1000).value(), "password=REDACTED-password");
  const std::string inner = "\xa1" + text_item("password") + text_item("hunter22");
  const std::string outer = "\xd8\x18" + bytes_item(inner);
  const std::string masked = "\xa1" + text_item("password") + text_item("REDACTED-password");
  EXPECT_EQ(cbor(outer).bytes, "\xd8\x18" + bytes_item(masked));
}

TEST(Cbor, random_bytes_go_under_a_name_that_says_secret_and_stay_elsewhere) {
  const std::string random = hex("8f1c0be2a49d77e0916bb2c5d4a1f3380a5c6e7f1b2d3c4e5f60718293a4b5c6");
  const std::string item = "\x58\x20" + random;
  EXPECT_EQ(cbor("\xa1" + text_item("digest") + item).bytes, "\xa1" + text_item("digest") + item);
  EXPECT_EQ(cbor("\xa1" + text_item("password") + item).bytes.find(random), std::string::npos);
}

TEST(Cbor, a_name_and_its_value_are_siblings_in_either_order) {
  const std::string name = text_item("name") + text_item("DB_PASSWORD");
  const std::string masked = text_item("value") + text_item("REDACTED-password");
  EXPECT_EQ(cbor("\xa2" + text_item("value") + text_item("x1y2") + name).bytes, "\xa2" + masked + name);
  EXPECT_EQ(cbor("\xa2" + name + text_item("value") + text_item("x1y2")).bytes, "\xa2" + name + masked);
}

TEST(Cbor, members_that_the_table_lists_are_masked) {
  const std::string answer = "\xa1" + text_item("SecretString") + text_item("plain words");
  EXPECT_EQ(cbor(answer, "secretsmanager", "GetSecretValue").bytes.find("plain words"), std::string::npos);
}

TEST(Cbor, what_lies_about_its_length_or_is_cut_or_nested_without_end_is_blocked) {
  const std::string whole = "\xa1" + text_item("password") + text_item("hunter22");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    EXPECT_FALSE(cbor(whole.substr(0, size) + (size == 1 ? "\x01" : "")).blocked.empty());
  }
  EXPECT_FALSE(cbor(hex("7bffffffffffffffff41")).blocked.empty());
  EXPECT_FALSE(cbor(hex("9bffffffffffffffff")).blocked.empty());
  EXPECT_FALSE(cbor(hex("bb7fffffffffffffff")).blocked.empty());
  EXPECT_FALSE(cbor(hex("1c")).blocked.empty());
  EXPECT_FALSE(cbor(hex("a161610162")).blocked.empty());
  EXPECT_FALSE(cbor(std::string(100'000, '\x81')).blocked.empty());
  EXPECT_FALSE(cbor(std::string(100'000, '\xc1')).blocked.empty());
  EXPECT_FALSE(cbor(std::string(100'000, '\x9f')).blocked.empty());
  EXPECT_FALSE(cbor(hex("81ff")).blocked.empty());
  EXPECT_FALSE(cbor(hex("6161ff")).blocked.empty());
}

TEST(Cbor, an_error_page_under_its_type_is_read_as_what_it_is) {
  EXPECT_EQ(cbor(R"({"password":"hunter22"})").bytes, R"({"password":"REDACTED-password"})");
}

TEST(Cbor, length_is_preserved_where_it_must_be) {
  MaskInput input;
  input.content_type = "application/cbor";
  input.service = "s3";
  input.length_preserving = true;
  const std::string bytes = "\xa2" + text_item("password") + "\x7f" + text_item("hun") + text_item("ter22") + "\xff" +
                            text_item("pin_password") + "\x19\x30\x39";
  const MaskOutput output = mask(input, bytes);
  EXPECT_EQ(output.blocked, "");
  EXPECT_EQ(output.bytes, "\xa2" + text_item("password") + "\x7f" + text_item("***") + text_item("*****") + "\xff" +
                              text_item("pin_password") + std::string("\x19\0\0", 3));
}

}  // namespace
}  // namespace holdpoint::masker::testing
