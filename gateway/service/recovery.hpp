// After a restart: what became of the claims that this gateway held when it died (DESIGN.md, invariant 5).
//
//   journal says        then the claim is
//   completed           settled with that outcome
//   anything else       unknown: bytes may have left; nobody uses the grant again
//
// That a journal has no intent shows nothing: it may be an older copy of itself (a restored disk, a replica that lagged
// behind), and the intent with which the call was sent went with the rest. So only a gateway that lives releases
// (ops/adr/0005). Pure but for the journal's reader.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/journal/journal.hpp"
#include "gateway/review/claims.hpp"

namespace holdpoint::service {

struct HeldClaim {
  std::string operation_id;
  std::string review_id;
  std::uint64_t epoch = 0;
};
/// From ClaimsReported; those of this boot are left out.
std::vector<HeldClaim> held_claims(const Json& reported, std::uint64_t boot_epoch);

struct Trace {
  std::string outcome;  ///< empty = not completed
  int status = 0;
  std::string upstream_request_id;
};
/// Takes one journal entry (an event's JSON) into account, when it is about one of `traces`.
void trace_entry(BytesView entry, std::map<std::string, Trace>& traces);

/// Reads the whole journal for the given claims. Fails as the reader does.
Result<std::map<std::string, Trace>> trace_claims(journal::Journal& journal, const std::vector<HeldClaim>& claims);

review::Settlement settlement_of(const HeldClaim& claim, const Trace& trace, const std::string& gateway);

}  // namespace holdpoint::service
