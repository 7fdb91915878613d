#include "bus/config/document.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace holdpoint::config {
namespace {

constexpr std::string_view kSignaturePurpose = "holdpoint-configuration-v1\n";
constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::array<std::string_view, 3> kMaskRuleKinds = {"path", "literal", "regex"};

// Reads the members of one object and remembers the first thing that is wrong. A member that nobody asked for is wrong
// too: what an older program would overlook may be what keeps somebody out.
class Members {
 public:
  Members(const Json& object, std::string place, std::string& problem)
      : object_(object), place_(std::move(place)), problem_(problem) {
    if (!object_.is_object()) complain("is no object");
  }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  ~Members() {
    if (!object_.is_object()) return;
    for (const auto& [name, value] : object_.items()) {
      if (!seen_.contains(name)) complain("has the unknown member \"" + display(name, 80) + "\"");
    }
  }

  void read(const char* name, std::string& out) {
    const Json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_string()) return complain(name, "is no string");
    out = value->get<std::string>();
  }
  void read(const char* name, bool& out) {
    const Json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return complain(name, "is no boolean");
    out = value->get<bool>();
  }
  template <class Number>
  requires std::is_unsigned_v<Number>
  void read(const char* name, Number& out) {
    const Json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
      return complain(name, "is no number in range");
    }
    out = static_cast<Number>(value->get<std::uint64_t>());
  }
  void read(const char* name, std::vector<std::string>& out) {
    out.clear();
    each(name, [&](const Json& item, const std::string&) {
      if (!item.is_string()) return complain(name, "holds something that is no string");
      out.push_back(item.get<std::string>());
    });
  }
  void read(const char* name, Instant& out) {
    std::string text;
    read(name, text);
    if (const auto instant = from_rfc3339(text)) {
      out = *instant;
    } else {
      complain(name, "is no RFC 3339 time");
    }
  }
  void read_bytes(const char* name, Bytes& out, std::size_t bytes_expected = 0) {
    std::string text;
    read(name, text);
    const auto bytes = from_base64(text);
    if (!bytes || (bytes_expected != 0 && bytes->size() != bytes_expected)) {
      return complain(name, "is no base64 of the expected length");
    }
    out = *bytes;
  }
  /// What documents of an earlier version do not have; left as it is then.
  template <class Value>
  void read_if(const char* name, Value& out) {
    if (object_.is_object() && object_.contains(name)) read(name, out);
  }
  template <class Use>
  void each(const char* name, Use use) {
    const Json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_array()) return complain(name, "is no array");
    for (std::size_t i = 0; i < value->size(); ++i) use((*value)[i], inside(name) + "/" + std::to_string(i));
  }
  template <class Use>
  void each_member(const char* name, Use use) {
    const Json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_object()) return complain(name, "is no object");
    for (const auto& [key, item] : value->items()) use(key, item, inside(name) + "/" + key);
  }
  const Json* get(const char* name) {
    seen_.insert(name);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    if (found == object_.end()) {
      complain(name, "is missing");
      return nullptr;
    }
    return &*found;
  }
  [[nodiscard]] std::string inside(const char* name) const { return place_ + "/" + name; }
  void complain(const char* name, const std::string& what) {
    if (problem_.empty()) problem_ = inside(name) + " " + what;
  }
  void complain(const std::string& what) {
    if (problem_.empty()) problem_ = (place_.empty() ? "the document" : place_) + " " + what;
  }

 private:
  const Json& object_;
  std::string place_;
  std::string& problem_;
  std::set<std::string> seen_;
};

Json to_object(const GatewaySettings& gateway) {
  Json out{
      {"listen", gateway.listen},         {"tls_certificate", gateway.tls_certificate},
      {"tls_key", gateway.tls_key},       {"durable", gateway.durable == Durable::journal ? "journal" : "database"},
      {"hosts", gateway.hosts},           {"body_bytes_max", gateway.body_bytes_max},
      {"parked_max", gateway.parked_max}, {"parked_per_principal_max", gateway.parked_per_principal_max}};
  const auto bound = [&out](const char* name, std::uint32_t value) {
    if (value != 0) out[name] = value;
  };
  bound("in_flight_max", gateway.in_flight_max);
  bound("in_flight_per_principal_max", gateway.in_flight_per_principal_max);
  bound("calls_per_second_per_principal_max", gateway.calls_per_second_per_principal_max);
  return out;
}

