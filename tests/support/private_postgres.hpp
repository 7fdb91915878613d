// A PostgreSQL of the test's own: made in a temporary directory, reached over a Unix socket only, gone at the end.
// One for a test program is enough (starting takes a second); each test takes a database of its own in it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace holdpoint::testing {

class PrivatePostgres {
 public:
  /// Throws std::runtime_error with the server's words when it does not start.
  PrivatePostgres();
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  /// The one that this test program shares, started at the first call.
  static PrivatePostgres& shared();

  /// A DSN of the superuser "postgres", or of another role; whoever reaches the socket is believed.
  [[nodiscard]] std::string dsn(const std::string& database = "postgres", const std::string& user = "postgres") const;
  /// Makes an empty database with a name of its own; returns the name.
  std::string make_database();
  /// kill -9 of the server and start again: what was committed is there.
  void crash_and_restart();

 private:
  void start();
  void stop(int signal);

  std::filesystem::path root_;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace holdpoint::testing
