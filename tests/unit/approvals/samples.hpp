// Reviews, reviewers and a configuration for the tests of approvals.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "approvals/announcer.hpp"
#include "approvals/review_json.hpp"
#include "approvals/service.hpp"

namespace holdpoint::approvals::samples {

using namespace std::chrono_literals;

inline const Instant kStart = from_unix_seconds(1'793'534'400);

inline Id id(std::uint8_t number) {
  Id out;
  out.bytes[0] = 1;
  out.bytes[15] = number;
  return out;
}

inline Json review_json(std::uint8_t number = 1, const std::string& digest = "digest-a") {
  return {{"review_id", to_text(id(number))},
          {"digest", digest},
          {"principal", "local:agent"},
          {"session_id", "session-1"},
          {"role_arn", "arn:aws:iam::123456789012:role/coding-agent"},
          {"target", "prod"},
          {"service", "dynamodb"},
          {"operation", "DeleteTable"},
          {"region", "eu-west-1"},
          {"actions", {"dynamodb:DeleteTable"}},
          {"resources", {"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"}},
          {"access", "Write"},
          {"parameters", {{"TableName", "orders"}}},
          {"policy", {{"name", "guard.json"}, {"statement", "HoldDeletes"}, {"reason", "tables hold orders"}}},
          {"reviewers", {"sre"}},
          {"required", 1},
          {"within_s", 900},
          {"grant", {{"kind", "once"}}},
          {"policy_version", 7}};
}

inline Question question(std::uint8_t number = 1, const std::string& digest = "digest-a") {
  return question_from_json(review_json(number, digest), kStart).value();
}

inline identity::Principal person(const std::string& subject, std::vector<std::string> groups = {"sre"}) {
  identity::Principal out;
  out.issuer = "corp";
  out.subject = subject;
  out.groups = std::move(groups);
  return out;
}

inline Vote approve(const std::string& subject, Instant at = kStart, GrantTerms grant = {}) {
  return {"corp:" + subject, Verdict::approve, "", grant, at};
}
inline Vote reject(const std::string& subject, const std::string& reason = "no", Instant at = kStart) {
  return {"corp:" + subject, Verdict::reject, reason, {}, at};
}

inline config::Document document() {
  config::Document out;
  out.deployment = "d1";
  out.version = 7;
  out.reviewers["sre"] = {{"sre", "oncall"}, {"corp:named"}};
  out.reviewers["dba"] = {{"dba"}, {}};
  for (const char* name : {"gateway-1", "gateway-2"}) out.keys.push_back({name, name, wire::Role::gateway, "", ""});
  out.keys.push_back({"masker-1", "masker-1", wire::Role::masker, "", ""});
  return out;
}

/// A journal whose durability and refusals a test controls.
class Sink final : public EventSink {
 public:
  Result<void> record(std::span<const record::Event> events) override {
    if (broken) return fail(Code::not_durable, "the disk is full");
    recorded.insert(recorded.end(), events.begin(), events.end());
    return {};
  }
  [[nodiscard]] std::size_t count(std::string_view type) const {
    std::size_t out = 0;
    for (const auto& event : recorded) out += event.type == type ? 1 : 0;
    return out;
  }
  std::vector<record::Event> recorded;
  bool broken = false;
};

class Topics final : public Publisher {
 public:
  explicit Topics(const Sink& sink) : sink_(sink) {}
  void publish(std::string topic, wire::Message message) override {
    published.push_back({std::move(topic), std::move(message), sink_.recorded.size()});
  }
  struct Publication {
    std::string topic;
    wire::Message message;
    std::size_t recorded_before;
  };
  std::vector<Publication> published;

 private:
  const Sink& sink_;
};

/// One replica of approvals on a store that others may share. A token is the reviewer's subject, "subject@group,group".
class Replica {
 public:
  explicit Replica(ReviewStore& shared) : store(shared) {}

  Result<wire::Message> ask(wire::Role role, std::string type, Json body, Instant now = kStart,
                            const std::string& key_id = "gateway-1") {
    wire::Envelope request;
    request.address = "reviews";
    request.sender = {role, key_id};
    request.message = {std::move(type), std::move(body), {}};
    return service.handle(request, store, now);
  }
  Result<wire::Message> request_review(const Json& review, const std::string& invocation, Instant now = kStart) {
    return ask(wire::Role::gateway, "ReviewRequested",
               {{"review", review}, {"invocation_id", invocation}, {"gateway", "gateway-1"}}, now);
  }
  Result<wire::Message> vote(std::uint8_t number, const std::string& token, const std::string& verdict,
                             Instant now = kStart, Json grant = nullptr) {
    Json body{{"review_id", to_text(id(number))}, {"verdict", verdict}, {"reason", "because"}, {"token", token}};
    if (!grant.is_null()) body["grant"] = std::move(grant);
    return ask(wire::Role::frontend, "VoteCast", std::move(body), now);
  }
  Result<wire::Message> claim(std::uint8_t review, std::uint8_t operation, const std::string& invocation = "",
                              Instant now = kStart, const std::string& digest = "digest-a",
                              const std::string& gateway = "gateway-1", const std::string& principal = "local:agent") {
    const Json item{{"review_id", to_text(id(review))},
                    {"digest", digest},
                    {"principal", principal},
                    {"operation_id", to_text(id(operation))},
                    {"invocation_id", invocation},
                    {"claimer", {{"gateway", gateway}, {"epoch", 1}}},
                    {"policy_version", 7}};
    return ask(wire::Role::gateway, "GrantClaimRequested", {{"claims", {item}}}, now, gateway);
  }
  std::string claim_result(std::uint8_t review, std::uint8_t operation, const std::string& invocation = "",
                           Instant now = kStart, const std::string& digest = "digest-a",
                           const std::string& gateway = "gateway-1", const std::string& principal = "local:agent") {
    return claim(review, operation, invocation, now, digest, gateway, principal)
        .value()
        .body["claims"][0]["result"]
        .get<std::string>();
  }
  Result<wire::Message> settle(std::uint8_t review, std::uint8_t operation, const std::string& state,
                               const std::string& gateway = "gateway-1", Instant now = kStart) {
    Json body{{"operation_id", to_text(id(operation))},
              {"review_id", to_text(id(review))},
              {"claimer", {{"gateway", gateway}, {"epoch", 1}}},
              {"state", state}};
    if (state == "done") body["outcome"] = {{"status", 200}, {"request_id", "r-1"}};
    auto noted = ask(wire::Role::gateway, "GrantSettled", {{"settlements", {body}}}, now, gateway);
    if (!noted || noted->body["refused"].empty()) return noted;
    return fail(code_from_name(string_or(noted->body["refused"][0], "code")), "refused");
  }
  Result<wire::Message> status(std::uint8_t number, Instant now = kStart) {
    return ask(wire::Role::gateway, "ReviewStatusRequested", {{"review_ids", {to_text(id(number))}}}, now);
  }

  ReviewStore& store;
  Sink sink;
  Topics topics{sink};
  config::Document configuration = document();
  Signatory signatory{"approvals-1", "d1", "key-1", SigningKey::generate()};
  RandomIdSource ids;
  Announcer announcer{sink, topics};
  Voting voting{signatory, ids, announcer, [this] { return std::make_shared<const config::Document>(configuration); }};
  ReviewService service{voting, announcer,
                        [](const std::string& token, Instant) -> Result<identity::Principal> {
                          const auto at = token.find('@');
                          if (at == std::string::npos) return fail(Code::unauthenticated, "not a token");
                          return person(token.substr(0, at), {token.substr(at + 1)});
                        },
                        [this] { return std::make_shared<const config::Document>(configuration); }};
};

inline std::string text(const Result<wire::Message>& message, const char* member) {
  return message.value().body.at(member).get<std::string>();
}

}  // namespace holdpoint::approvals::samples
