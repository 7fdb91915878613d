// What is sensitive and where: the classes, an edit of bytes, and the tally that leaves the masker. Never a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdpoint::masker {

/// What a masked value was. The names (see name()) stand in masks, records and policies: append-only.
enum class Class : std::uint8_t {
  none,
  access_key_id,  ///< AWS AKIA…/ASIA…: prefix and the last 4 stay
  aws_secret_key,
  session_token,  ///< AWS session tokens
  private_key,
  jwt,
  token,  ///< vendors' tokens, API keys, bearer tokens
  password,
  password_hash,
  secret,     ///< known by key, column or model
  signature,  ///< of presigned URLs
  cookie,
  mfa_seed,
  card,  ///< 6 + 4 stay
  iban,  ///< 4 + 4 stay
  ssn,
  national_id,
  email,
  phone,  ///< the last 4 stay
  date_of_birth,
  passport,
  driver_license,
  bank_account,
};

/// Lower case with "-", e.g. "aws-secret-key".
std::string_view name(Class kind);
/// `none` for a name that is not one.
Class class_from_name(std::string_view name);
/// Personal data, as opposed to secrets.
bool is_personal(Class kind);

/// Replace bytes [begin, end) by `text`. A list of edits is sorted and free of overlap.
struct Edit {
  std::size_t begin;
  std::size_t end;
  std::string text;
};
using Edits = std::vector<Edit>;

/// `bytes` with the edits spliced in.
std::string splice(std::string_view bytes, const Edits& edits);

struct Finding {
  Class kind;
  std::string rule;  ///< the detector: "key", "model", "token", …
  std::string path;  ///< member names joined by "."; empty in plain text
  std::size_t count;
};

/// Counts findings per class, rule and path. At most 256 rows (a record stays small): then paths are dropped, and
/// there are fewer combinations of class and rule than that.
class Tally {
 public:
  void add(Class kind, std::string_view rule, std::string_view path);
  [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }
  [[nodiscard]] bool empty() const { return findings_.empty(); }

 private:
  std::vector<Finding> findings_;
};

}  // namespace holdpoint::masker
