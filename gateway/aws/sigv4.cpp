#include "gateway/aws/sigv4.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "gateway/aws/canonical_request.hpp"

namespace holdpoint::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
// Session tokens of ours are below 4 KiB; a head is bounded to 64 KiB anyway. These keep hostile lists short.
constexpr std::size_t kSignedHeadersMax = 100;
constexpr std::int64_t kPresignedSecondsMax = 7 * 24 * 3600;  // AWS's own limit

struct Form {
  std::string_view word;
  PayloadForm form;
};
constexpr std::array<Form, 4> kForms{{
    {"UNSIGNED-PAYLOAD", PayloadForm::unsigned_payload},
    {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadForm::unsigned_trailer},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PayloadForm::signed_chunks},
    {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PayloadForm::signed_chunks_trailer},
}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_lower_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// Of a part of a credential scope.
bool is_scope_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

std::string scope_text(std::string_view date, std::string_view region, std::string_view service) {
  std::string text;
  text.reserve(date.size() + region.size() + service.size() + 15);
  return text.append(date).append("/").append(region).append("/").append(service).append("/aws4_request");
}

std::optional<Instant> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  if (!is_digits(text.substr(0, 8)) || !is_digits(text.substr(9, 6))) return std::nullopt;
  char iso[] = "YYYY-MM-DDThh:mm:ssZ";
  text.copy(iso, 4);
  text.copy(iso + 5, 2, 4);
  text.copy(iso + 8, 2, 6);
  text.copy(iso + 11, 2, 9);
  text.copy(iso + 14, 2, 11);
  text.copy(iso + 17, 2, 13);
  return from_rfc3339({iso, sizeof iso - 1});
}

// AKID/20260101/eu-west-1/dynamodb/aws4_request. The key id may not hold a slash, so the split is unique.
Result<void> parse_credential(std::string_view text, ParsedSignature& out) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t slash = text.find('/');
    if ((slash == std::string_view::npos) != (i == 4))
      return fail(Code::malformed, "the credential scope has not five parts");
    parts[i] = text.substr(0, slash);
    if (i < 4) text.remove_prefix(slash + 1);
    if (parts[i].empty() || parts[i].size() > 128)
      return fail(Code::malformed, "a part of the credential scope is empty or too long");
  }
  if (parts[4] != "aws4_request") return fail(Code::malformed, "the credential scope must end in aws4_request");
  if (parts[1].size() != 8 || !is_digits(parts[1]))
    return fail(Code::malformed, "the credential scope's date is no date");
  for (const std::size_t i : {0, 2, 3}) {
    if (!std::all_of(parts[i].begin(), parts[i].end(), is_scope_char)) {
      return fail(Code::malformed, "the credential scope has an unexpected character");
    }
  }
  out.access_key_id = parts[0];
  out.date = parts[1];
  out.region = parts[2];
  out.service = parts[3];
  return {};
}

