#include <map>
#include <set>

#include "approvals/postgres/connection.hpp"

namespace holdpoint::approvals {
namespace {

constexpr int kRoundsMax = 3;  // of one batch of claims: each was overtaken by a grant that was given back

constexpr const char* kClaimColumns =
    "SELECT operation_id, review_id, once, digest, principal, invocation_id, gateway, epoch, key_id, state, outcome"
    " FROM reviews.claim ";

Claim claim_of(const pqxx::row& row) {
  Claim claim;
  claim.operation_id = id_of(row["operation_id"]);
  claim.review_id = id_of(row["review_id"]);
  claim.digest = row["digest"].c_str();
  claim.principal = row["principal"].c_str();
  claim.invocation_id = row["invocation_id"].c_str();
  claim.claimer = {row["gateway"].c_str(), row["epoch"].as<std::uint64_t>(), row["key_id"].c_str()};
  claim.state = claim_state_from_name(row["state"].c_str()).value_or(ClaimState::unknown);
  claim.outcome = row["outcome"].c_str();
  return claim;
}

// Of the batch, `fresh` are the claims that nothing stands in the way of, at most one for each grant for once and each
// call. `taken` is where it is decided: the row lock lets one transaction at a time turn 'approved' into 'consumed',
// and the others then find it consumed. Written so that each row is looked up by its key whatever the planner thinks of
// the tables' sizes, since a plan that was made while they were empty is kept: each lookup is a subquery of its own,
// and no condition on a review's state fits an index.
constexpr const char* kClaimStatement = R"(
WITH asked AS (
  SELECT DISTINCT ON (operation_id) *
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
              $9::uuid[], $10::text[])
    WITH ORDINALITY AS a(operation_id, review_id, digest, principal, invocation_id, gateway, epoch, key_id,
                         event_id, event, place)
  ORDER BY operation_id, place
), fresh AS (
  SELECT DISTINCT ON (a.review_id, u.share) a.*, r.grant_once
  FROM asked a
  CROSS JOIN LATERAL (SELECT * FROM reviews.review s WHERE s.review_id = a.review_id OFFSET 0) r
  CROSS JOIN LATERAL (SELECT CASE WHEN r.grant_once THEN '' WHEN a.invocation_id = '' THEN 'o' || a.operation_id
                                  ELSE 'i' || a.invocation_id END AS share) u
  WHERE r.digest = a.digest AND r.principal = a.principal AND r.state = 'approved' AND r.announced
    AND r.grant_not_before <= $11::timestamptz AND $11::timestamptz < r.grant_expires_at
    AND (SELECT count(*) FROM reviews.claim c WHERE c.operation_id = a.operation_id) = 0
    AND (SELECT count(*) FROM reviews.claim c WHERE c.review_id = a.review_id AND c.once
         AND c.state <> 'released') = 0
    AND (SELECT count(*) FROM reviews.claim c WHERE c.review_id = a.review_id AND NOT c.once
         AND c.invocation_id = a.invocation_id AND c.invocation_id <> '' AND c.state <> 'released') = 0
  ORDER BY a.review_id, u.share, a.place
), taken AS (
  UPDATE reviews.review r SET state = 'consumed' FROM fresh f
  WHERE r.review_id = ANY($2::uuid[]) AND r.review_id = f.review_id AND f.grant_once
    AND r.state IS NOT DISTINCT FROM 'approved'
  RETURNING f.operation_id
), made AS (
  INSERT INTO reviews.claim (operation_id, review_id, once, digest, principal, invocation_id, gateway, epoch, key_id,
                             state, claimed_at)
  SELECT f.operation_id, f.review_id, f.grant_once, f.digest, f.principal, f.invocation_id, f.gateway, f.epoch, f.key_id,
         'claimed', $11::timestamptz
  FROM fresh f WHERE NOT f.grant_once OR f.operation_id IN (SELECT operation_id FROM taken)
  RETURNING operation_id
), kept AS (
  INSERT INTO reviews.outbox (event_id, time, event)
  SELECT f.event_id, $11::timestamptz, f.event FROM fresh f JOIN made USING (operation_id) ORDER BY f.place
)
SELECT operation_id FROM made)";

// What stands of the batch's operations, and in their way.
struct Standing {
  std::map<Id, Claim> own;
  std::map<Id, Claim> once;                             // by review
  std::map<std::pair<Id, std::string>, Claim> by_call;  // by review and invocation

  [[nodiscard]] const Claim* of(const Claim& wanted) const {
    const auto mine = own.find(wanted.operation_id);
    return mine != own.end() ? &mine->second : nullptr;
  }
  [[nodiscard]] const Claim* against(const Claim& wanted) const {
    const auto used = once.find(wanted.review_id);
    const auto call = by_call.find({wanted.review_id, wanted.invocation_id});
    return used != once.end() ? &used->second : call != by_call.end() ? &call->second : nullptr;
  }
  [[nodiscard]] ClaimAnswer answer(const Claim& wanted) const {
    return answer_claim(wanted, of(wanted), against(wanted));
  }
  [[nodiscard]] bool holds_any(const Claim& wanted) const {
    return of(wanted) != nullptr || against(wanted) != nullptr;
  }
};

