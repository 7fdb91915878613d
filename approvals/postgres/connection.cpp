#include "approvals/postgres/connection.hpp"

#include "approvals/schema/schema.hpp"

namespace holdpoint::approvals {

void keep_event(Transaction& work, const record::Event& event) {
  work.exec_params("INSERT INTO reviews.outbox (event_id, time, event) VALUES ($1::uuid, $2::timestamptz, $3)",
                   to_text(event.id), sql_time(event.time), record::event_to_json(event));
}

void PostgresStore::Connection::connect() {
  connection_ = std::make_unique<pqxx::connection>(database_);
  connection_->set_client_encoding("UTF8");
  pqxx::nontransaction settings(*connection_);
  // A statement here takes a millisecond; what takes seconds waits for somebody who is stuck.
  settings.exec("SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'");
}

Result<void> migrate(const std::string& database) {
  try {
    pqxx::connection connection(database);
    pqxx::work work(connection);
    work.exec(std::string(kSchema));
    work.commit();
    return {};
  } catch (const std::exception& error) {
    return fail(Code::unavailable, std::string("the schema reviews could not be applied: ") + error.what());
  }
}

PostgresStore::PostgresStore(std::string database, Duration patience)
    : connection_(std::make_unique<Connection>(std::move(database), patience)) {}
PostgresStore::~PostgresStore() = default;

}  // namespace holdpoint::approvals
