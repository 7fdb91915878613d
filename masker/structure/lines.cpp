// What is neither JSON nor XML: forms, CSV, and text with islands of JSON in it.
#include <algorithm>

#include "masker/structure/islands.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t columns_max = 4096;  // read by their names; further ones are text

/// A CSV field: its bytes without the quotes.
struct Field {
  std::size_t begin;
  std::size_t end;
};

/// Reads the record at `at` (RFC 4180); the cursor moves behind its line end.
std::vector<Field> read_record(std::string_view text, std::size_t& at, char separator) {
  std::vector<Field> fields;
  while (at < text.size()) {
    Field field{at, at};
    if (text[at] == '"') {
      std::size_t stop = at + 1;
      while (stop < text.size() && !(text[stop] == '"' && (stop + 1 >= text.size() || text[stop + 1] != '"')))
        stop += text[stop] == '"' ? 2 : 1;
      field = {at + 1, std::min(stop, text.size())};
      at = std::min(stop + 1, text.size());
    } else {
      std::size_t stop = at;
      while (stop < text.size() && text[stop] != separator && text[stop] != '\n') ++stop;
      field.end = stop > at && text[stop - 1] == '\r' ? stop - 1 : stop;
      at = stop;
    }
    if (fields.size() < columns_max) fields.push_back(field);
    while (at < text.size() && text[at] != separator && text[at] != '\n') ++at;
    if (at >= text.size()) break;
    if (text[at++] == '\n') break;
  }
  return fields;
}

/// Whether an encoder of forms may have written it: it escapes all but these.
bool is_form_encoded(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("%&=+*-._~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

void Scan::walk_rest(std::string_view text, int depth, Edits& edits) {
  order(edits);
  std::string rest(text);
  for (const Edit& edit : edits) std::fill(rest.begin() + edit.begin, rest.begin() + edit.end, '*');
  walk_text(rest, depth, edits);
  order(edits);
}

void Scan::walk_form(std::string_view text, int depth, Edits& edits) {
  Edits found;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('&', at), text.size());
    const std::string_view pair = text.substr(at, end - at);
    const std::size_t equals = pair.find('=');
    // Clients send any file under this type (curl does unless told): what has several lines is no pair of a form.
    if (equals != std::string_view::npos && pair.find('\n') == std::string_view::npos) {
      const MappedText name = unescape_percent(pair.substr(0, equals), true);
      const MappedText plain = unescape_percent(pair.substr(equals + 1), true);
      std::vector<Hit> hits;
      if (!find_triggers(plain.text, hits)) return block("pattern scan failed");
      Leaf leaf;
      leaf.text = plain.text;
      leaf.hits = hits;
      leaf.key = key_class(name.text);
      push(name.text);
      leaf.model = model_class(plain.text);
      Edits inner;
      value(leaf, depth, inner);
      pop();
      plain.map_back(std::move(inner), at + equals + 1, fill_, found);
      std::vector<Hit> name_hits;
      if (!find_triggers(name.text, name_hits)) return block("pattern scan failed");
      Edits in_name;
      free_text(name.text, name_hits, 0, {}, depth, in_name);
      name.map_back(std::move(in_name), at, fill_, found);
    }
    if (equals == std::string_view::npos || equals + 1 == pair.size()) {
      const std::size_t before = found.size();
      walk_text(pair, depth, found);
      shift(found, before, at);
    }
    at = end + 1;
  }
  if (is_form_encoded(text)) return append(std::move(found), edits);
  walk_rest(text, depth, found);
  append(std::move(found), edits);
}

void Scan::walk_csv(std::string_view text, int depth, Edits& edits) {
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view head = text.substr(0, line);
  const auto count = [&](char c) { return std::count(head.begin(), head.end(), c); };
  const char separator = count('\t') > count(',') ? '\t' : count(';') > count(',') ? ';' : ',';
  std::size_t at = 0;
  const std::vector<Field> header = read_record(text, at, separator);
  std::vector<KeyClass> columns;
  for (const Field& field : header) columns.push_back(key_class(text.substr(field.begin, field.end - field.begin)));
  Edits found;
  at = 0;  // the first record may be data: the detectors see it, its names judge the others
  std::size_t record = 0;
  std::vector<Hit> hits;
  if (!find_triggers(text, hits)) return block("pattern scan failed");
  std::size_t cursor = 0;
  while (at < text.size()) {
    const std::vector<Field> fields = read_record(text, at, separator);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Field field = fields[i];
      if (field.begin >= field.end) continue;
      while (cursor < hits.size() && hits[cursor].begin < field.begin) ++cursor;
      std::size_t stop = cursor;
      while (stop < hits.size() && hits[stop].end <= field.end) ++stop;
      Leaf leaf;
      leaf.text = text.substr(field.begin, field.end - field.begin);
      leaf.hits = Hits(hits).subspan(cursor, stop - cursor);
      leaf.hits_base = field.begin;
      if (record > 0 && i < columns.size()) leaf.key = columns[i];
      const std::size_t before = found.size();
      if (i < header.size()) push(text.substr(header[i].begin, header[i].end - header[i].begin));
      if (record > 0) leaf.model = model_class(leaf.text);
      value(leaf, depth, found);
      if (i < header.size()) pop();
      shift(found, before, field.begin);
      cursor = stop;
    }
    ++record;
  }
  walk_rest(text, depth, found);  // what spans fields or lines, and what is no table whatever its type says
  append(std::move(found), edits);
}

void Scan::walk_text(std::string_view text, int depth, Edits& edits) {
  if (text.find('\x1b') != std::string_view::npos) {
    // Colours cut tokens in two; a mask takes those inside it along.
    const MappedText plain = strip_escapes(text);
    if (plain.text.find('\x1b') == std::string::npos) {
      Edits inner;
      walk_text(plain.text, depth, inner);
      return plain.map_back(std::move(inner), 0, fill_, edits);
    }
  }
  std::vector<Hit> hits;
  if (!find_triggers(text, hits)) return block("pattern scan failed");
  Edits found;
  std::size_t at = 0;
  std::size_t cursor = 0;
  const auto plain = [&](std::size_t end) {
    std::size_t stop = cursor;
    while (stop < hits.size() && hits[stop].end <= end) ++stop;
    std::size_t start = cursor;
    while (start < stop && hits[start].begin < at) ++start;
    const std::size_t before = found.size();
    free_text(text.substr(at, end - at), Hits(hits).subspan(start, stop - start), at, {}, depth, found);
    shift(found, before, at);
    cursor = stop;
    at = end;
  };
  std::size_t from = 0;
  Islands islands(text);
  while (depth < nested_depth_max) {
    const std::size_t open = islands.find(from);
    if (open >= text.size()) break;
    const std::size_t close = islands.end(open);
    if (islands.is_full()) return block("too many brackets in text");
    if (close == 0) {
      // Not JSON, or cut: the text detectors know "key": "value" too. Nothing behind is tried from here again, so
      // that a row of brackets costs one walk.
      const std::size_t line = text.find('\n', open);
      if (line == std::string_view::npos) break;
      from = line;
      continue;
    }
    // An array around it belongs to it.
    plain(open);
    const std::size_t before = found.size();
    walk_json(text.substr(open, close - open), depth + 1, found);
    shift(found, before, open);
    while (cursor < hits.size() && hits[cursor].end <= close) ++cursor;
    at = close;
    from = close;
  }
  plain(text.size());
  order(found);
  append(std::move(found), edits);
}

}  // namespace holdpoint::masker
