#include <map>
#include <pqxx/pqxx>

#include "auditor/schema.hpp"
#include "auditor/verify/schema_check.hpp"

namespace holdpoint::auditor::verify {
namespace {

using Definitions = std::map<std::string, std::string>;  ///< by name, without the schema's

/// What stands between each `head` (which a name in the schema audit follows) with its `begin`, and the next `end`.
Definitions definitions(std::string_view head, std::string_view begin, std::string_view end) {
  Definitions found;
  for (const SchemaFile& file : schema_files()) {
    for (auto at = file.sql.find(head); at != std::string_view::npos; at = file.sql.find(head, at)) {
      at += head.size();
      const std::string name(file.sql.substr(at, file.sql.find_first_of(" (", at) - at));
      const auto from = file.sql.find(begin, at) + begin.size();
      at = file.sql.find(end, from);
      found[name] = file.sql.substr(from, at - from);
    }
  }
  return found;
}

void compare_views(pqxx::transaction_base& transaction, SchemaReport& report) {
  for (const auto& [name, body] : definitions("CREATE VIEW audit.", " AS", ";\n")) {
    const std::string stands = "to_regclass('audit." + name + "')";
    const std::string made = "holdpoint_" + name;
    transaction.exec("CREATE TEMP VIEW " + made + " AS " + body);
    const auto same = transaction.exec("SELECT " + stands + " IS NULL, pg_get_viewdef(" + stands +
                                       ") IS NOT DISTINCT FROM pg_get_viewdef('pg_temp." + made + "'::regclass)");
    if (same[0][0].as<bool>()) {
      report.differences.push_back("the view audit." + name + " is gone");
    } else if (!same[0][1].as<bool>()) {
      report.differences.push_back("the view audit." + name + " was exchanged: it does not show what it should");
    }
  }
}

void compare_functions(pqxx::transaction_base& transaction, SchemaReport& report) {
  for (const auto& [name, body] : definitions("CREATE OR REPLACE FUNCTION audit.", "$$", "$$")) {
    const auto rows = transaction.exec_params(
        "SELECT p.prosrc = $2 FROM pg_proc p WHERE p.pronamespace = 'audit'::regnamespace AND p.proname = $1", name,
        body);
    if (rows.size() != 1 || !rows[0][0].as<bool>()) {
      report.differences.push_back("the function audit." + name + " was exchanged");
    }
  }
}

/// Each table of the log refuses changes, hides no rows, and does nothing else behind a statement.
void compare_tables(pqxx::transaction_base& transaction, SchemaReport& report) {
  const auto add = [&](const char* query, const std::string& what) {
    for (const auto& row : transaction.exec(query)) {
      report.differences.push_back(row[0].as<std::string>() + ": " + what);
    }
  };
  // The kinds: before update or delete of each row, before truncating.
  add("SELECT c.oid::regclass::text || ', ' || wanted FROM pg_class c CROSS JOIN "
      "  (VALUES ('no_change', 27), ('no_truncate', 34)) AS t (wanted, kind) "
      "WHERE c.relnamespace = 'audit'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_version' "
      "AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = t.wanted AND g.tgenabled = 'O' "
      "  AND g.tgtype = t.kind AND g.tgqual IS NULL AND g.tgfoid = to_regproc('audit.refuse')::oid)",
      "the trigger that refuses changes is gone, disabled or another");
  add("SELECT c.oid::regclass::text || ', ' || g.tgname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid "
      "WHERE c.relnamespace = 'audit'::regnamespace AND NOT g.tgisinternal AND g.tgname NOT IN ('no_change', "
      "'no_truncate')",
      "a trigger that the schema does not make");
  add("SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'audit'::regnamespace "
      "AND (c.relrowsecurity OR c.relforcerowsecurity)",
      "row security hides rows");
  add("SELECT c.oid::regclass::text || ', ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class "
      "WHERE c.relnamespace = 'audit'::regnamespace AND (c.relkind <> 'v' OR r.rulename <> '_RETURN')",
      "a rule that the schema does not make");
  add("SELECT h.inhrelid::regclass::text FROM pg_inherits h WHERE h.inhparent = 'audit.entries'::regclass "
      "AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = h.inhrelid AND i.indisunique AND i.indisvalid "
      "  AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = "
      "  (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = h.inhrelid AND a.attname = 'index'))",
      "nothing there refuses a second row of an index");
}

/// 0 where it cannot be read: before the version that lets readers see it.
int schema_version(pqxx::transaction_base& transaction) {
  const auto readable =
      transaction.exec("SELECT coalesce(has_table_privilege(to_regclass('audit.schema_version'), 'SELECT'), false)");
  if (!readable[0][0].as<bool>()) return 0;
  return transaction.exec("SELECT coalesce(max(version), 0) FROM audit.schema_version")[0][0].as<int>();
}

}  // namespace

Result<SchemaReport> check_schema(const std::string& dsn) {
  SchemaReport report;
  try {
    pqxx::connection connection(dsn);
    pqxx::work transaction(connection);  // never committed
    const int version = schema_version(transaction);
    if (version != kSchemaVersion) {
      report.notes.push_back("the database's schema is of version " + std::to_string(version) +
                             ", this program knows " + std::to_string(kSchemaVersion) +
                             ": whether its views show the log was not checked");
      return report;
    }
    transaction.exec("SET LOCAL search_path = pg_catalog; SET LOCAL client_min_messages = error");
    compare_tables(transaction, report);
    compare_functions(transaction, report);
    try {
      compare_views(transaction, report);
    } catch (const pqxx::sql_error& error) {
      report.notes.push_back("whether the views show the log was not checked, which takes temporary views: " +
                             std::string(error.what()));
    }
    return report;
  } catch (const std::exception& exception) {
    return fail(Code::unavailable, std::string("reading the schema: ") + exception.what());
  }
}

}  // namespace holdpoint::auditor::verify
