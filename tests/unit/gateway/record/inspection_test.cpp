#include "gateway/record/inspection.hpp"

#include <gtest/gtest.h>

#include "gateway/record/placeholders.hpp"
#include "gateway/record/plain_text.hpp"
#include "gateway/record/shape.hpp"

namespace holdpoint::record {
namespace {

constexpr const char* kTable = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";

aws::Operation update() {
  aws::Operation operation;
  operation.service = "dynamodb";
  operation.operation = "UpdateItem";
  operation.requirements = {{"dynamodb:UpdateItem", kTable, {}}};
  operation.parameters = {{"TableName", "orders"},
                          {"Key", {{"id", {{"S", "4111111111111111"}}}}},
                          {"UpdateExpression", "SET settings.#p = :p, note = if_not_exists(note, :n)"},
                          {"ConditionExpression", "size(tags) > :zero AND api_key BETWEEN :a AND :b"},
                          {"ExpressionAttributeNames", {{"#p", "password"}}},
                          {"ExpressionAttributeValues",
                           {{":p", {{"S", "hunter2"}}},
                            {":n", {{"S", "x"}}},
                            {":a", {{"S", "y"}}},
                            {":b", {{"S", "z"}}},
                            {":zero", {{"N", "0"}}}}}};
  return operation;
}

OperationFacts facts_of(const aws::Operation& operation) {
  OperationFacts facts;
  facts.operation_id = "op1";
  describe(facts, operation);
  return facts;
}

TEST(PlainText, is_what_clients_tables_and_objects_are_ordinarily_called) {
  for (const char* text :
       {kTable, "arn:aws:s3:::reports/2026/11/summary.csv", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/x:*",
        "aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0-18-amd64 source/x86_64.debian.12 prompt/off "
        "command/dynamodb.get-item",
        "aws-sdk-js/3.1 ua/2.1 os/linux#5.15.0 lang/js md/nodejs#18.20.4 api/dynamodb#3.1 m/E,b", "/", "", "*",
        "UnknownOperationException", "bücher", "01a1fe9c-311d-7e09-9d22-41d6b3276922"})
    EXPECT_TRUE(is_plain(text)) << text;
}

TEST(PlainText, is_nothing_that_a_detector_could_find) {
  for (const char* text :
       {"AKIAIOSFODNN7EXAMPLE", "arn:aws:s3:::b/AKIAIOSFODNNZEXAMPLE", "password=hunter2", "password: x",
        "4111 1111 1111 1111", "4111-1111-1111-1111", "078-05-1120", "DE89370400440532013000",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "-----BEGIN RSA PRIVATE KEY-----", "https://user:pw@host",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz", "a@b.example", "basic dXNlcjpwYXNz", "\xff",
        "arn:aws:s3:::b/k:secret:x", "$6$salt$hash"})
    EXPECT_FALSE(is_plain(text)) << text;
}

TEST(PlainText, keeps_the_parts_around_what_it_withholds) {
  EXPECT_EQ(plain_part("arn:aws:s3:::b/tmp/AKIAIOSFODNN7EXAMPLE/x.txt"), "arn:aws:s3:::b/tmp/(20 bytes)/x.txt");
  for (const char* text :
       {"password: x", "password = hunter2", "tool/1.0 password: \xc3\xa9x", "arn:aws:s3:::b/secret: x"})
    EXPECT_NE(plain_part(text).find(" bytes)"), std::string::npos) << plain_part(text);
  EXPECT_EQ(plain_part("password: x"), "(11 bytes)");
  EXPECT_EQ(plain_part("my password hunter2!"), "(20 bytes)");
  EXPECT_EQ(plain_sentence("\"Sid\" of policies/p.json on arn:aws:s3:::b/AKIAIOSFODNN7EXAMPLE denies 123456789012"),
            "\"Sid\" of policies/p.json on arn:aws:s3:::b/(20 bytes) denies 123456789012");
}

TEST(PlainText, of_a_name_that_the_masker_has_read_only_cards_are_replaced) {
  EXPECT_EQ(without_cards("arn:aws:s3:::b/4111111111111111/1795274499218/4111111111111112/x"),
            "arn:aws:s3:::b/(16 bytes)/1795274499218/4111111111111112/x");
}

TEST(PlainText, keeps_the_names_of_sessions_but_for_keys) {
  for (const char* name : {"aws-sdk-js-session-1795274499218", "alice@corp.example", "botocore-session-1795274499"})
    EXPECT_EQ(plain_name(name), name);
  EXPECT_EQ(plain_name("x-AKIAIOSFODNN7EXAMPLE"), "x-(20 bytes)");
}

TEST(Shape, holds_names_and_sizes_and_what_names_the_resource) {
  const Json shape = shape_of({{"TableName", "orders"},
                               {"Limit", 7},
                               {"ConsistentRead", true},
                               {"Key", {{"id", {{"S", "orders"}}}, {"AKIAIOSFODNN7EXAMPLE", {{"S", "x"}}}}}},
                              {kTable});
  EXPECT_EQ(shape,
            (Json{{"TableName", "orders"},
                  {"Limit", "(number)"},
                  {"ConsistentRead", true},
                  {"Key", {{"id", {{"S", "(text, 6 bytes)"}}}, {"(name 1, 20 bytes)", {{"S", "(text, 1 bytes)"}}}}}}));
}

TEST(Shape, is_bounded) {
  Json deep = "x";
  for (int i = 0; i < 100; ++i) deep = Json{{"a", deep}};
  const Json shape = shape_of({{"deep", deep}, {"wide", Json(std::vector<int>(100000, 1))}}, {});
  EXPECT_LT(to_json(shape).size(), 16384u);
}

TEST(Placeholders, are_named_by_the_attribute_that_an_expression_gives_them_to) {
  std::map<std::string, std::string> names;
  for (const NamedPlace& each : named_places(update().parameters)) names[each.place.to_string()] = each.name;
  EXPECT_EQ(names, (std::map<std::string, std::string>{{"/ExpressionAttributeValues/:p", "password"},
                                                       {"/ExpressionAttributeValues/:n", "note"},
                                                       {"/ExpressionAttributeValues/:a", "api_key"},
                                                       {"/ExpressionAttributeValues/:b", "api_key"},
                                                       {"/ExpressionAttributeValues/:zero", "tags"}}));
}

TEST(Placeholders, of_statements_are_named_in_order) {
  const auto places = named_places(
      {{"Statements",
        {{{"Statement", "UPDATE \"t\" SET \"password\"=? WHERE id=?"}, {"Parameters", {{{"S", "x"}}, {{"S", "1"}}}}},
         {{"Statement", "INSERT INTO t VALUE {'id': ?, 'client_secret': ?}"},
          {"Parameters", {{{"S", "2"}}, {{"S", "y"}}}}}}}});
  ASSERT_EQ(places.size(), 4u);
  EXPECT_EQ(places[0].name, "password");
  EXPECT_EQ(places[1].name, "id");
  EXPECT_EQ(places[2].name, "id");
  EXPECT_EQ(places[3].name, "client_secret");
  EXPECT_EQ(places[3].place.to_string(), "/Statements/1/Parameters/1");
}

TEST(Inspection, puts_what_the_masker_left_into_the_facts) {
  const aws::Operation operation = update();
  OperationFacts facts = facts_of(operation);
  facts.user_agent = "tool password=hunter3";
  Inspection inspection(facts, operation);
  Json document = parse_json(inspection.document()).value();
  document["named"][0]["password"]["S"] = "REDACTED-password";
  document["parameters"]["Key"]["id"]["S"] = "411111******1111";
  document["texts"][0] = "tool password=REDACTED";
  inspection.take(facts, document);
  const Json data = operation_data(facts).values();
  EXPECT_EQ(data["parameters"]["ExpressionAttributeValues"][":p"]["S"], "REDACTED-password");
  EXPECT_EQ(data["parameters"]["ExpressionAttributeValues"][":n"]["S"], "x");
  EXPECT_EQ(data["parameters"]["Key"]["id"]["S"], "411111******1111");
  EXPECT_EQ(data["user_agent"], "tool password=REDACTED");
}

TEST(Inspection, that_left_the_document_as_it_was_says_the_same_as_that_document) {
  aws::Operation operation = update();
  operation.parameters["Note"] = "order 4111111111111111";
  operation.sensitive = {"/Key/id"};
  OperationFacts read = facts_of(operation);
  read.user_agent = "tool note=1";
  OperationFacts told = read;
  Inspection inspection(read, operation);
  const Json document = parse_json(inspection.document()).value();
  EXPECT_EQ(document["parameters"]["Key"]["id"], (Json{{"masked", "sensitive"}}));
  EXPECT_EQ(document["named"].size(), named_places(operation.parameters).size());
  inspection.take(read, document);
  Inspection(told, operation).take_unchanged(told);
  EXPECT_EQ(told.parameters["Note"], "order (16 bytes)");
  EXPECT_EQ(operation_data(told).to_json(), operation_data(read).to_json());
}

TEST(Inspection, withholds_parameters_beyond_the_bound) {
  aws::Operation operation = update();
  operation.parameters = {{"a", std::string(kParameterBytesMax, 'x')}};
  OperationFacts facts = facts_of(operation);
  Inspection inspection(facts, operation);
  EXPECT_LT(inspection.document().size(), 200u);
  inspection.take_unchanged(facts);
  EXPECT_EQ(facts.parameters.value("bytes", 0u), kParameterBytesMax + 8);
}

TEST(Inspection, leaves_shapes_when_the_answer_is_not_the_document_that_was_asked_about) {
  const aws::Operation operation = update();
  for (const Json& masked :
       {Json(), Json::array(), Json{{"parameters", Json::object()}},
        Json{{"parameters", {{"a", "hunter2"}}}, {"named", Json::array()}, {"texts", Json::array()}}}) {
    OperationFacts facts = facts_of(operation);
    Inspection(facts, operation).take(facts, masked);
    EXPECT_EQ(operation_data(facts).to_json().find("hunter2"), std::string::npos);
    EXPECT_EQ(facts.parameters["TableName"], "orders");
  }
}

TEST(Inspection, is_needed_before_it_and_not_after_it_for_a_secret_in_a_name) {
  aws::Operation operation;
  operation.service = "s3";
  operation.operation = "GetObject";
  operation.requirements = {{"s3:GetObject", "arn:aws:s3:::b/token=AKIAIOSFODNN7EXAMPLE", {}}};
  OperationFacts facts = facts_of(operation);
  facts.path = "/b/token%3DAKIAIOSFODNN7EXAMPLE";
  EXPECT_TRUE(has_unplain_text(facts));
  const operation::Refusal refusal{"denied", Code::denied,
                                   "s3:GetObject on arn:aws:s3:::b/token=AKIAIOSFODNN7EXAMPLE is not allowed"};
  EXPECT_EQ(refused_data(facts, refusal, {}, 403).to_json().find("AKIAIOSFODNN7EXAMPLE"), std::string::npos);
  Inspection inspection(facts, operation);
  const Json document = parse_json(inspection.document()).value();
  EXPECT_EQ(document["texts"],
            Json::array({"arn:aws:s3:::b/token=AKIAIOSFODNN7EXAMPLE", "/b/token=AKIAIOSFODNN7EXAMPLE"}));
  Json masked = document;
  masked["texts"] = {"arn:aws:s3:::b/token=REDACTED", "/b/token=REDACTED"};
  masked["parameters"] = {{"Key", "x/4111111111111111"}};
  inspection.take(facts, masked);
  const Json data = refused_data(facts, refusal, {}, 403).values();
  EXPECT_EQ(data["resources"], Json::array({"arn:aws:s3:::b/token=REDACTED"}));
  EXPECT_EQ(data["path"], "/b/token=REDACTED");
  EXPECT_EQ(data["parameters"]["Key"], "x/(16 bytes)");
  EXPECT_EQ(data["reason"], "s3:GetObject on arn:aws:s3:::b/token=REDACTED is not allowed");
}

}  // namespace
}  // namespace holdpoint::record
