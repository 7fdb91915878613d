#include "gateway/aws/object_key.hpp"

#include <algorithm>

#include "bus/base/encoding.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::size_t kKeyBytesMax = 1024;

Error unclear_source(const char* what) { return fail(Code::malformed, std::string("x-amz-copy-source ") + what); }

}  // namespace

bool is_bucket_name(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
  return name.size() >= 3 && name.size() <= 255 && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<void> check_object_key(std::string_view key) {
  if (!is_utf8(key) || key.find('\0') != std::string_view::npos)
    return fail(Code::malformed, "the object key is not %-encoded UTF-8");
  if (key.size() > kKeyBytesMax) return fail(Code::malformed, "an object key has at most 1024 bytes");
  for (std::size_t begin = 0; begin < key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view segment = key.substr(begin, end - begin);
    if (segment == "." || segment == "..") return fail(Code::malformed, "the object key has a . or .. segment");
    if (segment.empty()) return fail(Code::malformed, "the object key has an empty segment (//)");
    begin = end + 1;
  }
  return {};
}

Result<CopySource> read_copy_source(std::string_view text) {
  constexpr std::string_view kVersion = "?versionId=";
  constexpr std::string_view kObject = "/object/";
  CopySource out;
  const std::size_t mark = text.find('?');
  if (mark != std::string_view::npos) {
    const std::string_view version = text.substr(mark);
    if (!version.starts_with(kVersion) || version.size() == kVersion.size() ||
        version.find_first_of("?&#+", 1) != std::string_view::npos) {
      return unclear_source("has a query that is not one ?versionId=");
    }
    out.version = version.substr(kVersion.size());
    text = text.substr(0, mark);
  }
  if (text.find_first_of("+#") != std::string_view::npos)
    return unclear_source("has a raw + or #: encode them as %2B and %23 (a space as %20)");
  const auto path = uri_decode(text);
  if (!path) return unclear_source("is not %-encoded");
  std::string_view rest = *path;
  std::size_t slash = 0;
  if (rest.starts_with("arn:")) {
    slash = rest.find(kObject);
    if (slash == std::string_view::npos) return unclear_source("is an ARN without /object/");
    if (auto owner = check_object_key(rest.substr(0, slash)); !owner) return owner.error();
    out.key = rest.substr(slash + kObject.size());
  } else {
    if (rest.starts_with('/')) rest.remove_prefix(1);
    slash = rest.find('/');
    if (slash == std::string_view::npos || !is_bucket_name(rest.substr(0, slash)))
      return unclear_source("names no bucket and key");
    out.key = rest.substr(slash + 1);
  }
  out.bucket = rest.substr(0, slash);
  if (out.key.empty()) return unclear_source("names no key");
  if (auto key = check_object_key(out.key); !key) return key.error();
  return out;
}

}  // namespace holdpoint::aws
