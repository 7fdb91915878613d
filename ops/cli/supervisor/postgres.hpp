// A private PostgreSQL cluster under var/postgres: made once, reached by a socket alone, roles by operating-system
// account (peer). Never touches a cluster of the machine. The supervisor runs the server; this prepares it.
#pragma once

#include <string>

#include "bus/base/result.hpp"
#include "ops/cli/supervisor/layout.hpp"
#include "ops/cli/supervisor/process.hpp"

namespace holdpoint::supervisor {

/// Where PostgreSQL's programs are; fails with `configuration` and what to install.
Result<std::filesystem::path> find_postgres();

/// Runs initdb when var/postgres has no cluster, and writes its configuration (each time: it is ours).
Result<void> prepare_cluster(const Layout& layout);

/// The server, in the foreground.
Result<Launch> postgres_launch(const Layout& layout);

/// Waits until the server takes connections.
Result<void> await_postgres(const Layout& layout, Duration within);

/// Makes the database and its roles when they are missing.
Result<void> prepare_database(const Layout& layout);

/// What a process gets as --database: `role` connects over the private socket.
std::string database_dsn(const Layout& layout, const std::string& role);

}  // namespace holdpoint::supervisor
