#include "gateway/aws/condition_keys.hpp"

#include <gtest/gtest.h>

#include "gateway/aws/dynamodb_expression.hpp"
#include "gateway/aws/request_keys.hpp"
#include "tests/unit/gateway/aws/calls.hpp"

namespace holdpoint::aws {
namespace {

using Values = std::vector<std::string>;

// A key's values, sorted; {"absent"}, or {"unknown"} where it stands without a value.
Values key_of(const std::string& operation, const std::string& body, const char* key) {
  const auto call = classify_call(json_call("dynamodb", "DynamoDB_20120810." + operation, body));
  if (!call) return {call.error().context};
  const auto found = call->operation.context.find(key);
  if (found == call->operation.context.end()) return {"absent"};
  if (found->second.empty()) return {"unknown"};
  Values values = found->second;
  std::sort(values.begin(), values.end());
  return values;
}

Values leading(const std::string& operation, const std::string& body) {
  return key_of(operation, body, "dynamodb:leadingkeys");
}
Values attributes(const std::string& operation, const std::string& body) {
  return key_of(operation, body, "dynamodb:attributes");
}

const Values kUnknown{"unknown"};

TEST(ConditionKeys, every_way_to_write_a_key_condition_yields_the_value_or_says_that_it_is_unknown) {
  const auto query = [](const std::string& expression) {
    return leading("Query", R"({"TableName":"t","KeyConditionExpression":")" + expression +
                                R"(","ExpressionAttributeValues":{":victim":{"S":"v"},":own":{"S":"o"}}})");
  };
  EXPECT_EQ(query("pk = :victim"), Values{"v"});
  EXPECT_EQ(query("pk=:victim"), Values{"v"});
  EXPECT_EQ(query(":victim = pk"), Values{"v"});
  EXPECT_EQ(query(R"(pk =\n:victim)"), Values{"v"});
  EXPECT_EQ(query(R"(pk\t=\r\n\t :victim)"), Values{"v"});
  EXPECT_EQ(query(R"(sk = :own AND pk =\n:victim)"), (Values{"o", "v"}));
  EXPECT_EQ(query("pk = :victim AND sk >= :own"), Values{"v"});
  EXPECT_EQ(query("pk = :absent"), kUnknown);
  EXPECT_EQ(query("pk = (:victim)"), kUnknown);
  EXPECT_EQ(query("pk BETWEEN :own AND :victim"), kUnknown);
  EXPECT_EQ(query(R"(pk =\u00a0:victim)"), kUnknown);
  EXPECT_EQ(query("pk = :victim /* x */"), kUnknown);
  EXPECT_EQ(query(""), kUnknown);
  EXPECT_EQ(leading("Query", R"({"TableName":"t"})"), kUnknown);
  EXPECT_EQ(leading("GetItem", R"({"TableName":"t","Key":"x"})"), kUnknown);
  EXPECT_EQ(leading("GetItem", R"({"TableName":"t","Key":{"id":{"S":"1"}}})"), Values{"1"});
  EXPECT_EQ(leading("Query", R"({"TableName":"t","KeyConditions":{"pk":{"ComparisonOperator":"EQ",)"
                             R"("AttributeValueList":[{"S":"v"}]}}})"),
            Values{"v"});
  EXPECT_EQ(leading("Query", R"({"TableName":"t","KeyConditions":{"pk":{"ComparisonOperator":"EQ"}}})"), kUnknown);
  EXPECT_EQ(leading("ExecuteStatement", R"({"Statement":"SELECT * FROM t WHERE pk='v'"})"), kUnknown);
  EXPECT_EQ(leading("Scan", R"({"TableName":"t"})"), Values{"absent"});  // AWS's Scan has no such key
}

