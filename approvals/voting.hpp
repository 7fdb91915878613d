// Takes votes of verified reviewers and makes the decision, inside one transaction of the store, so that any replica
// can take any vote. Also ends reviews that time has overtaken.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "approvals/announcer.hpp"
#include "approvals/review_store.hpp"
#include "bus/config/document.hpp"
#include "bus/identity/principal.hpp"

namespace holdpoint::approvals {

/// Who this process is when it signs and records.
struct Signatory {
  std::string name;  ///< source of its events
  std::string deployment;
  std::string key_id;
  SigningKey key;
};

/// The newest configuration; null while there is none, and then nobody is a reviewer. From any thread.
using Documents = std::function<std::shared_ptr<const config::Document>()>;

struct Ballot {
  Id review_id;
  Verdict verdict = Verdict::reject;
  std::string reason;
  GrantTerms grant;  ///< once, unless the reviewer says more
};

struct Cast {
  identity::Principal reviewer;
  Ballot ballot;
};

class Voting {
 public:
  Voting(const Signatory& signatory, IdSource& ids, Announcer& announcer, Documents documents)
      : signatory_(signatory), ids_(ids), announcer_(announcer), documents_(std::move(documents)) {}

  /// `via` ("console", "bus") is recorded. Fails as may_vote() and Review::vote() do, with `not_durable` when the vote
  /// counts but is not on record yet: casting it again is harmless and right.
  Result<StoredReview> cast(ReviewStore& store, const identity::Principal& reviewer, const Ballot& ballot,
                            std::string_view via, Instant now);
  /// Several at once: one transaction, one write to the journal. Answers in order, and none stops another; an error
  /// when the store took none.
  Result<std::vector<Result<StoredReview>>> cast(ReviewStore& store, std::span<const Cast> casts, std::string_view via,
                                                 Instant now);
  /// Expires at most a few hundred overdue reviews.
  void expire_overdue(ReviewStore& store, Instant now);

  [[nodiscard]] std::shared_ptr<const config::Document> document() const { return documents_(); }
  record::Event event(std::string_view type, const Id& review_id, Json data, Instant now);

 private:
  record::Event decide(Review& review, Instant now);
  Result<std::vector<record::Event>> count(Review& review, const Cast& cast, const config::Document& configuration,
                                           std::string_view via, Instant now);

  const Signatory& signatory_;
  IdSource& ids_;
  Announcer& announcer_;
  Documents documents_;
};

}  // namespace holdpoint::approvals
