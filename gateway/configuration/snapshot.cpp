#include "gateway/configuration/snapshot.hpp"

#include <algorithm>
#include <set>

#include "gateway/review/digest.hpp"

namespace holdpoint::configuration {
namespace {

std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(0, host.find(']') + 1));
  return std::string(host.substr(0, host.find(':')));
}

bool is_address(std::string_view host) {
  return host.starts_with('[') || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<Secret> open_digest_key(const config::Document& document, const config::PeerIdentity& identity) {
  if (document.session_keys.empty()) return fail(Code::configuration, "the configuration has no session key");
  const BoxKey group{document.group_public, identity.group_secret.clone()};
  auto opened = unseal_with(group, document.session_keys.front().sealed);
  if (!opened) return fail(Code::configuration, "the session keys are not sealed to this gateway group");
  const Secret master(std::move(*opened));
  return review::digest_key(master.reveal());
}

Result<void> compile_roles(Snapshot& snapshot) {
  for (const config::RoleSettings& role : snapshot.document.roles) {
    std::vector<policy::Policy> compiled;
    for (const config::NamedPolicy& each : role.policies) {
      auto policy = policy::Policy::parse(each.name, each.text);
      if (!policy) return policy.error();
      compiled.push_back(std::move(*policy));
    }
    auto trust = policy::Policy::parse("trust of " + role.arn, role.trust, policy::PolicyKind::trust);
    if (!trust) return trust.error();
    snapshot.roles.emplace(role.arn, std::move(compiled));
    snapshot.trusts.emplace(role.arn, std::move(*trust));
  }
  return {};
}

Result<void> read_endpoints(Snapshot& snapshot) {
  for (const config::Target& target : snapshot.document.targets) {
    for (const auto& [service, url] : target.endpoints) {
      auto endpoint = http::parse_endpoint(url);
      if (!endpoint) return endpoint.error();
      snapshot.endpoints[target.name].emplace(service, std::move(*endpoint));
    }
  }
  return {};
}

}  // namespace

std::string Snapshot::revoked(const identity::Session& session, std::string_view target) const {
  const auto names = [](const std::vector<std::string>& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  const config::Revocations& list = document.revoked;
  // Asked several times for each call, and mostly of nothing.
  if (list.principals.empty() && list.sessions.empty() && list.roles.empty() && list.targets.empty()) return {};
  if (names(list.principals, session.principal.name())) return "the principal is revoked";
  if (names(list.sessions, session.id)) return "the session is revoked";
  const auto& from = session.assumed_from;
  if (std::any_of(from.begin(), from.end(), [&](const auto& id) { return names(list.sessions, id); }))
    return "the session that it was assumed from is revoked";
  if (names(list.roles, session.role_arn)) return "the role is revoked";
  if (names(list.targets, target)) return "the target is revoked";
  return {};
}

bool Snapshot::is_own_host(std::string_view host) const {
  const std::string name = without_port(host);
  const auto listed = [this](std::string_view each) { return std::binary_search(hosts.begin(), hosts.end(), each); };
  if (listed(name)) return true;
  if (is_address(name)) return false;
  // Below a name of ours: S3's virtual-host style.
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const std::string_view parent = std::string_view(name).substr(dot + 1);
    if (!is_address(parent) && listed(parent)) return true;
  }
  return false;
}

Result<SnapshotPtr> make_snapshot(config::Document document, const config::PeerIdentity& identity,
                                  const std::vector<std::string>& listen) {
  auto seal = identity::SessionSeal::from_document(document, identity.group_secret);
  if (!seal) return seal.error();
  auto digest_key = open_digest_key(document, identity);
  if (!digest_key) return digest_key.error();
  auto credentials = credentials::open_sealed(document, identity.group_secret);
  if (!credentials) return credentials.error();
  identity::TokenVerifier tokens(document.issuers);
  auto snapshot = std::make_shared<Snapshot>(Snapshot{std::move(document),
                                                      std::move(*seal),
                                                      std::move(tokens),
                                                      std::move(*digest_key),
                                                      std::move(*credentials),
                                                      {},
                                                      {},
                                                      {},
                                                      {},
                                                      {}});
  if (auto compiled = compile_roles(*snapshot); !compiled) return compiled.error();
  if (auto read = read_endpoints(*snapshot); !read) return read.error();
  const config::GatewaySettings& gateway = snapshot->document.gateway;
  if (!gateway.tls_certificate.empty()) {
    auto tls = http::server_tls(gateway.tls_certificate, gateway.tls_key);
    if (!tls) return tls.error();
    snapshot->tls = std::move(*tls);
  }
  std::set<std::string> hosts{"localhost", "127.0.0.1", "[::1]"};
  for (const std::string& host : gateway.hosts) hosts.insert(without_port(to_lower(host)));
  for (const std::string& address : listen) hosts.insert(without_port(to_lower(address)));
  snapshot->hosts.assign(hosts.begin(), hosts.end());
  return SnapshotPtr(std::move(snapshot));
}

}  // namespace holdpoint::configuration
