// A reviewers' decision as a gateway accepts it. Pure.
//
// Nothing is taken from unsigned fields: the text must be signed by a key that the configuration lists for an approvals
// process, name this deployment, this review and this very digest, and permit something now.
#pragma once

#include <string>
#include <vector>

#include "bus/config/document.hpp"
#include "gateway/operation/message.hpp"

namespace holdpoint::review {

struct Expected {
  std::string review_id;
  std::string digest;
};

/// `carried` is {"decision": text, "key_id", "signature"}. Fails with `tampered` for anything that does not fit (it is
/// then as if no decision had come), `malformed` for a text that cannot be read.
Result<operation::Decided> verify_decision(const Json& carried, const config::Document& document,
                                           const Expected& expected, Instant now);

}  // namespace holdpoint::review
