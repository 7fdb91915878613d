// How long a client waits for people, and how it is kept waiting. Pure. The figures were measured with real clients.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "bus/base/time.hpp"

namespace holdpoint::pipeline {

struct WaitPlan {
  Duration bound{};                             ///< then the client gets an answer, the review stays open
  std::optional<std::chrono::seconds> interim;  ///< an interim 100 Continue this often; nullopt = none is sent
};

/// boto, the AWS CLI and the JavaScript SDK bear any number of interim answers; Python and the CLI give up after 60 s
/// of silence. Go and Rust wait in silence for ever. Whoever is not known gets neither interim answers nor a long wait.
WaitPlan wait_plan(std::string_view user_agent, Duration review_within);

}  // namespace holdpoint::pipeline
