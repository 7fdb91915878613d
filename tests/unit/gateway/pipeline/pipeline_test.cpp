#include <gtest/gtest.h>

#include "gateway/aws/sigv4.hpp"
#include "gateway/http/head.hpp"
#include "gateway/pipeline/answer.hpp"
#include "gateway/pipeline/judgement.hpp"
#include "gateway/pipeline/masking.hpp"
#include "gateway/pipeline/refusal_answer.hpp"
#include "gateway/pipeline/services.hpp"
#include "gateway/pipeline/strangers.hpp"
#include "gateway/pipeline/unread.hpp"
#include "gateway/pipeline/waiting.hpp"
#include "gateway/service/recovery.hpp"

namespace holdpoint::pipeline {
namespace {

/// What the masker reads of a question.
Json body_of(const wire::Message& question) { return parse_json(question.text).value(); }

TEST(Answer, metadata_goes_to_the_masker_by_the_name_that_its_owner_gave) {
  aws::Headers headers{
      {"ETag", "\"a\""}, {"x-amz-meta-Password", "hunter2"}, {"Content-Type", "text/plain"}, {"X-New", "a"}};
  Json telling = telling_headers(headers);
  EXPECT_EQ(telling,
            (Json::array({{{"Name", "password"}, {"Value", "hunter2"}}, {{"Name", "x-new"}, {"Value", "a"}}})));
  telling[0]["Value"] = "REDACTED-password";
  ASSERT_TRUE(take_masked_headers(headers, telling));
  EXPECT_EQ(*http::find_header(headers, "x-amz-meta-password"), "REDACTED-password");
  EXPECT_EQ(*http::find_header(headers, "etag"), "\"a\"");
}

TEST(Answer, headers_that_came_back_as_something_else_do_not_leave) {
  for (const Json& masked :
       {Json(), Json::array(), Json::array({1}), Json::array({{{"Value", ""}}}),
        Json::array({{{"Value", "a\r\nX: b"}}}), Json::array({{{"Value", "a"}}, {{"Value", "b"}}})}) {
    aws::Headers headers{{"x-amz-meta-note", "hunter2"}};
    EXPECT_FALSE(take_masked_headers(headers, masked)) << masked.dump();
  }
}

TEST(Answer, what_an_objects_owner_may_set_to_any_text_goes_to_the_masker_unless_it_is_usual) {
  const aws::Headers usual{{"Content-Type", "text/html; charset=utf-8"},
                           {"Cache-Control", "no-cache, max-age=3600"},
                           {"Expires", "Thu, 01 Dec 1994 16:00:00 GMT"},
                           {"Content-Language", "de, en-GB"},
                           {"x-amz-meta-note-2", ""}};
  EXPECT_EQ(telling_headers(usual), (Json::array({{{"Name", "note-2"}, {"Value", ""}}})));
  for (const char* name : {"Content-Type", "Cache-Control", "Content-Language", "Expires"}) {
    for (const char* value : {"4111 1111 1111 1111", "text/x; token=hunter2hunter2hunter2", "AKIAIOSFODNN7EXAMPLE"})
      EXPECT_EQ(telling_headers({{name, value}}).size(), 1u) << name << value;
  }
}

TEST(Answer, a_header_whose_name_was_masked_goes_and_one_whose_name_was_not_stays) {
  const aws::Headers came{{"x-amz-meta-4111111111111111", "a"}, {"x-amz-meta-a0123456789abcdef", "b"}};
  Json telling = telling_headers(came);
  ASSERT_EQ(telling.size(), 4u);
  EXPECT_EQ(telling[0]["Value"], "4111111111111111");
  telling[0]["Value"] = "****";
  aws::Headers headers = came;
  ASSERT_TRUE(take_masked_headers(headers, telling));
  EXPECT_EQ(headers, (aws::Headers{{"x-amz-meta-a0123456789abcdef", "b"}}));
  telling.erase(3);
  headers = came;
  EXPECT_FALSE(take_masked_headers(headers, telling));
}

TEST(WaitPlan, sends_interim_answers_only_to_clients_that_bear_them) {
  const Duration within = std::chrono::minutes(15);
  for (const char* agent :
       {"Boto3/1.43 md/Botocore#1.43 Botocore/1.43", "aws-cli/2.9.19 Python/3.11", "aws-sdk-js/3.600.0 ua/2.0"}) {
    EXPECT_TRUE(wait_plan(agent, within).interim.has_value()) << agent;
    EXPECT_EQ(wait_plan(agent, within).bound, within) << agent;
  }
  for (const char* agent : {"aws-sdk-go-v2/1.30", "aws-sdk-rust/1.0"}) {
    EXPECT_FALSE(wait_plan(agent, within).interim.has_value()) << agent;
    EXPECT_EQ(wait_plan(agent, within).bound, within) << agent;
  }
  for (const char* agent : {"aws-sdk-java/2.20", "curl/8", ""}) {
    EXPECT_FALSE(wait_plan(agent, within).interim.has_value()) << agent;
    EXPECT_LT(wait_plan(agent, within).bound, std::chrono::seconds(30)) << agent;
  }
}

TEST(Strangers, a_flood_is_counted_and_no_longer_recorded_and_the_next_entry_says_how_many) {
  Strangers strangers;
  const auto begin = Strangers::Steady::now();
  for (int i = 0; i < static_cast<int>(Strangers::kBurst); ++i) EXPECT_EQ(strangers.admit(begin), 0u);
  for (int i = 0; i < 7; ++i) EXPECT_FALSE(strangers.admit(begin).has_value());
  const auto later = begin + std::chrono::milliseconds(25);  // room for one at 50 a second
  EXPECT_EQ(strangers.admit(later), 7u);
  EXPECT_FALSE(strangers.admit(later).has_value());
  EXPECT_EQ(strangers.admit(begin + std::chrono::hours(1)), 1u);
  EXPECT_EQ(strangers.admit(begin + std::chrono::hours(1)), 0u);
}

TEST(Answer, drops_what_belongs_to_the_hop_and_keeps_the_rest_in_order) {
  const aws::Headers out = answer_headers({{"Connection", "close"},
                                           {"ETag", "a"},
                                           {"Transfer-Encoding", "chunked"},
                                           {"Content-Length", "3"},
                                           {"X-Holdpoint-Masked", "0"},
                                           {"x-amzn-RequestId", "r"}});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].first, "ETag");
  EXPECT_EQ(upstream_request_id(out), "r");
}

