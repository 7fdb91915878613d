#include "masker/detect/key_name.hpp"

#include <algorithm>
#include <array>

#include "masker/detect/ascii.hpp"
#include "masker/detect/key_cache.hpp"

namespace holdpoint::masker {
namespace {

constexpr std::size_t words_max = 12;

/// A name as lower-case words.
class Words {
 public:
  explicit Words(std::string_view name) {
    if (name.size() > name_bytes_max) name.remove_prefix(name.size() - name_bytes_max);
    std::size_t start = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = name[i];
      if (!is_upper(c) && !is_lower(c) && !is_digit(c)) {
        close(start);
        start = used_;
        continue;
      }
      if (is_upper(c) && i > 0 && begins_word(name, i)) {
        close(start);
        start = used_;
      }
      text_[used_++] = is_upper(c) ? static_cast<char>(c + 32) : c;
    }
    close(start);
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  /// The i-th word from the end; empty beyond the first.
  [[nodiscard]] std::string_view last(std::size_t i = 0) const {
    return i < count_ ? words_[count_ - 1 - i] : std::string_view{};
  }
  [[nodiscard]] std::string_view first() const { return count_ ? words_[0] : std::string_view{}; }
  [[nodiscard]] bool has(std::string_view word) const {
    return std::find(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(count_), word) !=
           words_.begin() + static_cast<std::ptrdiff_t>(count_);
  }
  template <std::size_t N>
  [[nodiscard]] bool has_any(const std::array<std::string_view, N>& set) const {
    return std::any_of(set.begin(), set.end(), [this](std::string_view word) { return has(word); });
  }
  /// All words without separators.
  [[nodiscard]] std::string_view joined() const { return {text_.data(), used_}; }

 private:
  static bool begins_word(std::string_view name, std::size_t i) {
    if (is_lower(name[i - 1]) || is_digit(name[i - 1])) return true;
    // "DBPassword": the last capital of a run begins a word when a small letter follows ("IDs" is one word).
    return is_upper(name[i - 1]) && i + 1 < name.size() && is_lower(name[i + 1]) &&
           !(name[i + 1] == 's' && i + 2 == name.size());
  }
  void close(std::size_t start) {
    if (used_ > start && count_ < words_max) words_[count_++] = {text_.data() + start, used_ - start};
  }

