// holdpoint policy lint|explain: policies offline, before they are in force.
#include <iostream>
#include <memory>

#include "bus/identity/principal.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/policy/engine.hpp"
#include "gateway/policy/lint.hpp"
#include "ops/cli/commands/context.hpp"
#include "ops/cli/commands/output.hpp"
#include "ops/cli/deployment/action_names.hpp"
#include "ops/cli/deployment/deployment.hpp"

namespace holdpoint::commands {
namespace {

struct PolicyOptions {
  std::vector<std::string> files;
  std::string configuration;
  std::string role;
  std::string principal = "local:agent";
  std::vector<std::string> groups;
  std::string action;
  std::vector<std::string> resources{"*"};
  std::string region = "eu-west-1";
};

/// Groups and issuers come from a configuration; without one, what the policy names is taken to exist.
policy::LintContext lint_context(const config::Document* document, const policy::Policy& policy) {
  policy::LintContext context;
  context.matches_an_action = deployment::matches_an_action;
  if (document == nullptr) {
    for (const auto& statement : policy.statements()) {
      context.reviewer_groups.insert(statement.review.reviewers.begin(), statement.review.reviewers.end());
    }
    return context;
  }
  for (const auto& [name, group] : document->reviewers) context.reviewer_groups.insert(name);
  for (const auto& issuer : document->issuers) {
    context.issuers.insert(issuer.name);
    const auto scheme = issuer.url.find("://");
    context.issuers.insert(scheme == std::string::npos ? issuer.url : issuer.url.substr(scheme + 3));
  }
  return context;
}

Result<void> lint_policy(const PolicyOptions& options) {
  config::Document document;
  if (!options.configuration.empty()) {
    auto read = deployment::read_configuration(options.configuration);
    if (!read) return read.error();
    document = std::move(*read);
  }
  std::size_t problems = 0;
  for (const auto& file : options.files) {
    auto text = read_input(file);
    if (!text) return text.error();
    auto policy = policy::Policy::parse(file, *text);
    if (!policy) {
      std::cout << policy.error().context << "\n";
      ++problems;
      continue;
    }
    const auto context = lint_context(options.configuration.empty() ? nullptr : &document, *policy);
    for (const auto& problem : policy::lint(*policy, context)) {
      std::cout << problem << "\n";
      ++problems;
    }
  }
  if (problems == 0) {
    std::cout << options.files.size() << (options.files.size() == 1 ? " policy" : " policies") << ", no errors\n";
    return {};
  }
  return fail(Code::configuration, std::to_string(problems) + (problems == 1 ? " error" : " errors"));
}

Result<config::Document> document_of(const Context& context, const PolicyOptions& options) {
  if (options.configuration.empty()) return deployment::current(context.layout());
  return deployment::read_configuration(options.configuration);
}

Result<void> explain(const Context& context, const PolicyOptions& options) {
  auto document = document_of(context, options);
  if (!document) return document.error();
  const auto* role = document->role(options.role);
  if (role == nullptr) {
    return fail(Code::not_found, "the configuration has no role " + options.role);
  }
  std::vector<policy::Policy> policies;
  for (const auto& named : role->policies) {
    auto parsed = policy::Policy::parse(named.name, named.text);
    if (!parsed) return parsed.error();
    policies.push_back(std::move(*parsed));
  }
  identity::Principal principal;
  const auto colon = options.principal.find(':');
  principal.issuer = options.principal.substr(0, colon);
  principal.subject = colon == std::string::npos ? "" : options.principal.substr(colon + 1);
  principal.groups = options.groups;
  aws::Operation operation;
  const auto separator = options.action.find(':');
  operation.service = options.action.substr(0, separator);
  operation.operation = separator == std::string::npos ? "" : options.action.substr(separator + 1);
  operation.region = options.region;
  if (const auto* entry = aws::handed_out(operation.service, operation.operation)) operation.hands_out = entry->how;
  for (const auto& resource : options.resources) {
    operation.requirements.push_back({.action = options.action, .resource = resource, .context = {}});
  }
  policy::Request request;
  request.principal = &principal;
  request.operation = &operation;
  request.role_arn = role->arn;
  request.role_session_name = principal.subject;
  request.target = role->target;
  if (const auto* target = document->target(role->target)) request.target_account = target->account;
  request.source_ip = "127.0.0.1";
  request.now = system_now();
  request.outside_hold = role->outside == config::Outside::hold;
  std::cout << policy::explain(policies, nullptr, request);
  return {};
}

}  // namespace

void add_policy(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "policy", "Policies, offline",
                                "  holdpoint policy lint policies/*.json\n"
                                "  holdpoint policy explain --role arn:aws:iam::123456789012:role/coding-agent \\\n"
                                "      --action dynamodb:DeleteTable \\\n"
                                "      --resource arn:aws:dynamodb:eu-west-1:123456789012:table/orders");
  group->require_subcommand(1);
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* linting = add_command(*group, "lint", "What can never match, and what is no action or condition key",
                                  "  holdpoint policy lint policies/orders.json");
  linting->add_option("files", options->files)->required();
  linting->add_option("--config", options->configuration, "Also check reviewers and issuers against this file");
  linting->callback([&context, options] { context.action = [options] { return lint_policy(*options); }; });
  CLI::App* explaining = add_command(*group, "explain", "Which statement decides, and how each took part");
  explaining->add_option("--role", options->role)->required();
  explaining->add_option("--action", options->action, "service:Action")->required();
  explaining->add_option("--resource", options->resources, "ARN; several, and each must be permitted")
      ->capture_default_str();
  explaining->add_option("--principal", options->principal, "issuer:subject")->capture_default_str();
  explaining->add_option("--groups", options->groups)->delimiter(',');
  explaining->add_option("--region", options->region)->capture_default_str();
  explaining->add_option("--config", options->configuration, "A configuration file; default: what is in force");
  explaining->callback(
      [&context, options] { context.action = [&context, options] { return explain(context, *options); }; });
}

}  // namespace holdpoint::commands
