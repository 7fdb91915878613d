#include "gateway/credentials/sealed.hpp"

#include "bus/base/json.hpp"

namespace holdpoint::credentials {

Result<std::map<std::string, CredentialsPtr>> open_sealed(const config::Document& document,
                                                          const Secret& group_secret) {
  const BoxKey group{document.group_public, group_secret.clone()};
  std::map<std::string, CredentialsPtr> opened;
  for (const auto& [name, sealed] : document.sealed_credentials) {
    const auto text = unseal_with(group, sealed);
    if (!text) return fail(Code::configuration, "credentials " + name + " are not sealed to this gateway group");
    const Secret wiped(*text);
    const auto json = parse_json(wiped.reveal());
    if (!json || !json->is_object()) return fail(Code::configuration, "credentials " + name + " are malformed");
    auto made = std::make_shared<Credentials>();
    made->access_key_id = string_or(*json, "access_key_id");
    made->secret_access_key = Secret(string_or(*json, "secret_access_key"));
    made->session_token = string_or(*json, "session_token");
    if (made->access_key_id.empty() || made->secret_access_key.empty())
      return fail(Code::configuration, "credentials " + name + " lack access_key_id or secret_access_key");
    opened.emplace(name, std::move(made));
  }
  return opened;
}

}  // namespace holdpoint::credentials
