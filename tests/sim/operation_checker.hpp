// The invariants of DESIGN.md as an outsider sees them: from what reaches the target, what reaches clients, what people
// did, what the disks hold and, at the end, the log. Knows nothing of how the actors work.
//
//   1  no effect without a durable intent; no answer without a durable outcome       effect(), answered(), streamed()
//   4  an approval is used for what the reviewers were shown, of whom it was asked   finish()
//   5  a grant for once never has two effects                                        finish()
//   6  enough distinct people decide, never the requester, never a stranger          counted(), finish()
//   7  no unmasked byte to a client                                                  answered(), streamed()
//   9  what grows has a bound                                                        bounded()
//      A gateway whose journal was lost, or came back as an older copy, may owe the log its entries and outcomes; every
//      other word holds for it too.
//  10  the log has no gap, and each source's chain neither gap nor repetition        finish() (log_checker.hpp)
//  11  what was acknowledged, or is durable anywhere, is in the log in the end       finish()
//   -  every call ends; in good weather well                                         ended(), finish()
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/journal_node.hpp"
#include "tests/sim/log_checker.hpp"
#include "tests/sim/log_disk.hpp"

namespace holdpoint::sim {

/// In every answer that must be masked.
inline const std::string kSecret = "Tr0ub4dor-and-3";

class OperationChecker {
 public:
  OperationChecker(World& world, JournalDisks& journals, const LogDisk& log)
      : world_(world), journals_(journals), log_(log) {}

  // The target's edge.
  struct Effect {
    std::string operation_id;
    std::string principal;
    std::string kind;
    std::string item;
    bool must_be_reviewed = false;
  };
  void effect(const Effect& effect);

  // The clients' edge.
  void began(int call) { open_calls_.insert(call); }
  void ended(int call, bool good, bool must_be_good);
  /// A call that its client forgot when it crashed.
  void forgotten(int call) { open_calls_.erase(call); }
  void answered(const std::string& operation_id, const std::string& body, bool must_be_masked);
  void streamed(const std::string& operation_id, const std::string& part, bool last);

  // The people's edge.
  void cast(const std::string& review_id, const std::string& person, bool approves);
  void counted(const std::string& review_id, const std::string& person, bool is_reviewer);

  void bounded(const std::string& what, std::size_t value, std::size_t max);

  /// The machines' edge: this journal is about to go, or to be replaced by an older copy.
  void journal_lost(const std::string& name);

  void finish();

 private:
  using Events = std::vector<LoggedEvent>;

  [[nodiscard]] bool durable(const std::string& operation_id, const std::string& type) const;
  void violation(const std::string& text) { world_.violation(text); }
  void take_lost(const std::string& name);
  void check_effects(const Events& events);
  void check_pairs(const std::map<std::string, const LoggedEvent*>& intents,
                   const std::map<std::string, int>& outcomes);
  void check_reviewed(const Effect& effect, const LoggedEvent& intent);
  void check_decisions(const Events& events);
  void check_acknowledged(const Events& events);
  void check_durable_is_logged();

  World& world_;
  JournalDisks& journals_;
  const LogDisk& log_;
  std::vector<Effect> effects_;
  std::set<std::string> losers_;                        ///< whose journal was lost or replaced
  std::map<std::string, LoggedEvent> lost_intents_;     ///< by operation: of what was durable there
  std::set<std::pair<std::string, std::string>> lost_;  ///< type, subject
  std::set<std::string> answered_;
  std::set<int> open_calls_;
  std::set<std::pair<std::string, std::string>> approvals_cast_;  ///< review, person
  std::set<std::pair<std::string, std::string>> counted_;
  // From the log, by review:
  std::map<std::string, Json> reviews_;
  std::map<std::string, Json> decisions_;
  std::map<std::string, int> effects_of_review_;
};

}  // namespace holdpoint::sim
