// One connection to PostgreSQL, the words in which values travel to and from it, and the one place where exceptions of
// its library end. For the files of this folder alone.
#pragma once

#include <chrono>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <thread>

#include "approvals/postgres/postgres_store.hpp"

namespace holdpoint::approvals {

using Transaction = pqxx::work;  // READ COMMITTED: every rule below rests on a row lock, a unique index or both

// A time as PostgreSQL reads it, and one that the queries below return: microseconds since 1970.
inline std::string sql_time(Instant instant) { return to_rfc3339(instant); }
inline Instant time_of(const pqxx::field& field) { return Instant(Duration(field.as<std::int64_t>())); }
inline std::string sql_bytes(BytesView bytes) { return "\\x" + to_hex(bytes); }
inline Bytes bytes_of(const pqxx::field& field) {
  return from_hex(std::string_view(field.c_str()).substr(2)).value_or("");
}
inline Id id_of(const pqxx::field& field) { return id_from_text(field.c_str()).value_or(Id{}); }

// {"a","b"}: an array literal. No value holds NUL: names are checked on the way in, the rest is JSON text.
class Array {
 public:
  Array& add(std::string_view value) {
    text_ += text_.size() == 1 ? "\"" : ",\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') text_ += '\\';
      text_ += c;
    }
    text_ += '"';
    return *this;
  }
  [[nodiscard]] std::string text() const { return text_ + "}"; }
  [[nodiscard]] bool empty() const { return text_.size() == 1; }

 private:
  std::string text_ = "{";
};

/// Into the outbox, in order, in the transaction of the change.
void keep_events(Transaction& work, std::span<const record::Event> events);

// Owns the connection and the one place where exceptions end.
class PostgresStore::Connection {
 public:
  Connection(std::string database, Duration patience) : database_(std::move(database)), patience_(patience) {}

  /// Runs `body` in a transaction and commits unless it returns an error. Again on conflicts and lost connections.
  template <class Body>
  auto run(const Body& body) -> decltype(body(std::declval<Transaction&>())) {
    constexpr const char* kBusy = "conflicting changes did not end";
    const auto until = std::chrono::steady_clock::now() + patience_;
    for (auto pause = std::chrono::milliseconds(5);; pause *= 2) {
      std::string cause;
      try {
        if (!connection_) connect();
        Transaction work(*connection_);
        auto answer = body(work);
        if (answer) work.commit();
        return answer;
      } catch (const pqxx::transaction_rollback&) {
        cause = kBusy;
      } catch (const pqxx::unique_violation&) {
        cause = kBusy;
      } catch (const pqxx::sql_error& error) {
        // Its words may quote values. Read-only means that this server is no primary (any more).
        const bool elsewhere = error.sqlstate() == "25006" || error.sqlstate().starts_with("57") ||
                               error.sqlstate().starts_with("08") || error.sqlstate().starts_with("53");
        cause = "PostgreSQL refused with SQLSTATE " + error.sqlstate();
        if (!elsewhere) return fail(Code::unavailable, cause);
        connection_.reset();
      } catch (const std::exception&) {
        cause = "PostgreSQL cannot be reached";
        connection_.reset();
      }
      if (std::chrono::steady_clock::now() + pause >= until) return fail(Code::unavailable, std::move(cause));
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  void connect();

  std::string database_;
  Duration patience_;
  std::unique_ptr<pqxx::connection> connection_;
};

}  // namespace holdpoint::approvals
