#include "gateway/pipeline/masking.hpp"

#include <algorithm>

#include "bus/base/text.hpp"
#include "bus/config/mask_rules.hpp"

namespace holdpoint::pipeline {
namespace {

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The operator's rules for this operation and for those that look the same on the wire: which of them it is, the
/// target decides.
Json operator_rules(const aws::Operation& operation, const config::MaskingSettings& settings, std::string_view target) {
  Json rules = config::mask_rules(settings, operation.service, operation.operation, target);
  for (const std::string& twin : operation.candidates) {
    std::string_view name = twin;
    const std::string_view service = take(name, ':');
    const Json more = config::mask_rules(settings, service, name, target);
    for (const char* kind : {"paths", "patterns"}) {
      if (!more.contains(kind)) continue;
      Json& list = rules[kind];
      for (const Json& rule : more[kind]) {
        if (std::find(list.begin(), list.end(), rule) == list.end()) list.push_back(rule);
      }
    }
  }
  return rules;
}

/// The operator's rules, and what policy's statement adds.
Json rules_of(const aws::Operation& operation, const policy::Obligations& obligations,
              const config::MaskingSettings& settings, std::string_view target) {
  Json rules = operator_rules(operation, settings, target);
  // Members that hand something out, beside what the masker knows by itself.
  const auto add_members = [&rules](const aws::HandedOut* entry) {
    if (entry == nullptr) return;
    for (const std::string_view member : split(entry->members, ' '))
      rules["paths"].push_back({{"path", member}, {"class", "secret"}});
  };
  if (operation.hands_out != aws::HandsOut::nothing) {
    add_members(aws::handed_out(operation.service, operation.operation));
    for (const std::string& twin : operation.candidates) {
      std::string_view name = twin;
      const std::string_view service = take(name, ':');
      add_members(aws::handed_out(service, name));
    }
  }
  for (const char* personal : {"contacts", "email", "phone", "date-of-birth", "date_of_birth"}) {
    if (names(obligations.mask, personal)) rules["contacts"] = "on";
  }
  return rules;
}

}  // namespace

std::vector<policy::Unmask> unmask_at(const policy::Obligations& obligations, Instant now) {
  std::vector<policy::Unmask> out;
  for (const policy::Unmask& each : obligations.unmask) {
    if (now < each.until) out.push_back(each);
  }
  return out;
}

bool is_mask_due(const policy::Obligations& obligations, const config::MaskingSettings& settings) {
  if (obligations.mask.empty()) return settings.preset != "off";
  // "off" beside a class is a contradiction: the class wins.
  return !(obligations.mask.size() == 1 && obligations.mask.front() == "off");
}

bool is_unchanged(const Json& answer) {
  const auto changed = answer.find("changed");
  return changed != answer.end() && changed->is_boolean() && !changed->get<bool>() && !answer.contains("blocked");
}

bool asks_for_part(const aws::HttpHead& head, const aws::Operation& operation) {
  if (aws::count_headers(head.headers, "range") > 0) return true;
  if (operation.answer_is_data && operation.parameters.contains("PartNumber")) return true;
  if (operation.service != "s3") return false;
  return operation.operation == "SelectObjectContent" || operation.parameters.contains("CopySourceRange");
}

wire::Message mask_request(const MaskSubject& subject, const aws::Operation& operation,
                           const policy::Obligations& obligations, const config::MaskingSettings& settings,
                           Bytes bytes) {
  wire::Message message{"MaskRequested"};
  // Every masked call asks twice: its words are written as they are, no tree is built for them.
  std::string& text = message.text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.push_back(text.empty() ? '{' : ',');
    append_json_text(name, text);
    text.push_back(':');
    append_json_text(value, text);
  };
  text.reserve(256);
  add("content_type", subject.content_type);
  if (!subject.content_encoding.empty()) add("content_encoding", subject.content_encoding);
  add("service", operation.service);
  add("operation", operation.operation);
  add("protocol", aws::name(operation.protocol));
  add("direction", subject.direction);
  text += subject.length_preserving ? R"(,"length_preserving":true)" : R"(,"length_preserving":false)";
  Json rules = rules_of(operation, obligations, settings, subject.target);
  // What hands out credentials is masked whatever a statement leaves.
  if (subject.direction == "answer" && operation.hands_out == aws::HandsOut::nothing) {
    for (const policy::Unmask& each : subject.unmask) rules["unmask"].push_back(each.mask_class);
  }
  if (!rules.empty()) {
    text += R"(,"rules":)";
    append_json(rules, text);
  }
  text.push_back('}');
  message.attachments.push_back(std::move(bytes));
  return message;
}

}  // namespace holdpoint::pipeline