TEST(Answer, that_was_masked_has_no_checksum_of_the_old_bytes) {
  aws::Headers headers{{"x-amz-crc32", "1"},
                       {"X-Amz-Checksum-CRC32", "AA=="},
                       {"Content-MD5", "x"},
                       {"Content-Type", "text/plain"},
                       {"ETag", "keep"}};
  mend_headers(headers, "123456789");
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(*http::find_header(headers, "x-amz-crc32"), "3421780262");
  EXPECT_NE(http::find_header(headers, "etag"), nullptr);
}

TEST(Masking, is_due_unless_policy_or_preset_says_off) {
  config::MaskingSettings on, off;
  off.preset = "off";
  EXPECT_TRUE(is_mask_due({}, on));
  EXPECT_FALSE(is_mask_due({}, off));
  EXPECT_FALSE(is_mask_due({{"off"}, true}, on));
  EXPECT_TRUE(is_mask_due({{"default"}, true}, off));
  EXPECT_TRUE(is_mask_due({{"off", "email"}, true}, off));
}

TEST(Masking, of_a_part_is_told_from_masking_of_the_whole) {
  const auto asks = [](const char* operation, Json parameters, aws::Headers headers = {}) {
    aws::Operation of;
    of.service = "s3", of.operation = operation, of.parameters = std::move(parameters);
    of.answer_is_data = of.operation == "GetObject";
    return asks_for_part({"GET", "/", std::move(headers)}, of);
  };
  EXPECT_FALSE(asks("GetObject", Json::object()));
  EXPECT_FALSE(asks("UploadPart", {{"PartNumber", 1}}));
  EXPECT_FALSE(asks("UploadPartCopy", {{"PartNumber", 1}, {"CopySource", "b/k"}}));
  EXPECT_TRUE(asks("GetObject", Json::object(), {{"Range", "bytes=0-3"}}));
  EXPECT_TRUE(asks("GetObject", {{"PartNumber", 1}}));
  EXPECT_TRUE(asks("UploadPartCopy", {{"CopySource", "b/k"}, {"CopySourceRange", "bytes=0-19"}}));
  EXPECT_TRUE(asks("SelectObjectContent", {{"Expression", "SELECT substring(s._1, 1, 8) FROM S3Object s"}}));
}

