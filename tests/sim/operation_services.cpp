// The services that the simulated gateways use: approvals (production rules over a shared store), auditors (production
// Sequencer over a shared log), maskers (production answers; may be killed by what they read) and the target.
#include "approvals/service.hpp"
#include "auditor/sequencer.hpp"
#include "masker/worker/answer.hpp"
#include "tests/sim/faulty_review_store.hpp"
#include "tests/sim/operation_stage.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;

constexpr double kClaimsStuck = 0.03;
constexpr Duration kClaimsStuckFor = 3500ms;

// ---- approvals ----------------------------------------------------------------------------------------------------

/// Tokens are not verified here (bus/identity has its tests): a token is the person's name.
Result<identity::Principal> person_of(const std::string& token, Instant) {
  identity::Principal person{"corp", token, {}, {}};
  if (token != "mallory") person.groups = {"approvers"};
  return person;
}

class ApprovalsNode final : public JournalNode, approvals::EventSink, approvals::Publisher {
 public:
  ApprovalsNode(const Life& life, StagePtr stage)
      : JournalNode(life, stage->journals),
        stage_(std::move(stage)),
        store_(stage_->reviews, {world(), [raw = stage_.get()] { return raw->store_faulty; }, [this] { return dead(); },
                                 [this] { die(); }, stage_->given_up, stage_->mutated(kClaimNotAtomic),
                                 stage_->mutated(kReleaseForgotten)}),
        signatory_{life.name, "sim", life.name + "-key",
                   SigningKey::from_seed(key_of(life.name).seed().reveal()).value()},
        announcer_(*this, *this),
        voting_(signatory_, world().ids(), announcer_, [raw = stage_.get()] { return raw->document; }),
        service_(voting_, announcer_, person_of, [raw = stage_.get()] { return raw->document; }) {}

 private:
  void run() override {
    open_journal();
    if (dead()) return;
    serve("reviews", 4, [this](wire::Envelope request) {
      if (const auto lane = approvals::lane_of(request.message.type)) return gather(*lane, std::move(request));
      after(world().random().between(200us, 8ms), [this, request = std::move(request)] {
        auto result = service_.handle(request, store_, now());
        if (!dead()) answer(request, std::move(result));
      });
    });
    tick();
  }

  /// As approvals/lane_queue.hpp: what comes while a batch is under way is the next one.
  void gather(approvals::Lane lane, wire::Envelope request) {
    std::vector<wire::Envelope>& queue = queues_[lane];
    queue.push_back(std::move(request));
    if (queue.size() > 1) return;
    // Now and then the database takes longer over claims than gateways wait for it.
    const bool stuck = lane == approvals::Lane::claims && stage_->store_faulty && world().random().chance(kClaimsStuck);
    after(stuck ? kClaimsStuckFor : world().random().between(200us, 8ms), [this, lane] { answer_all(lane); });
  }

  void answer_all(approvals::Lane lane) {
    const std::vector<wire::Envelope> requests = std::exchange(queues_[lane], {});
    if (requests.size() > 1) world().saw("approvals answered several at once");
    auto answers = service_.handle(lane, requests, store_, now());
    for (std::size_t i = 0; i < requests.size() && !dead(); ++i) answer(requests[i], std::move(answers[i]));
  }

  void tick() {
    service_.tick(store_, now());
    after(1s, [this] { tick(); });
  }

  Result<void> record(std::span<const record::Event> events) override {
    std::vector<Bytes> entries;
    for (record::Event event : events) {
      event.source = life().name;  // also of what another process left behind, as JournalSink does
      entries.push_back(record::event_to_json(event));
    }
    return record_now(entries);
  }

  void publish(std::string topic, wire::Message message) override { PeerNode::publish(topic, std::move(message)); }

  StagePtr stage_;
  FaultyReviewStore store_;
  approvals::Signatory signatory_;
  approvals::Announcer announcer_;
  approvals::Voting voting_;
  approvals::ReviewService service_;
  std::map<approvals::Lane, std::vector<wire::Envelope>> queues_;
};

// ---- auditors -----------------------------------------------------------------------------------------------------

/// Opens, offers the service once it writes, answers in batches, and ends when another has taken the log over: as
/// auditor/log_writer.hpp and auditor/service.hpp do with a thread and coroutines.
class AuditorNode final : public PeerNode {
 public:
  AuditorNode(const Life& life, StagePtr stage)
      : PeerNode(life), stage_(std::move(stage)), store_(life, stage_->log), sequencer_(store_, "sim") {
    for (const config::PeerKey& key : stage_->document->keys) keys_[key.key_id] = {key.name, key.sign_public};
  }

 private:
  void run() override { open(); }

