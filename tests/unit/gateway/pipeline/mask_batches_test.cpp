#include "gateway/service/mask_batches.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <list>
#include <map>

#include "bus/wire/bundle.hpp"

namespace holdpoint::service {
namespace {

namespace asio = boost::asio;
using Answer = Result<wire::Message>;

Bytes bundle_of(const std::vector<Bytes>& parts) {
  Bytes bundle;
  for (const Bytes& part : parts) wire::add_to_bundle(part, bundle);
  return bundle;
}
/// What the masker reads of it.
Json body_of(const wire::Message& question) {
  return question.text.empty() ? question.body : parse_json(question.text).value();
}
std::vector<Bytes> payloads_of(const wire::Message& question) {
  if (question.type != "MasksRequested") return question.attachments;
  const Json body = body_of(question);
  const auto parts = wire::parts_of(question.attachments.at(0), body.value("of", body.at("requests")).size());
  return {parts.value().begin(), parts.value().end()};
}

/// A masker that answers each payload with itself and "!", when it is told to.
struct Masker {
  explicit Masker(asio::io_context& on) : io(on) {}
  asio::io_context& io;
  std::vector<wire::Message> asked;
  std::deque<std::shared_ptr<asio::steady_timer>> held;
  std::function<Answer(const wire::Message&)> answer = [](const wire::Message& question) -> Answer {
    wire::Message reply{"PayloadMasked", {{"changed", true}}, {}};
    for (const Bytes& bytes : payloads_of(question)) reply.attachments.push_back(bytes + "!");
    if (question.type == "MasksRequested") {
      const std::size_t count = reply.attachments.size();
      reply = {"PayloadsMasked", {{"answers", Json(count, reply.body)}}, {bundle_of(reply.attachments)}};
    }
    return reply;
  };

  asio::awaitable<Answer> take(wire::Message question) {
    asked.push_back(question);
    auto hold = std::make_shared<asio::steady_timer>(io, asio::steady_timer::time_point::max());
    held.push_back(hold);
    boost::system::error_code ignored;
    co_await hold->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_return answer(question);
  }
  void release() {
    ASSERT_FALSE(held.empty());
    held.front()->cancel();
    held.pop_front();
  }
};

class MaskBatchesTest : public ::testing::Test {
 protected:
  asio::io_context io;
  Masker masker{io};
  MaskBatches batches{io.get_executor(), [this](std::string, wire::Message question, Instant, std::string) {
                        return masker.take(std::move(question));
                      }};
  std::map<std::string, Answer> answers;
  std::list<asio::cancellation_signal> cancels;  ///< one of each question

