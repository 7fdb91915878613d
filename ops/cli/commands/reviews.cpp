// holdpoint reviews list|show|approve|reject
#include <iostream>
#include <memory>

#include "bus/base/encoding.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/access.hpp"
#include "ops/cli/deployment/bus_client.hpp"

namespace holdpoint::commands {
namespace {

// By a part of its id: a review is looked for among the newest, then among all that one gateway can park.
constexpr std::size_t kSearchedMax = 1000;
constexpr std::size_t kPendingSearchedMax = 10000;

struct ListedReviews {
  Json reviews = Json::array();
  bool more = true;
  std::uint64_t pending = 0;  ///< how many wait in all
};

struct ReviewsOptions {
  std::string state = "pending";
  std::size_t limit = 50;
  std::string review;
  std::string reason;
  std::string token_file;
  std::string reviewer;
  std::vector<std::string> groups{"sre"};
  std::string grant_for;
};

/// An answer holds one page: asks for the next until `limit` reviews are there, or all that there are.
Result<ListedReviews> newest_reviews(const Context& context, const std::string& state, std::size_t limit) {
  ListedReviews listed;
  Json question = Json::object();
  if (state != "all") question["state"] = state;
  while (listed.more && listed.reviews.size() < limit) {
    question["limit"] = limit - listed.reviews.size();
    auto answer = deployment::ask_bus(context.layout(), "reviews", {"ReviewsRequested", question});
    if (!answer) return answer.error();
    const Json page = answer->body.value("reviews", Json::array());
    for (const auto& review : page) listed.reviews.push_back(review);
    listed.more = answer->body.value("more", false) && !page.empty();
    listed.pending = answer->body.value("pending", std::uint64_t{0});
    if (listed.more) question["before"] = cell(page.back(), "review_id");
  }
  return listed;
}

Result<void> list_reviews(const Context& context, const ReviewsOptions& options) {
  const auto listed = newest_reviews(context, options.state, options.limit);
  if (!listed) return listed.error();
  if (context.json) {
    print_json(listed->reviews);
    if (listed->more) {
      std::cerr << "These are the newest " << listed->reviews.size() << "; " << listed->pending
                << " wait in all. For more: --limit\n";
    }
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& review : listed->reviews) {
    rows.push_back({cell(review, "review_id"), cell(review, "state"), short_time(cell(review, "requested_at")),
                    cell(review, "principal"), cell(review, "service") + ":" + cell(review, "operation"),
                    cell(review, "resources")});
  }
  print_table({"REVIEW", "STATE", "REQUESTED (UTC)", "WHO", "OPERATION", "RESOURCES"}, rows,
              "No reviews" + (options.state == "all" ? std::string() : " that are " + options.state) + ".");
  if (listed->more) {
    std::cout << "These are the newest " << rows.size() << "; " << listed->pending
              << " wait in all. For more: --limit\n";
  }
  return {};
}

/// The full id from its beginning, as people type it.
Result<Json> find(const Context& context, const std::string& review) {
  if (review.size() < 36) {
    std::vector<Json> found;
    for (const auto& [state, limit] : {std::pair("all", kSearchedMax), std::pair("pending", kPendingSearchedMax)}) {
      const auto listed = newest_reviews(context, state, limit);
      if (!listed) return listed.error();
      for (const auto& candidate : listed->reviews) {
        const std::string id = cell(candidate, "review_id");
        if (id.starts_with(review) || id.ends_with(review)) found.push_back(candidate);
      }
      if (!found.empty()) break;
    }
    if (found.size() == 1) return found.front();
    return fail(Code::not_found, found.empty() ? "no review's id begins or ends with " + display(review)
                                               : display(review) + " fits several reviews; give more of the id");
  }
  auto answer = deployment::ask_bus(context.layout(), "reviews", {"ReviewRequestedById", {{"review_id", review}}});
  if (!answer) return answer.error();
  return answer->body.value("review", Json::object());
}

void print_review(const Json& review) {
  const auto line = [](std::string_view head, const std::string& text) {
    std::cout << head << std::string(head.size() < 13 ? 13 - head.size() : 1, ' ') << display(text) << "\n";
  };
  line("review", cell(review, "review_id"));
  line("state", cell(review, "state"));
  line("who", cell(review, "principal"));
  line("role", cell(review, "role_arn"));
  line("session", cell(review, "session_id"));
  line("operation", cell(review, "service") + ":" + cell(review, "operation") + " (" + cell(review, "access") + ")");
  line("target", cell(review, "target") + " " + cell(review, "region"));
  line("actions", cell(review, "actions"));
  line("resources", cell(review, "resources"));
  const Json policy = review.value("policy", Json::object());
  line("held by", cell(policy, "name") + " / " + cell(policy, "statement") + ": " + cell(policy, "reason"));
  line("reviewers", cell(review, "reviewers") + ", required: " + cell(review, "required"));
  const Json grant = review.value("grant", Json::object());
  const std::string window =
      string_or(grant, "kind") == "for"
          ? ", or for up to " + to_text(std::chrono::seconds(grant.value("for_s", 0))) + " (approve --for)"
          : std::string();
  line("grant", "once" + window);
  line("requested", short_time(cell(review, "requested_at")));
  line("expires", short_time(cell(review, "expires_at")));
  std::cout << "parameters\n";
  print_json(review.value("parameters", Json::object()));
  for (const auto& vote : review.value("votes", Json::array())) {
    line("vote", cell(vote, "reviewer") + ": " + cell(vote, "verdict") + " (" + cell(vote, "reason") + ") " +
                     short_time(cell(vote, "at")));
  }
}

Result<void> show_review(const Context& context, const ReviewsOptions& options) {
  auto review = find(context, options.review);
  if (!review) return review.error();
  if (context.json) {
    print_json(*review);
  } else {
    print_review(*review);
  }
  return {};
}

/// A reviewer's token: from the identity provider in a file, or made by the embedded issuer for who may read its key.
Result<std::string> reviewer_token(const Context& context, const ReviewsOptions& options) {
  if (!options.token_file.empty()) {
    auto text = read_input(options.token_file);
    if (!text) return text.error();
    while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
    return text;
  }
  if (options.reviewer.empty()) {
    return fail(Code::configuration,
                "who votes? Give --token-file with a token of your identity provider, or --as NAME to vote as a "
                "subject of the embedded issuer.");
  }
  return deployment::mint_token(context.layout(), {.subject = options.reviewer,
                                                   .groups = options.groups,
                                                   .audience = std::string(identity::kReviewAudience),
                                                   .ttl = std::chrono::minutes(2)});
}

Result<void> vote(const Context& context, const ReviewsOptions& options, const std::string& verdict) {
  if (verdict == "reject" && options.reason.empty()) {
    return fail(Code::configuration, "a rejection needs --reason: the agent gets it as its answer.");
  }
  auto review = find(context, options.review);
  if (!review) return review.error();
  auto token = reviewer_token(context, options);
  if (!token) return token.error();
  Json body = {{"review_id", cell(*review, "review_id")}, {"verdict", verdict}, {"token", *token}};
  if (!options.reason.empty()) body["reason"] = options.reason;
  if (!options.grant_for.empty()) {
    const auto duration = parse_duration(options.grant_for);
    if (!duration) return fail(Code::configuration, "--for " + options.grant_for + " is not a duration (30m, 1h)");
    body["grant"] = {{"kind", "for"}, {"for_s", std::chrono::duration_cast<std::chrono::seconds>(*duration).count()}};
  }
  auto answer = deployment::ask_bus(context.layout(), "reviews", {"VoteCast", body});
  if (!answer) return answer.error();
  if (context.json) {
    print_json(answer->body);
    return {};
  }
  std::cout << "Vote counted: " << cell(answer->body, "votes") << " of " << cell(answer->body, "required")
            << "; the review is " << cell(answer->body, "state") << ".\n";
  return {};
}

void add_vote(CLI::App& group, Context& context, const std::shared_ptr<ReviewsOptions>& options,
              const std::string& verdict, const std::string& what) {
  CLI::App* command = add_command(group, verdict, what,
                                  "  holdpoint reviews " + verdict +
                                      " 019a… --as alice --reason 'checked with the owner'\n"
                                      "  holdpoint reviews " +
                                      verdict + " 019a… --token-file my.jwt --reason 'not today'");
  command->add_option("review", options->review, "Its id, or the beginning or end of it")->required();
  command->add_option("--reason", options->reason, "Goes into the record, and to the agent");
  command->add_option("--token-file", options->token_file, "A token of your identity provider; - reads standard input");
  command->add_option("--as", options->reviewer, "Vote as this subject of the embedded issuer (needs its key)");
  command->add_option("--groups", options->groups, "Groups of --as, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  if (verdict == "approve") {
    command->add_option("--for", options->grant_for,
                        "Approve the same operation for a time (30m), not once; at most what the policy's Grant says");
  }
  command->callback([&context, options, verdict] {
    context.action = [&context, options, verdict] { return vote(context, *options, verdict); };
  });
}

}  // namespace

void add_reviews(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "reviews", "What waits for a person, and the decision",
                                "  holdpoint reviews list\n  holdpoint reviews show 019a…\n"
                                "  holdpoint reviews approve 019a… --as alice");
  group->require_subcommand(1);
  auto options = std::make_shared<ReviewsOptions>();
  CLI::App* listing = add_command(*group, "list", "Reviews, newest first", "  holdpoint reviews list --state all");
  listing->add_option("--state", options->state, "pending, approved, rejected, expired, consumed or all")
      ->check(CLI::IsMember({"pending", "approved", "rejected", "expired", "consumed", "all"}))
      ->capture_default_str();
  listing->add_option("--limit", options->limit)->check(CLI::Range(1, 10000))->capture_default_str();
  listing->callback(
      [&context, options] { context.action = [&context, options] { return list_reviews(context, *options); }; });
  CLI::App* showing = add_command(*group, "show", "Everything about one review", "  holdpoint reviews show 019a4c");
  showing->add_option("review", options->review)->required();
  showing->callback(
      [&context, options] { context.action = [&context, options] { return show_review(context, *options); }; });
  add_vote(*group, context, options, "approve", "Vote for it");
  add_vote(*group, context, options, "reject", "Vote against it; one veto ends the review");
}

}  // namespace holdpoint::commands
