// Who waits for which review on this shard, and how the news reaches them: by publication, and by asking, since
// publications may be lost. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bus/base/json.hpp"

namespace holdpoint::review {

/// At most this many ids in one ReviewStatusRequested (PROTOCOL.md).
constexpr std::size_t kStatusIdsMax = 1000;

class DecisionBoard {
 public:
  /// One waiting operation; on the board as long as it lives.
  class Waiter {
   public:
    /// `wake` is called whenever `news` was set anew.
    Waiter(DecisionBoard& board, std::string review_id, std::function<void()> wake);
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// {"review_id","state","decision"?} as it came, unverified; null when there is none. Taking it clears it.
    [[nodiscard]] Json take_news() { return std::exchange(news_, Json()); }

   private:
    friend class DecisionBoard;
    DecisionBoard& board_;
    std::string review_id_;
    std::function<void()> wake_;
    Json news_;
  };

  /// A status or a ReviewDecided; without waiters, or while still pending, nothing happens.
  void tell(const Json& status);
  /// Ids that are waited for, in turn: each call continues where the last one ended.
  [[nodiscard]] std::vector<std::string> next_ids(std::size_t at_most = kStatusIdsMax);
  /// The next call begins anew.
  [[nodiscard]] bool round_ended() const { return asked_through_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiters_.size(); }

 private:
  std::multimap<std::string, Waiter*> waiters_;
  std::string asked_through_;
};

}  // namespace holdpoint::review