Result<void> parse_signed_headers(std::string_view text, ParsedSignature& out) {
  out.signed_headers.reserve(static_cast<std::size_t>(
      std::min<std::ptrdiff_t>(std::count(text.begin(), text.end(), ';') + 1, kSignedHeadersMax)));
  while (true) {
    const std::size_t end = text.find(';');
    const std::string_view name = text.substr(0, end);
    const bool upper = std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (name.empty() || upper) return fail(Code::malformed, "SignedHeaders must be lower-case names");
    if (!out.signed_headers.empty() && out.signed_headers.back() >= name) {
      return fail(Code::malformed, "SignedHeaders must be sorted and unique");
    }
    if (out.signed_headers.size() == kSignedHeadersMax) return fail(Code::too_large, "too many signed headers");
    out.signed_headers.emplace_back(name);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
}

// "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…": three members, each once, in any order.
Result<void> parse_authorization(std::string_view text, ParsedSignature& out) {
  if (text.starts_with("AWS "))
    return fail(Code::unsupported, "Signature Version 2 is not supported: sign with Version 4");
  if (text.starts_with("AWS4-ECDSA"))
    return fail(Code::unsupported, "Signature Version 4a is not supported: sign with Version 4");
  if (!text.starts_with(kAlgorithm) || text.size() <= kAlgorithm.size() || text[kAlgorithm.size()] != ' ') {
    return fail(Code::unauthenticated, "the Authorization header is no AWS Signature Version 4");
  }
  text.remove_prefix(kAlgorithm.size() + 1);
  std::array<std::string_view, 3> values;
  std::array<bool, 3> seen{};
  const auto others = [] {
    return fail(Code::malformed,
                "the Authorization header needs Credential, SignedHeaders and Signature, and nothing else");
  };
  constexpr std::array<std::string_view, 3> kNames{"Credential", "SignedHeaders", "Signature"};
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view member = trim(text.substr(0, comma));
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos) return fail(Code::malformed, "the Authorization header is incomplete");
    const auto name = std::find(kNames.begin(), kNames.end(), member.substr(0, equals));
    if (name == kNames.end()) return others();
    const auto at = static_cast<std::size_t>(name - kNames.begin());
    if (std::exchange(seen[at], true)) return fail(Code::malformed, "the Authorization header repeats a member");
    values[at] = member.substr(equals + 1);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (!seen[0] || !seen[1] || !seen[2]) return others();
  out.signature = values[2];
  if (auto parsed = parse_credential(values[0], out); !parsed) return parsed;
  return parse_signed_headers(values[1], out);
}

// Headers that must appear at most once, or two readers could see two values.
Result<void> check_duplicates(const Headers& headers) {
  for (const std::string_view name : {"host", "authorization", "x-amz-date", "x-amz-content-sha256",
                                      "x-amz-security-token", "x-amz-target", "content-type", "content-length"}) {
    if (count_headers(headers, name) > 1) return fail(Code::malformed, "duplicate header " + std::string(name));
  }
  return {};
}

// Presigned: name -> value of the X-Amz-* parameters; duplicates are refused.
using Presign = std::map<std::string, std::string, std::less<>>;

Result<Presign> presign_parameters(std::string_view query) {
  Presign found;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view part = query.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto key = uri_decode(part.substr(0, equals));
    if (!key) return fail(Code::malformed, "the query string has an incomplete % escape");
    if (!to_lower(*key).starts_with("x-amz-") && *key != "AWSAccessKeyId") continue;
    const auto value = uri_decode(equals < part.size() ? part.substr(equals + 1) : std::string_view());
    if (!value) return fail(Code::malformed, "the query string has an incomplete % escape");
    if (!found.emplace(*key, *value).second)
      return fail(Code::malformed, "duplicate query parameter " + display(*key, 80));
  }
  return found;
}

Result<void> take(const Presign& parameters, std::string_view name, std::string& out) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) return fail(Code::malformed, "the presigned query has no " + std::string(name));
  out = found->second;
  return {};
}

Result<void> parse_presigned(const Presign& parameters, ParsedSignature& out, Instant now) {
  std::string credential;
  std::string signed_headers;
  std::string expires;
  for (auto& [name, target] : {std::pair<std::string_view, std::string*>{"X-Amz-Credential", &credential},
                               {"X-Amz-SignedHeaders", &signed_headers},
                               {"X-Amz-Expires", &expires},
                               {"X-Amz-Date", &out.amz_date},
                               {"X-Amz-Signature", &out.signature}}) {
    if (auto taken = take(parameters, name, *target); !taken) return taken;
  }
  if (const auto token = parameters.find("X-Amz-Security-Token"); token != parameters.end())
    out.session_token = token->second;
  if (auto parsed = parse_credential(credential, out); !parsed) return parsed;
  if (auto parsed = parse_signed_headers(signed_headers, out); !parsed) return parsed;
  const auto signed_at = parse_amz_date(out.amz_date);
  if (!signed_at) return fail(Code::malformed, "X-Amz-Date is no date");
  if (!is_digits(expires) || expires.size() > 6) return fail(Code::malformed, "X-Amz-Expires is no number of seconds");
  const std::int64_t seconds = std::stol(expires);
  if (seconds < 1 || seconds > kPresignedSecondsMax) return fail(Code::malformed, "X-Amz-Expires must be 1 to 604800");
  if (now > *signed_at + std::chrono::seconds(seconds)) return fail(Code::expired, "the presigned request has expired");
  out.presigned = true;
  return {};
}

