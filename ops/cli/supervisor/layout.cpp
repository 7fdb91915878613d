#include "ops/cli/supervisor/layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "bus/base/crypto.hpp"

namespace holdpoint::supervisor {
namespace fs = std::filesystem;
namespace {

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

fs::path default_var() {
  if (const char* named = std::getenv("HOLDPOINT_VAR"); named != nullptr && *named != 0) return named;
  // checkout/build/PRESET/bin/holdpoint
  const fs::path checkout = program_folder().parent_path().parent_path().parent_path();
  std::error_code error;
  if (fs::exists(checkout / "CMakePresets.json", error)) return checkout / "var";
  return "/var/lib/holdpoint";
}

std::string short_hash(const fs::path& path) {
  const Hash hash = sha256(path.native());
  return to_hex(view(hash)).substr(0, 8);
}

/// True when every folder above `path` may be entered by anybody.
bool open_to_others(const fs::path& path) {
  for (fs::path folder = path.parent_path(); !folder.empty(); folder = folder.parent_path()) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return false;
    if ((status.st_mode & S_IXOTH) == 0) return false;
    if (folder == folder.root_path()) return true;
  }
  return false;
}

Result<void> make_folder(const fs::path& path, const Account& owner, gid_t group, unsigned mode) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail(Code::configuration, path.string() + " cannot be made: " + error.message());
  return give(path, owner, group, mode);
}

}  // namespace

Result<void> give(const fs::path& path, const Account& owner, gid_t group, unsigned mode) {
  // By descriptor: a link, which the account that owns the folder may put there, is refused, never followed.
  const int file = ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  struct stat status {};
  bool done = file >= 0 && ::fstat(file, &status) == 0;
  if (done && S_ISLNK(status.st_mode)) {
    errno = ELOOP;
    done = false;
  }
  done = done && (::geteuid() != 0 || ::fchownat(file, "", owner.uid, group, AT_EMPTY_PATH) == 0) &&
         ::chmod(("/proc/self/fd/" + std::to_string(file)).c_str(), mode) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!done)
    return fail(Code::configuration, path.string() + ": owner and mode cannot be set: " + std::strerror(error));
  return {};
}

Result<void> give_folder(const fs::path& path, const Account& owner) {
  if (auto made = make_folder(path, owner, owner.gid, 0700); !made) return made;
  if (::geteuid() != 0) return {};
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid == owner.uid)
      continue;
    if (auto given = give(entry->path(), owner, owner.gid, status.st_mode & 07777); !given) return given;
  }
  if (error) return fail(Code::configuration, path.string() + ": " + error.message());
  return {};
}

const Account& Layout::account(std::string_view kind) const {
  const auto found = accounts.find(kind);
  return found == accounts.end() ? service : found->second;
}

Layout find_layout(fs::path var) {
  if (var.empty()) var = default_var();
  std::error_code error;
  Layout layout;
  layout.var = fs::absolute(var, error).lexically_normal();
  if (!layout.var.has_filename()) layout.var = layout.var.parent_path();
  layout.privileged = ::geteuid() == 0;
  const std::string name = "holdpoint-" + short_hash(layout.var);
  if (layout.privileged || fs::exists("/run/" + name, error)) {
    layout.run = "/run/" + name;
  } else {
    layout.run = "/tmp/" + name + "-" + std::to_string(::geteuid());
  }
  const char* programs = std::getenv("HOLDPOINT_BIN");
  layout.programs = programs != nullptr && *programs != 0 ? fs::path(programs) : program_folder();
  if (!layout.privileged) layout.service = layout.database = current_account();
  return layout;
}

Result<void> prepare_layout(Layout& layout) {
  Account self = current_account();
  if (layout.privileged) {
    auto service = ensure_system_account("holdpoint");
    if (!service) return service.error();
    layout.service = *service;
    for (const char* kind : {"gateway", "approvals", "auditor", "masker"}) {
      auto account = ensure_system_account(std::string("holdpoint-") + kind);
      if (!account) return account.error();
      account->groups = {layout.service.gid};
      layout.accounts[kind] = std::move(*account);
    }
    const auto database = find_account("postgres");
    layout.database = database ? *database : *service;
    layout.database.groups = {layout.service.gid};  // may pass through var/
    std::error_code error;
    if (!open_to_others(layout.var) && !fs::is_symlink(layout.var, error)) {
      const fs::path elsewhere = "/var/lib/holdpoint-" + short_hash(layout.var);
      if (fs::exists(layout.var, error)) {
        return fail(Code::configuration, layout.var.string() +
                                             " lies below a folder that other accounts may not enter. "
                                             "Move it away, or name another folder with --var.");
      }
      if (auto made = make_folder(elsewhere, self, layout.service.gid, 0710); !made) return made.error();
      fs::create_directory_symlink(elsewhere, layout.var, error);
      if (error) return fail(Code::configuration, layout.var.string() + ": " + error.message());
    }
    if (fs::is_symlink(layout.var, error)) layout.var = fs::canonical(layout.var, error);
  }
  const gid_t group = layout.service.gid;
  struct Folder {
    fs::path path;
    const Account* owner;
    unsigned mode;
  };
  const Folder folders[] = {
      {layout.var, &self, 0710},
      {layout.keys(), &self, 0710},
      {layout.var / "log", &self, 0700},
      {layout.var / "run", &self, 0700},
      {layout.data("bus"), &layout.service, 0700},
      {layout.run, &layout.service, 0710},
  };
  for (const auto& folder : folders) {
    if (auto made = make_folder(folder.path, *folder.owner, group, folder.mode); !made) return made.error();
  }
  return {};
}

}  // namespace holdpoint::supervisor