  void ask(const std::string& payload, Duration within = std::chrono::seconds(10),
           const std::string& direction = "answer") {
    wire::Message question{"MaskRequested", {{"direction", direction}}, {payload}};
    auto work = batches.ask(std::move(question), system_now() + within);
    cancels.emplace_back();
    asio::co_spawn(
        io, std::move(work),
        asio::bind_cancellation_slot(cancels.back().slot(), [this, payload](std::exception_ptr, Answer answer) {
          answers.insert_or_assign(payload, std::move(answer));
        }));
  }
  void settle() {
    io.restart();
    io.poll();
  }
  std::string bytes(const std::string& payload) {
    const auto found = answers.find(payload);
    if (found == answers.end()) return "no answer";
    if (!found->second) return std::string(name(found->second.error().code));
    return found->second->attachments.at(0);
  }
};

TEST_F(MaskBatchesTest, one_question_alone_goes_as_it_is_and_at_once) {
  ask("a");
  settle();
  ASSERT_EQ(masker.asked.size(), 1u);
  EXPECT_EQ(masker.asked[0].type, "MaskRequested");
  masker.release();
  settle();
  EXPECT_EQ(bytes("a"), "a!");
}

TEST_F(MaskBatchesTest, what_is_asked_while_one_is_on_its_way_travels_together_and_each_gets_its_own_answer) {
  ask("a");
  settle();
  for (const char* payload : {"b", "c", "d"}) ask(payload);
  settle();
  ASSERT_EQ(masker.asked.size(), 1u);
  masker.release();
  settle();
  ASSERT_EQ(masker.asked.size(), 2u);
  EXPECT_EQ(masker.asked[1].type, "MasksRequested");
  EXPECT_EQ(body_of(masker.asked[1]),
            (Json{{"requests", Json::array({Json{{"direction", "answer"}}})}, {"of", Json::array({0, 0, 0})}}));
  masker.release();
  settle();
  for (const std::string payload : {"a", "b", "c", "d"}) EXPECT_EQ(bytes(payload), payload + "!");
}

TEST_F(MaskBatchesTest, a_refusal_of_one_is_not_a_refusal_of_its_neighbours) {
  masker.answer = [](const wire::Message&) -> Answer {
    Json body = {{"answers", {{{"changed", true}}, {{"refused", {{"code", "malformed"}, {"message", "no"}}}}}}};
    return wire::Message{"PayloadsMasked", std::move(body), {bundle_of({"b", ""})}};
  };
  ask("b");
  ask("c");
  settle();
  ASSERT_EQ(masker.asked.size(), 1u);
  masker.release();
  settle();
  EXPECT_EQ(bytes("b"), "b");
  EXPECT_EQ(bytes("c"), "malformed");
}

TEST_F(MaskBatchesTest, only_what_is_said_to_be_unchanged_goes_on_as_it_was) {
  const std::vector<std::pair<Json, std::string>> cases = {{{{"changed", false}}, "b"},
                                                           {{{"changed", true}}, ""},
                                                           {{{"changed", "no"}}, ""},
                                                           {Json::object(), ""},
                                                           {{{"changed", false}, {"blocked", "binary"}}, ""}};
  for (const auto& [body, left] : cases) {
    answers.clear();
    masker.answer = [&](const wire::Message&) -> Answer {
      return wire::Message{"PayloadsMasked", {{"answers", Json::array({body, body})}}, {bundle_of({"", ""})}};
    };
    ask("b");
    ask("c");
    settle();
    masker.release();
    settle();
    EXPECT_EQ(bytes("b"), left) << body.dump();
  }
}

TEST_F(MaskBatchesTest, a_worker_that_died_takes_all_that_travelled_together_and_nothing_is_asked_again) {
  masker.answer = [](const wire::Message&) -> Answer { return fail(Code::unavailable, "the worker died"); };
  ask("b");
  ask("c");
  settle();
  masker.release();
  settle();
  EXPECT_EQ(bytes("b"), "unavailable");
  EXPECT_EQ(bytes("c"), "unavailable");
  EXPECT_EQ(masker.asked.size(), 1u);
}

TEST_F(MaskBatchesTest, an_answer_that_lacks_one_is_an_answer_to_none) {
  for (const Json& answered : {Json(), Json::array(), Json::array({Json::object()}), Json::array({1, 1})}) {
    answers.clear();
    masker.answer = [&](const wire::Message&) -> Answer {
      return wire::Message{"PayloadsMasked", {{"answers", answered}}, {bundle_of({"b", "c"})}};
    };
    ask("b");
    ask("c");
    settle();
    masker.release();
    settle();
    EXPECT_EQ(bytes("b"), "malformed") << answered.dump();
    EXPECT_EQ(bytes("c"), "malformed") << answered.dump();
  }
}

TEST_F(MaskBatchesTest, a_masker_of_an_earlier_version_is_asked_one_by_one) {
  const auto newer = masker.answer;
  masker.answer = [newer](const wire::Message& question) -> Answer {
    if (question.type == "MasksRequested") return fail(Code::unsupported, "unknown message");
    return newer(question);
  };
  ask("b");
  ask("c");
  for (int i = 0; i < 3; ++i) {
    settle();
    masker.release();
  }
  settle();
  EXPECT_EQ(bytes("b"), "b!");
  EXPECT_EQ(bytes("c"), "c!");
}

TEST_F(MaskBatchesTest, large_payloads_go_alone_and_no_message_has_more_than_thirty_two) {
  ask(std::string(20000, 'x'));
  for (int i = 0; i < 40; ++i) ask("p" + std::to_string(i));
  settle();
  ASSERT_EQ(masker.asked.size(), 2u);
  EXPECT_EQ(masker.asked[0].type, "MaskRequested");
  EXPECT_EQ(payloads_of(masker.asked[1]).size(), 32u);
  masker.release();
  masker.release();
  settle();
  ASSERT_EQ(masker.asked.size(), 3u);
  EXPECT_EQ(payloads_of(masker.asked[2]).size(), 8u);
}

TEST_F(MaskBatchesTest, each_wording_travels_once_and_only_then_null_means_unchanged) {
  for (const bool alike : {true, false}) {
    answers.clear();
    masker.asked.clear();
    masker.answer = [](const wire::Message&) -> Answer {
      return wire::Message{"PayloadsMasked", {{"answers", {nullptr, {{"changed", true}}}}}, {bundle_of({"", "C"})}};
    };
    ask("b", std::chrono::seconds(10), "answer");
    ask("c", std::chrono::seconds(10), alike ? "answer" : "record");
    settle();
    EXPECT_EQ(body_of(masker.asked.at(0)).contains("of"), alike);
    masker.release();
    settle();
    EXPECT_EQ(bytes("b"), alike ? "b" : "malformed");
    EXPECT_EQ(bytes("c"), alike ? "C" : "malformed");
  }
}

TEST_F(MaskBatchesTest, what_waits_behind_a_late_answer_is_sent_and_what_is_overdue_is_refused) {
  ask("slow", std::chrono::milliseconds(1));
  settle();
  ask("b");
  while (masker.asked.size() < 2) {
    io.restart();
    ASSERT_GT(io.run_one_for(std::chrono::seconds(20)), 0u);
  }
  settle();
  EXPECT_EQ(bytes("slow"), "timed_out");
  EXPECT_EQ(masker.asked[1].attachments.at(0), "b");
  EXPECT_EQ(bytes("b"), "no answer");
}

TEST_F(MaskBatchesTest, a_cancelled_question_ends_and_its_neighbours_do_not) {
  ask("b");
  settle();
  ask("c");
  settle();
  cancels.back().emit(asio::cancellation_type::terminal);
  settle();
  EXPECT_EQ(bytes("c"), "unavailable");
  masker.release();
  settle();
  EXPECT_EQ(bytes("b"), "b!");
}

}  // namespace
}  // namespace holdpoint::service
