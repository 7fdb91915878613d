#include "masker/detect/text.hpp"

#include "masker/detect/confirm.hpp"
#include "masker/detect/named_text.hpp"
#include "masker/detect/number_scan.hpp"

namespace holdpoint::masker {
namespace {

void add(Span span, Class kind, std::string_view rule, Candidates& out) {
  if (!span.empty()) out.push_back({span.begin, span.end, kind, rule});
}

class Confirmer {
 public:
  Confirmer(std::string_view text, TextOptions options, Candidates& out) : text_(text), options_(options), out_(out) {}

  void confirm(std::size_t begin, std::size_t end, const Trigger& trigger) {
    switch (trigger.action) {
      case Action::token:
      case Action::session_token:
        return add(confirm_token(text_, begin, end, trigger), trigger.kind, "token", out_);
      case Action::access_key_id:
        return access_key(begin, end, trigger);
      case Action::jwt:
        return jwt(begin);
      case Action::pem:
        return add(confirm_pem(text_, begin, end), Class::private_key, "pem", out_);
      case Action::hash:
        return add(confirm_hash(text_, begin, end), Class::password_hash, "hash", out_);
      case Action::url:
        return add(confirm_url(text_, begin, end), Class::password, "url", out_);
      case Action::at:
        if (options_.contacts) add(confirm_email(text_, begin, end), Class::email, "email", out_);
        return;
      case Action::keyword:
        if (end > named_until_) named_until_ = confirm_keyword(text_, begin, end, options_.personal, out_);
        return;
      case Action::scheme:
        return confirm_scheme(text_, end, out_);
      case Action::cookie:
        return confirm_cookie(text_, end, out_);
      case Action::command:
        return confirm_command(text_, begin, end, out_);
      case Action::special:
        return add(confirm_special(text_, begin, end, trigger.literal), Class::token, "token", out_);
      case Action::gzip_base64:
        return;  // whole values are opened by structure/encoded.hpp
    }
  }

 private:
  void access_key(std::size_t begin, std::size_t end, const Trigger& trigger) {
    const Span span = confirm_token(text_, begin, end, trigger);
    if (span.empty()) return;
    add(span, Class::access_key_id, "access-key", out_);
    add(find_secret_near(text_, span), Class::aws_secret_key, "near-access-key", out_);
  }

  void jwt(std::size_t begin) {
    if (begin < jwt_until_) return;  // the payload of one that is already found
    const Span span = confirm_jwt(text_, begin);
    if (span.empty()) return;
    jwt_until_ = span.end;
    add(span, Class::jwt, "jwt", out_);
  }

  std::string_view text_;
  TextOptions options_;
  Candidates& out_;
  std::size_t named_until_ = 0;
  std::size_t jwt_until_ = 0;
};

}  // namespace

void detect_text(std::string_view text, Hits hits, std::size_t base, TextOptions options, Candidates& out) {
  Confirmer confirmer(text, options, out);
  for (const Hit& hit : hits) confirmer.confirm(hit.begin - base, hit.end - base, *hit.trigger);
  if (options.personal) scan_numbers(text, {options.contacts, options.harmless}, out);
}

}  // namespace holdpoint::masker
