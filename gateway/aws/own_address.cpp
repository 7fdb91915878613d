#include "gateway/aws/own_address.hpp"

#include <algorithm>

#include "gateway/aws/endpoint.hpp"
#include "gateway/aws/xml.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::string_view kQueueCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";  // ".fifo"

std::string origin(const OwnAddress& own) { return std::string(own.scheme) + "://" + std::string(own.authority); }

std::optional<std::string> own_queue_url(std::string_view url, const OwnAddress& own) {
  const auto parsed = parse_queue_url(url);
  if (!parsed) return std::nullopt;
  return origin(own) + std::string(parsed->path);
}

std::string own_object_url(const Operation& operation, const OwnAddress& own) {
  const std::string bucket = string_or(operation.parameters, "Bucket");
  const std::string key = string_or(operation.parameters, "Key");
  return origin(own) + "/" + (own.holds_bucket ? std::string() : uri_encode(bucket) + "/") + uri_encode(key, true);
}

bool is_queue_answer(const Operation& operation) {
  return operation.service == "sqs" &&
         (operation.operation == "CreateQueue" || operation.operation == "GetQueueUrl" ||
          operation.operation == "ListQueues" || operation.operation == "ListDeadLetterSourceQueues");
}

bool is_redirect(const Operation& operation, int status) {
  return operation.service == "s3" && (status == 301 || status == 302 || status == 307 || status == 308);
}

/// The text of the elements named `name`, replaced where `change` says so. Tags are found in the text itself: the
/// document was parsed before, so that it is one.
template <class Change>
bool change_elements(std::string& xml, std::string_view name, const Change& change) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  bool changed = false;
  for (std::size_t at = xml.find(open); at != std::string::npos; at = xml.find(open, at)) {
    at += open.size();
    const std::size_t end = xml.find(close, at);
    if (end == std::string::npos) break;
    if (const std::optional<std::string> value = change(std::string_view(xml).substr(at, end - at))) {
      const std::string text = xml_escape(*value);
      xml.replace(at, end - at, text);
      at += text.size();
      changed = true;
    }
  }
  return changed;
}

bool localise_queues(const OwnAddress& own, std::string& body) {
  const auto to_own = [&own](std::string_view url) { return own_queue_url(url, own); };
  if (body.starts_with('<')) return parse_xml(body) && change_elements(body, "QueueUrl", to_own);
  auto parsed = parse_json(body);
  if (!parsed || !parsed->is_object()) return false;
  bool changed = false;
  const auto change = [&](Json& value) {
    if (!value.is_string()) return;
    if (auto url = to_own(value.get_ref<const std::string&>())) {
      value = std::move(*url);
      changed = true;
    }
  };
  for (const char* name : {"QueueUrl", "QueueUrls", "queueUrls"}) {
    const auto found = parsed->find(name);
    if (found == parsed->end()) continue;
    if (!found->is_array()) {
      change(*found);
      continue;
    }
    for (Json& each : *found) change(each);
  }
  if (changed) body = to_json(*parsed);
  return changed;
}

/// The region in a host of S3's: "bucket.s3.us-west-2.amazonaws.com", "s3-us-west-2.amazonaws.com".
std::string region_in(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  std::string_view host = url.substr(0, url.find_first_of(":/?#"));
  for (const std::string_view suffix : {".amazonaws.com", ".amazonaws.com.cn"}) {
    if (!host.ends_with(suffix)) continue;
    host.remove_suffix(suffix.size());
    std::string_view label = host.substr(host.rfind('.') + 1);
    if (label.starts_with("s3-")) label.remove_prefix(3);
    if (is_region(label)) return std::string(label);
  }
  return {};
}

}  // namespace

bool is_queue_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  const std::size_t slash = path.find('/', 1);
  if (slash == std::string_view::npos) return false;
  const std::string_view account = path.substr(1, slash - 1);
  const std::string_view name = path.substr(slash + 1);
  return account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos && !name.empty() &&
         name.size() <= 80 && name.find_first_not_of(kQueueCharacters) == std::string_view::npos && name != "." &&
         name != "..";
}

std::optional<QueueUrl> parse_queue_url(std::string_view url) {
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return std::nullopt;
  url.remove_prefix(scheme);
  const std::size_t slash = url.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const QueueUrl out{url.substr(0, slash), url.substr(slash)};
  if (out.authority.find_first_of("@?#%\\ ") != std::string_view::npos || !is_queue_path(out.path)) return std::nullopt;
  return out;
}

Result<Bytes> with_member(const Route& route, BytesView body, std::string_view member, std::string_view value) {
  switch (route.protocol) {
    case Protocol::json10:
    case Protocol::json11: {
      auto parsed = parse_json(body);
      if (!parsed) return parsed.error();
      if (!parsed->is_object()) return fail(Code::malformed, "the body is no object");
      (*parsed)[std::string(member)] = std::string(value);
      return to_json(*parsed);
    }
    case Protocol::query:
    case Protocol::ec2: {
      auto fields = parse_fields(body, true);
      if (!fields) return fields.error();
      std::erase_if(*fields, [&](const auto& entry) { return entry.first == member; });
      fields->emplace_back(member, value);
      Bytes out;
      for (const auto& [key, text] : *fields)
        out.append(out.empty() ? "" : "&").append(uri_encode(key)).append("=").append(uri_encode(text));
      return out;
    }
    default:
      return fail(Code::unsupported, "an address in a call of this protocol cannot be written anew");
  }
}

bool holds_address(const Operation& operation, int status) {
  if (is_redirect(operation, status)) return true;
  if (status != 200) return false;
  return is_queue_answer(operation) || (operation.service == "s3" && operation.operation == "CompleteMultipartUpload");
}

void localise_headers(const Operation& operation, int status, const OwnAddress& own, Headers& headers) {
  const auto is_location = [](const auto& header) { return equal_ignoring_case(header.first, "location"); };
  const auto found = std::find_if(headers.begin(), headers.end(), is_location);
  if (found == headers.end() || operation.service != "s3") return;
  if (is_redirect(operation, status)) {
    const std::string region = region_in(found->second);
    std::erase_if(headers, is_location);
    if (!region.empty() && count_headers(headers, "x-amz-bucket-region") == 0)
      headers.emplace_back("x-amz-bucket-region", region);
  } else if (operation.operation == "CreateBucket" && found->second.find("://") != std::string::npos) {
    found->second = own_object_url(operation, own);
  }
}

bool localise_body(const Operation& operation, int status, const OwnAddress& own, std::string& body) {
  if (!holds_address(operation, status)) return false;
  if (operation.service == "sqs") return localise_queues(own, body);
  if (!parse_xml(body)) return false;
  if (is_redirect(operation, status))
    return change_elements(body, "Endpoint",
                           [&](std::string_view) { return std::optional(std::string(own.authority)); });
  return change_elements(body, "Location",
                         [&](std::string_view) { return std::optional(own_object_url(operation, own)); });
}

}  // namespace holdpoint::aws
