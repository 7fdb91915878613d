#include <pqxx/pqxx>

#include "auditor/log_reader.hpp"

namespace holdpoint::auditor {
namespace {

constexpr std::int64_t kListMax = 1000;  // rows of one answer: at 1 KiB each, the body's 1 MiB bound
constexpr std::int64_t kEntriesMax = 1000;
constexpr std::size_t kAnswerBytesMax = 900 << 10;  // of a body, below the wire's 1 MiB
constexpr std::size_t kEntryBytesMax = 32 << 20;    // of an attachment, below the wire's 64 MiB

Result<std::int64_t> count_of(const Json& body, std::string_view member, std::int64_t otherwise, std::int64_t most) {
  if (!body.contains(member)) return otherwise;
  const auto value = get_int(body, member);
  if (!value) return value.error();
  if (*value < 0) return fail(Code::malformed, "\"" + std::string(member) + "\" is negative");
  return std::min(*value, most);
}

/// A result's rows as objects: numbers where the column is one, null where it is NULL.
Json rows_of(const pqxx::result& rows) {
  Json list = Json::array();
  std::size_t bytes = 0;
  for (const auto& row : rows) {
    Json object = Json::object();
    for (const auto& field : row) {
      const std::string name = field.name();
      if (field.is_null()) {
        object[name] = nullptr;
      } else if (field.type() == 20) {  // int8
        object[name] = field.as<std::int64_t>();
      } else {
        object[name] = field.as<std::string>();
      }
    }
    bytes += to_json(object).size() + 1;
    if (bytes > kAnswerBytesMax) break;
    list.push_back(std::move(object));
  }
  return list;
}

// Times as the bus carries them.
constexpr const char* kTime = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";

}  // namespace

struct LogReader::State {
  std::string dsn;
  std::unique_ptr<pqxx::connection> connection;

  Result<wire::Message> sessions(const Json& body);
  Result<wire::Message> operations(const Json& body);
  Result<wire::Message> entries(const Json& body);
  Result<wire::Message> status();
};

Result<wire::Message> LogReader::State::sessions(const Json& body) {
  const auto limit = count_of(body, "limit", 50, kListMax);
  if (!limit) return limit.error();
  const std::string principal = string_or(body, "principal");
  pqxx::nontransaction query(*connection);
  const auto rows =
      query.exec_params(std::string("SELECT session_id, principal, role_arn, to_char(started_at, ") + kTime +
                            ") AS started_at, to_char(last_at, " + kTime +
                            ") AS last_at, operations, denied, held, source_ip, user_agent FROM audit.sessions "
                            "WHERE ($1 = '' OR principal = $1) ORDER BY audit.sessions.last_at DESC LIMIT $2",
                        principal, *limit);
  return wire::Message{"SessionsReported", Json{{"sessions", rows_of(rows)}}, {}};
}

Result<wire::Message> LogReader::State::operations(const Json& body) {
  const auto limit = count_of(body, "limit", 100, kListMax);
  if (!limit) return limit.error();
  const auto before = count_of(body, "before", INT64_MAX, INT64_MAX);
  if (!before) return before.error();
  const std::string session = string_or(body, "session_id");
  pqxx::nontransaction query(*connection);
  // Grouping only the operations of the newest entries keeps this quick on a long log; an operation has at most
  // a handful of entries (parked, intended, answered, completed, refused).
  const auto rows = query.exec_params(
      std::string("SELECT operation_id, to_char(time, ") + kTime +
          ") AS time, session_id, principal, role_arn, target, service, operation, region, access, decision, outcome, "
          "status, reason, policy, statement, review_id, wait_ms, upstream_ms, findings, upstream_request_id, gateway, "
          "first_index, nullif(array_to_string(ARRAY(SELECT DISTINCT resource FROM audit.resources "
          "WHERE resources.operation_id = operations.operation_id ORDER BY resource LIMIT 20), ', '), '') AS resources "
          "FROM audit.operations WHERE operation_id IN (SELECT operation_id FROM audit.log "
          "WHERE operation_id IS NOT NULL AND index < $1 AND ($2 = '' OR session_id = $2) "
          "ORDER BY index DESC LIMIT $3 * 6) AND first_index < $1 ORDER BY first_index DESC LIMIT $3",
      *before, session, *limit);
  return wire::Message{"OperationsReported", Json{{"operations", rows_of(rows)}}, {}};
}

Result<wire::Message> LogReader::State::entries(const Json& body) {
  const auto first = count_of(body, "first", 0, INT64_MAX);
  if (!first) return first.error();
  const auto count = count_of(body, "count", 100, kEntriesMax);
  if (!count) return count.error();
  pqxx::nontransaction query(*connection);
  const auto rows = query.exec_params(
      "SELECT index, source, epoch, sequence, bytes FROM audit.log WHERE index >= $1 ORDER BY index LIMIT $2", *first,
      *count);
  wire::Message answer{"EntriesReported", Json{{"entries", Json::array()}}, {}};
  Bytes packed;
  for (const auto& row : rows) {
    const Bytes entry = from_hex(std::string_view(row[4].c_str()).substr(2)).value();
    if (!packed.empty() && packed.size() + entry.size() > kEntryBytesMax) break;
    answer.body["entries"].push_back(Json{{"index", row[0].as<std::int64_t>()},
                                          {"source", row[1].as<std::string>()},
                                          {"epoch", row[2].as<std::int64_t>()},
                                          {"sequence", row[3].as<std::int64_t>()}});
    for (int shift = 24; shift >= 0; shift -= 8) packed.push_back(static_cast<char>((entry.size() >> shift) & 0xff));
    packed += entry;
  }
  answer.attachments.push_back(std::move(packed));
  return answer;
}

Result<wire::Message> LogReader::State::status() {
  pqxx::nontransaction query(*connection);
  const auto rows = query.exec(
      "SELECT coalesce((SELECT max(index) FROM audit.log), -1) + 1, "
      "(SELECT note FROM audit.log_checkpoints ORDER BY size DESC LIMIT 1), "
      "(SELECT encode(root, 'base64') FROM audit.log_checkpoints ORDER BY size DESC LIMIT 1)");
  return wire::Message{"LogStatusReported",
                       Json{{"entries", rows[0][0].as<std::int64_t>()},
                            {"checkpoint", rows[0][1].is_null() ? "" : rows[0][1].as<std::string>()},
                            {"root", rows[0][2].is_null() ? "" : rows[0][2].as<std::string>()}},
                       {}};
}

LogReader::LogReader(std::string dsn) : state_(std::make_unique<State>()) { state_->dsn = std::move(dsn); }
LogReader::~LogReader() = default;

Result<wire::Message> LogReader::answer(const wire::Message& question) {
  try {
    if (!state_->connection) {
      state_->connection = std::make_unique<pqxx::connection>(state_->dsn);
      pqxx::nontransaction(*state_->connection)
          .exec(
              "SET timezone = 'UTC'; SET default_transaction_read_only = on; "
              "SET statement_timeout = '10s'");
    }
    if (question.type == "SessionsRequested") return state_->sessions(question.body);
    if (question.type == "OperationsRequested") return state_->operations(question.body);
    if (question.type == "EntriesRequested") return state_->entries(question.body);
    if (question.type == "LogStatusRequested") return state_->status();
    return fail(Code::unsupported, "the service log does not know " + display(question.type, 100));
  } catch (const std::exception& exception) {
    state_->connection.reset();
    return fail(Code::unavailable, std::string("database: ") + exception.what());
  }
}

}  // namespace holdpoint::auditor
