#include <algorithm>
#include <map>

#include "approvals/postgres/connection.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

constexpr const char* kReviewColumns =
    "SELECT r.review_id, r.question, r.state, r.announced, r.grant_once,"
    " (extract(epoch FROM r.grant_not_before) * 1000000)::bigint AS not_before,"
    " (extract(epoch FROM r.grant_expires_at) * 1000000)::bigint AS grant_expires,"
    " r.decision, r.decision_key_id, r.decision_signature FROM reviews.review r ";

std::optional<SignedDecision> decision_of(const pqxx::row& row) {
  if (row["decision"].is_null()) return std::nullopt;
  return SignedDecision{row["decision"].c_str(), row["decision_key_id"].c_str(), bytes_of(row["decision_signature"])};
}

// What is in the database was written by this file: anything else is reported, never guessed.
Result<StoredReview> stored_of(const pqxx::row& row, std::vector<Vote> votes) {
  auto question = question_from_text(row["question"].c_str());
  const auto state = review_state_from_name(row["state"].c_str());
  if (!question || !state) return fail(Code::internal, "a stored review does not parse");
  std::optional<Grant> grant;
  if (!row["grant_once"].is_null()) {
    grant = Grant{row["grant_once"].as<bool>(), time_of(row["not_before"]), time_of(row["grant_expires"])};
  }
  return StoredReview{Review(std::move(*question), *state, std::move(votes), grant, decision_of(row)),
                      row["announced"].as<bool>()};
}

std::map<Id, std::vector<Vote>> votes_of(Transaction& work, const std::string& review_ids) {
  std::map<Id, std::vector<Vote>> out;
  const auto rows = work.exec_params(
      "SELECT review_id, reviewer, verdict, reason, grant_for_s, (extract(epoch FROM at) * 1000000)::bigint AS at"
      " FROM reviews.vote WHERE review_id = ANY($1::uuid[]) ORDER BY at, reviewer",
      review_ids);
  for (const auto& row : rows) {
    Vote vote;
    vote.reviewer = row["reviewer"].c_str();
    vote.verdict = verdict_from_name(row["verdict"].c_str()).value_or(Verdict::reject);
    vote.reason = row["reason"].c_str();
    if (!row["grant_for_s"].is_null()) vote.grant.window = std::chrono::seconds(row["grant_for_s"].as<std::int64_t>());
    vote.at = time_of(row["at"]);
    out[id_of(row["review_id"])].push_back(std::move(vote));
  }
  return out;
}

Result<std::vector<StoredReview>> load(Transaction& work, const pqxx::result& rows) {
  Array ids;
  for (const auto& row : rows) ids.add(row["review_id"].c_str());
  auto votes = votes_of(work, ids.text());
  std::vector<StoredReview> out;
  for (const auto& row : rows) {
    auto stored = stored_of(row, std::move(votes[id_of(row["review_id"])]));
    if (!stored) return stored.error();
    out.push_back(std::move(*stored));
  }
  return out;
}

Result<StoredReview> load_one(Transaction& work, const Id& review_id, const char* lock = "") {
  const auto rows =
      work.exec_params(std::string(kReviewColumns) + "WHERE r.review_id = $1::uuid " + lock, to_text(review_id));
  if (rows.empty()) return fail(Code::not_found, "no such review");
  auto loaded = load(work, rows);
  if (!loaded) return loaded.error();
  return std::move(loaded->front());
}

// The review that a question joins, empty for none. The same preference as MemoryStore::joinable.
pqxx::result joinable(Transaction& work, const Question& question, const std::string& invocation_id, Instant now) {
  if (!invocation_id.empty()) {
    auto rows = work.exec_params(
        "SELECT r.review_id FROM reviews.call c JOIN reviews.review r USING (review_id)"
        " WHERE c.principal = $1 AND c.digest = $2 AND c.invocation_id = $3"
        " AND NOT (r.state = 'consumed' AND EXISTS (SELECT FROM reviews.claim k WHERE k.review_id = r.review_id"
        "          AND k.state <> 'released' AND k.invocation_id <> $3))",
        question.principal, question.digest, invocation_id);
    if (!rows.empty()) return rows;
  }
  return work.exec_params(
      "SELECT r.review_id FROM reviews.review r WHERE r.principal = $1 AND r.digest = $2 AND ("
      " (r.state = 'pending' AND r.expires_at > $4::timestamptz)"
      " OR (r.state = 'approved' AND r.grant_expires_at > $4::timestamptz)"
      " OR ($3 = '' AND r.state = 'consumed' AND EXISTS (SELECT FROM reviews.claim k"
      "     WHERE k.review_id = r.review_id AND k.state IN ('claimed', 'sent'))))"
      " ORDER BY r.requested_at DESC, r.review_id DESC LIMIT 1",
      question.principal, question.digest, invocation_id, sql_time(now));
}