Result<void> parse_header_form(const HttpHead& head, ParsedSignature& out, Instant now) {
  const auto authorization = single_header(head.headers, "authorization");
  if (auto parsed = parse_authorization(*authorization, out); !parsed) return parsed;
  const auto date = single_header(head.headers, "x-amz-date");
  if (!date) return fail(Code::malformed, "the signed request has no X-Amz-Date header");
  out.amz_date = *date;
  if (const auto token = single_header(head.headers, "x-amz-security-token")) out.session_token = *token;
  const auto signed_at = parse_amz_date(out.amz_date);
  if (!signed_at) return fail(Code::malformed, "X-Amz-Date is no date");
  if (now > *signed_at + kClockSkewMax) {
    return fail(Code::expired,
                "Signature expired: " + out.amz_date + " is more than 15 minutes before " + amz_date(now));
  }
  return {};
}

Result<void> parse_payload(const HttpHead& head, const Presign& presign, ParsedSignature& out) {
  auto word = single_header(head.headers, "x-amz-content-sha256");
  // The JavaScript SDK hoists the header into the presigned query.
  const auto hoisted = presign.find("X-Amz-Content-Sha256");
  if (hoisted != presign.end()) {
    if (word) return fail(Code::malformed, "x-amz-content-sha256 in the header and in the query: only one is allowed");
    word = hoisted->second;
  }
  if (!word) {
    if (out.presigned && path_rule(out.service) == PathRule::raw) out.payload = PayloadForm::unsigned_payload;
    return {};
  }
  for (const Form& form : kForms) {
    if (*word != form.word) continue;
    out.payload = form.form;
    return {};
  }
  if (word->starts_with("STREAMING-AWS4-ECDSA"))
    return fail(Code::unsupported, "Signature Version 4a chunks are not supported");
  // Any other word would name a form whose rules we do not know: event streams included.
  if (word->starts_with("STREAMING-")) return fail(Code::unsupported, "unknown payload form " + display(*word, 80));
  if (!is_lower_hex(*word, 64))
    return fail(Code::malformed, "x-amz-content-sha256 is neither a SHA-256 nor a known word");
  out.declared_hash = *word;
  return {};
}

Result<void> check_signed_headers(const HttpHead& head, const ParsedSignature& parsed) {
  const auto is_signed = [&](std::string_view name) {
    return std::binary_search(parsed.signed_headers.begin(), parsed.signed_headers.end(), name);
  };
  if (!is_signed("host")) return fail(Code::malformed, "the Host header must be signed");
  for (const auto& header : head.headers) {
    if (!equal_ignoring_case(std::string_view(header.first).substr(0, 6), "x-amz-")) continue;
    const std::string name = to_lower(header.first);
    // CloudFront adds this one on its way.
    if (name == "x-amz-cf-id") continue;
    if (!is_signed(name))
      return fail(Code::malformed, "the header " + display(name, 80) + " is present but not signed");
  }
  return {};
}