  void open() {
    const auto opened = sequencer_.open();
    if (opened && !std::exchange(wrote_, true)) offer();
    if (!opened && wrote_ && opened.error().code == Code::conflict) {
      world().saw("auditor lost the log to another");
      world().crash(life().name);
      return world().after(1s, [&world = world(), name = life().name] { world.start(name); });
    }
    after(300ms, [this] { open(); });
  }

  void offer() {
    serve("records", 16, [this](wire::Envelope request) {
      queue_.push_back(std::move(request));
      if (queue_.size() == 1) after(world().random().between(500us, 10ms), [this] { work(); });
    });
  }

  void work() {
    std::vector<wire::Envelope> requests;
    std::vector<auditor::Submitted> submitted;
    for (wire::Envelope& request : std::exchange(queue_, {})) {
      if (request.message.type == "RecordPositionRequested") {
        report(request, "RecordPositionReported",
               sequencer_.position(string_or(request.message.body, "source"), request.sender.key_id, keys_));
        continue;
      }
      auto submission = record::submission_from_message(request.message);
      if (!submission) {
        answer(request, submission.error());
        continue;
      }
      stage_->checker.bounded("entries of a submission", submission->entries.size(), record::kSubmissionEntriesMax);
      submitted.push_back({std::move(*submission), request.sender.key_id});
      requests.push_back(std::move(request));
    }
    if (requests.empty()) return;
    const auto results = sequencer_.submit(submitted, keys_, now());
    for (std::size_t i = 0; i < requests.size(); ++i) report(requests[i], "RecordsSequenced", results[i]);
  }

  void report(const wire::Envelope& request, const char* type, const Result<auditor::SourceMark>& mark) {
    if (!mark) return answer(request, mark.error());
    answer(request, wire::Message{type, {{"epoch", mark->epoch}, {"through", mark->through}}, {}});
  }

  StagePtr stage_;
  SimulatedLogStore store_;
  auditor::Sequencer sequencer_;
  auditor::SourceKeys keys_;
  bool wrote_ = false;
  std::vector<wire::Envelope> queue_;
};

// ---- maskers ------------------------------------------------------------------------------------------------------

class MaskerNode final : public PeerNode {
 public:
  MaskerNode(const Life& life, StagePtr stage) : PeerNode(life), stage_(std::move(stage)) {}

 private:
  void run() override {
    serve("masks", 2, [this](wire::Envelope request) {
      if (now() < stage_->calm_from && world().random().chance(0.05)) {
        world().saw("masker killed by what it read");
        world().crash(life().name);
        return world().after(300ms, [&world = world(), name = life().name] { world.start(name); });
      }
      after(world().random().between(200us, 5ms),
            [this, request = std::move(request)] { answer(request, masker::answer_mask_request(request.message)); });
    });
  }

  StagePtr stage_;
};

// ---- the target ---------------------------------------------------------------------------------------------------

class TargetNode final : public Node {
 public:
  TargetNode(const Life& life, StagePtr stage) : life_(life), stage_(std::move(stage)) {}
  void start() override {}

  void on_frames(const std::string& from, wire::Frames frames) override {
    const Json request = from_plain(frames);
    const std::string transmission = string_or(request, "transmission");
    if (!transmissions_.insert(transmission).second) return;  // a repeated segment is no second request
    const Kind& kind = kind_named(string_or(request, "kind"));
    stage_->checker.effect({string_or(request, "operation_id"), string_or(request, "principal"), kind.name,
                            string_or(request, "item"), kind.required > 0});
    Json body{{"item", string_or(request, "item")}};
    if (kind.masked) body["password"] = kSecret;
    Random& random = life_.world.random();
    const bool storm = life_.world.now() < stage_->calm_from;
    if (storm && random.chance(0.03)) return;  // it ran, and its answer is lost
    life_.world.after(life_, random.between(500us, 60ms), [this, from, transmission, body] {
      life_.world.send(life_.address(), from, to_plain({{"transmission", transmission}, {"body", to_json(body)}}));
    });
  }

 private:
  Life life_;
  StagePtr stage_;
  std::set<std::string> transmissions_;
};

}  // namespace

std::unique_ptr<Node> make_approvals(const Life& life, StagePtr stage) {
  return std::make_unique<ApprovalsNode>(life, std::move(stage));
}
std::unique_ptr<Node> make_auditor(const Life& life, StagePtr stage) {
  return std::make_unique<AuditorNode>(life, std::move(stage));
}
std::unique_ptr<Node> make_masker(const Life& life, StagePtr stage) {
  return std::make_unique<MaskerNode>(life, std::move(stage));
}
std::unique_ptr<Node> make_target(const Life& life, StagePtr stage) {
  return std::make_unique<TargetNode>(life, std::move(stage));
}

}  // namespace holdpoint::sim
