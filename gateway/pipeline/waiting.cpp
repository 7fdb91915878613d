#include "gateway/pipeline/waiting.hpp"

#include <algorithm>
#include <array>

namespace holdpoint::pipeline {
namespace {

// Below 25 s, so that one interim answer may be late and a 30 s timer still does not fire.
constexpr std::chrono::seconds kInterim{20};
// Java's SDK gives up after 30 s.
constexpr std::chrono::seconds kUnknownClient{25};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

WaitPlan wait_plan(std::string_view user_agent, Duration review_within) {
  constexpr std::array<std::string_view, 4> bearing{"Boto3/", "Botocore/", "aws-cli/", "aws-sdk-js/"};
  constexpr std::array<std::string_view, 2> patient{"aws-sdk-go", "aws-sdk-rust/"};
  if (std::any_of(bearing.begin(), bearing.end(), [&](auto each) { return contains(user_agent, each); }))
    return {review_within, kInterim};
  if (std::any_of(patient.begin(), patient.end(), [&](auto each) { return contains(user_agent, each); }))
    return {review_within, std::nullopt};
  return {std::min<Duration>(review_within, kUnknownClient), std::nullopt};
}

}  // namespace holdpoint::pipeline
