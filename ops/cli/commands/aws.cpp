// holdpoint aws decode: the classifier offline.
#include <memory>

#include "gateway/aws/decode.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"

namespace holdpoint::commands {

void add_aws(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "aws", "AWS calls, offline", "  holdpoint aws decode < requests.jsonl");
  group->require_subcommand(1);
  auto account = std::make_shared<std::string>("123456789012");
  CLI::App* decoding = add_command(
      *group, "decode", "What a request is: a JSON object per line of standard input, one per line out",
      "  echo "
      "'{\"id\":1,\"method\":\"POST\",\"target\":\"/\",\"headers\":[[\"x-amz-target\",\"DynamoDB_20120810.GetItem\"],\n"
      "         [\"authorization\",\"AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/dynamodb/aws4_request, …\"]],\n"
      "         \"body\":\"e30=\"}' | holdpoint aws decode");
  decoding->add_option("--account", *account, "The account that resources belong to")->capture_default_str();
  decoding->callback([&context, account] {
    context.action = [account] {
      return answer_lines([account](const std::string& line) { return aws::decode_line(line, *account); });
    };
  });
}

}  // namespace holdpoint::commands
