#include <gtest/gtest.h>

#include "bus/base/encoding.hpp"
#include "masker/structure/big_endian.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

using namespace std::string_literals;

struct Column {
  std::string name;
  std::uint32_t type = 25;
  unsigned format = 0;
};

std::string message(char type, std::string_view body) {
  std::string out(1, type);
  put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
  return out.append(body);
}

std::string description(const std::vector<Column>& columns) {
  std::string body;
  put_big_endian(body, columns.size(), 2);
  for (const Column& column : columns) {
    body += column.name + '\0';
    put_big_endian(body, 0, 6);
    put_u32(body, column.type);
    put_big_endian(body, 0xffff'ffff'ffff, 6);
    put_big_endian(body, column.format, 2);
  }
  return message('T', body);
}

std::string row(const std::vector<std::string>& cells) {
  std::string body;
  put_big_endian(body, cells.size(), 2);
  for (const std::string& cell : cells) {
    put_u32(body, static_cast<std::uint32_t>(cell.size()));
    body += cell;
  }
  return message('D', body);
}

MaskOutput postgres(std::string_view bytes) { return mask_as("application/x-postgres-backend", bytes, "", ""); }

/// What becomes of one cell.
std::string cell(const Column& column, const std::string& value) {
  const std::string head = description({column});
  const MaskOutput output = postgres(head + row({value}) + message('C', "SELECT 1\0"s) + message('Z', "I"));
  EXPECT_EQ(output.blocked, "");
  const std::size_t size = read_u32(output.bytes, head.size() + 7);
  return output.bytes.substr(head.size() + 11, size);
}

std::string integer(std::uint64_t value, std::size_t width) {
  std::string out;
  put_big_endian(out, value, width);
  return out;
}

TEST(Postgres, rows_are_masked_by_their_columns_and_lengths_written_anew) {
  const std::string head = description({{"id"}, {"password"}});
  EXPECT_EQ(postgres(head + row({"550e8400-e29b-41d4-a716-446655440000", "hunter22"})).bytes,
            head + row({"550e8400-e29b-41d4-a716-446655440000", "REDACTED-password"}));
}

TEST(Postgres, nulls_stay_null_and_a_new_description_replaces_the_old) {
  const std::string null = message('D', "\0\1\xff\xff\xff\xff"s);
  const std::string first = description({{"password"}});
  const std::string second = description({{"city"}});
  EXPECT_EQ(postgres(first + null + second + row({"hunter22"})).bytes, first + null + second + row({"hunter22"}));
}

TEST(Postgres, a_cell_keeps_its_type_in_text) {
  EXPECT_EQ(cell({"card_number", 20}, "4111111111111111"), "4111110000001111");
  EXPECT_EQ(cell({"date_of_birth", 1082}, "1981-02-03"), "1900-01-01");
  EXPECT_EQ(cell({"created", 1082}, "1981-02-03"), "1981-02-03");
  EXPECT_EQ(cell({"api_token", 2950}, "550e8400-e29b-41d4-a716-446655440000"), "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(cell({"id", 2950}, "550e8400-e29b-41d4-a716-446655440000"), "550e8400-e29b-41d4-a716-446655440000");
  EXPECT_EQ(cell({"settings", 3802}, R"({"password": "hunter22", "n": 1})"),
            R"({"password": "REDACTED-password", "n": 1})");
  EXPECT_EQ(cell({"password", 114}, R"("hunter22")"), R"("REDACTED-password")");
  EXPECT_EQ(cell({"note", 17}, "\\x" + to_hex("password=hunter22")), "\\x" + to_hex("password=REDACTED-password"));
  EXPECT_EQ(cell({"password", 17}, "\\x0001ff00fe"), "\\x" + to_hex("REDACTED-password"));
}

TEST(Postgres, arrays_are_masked_element_by_element) {
  EXPECT_EQ(cell({"notes", 1009}, R"({plain,NULL,"say \"AKIAIOSFODNN7EXAMPLE\""})"),
            R"({plain,NULL,"say \"AKIA************MPLE\""})");
  EXPECT_EQ(cell({"passwords", 1009}, "{hunter22,x1y2z3}"), "{REDACTED-password,REDACTED-password}");
  const std::string head = integer(1, 4) + integer(0, 4) + integer(25, 4) + integer(2, 4) + integer(1, 4);
  const auto element = [](std::string_view value) { return integer(value.size(), 4) + std::string(value); };
  EXPECT_EQ(cell({"notes", 1009, 1}, head + element("a") + element("AKIAIOSFODNN7EXAMPLE")),
            head + element("a") + element("AKIA************MPLE"));
}

