#include <pqxx/pqxx>

#include <chrono>
#include <thread>

#include "auditor/log_store.hpp"
#include "auditor/schema.hpp"

namespace holdpoint::auditor {
namespace {

// Of the whole migration, which the log's writer or a reader kept from a lock.
constexpr auto kBusyPatience = std::chrono::seconds(30);
constexpr auto kBusyPause = std::chrono::milliseconds(200);
// Shorter than the time after which PostgreSQL looks for a deadlock (1 s): it is the migration that gives way.
constexpr const char* kSettings = "SET client_min_messages = warning; SET lock_timeout = '500ms'";

bool is_busy(const std::string& sqlstate) { return sqlstate == "55P03" || sqlstate.starts_with("40"); }

void apply_all(pqxx::connection& connection) {
  pqxx::work transaction(connection);
  for (const SchemaFile& file : schema_files()) transaction.exec(std::string(file.sql));
  transaction.exec_params("INSERT INTO audit.schema_version (version) VALUES ($1) ON CONFLICT DO NOTHING",
                          kSchemaVersion);
  transaction.commit();
}

}  // namespace

Result<void> migrate(const std::string& owner_dsn) {
  try {
    pqxx::connection connection(owner_dsn);
    // Two supervisors at once would race on IF NOT EXISTS. Until the connection ends.
    pqxx::nontransaction(connection).exec("SELECT pg_advisory_lock(hashtext('holdpoint audit schema'))");
    pqxx::nontransaction(connection).exec(kSettings);
    const auto until = std::chrono::steady_clock::now() + kBusyPatience;
    for (;;) {
      try {
        apply_all(connection);
        return {};
      } catch (const pqxx::sql_error& error) {
        if (!is_busy(error.sqlstate()) || std::chrono::steady_clock::now() >= until) throw;
      }
      std::this_thread::sleep_for(kBusyPause);
    }
  } catch (const std::exception& exception) {
    return fail(Code::configuration, std::string("audit schema: ") + exception.what());
  }
}

}  // namespace holdpoint::auditor
