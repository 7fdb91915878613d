#include "bus/config/compile.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <span>

#include "bus/base/id.hpp"
#include "bus/config/address.hpp"
#include "bus/config/section.hpp"
#include "bus/config/suggestion.hpp"

namespace holdpoint::config {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileBytesMax = 1 << 20;
// The document travels as a JSON string in a message body of at most 1 MiB (PROTOCOL.md); the rest is for what the
// deployment adds: keys, sealed credentials, revocations.
constexpr std::size_t kDocumentBytesMax = 900 << 10;

Result<std::string> read_file(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return fail(Code::configuration, "no such file");
  if (fs::file_size(file, error) > kFileBytesMax) return fail(Code::configuration, "larger than 1 MiB");
  std::ifstream stream(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  if (!stream) return fail(Code::configuration, "cannot be read");
  if (!is_utf8(text)) return fail(Code::configuration, "is no UTF-8 text");
  return text;
}

bool only(std::string_view text, std::string_view extra, bool upper = true) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z') ||
           extra.find(c) != std::string_view::npos;
  });
}

// Names stand in records, in "issuer:subject" and on command lines: no colon, no space.
bool is_name(std::string_view text) { return !text.empty() && text.size() <= 64 && only(text, "-_."); }

bool is_account(std::string_view text) {
  return text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// eu-west-1, us-gov-east-1, ap-southeast-5: words, then a number.
bool is_region(std::string_view text) {
  const std::size_t last = text.rfind('-');
  if (last == std::string_view::npos || text.size() > 32 || !only(text, "-", false)) return false;
  const std::string_view words = text.substr(0, last);
  const std::string_view number = text.substr(last + 1);
  return words.size() >= 5 && words[2] == '-' && words.find_first_of("0123456789") == std::string_view::npos &&
         words.find("--") == std::string_view::npos && words.back() != '-' && !number.empty() && number.size() <= 2 &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_role_arn(std::string_view arn) {
  for (const std::string_view start : {"arn:aws:iam::", "arn:aws-cn:iam::", "arn:aws-us-gov:iam::"}) {
    if (!arn.starts_with(start)) continue;
    const std::string_view rest = arn.substr(start.size());
    return rest.size() > 18 && rest.size() < 600 && is_account(rest.substr(0, 12)) && rest.substr(12, 6) == ":role/" &&
           only(rest.substr(18), "+=,.@_-/") && rest.back() != '/';
  }
  return false;
}

class Compiler {
 public:
  explicit Compiler(const fs::path& file) : folder_(file.parent_path()), problems_(file.string()) {}

  Result<Document> run(std::string_view text, const PolicyCheck& check, const MaskRuleCheck& mask_check) {
    Mark where;
    const auto root = parse_yaml(text, where);
    if (!root) {
      problems_.add(where, root.error().context);
      return problems_.error();
    }
    Section top(*root, "the configuration",
                {"gateway", "issuers", "targets", "roles", "reviewers", "masking", "revoked"}, problems_);
    if (const auto* node = top.find("gateway")) read_gateway(*node);
    each(top, "issuers", &Compiler::read_issuer);
    each(top, "targets", &Compiler::read_target);
    each(top, "roles", &Compiler::read_role);
    if (const auto* node = top.find("reviewers")) read_reviewers(*node);
    if (const auto* node = top.find("masking"))
      read_masking(*node, document_.targets, mask_check, problems_, document_.masking);
    if (const auto* node = top.find("revoked")) read_revoked(*node);
    if (document_.issuers.empty()) {
      problems_.add(root->mark, "no issuer: nobody could log in; expected issuers: [{ name: local, embedded: true }]");
    }
    if (problems_.empty() && to_json(Json(document_to_json(document_))).size() > kDocumentBytesMax) {
      problems_.add({}, "the configuration with its policies takes more than 900 KiB, which no message can carry");
    }
    if (problems_.empty() && check) {
      for (auto& line : check(document_)) problems_.add_line(std::move(line));
    }
    if (!problems_.empty()) return problems_.error();
    return std::move(document_);
  }

 private:
  void each(Section& top, const char* key, void (Compiler::*read)(const YamlNode&)) {
    const YamlNode* node = top.find(key);
    if (node == nullptr) return;
    for (const auto& item : list_entries(*node, key, problems_)) (this->*read)(item);
  }

  // A name that is there, well-formed and not taken yet.
  template <class Items, class Member>
  void check_name(Section& section, const Items& items, Member member, const std::string& name) {
    if (!is_name(name)) {
      problems_.add(section.at("name"), "expected a name of 1 to 64 letters, digits, \"-\", \"_\" and \".\"");
    } else if (std::ranges::count(items, name, member) > 1) {
      problems_.add(section.at("name"), "the name \"" + name + "\" is taken already");
    }
  }

  template <class Items, class Member>
  std::string suggestion(const std::string& name, const Items& items, Member member) {
    std::vector<std::string_view> names;
    for (const auto& item : items) names.push_back(std::invoke(member, item));
    return did_you_mean(name, names);
  }

  void read_gateway(const YamlNode& node) {
    GatewaySettings& out = document_.gateway;
    Section section(node, "gateway",
                    {"listen", "tls", "durable", "hosts", "body_bytes_max", "parked_max", "parked_per_principal_max",
                     "in_flight_max", "in_flight_per_principal_max", "calls_per_second_per_principal_max"},
                    problems_);
    section.texts("listen", out.listen);
    read_tls(section);
    if (out.listen.empty()) problems_.add(section.at("listen"), "expected at least one address to listen on");
    const YamlNode* listen = section.find("listen");
    for (std::size_t i = 0; listen != nullptr && i < out.listen.size() && i < listen->items.size(); ++i) {
      const auto address = parse_listen_address(out.listen[i]);
      const Mark& mark = listen->items[i].mark;
      if (!address) {
        problems_.add(mark, address.error().context);
      } else if (!address->loopback && out.tls_certificate.empty()) {
        problems_.add(mark,
                      "an address off loopback needs gateway.tls: agents' tokens would travel in the clear "
                      "(holdpoint config tls --self-signed makes a certificate)");
      }
    }
    section.texts("hosts", out.hosts);
    for (const auto& host : out.hosts) {
      if (host.size() > 253 || !only(host, ".-")) {
        problems_.add(section.at("hosts"), "expected host names without scheme and port");
      }
    }
    if (const auto index = section.choice("durable", {"journal", "database"})) {
      out.durable = *index == 1 ? Durable::database : Durable::journal;
    }
    section.number("body_bytes_max", 1 << 10, 512 << 20, out.body_bytes_max);
    section.number("parked_max", 1, 1000000, out.parked_max);
    section.number("parked_per_principal_max", 1, 1000000, out.parked_per_principal_max);
    section.number("in_flight_max", 1, 1000000, out.in_flight_max);
    section.number("in_flight_per_principal_max", 1, 1000000, out.in_flight_per_principal_max);
    section.number("calls_per_second_per_principal_max", 1, 1000000, out.calls_per_second_per_principal_max);
  }

  void read_tls(Section& gateway) {
    const YamlNode* node = gateway.find("tls");
    if (node == nullptr || (node->kind == YamlNode::Kind::scalar && node->text == "none")) return;
    if (node->kind != YamlNode::Kind::map) {
      return problems_.add(node->mark, "expected gateway.tls as none or { certificate: FILE, key: FILE }");
    }
    Section section(*node, "gateway.tls", {"certificate", "key"}, problems_);
    for (const auto& [key, out] :
         {std::pair("certificate", &document_.gateway.tls_certificate), std::pair("key", &document_.gateway.tls_key)}) {
      std::string name;
      if (!section.required_text(key, name)) continue;
      std::error_code error;
      *out = fs::absolute(folder_ / name, error).lexically_normal().string();
      if (!fs::is_regular_file(*out, error)) problems_.add(section.at(key), "there is no file " + display(*out, 300));
    }
  }

  void read_issuer(const YamlNode& node) {
    Issuer& out = document_.issuers.emplace_back();
    Section section(
        node, "an issuer",
        {"name", "url", "audiences", "review_audiences", "parties", "claims", "groups", "embedded", "jwks", "jwks_uri"},
        problems_);
    if (section.required_text("name", out.name)) check_name(section, document_.issuers, &Issuer::name, out.name);
    section.boolean("embedded", out.embedded);
    section.text("url", out.url);
    section.texts("audiences", out.audiences);
    section.texts("review_audiences", out.review_audiences);
    section.texts("parties", out.parties);
    section.texts("claims", out.claims);
    section.text("groups", out.groups_claim);
    for (const auto& audience : out.audiences) {
      if (std::ranges::find(out.review_audiences, audience) != out.review_audiences.end()) {
        problems_.add(section.at("audiences"),
                      "\"" + display(audience, 80) + "\" is an audience of reviewers too: an agent's token could vote");
      }
    }
    if (out.embedded) {
      if (std::ranges::count(document_.issuers, true, &Issuer::embedded) > 1) {
        problems_.add(section.at("embedded"), "one embedded issuer is enough");
      }
      for (const char* key : {"url", "jwks", "jwks_uri"}) {
        if (section.find(key) != nullptr)
          problems_.add(section.at(key), "the embedded issuer has its own " + std::string(key));
      }
      return;
    }
    read_issuer_url(section, out);
    if (out.audiences.empty()) {
      problems_.add(section.at("audiences"), "expected audiences: which tokens of this issuer are meant for Holdpoint");
    }
    if (section.text("jwks_uri", out.jwks_uri)) check_url(section, "jwks_uri", out.jwks_uri, "the issuer's keys");
    std::string keys;
    if (!section.text("jwks", keys)) return;
    if (!out.jwks_uri.empty())
      return problems_.add(section.at("jwks_uri"), "either jwks, a file, or jwks_uri, where the keys are fetched");
    const auto text = read_beside(section.at("jwks"), keys);
    if (!text) return;
    auto jwks = parse_json(*text);
    if (!jwks || !jwks->is_object() || !jwks->contains("keys")) {
      return problems_.add(section.at("jwks"), "expected a file with a JSON key set { \"keys\": [ … ] }");
    }
    out.jwks = std::move(*jwks);
  }

  void check_url(Section& section, const char* key, std::string_view url, const std::string& of) {
    const bool local =
        url.starts_with("http://127.0.0.1") || url.starts_with("http://[::1]") || url.starts_with("http://localhost");
    if ((!url.starts_with("https://") && !local) || !only(url, ":/.-_~%@[]?=&+") || url.size() > 512)
      problems_.add(section.at(key), "expected an https:// url of " + of + " (http on loopback alone)");
  }

  void read_issuer_url(Section& section, Issuer& out) {
    if (out.url.empty()) return problems_.add(section.at("url"), "expected either embedded: true or the issuer's url");
    check_url(section, "url", out.url, "the issuer, exactly as the tokens' `iss` has it");
    if (std::ranges::count(document_.issuers, out.url, &Issuer::url) > 1) {
      problems_.add(section.at("url"), "another issuer has this url");
    }
  }

  void read_target(const YamlNode& node) {
    Target& out = document_.targets.emplace_back();
    Section section(node, "a target", {"name", "type", "account", "regions", "credentials", "assume", "endpoints"},
                    problems_);
    if (section.required_text("name", out.name)) check_name(section, document_.targets, &Target::name, out.name);
    section.choice("type", {"aws"});
    if (section.required_text("account", out.account) && !is_account(out.account)) {
      problems_.add(section.at("account"), "expected an AWS account of 12 digits, in quotes");
    }
    section.texts("regions", out.regions);
    if (out.regions.empty()) problems_.add(section.at("regions"), "expected at least one region, like [eu-west-1]");
    const YamlNode* regions = section.find("regions");
    for (std::size_t i = 0; regions != nullptr && i < regions->items.size(); ++i) {
      const YamlNode& region = regions->items[i];
      if (region.kind == YamlNode::Kind::scalar && !is_region(region.text)) {
        problems_.add(region.mark, "\"" + display(region.text, 80) + "\" is no AWS region, like eu-west-1");
      }
    }
    if (section.required_text("credentials", out.credentials) && !is_name(out.credentials)) {
      problems_.add(section.at("credentials"),
                    "expected the name that `holdpoint credentials set NAME` was given, never the credentials");
    }
    if (section.text("assume", out.assume) && !is_role_arn(out.assume)) {
      problems_.add(section.at("assume"), "expected a role, like arn:aws:iam::123456789012:role/agents");
    }
    if (const auto* endpoints = section.find("endpoints")) read_endpoints(*endpoints, out);
  }

  void read_endpoints(const YamlNode& node, Target& out) {
    for (const auto& [service, url] : map_entries(node, "endpoints", problems_)) {
      if (!only(service->text, "-", false)) {
        problems_.add(service->mark,
                      "expected a service as SDKs name it, in lower case: dynamodb, s3, cloudwatch-logs");
      }
      const auto text = scalar_text(*url, "an endpoint", problems_);
      if (!text) continue;
      if (const auto checked = check_endpoint_url(*text); !checked) problems_.add(url->mark, checked.error().context);
      out.endpoints[service->text] = *text;
    }
  }

  void read_role(const YamlNode& node) {
    RoleSettings& out = document_.roles.emplace_back();
    Section section(node, "a role", {"arn", "trust", "policies", "target", "session", "outside"}, problems_);
    if (section.required_text("arn", out.arn)) {
      if (!is_role_arn(out.arn)) {
        problems_.add(section.at("arn"), "expected a role, like arn:aws:iam::123456789012:role/coding-agent");
      }
      if (std::ranges::count(document_.roles, out.arn, &RoleSettings::arn) > 1) {
        problems_.add(section.at("arn"), "another role has this ARN");
      }
    }
    std::string trust;
    if (section.required_text("trust", trust)) {
      if (auto text = read_json_beside(section.at("trust"), trust)) out.trust = std::move(*text);
    }
    read_policies(section, out);
    if (section.required_text("target", out.target) && document_.target(out.target) == nullptr) {
      problems_.add(section.at("target"), "there is no target \"" + display(out.target, 80) + "\"" +
                                              suggestion(out.target, document_.targets, &Target::name));
    }
    // AWS's own bounds for role sessions.
    section.duration("session", std::chrono::minutes(15), std::chrono::hours(12), out.session_max);
    if (const auto index = section.choice("outside", {"deny", "hold"})) {
      out.outside = *index == 1 ? Outside::hold : Outside::deny;
    }
  }

  void read_policies(Section& section, RoleSettings& out) {
    const YamlNode* node = section.find("policies");
    if (node == nullptr) return problems_.add(section.at("policies"), "a role has no \"policies\"");
    std::set<std::string> seen;
    for (const auto& item : list_entries(*node, "policies", problems_)) {
      auto name = scalar_text(item, "a policy's file", problems_);
      if (!name) continue;
      if (!seen.insert(*name).second) problems_.add(item.mark, "the policy is listed twice");
      if (auto text = read_json_beside(item.mark, *name)) out.policies.push_back({*name, std::move(*text)});
    }
  }

  // Files are named relative to the configuration's own folder.
  std::optional<std::string> read_beside(const Mark& mark, const std::string& name) {
    auto text = read_file(folder_ / name);
    if (text) return std::move(*text);
    problems_.add(mark, display((folder_ / name).string(), 300) + ": " + text.error().context);
    return std::nullopt;
  }

  std::optional<std::string> read_json_beside(const Mark& mark, const std::string& name) {
    auto text = read_beside(mark, name);
    if (!text) return std::nullopt;
    if (const auto object = parse_json(*text); !object) {
      problems_.add(mark, display((folder_ / name).string(), 300) + ": " + object.error().context);
      return std::nullopt;
    }
    return text;
  }

  void read_reviewers(const YamlNode& node) {
    for (const auto& [name, value] : map_entries(node, "reviewers", problems_)) {
      if (!is_name(name->text))
        problems_.add(name->mark, "expected a group's name of letters, digits, \"-\", \"_\" and \".\"");
      ReviewerGroup& out = document_.reviewers[name->text];
      Section section(*value, "reviewers." + display(name->text, 64), {"groups", "subjects"}, problems_);
      section.texts("groups", out.groups);
      section.texts("subjects", out.subjects);
      if (out.groups.empty() && out.subjects.empty()) {
        problems_.add(value->mark, "expected groups or subjects: nobody could decide");
      }
      check_principals(section.find("subjects"));
    }
  }

  // "issuer-name:subject", with an issuer that is there.
  void check_principals(const YamlNode* list) {
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      const YamlNode& item = list->items[i];
      const std::string issuer = item.text.substr(0, item.text.find(':'));
      if (issuer.size() + 1 >= item.text.size()) {
        problems_.add(item.mark, "expected a person or program as \"issuer:subject\"");
      } else if (std::ranges::count(document_.issuers, issuer, &Issuer::name) == 0) {
        problems_.add(item.mark, "there is no issuer \"" + display(issuer, 80) + "\"" +
                                     suggestion(issuer, document_.issuers, &Issuer::name));
      }
    }
  }

  void read_revoked(const YamlNode& node) {
    Revocations& out = document_.revoked;
    Section section(node, "revoked", {"principals", "sessions", "roles", "targets"}, problems_);
    section.texts("principals", out.principals);
    section.texts("sessions", out.sessions);
    section.texts("roles", out.roles);
    section.texts("targets", out.targets);
    // A name that is misspelt would let somebody in whom the operator believes to be out.
    check_principals(section.find("principals"));
    for (const auto& id : out.sessions) {
      if (!id_from_text(id)) problems_.add(section.at("sessions"), "\"" + display(id, 80) + "\" is no session id");
    }
    for (const auto& arn : out.roles) {
      if (document_.role(arn) != nullptr) continue;
      problems_.add(section.at("roles"), "there is no role \"" + display(arn, 300) + "\"" +
                                             suggestion(arn, document_.roles, &RoleSettings::arn));
    }
    for (const auto& name : out.targets) {
      if (document_.target(name) != nullptr) continue;
      problems_.add(section.at("targets"), "there is no target \"" + display(name, 80) + "\"" +
                                               suggestion(name, document_.targets, &Target::name));
    }
  }

  fs::path folder_;
  Problems problems_;
  Document document_;
};

}  // namespace

Result<Document> compile(const fs::path& file, const PolicyCheck& check, const MaskRuleCheck& mask_check) {
  const auto text = read_file(file);
  if (!text) return fail(Code::configuration, file.string() + ": " + text.error().context);
  return Compiler(file).run(*text, check, mask_check);
}

}  // namespace holdpoint::config