TEST(Postgres, a_cell_keeps_its_type_in_binary) {
  EXPECT_EQ(cell({"card_number", 20, 1}, integer(4111111111111111, 8)), integer(4111110000001111, 8));
  // 4111 1111 1111 1111 in groups of four digits, then without the zeros at the end.
  const auto numeric = [](std::initializer_list<unsigned> groups, unsigned weight) {
    std::string out = integer(groups.size(), 2) + integer(weight, 2) + integer(0, 4);
    for (unsigned group : groups) out += integer(group, 2);
    return out;
  };
  EXPECT_EQ(cell({"pan", 1700, 1}, numeric({4111, 1111, 1111, 1111}, 3)), numeric({4111, 1100, 0, 1111}, 3));
  EXPECT_EQ(cell({"price", 1700, 1}, numeric({12, 5000}, 0)), numeric({12, 5000}, 0));
  EXPECT_EQ(cell({"date_of_birth", 1082, 1}, integer(static_cast<std::uint32_t>(-6906), 4)),
            integer(static_cast<std::uint32_t>(-36524), 4));
  EXPECT_EQ(cell({"api_token", 2950, 1}, from_hex("550e8400e29b41d4a716446655440000").value()), std::string(16, '\0'));
  EXPECT_EQ(cell({"doc", 3802, 1}, "\1{\"password\": \"hunter22\"}"), "\1{\"password\": \"REDACTED-password\"}");
  EXPECT_EQ(cell({"email", 25, 1}, "AKIAIOSFODNN7EXAMPLE"), "AKIA************MPLE");
  EXPECT_EQ(cell({"at", 1184, 1}, integer(800000000000000, 8)), integer(800000000000000, 8));
}

TEST(Postgres, a_table_of_settings_names_its_values_itself) {
  const std::string head = description({{"name"}, {"value"}});
  EXPECT_EQ(postgres(head + row({"db_password", "x1y2"}) + row({"log_level", "x1y2"})).bytes,
            head + row({"db_password", "REDACTED-password"}) + row({"log_level", "x1y2"}));
}

TEST(Postgres, copied_rows_are_read_over_the_messages_they_came_in) {
  const std::string start = message('H', "\0\0\2\0\0\0\0"s);
  const std::string end = message('c', "") + message('C', "COPY 2\0"s) + message('Z', "I");
  const std::string rows = "1\tkey AKIAIOSFODNN7EXAMPLE\\tend\n2\t\\N\n";
  const std::string masked = "1\tkey AKIA************MPLE\\tend\n2\t\\N\n";
  for (std::size_t cut = 1; cut < rows.size(); ++cut) {
    SCOPED_TRACE(cut);
    const MaskOutput output =
        postgres(start + message('d', rows.substr(0, cut)) + message('d', rows.substr(cut)) + end);
    // The mask is as long as the key, so every piece keeps its length.
    EXPECT_EQ(output.bytes, start + message('d', masked.substr(0, cut)) + message('d', masked.substr(cut)) + end);
  }
}

TEST(Postgres, copied_columns_are_known_by_a_header) {
  const std::string start = message('H', "\0\0\2\0\0\0\0"s);
  EXPECT_EQ(postgres(start + message('d', "id,password\n1,hunter22\n") + message('c', "")).bytes,
            start + message('d', "id,password\n1,REDACTED-password\n") + message('c', ""));
  EXPECT_EQ(postgres(start + message('d', "id\tpassword\n") + message('d', "1\thunter22\n") + message('c', "")).bytes,
            start + message('d', "id\tpassword\n") + message('d', "1\tREDACTED-password\n") + message('c', ""));
}

TEST(Postgres, copied_binary_rows_keep_their_frame) {
  const std::string head = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"s;
  const std::string key =
      "\0\2\0\0\0\4\0\0\0\7\0\0\0\x14"
      "AKIAIOSFODNN7EXAMPLE\xff\xff"s;
  const std::string masked =
      "\0\2\0\0\0\4\0\0\0\7\0\0\0\x14"
      "AKIA************MPLE\xff\xff"s;
  EXPECT_EQ(postgres(message('d', head) + message('d', key)).bytes, message('d', head) + message('d', masked));
}

TEST(Postgres, errors_and_notices_are_read_but_for_their_codes) {
  const std::string notice =
      "SERROR\0C23505\0Mno\0DKey (tenant, password)=(7, hunter22) already exists.\0tAKIAIOSFODNN7EXAMPLE\0\0"s;
  const std::string masked =
      "SERROR\0C23505\0Mno\0DKey (tenant, password)=(7, REDACTED-password) already exists.\0tAKIAIOSFODNN7EXAMPLE\0\0"s;
  EXPECT_EQ(postgres(message('E', notice)).bytes, message('E', masked));
}

TEST(Postgres, cut_lying_and_unknown_messages_are_blocked) {
  const std::string good = description({{"password"}}) + row({"hunter22"});
  for (std::size_t size = 2; size < good.size(); ++size) {
    if (size == description({{"password"}}).size()) continue;
    SCOPED_TRACE(size);
    EXPECT_FALSE(postgres(good.substr(0, size)).blocked.empty());
  }
  EXPECT_FALSE(postgres("D\0\0\0\3"s).blocked.empty());
  EXPECT_FALSE(postgres("D\xff\xff\xff\xff"s).blocked.empty());
  EXPECT_FALSE(postgres(message('D', "\0\1\0\0\0\x09x"s)).blocked.empty());
  EXPECT_FALSE(postgres(message('D', "\0\1\x80\0\0\0x"s)).blocked.empty());
  EXPECT_FALSE(postgres(message('T', "\xff\xff"s)).blocked.empty());
  EXPECT_FALSE(postgres(message('?', "x\1"s)).blocked.empty());
  EXPECT_FALSE(postgres(description({{"a"}, {"b"}}) + row({"one"})).blocked.empty());
  EXPECT_FALSE(postgres(message('W', "\0\0\0"s) + message('d', "w")).blocked.empty());
}

}  // namespace
}  // namespace holdpoint::masker::testing
