// What many calls ask of the masker at once, in few messages: while one is on its way, what is asked meanwhile waits
// for the next (as a group commit does). One alone goes at once, so a single call never waits for company.
//
//   asked --nothing on its way, or 32 wait--> sent --answered, refused--> done
//      \--waited behind a message that is late--> sent
// Each question keeps its own deadline and cancellation. Large bodies go alone: they would make small ones wait.
// What a worker's death does to one question of a message it does to all of them: they are refused, none is repeated.
// One thread: the shard's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "gateway/review/claims.hpp"

namespace holdpoint::service {

class MaskBatches {
 public:
  MaskBatches(boost::asio::any_io_executor executor, review::Request ask);
  ~MaskBatches();
  MaskBatches(const MaskBatches&) = delete;
  MaskBatches& operator=(const MaskBatches&) = delete;

  /// A MaskRequested, and what review::Request answers for it.
  boost::asio::awaitable<Result<wire::Message>> ask(wire::Message question, Instant deadline);
  /// Cancels what is on its way; its questions are refused `unavailable`.
  boost::asio::awaitable<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace holdpoint::service
