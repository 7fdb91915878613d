#include "ops/cli/supervisor/postgres.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "bus/config/private_file.hpp"

namespace holdpoint::supervisor {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kVersions[] = {"15", "16", "17"};

// The auditor's account may become the log's writer, approvals' its own role; root may read and administer. Nobody
// else is let in.
constexpr std::string_view kHba =
    "# Written by holdpoint up.\n"
    "local all all peer map=holdpoint\n";

std::string ident(const Layout& layout) {
  std::string text = "# Written by holdpoint up.\n";
  const auto map = [&](const std::string& account, std::string_view role) {
    text += "holdpoint " + account + " " + std::string(role) + "\n";
  };
  map(layout.database.name, "postgres");
  map(layout.account("auditor").name, "holdpoint_writer");
  map(layout.account("approvals").name, "holdpoint_approvals");
  if (layout.privileged) {
    for (const std::string_view role : {"postgres", "holdpoint_owner", "holdpoint_reader"}) map("root", role);
    map(layout.database.name, "holdpoint_owner");
  } else {
    for (const std::string_view role : {"holdpoint_owner", "holdpoint_reader"}) map(layout.service.name, role);
  }
  return text;
}

std::string settings(const Layout& layout) {
  return "# Written by holdpoint up.\n"
         "listen_addresses = ''\n"
         "unix_socket_directories = '" +
         layout.postgres_socket().string() +
         "'\n"
         "unix_socket_permissions = 0777\n"  // the folder keeps others out
         "max_connections = 50\n"
         "shared_buffers = 64MB\n"
         "max_wal_size = 512MB\n"
         "log_destination = stderr\n"
         "logging_collector = off\n"
         "log_min_error_statement = panic\n"  // statements hold what agents sent
         "log_parameter_max_length_on_error = 0\n"
         "timezone = UTC\n";
}

Result<void> write_file(const fs::path& path, std::string_view text, const Account& owner) {
  // The folder is the database account's: a new file takes the name's place, whatever it pointed to.
  if (auto written = config::write_file_atomically(path, text); !written) return written;
  return give(path, owner, owner.gid, 0600);
}

Result<std::string> psql(const Layout& layout, const std::string& database, const std::string& statements) {
  auto folder = find_postgres();
  if (!folder) return folder.error();
  Command command{.arguments = {(*folder / "psql").string(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
                                layout.postgres_socket().string(), "-U", "postgres", "-d", database},
                  .account = layout.database,
                  .input = statements};
  return run_command(command);
}

}  // namespace

Result<fs::path> find_postgres() {
  std::error_code error;
  for (const auto version : kVersions) {
    const fs::path folder = fs::path("/usr/lib/postgresql") / version / "bin";
    if (fs::exists(folder / "postgres", error)) return folder;
  }
  return fail(
      Code::configuration,
      "PostgreSQL is not installed. Install postgresql-15 (ops/run does, without a cluster of its own), or give "
      "--database for a server that you run.");
}

Result<void> prepare_cluster(const Layout& layout) {
  auto programs = find_postgres();
  if (!programs) return programs.error();
  const fs::path data = layout.data("postgres");
  std::error_code error;
  fs::create_directories(data, error);
  if (auto given = give(data, layout.database, layout.database.gid, 0700); !given) return given.error();
  fs::create_directories(layout.postgres_socket(), error);
  if (auto given = give(layout.postgres_socket(), layout.database, layout.service.gid, 0710); !given) {
    return given.error();
  }
  if (!fs::exists(data / "ready", error)) {
    // An initdb that was interrupted leaves a folder that the next one refuses.
    for (const auto& entry : fs::directory_iterator(data, error)) fs::remove_all(entry.path(), error);
    Command command{.arguments = {(*programs / "initdb").string(), "-D", data.string(), "-U", "postgres", "-E", "UTF8",
                                  "--locale=C.UTF-8", "--lc-collate=C", "--auth=peer", "--data-checksums"},
                    .account = layout.database};
    if (auto made = run_command(command); !made) {
      return fail(Code::configuration, "the private PostgreSQL cluster could not be made: " + made.error().context);
    }
    if (auto written = write_file(data / "ready", "", layout.database); !written) return written.error();
  }
  if (auto written = write_file(data / "postgresql.auto.conf", settings(layout), layout.database); !written) {
    return written.error();
  }
  if (auto written = write_file(data / "pg_hba.conf", kHba, layout.database); !written) return written.error();
  return write_file(data / "pg_ident.conf", ident(layout), layout.database);
}

Result<Launch> postgres_launch(const Layout& layout) {
  auto programs = find_postgres();
  if (!programs) return programs.error();
  Launch launch;
  launch.command.arguments = {(*programs / "postgres").string(), "-D", layout.data("postgres").string()};
  launch.command.account = layout.database;
  launch.log = layout.log("postgres");
  launch.parent_death_signal = SIGINT;  // a fast shutdown
  return launch;
}

Result<void> await_postgres(const Layout& layout, Duration within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (true) {
    auto answer = psql(layout, "postgres", "SELECT 1;");
    if (answer) return {};
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Code::unavailable,
                  "PostgreSQL did not start: " + answer.error().context + "See " + layout.log("postgres").string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<void> prepare_database(const Layout& layout) {
  std::string statements;
  for (const std::string_view role :
       {"holdpoint_owner", "holdpoint_writer", "holdpoint_approvals", "holdpoint_reader"}) {
    const std::string name(role);
    statements += "SELECT 'CREATE ROLE " + name + " LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '" +
                  name + "') \\gexec\n";
  }
  statements +=
      "SELECT 'CREATE DATABASE holdpoint OWNER holdpoint_owner' WHERE NOT EXISTS "
      "(SELECT FROM pg_database WHERE datname = 'holdpoint') \\gexec\n"
      "REVOKE ALL ON DATABASE holdpoint FROM PUBLIC;\n"
      "GRANT CONNECT ON DATABASE holdpoint TO holdpoint_writer, holdpoint_approvals, holdpoint_reader;\n"
      "ALTER ROLE holdpoint_reader SET default_transaction_read_only = on;\n";
  auto made = psql(layout, "postgres", statements);
  if (!made) return fail(Code::configuration, "the database could not be prepared: " + made.error().context);
  return {};
}

std::string database_dsn(const Layout& layout, const std::string& role) {
  return "host=" + layout.postgres_socket().string() + " dbname=holdpoint user=" + role;
}

}  // namespace holdpoint::supervisor
