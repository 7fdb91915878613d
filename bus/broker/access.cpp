#include "bus/broker/access.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace holdpoint::broker {
namespace {

using wire::Role;

constexpr unsigned bit(Role role) { return 1u << static_cast<unsigned>(role); }
constexpr unsigned any_of(std::initializer_list<Role> roles) {
  unsigned bits = 0;
  for (const Role role : roles) bits |= bit(role);
  return bits;
}

constexpr unsigned kEveryone =
    any_of({Role::broker, Role::gateway, Role::approvals, Role::masker, Role::auditor, Role::op, Role::frontend});

constexpr std::array<ServiceRule, 8> kServices = {{
    {"configuration", bit(Role::broker), kEveryone, WorkerLoss::resend},
    {"status", bit(Role::broker), bit(Role::op), WorkerLoss::resend},
    {"reviews", bit(Role::approvals), any_of({Role::gateway, Role::op, Role::frontend}), WorkerLoss::resend},
    {"records", bit(Role::auditor), any_of({Role::gateway, Role::approvals, Role::broker, Role::op}),
     WorkerLoss::resend},
    {"log", bit(Role::auditor), any_of({Role::op, Role::approvals}), WorkerLoss::resend},
    {"masks", bit(Role::masker), any_of({Role::gateway, Role::approvals, Role::op}), WorkerLoss::refuse},
    {"gateway.status", bit(Role::gateway), bit(Role::op), WorkerLoss::resend},
    {"echo", kEveryone, kEveryone, WorkerLoss::resend},
}};

struct TopicRule {
  std::string_view topic;
  unsigned published_by;
  unsigned read_by;
};

constexpr unsigned kReviewReaders = any_of({Role::gateway, Role::approvals, Role::op, Role::frontend});

constexpr std::array<TopicRule, 6> kTopics = {{
    {"configuration.changed", bit(Role::broker), kEveryone},
    {"configuration.heartbeat", bit(Role::broker), kEveryone},
    {"review.requested", bit(Role::approvals), kReviewReaders},
    {"review.decided", bit(Role::approvals), kReviewReaders},
    {"review.voted", bit(Role::approvals), kReviewReaders},
    {"record.checkpoint", bit(Role::auditor), kEveryone},
}};

const TopicRule* topic_rule(std::string_view topic) {
  const auto found =
      std::find_if(kTopics.begin(), kTopics.end(), [&](const auto& rule) { return rule.topic == topic; });
  return found == kTopics.end() ? nullptr : &*found;
}

}  // namespace

const ServiceRule* service_rule(std::string_view service, bool with_echo) {
  if (service == "echo" && !with_echo) return nullptr;
  const auto found =
      std::find_if(kServices.begin(), kServices.end(), [&](const auto& rule) { return rule.service == service; });
  return found == kServices.end() ? nullptr : &*found;
}

bool may_serve(const ServiceRule& rule, Role role) { return (rule.served_by & bit(role)) != 0; }
bool may_request(const ServiceRule& rule, Role role) { return (rule.requested_by & bit(role)) != 0; }

bool may_publish(std::string_view topic, Role role) {
  const TopicRule* rule = topic_rule(topic);
  return rule != nullptr && (rule->published_by & bit(role)) != 0;
}

bool may_read(std::string_view topic, Role role) {
  const TopicRule* rule = topic_rule(topic);
  return rule != nullptr && (rule->read_by & bit(role)) != 0;
}

bool may_subscribe(std::string_view prefix, Role role) {
  return std::any_of(kTopics.begin(), kTopics.end(), [&](const TopicRule& rule) {
    return rule.topic.starts_with(prefix) && (rule.read_by & bit(role)) != 0;
  });
}

}  // namespace holdpoint::broker