void from_object(const Json& object, const std::string& place, std::string& problem, GatewaySettings& out) {
  Members members(object, place, problem);
  std::string durable;
  members.read("listen", out.listen);
  members.read("tls_certificate", out.tls_certificate);
  members.read("tls_key", out.tls_key);
  members.read("durable", durable);
  members.read("hosts", out.hosts);
  members.read("body_bytes_max", out.body_bytes_max);
  members.read("parked_max", out.parked_max);
  members.read("parked_per_principal_max", out.parked_per_principal_max);
  members.read_if("in_flight_max", out.in_flight_max);
  members.read_if("in_flight_per_principal_max", out.in_flight_per_principal_max);
  members.read_if("calls_per_second_per_principal_max", out.calls_per_second_per_principal_max);
  out.durable = durable == "database" ? Durable::database : Durable::journal;
  if (durable != "database" && durable != "journal") members.complain("durable", "is neither journal nor database");
}

Json to_object(const Issuer& issuer) {
  Json out{{"name", issuer.name},
           {"url", issuer.url},
           {"audiences", issuer.audiences},
           {"review_audiences", issuer.review_audiences},
           {"parties", issuer.parties},
           {"claims", issuer.claims},
           {"groups_claim", issuer.groups_claim},
           {"embedded", issuer.embedded},
           {"jwks", issuer.jwks}};
  if (!issuer.jwks_uri.empty()) out["jwks_uri"] = issuer.jwks_uri;
  return out;
}

void from_object(const Json& object, const std::string& place, std::string& problem, Issuer& out) {
  Members members(object, place, problem);
  members.read("name", out.name);
  members.read("url", out.url);
  members.read("audiences", out.audiences);
  members.read("review_audiences", out.review_audiences);
  members.read("parties", out.parties);
  members.read("claims", out.claims);
  members.read("groups_claim", out.groups_claim);
  members.read("embedded", out.embedded);
  members.read_if("jwks_uri", out.jwks_uri);
  if (const Json* jwks = members.get("jwks")) {
    if (!jwks->is_object()) members.complain("jwks", "is no object");
    out.jwks = *jwks;
  }
}

Json to_object(const Target& target) {
  return {{"name", target.name},
          {"type", target.type},
          {"account", target.account},
          {"regions", target.regions},
          {"credentials", target.credentials},
          {"assume", target.assume},
          {"endpoints", target.endpoints}};
}

void from_object(const Json& object, const std::string& place, std::string& problem, Target& out) {
  Members members(object, place, problem);
  members.read("name", out.name);
  members.read("type", out.type);
  members.read("account", out.account);
  members.read("regions", out.regions);
  members.read("credentials", out.credentials);
  members.read("assume", out.assume);
  members.each_member("endpoints", [&](const std::string& service, const Json& url, const std::string&) {
    if (!url.is_string()) return members.complain("endpoints", "holds something that is no string");
    out.endpoints[service] = url.get<std::string>();
  });
}

Json to_object(const RoleSettings& role) {
  Json policies = Json::array();
  for (const auto& policy : role.policies) policies.push_back({{"name", policy.name}, {"text", policy.text}});
  return {{"arn", role.arn},
          {"trust", role.trust},
          {"policies", std::move(policies)},
          {"target", role.target},
          {"session_max_s", std::chrono::duration_cast<std::chrono::seconds>(role.session_max).count()},
          {"outside", role.outside == Outside::hold ? "hold" : "deny"}};
}

void from_object(const Json& object, const std::string& place, std::string& problem, NamedPolicy& out) {
  Members members(object, place, problem);
  members.read("name", out.name);
  members.read("text", out.text);
}

void from_object(const Json& object, const std::string& place, std::string& problem, RoleSettings& out) {
  Members members(object, place, problem);
  std::uint32_t session_max_s = 0;
  std::string outside;
  members.read("arn", out.arn);
  members.read("trust", out.trust);
  members.each("policies", [&](const Json& item, const std::string& where) {
    from_object(item, where, problem, out.policies.emplace_back());
  });
  members.read("target", out.target);
  members.read("session_max_s", session_max_s);
  members.read("outside", outside);
  out.session_max = std::chrono::seconds(session_max_s);
  out.outside = outside == "hold" ? Outside::hold : Outside::deny;
  if (outside != "hold" && outside != "deny") members.complain("outside", "is neither hold nor deny");
}

Json to_object(const ReviewerGroup& group) { return {{"groups", group.groups}, {"subjects", group.subjects}}; }

void from_object(const Json& object, const std::string& place, std::string& problem, ReviewerGroup& out) {
  Members members(object, place, problem);
  members.read("groups", out.groups);
  members.read("subjects", out.subjects);
}

