#include "gateway/pipeline/masking.hpp"

#include <algorithm>

namespace holdpoint::pipeline {
namespace {

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The operator's paths for this operation: "service:Operation:json.path", "*" for any service or operation.
Json rules_of(const aws::Operation& operation, const policy::Obligations& obligations,
              const config::MaskingSettings& settings) {
  Json rules = Json::object();
  Json paths = Json::array();
  for (const auto& [rule, kind] : settings.paths) {
    const std::size_t first = rule.find(':');
    const std::size_t second = first == std::string::npos ? first : rule.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string service = rule.substr(0, first);
    const std::string name = rule.substr(first + 1, second - first - 1);
    if ((service == "*" || service == operation.service) && (name == "*" || name == operation.operation))
      paths.push_back({{"path", rule.substr(second + 1)}, {"class", kind}});
  }
  if (!paths.empty()) rules["paths"] = std::move(paths);
  for (const char* personal : {"contacts", "email", "phone", "date-of-birth", "date_of_birth"}) {
    if (names(obligations.mask, personal)) rules["contacts"] = "on";
  }
  return rules;
}

}  // namespace

bool is_mask_due(const policy::Obligations& obligations, const config::MaskingSettings& settings) {
  if (obligations.mask.empty()) return settings.preset != "off";
  // "off" beside a class is a contradiction: the class wins.
  return !(obligations.mask.size() == 1 && obligations.mask.front() == "off");
}

wire::Message mask_request(const MaskSubject& subject, const aws::Operation& operation,
                           const policy::Obligations& obligations, const config::MaskingSettings& settings,
                           Bytes bytes) {
  wire::Message message{"MaskRequested",
                        {{"content_type", subject.content_type},
                         {"service", operation.service},
                         {"operation", operation.operation},
                         {"protocol", aws::name(operation.protocol)},
                         {"direction", subject.direction},
                         {"length_preserving", subject.length_preserving}},
                        {}};
  if (!subject.content_encoding.empty()) message.body["content_encoding"] = subject.content_encoding;
  if (Json rules = rules_of(operation, obligations, settings); !rules.empty()) message.body["rules"] = std::move(rules);
  message.attachments.push_back(std::move(bytes));
  return message;
}

}  // namespace holdpoint::pipeline
