// Who stands at the edges: agents whose clients retry as SDKs do, and a frontend at which people vote: reviewers, a
// stranger, and requesters on their own requests.
#include "tests/sim/operation_stage.hpp"

namespace holdpoint::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kClientPatience = 7s;
constexpr double kGivesUpEarly = 0.06;
constexpr double kAsksTwice = 0.15;  // a second client of the same agent runs the same call

bool is_retried(Code code) {
  switch (code) {
    case Code::overloaded:
    case Code::unavailable:
    case Code::timed_out:
    case Code::not_durable:
    case Code::stale:
      return true;
    default:
      return false;
  }
}

class AgentNode final : public Node {
 public:
  AgentNode(const Life& life, StagePtr stage) : life_(life), stage_(std::move(stage)) {}
  ~AgentNode() override {
    for (const auto& [number, call] : calls_) stage_->checker.forgotten(number);
  }
  void start() override { plan(); }

  void on_frames(const std::string&, wire::Frames frames) override {
    const Json answer = from_plain(frames);
    const auto attempt = attempts_.find(string_or(answer, "attempt"));
    if (attempt == attempts_.end()) return;  // it has given up this connection
    const auto found = calls_.find(attempt->second);
    HOLDPOINT_INVARIANT(found != calls_.end());
    const std::string type = string_or(answer, "type");
    const std::string operation_id = string_or(answer, "operation_id");
    const std::string body = string_or(answer, "body");
    OperationChecker& checker = stage_->checker;
    if (type == "head") return checker.streamed(operation_id, body, false);
    if (type == "tail") checker.streamed(operation_id, body, true);
    if (type == "answer") checker.answered(operation_id, body, found->second.kind->masked);
    const Code code = type == "refused" ? code_from_name(string_or(answer, "code")) : Code::internal;
    attempts_.erase(attempt);
    if (type == "refused" && is_retried(code)) return again(found->first);
    end(found->first, type == "answer" || type == "tail");
  }

 private:
  struct Call {
    const Kind* kind = nullptr;
    std::string item;
    std::string invocation;
    bool in_calm = false;
  };

  void plan() {
    life_.world.after(life_, life_.world.random().between(100ms, 900ms), [this] {
      if (life_.world.now() < stage_->last_call_at) begin();
      plan();
    });
  }

  void begin() {
    Random& random = life_.world.random();
    Call call;
    call.kind = &kinds()[random.below(kinds().size())];
    call.item = random.chance(0.02) ? kPoison : "item-" + std::to_string(random.below(2));
    // Half of the clients name their calls, as SDKs do.
    if (random.chance(0.5)) call.invocation = to_text(life_.world.ids().next(life_.world.now()));
    call.in_calm = life_.world.now() >= stage_->calm_from + 4s;
    open(call);
    if (random.chance(kAsksTwice)) open(call);
  }

  void open(const Call& call) {
    const int number = stage_->calls++;
    calls_[number] = call;
    stage_->checker.began(number);
    attempt(number);
  }

  void attempt(int number) {
    World& world = life_.world;
    const Call& call = calls_.at(number);
    const std::string id = to_text(world.ids().next(world.now()));
    const std::string gateway = world.random().chance(0.5) ? "gateway-1" : "gateway-2";
    attempts_[id] = number;
    world.send(life_.address(), gateway,
               to_plain({{"type", "call"},
                         {"attempt", id},
                         {"kind", call.kind->name},
                         {"item", call.item},
                         {"principal", "corp:" + life_.name},
                         {"invocation", call.invocation}}));
    const bool in_storm = world.now() < stage_->calm_from;
    const Duration patience =
        in_storm && world.random().chance(kGivesUpEarly) ? world.random().between(1ms, 600ms) : kClientPatience;
    world.after(life_, patience, [this, id, gateway, number] {
      if (attempts_.erase(id) == 0) return;
      life_.world.send(life_.address(), gateway, to_plain({{"type", "gone"}, {"attempt", id}}));
      life_.world.saw("client gave up an attempt");
      again(number);
    });
  }

  void again(int number) {
    life_.world.after(life_, life_.world.random().between(50ms, 800ms), [this, number] { attempt(number); });
  }

  void end(int number, bool good) {
    const Call call = calls_.at(number);
    calls_.erase(number);
    const bool must_be_good = call.in_calm && call.kind->allowed && call.kind->required == 0;
    if (good && call.kind->required > 1) life_.world.saw("call of two approvals succeeded");
    if (good && call.kind->required > 0) life_.world.saw("held call succeeded");
    stage_->checker.ended(number, good, must_be_good);
  }

  Life life_;
  StagePtr stage_;
  std::map<int, Call> calls_;
  std::map<std::string, int> attempts_;
};

class FrontendNode final : public PeerNode {
 public:
  FrontendNode(const Life& life, StagePtr stage) : PeerNode(life), stage_(std::move(stage)) {}

 private:
  void run() override { look(); }

  void look() {
    after(world().random().between(80ms, 500ms), [this] { look(); });
    request("reviews", {"ReviewsRequested", Json{{"state", "pending"}, {"limit", 20}}, {}}, 1s,
            [this](const Result<wire::Message>& answer) {
              if (!answer || answer->body["reviews"].empty()) return;
              const Json& reviews = answer->body["reviews"];
              vote(reviews[world().random().below(reviews.size())]);
            });
  }

  void vote(const Json& review) {
    Random& random = world().random();
    const std::string principal = string_or(review, "principal");
    const std::vector<std::string> people{"alice", "bob", "carol", "mallory",
                                          principal.substr(principal.find(':') + 1)};
    const std::string person = people[random.below(people.size())];
    const bool approves = random.chance(0.8);
    const std::string review_id = string_or(review, "review_id");
    Json ballot{{"review_id", review_id},
                {"verdict", approves ? "approve" : "reject"},
                {"reason", "because"},
                {"token", person}};
    if (approves && review["grant"] != Json{{"kind", "once"}} && random.chance(0.7)) ballot["grant"] = review["grant"];
    stage_->checker.cast(review_id, "corp:" + person, approves);
    const bool own = "corp:" + person == principal;
    request("reviews", {"VoteCast", std::move(ballot), {}}, 2s,
            [this, review_id, person, own](const Result<wire::Message>& counted) {
              if (counted) return stage_->checker.counted(review_id, "corp:" + person, person != "mallory" && !own);
              if (own && counted.error().code == Code::denied) world().saw("requester's own vote refused");
              if (person == "mallory" && counted.error().code == Code::denied) world().saw("stranger's vote refused");
            });
  }

  StagePtr stage_;
};

}  // namespace

std::unique_ptr<Node> make_agent(const Life& life, StagePtr stage) {
  return std::make_unique<AgentNode>(life, std::move(stage));
}
std::unique_ptr<Node> make_frontend(const Life& life, StagePtr stage) {
  return std::make_unique<FrontendNode>(life, std::move(stage));
}

}  // namespace holdpoint::sim
