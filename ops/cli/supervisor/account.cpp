#include "ops/cli/supervisor/account.hpp"

#include <pwd.h>
#include <unistd.h>

#include "ops/cli/supervisor/process.hpp"

namespace holdpoint::supervisor {

std::optional<Account> find_account(const std::string& name) {
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return Account{.name = name, .uid = entry->pw_uid, .gid = entry->pw_gid, .groups = {}};
}

Account current_account() {
  const passwd* entry = ::getpwuid(::geteuid());
  return Account{.name = entry != nullptr ? entry->pw_name : std::to_string(::geteuid()),
                 .uid = ::geteuid(),
                 .gid = ::getegid(),
                 .groups = {}};
}

Result<Account> ensure_system_account(const std::string& name) {
  if (auto account = find_account(name)) return *account;
  Command command{.arguments = {"/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
                                "/nonexistent", "--shell", "/usr/sbin/nologin", name}};
  auto made = run_command(command);
  if (auto account = find_account(name)) return *account;
  return fail(Code::configuration, "the system account " + name + " could not be made: " +
                                       (made ? std::string("useradd said nothing") : made.error().context));
}

}  // namespace holdpoint::supervisor
