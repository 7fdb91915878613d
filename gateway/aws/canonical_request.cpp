#include "gateway/aws/canonical_request.hpp"

#include <algorithm>

namespace holdpoint::aws {
namespace {

// Trimmed, with each inner run of blanks as one space.
void append_collapsed(std::string& out, std::string_view value) {
  value = trim(value);
  // Session tokens are the longest values by far and have no blanks at all.
  if (value.find("  ") == std::string_view::npos && value.find('\t') == std::string_view::npos) {
    out += value;
    return;
  }
  bool blank = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      blank = true;
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
}

std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    begin = end + 1;
  }
  std::string out;
  out.reserve(path.size() + 16);
  for (const std::string_view segment : kept) out.append("/").append(uri_encode(segment));
  const bool folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (out.empty() || folder) out += '/';
  return out;
}

}  // namespace

PathRule path_rule(std::string_view service) {
  const bool raw =
      service == "s3" || service == "s3express" || service == "s3-object-lambda" || service == "s3-outposts";
  return raw ? PathRule::raw : PathRule::normalised;
}

std::string canonical_path(std::string_view raw_path, PathRule rule) {
  if (raw_path.empty() || raw_path == "/") return "/";
  if (rule == PathRule::normalised) return normalised(raw_path);
  std::string out;
  out.reserve(raw_path.size());
  for (const char c : raw_path) {
    if (c > ' ' && c < 0x7f) {
      out += c;
    } else {
      out += uri_encode(std::string_view(&c, 1));
    }
  }
  return out;
}

Result<std::string> canonical_query(std::string_view raw_query, std::string_view leave_out) {
  if (raw_query.empty()) return std::string();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (std::size_t begin = 0; begin <= raw_query.size();) {
    const std::size_t end = std::min(raw_query.find('&', begin), raw_query.size());
    const std::string_view part = raw_query.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto key = uri_decode(part.substr(0, equals));
    const auto value = uri_decode(equals < part.size() ? part.substr(equals + 1) : std::string_view());
    if (!key || !value) return fail(Code::malformed, "the query string has an incomplete % escape");
    if (!leave_out.empty() && *key == leave_out) continue;
    pairs.emplace_back(uri_encode(*key), uri_encode(*value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  out.reserve(raw_query.size() + 16);
  for (const auto& [key, value] : pairs) {
    if (!out.empty()) out += '&';
    out.append(key).append("=").append(value);
  }
  return out;
}

Result<std::string> canonical_request(const HttpHead& head, PathRule rule, std::string_view leave_out,
                                      const std::vector<std::string>& signed_headers, std::string_view payload_word,
                                      const Headers& added) {
  auto query = canonical_query(head.query(), leave_out);
  if (!query) return query;
  std::string out;
  out.reserve(1024 + head.target.size());
  out.append(head.method)
      .append("\n")
      .append(canonical_path(head.path(), rule))
      .append("\n")
      .append(*query)
      .append("\n");
  for (const std::string& name : signed_headers) {
    out.append(name).append(":");
    bool first = true;
    for (const Headers* headers : {&head.headers, &added}) {
      for (const auto& [candidate, value] : *headers) {
        if (!is_header(candidate, name)) continue;
        if (!first) out += ',';
        first = false;
        append_collapsed(out, value);
      }
    }
    if (first) return fail(Code::malformed, "the signed header \"" + display(name, 80) + "\" is missing");
    out += '\n';
  }
  out.append("\n").append(join_header_names(signed_headers)).append("\n").append(payload_word);
  return out;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical) {
  std::string out;
  out.reserve(160);  // the line before, a date, a scope, a hash
  out.append("AWS4-HMAC-SHA256\n")
      .append(amz_date)
      .append("\n")
      .append(scope)
      .append("\n")
      .append(to_hex(view(sha256(canonical))));
  return out;
}

std::string join_header_names(const std::vector<std::string>& names) {
  std::size_t bytes = names.size();
  for (const std::string& name : names) bytes += name.size();
  std::string out;
  out.reserve(bytes);
  for (const std::string& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

}  // namespace holdpoint::aws
