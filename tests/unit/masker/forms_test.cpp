// Packed, wide, multipart and terminal bytes.
#include <gtest/gtest.h>

#include "bus/base/encoding.hpp"
#include "masker/structure/compress.hpp"
#include "masker/structure/sequence.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

using namespace std::string_literals;

std::string wide(std::string_view ascii, bool big_endian) {
  std::string out;
  for (char c : ascii) out += big_endian ? std::string(1, '\0') + c : std::string(1, c) + '\0';
  return out;
}

std::string tty(std::string_view bytes) { return mask_as("application/x-tty", bytes, "", "").bytes; }

TEST(Packed, gzip_and_zstandard_are_opened_by_their_magic) {
  EXPECT_EQ(inflate(mask_as("application/octet-stream", compress_gzip("password=hunter22")).bytes, 100).value(),
            "password=REDACTED-password");
  EXPECT_EQ(unpack_zstd(mask_as("", compress_zstd("password=hunter22")).bytes, 100).value(),
            "password=REDACTED-password");
  MaskInput input;
  input.content_encoding = "zstd";
  EXPECT_EQ(unpack_zstd(mask(input, compress_zstd("password=hunter22")).bytes, 100).value(),
            "password=REDACTED-password");
}

TEST(Packed, members_in_a_row_are_one_text) {
  const std::string gzip = compress_gzip("key AKIAIOSF") + compress_gzip("ODNN7EXAMPLE");
  EXPECT_EQ(inflate(mask_as("", gzip).bytes, 100).value(), "key AKIA************MPLE");
  const std::string zstd = compress_zstd("key AKIAIOSF") + compress_zstd("ODNN7EXAMPLE");
  EXPECT_EQ(unpack_zstd(mask_as("", zstd).bytes, 100).value(), "key AKIA************MPLE");
}

TEST(Packed, what_is_clean_stays_byte_for_byte) {
  const std::string gzip = compress_gzip("clean") + compress_gzip(" text");
  EXPECT_EQ(mask_as("", gzip).bytes, gzip);
}

TEST(Packed, bombs_cuts_and_damage_are_blocked) {
  for (const std::string& bomb :
       {compress_gzip(std::string(80U << 20, 'a')), compress_zstd(std::string(80U << 20, 'a'))})
    EXPECT_FALSE(mask_as("", bomb).blocked.empty());
  for (const std::string& packed : {compress_gzip("password=hunter22"), compress_zstd("password=hunter22")}) {
    for (std::size_t size = 4; size < packed.size(); ++size)
      EXPECT_FALSE(mask_as("", packed.substr(0, size)).blocked.empty()) << size;
    EXPECT_FALSE(mask_as("", packed + "password=hunter22").blocked.empty());
  }
  std::string nested = "password=hunter22";
  for (int i = 0; i < 8; ++i) nested = compress_gzip(nested);
  EXPECT_FALSE(mask_as("", nested).blocked.empty());
}

TEST(Packed, an_object_keeps_its_length_by_bytes_that_mean_nothing) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "password=hunter" + std::to_string(i * 7919) + "\n";
  for (const std::string& packed : {compress_gzip(text), compress_zstd(text)}) {
    MaskInput input;
    input.length_preserving = true;
    input.service = "s3";
    const MaskOutput output = mask(input, packed);
    ASSERT_EQ(output.blocked, "");
    EXPECT_EQ(output.bytes.size(), packed.size());
    const auto plain = packed[0] == '\x1f' ? inflate(output.bytes, 10'000) : unpack_zstd(output.bytes, 10'000);
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ(plain->size(), text.size());
    EXPECT_EQ(plain->find("hunter"), std::string::npos);
  }
}

TEST(Wide, utf16_is_read_in_both_orders_with_and_without_its_mark) {
  const std::string_view plain = "password=hunter22 and more text";
  const std::string_view masked = "password=REDACTED-password and more text";
  EXPECT_EQ(mask_as("text/plain", "\xff\xfe" + wide(plain, false)).bytes, "\xff\xfe" + wide(masked, false));
  EXPECT_EQ(mask_as("text/plain", "\xfe\xff" + wide(plain, true)).bytes, "\xfe\xff" + wide(masked, true));
  EXPECT_EQ(mask_as("text/plain", wide(plain, false)).bytes, wide(masked, false));
  EXPECT_EQ(mask_as("text/plain; charset=UTF-16BE", wide("k: AKIAIOSFODNN7EXAMPLE", true)).bytes,
            wide("k: AKIA************MPLE", true));
}

