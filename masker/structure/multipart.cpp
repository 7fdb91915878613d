// Multipart bodies (RFC 2046, RFC 7578) and the mail that carries them: each part by its own type and transfer
// encoding; a form's field by its name.
#include <algorithm>
#include <optional>

#include "bus/base/encoding.hpp"
#include "masker/structure/position_map.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t head_bytes_max = 16384;
constexpr std::size_t encoded_line_bytes = 76;

/// The value of `name=` in a header's parameters, without quotes; empty when there is none.
std::string_view parameter(std::string_view header, std::string_view name) {
  const std::string lower = to_lower(header);
  const std::string wanted = std::string(name) + "=";
  for (std::size_t at = lower.find(wanted); at != std::string::npos; at = lower.find(wanted, at + 1)) {
    // "filename=" also ends with "name=".
    if (at > 0 && lower[at - 1] != ';' && lower[at - 1] != ' ' && lower[at - 1] != '\t' && lower[at - 1] != '\n')
      continue;
    std::string_view value = header.substr(at + wanted.size());
    if (value.starts_with('"')) return value.substr(1, value.find('"', 1) - 1);
    return value.substr(0, value.find_first_of("; \t\r\n"));
  }
  return {};
}

/// The named header among `head`'s lines, folded lines included; empty when there is none.
std::string_view header_of(std::string_view head, std::string_view name) {
  std::size_t at = 0;
  while (at < head.size()) {
    std::size_t end = std::min(head.find('\n', at), head.size());
    while (end + 1 < head.size() && (head[end + 1] == ' ' || head[end + 1] == '\t'))
      end = std::min(head.find('\n', end + 1), head.size());
    const std::string_view line = head.substr(at, end - at);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        equal_ignoring_case(line.substr(0, name.size()), name)) {
      const std::string_view value = line.substr(name.size() + 1);
      const std::size_t first = value.find_first_not_of(" \t");
      return first == std::string_view::npos ? std::string_view() : value.substr(first);
    }
    at = end + 1;
  }
  return {};
}

/// "--" and the boundary: as the first line says, or as the head of a mail does.
std::string_view delimiter_of(std::string_view bytes, std::string& own) {
  if (bytes.starts_with("--")) {
    std::string_view line = bytes.substr(0, bytes.find('\n'));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    return line.size() > 2 ? line : std::string_view();
  }
  const std::string_view boundary = parameter(bytes.substr(0, head_bytes_max), "boundary");
  if (boundary.empty()) return {};
  own = "--" + std::string(boundary);
  return own;
}

MappedText unescape_quoted_printable(std::string_view raw) {
  MappedText out;
  out.reserve(raw.size());
  std::size_t at = 0;
  while (at < raw.size()) {
    if (raw[at] == '=') {
      const std::string_view next = raw.substr(at + 1, 2);
      if (next.starts_with("\n") || next == "\r\n") {
        at += next[0] == '\n' ? 2 : 3;
        continue;
      }
      if (const auto byte = from_hex(to_lower(next)); byte && byte->size() == 1) {
        out.put((*byte)[0], at);
        at += 3;
        continue;
      }
    }
    out.put(raw[at], at);
    ++at;
  }
  out.finish(raw.size());
  return out;
}

class MultipartWalk {
 public:
  MultipartWalk(Scan& scan, std::string_view whole, std::string_view delimiter, int depth, Edits& edits)
      : scan_(scan), whole_(whole), delimiter_(delimiter), depth_(depth), edits_(edits) {}

  void run() {
    std::size_t open = find_delimiter(0);
    text({0, std::min(open, whole_.size())});
    while (open < whole_.size()) {
      const std::size_t after = open + delimiter_.size();
      const bool last = whole_.substr(after, 2) == "--";
      const std::size_t line = whole_.find('\n', after);
      if (last || line == std::string_view::npos) return text({open, whole_.size()});
      text({open, line + 1});
      open = find_delimiter(line + 1);
      part({line + 1, std::min(open, whole_.size())});
    }
  }

 private:
  struct Span {
    std::size_t begin;
    std::size_t end;
  };
  [[nodiscard]] std::string_view bytes_of(Span span) const { return whole_.substr(span.begin, span.end - span.begin); }

  /// Where the next delimiter stands at a line's beginning.
  [[nodiscard]] std::size_t find_delimiter(std::size_t from) const {
    for (std::size_t at = whole_.find(delimiter_, from); at != std::string_view::npos;
         at = whole_.find(delimiter_, at + 1)) {
      if (at == 0 || whole_[at - 1] == '\n') return at;
    }
    return whole_.size();
  }

