#include <pqxx/pqxx>

#include "auditor/log_store.hpp"
#include "auditor/schema.hpp"

namespace holdpoint::auditor {

Result<void> migrate(const std::string& owner_dsn) {
  try {
    pqxx::connection connection(owner_dsn);
    pqxx::work transaction(connection);
    // Two supervisors at once would race on IF NOT EXISTS.
    transaction.exec("SELECT pg_advisory_xact_lock(hashtext('holdpoint audit schema'))");
    transaction.exec("SET client_min_messages = warning");
    for (const SchemaFile& file : schema_files()) transaction.exec(std::string(file.sql));
    transaction.exec_params("INSERT INTO audit.schema_version (version) VALUES ($1) ON CONFLICT DO NOTHING",
                            kSchemaVersion);
    transaction.commit();
    return {};
  } catch (const std::exception& exception) {
    return fail(Code::configuration, std::string("audit schema: ") + exception.what());
  }
}

}  // namespace holdpoint::auditor
