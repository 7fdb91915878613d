#include "masker/structure/sniff.hpp"

#include <algorithm>

#include "bus/base/checksums.hpp"
#include "bus/base/encoding.hpp"
#include "masker/detect/byte_set.hpp"
#include "masker/detect/key_name.hpp"

namespace holdpoint::masker {
namespace {

/// The first 12 bytes carry a checksum of their own, so that a chance is one in four thousand million.
bool is_event_prelude(std::string_view bytes) {
  if (bytes.size() < 16) return false;
  std::uint32_t checksum = 0;
  for (std::size_t i = 8; i < 12; ++i) checksum = checksum << 8 | static_cast<unsigned char>(bytes[i]);
  return crc32(bytes.substr(0, 8)) == checksum;
}

/// The marker tag that says CBOR, or a map or array whose first bytes no UTF-8 text has.
bool may_be_cbor(std::string_view bytes) {
  if (bytes.starts_with("\xd9\xd9\xf7")) return true;
  if (bytes.size() < 4) return false;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const bool container =
      (first >= 0x81 && first <= 0x9b) || first == 0x9f || (first >= 0xa1 && first <= 0xbb) || first == 0xbf;
  return container && !is_utf8(bytes.substr(0, 64));
}

/// By its type, or as EC2's user data and stored mail begin.
bool is_multipart(std::string_view bytes, std::string_view type) {
  if (type.starts_with("multipart/") || type == "message/rfc822") return true;
  constexpr std::string_view openings[] = {"content-type: multipart/", "mime-version:"};
  return std::any_of(std::begin(openings), std::end(openings), [&](std::string_view opening) {
    return bytes.size() > opening.size() && equal_ignoring_case(bytes.substr(0, opening.size()), opening);
  });
}

bool is_cbor_type(std::string_view type) {
  return type == "application/cbor" || type == "application/cbor-seq" || type.ends_with("+cbor") ||
         type.ends_with("-cbor");
}

}  // namespace

bool is_textual(std::string_view bytes) {
  std::size_t odd = 0;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\x1b') ++odd;
    if (byte == 0x7f) ++odd;
  }
  return odd * 50 <= bytes.size() && is_utf8(bytes);
}

bool is_plain_text(std::string_view bytes) {
  static constexpr std::string_view allowed = "\t\n\r\f\x1b";
  return std::none_of(bytes.begin(), bytes.end(),
                      [](char c) { return c >= 0 && c < ' ' && allowed.find(c) == std::string_view::npos; }) &&
         is_utf8(bytes);
}

bool opens_json(std::string_view text) {
  constexpr ByteSet space(" \t\r\n");
  constexpr ByteSet ends(" \t\r\n,]");
  const std::size_t first = space.find_other(text);
  if (first == std::string_view::npos || (text[first] != '{' && text[first] != '[')) return false;
  if (text[first] == '{') return true;
  const std::size_t inside = space.find_other(text, first + 1);
  if (inside == std::string_view::npos) return false;
  if (std::string_view("{[\"]").find(text[inside]) != std::string_view::npos) return true;
  const std::size_t behind = space.find_other(text, std::min(ends.find(text, inside), text.size()));
  return behind != std::string_view::npos && text[behind] == ',';
}

bool opens_page(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  const std::string_view opening = text.substr(first);
  const auto opens = [&](std::string_view tag) {
    return opening.size() > tag.size() && equal_ignoring_case(opening.substr(0, tag.size()), tag) &&
           (opening[tag.size()] == '>' || opening[tag.size()] == ' ');
  };
  return opens("<!doctype html") || opens("<html");
}

Packing packing_of(std::string_view bytes) {
  if (bytes.starts_with("\x1f\x8b\x08")) return Packing::gzip;
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return Packing::zstd;
  return Packing::none;
}

