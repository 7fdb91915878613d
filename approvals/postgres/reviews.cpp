#include <algorithm>
#include <map>

#include "approvals/postgres/connection.hpp"
#include "approvals/review_json.hpp"

namespace holdpoint::approvals {
namespace {

// What people are shown of a review, which counting a vote has no use for.
constexpr const char* kDetails = "(SELECT d.details FROM reviews.details d WHERE d.review_id = r.review_id)";
constexpr const char* kNoDetails = "NULL";

std::string select_reviews(const char* details, const std::string& where) {
  return "SELECT r.review_id, r.question, r.state, r.announced, r.grant_once,"
         " (extract(epoch FROM r.grant_not_before) * 1000000)::bigint AS not_before,"
         " (extract(epoch FROM r.grant_expires_at) * 1000000)::bigint AS grant_expires,"
         " r.decision, r.decision_key_id, r.decision_signature, " +
         std::string(details) + " AS details FROM reviews.review r " + where;
}

std::optional<SignedDecision> decision_of(const pqxx::row& row) {
  if (row["decision"].is_null()) return std::nullopt;
  return SignedDecision{row["decision"].c_str(), row["decision_key_id"].c_str(), bytes_of(row["decision_signature"])};
}

// What is in the database was written by this file: anything else is reported, never guessed.
Result<StoredReview> stored_of(const pqxx::row& row, std::vector<Vote> votes) {
  auto question = question_from_text(row["question"].c_str(), row["details"].c_str());
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
  const auto rows = work.exec_often(
      "votes",
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

Result<StoredReview> load_one(Transaction& work, const Id& review_id) {
  const auto rows =
      work.exec_often("review", select_reviews(kDetails, "WHERE r.review_id = $1::uuid"), to_text(review_id));
  if (rows.empty()) return fail(Code::not_found, "no such review");
  auto loaded = load(work, rows);
  if (!loaded) return loaded.error();
  return std::move(loaded->front());
}

// What one call may have open or granted under different terms at a time; more are not looked at, so it asks anew.
constexpr int kJoinableMax = 16;

// The review that a question joins. The same preference as MemoryStore::joinable.
Result<std::optional<Id>> joinable(Transaction& work, const Question& question, const std::string& invocation_id,
                                   Instant now) {
  if (!invocation_id.empty()) {
    auto rows = work.exec_params(
        "SELECT r.review_id FROM reviews.call c JOIN reviews.review r USING (review_id)"
        " WHERE c.principal = $1 AND c.digest = $2 AND c.invocation_id = $3"
        " AND NOT (r.state = 'consumed' AND EXISTS (SELECT FROM reviews.claim k WHERE k.review_id = r.review_id"
        "          AND k.once AND k.state <> 'released' AND k.invocation_id <> $3))",
        question.principal, question.digest, invocation_id);
    if (!rows.empty()) return id_of(rows[0][0]);
  }
  const auto rows = work.exec_params(
      "SELECT r.review_id, r.question, r.state FROM reviews.review r WHERE r.principal = $1 AND r.digest = $2 AND ("
      " (r.state = 'pending' AND r.expires_at > $4::timestamptz)"
      " OR (r.state = 'approved' AND r.grant_expires_at > $4::timestamptz)"
      " OR ($3 = '' AND r.state = 'consumed' AND EXISTS (SELECT FROM reviews.claim k"
      "     WHERE k.review_id = r.review_id AND k.once AND k.state <> 'released' AND k.state IN ('claimed', 'sent'))))"
      " ORDER BY r.requested_at DESC, r.review_id DESC LIMIT $5",
      question.principal, question.digest, invocation_id, sql_time(now), kJoinableMax);
  for (const auto& row : rows) {
    const auto asked = question_from_text(row["question"].c_str());
    if (!asked) return asked.error();
    if (satisfies(*asked, question) || name(ReviewState::consumed) == row["state"].c_str())
      return id_of(row["review_id"]);
  }
  return std::nullopt;
}

// What votes and decisions change, each table once and all in one trip to the server.
constexpr const char* kSaveStatement = R"(
WITH voted AS (
  INSERT INTO reviews.vote (review_id, reviewer, verdict, reason, grant_for_s, at)
  SELECT review_id, reviewer, verdict, reason, nullif(for_s, '')::bigint, at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    AS n(review_id, reviewer, verdict, reason, for_s, at)
  ON CONFLICT (review_id, reviewer) DO UPDATE
    SET verdict = excluded.verdict, reason = excluded.reason, grant_for_s = excluded.grant_for_s, at = excluded.at
), decided AS (
  UPDATE reviews.review r
  SET state = n.state, grant_once = nullif(n.once, '')::boolean,
      grant_not_before = nullif(n.not_before, '')::timestamptz,
      grant_expires_at = nullif(n.expires_at, '')::timestamptz,
      decision = n.decision, decision_key_id = n.key_id, decision_signature = n.signature
  FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[])
    AS n(review_id, state, once, not_before, expires_at, decision, key_id, signature)
  WHERE r.review_id = n.review_id
)
INSERT INTO reviews.outbox (event_id, time, event) SELECT event_id, time, event
FROM unnest($15::uuid[], $16::timestamptz[], $17::text[]) WITH ORDINALITY AS e(event_id, time, event, place)
ORDER BY place)";

// What a batch of edits changes, gathered.
class Changes {
 public:
  void add(const Review& after, const Review& before) {
    const std::string id = to_text(after.question().review_id);
    add_votes(id, after.votes(), before.votes());
    if (after.decision() && !before.decision()) {
      add_decision(id, after);
    } else if (after.state() != before.state()) {
      moved_.add(id);
      states_.add(name(after.state()));
    }
  }
  /// With the events that the edits made.
  void save(Transaction& work, std::span<const record::Event> events) const;

