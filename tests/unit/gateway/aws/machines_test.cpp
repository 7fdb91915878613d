#include <gtest/gtest.h>

#include "tests/unit/gateway/aws/calls.hpp"

namespace holdpoint::aws {
namespace {

const std::string kInstance = "arn:aws:ec2:eu-west-1:123456789012:instance/";
const std::string kManaged = "arn:aws:ssm:eu-west-1:123456789012:managed-instance/";
const std::string kRunShell = "arn:aws:ssm:eu-west-1:123456789012:document/AWS-RunShellScript";

// Of one call, without what the table knows by itself.
std::vector<std::string> machines(const std::string& operation, const std::string& body) {
  std::vector<std::string> out;
  const std::string action = "ssm:" + operation + " ";
  for (const std::string& pair : pairs_of(json_call("ssm", "AmazonSSM." + operation, body))) {
    const bool machine = pair.find("instance/") != std::string::npos;
    if (!pair.starts_with(action) || machine) out.push_back(machine ? pair.substr(action.size()) : pair);
  }
  return out;
}

TEST(Machines, a_command_is_decided_on_every_machine_that_it_may_run_on) {
  const auto send = [](const std::string& rest) {
    return machines("SendCommand", R"({"DocumentName":"AWS-RunShellScript",)" + rest + "}");
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(send(R"("InstanceIds":["i-1","mi-2"])"), (List{kInstance + "i-1", kManaged + "mi-2"}));
  EXPECT_EQ(send(R"("Targets":[{"Key":"InstanceIds","Values":["i-prod"]}])"), List{kInstance + "i-prod"});
  EXPECT_EQ(send(R"("InstanceIds":["i-1"],"Targets":[{"Key":"InstanceIds","Values":["i-2"]}])"),
            (List{kInstance + "i-1", kInstance + "i-2"}));
  const List any{kInstance + "*", kManaged + "*"};
  EXPECT_EQ(send(R"("Targets":[{"Key":"tag:env","Values":["prod"]}])"), any);
  EXPECT_EQ(send(R"("Targets":[{"Key":"resource-groups:Name","Values":["g"]}])"), any);
  EXPECT_EQ(send(R"("Targets":[{"Key":"InstanceIds","Values":["*"]}])"), any);
  EXPECT_EQ(send(R"("Targets":[{"Key":"instanceids","Values":["i-1"]}])"), any);
  EXPECT_EQ(send(R"("Targets":{"Key":"InstanceIds"})"), any);
  EXPECT_EQ(send(R"("Targets":[])"), any);
  EXPECT_EQ(send(R"("InstanceIds":[])"), any);
  EXPECT_EQ(pairs_of(json_call("ssm", "AmazonSSM.SendCommand",
                               R"({"DocumentName":"AWS-RunShellScript","InstanceIds":["i-1"]})")),
            (List{"ssm:SendCommand " + kInstance + "i-1", "ssm:SendCommand " + kRunShell}));
}

TEST(Machines, associations_and_maintenance_windows_name_theirs_alike) {
  using List = std::vector<std::string>;
  const List any{kInstance + "*", kManaged + "*"};
  EXPECT_EQ(machines("CreateAssociation", R"({"Name":"d","InstanceId":"i-1"})"), List{kInstance + "i-1"});
  EXPECT_EQ(machines("CreateAssociation", R"({"Name":"d","Targets":[{"Key":"tag:a","Values":["b"]}]})"), any);
  EXPECT_EQ(machines("CreateAssociation", R"({"Name":"d","InstanceId":"i-1","TargetLocations":[{}]})"),
            (List{"arn:aws:ec2:*:*:instance/*", kInstance + "i-1", "arn:aws:ssm:*:*:managed-instance/*"}));
  EXPECT_EQ(machines("CreateAssociationBatch", R"({"Entries":[{"Name":"d","InstanceId":"i-1"},)"
                                               R"({"Name":"d","Targets":[{"Key":"InstanceIds","Values":["i-2"]}]}]})"),
            (List{kInstance + "i-1", kInstance + "i-2"}));
  EXPECT_EQ(machines("CreateAssociationBatch", R"({"Entries":[{"Name":"d"}]})"), any);
  EXPECT_EQ(machines("UpdateAssociation", R"({"AssociationId":"a","Name":"d"})"), List{});
  EXPECT_EQ(
      machines("UpdateAssociation", R"({"AssociationId":"a","Targets":[{"Key":"InstanceIds","Values":["i-1"]}]})"),
      List{kInstance + "i-1"});
  EXPECT_EQ(machines("RegisterTaskWithMaintenanceWindow",
                     R"({"WindowId":"mw-1","TaskArn":"AWS-RunShellScript","TaskType":"RUN_COMMAND",)"
                     R"("Targets":[{"Key":"WindowTargetIds","Values":["x"]}]})"),
            any);
}

}  // namespace
}  // namespace holdpoint::aws
