#include "gateway/service/recovery.hpp"

#include "bus/record/event.hpp"

namespace holdpoint::service {
namespace {

constexpr std::size_t kEntriesMax = 4096;
constexpr std::size_t kChunkBytesMax = 8 << 20;

}  // namespace

std::vector<HeldClaim> held_claims(const Json& reported, std::uint64_t boot_epoch) {
  std::vector<HeldClaim> out;
  if (!reported.contains("claims") || !reported["claims"].is_array()) return out;
  for (const Json& each : reported["claims"]) {
    const std::string state = string_or(each, "state");
    const auto epoch = get_int(each, "epoch");
    if (!epoch || *epoch < 0 || (state != "claimed" && state != "sent")) continue;
    if (static_cast<std::uint64_t>(*epoch) == boot_epoch) continue;
    out.push_back({string_or(each, "operation_id"), string_or(each, "review_id"), static_cast<std::uint64_t>(*epoch)});
  }
  return out;
}

void trace_entry(BytesView entry, std::map<std::string, Trace>& traces) {
  const auto event = record::event_from_json(entry);
  if (!event) return;
  const auto found = traces.find(event->subject);
  if (found == traces.end()) return;
  if (event->type != record::type::kOperationCompleted) return;
  Trace& trace = found->second;
  trace.outcome = string_or(event->data, "outcome", "unknown");
  if (const auto status = get_int(event->data, "status")) trace.status = static_cast<int>(*status);
  trace.upstream_request_id = string_or(event->data, "upstream_request_id");
}

Result<std::map<std::string, Trace>> trace_claims(journal::Journal& journal, const std::vector<HeldClaim>& claims) {
  std::map<std::string, Trace> traces;
  for (const HeldClaim& claim : claims) traces[claim.operation_id];
  if (traces.empty()) return traces;
  journal::Journal::Reader reader = journal.reader();
  for (std::uint64_t next = journal.oldest();;) {
    auto chunk = reader.read(next, kEntriesMax, kChunkBytesMax);
    if (!chunk) return chunk.error();
    if (chunk->entries.empty()) return traces;
    for (const Bytes& entry : chunk->entries) trace_entry(entry, traces);
    next = chunk->first + chunk->entries.size();
    // What this boot writes while we read is about no claim of an earlier one.
    if (next > journal.status().durable) return traces;
  }
}

review::Settlement settlement_of(const HeldClaim& claim, const Trace& trace, const std::string& gateway) {
  review::Settlement settlement{claim.operation_id, claim.review_id, {gateway, claim.epoch}, "unknown", 0, {}};
  if (trace.outcome.empty()) return settlement;
  settlement.state = trace.outcome;
  settlement.status = trace.status;
  settlement.upstream_request_id = trace.upstream_request_id;
  return settlement;
}

}  // namespace holdpoint::service