TEST(Wide, surrogates_and_odd_bytes_stay_as_they_are) {
  const std::string pair = "\xff\xfe\x3d\xd8\x00\xde"s;
  EXPECT_EQ(mask_as("text/plain", pair + wide(" AKIAIOSFODNN7EXAMPLE", false) + "\x3d\xd8x").bytes,
            pair + wide(" AKIA************MPLE", false) + "\x3d\xd8x");
}

TEST(Wide, documents_in_utf16_keep_their_structure) {
  EXPECT_EQ(mask_as("application/json", "\xff\xfe" + wide(R"({"password":"x1","n":1})", false)).bytes,
            "\xff\xfe" + wide(R"({"password":"REDACTED-password","n":1})", false));
}

TEST(Wide, encoded_commands_are_opened) {
  const std::string masked = to_base64(wide("export DB_PASSWORD=REDACTED-password", false));
  EXPECT_EQ(mask_as("text/plain", "powershell -enc " + to_base64(wide("export DB_PASSWORD=hunter22", false))).bytes,
            "powershell -enc " + masked);
}

// A type is what the object's owner, or the agent, says of the bytes.
TEST(Claims, of_a_type_do_not_hide_text_from_the_detectors) {
  const std::string card = "card 4111111111111111\n";
  const std::string pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----\n";
  for (const char* const type :
       {"text/plain; charset=utf-16", "text/plain; charset=utf-32le", "application/cbor", "multipart/mixed",
        "multipart/mixed; boundary=x", "application/vnd.amazon.eventstream", "application/x-postgres-backend"}) {
    for (const std::string& mark : {""s, "\xff\xfe"s}) {
      const MaskOutput cards = mask_as(type, mark + card);
      EXPECT_TRUE(!cards.blocked.empty() || cards.bytes.find("4111111111111111") == std::string::npos) << type;
      const MaskOutput keys = mask_as(type, mark + pem);
      EXPECT_TRUE(!keys.blocked.empty() || keys.bytes.find("MIIEowIBAAKCAQEA7") == std::string::npos) << type;
    }
  }
}

TEST(Claims, of_a_boundary_do_not_hide_what_stands_in_it) {
  for (const char* const line : {"--password=hunter2hunter2", "--x password=hunter2hunter2"}) {
    const std::string bytes = std::string(line) + "\n\nbody\n" + line + "--\n";
    EXPECT_EQ(mask_as("multipart/mixed", bytes).bytes.find("hunter2"), std::string::npos) << line;
  }
}

TEST(Packed, thousands_of_empty_members_cost_what_they_hold) {
  std::string many = compress_gzip(std::string(8U << 20, ' '));
  const std::string empty = compress_gzip("");
  for (int i = 0; i < 100000; ++i) many += empty;
  EXPECT_EQ(inflate(many, 64U << 20).value().size(), std::size_t{8} << 20);
}

TEST(Packed, what_many_small_values_unpack_to_is_bounded_as_a_whole) {
  const std::string value = "\"" + to_base64(compress_gzip(std::string(1U << 20, ' '))) + "\"";
  const auto list = [&](int values) {
    std::string out = "[" + value;
    for (int i = 1; i < values; ++i) out += "," + value;
    return out + "]";
  };
  EXPECT_TRUE(mask_as("application/json", list(8)).blocked.empty());
  EXPECT_NE(mask_as("application/json", list(300)).blocked.find("too much compressed data"), std::string::npos);
}

TEST(Multipart, parts_are_masked_by_name_type_and_transfer_encoding) {
  const auto body = [](std::string_view field, std::string_view json, std::string_view encoded) {
    return "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + std::string(field) +
           "\r\n--b\r\nContent-Type: application/json\r\n\r\n" + std::string(json) +
           "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + to_base64(encoded) + "\r\n--b--\r\n";
  };
  EXPECT_EQ(
      mask_as("multipart/form-data; boundary=b", body("hunter22", R"({"token":"abc123def456"})", "password=hunter22"))
          .bytes,
      body("REDACTED-password", R"({"token":"REDACTED-token"})", "password=REDACTED-password"));
}

