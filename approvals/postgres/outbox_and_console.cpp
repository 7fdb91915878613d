#include "approvals/postgres/connection.hpp"

namespace holdpoint::approvals {
namespace {

// Locked in one order, as every batch locks reviews.
constexpr const char* kRecordedStatement = R"(
WITH forgotten AS (
  DELETE FROM reviews.outbox WHERE event_id = ANY($1::uuid[])
), announced AS (
  UPDATE reviews.review SET announced = true WHERE review_id IN (
    SELECT review_id FROM reviews.review WHERE review_id = ANY($2::uuid[]) AND NOT announced
    ORDER BY review_id FOR UPDATE)
)
SELECT set_config('synchronous_commit', 'off', true))";

}  // namespace

Result<std::vector<record::Event>> PostgresStore::unrecorded(Instant before, std::size_t limit) {
  return connection_->run([&](Transaction& work) -> Result<std::vector<record::Event>> {
    std::vector<record::Event> out;
    for (const auto& row :
         work.exec_params("SELECT event FROM reviews.outbox WHERE time < $1::timestamptz ORDER BY number LIMIT $2",
                          sql_time(before), limit)) {
      auto event = record::event_from_json(row[0].c_str());
      if (!event) return event.error();
      out.push_back(std::move(*event));
    }
    return out;
  });
}

Result<void> PostgresStore::recorded(std::span<const record::Event> events) {
  Array all, decided;
  for (const auto& event : events) {
    all.add(to_text(event.id));
    if (event.type == record::type::kReviewDecided) decided.add(event.subject);
  }
  return connection_->run_alone([&](Transaction& work) -> Result<void> {
    // What was recorded is in a journal: should a crash of the server forget that it is, it is recorded once more. A
    // claim that rests on it is committed after it, and takes it along to the disk.
    work.exec_often("recorded", kRecordedStatement, all.text(), decided.text());
    return {};
  });
}

Result<void> PostgresStore::add_link(const Hash& code, const std::string& reviewer, Instant expires_at) {
  return connection_->run([&](Transaction& work) -> Result<void> {
    // Nobody asks for what is over by an hour, on any replica's clock.
    work.exec("DELETE FROM reviews.console_link WHERE expires_at < now() - interval '1 hour'");
    work.exec_params(
        "INSERT INTO reviews.console_link (code_hash, reviewer, expires_at) VALUES ($1::bytea, $2, $3::timestamptz)"
        " ON CONFLICT DO NOTHING",
        sql_bytes(view(code)), reviewer, sql_time(expires_at));
    return {};
  });
}

Result<std::string> PostgresStore::use_link(const Hash& code, Instant now) {
  return connection_->run([&](Transaction& work) -> Result<std::string> {
    const auto rows = work.exec_params(
        "DELETE FROM reviews.console_link WHERE code_hash = $1::bytea RETURNING reviewer, expires_at > $2::timestamptz",
        sql_bytes(view(code)), sql_time(now));
    if (rows.empty() || !rows[0][1].as<bool>()) return fail(Code::not_found, "the link is used or too old");
    return std::string(rows[0][0].c_str());
  });
}

Result<void> PostgresStore::add_session(const Hash& cookie, const ConsoleSession& session) {
  return connection_->run([&](Transaction& work) -> Result<void> {
    work.exec("DELETE FROM reviews.console_session WHERE expires_at < now() - interval '1 hour'");
    work.exec_params(
        "INSERT INTO reviews.console_session (cookie_hash, reviewer, expires_at)"
        " VALUES ($1::bytea, $2, $3::timestamptz) ON CONFLICT DO NOTHING",
        sql_bytes(view(cookie)), session.reviewer, sql_time(session.expires_at));
    return {};
  });
}

Result<ConsoleSession> PostgresStore::session(const Hash& cookie, Instant now) {
  return connection_->run([&](Transaction& work) -> Result<ConsoleSession> {
    const auto rows = work.exec_params(
        "SELECT reviewer, (extract(epoch FROM expires_at) * 1000000)::bigint FROM reviews.console_session"
        " WHERE cookie_hash = $1::bytea AND expires_at > $2::timestamptz",
        sql_bytes(view(cookie)), sql_time(now));
    if (rows.empty()) return fail(Code::not_found, "no such session");
    return ConsoleSession{rows[0][0].c_str(), time_of(rows[0][1])};
  });
}

Result<void> PostgresStore::remove_session(const Hash& cookie) {
  return connection_->run([&](Transaction& work) -> Result<void> {
    work.exec_params("DELETE FROM reviews.console_session WHERE cookie_hash = $1::bytea", sql_bytes(view(cookie)));
    return {};
  });
}

}  // namespace holdpoint::approvals