 private:
  void add_votes(const std::string& id, const std::vector<Vote>& after, const std::vector<Vote>& before);
  void add_decision(const std::string& id, const Review& review);

  Array gone_reviews_, gone_reviewers_;
  Array votes_, reviewers_, verdicts_, reasons_, windows_, times_;
  Array moved_, states_;
  Array decided_, outcomes_, once_, not_before_, expires_at_, texts_, key_ids_, signatures_;
};

void Changes::add_votes(const std::string& id, const std::vector<Vote>& after, const std::vector<Vote>& before) {
  const auto holds = [](const std::vector<Vote>& votes, const auto& matches) {
    return std::any_of(votes.begin(), votes.end(), matches);
  };
  for (const Vote& vote : before) {
    if (holds(after, [&](const Vote& each) { return each.reviewer == vote.reviewer; })) continue;
    gone_reviews_.add(id);
    gone_reviewers_.add(vote.reviewer);
  }
  for (const Vote& vote : after) {
    if (holds(before, [&](const Vote& each) { return each == vote; })) continue;
    votes_.add(id);
    reviewers_.add(vote.reviewer);
    verdicts_.add(name(vote.verdict));
    reasons_.add(vote.reason);
    windows_.add(vote.grant.once()
                     ? std::string()
                     : std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*vote.grant.window).count()));
    times_.add(sql_time(vote.at));
  }
}

// Grant and decision come into being together and with the state that needs them, so in one statement.
void Changes::add_decision(const std::string& id, const Review& review) {
  const bool granted = review.grant().has_value();
  const Grant grant = review.grant().value_or(Grant{});
  decided_.add(id);
  outcomes_.add(name(review.state()));
  once_.add(!granted ? "" : grant.once ? "true" : "false");
  not_before_.add(granted ? sql_time(grant.not_before) : std::string());
  expires_at_.add(granted ? sql_time(grant.expires_at) : std::string());
  texts_.add(review.decision()->text);
  key_ids_.add(review.decision()->key_id);
  signatures_.add(sql_bytes(review.decision()->signature));
}

