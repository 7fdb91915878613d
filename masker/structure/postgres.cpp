// What a PostgreSQL server sends (protocol 3.0): rows by their columns' names and types, COPY data over its messages,
// errors and notices. Messages keep their order and count; lengths are written anew.
//
//   type u8 | length u32 with itself | body
#include <algorithm>

#include "bus/base/encoding.hpp"
#include "masker/structure/big_endian.hpp"
#include "masker/structure/hit_cursor.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/postgres_value.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sequence.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t columns_max = 1664;  // PostgreSQL's own limit of a target list
constexpr std::string_view copy_signature("PGCOPY\n\xff\r\n\0", 11);

class PostgresWalk {
 public:
  PostgresWalk(Scan& scan, std::string_view whole, Hits hits, int depth, Edits& edits)
      : scan_(scan), whole_(whole), hits_(hits), depth_(depth), edits_(edits) {}

  bool run() {
    std::size_t at = 0;
    while (at < whole_.size()) {
      constexpr std::size_t head_bytes = 5;
      if (whole_.size() - at < head_bytes) return false;
      const std::size_t length = read_u32(whole_, at + 1);
      if (length < 4 || length > whole_.size() - at - 1) return false;
      const Message message{whole_[at], at, at + 1 + length, at + head_bytes};
      if (!read(message)) return false;
      at = message.end;
    }
    return end_copy();
  }

 private:
  struct Message {
    char type;
    std::size_t begin;
    std::size_t end;
    std::size_t body;
  };

  [[nodiscard]] std::string_view body_of(const Message& message) const {
    return whole_.substr(message.body, message.end - message.body);
  }

  bool read(const Message& message) {
    // Notices and settings may stand between the rows of a COPY.
    constexpr std::string_view beside = "dNSA";
    if (beside.find(message.type) == std::string_view::npos && !end_copy()) return false;
    switch (message.type) {
      case 'T':
        return describe(message);
      case 'D':
        return row(message);
      case 'C':
      case 'I':
        columns_.clear();  // the next rows may be another statement's
        return true;
      case 'd':
        copied_.push_back(message);
        return true;
      case 'E':
      case 'N':
        return notice(message);
      case 'A':
      case 'S':
        return texts(message, message.type == 'A' ? 4 : 0);
      case 'V':
        return result(message);
      case 'W':
        scan_.block("replication streams cannot be inspected");
        return true;
      default:
        // Ready, parse and bind done, no data, suspended, copy formats, authentication, key data.
        return std::string_view("Z123nstHGcRKv").find(message.type) != std::string_view::npos;
    }
  }

  void write(const Message& message, const std::string& body) {
    std::string out(1, message.type);
    put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    edits_.push_back({message.begin, message.end, out + body});
  }

  bool describe(const Message& message) {
    const std::string_view body = body_of(message);
    if (body.size() < 2) return false;
    const std::size_t count = read_u16(body, 0);
    if (count > columns_max) return false;
    columns_.clear();
    std::size_t at = 2;
    for (std::size_t i = 0; i < count; ++i) {
      constexpr std::size_t facts_bytes = 18;  // table, column, type, size, modifier, format
      const std::size_t end = body.find('\0', at);
      if (end == std::string_view::npos || body.size() - end - 1 < facts_bytes) return false;
      PostgresColumn column;
      column.name = body.substr(at, end - at);
      column.facts = scan_.key_facts_of(column.name);
      column.type = read_u32(body, end + 7);
      column.binary = read_u16(body, end + 17) == 1;
      columns_.push_back(std::move(column));
      at = end + 1 + facts_bytes;
    }
    return at == body.size();
  }

  struct Cell {
    std::size_t begin = 0;
    std::size_t size = 0;
    bool null = false;
  };

  static bool read_cells(std::string_view body, std::size_t count, std::size_t at, std::vector<Cell>& cells) {
    for (std::size_t i = 0; i < count; ++i) {
      if (body.size() - at < 4) return false;
      const std::uint32_t length = read_u32(body, at);
      at += 4;
      if (length == 0xffffffffU) {
        cells.push_back({at, 0, true});
        continue;
      }
      if (length > body.size() - at) return false;
      cells.push_back({at, length, false});
      at += length;
    }
    return at == body.size();
  }