  std::array<char, name_bytes_max> text_{};
  std::array<std::string_view, words_max> words_{};
  std::size_t used_ = 0;
  std::size_t count_ = 0;
};

template <std::size_t N>
bool in(std::string_view word, const std::array<std::string_view, N>& set) {
  return std::find(set.begin(), set.end(), word) != set.end();
}

// A name that ends with one of these describes a secret and is none.
constexpr auto describing_endings = std::to_array<std::string_view>(
    {"id",         "ids",           "arn",        "arns",     "name",         "names",       "length",   "count",
     "counts",     "type",          "types",      "uri",      "url",          "policy",      "expiry",   "expires",
     "expiration", "expired",       "age",        "used",     "enabled",      "disabled",    "status",   "version",
     "algorithm",  "fingerprint",   "checksum",   "digest",   "file",         "path",        "dir",      "ref",
     "alias",      "spec",          "usage",      "state",    "index",        "size",        "limit",    "bucket",
     "required",   "rotation",      "format",     "prefix",   "field",        "column",      "date",     "at",
     "time",       "seconds",       "minutes",    "days",     "hours",        "ttl",         "method",   "endpoint",
     "header",     "scope",         "scopes",     "issuer",   "audience",     "description", "label",    "hint",
     "min",        "max",           "prevention", "reuse",    "requirements", "verified",    "mode",     "kind",
     "stages",     "selector",      "provider",   "manager",  "store",        "list",        "metadata", "rules",
     "config",     "configuration", "options",    "settings", "usages",       "in",          "validity", "lifetime",
     "timeout",    "created",       "updated",    "rotated"});
// Tokens and keys that begin with one of these are for paging, retries, locking and addressing.
constexpr auto harmless_qualifiers = std::to_array<std::string_view>(
    {"next",   "previous", "prev",        "page",       "paging", "pagination", "continuation", "continue",
     "client", "request",  "idempotency", "idempotent", "start",  "starting",   "resume",       "lock",
     "change", "sync",     "task",        "creation",   "caller", "marker",     "cursor",       "partition",
     "sort",   "range",    "primary",     "foreign",    "public", "hash",       "routing",      "shard",
     "upload", "receipt",  "update",      "revision"});
constexpr auto passwords =
    std::to_array<std::string_view>({"password", "passwd", "passphrase", "pwd", "passwords", "pw", "passcode",
                                     "authpass", "userpass", "pass", "masterpass", "passwort"});
constexpr auto password_endings = std::to_array<std::string_view>(
    {"password", "passwd", "passphrase", "passcode", "passwort", "dbpass", "dbpwd", "userpwd", "dbpassw", "sshpass"});
constexpr auto secret_run_ons = std::to_array<std::string_view>(
    {"apikey", "secretkey", "accesskey", "authtoken", "accesstoken", "refreshtoken", "privatekey", "clientsecret",
     "idtoken", "authkey", "bearertoken", "signingkey", "sharedkey", "accountkey", "sessionkey", "apitoken"});
// "<this> key" is a secret.
constexpr auto key_qualifiers = std::to_array<std::string_view>(
    {"api",     "secret",      "private",      "auth",     "account", "signing", "storage",   "shared",
     "master",  "app",         "application",  "access",   "service", "webhook", "deploy",    "ssh",
     "license", "consumer",    "encryption",   "jwt",      "hmac",    "session", "admin",     "write",
     "read",    "integration", "subscription", "personal", "user",    "crypto",  "decryption"});
constexpr auto harmless_words = std::to_array<std::string_view>(
    {"order", "ref",    "reference", "tracking", "invoice", "timestamp", "epoch",  "version",
     "build", "serial", "sku",       "isbn",     "batch",   "sequence",  "trace",  "checksum",
     "md5",   "sha1",   "sha256",    "etag",     "digest",  "commit",    "ticket", "part"});
constexpr auto harmless_endings =
    std::to_array<std::string_view>({"id", "ids", "arn", "arns", "time", "ts", "at", "date", "count", "size", "version",
                                     "no", "ms", "ns", "uuid", "guid", "cursor", "marker"});

bool says_password(const Words& words) {
  const std::string_view last = words.last();
  if (in(last, passwords)) return true;
  if (last == "word" && words.last(1) == "pass") return true;
  if (last == "phrase" && words.last(1) == "pass") return true;
  // "password1", "db_password_prod", "ses_smtp_password_v4"
  if (words.has("password") || words.has("passwd")) return true;
  return std::any_of(password_endings.begin(), password_endings.end(),
                     [&](std::string_view ending) { return last.ends_with(ending); });
}

Class secret_class(const Words& words) {
  const std::string_view last = words.last();
  const std::string_view before = words.last(1);
  const std::string_view joined = words.joined();
  if (last == "hash" || last == "hashed" || last == "digest") {
    return words.has("password") || words.has("passwd") || words.has("pwd") ? Class::password_hash : Class::none;
  }
  if (joined.ends_with("secretaccesskey") || joined.ends_with("awssecretkey") || joined.ends_with("secretkey"))
    return Class::aws_secret_key;
  if (joined.ends_with("sessiontoken") || joined.ends_with("securitytoken")) return Class::session_token;
  if (joined.ends_with("signature") || joined == "sig") return Class::signature;
  if (words.has("totp") || words.has("otp") || words.has("mfa") || words.has("2fa")) {
    if (last == "secret" || last == "seed" || last == "key" || last == "totp") return Class::mfa_seed;
  }
  if (joined.ends_with("base32stringseed") || joined.ends_with("authenticatorsecret")) return Class::mfa_seed;
  if (joined.ends_with("privatekey") || joined.ends_with("keymaterial") || joined.ends_with("privatekeypem") ||
      joined.ends_with("clientkeydata") || joined.ends_with("keydata"))
    return Class::private_key;
  if (last == "cookie" || last == "cookies") return Class::cookie;
  if (last == "sessionid" || joined == "sid" || joined == "connect.sid" || joined == "jsessionid" ||
      joined == "phpsessid")
    return Class::cookie;
  if (last == "jwt" || last == "authorization" || last == "bearer" || last == "pat") return Class::token;
  if (joined.ends_with("amzcredential")) return Class::none;  // an access key id and a scope
  if (last == "secret" || last == "secrets" || last == "credential" || last == "credentials" || last == "creds")
    return Class::secret;
  if (last == "auth" || last == "apikey" || last == "authkey" || last == "accountkey" || last == "sharedkey")
    return Class::token;
  if (last == "token" || last == "tokens") return Class::token;
  if (last == "key" || last == "keys") return in(before, key_qualifiers) ? Class::token : Class::none;
  if (last == "seed" && (before == "secret" || before == "mfa")) return Class::mfa_seed;
  if (last == "value" && words.size() > 1 && (before == "secret" || before == "token")) return Class::secret;
  if ((last == "string" || last == "plaintext") && before == "secret") return Class::secret;
  if (last == "string" && before == "connection") return Class::secret;
  if (last == "data" && before == "secret") return Class::secret;
  if (words.has("secret") && words.size() <= 4) return Class::secret;
  for (std::string_view ending : secret_run_ons) {
    if (last.ends_with(ending)) return Class::token;
  }
  if (last.size() > 6 && last.ends_with("secret")) return Class::secret;
  if (last.size() > 5 && last.ends_with("token")) return Class::token;
  return Class::none;
}

Class personal_class(const Words& words) {
  const std::string_view last = words.last();
  const std::string_view before = words.last(1);
  const std::string_view joined = words.joined();
  const bool number = last == "number" || last == "no" || last == "num" || last == "nr";
  const std::string_view noun = number ? before : last;
  if (noun == "ssn" || noun == "itin" || joined.ends_with("socialsecurity") || joined.ends_with("socialsecuritynumber"))
    return Class::ssn;
  if (noun == "email" || noun == "mail" || joined.ends_with("emailaddress") || last == "emails") return Class::email;
  if (noun == "phone" || noun == "mobile" || noun == "telephone" || noun == "tel" || noun == "msisdn" ||
      noun == "fax" || noun == "cell" || noun == "cellphone" || noun == "phonenumber" || noun == "whatsapp")
    return Class::phone;
  if (noun == "card" || noun == "pan" || noun == "cc" || noun == "creditcard" || noun == "cardnumber" ||
      noun == "ccnum" || noun == "ccnumber")
    return Class::card;
  if (noun == "iban") return Class::iban;
  if (noun == "dob" || noun == "birthdate" || noun == "birthday" || noun == "dateofbirth" || noun == "birth" ||
      noun == "born" || noun == "geburtsdatum" || (last == "date" && before == "birth") ||
      (last == "day" && before == "birth"))
    return Class::date_of_birth;
  if (noun == "passport" || joined.ends_with("passportnumber")) return Class::passport;
  if (words.has("license") || words.has("licence") || noun == "dl") {
    if (words.has("driver") || words.has("drivers") || words.has("driving") || noun == "dl")
      return Class::driver_license;
  }
  if (joined.starts_with("driverslicen") || joined.starts_with("driverlicen") || joined.starts_with("drivinglicen"))
    return Class::driver_license;
  if (words.has("aadhaar") || words.has("aadhar") || noun == "cpf" || noun == "cnpj" || noun == "nino" ||
      noun == "curp" || noun == "nhs" || noun == "pesel" || noun == "bsn" || noun == "sin" || noun == "dni" ||
      noun == "nie" || noun == "tfn" || noun == "personnummer" || noun == "fiscale" || noun == "insee" ||
      noun == "steuerid" || joined.ends_with("nationalinsurance") || joined.ends_with("nationalinsurancenumber") ||
      joined.ends_with("nationalid") || joined.ends_with("nationalidnumber") || joined.ends_with("taxid") ||
      joined.ends_with("taxnumber") || joined.ends_with("taxidentificationnumber") || joined.ends_with("nhsnumber") ||
      joined.ends_with("identitynumber") || joined.ends_with("personalid"))
    return Class::national_id;
  if (words.has("bank") || words.has("routing") || noun == "bban" || words.has("sort")) {
    if (last == "account" || (number && (before == "account" || before == "acct" || before == "bank")))
      return Class::bank_account;
    if (joined.ends_with("bankaccount") || noun == "bban") return Class::bank_account;
  }
  if (number && (before == "account" || before == "acct") && !words.has("aws")) return Class::bank_account;
  return Class::none;
}

bool says_secret_anywhere(const Words& words) {
  constexpr auto nouns = std::to_array<std::string_view>({"token", "tokens", "key", "keys", "secret", "secrets"});
  return words.has_any(nouns);
}

}  // namespace

KeyClass classify_key(std::string_view name) {
  const Words words(name);
  if (words.size() == 0) return {};
  const std::string_view last = words.last();
  if (words.size() == 1 && is_value_key(name)) return {Hint::generic, Class::none};
  if (name == "N" || name == "S" || name == "B" || name == "SS" || name == "NS" || name == "BS" || name == "L" ||
      name == "M" || name == "member" || name == "item" || name == "items")
    return {Hint::generic, Class::none};
  // Personal names first: "tax_id" and "national_id" end like identifiers and are not.
  if (const Class personal = personal_class(words); personal != Class::none) return {Hint::personal, personal};
  const bool describing = in(last, describing_endings) && last != "in";
  if (!describing && !words.has("policy")) {
    if (const Class kind = secret_class(words); kind != Class::none) {
      const bool paging = (kind == Class::token || kind == Class::secret) && last != "secret" &&
                          words.has_any(harmless_qualifiers) && !words.has("api") && !words.has("secret") &&
                          !words.has("auth");
      if (!paging && !words.has("public"))
        return {says_password(words) && kind != Class::password_hash ? Hint::password : Hint::secret, kind};
      return {Hint::harmless, Class::none};
    }
    if (says_password(words)) {
      constexpr auto about = std::to_array<std::string_view>(
          {"reset", "change", "last", "max", "minimum", "min", "expire", "require", "is", "has"});
      if (!words.has_any(about) || last == "password") return {Hint::password, Class::password};
      return {Hint::harmless, Class::none};
    }
  }
  if (says_secret_anywhere(words) || in(last, harmless_endings) || words.has_any(harmless_words))
    return {Hint::harmless, Class::none};
  return {};
}

KeyFacts key_facts(std::string_view name) {
  constexpr auto blobs = std::to_array<std::string_view>(
      {"B", "BS", "SecretBinary", "Plaintext", "PrivateKeyPlaintext", "SharedSecret", "BinaryValue"});
  KeyFacts facts;
  facts.key = classify_key(name);
  facts.names = is_name_key(name);
  facts.values = is_value_key(name);
  facts.blob = in(name, blobs);
  facts.number = name == "N" || name == "NS";
  return facts;
}

KeyCache& known_keys() {
  thread_local KeyCache keys;
  return keys;
}

bool is_name_key(std::string_view name) {
  constexpr auto names = std::to_array<std::string_view>(
      {"name",          "Name",       "key",           "Key",   "ParameterKey", "OutputKey", "parameterKey",
       "ParameterName", "OptionName", "AttributeName", "field", "Field",        "k",         "variable",
       "header",        "attribute",  "parameterName", "param", "env",          "property",  "setting",
       "columnName"});
  return in(name, names);
}

bool is_value_key(std::string_view name) {
  constexpr auto values = std::to_array<std::string_view>(
      {"value", "Value", "values", "Values", "ParameterValue", "OutputValue", "parameterValue", "ResolvedValue",
       "OptionSettingValue", "stringValue", "StringValue", "val", "v", "fieldValue", "default", "content",
       "AttributeValue", "varCharValue"});
  return in(name, values);
}

}  // namespace holdpoint::masker