// Hops may change or drop these; AWS's own signers leave them out as well.
bool never_signed(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames{
      "user-agent",      "expect", "connection",     "transfer-encoding", "accept",
      "accept-encoding", "te",     "content-length", "x-amzn-trace-id",   "trailer"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

bool is_aws_chunked(PayloadForm form) { return form != PayloadForm::hashed && form != PayloadForm::unsigned_payload; }

std::string_view payload_word(PayloadForm form) {
  for (const Form& known : kForms) {
    if (known.form == form) return known.word;
  }
  return {};
}

std::string ParsedSignature::scope() const { return scope_text(date, region, service); }

Result<ParsedSignature> parse_signature(const HttpHead& head, Instant now) {
  if (auto checked = check_duplicates(head.headers); !checked) return checked.error();
  auto presign = presign_parameters(head.query());
  if (!presign) return presign.error();
  const bool in_header = count_headers(head.headers, "authorization") == 1;
  const bool in_query = presign->contains("X-Amz-Algorithm") || presign->contains("X-Amz-Signature");
  if (in_header && in_query) return fail(Code::malformed, "signed in the header and in the query: only one is allowed");
  if (!in_header && !in_query) {
    if (presign->contains("AWSAccessKeyId"))
      return fail(Code::unsupported, "Signature Version 2 is not supported: sign with Version 4");
    const auto type = single_header(head.headers, "content-type");
    if (head.method == "POST" && type && to_lower(*type).starts_with("multipart/form-data")) {
      return fail(Code::unsupported, "S3 POST forms are not supported: use PutObject");
    }
    return fail(Code::unauthenticated, "the request is not signed");
  }
  ParsedSignature parsed;
  if (in_query) {
    const auto algorithm = presign->find("X-Amz-Algorithm");
    if (algorithm != presign->end() && algorithm->second.starts_with("AWS4-ECDSA")) {
      return fail(Code::unsupported, "Signature Version 4a is not supported: sign with Version 4");
    }
    if (algorithm == presign->end() || algorithm->second != kAlgorithm) {
      return fail(Code::malformed, "X-Amz-Algorithm must be AWS4-HMAC-SHA256");
    }
    if (auto done = parse_presigned(*presign, parsed, now); !done) return done.error();
  } else if (auto done = parse_header_form(head, parsed, now); !done) {
    return done.error();
  }
  if (!is_lower_hex(parsed.signature, 64)) return fail(Code::malformed, "the signature is not 64 hexadecimal digits");
  if (!parsed.amz_date.starts_with(parsed.date))
    return fail(Code::malformed, "the credential scope's date differs from X-Amz-Date");
  parsed.signed_at = *parse_amz_date(parsed.amz_date);
  if (parsed.signed_at > now + kClockSkewMax) {
    return fail(Code::expired,
                "Signature not yet current: " + parsed.amz_date + " is more than 15 minutes after " + amz_date(now));
  }
  if (auto checked = check_signed_headers(head, parsed); !checked) return checked.error();
  if (auto checked = parse_payload(head, *presign, parsed); !checked) return checked.error();
  return parsed;
}

Secret derive_signing_key(BytesView secret, std::string_view date, std::string_view region, std::string_view service) {
  const Secret first(Bytes("AWS4").append(secret));
  Hash key = hmac_sha256(first.reveal(), date);
  key = hmac_sha256(view(key), region);
  key = hmac_sha256(view(key), service);
  key = hmac_sha256(view(key), "aws4_request");
  return Secret(Bytes(view(key)));
}

bool needs_body_hash(const ParsedSignature& parsed) {
  return parsed.payload == PayloadForm::hashed && parsed.declared_hash.empty();
}

Result<void> verify_signature(const ParsedSignature& parsed, const HttpHead& head, BytesView signing_key,
                              const std::optional<Hash>& body_hash) {
  HOLDPOINT_INVARIANT(body_hash || !needs_body_hash(parsed));
  std::string word(payload_word(parsed.payload));
  if (parsed.payload == PayloadForm::hashed) {
    word = parsed.declared_hash;
    // Presigned requests of any service but S3 too: what they sign is the hash of nothing, so any body fails.
    if (word.empty()) word = to_hex(view(*body_hash));
  }
  const auto canonical = canonical_request(head, path_rule(parsed.service), parsed.presigned ? "X-Amz-Signature" : "",
                                           parsed.signed_headers, word);
  if (!canonical) return canonical.error();
  const Hash expected = hmac_sha256(signing_key, string_to_sign(parsed.amz_date, parsed.scope(), *canonical));
  if (!constant_time_equal(to_hex(view(expected)), parsed.signature)) {
    return fail(Code::tampered,
                "the signature does not match: check the secret access key and that nothing changes the "
                "request on its way");
  }
  return body_hash ? check_body(parsed, *body_hash) : Result<void>();
}

Result<void> check_body(const ParsedSignature& parsed, const Hash& body_hash) {
  if (parsed.payload != PayloadForm::hashed || needs_body_hash(parsed)) return {};
  if (constant_time_equal(parsed.declared_hash, to_hex(view(body_hash)))) return {};
  return fail(Code::tampered, "the body's SHA-256 differs from the one that was signed");
}

// 2026-11-01T12:00:00.000000Z -> 20261101T120000Z
std::string amz_date(Instant instant) {
  std::string text = to_rfc3339(instant);
  text.resize(text.find('.'));
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  text += 'Z';
  return text;
}

Result<Headers> sign(const HttpHead& head, const SigningIdentity& identity, const SigningScope& scope,
                     std::string_view payload, Instant now) {
  const std::string date = amz_date(now);
  Headers added;
  added.reserve(4);
  added.emplace_back("x-amz-date", date);
  added.emplace_back("x-amz-content-sha256", payload);
  if (!identity.session_token.empty()) added.emplace_back("x-amz-security-token", identity.session_token);
  std::vector<std::string> names;
  names.reserve(head.headers.size() + added.size());
  for (const Headers* headers : {&head.headers, &std::as_const(added)}) {
    for (const auto& header : *headers) {
      std::string lower = to_lower(header.first);
      if (!never_signed(lower)) names.push_back(std::move(lower));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto canonical = canonical_request(head, path_rule(scope.service), {}, names, payload, added);
  if (!canonical) return canonical.error();
  const std::string signed_for = scope_text(std::string_view(date).substr(0, 8), scope.region, scope.service);
  const Hash signature = hmac_sha256(identity.signing_key.reveal(), string_to_sign(date, signed_for, *canonical));
  const std::string signed_names = join_header_names(names);
  std::string authorization;
  authorization.reserve(160 + identity.access_key_id.size() + signed_for.size() + signed_names.size());
  authorization.append(kAlgorithm).append(" Credential=").append(identity.access_key_id).append("/").append(signed_for);
  authorization.append(", SignedHeaders=").append(signed_names);
  authorization.append(", Signature=").append(to_hex(view(signature)));
  added.emplace_back("authorization", std::move(authorization));
  return added;
}

Result<std::string> presign(const HttpHead& head, const SigningIdentity& identity, const SigningScope& scope,
                            std::chrono::seconds expires, Instant now) {
  HttpHead full = head;
  const std::string date = amz_date(now);
  const std::string signed_for = scope_text(std::string_view(date).substr(0, 8), scope.region, scope.service);
  const auto add = [&full](std::string_view name, std::string_view value) {
    full.target += full.query().empty() ? (full.target.ends_with('?') ? "" : "?") : "&";
    full.target.append(name).append("=").append(uri_encode(value));
  };
  add("X-Amz-Algorithm", kAlgorithm);
  add("X-Amz-Credential", identity.access_key_id + "/" + signed_for);
  add("X-Amz-Date", date);
  add("X-Amz-Expires", std::to_string(expires.count()));
  if (!identity.session_token.empty()) add("X-Amz-Security-Token", identity.session_token);
  add("X-Amz-SignedHeaders", "host");
  const auto canonical = canonical_request(full, path_rule(scope.service), {}, {"host"}, to_hex(view(sha256(""))));
  if (!canonical) return canonical.error();
  add("X-Amz-Signature",
      to_hex(view(hmac_sha256(identity.signing_key.reveal(), string_to_sign(date, signed_for, *canonical)))));
  return full.target;
}

}  // namespace holdpoint::aws
