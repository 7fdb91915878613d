// How a process records: builds the event, makes it durable, ships it. One Recorder per process owns its journal and
// shipper; each executor (shard) that records has a Seat.
//
//   Recorder recorder = Recorder::open(...);  recorder.ship(io, port_request);
//   Recorder::Seat seat(recorder, shard_executor);
//   auto position = co_await seat.record(record::type::kOperationIntended, operation_id, data);   // gate 1
//
// The two gates of the design stand on this: send nothing, answer nothing, until record() has returned a position.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "bus/journal/async_append.hpp"
#include "bus/journal/open_operations.hpp"
#include "bus/journal/shipper.hpp"
#include "bus/record/event.hpp"

namespace holdpoint::journal {

/// What record() waits for: this disk, or the log in PostgreSQL.
enum class Durability { journal, database };

struct RecorderOptions {
  std::filesystem::path directory;  ///< e.g. var/journal/gateway-1
  std::string deployment;
  std::string source;  ///< the process's name
  JournalOptions journal;
  /// Of record() under Durability::database: beyond it `not_durable`, though the entry may still reach the log.
  Duration database_wait_max = std::chrono::seconds(10);
  Durability durability = Durability::journal;
  bool tracks_operations = false;  ///< a gateway's: see open_operations.hpp
};

class Recorder {
 public:
  /// `key` (PeerIdentity::signing_key) outlives the recorder. Fails as Journal::open does.
  static Result<std::unique_ptr<Recorder>> open(RecorderOptions options, const SigningKey& key);
  ~Recorder();

  /// Begins shipping on `executor`; once.
  void ship(boost::asio::any_io_executor executor, Request request);
  /// Ends shipping; recording goes on.
  boost::asio::awaitable<void> stop();

  /// Any thread: without waiting, for events that gate nothing. `done` as for Journal::append; may be empty.
  void note(std::string_view type, std::string subject, const Json& data, Appended done = {});

  /// Operations without an outcome that nobody works on any more: left by an earlier run of this process, or their
  /// outcome could not be written. Recording one (kOperationCompleted) takes it off the list.
  [[nodiscard]] std::vector<OpenOperations::Abandoned> abandoned() const;
  /// Now and then: writes anew which operations run, where that is needed to let the journal forget.
  void carry_open_operations();

  /// May change with the configuration.
  void set_durability(Durability durability);
  [[nodiscard]] Durability durability() const;
  [[nodiscard]] Journal& journal();
  /// Names this run of the process in claims; rises with every start, and is no other run's when the journal was lost
  /// or is an older copy of itself.
  [[nodiscard]] std::uint64_t boot_epoch() const;
  [[nodiscard]] std::string trouble() const;  ///< of shipping

  class Seat;

 private:
  struct State;
  explicit Recorder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Recorder::Seat {
 public:
  Seat(Recorder& recorder, boost::asio::any_io_executor executor);

  /// The event is durable (on disk, or in the log under Durability::database), or an error and it must be taken for
  /// not recorded: `overloaded` (retrying helps), `not_durable`, `too_large`.
  /// `here_is_enough`: the disk alone, for what nobody waits for the answer of.
  boost::asio::awaitable<Result<Position>> record(std::string_view type, std::string subject, record::EventData data,
                                                  bool here_is_enough = false);

 private:
  Recorder* recorder_;
  Appender appender_;
};

}  // namespace holdpoint::journal
