// Requests that gather while others are answered.
#include "approvals/lane_queue.hpp"

#include <gtest/gtest.h>

#include <future>

#include "approvals/memory_store.hpp"

namespace holdpoint::approvals {
namespace {

wire::Envelope request(int number) {
  wire::Envelope out;
  out.message.body = {{"number", number}};
  return out;
}

class LaneQueueTest : public ::testing::Test {
 protected:
  ~LaneQueueTest() override { pool_.reset(); }

  // The first batch waits until it is released.
  std::vector<Result<wire::Message>> answer(std::span<const wire::Envelope> requests) {
    const std::lock_guard lock(mutex_);
    batches_.push_back(requests.size());
    if (batches_.size() == 1) {
      begun_.set_value();
      released_.get_future().wait();
    }
    std::vector<Result<wire::Message>> out;
    for (const wire::Envelope& each : requests) out.emplace_back(each.message);
    return out;
  }
  bool post(int number) {
    return queue_.post(request(number), [this, number](Result<wire::Message> answer) {
      replies_.push_back(answer.value().body["number"] == number ? number : -1);
      if (replies_.size() == 5) done_.set_value();
    });
  }

  std::mutex mutex_;
  std::promise<void> begun_;
  std::promise<void> released_;
  std::promise<void> done_;
  std::vector<std::size_t> batches_;
  std::vector<int> replies_;
  std::unique_ptr<WorkerPool> pool_ =
      std::make_unique<WorkerPool>(2, 10, [] { return std::make_unique<MemoryStore>(); });
  LaneQueue queue_{*pool_, 4,
                   [this](std::span<const wire::Envelope> requests, ReviewStore&) { return answer(requests); }};
};

TEST_F(LaneQueueTest, what_comes_while_a_batch_is_answered_is_the_next_one) {
  ASSERT_TRUE(post(0));
  begun_.get_future().wait();
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(post(i));
  EXPECT_FALSE(post(5)) << "four wait: it is full";
  released_.set_value();
  done_.get_future().wait();
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 4}));
  EXPECT_EQ(replies_, (std::vector<int>{0, 1, 2, 3, 4})) << "each its own answer, in order";
}

}  // namespace
}  // namespace holdpoint::approvals
