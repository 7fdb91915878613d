// One connection to PostgreSQL, the words in which values travel to and from it, and the one place where exceptions of
// its library end. For the files of this folder alone.
#pragma once

#include <chrono>
#include <memory>
#include <pqxx/pqxx>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "approvals/postgres/postgres_store.hpp"

namespace holdpoint::approvals {

/// Program and schema do not go together; what() says what to do.
class SchemaMismatch : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Throws SchemaMismatch.
void demand_schema(pqxx::connection& connection);

// READ COMMITTED: every rule below rests on a row lock, a unique index or both.
class Transaction {
 public:
  Transaction(pqxx::transaction_base& work, std::set<std::string>& prepared) : work_(work), prepared_(prepared) {}

  pqxx::result exec(const std::string& text) { return work_.exec(text); }
  template <class... Arguments>
  pqxx::result exec_params(const std::string& text, const Arguments&... arguments) {
    return work_.exec_params(text, arguments...);
  }
  /// The same for what is asked all the time: parsed and planned once for each connection. A name is one text's.
  template <class... Arguments>
  pqxx::result exec_often(const std::string& name, const std::string& text, const Arguments&... arguments) {
    if (!prepared_.contains(name)) {
      work_.conn().prepare(name, text);
      prepared_.insert(name);
    }
    return work_.exec_prepared(name, arguments...);
  }

 private:
  pqxx::transaction_base& work_;
  std::set<std::string>& prepared_;
};

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

/// Events as the outbox has them, a column in each.
struct EventRows {
  explicit EventRows(std::span<const record::Event> events);
  Array ids, times, texts;
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
    return try_until<pqxx::work>(body);
  }

  /// The same where each statement is a transaction of its own: one trip to the server instead of three.
  template <class Body>
  auto run_alone(const Body& body) -> decltype(body(std::declval<Transaction&>())) {
    return try_until<pqxx::nontransaction>(body);
  }

 private:
  template <class Work, class Body>
  auto try_until(const Body& body) -> decltype(body(std::declval<Transaction&>())) {
    constexpr const char* kBusy = "conflicting changes did not end";
    const auto until = std::chrono::steady_clock::now() + patience_;
    for (auto pause = std::chrono::milliseconds(5);; pause *= 2) {
      std::string cause;
      try {
        if (!connection_) connect();
        Work work(*connection_);
        Transaction transaction(work, prepared_);
        auto answer = body(transaction);
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
        if (error.sqlstate().starts_with("22"))
          return fail(Code::malformed, std::move(cause));  // a value, not the server
        // 42: a table or column is not as it was. The next connection says which program the schema is for.
        if (elsewhere || error.sqlstate().starts_with("42")) connection_.reset();
        if (!elsewhere) return fail(Code::unavailable, cause);
      } catch (const SchemaMismatch& wrong) {
        connection_.reset();
        return fail(Code::unavailable, wrong.what());
      } catch (const std::exception&) {
        cause = "PostgreSQL cannot be reached";
        connection_.reset();
      }
      if (std::chrono::steady_clock::now() + pause >= until) return fail(Code::unavailable, std::move(cause));
      std::this_thread::sleep_for(pause);
    }
  }

  void connect();

  std::string database_;
  Duration patience_;
  std::unique_ptr<pqxx::connection> connection_;
  std::set<std::string> prepared_;  ///< statements of connection_
};

}  // namespace holdpoint::approvals
