#include "auditor/copy_text.hpp"

#include <algorithm>
#include <array>

#include "auditor/columns.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::array<const char*, 9> kFixedColumns{"index",     "received_at", "source", "epoch",      "sequence",
                                                   "leaf_hash", "head",        "bytes",  "quarantined"};

constexpr char kHex[] = "0123456789abcdef";

/// Bytes that both COPY and bytea's escape format take as they are.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) table[byte] = byte != '\\';
  return table;
}();

bool is_plain(char byte) { return kPlain[static_cast<unsigned char>(byte)]; }

/// Moves what stands as it is from the beginning of `rest`.
template <class Stands>
void put_run(BytesView& rest, std::string& out, Stands stands) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), stands);
  const auto run = static_cast<std::size_t>(end - rest.begin());
  out.append(rest.substr(0, run));
  rest.remove_prefix(run);
}

void put_text(BytesView rest, std::string& out) {
  const auto stands = [](char byte) { return byte != '\\' && (static_cast<unsigned char>(byte) >= 0x20); };
  for (put_run(rest, out, stands); !rest.empty(); put_run(rest, out, stands)) {
    const char byte = rest.front();
    rest.remove_prefix(1);
    out.push_back('\\');
    switch (byte) {
      case '\\':
        out.push_back('\\');
        break;
      case '\n':
        out.push_back('n');
        break;
      case '\r':
        out.push_back('r');
        break;
      case '\t':
        out.push_back('t');
        break;
      default:
        out.push_back('x');
        out.push_back(kHex[static_cast<unsigned char>(byte) >> 4]);
        out.push_back(kHex[byte & 15]);
    }
  }
}

void put_hex(BytesView bytes, std::string& out) {
  out.append("\\\\x");
  const std::size_t before = out.size();
  out.resize(before + 2 * bytes.size());
  char* at = out.data() + before;
  for (const char byte : bytes) {
    *at++ = kHex[static_cast<unsigned char>(byte) >> 4];
    *at++ = kHex[byte & 15];
  }
}

/// bytea in its escape format, where COPY doubles each backslash: an entry, being JSON, is about as long as itself.
void put_escaped(BytesView rest, std::string& out) {
  for (put_run(rest, out, is_plain); !rest.empty(); put_run(rest, out, is_plain)) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    out.append("\\\\");
    if (byte == '\\') {
      out.append("\\\\");
    } else {
      for (const int shift : {6, 3, 0}) out.push_back(static_cast<char>('0' + ((byte >> shift) & 7)));
    }
  }
}

void put_entry(BytesView bytes, std::string& out) {
  const auto plain = static_cast<std::size_t>(std::count_if(bytes.begin(), bytes.end(), is_plain));
  // An octal escape takes five bytes, two hexadecimal digits take two.
  if (3 * plain >= 2 * bytes.size()) return put_escaped(bytes, out);
  put_hex(bytes, out);
}

}  // namespace

const std::vector<std::string>& copy_columns() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all(kFixedColumns.begin(), kFixedColumns.end());
    for (const std::string_view name : column_names()) all.emplace_back(name);
    return all;
  }();
  return names;
}

void put_row(const Row& row, std::string_view received_at, std::string& out) {
  HOLDPOINT_INVARIANT(row.columns.size() == kColumnCount);
  out.append(std::to_string(row.index)).append("\t").append(received_at).append("\t");
  put_text(row.source, out);
  out.append("\t").append(std::to_string(row.position.epoch)).append("\t");
  out.append(std::to_string(row.position.sequence)).append("\t");
  put_hex(view(row.leaf), out);
  out.push_back('\t');
  put_hex(view(row.head), out);
  out.push_back('\t');
  put_entry(row.bytes, out);
  out.append(row.quarantine.empty() ? "\tf" : "\tt");
  for (const auto& column : row.columns) {
    out.push_back('\t');
    if (column) {
      put_text(*column, out);
    } else {
      out.append("\\N");
    }
  }
}

}  // namespace holdpoint::auditor