Json to_object(const MaskingSettings& masking) {
  Json paths = Json::array();
  for (const auto& [path, kind] : masking.paths) paths.push_back({{"path", path}, {"class", kind}});
  Json out{{"preset", masking.preset}, {"paths", std::move(paths)}};
  // Only when there are some: an older process refuses members that it does not know.
  for (const MaskRule& rule : masking.rules) {
    out["rules"].push_back({{"name", rule.name},
                            {"service", rule.service},
                            {"operation", rule.operation},
                            {"target", rule.target},
                            {"kind", kMaskRuleKinds[static_cast<std::size_t>(rule.kind)]},
                            {"text", rule.text},
                            {"class", rule.mask_class}});
  }
  if (!masking.styles.empty()) out["styles"] = masking.styles;
  return out;
}

void from_object(const Json& object, const std::string& place, std::string& problem, MaskRule& out) {
  Members members(object, place, problem);
  members.read("name", out.name);
  members.read("service", out.service);
  members.read("operation", out.operation);
  members.read("target", out.target);
  std::string kind;
  members.read("kind", kind);
  const auto known = std::ranges::find(kMaskRuleKinds, kind);
  if (known == kMaskRuleKinds.end()) return members.complain("kind", "is neither path, literal nor regex");
  out.kind = static_cast<MaskRule::Kind>(known - kMaskRuleKinds.begin());
  members.read("text", out.text);
  members.read("class", out.mask_class);
}

void from_object(const Json& object, const std::string& place, std::string& problem, MaskingSettings& out) {
  Members members(object, place, problem);
  members.read("preset", out.preset);
  // An unknown preset must not come out as "no masking".
  if (out.preset != "default" && out.preset != "off") members.complain("preset", "is neither default nor off");
  members.each("paths", [&](const Json& item, const std::string& where) {
    Members path(item, where, problem);
    auto& entry = out.paths.emplace_back();
    path.read("path", entry.first);
    path.read("class", entry.second);
  });
  if (object.is_object() && object.contains("rules")) {
    members.each("rules", [&](const Json& item, const std::string& where) {
      from_object(item, where, problem, out.rules.emplace_back());
    });
  }
  const Json* styles = object.is_object() && object.contains("styles") ? members.get("styles") : nullptr;
  if (styles == nullptr) return;
  Members each(*styles, place + "/styles", problem);
  for (const auto& [name, style] : styles->items()) each.read(name.c_str(), out.styles[name]);
}

Json to_object(const PeerKey& key) {
  return {{"key_id", key.key_id},
          {"name", key.name},
          {"role", wire::name(key.role)},
          {"curve_public", to_base64(key.curve_public)},
          {"sign_public", to_base64(key.sign_public)},
          {"revoked", key.revoked}};
}

void from_object(const Json& object, const std::string& place, std::string& problem, PeerKey& out) {
  Members members(object, place, problem);
  std::string role;
  members.read("key_id", out.key_id);
  members.read("name", out.name);
  members.read("role", role);
  members.read_bytes("curve_public", out.curve_public, kPublicKeyBytes);
  members.read_bytes("sign_public", out.sign_public, kPublicKeyBytes);
  members.read("revoked", out.revoked);
  if (const auto known = wire::role_from_name(role)) {
    out.role = *known;
  } else {
    members.complain("role", "is no role");
  }
}

Json sealed_to_object(const Document& document) {
  Json credentials = Json::object();
  for (const auto& [name, box] : document.sealed_credentials) credentials[name] = to_base64(box);
  Json session_keys = Json::array();
  for (const auto& key : document.session_keys) {
    session_keys.push_back({{"id", key.id}, {"sealed", to_base64(key.sealed)}});
  }
  return {{"group_public", to_base64(document.group_public)},
          {"credentials", std::move(credentials)},
          {"session_keys", std::move(session_keys)}};
}

void sealed_from_object(const Json& object, const std::string& place, std::string& problem, Document& out) {
  Members members(object, place, problem);
  members.read_bytes("group_public", out.group_public);
  if (!out.group_public.empty() && out.group_public.size() != kPublicKeyBytes) {
    members.complain("group_public", "is no key of 32 bytes");
  }
  members.each_member("credentials", [&](const std::string& name, const Json& box, const std::string&) {
    const auto bytes = box.is_string() ? from_base64(box.get<std::string>()) : std::nullopt;
    if (!bytes) return members.complain("credentials", "holds something that is no base64");
    out.sealed_credentials[name] = *bytes;
  });
  members.each("session_keys", [&](const Json& item, const std::string& where) {
    Members key(item, where, problem);
    auto& entry = out.session_keys.emplace_back();
    key.read("id", entry.id);
    key.read_bytes("sealed", entry.sealed);
  });
}

