// Brings the schema `reviews` up to date while replicas work on it, and says whether a program and a schema go
// together.
//
// schema/reviews.sql is applied step by step, each a transaction that locks one table at most, and not for long: so no
// replica ever waits for it while it waits for that replica, and a busy table is tried again. Steps may be repeated; a
// migration that is killed is finished by the next one, since the version is written last.
#include <optional>

#include "approvals/postgres/connection.hpp"
#include "approvals/schema/schema.hpp"

namespace holdpoint::approvals {
namespace {

constexpr std::string_view kStepMark = "\n-- step\n";
constexpr const char* kLockPatience = "SET lock_timeout = '500ms'; SET client_min_messages = warning";
constexpr auto kBusyPatience = std::chrono::seconds(30);  // of one step: far longer than any transaction of a replica
constexpr auto kBusyPause = std::chrono::milliseconds(200);

struct SchemaVersion {
  int version = 0;  ///< 0: from before there were versions, or no schema
  int oldest = 0;   ///< programs that know this version or a later one may work under it
};

SchemaVersion version_of(pqxx::connection& connection) {
  try {
    pqxx::nontransaction work(connection);
    const auto rows = work.exec("SELECT version, oldest FROM reviews.schema_version");
    return rows.empty() ? SchemaVersion{} : SchemaVersion{rows[0][0].as<int>(), rows[0][1].as<int>()};
  } catch (const pqxx::sql_error& error) {
    // 42P01 and 3F000: no such table, no such schema.
    if (error.sqlstate() != "42P01" && error.sqlstate() != "3F000") throw;
    return {};
  }
}

bool is_busy(const std::string& sqlstate) { return sqlstate == "55P03" || sqlstate.starts_with("40"); }

void apply_step(pqxx::connection& connection, std::string_view step) {
  const auto until = std::chrono::steady_clock::now() + kBusyPatience;
  for (;;) {
    try {
      pqxx::work work(connection);
      work.exec(std::string(step));
      return work.commit();
    } catch (const pqxx::sql_error& error) {
      if (!is_busy(error.sqlstate()) || std::chrono::steady_clock::now() >= until) throw;
    }
    std::this_thread::sleep_for(kBusyPause);
  }
}

std::optional<std::string> mismatch(const SchemaVersion& schema) {
  const std::string own = std::to_string(kSchemaVersion);
  const std::string found = "the schema reviews is of version " + std::to_string(schema.version);
  if (schema.version < kSchemaVersion)
    return found + " and this program needs " + own +
           ": run this program's `holdpoint-approvals --migrate --owner-database DSN` first; older replicas go on "
           "meanwhile";
  if (schema.oldest > kSchemaVersion)
    return found + ", for programs that know version " + std::to_string(schema.oldest) +
           " or later, and this one knows " + own +
           ": replace this replica by the version that the schema was migrated with";
  return std::nullopt;
}

}  // namespace

void demand_schema(pqxx::connection& connection) {
  if (auto wrong = mismatch(version_of(connection))) throw SchemaMismatch(*wrong);
}

Result<void> check_schema(const std::string& database) {
  try {
    pqxx::connection connection(database);
    demand_schema(connection);
    return {};
  } catch (const SchemaMismatch& wrong) {
    return fail(Code::configuration, wrong.what());
  } catch (const std::exception&) {
    return fail(Code::unavailable, "PostgreSQL cannot be reached");
  }
}

Result<void> migrate(const std::string& database) {
  try {
    pqxx::connection connection(database);
    pqxx::nontransaction(connection)
        .exec("SELECT pg_advisory_lock(hashtextextended('holdpoint.reviews.schema', 0))");  // until the connection ends
    if (version_of(connection).version >= kSchemaVersion) return {};
    pqxx::nontransaction(connection).exec(kLockPatience);
    std::string_view rest = kSchema;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(kStepMark), rest.size());
      apply_step(connection, rest.substr(0, end));
      rest.remove_prefix(std::min(end + kStepMark.size(), rest.size()));
    }
    apply_step(connection,
               "INSERT INTO reviews.schema_version (version, oldest) VALUES (" + std::to_string(kSchemaVersion) + ", " +
                   std::to_string(kSchemaOldest) +
                   ") ON CONFLICT (one) DO UPDATE SET version = excluded.version, oldest = excluded.oldest");
    return {};
  } catch (const std::exception& error) {
    return fail(Code::unavailable, std::string("the schema reviews could not be applied: ") + error.what());
  }
}

}  // namespace holdpoint::approvals