void save_votes(Transaction& work, const Review& review, const std::vector<Vote>& before) {
  const std::string id = to_text(review.question().review_id);
  const auto& after = review.votes();
  const auto holds = [](const std::vector<Vote>& votes, const auto& matches) {
    return std::any_of(votes.begin(), votes.end(), matches);
  };
  for (const Vote& vote : before) {
    if (holds(after, [&](const Vote& each) { return each.reviewer == vote.reviewer; })) continue;
    work.exec_params("DELETE FROM reviews.vote WHERE review_id = $1::uuid AND reviewer = $2", id, vote.reviewer);
  }
  for (const Vote& vote : after) {
    if (holds(before, [&](const Vote& each) { return each == vote; })) continue;
    const std::string window =
        vote.grant.once()
            ? ""
            : std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*vote.grant.window).count());
    work.exec_params(
        "INSERT INTO reviews.vote (review_id, reviewer, verdict, reason, grant_for_s, at)"
        " VALUES ($1::uuid, $2, $3, $4, nullif($5, '')::bigint, $6::timestamptz) ON CONFLICT (review_id, reviewer)"
        " DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason, grant_for_s = excluded.grant_for_s,"
        " at = excluded.at",
        id, vote.reviewer, std::string(name(vote.verdict)), vote.reason, window, sql_time(vote.at));
  }
}

void save(Transaction& work, const Review& review, const Review& before) {
  save_votes(work, review, before.votes());
  const std::string id = to_text(review.question().review_id);
  if (review.state() != before.state()) {
    work.exec_params("UPDATE reviews.review SET state = $2 WHERE review_id = $1::uuid", id,
                     std::string(name(review.state())));
  }
}

// Grant and decision come into being together and with the state that needs them, so in one statement.
void save_decision(Transaction& work, const Review& review) {
  const bool granted = review.grant().has_value();
  const Grant grant = review.grant().value_or(Grant{});
  work.exec_params(
      "UPDATE reviews.review SET state = $2, grant_once = nullif($3, '')::boolean,"
      " grant_not_before = nullif($4, '')::timestamptz, grant_expires_at = nullif($5, '')::timestamptz,"
      " decision = $6, decision_key_id = $7, decision_signature = $8::bytea WHERE review_id = $1::uuid",
      to_text(review.question().review_id), std::string(name(review.state())),
      std::string(!granted     ? ""
                  : grant.once ? "true"
                               : "false"),
      granted ? sql_time(grant.not_before) : std::string(), granted ? sql_time(grant.expires_at) : std::string(),
      review.decision()->text, review.decision()->key_id, sql_bytes(review.decision()->signature));
}

}  // namespace

