// Requests that gather while others are answered.
#include "approvals/lane_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

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
  bool post(int number) { return post(queue_, number); }
  bool post(LaneQueue& queue, int number) {
    return queue.post(request(number), [this, number](Result<wire::Message> answer) {
      replies_.push_back(answer.value().body["number"] == number ? number : -1);
      answered_ = replies_.size();
      if (replies_.size() == 5) done_.set_value();
    });
  }

  std::mutex mutex_;
  std::promise<void> begun_;
  std::promise<void> released_;
  std::promise<void> done_;
  std::vector<std::size_t> batches_;
  std::vector<int> replies_;
  std::atomic<std::size_t> answered_ = 0;
  std::unique_ptr<WorkerPool> pool_ =
      std::make_unique<WorkerPool>(2, 10, [] { return std::make_unique<MemoryStore>(); });
  LaneQueue::AnswerAll answer_all_ = [this](std::span<const wire::Envelope> requests, ReviewStore&) {
    return answer(requests);
  };
  LaneQueue queue_{*pool_, 4, answer_all_};
  LaneQueue patient_{*pool_, 4, answer_all_, std::chrono::milliseconds(500)};
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

TEST_F(LaneQueueTest, a_patient_lane_lets_more_come_after_a_batch_of_several) {
  ASSERT_TRUE(post(patient_, 0));
  begun_.get_future().wait();
  for (int i = 1; i <= 2; ++i) ASSERT_TRUE(post(patient_, i));
  released_.set_value();
  while (answered_ < 3) std::this_thread::yield();
  for (int i = 3; i <= 4; ++i) ASSERT_TRUE(post(patient_, i));
  done_.get_future().wait();
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 2, 2}));
}

}  // namespace
}  // namespace holdpoint::approvals
