// The system accounts that processes run as. Owns nothing; looks up, and makes, entries of the user database.
//
// Services run as `holdpoint`, PostgreSQL as `postgres`, so that a service that was taken over can neither sign a
// configuration (the operator's key is root's) nor write the log's files. Without root everything runs as the caller.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "bus/base/result.hpp"

namespace holdpoint::supervisor {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary
};

std::optional<Account> find_account(const std::string& name);
Account current_account();

/// Finds the account, or makes a system account of that name (no login, no home). Needs root.
Result<Account> ensure_system_account(const std::string& name);

}  // namespace holdpoint::supervisor
