// What the nodes of the scenario "operation" share: the deployment's fixed facts, all that outlives a process, the
// mutations, and the checkers that everything is reported to.
//
//   agents --calls--> gateways --sends--> target          agents and target are no peers of the bus: plain frames
//                        |  reviews, masks, records
//                       bus --- approvals (2) --- one store;  maskers (2);  auditors (2) --- one log;  a frontend
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "approvals/memory_store.hpp"
#include "bus/config/document.hpp"
#include "tests/sim/bus_nodes.hpp"
#include "tests/sim/journal_node.hpp"
#include "tests/sim/log_disk.hpp"
#include "tests/sim/operation_checker.hpp"

namespace holdpoint::sim {

// Each takes one guard away; a checker must notice.
inline const std::string kIntentGateOff = "intent-gate-off";  ///< the call is sent while its intent is being written
inline const std::string kOutcomeGateOff =
    "outcome-gate-off";  ///< the answer leaves while its outcome is being written
inline const std::string kClaimNotAtomic = "claim-not-atomic";  ///< who comes second is told "claimed" too
inline const std::string kDigestBlind = "digest-blind";         ///< the digest leaves the resource out
inline const std::string kMaskingOff = "masking-off";           ///< an answer that was not masked leaves all the same
inline const std::string kJournalTrusted = "journal-trusted";   ///< after a crash a claim without an intent is released
inline const std::string kReleaseForgotten = "release-forgotten";  ///< a release that comes before its claim is no news

/// What an agent may ask for, and what policy says to it.
struct Kind {
  std::string name;
  bool allowed = true;
  bool masked = false;    ///< an obligation to mask exists
  bool streamed = false;  ///< the answer passes through while it arrives
  unsigned required = 0;  ///< people; 0 = not held
  unsigned window_s = 0;  ///< 0 = a grant for once
};
const std::vector<Kind>& kinds();
const Kind& kind_named(const std::string& name);

constexpr unsigned kParkedMax = 6;
constexpr unsigned kParkedPerPrincipalMax = 4;

struct OperationStage {
  OperationStage(World& in, std::string with_mutation);

  [[nodiscard]] bool mutated(const std::string& by) const { return mutation == by; }

  World& world;
  std::string mutation;
  JournalDisks journals;
  LogDisk log;
  approvals::MemoryStore reviews;
  bool store_faulty = true;
  std::set<std::string> given_up;  ///< operations whose release came before their claim
  BusSettings bus;
  std::shared_ptr<const config::Document> document;
  OperationChecker checker;
  Instant calm_from{};
  Instant last_call_at{};  ///< no new calls from then on
  int calls = 0;
};

using StagePtr = std::shared_ptr<OperationStage>;

std::unique_ptr<Node> make_gateway(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_approvals(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_auditor(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_masker(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_target(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_agent(const Life& life, StagePtr stage);
std::unique_ptr<Node> make_frontend(const Life& life, StagePtr stage);

/// Plain frames between agents, gateways and the target.
wire::Frames to_plain(const Json& message);
Json from_plain(const wire::Frames& frames);

}  // namespace holdpoint::sim