Standing standing(Transaction& work, const Array& operations, const Array& reviews, const Array& invocations) {
  Standing out;
  for (const auto& row : work.exec_often(
           "claimed",
           // Three selections, so that each has its index; what two find is the same row.
           std::string(kClaimColumns) + "WHERE operation_id = ANY($1::uuid[]) UNION ALL " + kClaimColumns +
               "WHERE review_id = ANY($2::uuid[]) AND once AND state <> 'released' UNION ALL " + kClaimColumns +
               "WHERE review_id = ANY($2::uuid[]) AND NOT once AND invocation_id = ANY($3::text[])"
               " AND invocation_id <> '' AND state <> 'released'",
           operations.text(), reviews.text(), invocations.text())) {
    Claim found = claim_of(row);
    if (found.state != ClaimState::released) {
      if (row["once"].as<bool>()) out.once[found.review_id] = found;
      if (!found.invocation_id.empty()) out.by_call[{found.review_id, found.invocation_id}] = found;
    }
    out.own[found.operation_id] = std::move(found);
  }
  return out;
}

// Of those who were refused though nothing stands in their way (`baseless`): true when there are grants that can be
// used, since they were given back between the statement that claims and the one that looks why it did not. Whoever is
// answered now is told that somebody uses it, and asks again.
bool find_given_back(Transaction& work, std::span<const Claim> claims, const std::vector<std::size_t>& baseless,
                     Instant now, std::vector<ClaimAnswer>& answers) {
  if (baseless.empty()) return false;
  Array reviews, digests, principals;
  for (const std::size_t i : baseless) {
    reviews.add(to_text(claims[i].review_id));
    digests.add(claims[i].digest);
    principals.add(claims[i].principal);
  }
  const auto rows = work.exec_params(
      "SELECT a.place FROM unnest($1::uuid[], $2::text[], $3::text[])"
      " WITH ORDINALITY AS a(review_id, digest, principal, place)"
      " CROSS JOIN LATERAL (SELECT * FROM reviews.review s WHERE s.review_id = a.review_id OFFSET 0) r"
      " WHERE r.digest = a.digest AND r.principal = a.principal AND r.state = 'approved' AND r.announced"
      " AND r.grant_not_before <= $4::timestamptz AND $4::timestamptz < r.grant_expires_at",
      reviews.text(), digests.text(), principals.text(), sql_time(now));
  for (const auto& row : rows) answers[baseless.at(row[0].as<std::size_t>() - 1)].result = ClaimResult::in_use;
  return !rows.empty();
}

// A claim that has not come yet and was given up: when it comes, it finds this. One that is being made at this moment
// is waited for, by its key; then this fails and is tried again, and finds it.
constexpr const char* kForbidStatement = R"(
INSERT INTO reviews.claim (operation_id, review_id, once, digest, principal, invocation_id, gateway, epoch, key_id,
                           state, claimed_at)
SELECT DISTINCT ON (n.operation_id) n.operation_id, r.review_id, coalesce(r.grant_once, true), r.digest, r.principal, '',
       n.gateway, n.epoch, n.key_id, 'released', now()
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
  AS n(operation_id, review_id, gateway, epoch, key_id)
CROSS JOIN LATERAL (SELECT * FROM reviews.review s WHERE s.review_id = n.review_id OFFSET 0) r
ORDER BY n.operation_id
RETURNING operation_id)";

std::set<Id> forbid_unmade(Transaction& work, std::span<const Settlement> settlements,
                           const std::map<Id, Claim>& made) {
  Array operations, reviews, gateways, epochs, keys;
  for (const Settlement& each : settlements) {
    if (each.state != ClaimState::released || made.contains(each.operation_id)) continue;
    operations.add(to_text(each.operation_id));
    reviews.add(to_text(each.review_id));
    gateways.add(each.by.gateway);
    epochs.add(std::to_string(each.by.epoch));
    keys.add(each.by.key_id);
  }
  std::set<Id> out;
  if (operations.empty()) return out;
  for (const auto& row : work.exec_params(kForbidStatement, operations.text(), reviews.text(), gateways.text(),
                                          epochs.text(), keys.text())) {
    out.insert(id_of(row[0]));
  }
  return out;
}

// A settlement's changes, all in one trip to the server.
constexpr const char* kSettleStatement = R"(
WITH changed AS (
  UPDATE reviews.claim c SET state = n.state, outcome = n.outcome
  FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(operation_id, state, outcome)
  WHERE c.operation_id = ANY($1::uuid[]) AND c.operation_id = n.operation_id
), given_back AS (
  UPDATE reviews.review r SET state = 'approved' WHERE r.review_id = ANY($4::uuid[]) AND r.state = 'consumed'
)
INSERT INTO reviews.outbox (event_id, time, event) SELECT event_id, time, event
FROM unnest($5::uuid[], $6::timestamptz[], $7::text[]) WITH ORDINALITY AS e(event_id, time, event, place)
ORDER BY place)";

}  // namespace

