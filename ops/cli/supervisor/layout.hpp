// Where one deployment on one machine keeps its things. Derives paths, makes folders with their owners; no processes.
//
//   var/           root:holdpoint 0710   nobody else may even look
//     keys/        operator.json, issuer, root's alone; NAME.json per process, its account's
//     bus/         the account holdpoint's
//     gateway-N/ approvals-N/ auditor-N/ masker-N/   an account's each: holdpoint-gateway and so on
//     postgres/    postgres'
//     log/ run/    root's: logs, the supervisor's lock and state
//   /run/holdpoint-<hash of var>/   sockets, because a socket's path may have 107 bytes
//
// Those accounts are in the group holdpoint: they may pass through var/ and reach the bus, and open what is their own.
// Who takes one process over holds that one's keys, and becomes that one's role in the database.
//
// A checkout below a folder that others may not enter (a 0700 home) gets /var/lib/holdpoint-<hash> and `var` as a link.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"
#include "ops/cli/supervisor/account.hpp"

namespace holdpoint::supervisor {

struct Layout {
  std::filesystem::path var;       ///< absolute
  std::filesystem::path run;       ///< sockets
  std::filesystem::path programs;  ///< where holdpoint-bus and the others are
  bool privileged = false;         ///< root: accounts of their own; else everything runs as the caller
  Account service;                 ///< the bus's; its group is every service's
  std::map<std::string, Account, std::less<>> accounts;  ///< by kind: gateway, approvals, auditor, masker
  Account database;

  /// Of a kind of process; `service` for those that have none of their own.
  [[nodiscard]] const Account& account(std::string_view kind) const;

  [[nodiscard]] std::filesystem::path keys() const { return var / "keys"; }
  [[nodiscard]] std::filesystem::path identity(const std::string& name) const { return keys() / (name + ".json"); }
  [[nodiscard]] std::filesystem::path operator_identity() const { return identity("operator"); }
  [[nodiscard]] std::filesystem::path issuer() const { return keys() / "issuer.json"; }
  [[nodiscard]] std::filesystem::path document() const { return var / "bus" / "configuration.json"; }
  [[nodiscard]] std::filesystem::path lock() const { return var / "run" / "supervisor.lock"; }
  [[nodiscard]] std::filesystem::path state() const { return var / "run" / "state.json"; }
  [[nodiscard]] std::filesystem::path log(const std::string& name) const { return var / "log" / (name + ".log"); }
  [[nodiscard]] std::filesystem::path data(const std::string& name) const { return var / name; }
  [[nodiscard]] std::string bus_endpoint() const { return "ipc://" + (run / "bus").string(); }
  [[nodiscard]] std::filesystem::path postgres_socket() const { return run / "postgres"; }
};

/// Only paths; nothing is made. `var` empty = HOLDPOINT_VAR, else var/ of the checkout that this program was built in,
/// else /var/lib/holdpoint.
Layout find_layout(std::filesystem::path var);

/// Makes accounts and folders. Running it again repairs owners and modes.
Result<void> prepare_layout(Layout& layout);

/// Gives a file or folder to the account, with this mode.
Result<void> give(const std::filesystem::path& path, const Account& owner, gid_t group, unsigned mode);
/// A folder of one process, made if need be, with the files that another account left in it.
Result<void> give_folder(const std::filesystem::path& path, const Account& owner);

}  // namespace holdpoint::supervisor
