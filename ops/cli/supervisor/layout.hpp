// Where one deployment on one machine keeps its things. Derives paths, makes folders with their owners; no processes.
//
//   var/           root:holdpoint 0710   nobody else may even look
//     keys/        operator.json, issuer, root's alone; NAME.json per process, its account's
//     bus/ auditor/ approvals/ gateway-N/   the service account's; masker-N/ the masker's
//     postgres/    postgres'
//     log/ run/    root's: logs, the supervisor's lock and state
//   /run/holdpoint-<hash of var>/   sockets, because a socket's path may have 107 bytes
//
// The masker's account is in the group holdpoint: it may pass through var/ and reach the bus, and open nothing else.
//
// A checkout below a folder that others may not enter (a 0700 home) gets /var/lib/holdpoint-<hash> and `var` as a link.
#pragma once

#include <filesystem>
#include <string>

#include "bus/base/result.hpp"
#include "ops/cli/supervisor/account.hpp"

namespace holdpoint::supervisor {

struct Layout {
  std::filesystem::path var;       ///< absolute
  std::filesystem::path run;       ///< sockets
  std::filesystem::path programs;  ///< where holdpoint-bus and the others are
  bool privileged = false;         ///< root: accounts of their own; else everything runs as the caller
  Account service;
  Account masker;  ///< reads hostile bytes: of the files here only its own identity
  Account database;

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

}  // namespace holdpoint::supervisor