Result<std::vector<ClaimAnswer>> PostgresStore::claim(std::span<const Claim> claims,
                                                      std::span<const record::Event> claimed, Instant now) {
  HOLDPOINT_INVARIANT(claims.size() == claimed.size());
  Array operations, reviews, digests, principals, invocations, gateways, epochs, keys, event_ids, events;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const Claim& each = claims[i];
    operations.add(to_text(each.operation_id));
    reviews.add(to_text(each.review_id));
    digests.add(each.digest);
    principals.add(each.principal);
    invocations.add(each.invocation_id);
    gateways.add(each.claimer.gateway);
    epochs.add(std::to_string(each.claimer.epoch));
    keys.add(each.claimer.key_id);
    event_ids.add(to_text(claimed[i].id));
    events.add(record::event_to_json(claimed[i]));
  }
  return connection_->run_alone([&](Transaction& work) -> Result<std::vector<ClaimAnswer>> {
    std::vector<ClaimAnswer> out;
    for (int round = 1;; ++round) {
      out.clear();
      const auto made = work.exec_often("claim", kClaimStatement, operations.text(), reviews.text(), digests.text(),
                                        principals.text(), invocations.text(), gateways.text(), epochs.text(),
                                        keys.text(), event_ids.text(), events.text(), sql_time(now));
      // Each made by this very statement: nothing stands that has to be read.
      if (static_cast<std::size_t>(made.size()) == claims.size()) {
        for (const Claim& each : claims)
          out.push_back({each.operation_id, ClaimResult::claimed, ClaimState::claimed, {}});
        return out;
      }
      const Standing found = standing(work, operations, reviews, invocations);
      std::vector<std::size_t> baseless;
      for (const Claim& wanted : claims) {
        out.push_back(found.answer(wanted));
        if (out.back().result == ClaimResult::closed && !found.holds_any(wanted)) baseless.push_back(out.size() - 1);
      }
      if (!find_given_back(work, claims, baseless, now, out) || round == kRoundsMax) return out;
    }
  });
}

Result<std::vector<Result<bool>>> PostgresStore::settle(std::span<const Settlement> settlements,
                                                        std::span<const record::Event> settled) {
  HOLDPOINT_INVARIANT(settlements.size() == settled.size());
  Array wanted;
  for (const Settlement& each : settlements) wanted.add(to_text(each.operation_id));
  return connection_->run([&](Transaction& work) -> Result<std::vector<Result<bool>>> {
    std::map<Id, Claim> claims;
    // In one order, so that two batches that meet wait for each other instead of locking each other out.
    for (const auto& row :
         work.exec_often("lock_claims",
                         std::string(kClaimColumns) + "WHERE operation_id = ANY($1::uuid[]) ORDER BY operation_id"
                                                      " FOR UPDATE",
                         wanted.text())) {
      Claim claim = claim_of(row);
      claims[claim.operation_id] = std::move(claim);
    }
    const std::set<Id> forbidden = forbid_unmade(work, settlements, claims);
    std::vector<Result<bool>> out;
    std::set<Id> changed;
    std::vector<record::Event> events;
    Array released;
    for (std::size_t i = 0; i < settlements.size(); ++i) {
      const Settlement& each = settlements[i];
      const auto claim = claims.find(each.operation_id);
      if (forbidden.contains(each.operation_id)) {
        out.emplace_back(false);
        continue;
      }
      const bool known = claim != claims.end() && claim->second.review_id == each.review_id;
      out.push_back(known ? approvals::settle(claim->second, each)
                          : Result<bool>(fail(Code::not_found, "no such claim")));
      if (!out.back() || !*out.back()) continue;
      changed.insert(each.operation_id);
      events.push_back(settled[i]);
      if (each.state == ClaimState::released) released.add(to_text(each.review_id));
    }
    if (changed.empty()) return out;
    Array operations, states, outcomes;
    for (const Id& id : changed) {
      const Claim& claim = claims.at(id);
      operations.add(to_text(id));
      states.add(name(claim.state));
      outcomes.add(claim.outcome);
    }
    const EventRows rows(events);
    work.exec_often("settle", kSettleStatement, operations.text(), states.text(), outcomes.text(), released.text(),
                    rows.ids.text(), rows.times.text(), rows.texts.text());
    return out;
  });
}

Result<std::vector<Claim>> PostgresStore::claims_of(const std::string& gateway) {
  return connection_->run([&](Transaction& work) -> Result<std::vector<Claim>> {
    std::vector<Claim> out;
    for (const auto& row :
         work.exec_params(std::string(kClaimColumns) +
                              "WHERE gateway = $1 AND state IN ('claimed', 'sent') ORDER BY claimed_at LIMIT 1000",
                          gateway)) {
      out.push_back(claim_of(row));
    }
    return out;
  });
}

}  // namespace holdpoint::approvals
