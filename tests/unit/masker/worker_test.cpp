#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "bus/wire/bundle.hpp"
#include "masker/mask.hpp"
#include "masker/worker/answer.hpp"
#include "masker/worker/sandbox.hpp"

namespace holdpoint::masker::testing {
namespace {

wire::Message request(Json body, std::string bytes) {
  wire::Message message;
  message.type = "MaskRequested";
  message.body = std::move(body);
  message.attachments.push_back(std::move(bytes));
  return message;
}

TEST(Worker, answers_with_the_masked_bytes_and_the_findings) {
  const auto answer = answer_mask_request(
      request({{"content_type", "application/json"}, {"service", "dynamodb"}, {"operation", "GetItem"}},
              R"({"password":"hunter22"})"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, "PayloadMasked");
  EXPECT_EQ(answer->attachments.at(0), R"({"password":"REDACTED-password"})");
  EXPECT_EQ(answer->body["changed"], true);
  EXPECT_EQ(answer->body["findings"][0]["class"], "password");
  EXPECT_EQ(answer->body["findings"][0]["path"], "password");
  EXPECT_FALSE(answer->body.contains("blocked"));
}

TEST(Worker, says_what_blocked_a_payload_and_sends_none_of_it) {
  const auto answer =
      answer_mask_request(request({{"content_type", "text/plain"}, {"content_encoding", "br"}}, "password=hunter22"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->body["blocked"].get<std::string>().empty());
  EXPECT_TRUE(answer->attachments.at(0).empty());
}

TEST(Worker, leaves_what_it_is_told_to_and_says_so_and_nothing_beside_it) {
  const Json rules = {{"unmask", {"email", "password"}}};
  const std::string body =
      R"({"Item":{"mail":{"S":"ann@example.com"},"password":{"S":"hunter22 AKIAIOSFODNN7EXAMPLE"}}})";
  const Json asked = {
      {"content_type", "application/json"}, {"service", "dynamodb"}, {"operation", "GetItem"}, {"rules", rules}};
  const auto answer = answer_mask_request(request(asked, body));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->attachments.at(0),
            R"({"Item":{"mail":{"S":"ann@example.com"},"password":{"S":"hunter22 AKIA************MPLE"}}})");
  EXPECT_EQ(answer->body["findings"].size(), 1u);
  ASSERT_EQ(answer->body["unmasked"].size(), 2u);
  EXPECT_EQ(answer->body["unmasked"][0],
            (Json{{"class", "email"}, {"rule", "name"}, {"count", 1}, {"path", "Item.mail.S"}}));
  EXPECT_EQ(answer->body["unmasked"][1],
            (Json{{"class", "password"}, {"rule", "name"}, {"count", 1}, {"path", "Item.password.S"}}));
  // What goes into the record is masked whatever is left of answers.
  Json record = asked;
  record["direction"] = "record";
  const auto recorded = answer_mask_request(request(record, body));
  ASSERT_TRUE(recorded);
  EXPECT_EQ(recorded->attachments.at(0).find("hunter22"), std::string::npos);
  EXPECT_EQ(recorded->attachments.at(0).find("ann@"), std::string::npos);
  EXPECT_FALSE(recorded->body.contains("unmasked"));
}

TEST(Worker, leaving_one_class_uncovers_none_that_stood_under_it) {
  for (const auto& [kind, text] : {std::pair{"email", "https://ann:hunter22@example.com/x"},
                                   {"phone", "card 4111 1111 1111 1111"},
                                   {"token", "Bearer AKIAIOSFODNN7EXAMPLE"}}) {
    const auto answer =
        answer_mask_request(request({{"content_type", "text/plain"}, {"rules", {{"unmask", {kind}}}}}, text));
    ASSERT_TRUE(answer);
    for (const char* secret : {"hunter22", "1111 1111", "IOSFODNN"})
      EXPECT_EQ(answer->attachments.at(0).find(secret), std::string::npos) << answer->attachments.at(0);
  }
}

TEST(Worker, what_an_operator_names_stays_masked_whatever_policy_leaves) {
  const Json rules = {{"unmask", {"secret", "email"}},
                      {"paths", {{{"path", "note"}, {"class", "secret"}}}},
                      {"patterns", {{{"literal", "ann@example.com"}, {"class", "email"}}}}};
  const auto answer = answer_mask_request(
      request({{"content_type", "application/json"}, {"rules", rules}}, R"({"note":"blue","mail":"ann@example.com"})"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->attachments.at(0), R"({"note":"REDACTED-secret","mail":"REDACTED-email"})");
}

TEST(Worker, refuses_requests_that_it_cannot_read) {
  EXPECT_FALSE(answer_mask_request(request({{"rules", {{"unmask", {"everything"}}}}}, "x")));

  EXPECT_FALSE(answer_mask_request(request({{"rules", {{"nonsense", 1}}}}, "x")));
  EXPECT_FALSE(answer_mask_request(request({{"length_preserving", "yes"}}, "x")));
  EXPECT_FALSE(answer_mask_request(request({{"part", {{"index", 1}, {"last", true}}}}, "x")));
  EXPECT_FALSE(answer_mask_request(request({{"part", {{"index", 0}, {"last", false}}}}, "x")));
  wire::Message bare = request(Json::object(), "x");
  bare.attachments.clear();
  EXPECT_FALSE(answer_mask_request(bare));
  bare = request(Json::object(), "x");
  bare.type = "Other";
  EXPECT_FALSE(answer_mask_request(bare));
}

TEST(Worker, answers_each_of_many_questions_for_itself_and_in_order) {
  wire::Message many{"MasksRequested", Json::object(), std::vector<Bytes>(1)};
  for (const char* payload : {R"({"password":"hunter22"})", "x", R"({"note":"plain"})"})
    wire::add_to_bundle(payload, many.attachments[0]);
  const Json json = {{"content_type", "application/json"}};
  many.body["requests"] = {json, {{"part", {{"index", 1}, {"last", true}}}}, json};
  const auto answer = answer_mask_request(many);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, "PayloadsMasked");
  const auto masked = wire::parts_of(answer->attachments.at(0), 3);
  ASSERT_TRUE(masked);
  EXPECT_EQ((*masked)[0], R"({"password":"REDACTED-password"})");
  EXPECT_EQ(answer->body["answers"][0]["changed"], true);
  EXPECT_EQ((*masked)[1], "");
  EXPECT_EQ(answer->body["answers"][1]["refused"]["code"], "unsupported");
  EXPECT_EQ((*masked)[2], "");  // whoever asked has it
  EXPECT_EQ(answer->body["answers"][2]["changed"], false);
}

TEST(Worker, reads_a_wording_once_for_all_payloads_that_it_belongs_to) {
  wire::Message many{"MasksRequested", Json::object(), std::vector<Bytes>(1)};
  for (const char* payload : {R"({"password":"hunter22"})", "password=hunter22", R"({"note":"plain"})"})
    wire::add_to_bundle(payload, many.attachments[0]);
  many.body["requests"] = {{{"content_type", "application/json"}}, {{"content_type", "text/plain"}}};
  many.body["of"] = {0, 1, 0};
  const auto answer = answer_mask_request(many);
  ASSERT_TRUE(answer);
  const auto masked = wire::parts_of(answer->attachments.at(0), 3);
  ASSERT_TRUE(masked);
  EXPECT_EQ((*masked)[0], R"({"password":"REDACTED-password"})");
  EXPECT_EQ((*masked)[1], "password=REDACTED-password");
  EXPECT_EQ((*masked)[2], "");
  EXPECT_EQ(answer->body["answers"][0]["findings"][0]["path"], "password");
  EXPECT_FALSE(answer->body["answers"][1]["findings"][0].contains("path"));
  EXPECT_TRUE(answer->body["answers"][2].is_null());
  many.body["requests"][0]["length_preserving"] = "yes";
  const auto refused = answer_mask_request(many);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->body["answers"][0]["refused"]["code"], "malformed");
  EXPECT_EQ(refused->body["answers"][1]["changed"], true);
  EXPECT_EQ(refused->body["answers"][2]["refused"]["code"], "malformed");
}

TEST(Worker, never_answers_null_for_a_payload_of_which_there_is_something_to_tell) {
  wire::Message many{"MasksRequested", Json::object(), std::vector<Bytes>(1)};
  for (const char* payload : {"password=hunter22", "\x1f\x8b broken"})
    wire::add_to_bundle(payload, many.attachments[0]);
  many.body["requests"] = {{{"content_type", "text/plain"}, {"rules", {{"unmask", {"password"}}}}},
                           {{"content_type", "text/plain"}, {"content_encoding", "br"}}};
  many.body["of"] = {0, 1};
  const auto answer = answer_mask_request(many);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body["answers"][0]["changed"], false);
  EXPECT_EQ(answer->body["answers"][0]["unmasked"].size(), 1u);
  EXPECT_TRUE(answer->body["answers"][1].contains("blocked"));
}

TEST(Worker, refuses_many_questions_that_do_not_fit_their_payloads) {
  Bytes one;
  wire::add_to_bundle("x", one);
  for (const Json& requests : {Json(), Json::array(), Json::array({Json::object(), Json::object()})}) {
    EXPECT_FALSE(answer_mask_request({"MasksRequested", {{"requests", requests}}, {one}})) << requests.dump();
  }
  for (const Bytes& bytes : {Bytes(), one + "x", one.substr(0, 4), one.substr(0, 3)}) {
    EXPECT_FALSE(answer_mask_request({"MasksRequested", {{"requests", Json::array({Json::object()})}}, {bytes}}));
  }
  const Json known = Json::array({Json::object()});
  for (const Json& of : {Json(0), Json::array(), Json::array({1}), Json::array({-1}), Json::array({0, 0}),
                         Json::array({"0"}), Json(std::vector<int>(wire::kBundlePartsMax + 1))}) {
    EXPECT_FALSE(answer_mask_request({"MasksRequested", {{"requests", known}, {"of", of}}, {one}})) << of.dump();
  }
  const Json wordy(wire::kBundlePartsMax + 1, Json::object());
  EXPECT_FALSE(answer_mask_request({"MasksRequested", {{"requests", wordy}, {"of", {0}}}, {one}}));
  EXPECT_TRUE(answer_mask_request({"MasksRequested", {{"requests", known}, {"of", {0}}}, {one}}));
  const auto odd = answer_mask_request({"MasksRequested", {{"requests", Json::array({1})}}, {one}});
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->body["answers"][0]["refused"]["code"], "malformed");
  EXPECT_EQ(odd->attachments.at(0), Bytes(4, '\0'));
}

