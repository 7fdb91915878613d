#include <filesystem>

#include "bus/base/json.hpp"
#include "bus/config/private_file.hpp"
#include "bus/socket/server.hpp"

namespace holdpoint::socket {

Result<config::SignedDocument> DocumentFile::load() {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) return fail(Code::not_found, path_ + ": there is no document yet");
  auto bytes = config::read_private_file(path_);
  if (!bytes) return bytes.error();
  const auto json = parse_json(*bytes);
  if (!json) return fail(Code::configuration, path_ + ": " + json.error().context);
  auto text = get_string(*json, "document");
  auto signature = from_base64(string_or(*json, "signature"));
  if (!text || !signature) {
    return fail(Code::configuration, path_ + ": expected {\"document\": text, \"signature\": base64}");
  }
  return config::SignedDocument{std::move(*text), std::move(*signature)};
}

Result<void> DocumentFile::save(const config::SignedDocument& document) {
  const Json json = {{"document", document.text}, {"signature", to_base64(document.signature)}};
  return config::write_file_atomically(path_, to_json(json) + "\n");
}

}  // namespace holdpoint::socket
