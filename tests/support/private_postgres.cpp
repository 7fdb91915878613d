#include "tests/support/private_postgres.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace holdpoint::testing {
namespace {

const std::string kBin = "/usr/lib/postgresql/15/bin/";

/// Runs as user postgres (initdb and postgres refuse root) with an empty environment; output to `log`.
pid_t spawn(std::vector<std::string> arguments, const std::filesystem::path& log) {
  std::vector<std::string> command;
  if (geteuid() == 0)
    command = {"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"};
  for (const char* word : {"/usr/bin/env", "-i", "PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"}) {
    command.emplace_back(word);
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  if (chdir("/") == 0) execv(words[0], words.data());
  _exit(127);
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// A fresh cluster of an earlier test program. It is the same bytes each time, and making it takes a second of a core.
const std::filesystem::path kTemplate = HOLDPOINT_POSTGRES_TEMPLATE;

void make_cluster(const std::filesystem::path& root) {
  const auto copy = std::filesystem::copy_options::recursive;
  if (std::filesystem::exists(kTemplate)) {
    std::filesystem::copy(kTemplate, root / "data", copy);
    return;
  }
  int status = 0;
  waitpid(spawn({kBin + "initdb", "--pgdata", (root / "data").string(), "--username=postgres", "--auth=trust",
                 "--encoding=UTF8", "--no-locale", "--no-sync"},
                root / "initdb.log"),
          &status, 0);
  if (status != 0) throw std::runtime_error("initdb: " + text_of(root / "initdb.log"));
  // Whole or not at all: others may look for it now.
  std::error_code ignored;
  const std::filesystem::path fresh = kTemplate.string() + "." + std::to_string(getpid());
  std::filesystem::copy(root / "data", fresh, copy, ignored);
  if (!ignored) std::filesystem::rename(fresh, kTemplate, ignored);
  if (ignored) std::filesystem::remove_all(fresh, ignored);
}

void give_to_postgres(const std::filesystem::path& folder) {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam("postgres");
  const auto give = [&](const std::filesystem::path& path) {
    if (user == nullptr || lchown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("no user postgres");
    }
  };
  give(folder);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) give(entry.path());
}

}  // namespace

PrivatePostgres& PrivatePostgres::shared() {
  static PrivatePostgres postgres;
  return postgres;
}

PrivatePostgres::PrivatePostgres() {
  // Under /tmp, whatever TMPDIR says: the socket's path may have 107 bytes, and user postgres must reach it.
  std::string name = "/tmp/holdpoint-pg-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory for PostgreSQL");
  root_ = name;
  std::filesystem::permissions(root_, std::filesystem::perms(0755));
  for (const char* folder : {"data", "socket"}) {
    std::filesystem::create_directory(root_ / folder);
    give_to_postgres(root_ / folder);
  }
  make_cluster(root_);
  give_to_postgres(root_ / "data");
  std::filesystem::permissions(root_ / "data", std::filesystem::perms(0700));
  start();
}

PrivatePostgres::~PrivatePostgres() {
  if (server_ > 0) stop(SIGINT);
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void PrivatePostgres::start() {
  server_ = spawn({kBin + "postgres", "-D", (root_ / "data").string(), "-k", (root_ / "socket").string(), "-c",
                   "listen_addresses=", "-c", "shared_buffers=64MB",
                   // Servers are killed here, machines are not: what was written stays.
                   "-c", "fsync=off"},
                  root_ / "server.log");
  // After a crash the server syncs its whole directory first: on a busy disk that takes a while.
  for (int attempt = 0; attempt < 1200; ++attempt) {
    try {
      pqxx::connection connection(dsn());
      return;
    } catch (const std::exception&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  throw std::runtime_error("PostgreSQL does not start: " + text_of(root_ / "server.log"));
}

void PrivatePostgres::stop(int signal) {
  kill(server_, signal);
  waitpid(server_, nullptr, 0);
  server_ = -1;
}

void PrivatePostgres::crash_and_restart() {
  stop(SIGQUIT);  // "immediate": no checkpoint, recovery from the log at the next start
  start();
}

std::string PrivatePostgres::dsn(const std::string& database, const std::string& user) const {
  return "host=" + (root_ / "socket").string() + " dbname=" + database + " user=" + user;
}

std::string PrivatePostgres::make_database() {
  const std::string name = "test_" + std::to_string(++databases_);
  pqxx::connection connection(dsn());
  pqxx::nontransaction(connection).exec("CREATE DATABASE " + name);
  return name;
}

}  // namespace holdpoint::testing