/// Runs `act` in a child of its own behind the sandbox; its exit status.
int confined(std::string_view endpoint, const std::function<int()>& act) {
  prepare();
  const pid_t child = fork();
  if (child == 0) {
    if (!enter_sandbox({std::string(endpoint)})) _exit(99);
    _exit(act());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int refused(int result) { return result < 0 && errno == EPERM ? 0 : 1; }

class Sandbox : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kConfines) GTEST_SKIP() << "a sanitizer needs what the sandbox takes";
  }
};

TEST_F(Sandbox, files_programs_processes_and_the_network_are_out_of_reach) {
  const std::string_view ipc = "ipc:///run/holdpoint/bus";
  EXPECT_EQ(confined(ipc, [] { return refused(open("/etc/passwd", O_RDONLY)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(openat(AT_FDCWD, "/tmp/x", O_CREAT | O_WRONLY, 0600)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(socket(AF_INET, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(socket(AF_INET6, SOCK_DGRAM, 0)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(socket(AF_NETLINK, SOCK_RAW, 0)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(execl("/bin/true", "true", nullptr)); }), 0);
  EXPECT_EQ(confined(ipc, [] { return refused(static_cast<int>(fork())); }), 0);
  EXPECT_EQ(confined(ipc,
                     [] {
                       return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                                      MAP_FAILED
                                  ? 0
                                  : 1;
                     }),
            0);
  EXPECT_EQ(confined(ipc, [] { return refused(unlink("/tmp/holdpoint-none")); }), 0);
}

TEST_F(Sandbox, what_reaching_the_bus_needs_stays) {
  EXPECT_EQ(confined("ipc:///run/x", [] { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : 1; }), 0);
  EXPECT_EQ(confined("tcp://127.0.0.1:1", [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1; }), 0);
}

TEST_F(Sandbox, masking_works_inside_it) {
  EXPECT_EQ(confined("ipc:///run/x",
                     [] {
                       MaskInput input;
                       input.content_type = "application/json";
                       input.service = "dynamodb";
                       return mask(input, R"({"password":"hunter22","x":"AKIAIOSFODNN7EXAMPLE"})").changed ? 0 : 1;
                     }),
            0);
}

TEST_F(Sandbox, memory_is_bounded) {
  EXPECT_EQ(confined("ipc:///run/x",
                     [] {
                       try {
                         std::vector<char> much(8ULL << 30);
                         return 1;
                       } catch (const std::bad_alloc&) {
                         return 0;
                       }
                     }),
            0);
}

TEST(Watchdog, ends_the_process_when_one_request_takes_too_long) {
  const auto run = [](std::chrono::milliseconds work) {
    const pid_t child = fork();
    if (child == 0) {
      Watchdog watchdog(std::chrono::milliseconds(200));
      watchdog.begin();
      std::this_thread::sleep_for(work);
      watchdog.end();
      std::this_thread::sleep_for(std::chrono::milliseconds(400));
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(run(std::chrono::milliseconds(2000)), 70);
  EXPECT_EQ(run(std::chrono::milliseconds(10)), 0);
}

}  // namespace
}  // namespace holdpoint::masker::testing
