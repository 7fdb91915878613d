// holdpoint aws decode: the classifier offline.
#include <iostream>
#include <memory>

#include "gateway/aws/decode.hpp"
#include "ops/cli/commands/context.hpp"

namespace holdpoint::commands {
namespace {

constexpr std::size_t kLineBytesMax = 96 << 20;  // the largest body of the table (70 MB) in base64

Result<void> decode(const std::string& account) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.size() > kLineBytesMax) return fail(Code::too_large, "a line is longer than 96 MiB");
    if (!line.empty()) std::cout << aws::decode_line(line, account) << "\n";
  }
  std::cout.flush();
  return {};
}

}  // namespace

void add_aws(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "aws", "AWS calls, offline");
  group->require_subcommand(1);
  auto account = std::make_shared<std::string>("123456789012");
  CLI::App* decoding = add_command(
      *group, "decode", "What a request is: a JSON object per line of standard input, one per line out",
      "  echo "
      "'{\"id\":1,\"method\":\"POST\",\"target\":\"/\",\"headers\":[[\"x-amz-target\",\"DynamoDB_20120810.GetItem\"],\n"
      "         [\"authorization\",\"AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/dynamodb/aws4_request, …\"]],\n"
      "         \"body\":\"e30=\"}' | holdpoint aws decode");
  decoding->add_option("--account", *account, "The account that resources belong to")->capture_default_str();
  decoding->callback([&context, account] { context.action = [account] { return decode(*account); }; });
}

}  // namespace holdpoint::commands