TEST(Multipart, user_data_of_machines_is_known_without_its_type) {
  const std::string head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"==b==\"\n\n--==b==\n";
  const std::string part = "Content-Transfer-Encoding: quoted-printable\n\n";
  EXPECT_EQ(mask_as("text/plain", head + part + "export A=3DAKIAIOSFOD=\nNN7EXAMPLE\n--==b==--\n").bytes,
            head + part + "export A=3DAKIA************MPLE\n--==b==--\n");
}

TEST(Multipart, without_an_end_or_a_boundary_it_is_still_read) {
  EXPECT_EQ(mask_as("multipart/mixed; boundary=b", "--b\n\npassword=hunter22").bytes,
            "--b\n\npassword=REDACTED-password");
  EXPECT_EQ(mask_as("multipart/mixed", "password=hunter22").bytes, "password=REDACTED-password");
  EXPECT_FALSE(mask_as("multipart/mixed", "--b\nContent-Transfer-Encoding: base64\n\n?broken?\n--b--").blocked.empty());
}

TEST(Terminal, a_value_broken_by_the_margin_is_found) {
  const std::string line = std::string(70, 'a') + " AKIAIOSF";
  ASSERT_EQ(line.size() + 1, 80U);
  EXPECT_EQ(tty(line + "O\r\nDNN7EXAMPLE ok\r\n$ "), std::string(70, 'a') + " AKIA************MPLE ok\r\n$ ");
  // As a line editor wraps what is typed.
  EXPECT_EQ(tty(line + "O \rDNN7EXAMPLE ok\r\n$ "), std::string(70, 'a') + " AKIA************MPLE ok\r\n$ ");
}

TEST(Terminal, short_lines_are_not_joined) {
  EXPECT_EQ(tty("AKIAIOSF\r\nODNN7EXAMPLE\r\n"), "AKIAIOSF\r\nODNN7EXAMPLE\r\n");
}

TEST(Terminal, corrections_do_not_hide_a_value_and_erased_ones_go_too) {
  EXPECT_EQ(tty("export DB_PASSWORD=hunx\b \bter22\r\n"), "export DB_PASSWORD=REDACTED-password\r\n");
  EXPECT_EQ(tty("AKIAIOSFODNN7EXAMPLE\b\b\b\b\b\b\r\n").find("IOSFODNN7"), std::string::npos);
}

TEST(Terminal, titles_device_answers_and_moves_of_the_cursor_do_not_join_words) {
  EXPECT_EQ(tty("\x1b]0;t\x1b\\\x1bP1$r\x1b\\AKIA\x1b[1mIOSFODNN7EXAMPLE\x1b[0m"),
            "\x1b]0;t\x1b\\\x1bP1$r\x1b\\AKIA************MPLE\x1b[0m");
  EXPECT_EQ(tty("password:\x1b[10Chunter22\r\n").find("hunter22"), std::string::npos);
}

TEST(Terminal, unfinished_sequences_are_text) {
  for (std::string_view end : {"\x1b", "\x1b[", "\x1b[38;5", "\x1b]0;title", "\x1bP", "\b", "\x1b(", "\r"})
    EXPECT_EQ(tty("AKIAIOSFODNN7EXAMPLE " + std::string(end)).find("IOSFODNN7"), std::string::npos);
}

TEST(Sequence, a_mask_over_a_cut_reads_as_one) {
  Sequence sequence;
  for (std::string_view piece : {"ab", "", "cdef", "gh"}) sequence.add(piece);
  const std::vector<Edits> cut = sequence.cut({{1, 7, "REDACTED"}});
  ASSERT_EQ(cut.size(), 4U);
  EXPECT_EQ(splice("ab", cut[0]), "aR");
  EXPECT_EQ(splice("", cut[1]), "");
  EXPECT_EQ(splice("cdef", cut[2]), "EDAC");
  EXPECT_EQ(splice("gh", cut[3]), "TEDh");
}

TEST(Sequence, a_short_mask_leaves_later_pieces_empty_and_letters_whole) {
  Sequence sequence;
  sequence.add("abc");
  sequence.add("def");
  EXPECT_EQ(splice("def", sequence.cut({{0, 6, "x"}})[1]), "");
  EXPECT_EQ(splice("abc", sequence.cut({{2, 6, "\xc3\xa4z"}})[0]), "ab\xc3\xa4");
}

}  // namespace
}  // namespace holdpoint::masker::testing
