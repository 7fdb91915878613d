// Credentials of targets as they lie in the configuration: sealed to the gateway group, opened here alone, in memory.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "bus/base/crypto.hpp"
#include "bus/base/time.hpp"
#include "bus/config/document.hpp"

namespace holdpoint::credentials {

/// What a call to a target is signed with. Never logged, recorded or answered.
struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  std::string session_token;  ///< empty for static keys
  Instant expires_at = Instant::max();
};
using CredentialsPtr = std::shared_ptr<const Credentials>;

/// Opens every entry. Fails with `configuration`, naming the entry, when one is not sealed to this group or does not
/// hold {"access_key_id","secret_access_key","session_token"?}.
Result<std::map<std::string, CredentialsPtr>> open_sealed(const config::Document& document, const Secret& group_secret);

}  // namespace holdpoint::credentials
