#include "gateway/credentials/assume_role.hpp"

#include <algorithm>

namespace holdpoint::credentials {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kTagValueMax = 256;

std::string clean(std::string_view text, std::string_view also) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(),
      [&](char c) {
        return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 also.find(c) != std::string_view::npos);
      },
      '-');
  return out;
}

/// `text` in STS's alphabet and at most `max` long; marked by a hash as soon as anything was changed.
std::string name_of(std::string_view text, std::size_t max) {
  std::string out = clean(text, "_+=,.@-");
  if (out == text && out.size() <= max && out.size() >= 2) return out;
  const std::string mark = to_hex(view(sha256(text))).substr(0, 8);
  out.resize(std::min(out.size(), max - mark.size() - 1));
  return out + "." + mark;
}

std::string tag_value(std::string_view text) {
  std::string out = clean(text, "_.:/=+-@ ");
  out.resize(std::min(out.size(), kTagValueMax));
  return out;
}

/// The text of the first element of that name. Values of credentials hold no entities.
std::string element(std::string_view xml, const std::string& name) {
  const std::string open = "<" + name + ">";
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find("</" + name + ">", begin);
  if (end == std::string_view::npos) return {};
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

}  // namespace

std::string source_identity(std::string_view principal) { return name_of(principal, kNameMax); }

std::string session_name(const OnBehalf& on_behalf) {
  // The session's id is a time-ordered UUID: its end is what differs.
  const std::string& id = on_behalf.session_id;
  const std::string tail = clean(id.substr(id.size() - std::min<std::size_t>(id.size(), 12)), "");
  return name_of(on_behalf.principal, kNameMax - tail.size() - 1) + "@" + tail;
}

std::string assume_role_body(std::string_view role_arn, const OnBehalf& on_behalf, std::chrono::seconds duration) {
  std::string body = "Action=AssumeRole&Version=2011-06-15&RoleArn=" + uri_encode(role_arn) +
                     "&RoleSessionName=" + uri_encode(session_name(on_behalf)) +
                     "&SourceIdentity=" + uri_encode(source_identity(on_behalf.principal)) +
                     "&DurationSeconds=" + std::to_string(duration.count());
  int number = 0;
  const auto tag = [&](std::string_view key, const std::string& value) {
    if (value.empty()) return;
    const std::string prefix = "&Tags.member." + std::to_string(++number);
    body += prefix + ".Key=" + uri_encode(key) + prefix + ".Value=" + uri_encode(tag_value(value));
  };
  tag("holdpoint-principal", on_behalf.principal);
  tag("holdpoint-session", on_behalf.session_id);
  tag("holdpoint-review", on_behalf.review_id);
  return body;
}

Result<CredentialsPtr> read_assume_role(int status, std::string_view body) {
  if (status != 200) {
    const std::string code = display(element(body, "Code"), 100);
    std::string context = "the target's STS refused AssumeRole (" + std::to_string(status) + " " + code + ")";
    if (code == "AccessDenied")
      context +=
          "; the role's trust policy must allow sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity to the "
          "gateway";
    return fail(status >= 500 ? Code::unavailable : Code::denied, std::move(context));
  }
  auto made = std::make_shared<Credentials>();
  made->access_key_id = element(body, "AccessKeyId");
  made->secret_access_key = Secret(element(body, "SecretAccessKey"));
  made->session_token = element(body, "SessionToken");
  const auto expires_at = from_rfc3339(element(body, "Expiration"));
  if (made->access_key_id.empty() || made->secret_access_key.empty() || made->session_token.empty() || !expires_at)
    return fail(Code::unavailable, "the target's STS answered AssumeRole without credentials");
  made->expires_at = *expires_at;
  return CredentialsPtr(std::move(made));
}

}  // namespace holdpoint::credentials