Result<Opened> PostgresStore::open(const Question& question, const std::string& invocation_id, std::size_t pending_max,
                                   const record::Event& requested, Instant now) {
  return connection_->run([&](Transaction& work) -> Result<Opened> {
    // Two replicas that are asked the same at once: the second finds what the first has made.
    work.exec_params("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                     question.digest + "\n" + question.principal);
    const auto found = joinable(work, question, invocation_id, now);
    const bool joined = !found.empty();
    const Id id = joined ? id_of(found[0][0]) : question.review_id;
    if (!joined) {
      const auto pending = work.exec_params(
          "SELECT count(*) FROM (SELECT FROM reviews.review WHERE principal = $1 AND state = 'pending' LIMIT $2) p",
          question.principal, pending_max);
      if (pending[0][0].as<std::size_t>() >= pending_max) {
        return fail(Code::overloaded, "too many reviews of this principal wait for a decision");
      }
      const auto added = work.exec_params(
          "INSERT INTO reviews.review (review_id, principal, digest, question, state, requested_at, expires_at)"
          " VALUES ($1::uuid, $2, $3, $4, 'pending', $5::timestamptz, $6::timestamptz) ON CONFLICT DO NOTHING",
          to_text(id), question.principal, question.digest, question_to_text(question), sql_time(question.requested_at),
          sql_time(question.expires_at()));
      if (added.affected_rows() == 0) return fail(Code::conflict, "the review id is taken");
      keep_events(work, std::span(&requested, 1));
    }
    if (!invocation_id.empty()) {
      work.exec_params(
          "INSERT INTO reviews.call (principal, digest, invocation_id, review_id) VALUES ($1, $2, $3, $4::uuid)"
          " ON CONFLICT (principal, digest, invocation_id) DO UPDATE SET review_id = excluded.review_id",
          question.principal, question.digest, invocation_id, to_text(id));
    }
    auto stored = load_one(work, id);
    if (!stored) return stored.error();
    return Opened{std::move(*stored), joined};
  });
}

Result<StoredReview> PostgresStore::find(const Id& review_id) {
  return connection_->run([&](Transaction& work) { return load_one(work, review_id); });
}

Result<std::vector<ReviewStatus>> PostgresStore::statuses(std::span<const Id> review_ids, Instant now) {
  Array ids;
  for (const Id& id : review_ids) ids.add(to_text(id));
  return connection_->run([&](Transaction& work) -> Result<std::vector<ReviewStatus>> {
    std::vector<ReviewStatus> out;
    // As Review::state_at.
    for (const auto& row : work.exec_params(
             "SELECT review_id, CASE WHEN state = 'pending' AND expires_at <= $2::timestamptz"
             " OR state = 'approved' AND grant_expires_at <= $2::timestamptz THEN 'expired' ELSE state END AS state,"
             " announced, decision, decision_key_id, decision_signature"
             " FROM reviews.review WHERE review_id = ANY($1::uuid[])",
             ids.text(), sql_time(now))) {
      const auto state = review_state_from_name(row["state"].c_str());
      if (!state) return fail(Code::internal, "a stored review does not parse");
      out.push_back({id_of(row["review_id"]), *state, decision_of(row), row["announced"].as<bool>()});
    }
    return out;
  });
}

Result<std::vector<StoredReview>> PostgresStore::list(const ListFilter& filter) {
  const std::string state(filter.state ? name(*filter.state) : "");
  const std::string before = filter.before ? to_text(*filter.before) : "";
  const char* order =
      filter.order == ListOrder::newest_first ? "r.requested_at DESC, r.review_id DESC" : "r.expires_at, r.review_id";
  return connection_->run([&](Transaction& work) {
    return load(work,
                work.exec_params(std::string(kReviewColumns) +
                                     "WHERE ($1 = '' OR r.state = $1) AND ($3 = '' OR (r.requested_at, r.review_id) <"
                                     " (SELECT b.requested_at, b.review_id FROM reviews.review b"
                                     "  WHERE b.review_id = nullif($3, '')::uuid)) ORDER BY " +
                                     order + " LIMIT $2",
                                 state, filter.limit, before));
  });
}

Result<std::size_t> PostgresStore::pending_count() {
  return connection_->run([&](Transaction& work) -> Result<std::size_t> {
    return work.exec("SELECT count(*) FROM reviews.review WHERE state = 'pending'")[0][0].as<std::size_t>();
  });
}

Result<StoredReview> PostgresStore::change(const Id& review_id, const Change& change) {
  return connection_->run([&](Transaction& work) -> Result<StoredReview> {
    auto stored = load_one(work, review_id, "FOR UPDATE");
    if (!stored) return stored;
    const Review before = stored->review;
    const auto events = change(stored->review);
    if (!events) return events.error();
    if (stored->review.decision() && !before.decision()) {
      save_votes(work, stored->review, before.votes());
      save_decision(work, stored->review);
    } else {
      save(work, stored->review, before);
    }
    keep_events(work, *events);
    return stored;
  });
}

Result<std::vector<Id>> PostgresStore::overdue(Instant now, std::size_t limit) {
  return connection_->run([&](Transaction& work) -> Result<std::vector<Id>> {
    std::vector<Id> out;
    for (const auto& row : work.exec_params(
             "SELECT review_id FROM reviews.review WHERE (state = 'pending' AND expires_at <= $1::timestamptz)"
             " OR (state = 'approved' AND grant_expires_at <= $1::timestamptz) LIMIT $2",
             sql_time(now), limit)) {
      out.push_back(id_of(row[0]));
    }
    return out;
  });
}

}  // namespace holdpoint::approvals