  bool row(const Message& message) {
    const std::string_view body = body_of(message);
    std::vector<Cell> cells;
    if (body.size() < 2 || !read_cells(body, read_u16(body, 0), 2, cells)) return false;
    if (!columns_.empty() && cells.size() != columns_.size()) return false;
    const KeyClass named = sibling(body, cells);
    static const PostgresColumn untold;
    std::string out(body.substr(0, 2));
    bool changed = false;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const PostgresColumn& column = columns_.empty() ? untold : columns_[i];
      const std::string_view value = body.substr(cells[i].begin, cells[i].size);
      const std::size_t at = message.body + cells[i].begin;
      const KeyClass key = column.facts.values && named.hint != Hint::none ? named : column.facts.key;
      scan_.push(column.name);
      const auto masked =
          mask_postgres_value(scan_, column, key, value, hits_.within(at, at + value.size()), at, depth_);
      scan_.pop();
      changed |= masked.has_value();
      put_u32(out, cells[i].null ? 0xffffffffU : static_cast<std::uint32_t>(masked ? masked->size() : value.size()));
      out.append(masked ? std::string_view(*masked) : value);
    }
    if (changed) write(message, out);
    return true;
  }

  /// A table of settings: what the column "name" holds names what "value" holds.
  KeyClass sibling(std::string_view body, const std::vector<Cell>& cells) {
    KeyClass named;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].facts.names || cells[i].size > name_bytes_max) continue;
      const std::string_view name = body.substr(cells[i].begin, cells[i].size);
      const std::size_t slash = name.find_last_of("/:");
      const KeyClass key = scan_.key_class(slash == std::string_view::npos ? name : name.substr(slash + 1));
      if (key.hint >= Hint::password) named = key;
    }
    return named;
  }

  // ---- COPY -----------------------------------------------------------------------------------------------------

  /// The data of one COPY, over however many messages it came in.
  bool end_copy() {
    if (copied_.empty()) return true;
    Sequence sequence;
    for (const Message& message : copied_) sequence.add(body_of(message));
    Edits found;
    const std::string& whole = sequence.whole();
    if (whole.starts_with(copy_signature)) {
      if (!copy_binary(whole, found)) return false;
    } else if (const std::string_view line = std::string_view(whole).substr(0, whole.find('\n'));
               line.find('\t') == std::string_view::npos && line.find_first_of(",;|") != std::string_view::npos) {
      scan_.walk_csv(whole, depth_, found);
    } else {
      copy_text(whole, found);
    }
    order(found);
    const std::vector<Edits> cut = sequence.cut(found);
    for (std::size_t i = 0; i < copied_.size(); ++i) {
      if (!cut[i].empty()) write(copied_[i], splice(body_of(copied_[i]), cut[i]));
    }
    copied_.clear();
    return true;
  }

  void copy_text(std::string_view whole, Edits& found) {
    std::vector<Hit> hits;
    if (!find_triggers(whole, hits)) return scan_.block("pattern scan failed");
    HitCursor cursor(hits);
    std::vector<std::string_view> header;
    const bool headed = is_table_with_header(whole);
    std::size_t at = 0;
    for (std::size_t line = 0; at < whole.size(); ++line) {
      const std::size_t end = std::min(whole.find('\n', at), whole.size());
      for (std::size_t column = 0; at <= end; ++column) {
        const std::size_t stop = std::min(whole.substr(0, end).find('\t', at), end);
        const std::string_view raw = whole.substr(at, stop - at);
        if (headed && line == 0) header.push_back(raw);
        const std::string_view name = column < header.size() ? header[column] : std::string_view();
        copy_field(raw, at, line == 0 ? std::string_view() : name, cursor, found);
        at = stop + 1;
      }
      at = end + 1;
    }
  }

  void copy_field(std::string_view raw, std::size_t at, std::string_view name, HitCursor& cursor, Edits& found) {
    if (raw.empty() || raw == "\\N") return;
    Leaf leaf;
    leaf.key = name.empty() ? KeyClass{} : scan_.key_class(name);
    const MappedText plain = unescape_backslashes(raw);
    std::vector<Hit> own;
    leaf.text = plain.text;
    if (plain.text.size() == raw.size()) {
      leaf.hits = cursor.within(at, at + raw.size());
      leaf.hits_base = at;
    } else {
      if (!find_triggers(plain.text, own)) return scan_.block("pattern scan failed");
      leaf.hits = own;
    }
    scan_.push(name);
    leaf.model = scan_.model_class(leaf.text);
    Edits inner;
    scan_.value(leaf, depth_, inner);
    scan_.pop();
    plain.map_back(std::move(inner), at, scan_.length_preserving(), found);
  }

  bool copy_binary(std::string_view whole, Edits& found) {
    std::size_t at = copy_signature.size() + 4;
    if (whole.size() < at + 4) return false;
    const std::size_t extension = read_u32(whole, at);
    at += 4;
    if (extension > whole.size() - at) return false;
    at += extension;
    const PostgresColumn untold;
    while (whole.size() - at >= 2) {
      const unsigned count = read_u16(whole, at);
      at += 2;
      if (count == 0xffff) return at == whole.size();
      for (unsigned i = 0; i < count; ++i) {
        if (whole.size() - at < 4) return false;
        const std::uint32_t length = read_u32(whole, at);
        if (length == 0xffffffffU) {
          at += 4;
          continue;
        }
        if (length > whole.size() - at - 4) return false;
        const std::string_view value = whole.substr(at + 4, length);
        std::vector<Hit> own;
        if (!find_triggers(value, own)) scan_.block("pattern scan failed");
        if (const auto masked = mask_postgres_value(scan_, untold, {}, value, own, 0, depth_)) {
          std::string out;
          put_u32(out, static_cast<std::uint32_t>(masked->size()));
          found.push_back({at, at + 4 + length, out + *masked});
        }
        at += 4 + length;
      }
    }
    return at == whole.size();
  }

  // ---- errors, notices, settings -------------------------------------------------------------------------------

  bool notice(const Message& message) {
    const std::string_view body = body_of(message);
    Edits found;
    std::size_t at = 0;
    while (at < body.size() && body[at] != '\0') {
      const char code = body[at];
      const std::size_t end = body.find('\0', at + 1);
      if (end == std::string_view::npos) return false;
      const std::string_view text = body.substr(at + 1, end - at - 1);
      // Message, detail, hint, internal query, context: what holds words; the others are names and codes.
      if (std::string_view("MDHqW").find(code) != std::string_view::npos) free_words(text, at + 1, found);
      at = end + 1;
    }
    if (at + 1 != body.size()) return false;
    if (!found.empty()) write(message, splice(body, found));
    return true;
  }

  void free_words(std::string_view text, std::size_t at, Edits& found) {
    Edits inner;
    const std::size_t read = key_detail(text, inner);
    const std::size_t before = inner.size();
    scan_.walk_text(text.substr(read), depth_, inner);
    shift(inner, before, read);
    order(inner);
    shift(inner, 0, at);
    found.insert(found.end(), inner.begin(), inner.end());
  }

  /// Key (email, tenant)=(a@b.example, 7) already exists. Returns where the values end.
  std::size_t key_detail(std::string_view text, Edits& found) {
    constexpr std::string_view opening = "Key (";
    constexpr std::string_view middle = ")=(";
    if (!text.starts_with(opening)) return 0;
    const std::size_t names_end = text.find(middle);
    const std::size_t end = text.rfind(')');
    if (names_end == std::string_view::npos || end <= names_end + middle.size()) return 0;
    std::string_view names = text.substr(opening.size(), names_end - opening.size());
    std::size_t at = names_end + middle.size();
    while (!names.empty() && at <= end) {
      const std::size_t comma = names.find(", ");
      const std::string_view name = names.substr(0, comma);
      names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 2);
      // The last takes what is left: a value may hold a comma.
      const std::size_t stop = names.empty() ? end : std::min(text.find(", ", at), end);
      const std::string_view value = text.substr(at, stop - at);
      const std::size_t before = found.size();
      Leaf leaf;
      std::vector<Hit> own;
      if (!find_triggers(value, own)) scan_.block("pattern scan failed");
      leaf.text = value;
      leaf.hits = own;
      leaf.key = scan_.key_class(name);
      scan_.push(name);
      scan_.value(leaf, depth_, found);
      scan_.pop();
      shift(found, before, at);
      at = stop + 2;
    }
    return end;
  }

  /// Strings that end with a zero byte: a setting's name and value, a notification's channel and payload.
  bool texts(const Message& message, std::size_t at) {
    const std::string_view body = body_of(message);
    if (body.size() < at) return false;
    Edits found;
    while (at < body.size()) {
      const std::size_t end = body.find('\0', at);
      if (end == std::string_view::npos) return false;
      free_words(body.substr(at, end - at), at, found);
      at = end + 1;
    }
    if (!found.empty()) write(message, splice(body, found));
    return true;
  }

  bool result(const Message& message) {
    const std::string_view body = body_of(message);
    std::vector<Cell> cells;
    if (!read_cells(body, 1, 0, cells)) return false;
    if (cells[0].null) return true;
    const std::size_t at = message.body + cells[0].begin;
    const std::string_view value = body.substr(cells[0].begin, cells[0].size);
    const PostgresColumn untold;
    const auto masked = mask_postgres_value(scan_, untold, {}, value, hits_.within(at, at + value.size()), at, depth_);
    if (!masked) return true;
    std::string out;
    put_u32(out, static_cast<std::uint32_t>(masked->size()));
    write(message, out + *masked);
    return true;
  }

  Scan& scan_;
  std::string_view whole_;
  HitCursor hits_;
  int depth_;
  Edits& edits_;
  std::vector<PostgresColumn> columns_;
  std::vector<Message> copied_;
};

}  // namespace

bool Scan::walk_postgres(std::string_view bytes, int depth, Edits& edits) {
  std::vector<Hit> hits;
  if (!find_triggers(bytes, hits)) return block("pattern scan failed"), true;
  Edits found;
  const std::size_t names = path_.size();
  const bool good = PostgresWalk(*this, bytes, hits, depth, found).run();
  path_.resize(names);
  if (!good) return false;
  order(found);
  append(std::move(found), edits);
  return true;
}

}  // namespace holdpoint::masker
