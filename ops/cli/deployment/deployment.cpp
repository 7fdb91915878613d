#include "ops/cli/deployment/deployment.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "bus/base/json.hpp"
#include "bus/config/compile.hpp"
#include "bus/config/keyring.hpp"
#include "bus/config/private_file.hpp"
#include "bus/identity/embedded_issuer.hpp"
#include "gateway/policy/lint.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/action_names.hpp"
#include "ops/cli/deployment/bus_client.hpp"
#include "ops/cli/deployment/masking.hpp"

namespace holdpoint::deployment {
namespace fs = std::filesystem;
namespace {

fs::path keyring_file(const supervisor::Layout& layout) { return layout.keys() / "keyring.json"; }
fs::path issued_file(const supervisor::Layout& layout) { return layout.keys() / "configuration.json"; }

/// One writer of the deployment's files at a time; released when it goes.
class Lock {
 public:
  explicit Lock(const supervisor::Layout& layout)
      : descriptor_(::open((layout.keys() / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~Lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  [[nodiscard]] bool held() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::string signed_to_text(const config::SignedDocument& document) {
  return to_json({{"document", document.text}, {"signature", to_base64(document.signature)}});
}

Result<config::SignedDocument> signed_from_file(const fs::path& file) {
  auto text = config::read_private_file(file);
  if (!text) return text.error();
  auto json = parse_json(*text);
  if (!json) return fail(Code::configuration, file.string() + ": " + json.error().context);
  auto document = get_string(*json, "document");
  auto signature = get_string(*json, "signature");
  if (!document || !signature) return fail(Code::configuration, file.string() + " is not a signed configuration");
  return config::SignedDocument{*document, from_base64(*signature).value_or(Bytes())};
}

Result<config::Keyring> open_keyring(const supervisor::Layout& layout) {
  if (auto allowed = check_access(layout); !allowed) return allowed.error();
  return config::Keyring::load(keyring_file(layout));
}

Result<config::Document> open_issued(const supervisor::Layout& layout, const config::Keyring& keyring) {
  auto document = signed_from_file(issued_file(layout));
  if (!document) return document.error();
  return config::open_document(*document, keyring.operator_key().public_key());
}

Result<void> save_issued(const supervisor::Layout& layout, const config::Keyring& keyring, config::Document document) {
  document.issued_at = system_now();
  const auto document_signed = config::sign_document(config::document_to_json(document), keyring.operator_key());
  return config::write_file_atomically(issued_file(layout), signed_to_text(document_signed));
}

config::SealedKey new_session_key(const Bytes& group_public) {
  return {.id = to_hex(random_bytes(8)), .sealed = seal_to(group_public, random_bytes(32))};
}

/// The operator signs configuration: that file stays with whoever runs the supervisor.
Result<void> give_identity(const supervisor::Layout& layout, const Member& member) {
  if (member.role == wire::Role::op) return {};
  const auto& owner = layout.account(wire::name(member.role));
  return supervisor::give(layout.identity(member.name), owner, owner.gid, 0600);
}

/// The identity file of one member, and its row in the document. True when the document changed.
Result<bool> ensure_member(const supervisor::Layout& layout, const config::Keyring& keyring, const Member& member,
                           config::Document& document) {
  const fs::path file = layout.identity(member.name);
  std::error_code error;
  if (fs::exists(file, error)) {
    const auto known = std::find_if(document.keys.begin(), document.keys.end(), [&](const config::PeerKey& key) {
      return key.name == member.name && !key.revoked;
    });
    if (known != document.keys.end()) {
      if (auto given = give_identity(layout, member); !given) return given.error();
      return false;
    }
  }
  auto issued = keyring.issue(member.role, member.name);
  if (auto saved = config::save_identity(issued.identity, file); !saved) return saved.error();
  if (auto given = give_identity(layout, member); !given) return given.error();
  for (auto& key : document.keys) {
    if (key.name == member.name) key.revoked = true;
  }
  document.keys.push_back(issued.key);
  return true;
}

/// Adds what is not there yet.
void merge(std::vector<std::string>& into, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (std::find(into.begin(), into.end(), name) == into.end()) into.push_back(name);
  }
}

}  // namespace

void combine_revocations(config::Document& document) {
  document.revoked = document.revoked_in_file;
  const auto& by_hand = document.revoked_by_hand;
  merge(document.revoked.principals, by_hand.principals);
  merge(document.revoked.sessions, by_hand.sessions);
  merge(document.revoked.roles, by_hand.roles);
  merge(document.revoked.targets, by_hand.targets);
}

Result<void> prepare(const supervisor::Layout& layout, const std::vector<Member>& members) {
  const Lock lock(layout);
  if (!lock.held()) return fail(Code::denied, layout.keys().string() + " cannot be written; run this with sudo.");
  std::error_code error;
  if (!fs::exists(keyring_file(layout), error)) {
    RandomIdSource ids;
    const auto made = config::Keyring::create(to_text(ids.next(system_now())), layout.bus_endpoint());
    if (auto saved = made.save(keyring_file(layout)); !saved) return saved.error();
  }
  auto keyring = config::Keyring::load(keyring_file(layout));
  if (!keyring) return keyring.error();
  config::Document document;
  bool changed = false;
  if (fs::exists(issued_file(layout), error)) {
    auto issued = open_issued(layout, *keyring);
    if (!issued) return issued.error();
    document = std::move(*issued);
  } else {
    document.deployment = keyring->deployment();
    document.group_public = keyring->group_public();
    document.session_keys.push_back(new_session_key(keyring->group_public()));
    changed = true;
  }
  auto issuer = identity::EmbeddedIssuer::load_or_create(layout.issuer());
  if (!issuer) return issuer.error();
  std::vector<Member> all{{wire::Role::op, "operator"}, {wire::Role::broker, "bus"}};
  all.insert(all.end(), members.begin(), members.end());
  for (const auto& member : all) {
    auto added = ensure_member(layout, *keyring, member, document);
    if (!added) return added.error();
    changed = changed || *added;
  }
  if (!changed) return {};
  ++document.version;
  return save_issued(layout, *keyring, std::move(document));
}

Result<config::Document> current(const supervisor::Layout& layout) {
  auto keyring = open_keyring(layout);
  if (!keyring) return keyring.error();
  return open_issued(layout, *keyring);
}

Result<std::uint64_t> issue(const supervisor::Layout& layout, const Edit& edit) {
  auto keyring = open_keyring(layout);
  if (!keyring) return keyring.error();
  const Lock lock(layout);
  if (!lock.held()) return fail(Code::denied, layout.keys().string() + " cannot be written; run this with sudo.");
  auto document = open_issued(layout, *keyring);
  if (!document) return document.error();
  const std::string before = config::document_to_json(*document);
  if (auto edited = edit(*document); !edited) return edited.error();
  if (config::document_to_json(*document) == before) return document->version;
  ++document->version;
  const auto version = document->version;
  if (auto saved = save_issued(layout, *keyring, std::move(*document)); !saved) return saved.error();
  return version;
}

Result<bool> distribute(const supervisor::Layout& layout) {
  std::error_code error;
  if (!fs::exists(layout.state(), error)) return false;
  auto document = signed_from_file(issued_file(layout));
  if (!document) return document.error();
  auto answer =
      ask_bus(layout, "configuration",
              {"ConfigurationApplied", {{"document", document->text}, {"signature", to_base64(document->signature)}}});
  if (!answer) return answer.error();
  return true;
}

Result<void> hand_to_broker(const supervisor::Layout& layout) {
  auto document = signed_from_file(issued_file(layout));
  if (!document) return document.error();
  if (auto written = config::write_file_atomically(layout.document(), signed_to_text(*document)); !written) {
    return written.error();
  }
  return supervisor::give(layout.document(), layout.service, layout.service.gid, 0600);
}

Result<config::Document> read_configuration(const fs::path& file) {
  const auto check = [](const config::Document& document) {
    auto lines = policy::lint_document(document, matches_an_action, system_now());
    if (auto wrong = wrong_with_mask_rules(document.masking); !wrong.empty()) lines.push_back(std::move(wrong));
    return lines;
  };
  return config::compile(file, check, wrong_with_mask_rule);
}

Edit from_file(const supervisor::Layout& layout, const fs::path& file) {
  return [layout, file](config::Document& document) -> Result<void> {
    auto compiled = read_configuration(file);
    if (!compiled) return compiled.error();
    auto issuer = identity::EmbeddedIssuer::load(layout.issuer());
    if (!issuer) return issuer.error();
    for (auto& entry : compiled->issuers) {
      if (entry.embedded) issuer->fill(entry);
    }
    document.gateway = std::move(compiled->gateway);
    document.issuers = std::move(compiled->issuers);
    document.targets = std::move(compiled->targets);
    document.roles = std::move(compiled->roles);
    document.reviewers = std::move(compiled->reviewers);
    document.masking = std::move(compiled->masking);
    document.revoked_in_file = std::move(compiled->revoked);
    combine_revocations(document);
    return {};
  };
}

namespace {

/// Names of members become names of files, folders and rows.
bool is_member_name(std::string_view name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !name.empty() && name.size() <= 64 && letters.find(name.front()) != std::string_view::npos &&
         name.find_first_not_of(std::string(letters) + "._-") == std::string_view::npos;
}

}  // namespace

Result<fs::path> issue_identity(const supervisor::Layout& layout, const Member& member, const std::string& bus_endpoint,
                                const fs::path& file) {
  if (!is_member_name(member.name)) {
    return fail(Code::configuration,
                "a key's name is 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', and begins with none "
                "of the last three");
  }
  auto keyring = open_keyring(layout);
  if (!keyring) return keyring.error();
  auto issued = keyring->issue(member.role, member.name, bus_endpoint);
  const auto version = issue(layout, [&](config::Document& document) -> Result<void> {
    for (const auto& key : document.keys) {
      if (key.name == member.name && !key.revoked) {
        return fail(Code::conflict, "there is a key for " + member.name +
                                        " already. Revoke it first, or take another name: holdpoint keys list");
      }
    }
    document.keys.push_back(issued.key);
    return {};
  });
  if (!version) return version.error();
  if (auto saved = config::save_identity(issued.identity, file); !saved) return saved.error();
  return file;
}

Result<Json> parse_credentials(std::string_view text) {
  auto json = parse_json(text, {.bytes_max = 65536, .depth_max = 2});
  if (!json) return json.error();
  if (!get_string(*json, "access_key_id") || !get_string(*json, "secret_access_key")) {
    return fail(Code::configuration, "the object needs access_key_id and secret_access_key");
  }
  return json;
}

std::vector<std::string> warnings(const config::Document& document) {
  std::vector<std::string> found;
  for (const auto& target : document.targets) {
    if (!target.credentials.empty() && !document.sealed_credentials.contains(target.credentials)) {
      found.push_back("target " + target.name + " uses the credentials `" + target.credentials +
                      "`, which are not set: holdpoint credentials set " + target.credentials);
    }
  }
  std::set<std::string> targets;
  for (const auto& role : document.roles) {
    targets.insert(role.target);
    if (role.policies.empty()) found.push_back("role " + role.arn + " has no policy: it may do nothing");
  }
  for (const auto& target : document.targets) {
    if (!targets.contains(target.name)) found.push_back("no role leads to the target " + target.name);
  }
  return found;
}

}  // namespace holdpoint::deployment