bool is_table_with_header(std::string_view text) {
  constexpr std::size_t header_bytes_max = 8192;
  const std::size_t line = text.substr(0, header_bytes_max).find('\n');
  if (line == std::string_view::npos || line + 1 >= text.size()) return false;
  std::string_view header = text.substr(0, line);
  if (header.ends_with('\r')) header.remove_suffix(1);
  std::string_view second = text.substr(line + 1);
  second = second.substr(0, second.find('\n'));
  const auto columns = [](std::string_view in, char c) { return std::count(in.begin(), in.end(), c); };
  const char separator = columns(header, '\t') > 0 ? '\t' : columns(header, ';') > columns(header, ',') ? ';' : ',';
  if (columns(header, separator) == 0 || columns(second, separator) < columns(header, separator)) return false;
  bool telling = false;
  while (true) {
    const std::size_t end = header.find(separator);
    std::string_view name = header.substr(0, end);
    if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
    constexpr std::size_t column_name_bytes_max = 64;
    const bool is_name = !name.empty() && name.size() <= column_name_bytes_max && !(name[0] >= '0' && name[0] <= '9') &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                  c == '_' || c == ' ' || c == '.' || c == '-';
                         });
    if (!is_name) return false;
    telling |= classify_key(name).hint >= Hint::password;
    if (end == std::string_view::npos) return telling;
    header.remove_prefix(end + 1);
  }
}

bool is_wide_front(std::string_view front) {
  if (front.starts_with("\xff\xfe") || front.starts_with("\xfe\xff")) return true;
  if (front.size() < 8) return false;
  for (std::size_t i = 0; i + 1 < front.size(); i += 2) {
    if (front[i] < '\t' || front[i + 1] != '\0') return false;
  }
  return true;
}

WideText wide_text_of(std::string_view bytes, std::string_view parameters) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xff\xfe\0\0"sv)) return {4, false, 4};
  if (bytes.starts_with("\0\0\xfe\xff"sv)) return {4, true, 4};
  if (bytes.starts_with("\xff\xfe"sv)) return {2, false, 2};
  if (bytes.starts_with("\xfe\xff"sv)) return {2, true, 2};
  if (parameters.find("utf-16le") != std::string_view::npos) return {2, false, 0};
  if (parameters.find("utf-16") != std::string_view::npos) return {2, true, 0};
  if (parameters.find("utf-32le") != std::string_view::npos) return {4, false, 0};
  if (parameters.find("utf-32") != std::string_view::npos) return {4, true, 0};
  constexpr std::size_t probe_bytes = 64;
  if (bytes.size() < 16) return {};
  const std::string_view front = bytes.substr(0, probe_bytes);
  std::size_t even = 0;
  std::size_t odd = 0;
  for (std::size_t i = 0; i + 1 < front.size(); i += 2) {
    even += front[i] == '\0' && front[i + 1] >= '\t' ? 1 : 0;
    odd += front[i + 1] == '\0' && front[i] >= '\t' ? 1 : 0;
  }
  const std::size_t pairs = front.size() / 2;
  if (even * 10 >= pairs * 9) return {2, true, 0};
  if (odd * 10 >= pairs * 9) return {2, false, 0};
  return {};
}

BinaryForm binary_form_of(std::string_view bytes, std::string_view type, std::string_view parameters) {
  if (packing_of(bytes) != Packing::none) return BinaryForm::packed;
  if (type == "application/vnd.amazon.eventstream" || is_event_prelude(bytes)) return BinaryForm::event_stream;
  if (type == "application/x-postgres-backend") return BinaryForm::postgres;
  if (is_cbor_type(type)) return BinaryForm::cbor;
  if (wide_text_of(bytes, parameters).unit_bytes != 0) return BinaryForm::wide_text;
  if (is_multipart(bytes, type)) return BinaryForm::multipart;
  if (may_be_cbor(bytes)) return BinaryForm::cbor;
  return BinaryForm::none;
}

}  // namespace holdpoint::masker
