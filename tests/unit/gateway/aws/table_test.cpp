#include "gateway/aws/table.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "bus/base/text.hpp"
#include "gateway/aws/resources.hpp"

namespace holdpoint::aws {
namespace {

std::string read(const std::string& path) {
  // Reads plain files as well.
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  std::string buffer(1 << 16, '\0');
  for (int size = 0;
       file != nullptr && (size = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0;) {
    text.append(buffer, 0, static_cast<std::size_t>(size));
  }
  if (file != nullptr) gzclose(file);
  return text;
}

TEST(Table, EveryOperationHasARouteAndAnAction) {
  std::size_t operations = 0;
  for (const auto& service : Table::instance().services()) {
    for (const OperationModel& operation : service->operations()) {
      ++operations;
      EXPECT_FALSE(actions_of(operation).empty()) << service->id << ":" << operation.name;
      EXPECT_TRUE(operation.uri.starts_with('/')) << service->id << ":" << operation.name;
      const OperationModel* first = service->operation(operation.name);
      ASSERT_NE(first, nullptr) << service->id << ":" << operation.name;
      EXPECT_TRUE(first == &operation || (operation.is_older && first->name == operation.name))
          << service->id << ":" << operation.name;
    }
  }
  EXPECT_GT(operations, 15000u);
  EXPECT_GT(Table::instance().services().size(), 280u);
}

// A member twice in one template would have policy decide on "service/x/x" where the call works on "service/prod/x".
TEST(Table, ATemplateIsOneFormatThatNoMemberFillsTwice) {
  std::size_t templates = 0;
  for (const auto& service : Table::instance().services()) {
    for (const OperationModel& operation : service->operations()) {
      for (const std::string_view action : split(operation.actions, '|')) {
        for (const std::string_view text : split(action, '>')) {
          ++templates;
          EXPECT_EQ(text.find(", arn:"), std::string_view::npos) << service->id << ":" << operation.name << " " << text;
          std::set<std::string_view> seen;
          for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
            const std::string_view member = text.substr(at, text.find('}', at) - at);
            EXPECT_TRUE(seen.insert(member).second) << service->id << ":" << operation.name << " " << text;
          }
        }
      }
    }
  }
  EXPECT_GT(templates, 30000u);
}

TEST(Table, OperationsThatHandOverARoleSayWhere) {
  const std::pair<std::pair<const char*, const char*>, const char*> rows[] = {
      {{"lambda", "CreateFunction"}, "@lambda.amazonaws.com =Role"},
      {{"ecs", "RegisterTaskDefinition"}, "@ecs-tasks.amazonaws.com taskRoleArn executionRoleArn"},
      {{"cloudformation", "CreateStack"}, "@cloudformation.amazonaws.com RoleARN"},
      {{"eventbridge", "PutTargets"}, "@events.amazonaws.com Targets[].RoleArn"},
      {{"ec2", "RunInstances"}, "@ec2.amazonaws.com %IamInstanceProfile.Arn %IamInstanceProfile.Name"},
      {{"iam", "CreateRole"}, ""},
      {{"sts", "AssumeRole"}, ""},
  };
  for (const auto& [key, passed] : rows) {
    EXPECT_EQ(Table::instance().service(key.first)->operation(key.second)->passed_roles, passed) << key.second;
  }
}

TEST(Table, ActionsAgreeWithAwsOwnServiceReference) {
  const Json services = parse_json(read(HOLDPOINT_SHARED_DIR "/aws/services.json")).value().at("services");
  const Json reference = parse_json(read(HOLDPOINT_SHARED_DIR "/aws/iam-actions.json.gz")).value().at("operations");
  const std::set<std::string> core{"dynamodb", "s3",         "sts",  "sqs",    "sns", "ec2",
                                   "iam",      "kms",        "ssm",  "rds",    "ecs", "secretsmanager",
                                   "eks",      "cloudwatch", "logs", "route53"};
  int compared = 0;
  int differing = 0;
  for (const auto& [key, authorised] : reference.items()) {
    const std::string service_key = key.substr(0, key.find(':'));
    if (!services.contains(service_key)) continue;
    std::string id = to_lower(services.at(service_key).at("service_id").get<std::string>());
    std::replace(id.begin(), id.end(), ' ', '-');
    const ServiceModel* service = Table::instance().service(id);
    const OperationModel* operation = service == nullptr ? nullptr : service->operation(key.substr(key.find(':') + 1));
    if (operation == nullptr) continue;
    ++compared;
    const auto actions = actions_of(*operation);
    const bool agrees = std::any_of(authorised.begin(), authorised.end(), [&](const Json& action) {
      return std::any_of(actions.begin(), actions.end(),
                         [&](const std::string& mine) { return equal_ignoring_case(mine, action.get<std::string>()); });
    });
    if (agrees) continue;
    ++differing;
    // The reference lists what the restore does on behalf of the caller, and GetObject for torrents; IAM has actions
    // for both.
    const bool excepted = key == "dynamodb:RestoreTableToPointInTime" || key == "s3:GetObjectTorrent";
    EXPECT_TRUE(!core.contains(service_key) || excepted) << key << " is " << actions.front();
  }
  EXPECT_GT(compared, 14000);
  EXPECT_LT(differing, compared / 100);
}

}  // namespace
}  // namespace holdpoint::aws
