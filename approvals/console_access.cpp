#include "approvals/console_access.hpp"

#include <algorithm>

#include "bus/base/crypto.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::size_t kSecretBytes = 32;

std::string principal_to_text(const identity::Principal& principal) {
  return to_json({{"issuer", principal.issuer}, {"subject", principal.subject}, {"groups", principal.groups}});
}

Result<identity::Principal> principal_from_text(const std::string& text) {
  const auto json = parse_json(text);
  if (!json) return json.error();
  identity::Principal out;
  out.issuer = string_or(*json, "issuer");
  out.subject = string_or(*json, "subject");
  for (const Json& group : json->at("groups")) out.groups.push_back(group.get<std::string>());
  return out;
}

// Codes, cookies and their uses have domains of their own: none is ever good for another.
Hash code_hash(std::string_view code) { return sha256("holdpoint-console-code\n" + std::string(code)); }
Hash cookie_hash(std::string_view cookie) { return sha256("holdpoint-console-cookie\n" + std::string(cookie)); }
std::string csrf_of(std::string_view cookie) {
  return to_base64url(view(sha256("holdpoint-console-csrf\n" + std::string(cookie))));
}

bool is_secret(std::string_view text) {
  const auto bytes = from_base64url(text);
  return bytes && bytes->size() == kSecretBytes;
}

}  // namespace

Result<std::string> make_link(ReviewStore& store, const identity::Principal& reviewer, Duration ttl, Instant now) {
  const std::string code = to_base64url(random_bytes(kSecretBytes));
  const auto added = store.add_link(code_hash(code), principal_to_text(reviewer), now + std::min(ttl, kLinkMax));
  if (!added) return added.error();
  return "/enter?code=" + code;
}

Result<std::string> enter(ReviewStore& store, std::string_view code, Instant now) {
  if (!is_secret(code)) return fail(Code::unauthenticated, "the link is not complete");
  auto reviewer = store.use_link(code_hash(code), now);
  if (!reviewer) {
    if (reviewer.error().code != Code::not_found) return reviewer.error();
    return fail(Code::unauthenticated, "the link has been used or is too old; ask for a new one");
  }
  std::string cookie = to_base64url(random_bytes(kSecretBytes));
  const auto added = store.add_session(cookie_hash(cookie), {std::move(*reviewer), now + kConsoleSessionMax});
  if (!added) return added.error();
  return cookie;
}

Result<Visitor> visitor(ReviewStore& store, std::string_view cookie, Instant now) {
  if (!is_secret(cookie)) return fail(Code::unauthenticated, "no session");
  const auto session = store.session(cookie_hash(cookie), now);
  if (!session) {
    if (session.error().code != Code::not_found) return session.error();
    return fail(Code::unauthenticated, "the session is over");
  }
  auto reviewer = principal_from_text(session->reviewer);
  if (!reviewer) return reviewer.error();
  return Visitor{std::move(*reviewer), csrf_of(cookie)};
}

Result<void> leave(ReviewStore& store, std::string_view cookie) { return store.remove_session(cookie_hash(cookie)); }

}  // namespace holdpoint::approvals
