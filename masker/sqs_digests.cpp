#include "masker/sqs_digests.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "bus/base/checksums.hpp"
#include "bus/base/json.hpp"
#include "masker/finding.hpp"
#include "masker/structure/position_map.hpp"

namespace holdpoint::masker {
namespace {

void put_sized(std::string& out, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<char>(size >> shift));
  out.append(bytes);
}

/// What SQS hashes: each attribute's name, type, a transport byte and value, names ascending (nlohmann keeps them so).
std::optional<std::string> attributes_digest(const Json& attributes) {
  std::string text;
  for (const auto& [name, attribute] : attributes.items()) {
    if (!attribute.is_object()) return std::nullopt;
    const std::string type = string_or(attribute, "DataType");
    put_sized(text, name);
    put_sized(text, type);
    const bool binary = type.starts_with("Binary");
    text.push_back(binary ? '\2' : '\1');
    if (!binary) {
      put_sized(text, string_or(attribute, "StringValue"));
    } else {
      const auto bytes = from_base64(string_or(attribute, "BinaryValue"));
      if (!bytes) return std::nullopt;
      put_sized(text, *bytes);
    }
  }
  return md5_hex(text);
}

/// Replaces the string values of the member `name`, in the order of `digests`, when there are as many of them.
void replace_members(std::string_view bytes, std::string_view name,
                     const std::vector<std::optional<std::string>>& digests, Edits& edits) {
  const std::string key = '"' + std::string(name) + '"';
  Edits found;
  std::size_t index = 0;
  for (std::size_t at = bytes.find(key); at != std::string_view::npos; at = bytes.find(key, at + 1)) {
    const std::size_t colon = bytes.find_first_not_of(" \t\r\n", at + key.size());
    if (colon == std::string_view::npos || bytes[colon] != ':') continue;
    const std::size_t open = bytes.find_first_not_of(" \t\r\n", colon + 1);
    if (open == std::string_view::npos || bytes[open] != '"') continue;
    const std::size_t close = bytes.find('"', open + 1);
    if (close == std::string_view::npos || index >= digests.size()) return;
    if (digests[index]) found.push_back({open + 1, close, *digests[index]});
    ++index;
  }
  if (index == digests.size()) edits.insert(edits.end(), found.begin(), found.end());
}

void correct_json(const Json& document, std::string_view bytes, Edits& edits) {
  const auto messages = document.find("Messages");
  if (messages == document.end() || !messages->is_array()) return;
  std::vector<std::optional<std::string>> bodies;
  std::vector<std::optional<std::string>> attributes;
  for (const Json& message : *messages) {
    if (!message.is_object()) return;
    if (message.contains("MD5OfBody")) bodies.push_back(md5_hex(string_or(message, "Body")));
    if (message.contains("MD5OfMessageAttributes")) {
      const auto list = message.find("MessageAttributes");
      attributes.push_back(list == message.end() || !list->is_object() ? std::nullopt : attributes_digest(*list));
    }
  }
  replace_members(bytes, "MD5OfBody", bodies, edits);
  replace_members(bytes, "MD5OfMessageAttributes", attributes, edits);
}

/// The inside of the first <name> element; empty begin and end when there is none.
struct Inside {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t next = 0;
};

Inside inside(std::string_view bytes, std::size_t from, std::size_t to, std::string_view name) {
  const std::string open = '<' + std::string(name) + '>';
  const std::string close = "</" + std::string(name) + '>';
  const std::size_t begin = bytes.find(open, from);
  if (begin == std::string_view::npos || begin >= to) return {};
  const std::size_t end = bytes.find(close, begin);
  if (end == std::string_view::npos || end > to) return {};
  return {begin + open.size(), end, end + close.size()};
}

std::string text_of(std::string_view bytes, Inside element) {
  bool has_cdata = false;
  return unescape_xml(bytes.substr(element.begin, element.end - element.begin), has_cdata).text;
}

Json attributes_of(std::string_view bytes, Inside message) {
  Json attributes = Json::object();
  std::size_t at = message.begin;
  while (true) {
    const Inside attribute = inside(bytes, at, message.end, "MessageAttribute");
    if (attribute.next == 0) return attributes;
    const auto member = [&](std::string_view name) {
      return text_of(bytes, inside(bytes, attribute.begin, attribute.end, name));
    };
    attributes[member("Name")] = {{"DataType", member("DataType")},
                                  {"StringValue", member("StringValue")},
                                  {"BinaryValue", member("BinaryValue")}};
    at = attribute.next;
  }
}

void correct_xml(std::string_view bytes, Edits& edits) {
  std::size_t at = 0;
  while (true) {
    const Inside message = inside(bytes, at, bytes.size(), "Message");
    if (message.next == 0) return;
    const Inside body = inside(bytes, message.begin, message.end, "Body");
    const Inside digest = inside(bytes, message.begin, message.end, "MD5OfBody");
    if (digest.next != 0) edits.push_back({digest.begin, digest.end, md5_hex(text_of(bytes, body))});
    const Inside attributes = inside(bytes, message.begin, message.end, "MD5OfMessageAttributes");
    if (attributes.next != 0) {
      if (const auto fresh = attributes_digest(attributes_of(bytes, message)))
        edits.push_back({attributes.begin, attributes.end, *fresh});
    }
    at = message.next;
  }
}

}  // namespace

std::string correct_sqs_digests(std::string bytes) {
  Edits edits;
  if (bytes.find("MD5Of") == std::string::npos) return bytes;
  if (const auto document = parse_json(bytes, {bytes.size() + 1, 64}); document && document->is_object()) {
    correct_json(*document, bytes, edits);
  } else {
    correct_xml(bytes, edits);
  }
  if (edits.empty()) return bytes;
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
  return splice(bytes, edits);
}

}  // namespace holdpoint::masker
