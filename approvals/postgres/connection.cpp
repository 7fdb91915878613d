#include "approvals/postgres/connection.hpp"

namespace holdpoint::approvals {

EventRows::EventRows(std::span<const record::Event> events) {
  for (const auto& event : events) {
    ids.add(to_text(event.id));
    times.add(sql_time(event.time));
    texts.add(record::event_to_json(event));
  }
}

void keep_events(Transaction& work, std::span<const record::Event> events) {
  if (events.empty()) return;
  const EventRows rows(events);
  work.exec_often(
      "keep_events",
      "INSERT INTO reviews.outbox (event_id, time, event) SELECT event_id, time, event"
      " FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) WITH ORDINALITY AS e(event_id, time, event, place)"
      " ORDER BY place",
      rows.ids.text(), rows.times.text(), rows.texts.text());
}

void PostgresStore::Connection::connect() {
  prepared_.clear();
  connection_ = std::make_unique<pqxx::connection>(database_);
  connection_->set_client_encoding("UTF8");
  demand_schema(*connection_);
  pqxx::nontransaction settings(*connection_);
  // A statement here takes a millisecond; what takes seconds waits for somebody who is stuck. Each finds its rows by a
  // key, few among all there ever were: a plan that was made while the tables were small, and reads them whole, would
  // be kept while they grow. So none depends on the values either: to plan one for each batch costs as much as to run
  // it.
  settings.exec(
      "SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'; SET jit = off;"
      " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
      " SET plan_cache_mode = force_generic_plan");
  // One that the library made anew by itself would have none of this.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_->inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

PostgresStore::PostgresStore(std::string database, Duration patience)
    : connection_(std::make_unique<Connection>(std::move(database), patience)) {}
PostgresStore::~PostgresStore() = default;

}  // namespace holdpoint::approvals
