#include "bus/journal/recorder.hpp"

#include <atomic>

namespace holdpoint::journal {
namespace {

namespace asio = boost::asio;

}  // namespace

struct Recorder::State {
  RecorderOptions options;
  const SigningKey* key = nullptr;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Shipper> shipper;
  std::atomic<Durability> durability = Durability::journal;

  [[nodiscard]] Bytes entry(std::string_view type, std::string subject, Json data) const {
    record::Event event;
    event.time = system_now();
    event.id = RandomIdSource().next(event.time);
    event.source = options.source;
    event.type = std::string(type);
    event.subject = std::move(subject);
    event.data = std::move(data);
    return record::event_to_json(event);
  }
};

Recorder::Recorder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recorder::~Recorder() = default;

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderOptions options, const SigningKey& key) {
  auto directory = open_directory(options.directory);
  if (!directory) return directory.error();
  if (options.journal.spool.epoch_if_new == SpoolOptions().epoch_if_new) options.journal.spool.epoch_if_new = 0;
  auto journal = Journal::open(std::move(*directory), options.journal);
  if (!journal) return journal.error();
  auto state = std::make_unique<State>();
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

void Recorder::note(std::string_view type, std::string subject, Json data, Appended done) {
  if (!done) done = [](const Result<Position>&) {};
  state_->journal->append(state_->entry(type, std::move(subject), std::move(data)), std::move(done));
}

void Recorder::set_durability(Durability durability) { state_->durability = durability; }
Durability Recorder::durability() const { return state_->durability; }
Journal& Recorder::journal() { return *state_->journal; }
std::uint64_t Recorder::boot_epoch() const { return state_->journal->boot(); }
std::string Recorder::trouble() const { return state_->shipper ? state_->shipper->trouble() : ""; }

Recorder::Seat::Seat(Recorder& recorder, asio::any_io_executor executor)
    : recorder_(&recorder), executor_(executor), appender_(*recorder.state_->journal, executor) {}

asio::awaitable<Result<Position>> Recorder::Seat::record(std::string_view type, std::string subject, Json data) {
  auto appended = co_await appender_.append(recorder_->state_->entry(type, std::move(subject), std::move(data)));
  if (!appended || recorder_->durability() == Durability::journal) co_return appended;
  co_return co_await appender_.acknowledged(*appended, recorder_->state_->options.database_wait_max);
}

}  // namespace holdpoint::journal
