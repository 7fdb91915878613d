#include "auditor/copy_binary.hpp"

#include <array>
#include <charconv>

#include "auditor/columns.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::array<const char*, 9> kFixedColumns{"index",     "received_at", "source", "epoch",      "sequence",
                                                   "leaf_hash", "head",        "bytes",  "quarantined"};
constexpr std::int32_t kNull = -1;
constexpr Instant kPostgresEpoch{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};

template <class Integer>
void put_integer(Integer value, std::string& out) {
  for (int shift = 8 * (sizeof value - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff));
  }
}

void put_bytes(BytesView bytes, std::string& out) {
  put_integer(static_cast<std::int32_t>(bytes.size()), out);
  out.append(bytes);
}

void put_bigint(std::uint64_t value, std::string& out) {
  put_integer(static_cast<std::int32_t>(sizeof value), out);
  put_integer(value, out);
}

void put_time(Instant time, std::string& out) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time - kPostgresEpoch).count();
  put_bigint(static_cast<std::uint64_t>(since), out);
}

void put_column(const std::optional<std::string>& column, ColumnType type, std::string& out) {
  if (!column) return put_integer(kNull, out);
  switch (type) {
    case ColumnType::text:
      return put_bytes(*column, out);
    case ColumnType::time: {
      const auto time = from_rfc3339(*column);
      HOLDPOINT_INVARIANT(time.has_value());
      return put_time(*time, out);
    }
    case ColumnType::number: {
      std::int64_t number = 0;
      const auto read = std::from_chars(column->data(), column->data() + column->size(), number);
      HOLDPOINT_INVARIANT(read.ec == std::errc());
      return put_bigint(static_cast<std::uint64_t>(number), out);
    }
  }
}

}  // namespace

const std::string& copy_statement() {
  static const std::string statement = [] {
    std::string names;
    for (const char* name : kFixedColumns) names.append(names.empty() ? "" : ", ").append(name);
    for (const std::string_view name : column_names()) names.append(", ").append(name);
    return "COPY audit.entries (" + names + ") FROM STDIN (FORMAT binary)";
  }();
  return statement;
}

void put_copy_header(std::string& out) {
  out.append("PGCOPY\n\xff\r\n\0", 11);
  put_integer(std::int32_t{0}, out);  // no flags, no extension
  put_integer(std::int32_t{0}, out);
}

void put_copy_trailer(std::string& out) { put_integer(std::int16_t{-1}, out); }

void put_row(const Row& row, Instant received_at, std::string& out) {
  HOLDPOINT_INVARIANT(row.columns.size() == kColumnCount);
  put_integer(static_cast<std::int16_t>(kFixedColumns.size() + kColumnCount), out);
  put_bigint(row.index, out);
  put_time(received_at, out);
  put_bytes(row.source, out);
  put_bigint(row.position.epoch, out);
  put_bigint(row.position.sequence, out);
  put_bytes(view(row.leaf), out);
  put_bytes(view(row.head), out);
  put_bytes(row.bytes, out);
  put_integer(std::int32_t{1}, out);
  out.push_back(row.quarantine.empty() ? '\0' : '\1');
  for (std::size_t i = 0; i < kColumnCount; ++i) put_column(row.columns[i], column_type(i), out);
}

}  // namespace holdpoint::auditor