TEST(Masking, is_asked_for_with_the_rules_of_this_operation_and_target) {
  config::MaskingSettings settings;
  settings.paths = {{"dynamodb:GetItem:Item.note", "secret"}, {"s3:GetObject:note", "secret"}};
  config::MaskRule rule;
  rule.service = "dynamodb", rule.target = "prod", rule.text = "Item.name", rule.mask_class = "email";
  settings.rules = {rule};
  aws::Operation operation;
  operation.service = "dynamodb", operation.operation = "GetItem";
  MaskSubject subject{"application/json", {}, "answer", false, "prod"};
  const auto paths = [&] { return body_of(mask_request(subject, operation, {}, settings, {}))["rules"]["paths"]; };
  EXPECT_EQ(paths(), Json::array({{{"class", "secret"}, {"name", "operator"}, {"path", "Item.note"}},
                                  {{"class", "email"}, {"name", "operator"}, {"path", "Item.name"}}}));
  subject.target = "test";
  EXPECT_EQ(paths().size(), 1u);
  EXPECT_FALSE(body_of(mask_request(subject, operation, {}, {}, {})).contains("rules"));
}

TEST(Masking, is_asked_for_with_the_rules_of_all_operations_that_look_the_same_on_the_wire) {
  config::MaskingSettings settings;
  settings.paths = {{"docdb:DescribeDBClusters:Endpoint", "secret"},
                    {"rds:DescribeDBClusters:MasterUsername", "secret"},
                    {"*:DescribeDBClusters:Note", "secret"},
                    {"neptune:DeleteDBCluster:Other", "secret"}};
  config::MaskRule rule;
  rule.service = "neptune", rule.operation = "*", rule.text = "Nightingale", rule.mask_class = "secret";
  rule.kind = config::MaskRule::Kind::literal;
  settings.rules = {rule};
  aws::Operation operation;
  operation.service = "rds", operation.operation = "DescribeDBClusters";
  operation.candidates = {"rds:DescribeDBClusters", "docdb:DescribeDBClusters", "neptune:DescribeDBClusters"};
  const Json rules = body_of(mask_request({}, operation, {}, settings, {}))["rules"];
  std::vector<std::string> paths;
  for (const Json& each : rules["paths"]) paths.push_back(each["path"].get<std::string>());
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{"Endpoint", "MasterUsername", "Note"}));
  ASSERT_EQ(rules["patterns"].size(), 1u);
  EXPECT_EQ(rules["patterns"][0]["literal"], "Nightingale");
}

TEST(Masking, covers_the_members_that_hand_something_out_whatever_the_masker_knows) {
  aws::Operation operation;
  operation.service = "ecr";
  operation.operation = "GetDownloadUrlForLayer";
  EXPECT_FALSE(body_of(mask_request({}, operation, {}, {}, "")).contains("rules"));
  operation.hands_out = aws::HandsOut::named;
  Json body = body_of(mask_request({}, operation, {}, {}, ""));
  EXPECT_EQ(body["rules"]["paths"], (Json::array({{{"path", "downloadUrl"}, {"class", "secret"}}})));
  MaskSubject answer{"application/json", {}, "answer", false, "prod", {{"secret", Instant::max(), "p", "s"}}};
  EXPECT_FALSE(body_of(mask_request(answer, operation, {}, {}, ""))["rules"].contains("unmask"));
  operation.hands_out = aws::HandsOut::nothing;
  EXPECT_TRUE(body_of(mask_request(answer, operation, {}, {}, ""))["rules"].contains("unmask"));
}

TEST(Judgement, finds_terms_stricter_when_they_ask_for_more_than_was_granted) {
  policy::ReviewTerms reviewed;
  reviewed.reviewers = {"sre", "dba"};
  reviewed.grant_for = std::chrono::minutes(30);
  policy::ReviewTerms asked = reviewed;
  EXPECT_FALSE(is_stricter(asked, reviewed));
  std::swap(asked.reviewers[0], asked.reviewers[1]);
  EXPECT_FALSE(is_stricter(asked, reviewed));
  asked = reviewed, asked.required = 2;
  EXPECT_TRUE(is_stricter(asked, reviewed));
  asked = reviewed, asked.reviewers = {"security"};
  EXPECT_TRUE(is_stricter(asked, reviewed));
  asked = reviewed, asked.grant_for.reset();
  EXPECT_TRUE(is_stricter(asked, reviewed));
  asked = reviewed, asked.grant_for = std::chrono::minutes(10);
  EXPECT_TRUE(is_stricter(asked, reviewed));
}