Json to_object(const Revocations& revoked) {
  return {{"principals", revoked.principals},
          {"sessions", revoked.sessions},
          {"roles", revoked.roles},
          {"targets", revoked.targets}};
}

void from_object(const Json& object, const std::string& place, std::string& problem, Revocations& out) {
  Members members(object, place, problem);
  members.read("principals", out.principals);
  members.read("sessions", out.sessions);
  members.read("roles", out.roles);
  members.read("targets", out.targets);
}

template <class Item>
Json to_array(const std::vector<Item>& items) {
  Json array = Json::array();
  for (const auto& item : items) array.push_back(to_object(item));
  return array;
}

template <class Item>
void from_array(Members& members, const char* name, std::string& problem, std::vector<Item>& out) {
  members.each(
      name, [&](const Json& item, const std::string& where) { from_object(item, where, problem, out.emplace_back()); });
}

void from_object(const Json& object, std::string& problem, Document& out) {
  Members members(object, "", problem);
  const auto part = [&](const char* name, auto& target) {
    if (const Json* value = members.get(name)) from_object(*value, members.inside(name), problem, target);
  };
  members.read("deployment", out.deployment);
  members.read("version", out.version);
  members.read("issued_at", out.issued_at);
  part("gateway", out.gateway);
  from_array(members, "issuers", problem, out.issuers);
  from_array(members, "targets", problem, out.targets);
  from_array(members, "roles", problem, out.roles);
  members.each_member("reviewers", [&](const std::string& name, const Json& item, const std::string& where) {
    from_object(item, where, problem, out.reviewers[name]);
  });
  part("masking", out.masking);
  from_array(members, "keys", problem, out.keys);
  if (const Json* sealed = members.get("sealed")) sealed_from_object(*sealed, "/sealed", problem, out);
  part("revoked", out.revoked);
  // Documents that were issued before these two existed go on.
  if (object.is_object() && object.contains("revoked_in_file")) part("revoked_in_file", out.revoked_in_file);
  if (object.is_object() && object.contains("revoked_by_hand")) part("revoked_by_hand", out.revoked_by_hand);
}

}  // namespace

const PeerKey* Document::key(std::string_view key_id) const {
  const auto found = std::ranges::find(keys, key_id, &PeerKey::key_id);
  return found == keys.end() ? nullptr : &*found;
}

const Target* Document::target(std::string_view name) const {
  const auto found = std::ranges::find(targets, name, &Target::name);
  return found == targets.end() ? nullptr : &*found;
}

const RoleSettings* Document::role(std::string_view arn) const {
  const auto found = std::ranges::find(roles, arn, &RoleSettings::arn);
  return found == roles.end() ? nullptr : &*found;
}

std::string document_to_json(const Document& document) {
  Json reviewers = Json::object();
  for (const auto& [name, group] : document.reviewers) reviewers[name] = to_object(group);
  return to_json({{"deployment", document.deployment},
                  {"version", document.version},
                  {"issued_at", to_rfc3339(document.issued_at)},
                  {"gateway", to_object(document.gateway)},
                  {"issuers", to_array(document.issuers)},
                  {"targets", to_array(document.targets)},
                  {"roles", to_array(document.roles)},
                  {"reviewers", std::move(reviewers)},
                  {"masking", to_object(document.masking)},
                  {"keys", to_array(document.keys)},
                  {"sealed", sealed_to_object(document)},
                  {"revoked", to_object(document.revoked)},
                  {"revoked_in_file", to_object(document.revoked_in_file)},
                  {"revoked_by_hand", to_object(document.revoked_by_hand)}});
}

Result<Document> document_from_json(std::string_view text) {
  const auto object = parse_json(text);
  if (!object) return fail(Code::malformed, "configuration document: " + object.error().context);
  Document document;
  std::string problem;
  from_object(*object, problem, document);
  if (!problem.empty()) return fail(Code::malformed, "configuration document: " + problem);
  return document;
}

SignedDocument sign_document(const std::string& text, const SigningKey& operator_key) {
  return {text, operator_key.sign(std::string(kSignaturePurpose) + text)};
}

Result<Document> open_document(const SignedDocument& document, BytesView operator_public) {
  if (!verify_ed25519(operator_public, std::string(kSignaturePurpose) + document.text, document.signature)) {
    return fail(Code::tampered, "the configuration document is not signed by this deployment's operator key");
  }
  return document_from_json(document.text);
}

}  // namespace holdpoint::config
