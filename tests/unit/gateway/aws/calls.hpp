// Calls as SDKs write them, for tests of what the classifier makes of them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/aws/classify.hpp"

namespace holdpoint::aws {

struct TestCall {
  std::string service;
  HttpHead head;
  std::string body;
};

inline Result<Classified> classify_call(const TestCall& call) {
  static const std::vector<std::string> hosts{"gw.example"};
  return classify(call.head, {call.service, "eu-west-1", "123456789012", hosts}, call.body);
}

inline TestCall json_call(std::string service, std::string target, std::string body) {
  return {
      std::move(service),
      {"POST",
       "/",
       {{"Host", "gw.example"}, {"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", std::move(target)}}},
      std::move(body)};
}

inline TestCall form_call(std::string service, std::string body) {
  return {std::move(service),
          {"POST", "/", {{"Host", "gw.example"}, {"Content-Type", "application/x-www-form-urlencoded"}}},
          std::move(body)};
}

inline TestCall rest_call(std::string service, std::string method, std::string target, std::string body = "",
                          Headers headers = {}) {
  headers.emplace_back("Host", "gw.example");
  return {std::move(service), {std::move(method), std::move(target), std::move(headers)}, std::move(body)};
}

/// "action resource" of each pair, sorted; the error's text where the call is refused.
inline std::vector<std::string> pairs_of(const TestCall& call) {
  const auto classified = classify_call(call);
  if (!classified) return {classified.error().context};
  std::vector<std::string> out;
  for (const Requirement& requirement : classified->operation.requirements)
    out.push_back(requirement.action + " " + requirement.resource);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace holdpoint::aws