TEST(Refusal, of_a_call_that_may_have_run_is_never_one_that_sdks_retry) {
  const aws::HttpHead head{"POST", "/", {{"X-Amz-Target", "DynamoDB_20120810.DeleteTable"}}};
  for (const Code code :
       {Code::outcome_unknown, Code::conflict, Code::denied, Code::rejected, Code::timed_out, Code::unavailable}) {
    const auto answer = refusal_answer({head, nullptr, "dynamodb", std::nullopt, "r"}, {"denied", code, "why"});
    EXPECT_GE(answer.status, 400) << static_cast<int>(code);
    EXPECT_LT(answer.status, 500) << static_cast<int>(code);
    EXPECT_NE(answer.status, 429) << static_cast<int>(code);
    EXPECT_EQ(answer.body.find("Throttl"), std::string::npos) << static_cast<int>(code);
  }
}

TEST(Refusal, of_revoked_access_is_one_of_the_credentials) {
  const aws::HttpHead head{"POST", "/", {{"X-Amz-Target", "DynamoDB_20120810.GetItem"}}};
  const auto answer =
      refusal_answer({head, nullptr, "dynamodb", std::nullopt, "r"}, {"denied", Code::revoked, "access was revoked"});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code, "UnrecognizedClientException");
}

TEST(Unread, heads_are_glanced_at_for_the_shape_of_the_error) {
  struct Row {
    const char* head;
    const char* service;
    std::size_t headers;
  };
  const Row rows[] = {
      {"POST / HTTP/1.1\r\nX-Amz-Target: A.B\r\nbroken\nX-A : b\r\n\r\nbody: x", "", 2},
      {"GET /?X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Fs3%2Faws4_request HTTP/1.1\r\n", "s3", 0},
      {"PUT /b HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/ec2/aws4_request", "ec2",
       1},
      {"\xff\xfe", "", 0},
      {"", "", 0},
      {" ", "", 0},
  };
  for (const Row& row : rows) {
    const aws::HttpHead head = glance(row.head);
    EXPECT_EQ(aws::claimed_service(head), row.service) << row.head;
    EXPECT_EQ(head.headers.size(), row.headers) << row.head;
  }
}

configuration::SnapshotPtr sealed_by(char key) {
  std::vector<identity::SessionSeal::MasterKey> keys;
  keys.push_back({"k1", Secret(Bytes(32, key))});
  return std::make_shared<const configuration::Snapshot>(
      configuration::Snapshot{config::Document{},
                              identity::SessionSeal::from_keys(std::move(keys)).value(),
                              identity::TokenVerifier({}),
                              Secret(),
                              {},
                              {},
                              {},
                              {},
                              {},
                              {}});
}

