#include "masker/structure/sensitive_members.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "bus/base/encoding.hpp"
#include "bus/base/result.hpp"
#include "bus/base/text.hpp"
#include "masker/structure/tables.hpp"

namespace holdpoint::masker {
namespace {

/// Services go by several names (SDK id, botocore's, signing name): without "-", and one of them for all.
std::string canonical_service(std::string_view name) {
  struct Alias {
    std::string_view from;
    std::string_view to;
  };
  constexpr auto aliases = std::to_array<Alias>({{"cognitoidentityprovider", "cognitoidp"},
                                                 {"elasticloadbalancingv2", "elbv2"},
                                                 {"elasticmapreduce", "emr"},
                                                 {"states", "sfn"},
                                                 {"stepfunctions", "sfn"},
                                                 {"cloudwatchlogs", "logs"},
                                                 {"awsssooidc", "ssooidc"},
                                                 {"awsssoportal", "sso"},
                                                 {"kinesisvideosignaling", "kinesisvideo"},
                                                 {"configservice", "config"},
                                                 {"dynamodbaccelerator", "dax"},
                                                 {"marketplacemetering", "meteringmarketplace"},
                                                 {"directconnectservice", "directconnect"}});
  std::string out;
  for (char c : to_lower(name)) {
    if (c != '-' && c != ' ' && c != '_') out.push_back(c);
  }
  for (const Alias& alias : aliases) {
    if (out == alias.from) return std::string(alias.to);
  }
  return out;
}

class Table {
 public:
  Table() {
    read(curated_table);
    read(model_table);
  }

  [[nodiscard]] std::vector<const SensitiveMember*> find(std::string_view service, std::string_view operation) const {
    std::vector<const SensitiveMember*> found;
    const std::string lower_service = canonical_service(service);
    const std::string lower_operation = to_lower(operation);
    for (const std::string& from : {lower_service, std::string("*")}) {
      for (const std::string& what : {lower_operation, std::string("*")}) {
        const auto entry = members_.find(from + '\t' + what);
        if (entry == members_.end()) continue;
        for (const SensitiveMember& member : entry->second) found.push_back(&member);
      }
    }
    return found;
  }

 private:
  void read(std::string_view text) {
    while (!text.empty()) {
      std::string_view line = take(text, '\n');
      if (line.empty() || line[0] == '#') continue;
      const std::string_view services = take(line, '\t');
      const std::string operation = to_lower(take(line, '\t'));
      const std::string path = to_lower(take(line, '\t'));
      const bool judged = line.ends_with('?');
      if (judged) line.remove_suffix(1);
      const Class kind = class_from_name(line);
      HOLDPOINT_INVARIANT(kind != Class::none && !path.empty());
      SensitiveMember member{{}, kind, judged};
      std::string_view rest = path;
      while (!rest.empty()) member.path.emplace_back(take(rest, '.'));
      std::string_view list = services;
      while (!list.empty()) members_[canonical_service(take(list, ',')) + '\t' + operation].push_back(member);
    }
  }

  std::map<std::string, std::vector<SensitiveMember>, std::less<>> members_;
};

const Table& table() {
  static const Table read;
  return read;
}

}  // namespace

std::vector<const SensitiveMember*> sensitive_members(std::string_view service, std::string_view operation) {
  // A deployment uses few operations; putting the table's names together costs as much as a small answer.
  constexpr std::size_t known_max = 1024;
  constexpr std::size_t name_bytes_max = 128;
  thread_local std::map<std::pair<std::string, std::string>, std::vector<const SensitiveMember*>> known;
  if (service.size() > name_bytes_max || operation.size() > name_bytes_max) return table().find(service, operation);
  std::pair<std::string, std::string> names(service, operation);
  if (const auto found = known.find(names); found != known.end()) return found->second;
  auto members = table().find(service, operation);
  if (known.size() < known_max) known.emplace(std::move(names), members);
  return members;
}

bool matches(const SensitiveMember& member, std::span<const std::string_view> path) {
  if (member.path.size() > path.size()) return false;
  const auto tail = path.last(member.path.size());
  // The last name is unlike most often.
  return std::equal(
      tail.rbegin(), tail.rend(), member.path.rbegin(),
      [](std::string_view have, const std::string& want) { return equal_ignoring_case(have, want) || want == "*"; });
}

bool is_untouchable(std::string_view service, std::string_view operation) {
  struct Entry {
    std::string_view service;
    std::string_view operation;
  };
  constexpr auto entries = std::to_array<Entry>({{"ecr", "BatchGetImage"},
                                                 {"ecr-public", "BatchGetImage"},
                                                 {"ecr", "PutImage"},
                                                 {"codeartifact", "GetPackageVersionAsset"},
                                                 {"codeartifact", "GetPackageVersionReadme"},
                                                 {"codecommit", "GetBlob"},
                                                 {"codecommit", "GetFile"},
                                                 {"signer", "GetRevocationStatus"}});
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) {
    return equal_ignoring_case(entry.service, service) && equal_ignoring_case(entry.operation, operation);
  });
}

}  // namespace holdpoint::masker