  void text(Span span) {
    if (span.begin >= span.end) return;
    const std::size_t before = edits_.size();
    scan_.walk_text(bytes_of(span), depth_ + 1, edits_);
    shift(edits_, before, span.begin);
  }

  void part(Span span) {
    const std::string_view all = bytes_of(span);
    std::size_t head = 0;
    if (all.starts_with("\n") || all.starts_with("\r\n")) {
      head = all.find('\n') + 1;
    } else {
      const std::size_t unix_end = all.find("\n\n");
      const std::size_t dos_end = all.find("\n\r\n");
      head = std::min(unix_end == std::string_view::npos ? all.size() : unix_end + 2,
                      dos_end == std::string_view::npos ? all.size() : dos_end + 3);
    }
    text({span.begin, span.begin + head});
    Span body{span.begin + head, span.end};
    // The line end before the delimiter belongs to it.
    if (body.end > body.begin && whole_[body.end - 1] == '\n') --body.end;
    if (body.end > body.begin && whole_[body.end - 1] == '\r') --body.end;
    if (body.begin >= body.end) return;
    const std::string_view lines = all.substr(0, head);
    const std::string encoding = to_lower(header_of(lines, "content-transfer-encoding"));
    content_ = {header_of(lines, "content-type"), parameter(header_of(lines, "content-disposition"), "name")};
    if (encoding.starts_with("base64")) return base64_body(body);
    if (encoding.starts_with("quoted-printable")) return quoted_body(body);
    const std::size_t before = edits_.size();
    document(bytes_of(body), edits_);
    shift(edits_, before, body.begin);
  }

  void document(std::string_view bytes, Edits& found) {
    const std::string_view type = content_.type.substr(0, content_.type.find_first_of(" \t\r\n"));
    if (content_.name.empty()) return scan_.walk_document(bytes, type, depth_ + 1, found);
    Leaf leaf;
    std::vector<Hit> hits;
    if (!find_triggers(bytes, hits)) return scan_.block("pattern scan failed");
    leaf.text = bytes;
    leaf.hits = hits;
    leaf.key = scan_.key_class(content_.name);
    scan_.push(content_.name);
    leaf.model = scan_.model_class(bytes);
    scan_.binary_value(leaf, depth_ + 1, found);
    scan_.pop();
  }

  void base64_body(Span body) {
    std::string compact;
    for (char c : bytes_of(body)) {
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') compact.push_back(c);
    }
    const auto decoded = from_base64(compact);
    if (!decoded) return scan_.block("a part's base64 cannot be read");
    Edits found;
    document(*decoded, found);
    if (found.empty()) return;
    order(found);
    const std::string encoded = to_base64(splice(*decoded, found));
    const std::string_view end = bytes_of(body).find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
    std::string out;
    for (std::size_t at = 0; at < encoded.size(); at += encoded_line_bytes)
      out.append(at == 0 ? "" : end).append(encoded.substr(at, encoded_line_bytes));
    edits_.push_back({body.begin, body.end, std::move(out)});
  }

  void quoted_body(Span body) {
    const MappedText plain = unescape_quoted_printable(bytes_of(body));
    Edits found;
    document(plain.text, found);
    order(found);
    for (Edit& edit : found) {
      for (std::size_t at = edit.text.find('='); at != std::string::npos; at = edit.text.find('=', at + 3))
        edit.text.replace(at, 1, "=3D");
    }
    plain.map_back(std::move(found), body.begin, scan_.length_preserving(), edits_);
  }

  struct Content {
    std::string_view type;
    std::string_view name;
  };

  Scan& scan_;
  std::string_view whole_;
  std::string_view delimiter_;
  int depth_;
  Edits& edits_;
  Content content_;
};

}  // namespace

bool Scan::walk_multipart(std::string_view bytes, int depth, Edits& edits) {
  std::string own;
  const std::string_view delimiter = delimiter_of(bytes, own);
  constexpr std::size_t delimiter_bytes_max = 72;  // RFC 2046: "--" and at most 70
  if (delimiter.empty() || delimiter.size() > delimiter_bytes_max) return false;
  // A PEM key and a list of options begin with dashes too; what has no closing line is text.
  if (bytes.find("\n" + std::string(delimiter) + "--") == std::string_view::npos) return false;
  Edits found;
  MultipartWalk(*this, bytes, delimiter, depth, found).run();
  order(found);
  append(std::move(found), edits);
  return true;
}

}  // namespace holdpoint::masker