TEST(ConditionKeys, every_attribute_of_an_expression_counts) {
  const auto update = [](const std::string& expression) {
    return attributes("UpdateItem", R"({"TableName":"t","Key":{"id":{"S":"1"}},"UpdateExpression":")" + expression +
                                        R"(","ExpressionAttributeNames":{"#n":"name"}})");
  };
  EXPECT_EQ(update("SET x = salary-:z"), (Values{"id", "salary", "x"}));
  EXPECT_EQ(update("SET a.b[0].#c = if_not_exists(d, :z) REMOVE e"), (Values{"a", "d", "e", "id"}));
  EXPECT_EQ(update("SET #n = size (s)"), (Values{"id", "name", "s"}));
  EXPECT_EQ(update("ADD n :x, b :y DELETE l :z"), (Values{"b", "id", "l", "n"}));
  EXPECT_EQ(update("SET #missing = :z"), kUnknown);
  EXPECT_EQ(update("SET x = unheard_of(y)"), kUnknown);
  EXPECT_EQ(update("SET x = 'y'"), kUnknown);
  EXPECT_EQ(
      attributes("Scan", R"~({"TableName":"t","FilterExpression":"begins_with (secret, :a) and not(b in (:c))"})~"),
      (Values{"b", "secret"}));
}

TEST(ConditionKeys, the_members_of_older_clients_name_attributes_as_well) {
  EXPECT_EQ(attributes("UpdateItem", R"({"TableName":"t","Key":{"id":{"S":"1"}},"AttributeUpdates":{"salary":{}},)"
                                     R"("Expected":{"state":{"Exists":false}}})"),
            (Values{"id", "salary", "state"}));
  EXPECT_EQ(
      attributes("Query", R"({"TableName":"t","KeyConditions":{"pk":{"ComparisonOperator":"EQ",)"
                          R"("AttributeValueList":[{"S":"v"}]}},"QueryFilter":{"f":{}},"AttributesToGet":["g"]})"),
      (Values{"f", "g", "pk"}));
  EXPECT_EQ(attributes("Scan", R"({"TableName":"t","ScanFilter":{"f":{}}})"), Values{"f"});
  EXPECT_EQ(attributes("Scan", R"({"TableName":"t","AttributesToGet":[1]})"), kUnknown);
  EXPECT_EQ(attributes("ExecuteStatement", R"({"Statement":"SELECT a FROM t"})"), kUnknown);
}

TEST(ConditionKeys, batches_and_transactions_hold_the_keys_of_all_that_they_name) {
  EXPECT_EQ(leading("BatchGetItem", R"({"RequestItems":{"t":{"Keys":[{"id":{"S":"1"}},{"id":{"S":"2"}}]}}})"),
            (Values{"1", "2"}));
  EXPECT_EQ(leading("BatchWriteItem", R"({"RequestItems":{"t":[{"PutRequest":{"Item":{"id":{"S":"1"}}}},)"
                                      R"({"DeleteRequest":{"Key":{"id":{"N":"2"}}}}]}})"),
            (Values{"1", "2"}));
  EXPECT_EQ(leading("TransactWriteItems", R"({"TransactItems":[{"Put":{"TableName":"t","Item":{"id":{"S":"1"}}}},)"
                                          R"({"ConditionCheck":{"TableName":"t","Key":{"id":{"S":"2"}}}}]})"),
            (Values{"1", "2"}));
}

TEST(ConditionKeys, what_a_request_does_not_say_is_absent_only_where_the_request_alone_would_say_it) {
  EXPECT_TRUE(is_absence_known("s3:x-amz-acl", "s3:putobject"));
  EXPECT_TRUE(is_absence_known("iam:permissionsboundary", "iam:createrole"));
  EXPECT_FALSE(is_absence_known("iam:permissionsboundary", "iam:putrolepolicy"));
  EXPECT_FALSE(is_absence_known("ec2:instancetype", "ec2:runinstances"));
  EXPECT_FALSE(is_absence_known("ec2:owner", "ec2:runinstances"));
}

}  // namespace
}  // namespace holdpoint::aws
