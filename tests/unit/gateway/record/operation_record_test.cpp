#include "gateway/record/operation_record.hpp"

#include <gtest/gtest.h>

namespace holdpoint::record {
namespace {

OperationFacts facts() {
  OperationFacts out;
  out.operation_id = "op1";
  out.session_id = "s1";
  aws::Operation operation;
  operation.service = "secrets-manager";
  operation.operation = "PutSecretValue";
  operation.parameters = {{"SecretId", "a"}, {"SecretString", "hunter2"}, {"Nested", {{"Password", "hunter3"}}}};
  operation.sensitive = {"/SecretString", "/Nested/Password", "/Absent/Member"};
  operation.requirements = {{"secretsmanager:PutSecretValue", "arn:b", {}},
                            {"secretsmanager:PutSecretValue", "arn:a", {}}};
  describe(out, operation);
  return out;
}

TEST(OperationRecord, holds_no_member_that_the_model_marks_as_sensitive) {
  for (const EventData& data : {refused_data(facts(), {"denied", Code::denied, "no"}, {"p", "s"}, 403),
                                parked_data(facts(), {}, "r1"), intended_data(facts(), {}, {})}) {
    const std::string text = data.to_json();
    EXPECT_EQ(text.find("hunter"), std::string::npos) << text;
    EXPECT_NE(text.find("SecretString"), std::string::npos) << text;
  }
}

TEST(OperationRecord, hides_everything_when_a_pointer_does_not_parse) {
  EXPECT_EQ(to_json(without_sensitive({{"a", "hunter2"}}, {"a"})).find("hunter2"), std::string::npos);
}

TEST(OperationRecord, states_the_size_of_what_is_not_text_and_bounds_what_is_long) {
  OperationFacts odd = facts();
  odd.user_agent = "\xff\xfe";
  odd.path = std::string(100000, 'p');
  const Json data = operation_data(odd).values();
  EXPECT_EQ(data["user_agent"], "(2 bytes)");
  EXPECT_LE(data["path"].get<std::string>().size(), 4096u);
}

TEST(OperationRecord, names_each_action_and_resource_once) {
  const Json data = operation_data(facts()).values();
  EXPECT_EQ(data["actions"], Json::array({"secretsmanager:PutSecretValue"}));
  EXPECT_EQ(data["resources"], Json::array({"arn:a", "arn:b"}));
}

TEST(OperationRecord, keeps_parameters_out_when_policy_says_metadata) {
  const Judgement metadata{"p", "s", false};
  for (const EventData& event : {refused_data(facts(), {"rejected", Code::denied, "no"}, metadata, 403),
                                 parked_data(facts(), metadata, "r1"), intended_data(facts(), metadata, {})}) {
    const Json data = event.values();
    EXPECT_FALSE(data.contains("parameters")) << data;
    EXPECT_EQ(data["operation"], "PutSecretValue");
  }
  EXPECT_EQ(intended_data(facts(), metadata, {}).values()["record"], "metadata");
}

}  // namespace
}  // namespace holdpoint::record
