#include "bus/journal/recorder.hpp"

#include <algorithm>
#include <atomic>

namespace holdpoint::journal {
namespace {

namespace asio = boost::asio;

}  // namespace

struct Recorder::State {
  RecorderOptions options;
  const SigningKey* key = nullptr;
  OpenOperations operations;  ///< outlives the journal's thread, which asks it
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Shipper> shipper;
  std::atomic<Durability> durability = Durability::journal;

  [[nodiscard]] Bytes entry(std::string_view type, std::string subject, const record::EventData& data) const {
    record::Event event;
    event.time = system_now();
    event.id = RandomIdSource().next(event.time);
    event.source = options.source;
    event.type = std::string(type);
    event.subject = std::move(subject);
    return record::event_to_json(event, data.to_json());
  }
};

Recorder::Recorder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderOptions options, const SigningKey& key) {
  auto directory = open_directory(options.directory);
  if (!directory) return directory.error();
  if (options.journal.spool.epoch_if_new == SpoolOptions().epoch_if_new) options.journal.spool.epoch_if_new = 0;
  // By the clock, so that no life under a lost or restored journal has the number of an earlier one.
  options.journal.spool.boot_least = static_cast<std::uint64_t>(to_unix_ms(system_now()));
  auto state = std::make_unique<State>();
  if (options.tracks_operations) {
    options.journal.keep_from = [raw = state.get()] { return raw->operations.keep_from(); };
  }
  auto journal = Journal::open(std::move(*directory), options.journal);
  if (!journal) return journal.error();
  if (options.tracks_operations) {
    if (auto restored = state->operations.restore(**journal); !restored) return restored.error();
  }
  state->durability = options.durability;
  state->options = std::move(options);
  state->key = &key;
  state->journal = std::move(*journal);
  return std::unique_ptr<Recorder>(new Recorder(std::move(state)));
}

void Recorder::ship(asio::any_io_executor executor, Request request) {
  HOLDPOINT_INVARIANT(!state_->shipper);
  ShipperOptions options;
  options.deployment = state_->options.deployment;
  options.source = state_->options.source;
  state_->shipper = std::make_unique<Shipper>(std::move(executor), *state_->journal, *state_->key, std::move(request),
                                              std::move(options));
  state_->shipper->start();
}

asio::awaitable<void> Recorder::stop() {
  if (state_->shipper) co_await state_->shipper->stop();
}

void Recorder::note(std::string_view type, std::string subject, const Json& data, Appended done) {
  if (!done) done = [](const Result<Position>&) {};
  state_->journal->append(state_->entry(type, std::move(subject), data), std::move(done));
}

std::vector<OpenOperations::Abandoned> Recorder::abandoned() const { return state_->operations.abandoned(); }

void Recorder::carry_open_operations() {
  State& state = *state_;
  const JournalStatus status = state.journal->status();
  if (status.bytes < state.options.journal.spool.retain_bytes / 2) return;
  const std::uint64_t oldest = state.journal->oldest();
  const std::uint64_t middle = oldest + (status.durable - std::min(oldest, status.durable)) / 2;
  state.operations.carry(middle, [&](const std::string& id, const std::string& session_id) {
    // A refusal comes at once, under the list's lock, and is met again by the next time.
    note(record::type::kOperationContinued, id, {{"operation_id", id}, {"session_id", session_id}},
         [&state, id](const Result<Position>& position) {
           if (position) state.operations.carried(id, position->sequence);
         });
  });
}

void Recorder::set_durability(Durability durability) { state_->durability = durability; }
Durability Recorder::durability() const { return state_->durability; }
Journal& Recorder::journal() { return *state_->journal; }
std::uint64_t Recorder::boot_epoch() const { return state_->journal->boot(); }
std::string Recorder::trouble() const { return state_->shipper ? state_->shipper->trouble() : ""; }

Recorder::Seat::Seat(Recorder& recorder, asio::any_io_executor executor)
    : recorder_(&recorder), appender_(*recorder.state_->journal, std::move(executor)) {}

asio::awaitable<Result<Position>> Recorder::Seat::record(std::string_view type, std::string subject,
                                                         record::EventData data, bool here_is_enough) {
  State& state = *recorder_->state_;
  const bool intent = state.options.tracks_operations && type == record::type::kOperationIntended;
  const bool outcome = state.options.tracks_operations && type == record::type::kOperationCompleted;
  const std::string operation_id = intent || outcome ? subject : std::string();
  if (intent) state.operations.begin(operation_id, data.text_of("session_id"), state.journal->status().durable + 1);
  if (outcome) state.operations.closing(operation_id);
  Bytes entry = state.entry(type, std::move(subject), data);
  data = record::EventData();  // not kept while the disk is waited for
  auto appended = co_await appender_.append(std::move(entry));
  if (appended ? outcome : intent) state.operations.end(operation_id);
  if (!appended && outcome) state.operations.abandon(operation_id);
  if (!appended || here_is_enough || recorder_->durability() == Durability::journal) co_return appended;
  auto acknowledged = co_await appender_.acknowledged(*appended, state.options.database_wait_max);
  if (!acknowledged && intent) state.operations.abandon(operation_id, true);
  co_return acknowledged;
}

}  // namespace holdpoint::journal