TEST(OpenedSessions, open_by_the_whole_token_until_they_end_and_by_the_keys_in_force) {
  const Instant now = from_unix_seconds(1'800'000'000);
  const auto snapshot = sealed_by('a');
  identity::Session session;
  session.id = "s1";
  session.expires_at = now + std::chrono::hours(1);
  const auto minted = snapshot->seal.mint(session).value();
  OpenedSessions sessions;
  const auto open = [&](const configuration::SnapshotPtr& by, const std::string& token, Instant at) {
    return sessions.open(by, minted.access_key_id, token, at);
  };
  std::string altered = minted.session_token;
  altered[altered.size() / 2] = altered[altered.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(open(snapshot, altered, now).error().code, Code::unauthenticated);
  const auto first = open(snapshot, minted.session_token, now);
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->session.id, "s1");
  EXPECT_EQ((*first)->secret_access_key.reveal(), minted.secret_access_key);
  EXPECT_EQ(open(snapshot, minted.session_token, now)->get(), first->get()) << "opened once";
  EXPECT_EQ(open(snapshot, altered, now).error().code, Code::unauthenticated);
  EXPECT_EQ(open(snapshot, "", now).error().code, Code::unauthenticated);
  EXPECT_EQ(open(snapshot, minted.session_token + "A", now).error().code, Code::unauthenticated);
  EXPECT_EQ(open(snapshot, minted.session_token, session.expires_at).error().code, Code::expired);
  EXPECT_TRUE(open(snapshot, minted.session_token, now));
  EXPECT_EQ(open(sealed_by('b'), minted.session_token, now).error().code, Code::unauthenticated)
      << "its key is not in force any more";
  EXPECT_TRUE(open(snapshot, minted.session_token, now));
}

TEST(SigningKeys, follow_a_secret_that_was_mended_under_the_same_id) {
  SigningKeys keys;
  const Bytes first(keys.get("AKIA", "wrong", "20260101", "eu-west-1", "s3"));
  EXPECT_EQ(keys.get("AKIA", "wrong", "20260101", "eu-west-1", "s3"), first);
  const Bytes second(keys.get("AKIA", "right", "20260101", "eu-west-1", "s3"));
  EXPECT_NE(second, first);
  EXPECT_EQ(second, aws::derive_signing_key("right", "20260101", "eu-west-1", "s3").reveal());
}

TEST(SessionPolicies, are_compiled_once_and_never_taken_for_one_another) {
  const auto policy = [](const std::string& effect) {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":")" + effect + R"(","Action":"s3:*","Resource":"*"}]})";
  };
  SessionPolicies policies;
  const auto first = policies.get(policy("Allow"));
  ASSERT_TRUE(first);
  EXPECT_EQ(&policies.get(policy("Allow"))->statements(), &first->statements());
  EXPECT_EQ(policies.get(policy("Deny"))->statements().front().effect, policy::Effect::deny);
  EXPECT_EQ(policies.get("{}").error().code, Code::configuration);
  EXPECT_EQ(policies.get("{}").error().code, Code::configuration);
  // More than fit: what was forgotten is compiled again, to the same policy.
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(policies.get(policy("Allow") + std::string(static_cast<std::size_t>(i), ' ')));
  EXPECT_EQ(policies.get(policy("Deny"))->statements().front().effect, policy::Effect::deny);
}

// ---- recovery -----------------------------------------------------------------------------------------------------

// A journal that holds no intent may be an older copy of the one that does.
TEST(Recovery, never_gives_a_grant_back_whatever_the_journal_holds) {
  record::OperationFacts facts;
  facts.operation_id = "op";
  const auto entry = [](std::string_view type, const record::EventData& data) {
    record::Event event;
    event.type = type;
    event.subject = "op";
    event.time = system_now();
    return record::event_to_json(event, data.to_json());
  };
  const auto ended = [&](const char* outcome) {
    record::OutcomeFacts what;
    what.outcome = outcome;
    what.status = 200;
    return entry(record::type::kOperationCompleted, record::completed_data(facts, what));
  };
  const Bytes parked = entry(record::type::kOperationParked, record::parked_data(facts, {}, "r"));
  const Bytes intended = entry(record::type::kOperationIntended, record::EventData(Json{{"operation_id", "op"}}));
  struct Row {
    std::vector<Bytes> journal;
    std::string state;
  };
  for (const Row& row : {Row{{}, "unknown"}, Row{{parked}, "unknown"}, Row{{parked, intended}, "unknown"},
                         Row{{parked, intended, ended("done")}, "done"}, Row{{intended, ended("failed")}, "failed"}}) {
    std::map<std::string, service::Trace> traces{{"op", {}}};
    for (const Bytes& each : row.journal) service::trace_entry(each, traces);
    const auto settlement = service::settlement_of({"op", "r", 3}, traces["op"], "gateway-1");
    EXPECT_EQ(settlement.state, row.state);
    EXPECT_EQ(settlement.claimer.epoch, 3u);
  }
}

TEST(Recovery, leaves_the_claims_of_this_boot_alone) {
  const Json reported = *parse_json(
      R"({"claims":[{"operation_id":"a","review_id":"r","epoch":1,"state":"claimed"},
                    {"operation_id":"b","review_id":"r","epoch":2,"state":"claimed"},
                    {"operation_id":"c","review_id":"r","epoch":1,"state":"done"}]})");
  const auto held = service::held_claims(reported, 2);
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].operation_id, "a");
}

}  // namespace
}  // namespace holdpoint::pipeline