void Changes::save(Transaction& work, std::span<const record::Event> events) const {
  if (!gone_reviews_.empty()) {
    work.exec_params(
        "DELETE FROM reviews.vote v USING unnest($1::uuid[], $2::text[]) AS g(review_id, reviewer)"
        " WHERE v.review_id = g.review_id AND v.reviewer = g.reviewer",
        gone_reviews_.text(), gone_reviewers_.text());
  }
  if (!votes_.empty() || !decided_.empty() || !events.empty()) {
    const EventRows rows(events);
    work.exec_often("save_changes", kSaveStatement, votes_.text(), reviewers_.text(), verdicts_.text(), reasons_.text(),
                    windows_.text(), times_.text(), decided_.text(), outcomes_.text(), once_.text(), not_before_.text(),
                    expires_at_.text(), texts_.text(), key_ids_.text(), signatures_.text(), rows.ids.text(),
                    rows.times.text(), rows.texts.text());
  }
  if (!moved_.empty()) {
    work.exec_params(
        "UPDATE reviews.review r SET state = n.state FROM unnest($1::uuid[], $2::text[]) AS n(review_id, state)"
        " WHERE r.review_id = n.review_id",
        moved_.text(), states_.text());
  }
}

}  // namespace

Result<Opened> PostgresStore::open(const Question& question, const std::string& invocation_id, std::size_t pending_max,
                                   const record::Event& requested, Instant now) {
  return connection_->run([&](Transaction& work) -> Result<Opened> {
    // Two replicas that are asked the same at once: the second finds what the first has made.
    work.exec_params("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                     question.digest + "\n" + question.principal);
    const auto found = joinable(work, question, invocation_id, now);
    if (!found) return found.error();
    const bool joined = found->has_value();
    const Id id = joined ? **found : question.review_id;
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
      work.exec_params("INSERT INTO reviews.details (review_id, details) VALUES ($1::uuid, $2)", to_text(id),
                       details_to_text(question));
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
    for (const auto& row : work.exec_often(
             "statuses",
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
  // In the statement's text, so that a plan can use the index of those that wait.
  const std::string state = filter.state ? " AND r.state = '" + std::string(name(*filter.state)) + "'" : "";
  const std::string before = filter.before ? to_text(*filter.before) : "";
  const char* order =
      filter.order == ListOrder::newest_first ? "r.requested_at DESC, r.review_id DESC" : "r.expires_at, r.review_id";
  return connection_->run([&](Transaction& work) {
    return load(work, work.exec_params(select_reviews(kDetails,
                                                      "WHERE ($2 = '' OR (r.requested_at, r.review_id) <"
                                                      " (SELECT b.requested_at, b.review_id FROM reviews.review b"
                                                      "  WHERE b.review_id = nullif($2, '')::uuid))" +
                                                          state + " ORDER BY " + order + " LIMIT $1"),
                                       filter.limit, before));
  });
}

Result<std::size_t> PostgresStore::pending_count() {
  return connection_->run([&](Transaction& work) -> Result<std::size_t> {
    return work.exec("SELECT count(*) FROM reviews.review WHERE state = 'pending'")[0][0].as<std::size_t>();
  });
}

Result<std::vector<Result<StoredReview>>> PostgresStore::change_all(std::span<const Edit> edits) {
  Array ids;
  for (const Edit& edit : edits) ids.add(to_text(edit.review_id));
  return connection_->run([&](Transaction& work) -> Result<std::vector<Result<StoredReview>>> {
    // Locked in one order, so that two batches that meet wait for each other instead of locking each other out.
    auto loaded = load(
        work, work.exec_often(
                  "lock_reviews",
                  select_reviews(kNoDetails, "WHERE r.review_id = ANY($1::uuid[]) ORDER BY r.review_id FOR UPDATE"),
                  ids.text()));
    if (!loaded) return loaded.error();
    std::map<Id, StoredReview> current;
    for (StoredReview& each : *loaded) {
      const Id id = each.review.question().review_id;
      current.emplace(id, std::move(each));
    }
    const std::map<Id, StoredReview> before = current;
    std::vector<Result<StoredReview>> out;
    std::vector<record::Event> events;
    for (const Edit& edit : edits) {
      const auto found = current.find(edit.review_id);
      if (found == current.end()) {
        out.emplace_back(fail(Code::not_found, "no such review"));
        continue;
      }
      StoredReview edited = found->second;
      auto made = edit.change(edited.review);
      if (!made) {
        out.emplace_back(made.error());
        continue;
      }
      std::move(made->begin(), made->end(), std::back_inserter(events));
      found->second = std::move(edited);
      out.emplace_back(found->second);
    }
    Changes changes;
    for (const auto& [id, stored] : current) changes.add(stored.review, before.at(id).review);
    changes.save(work, events);
    return out;
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
