// What a masker may still do once it has its connection: it reads hostile bytes, so it gets no files, no network of
// its own, no new programs, and bounded memory and time.
//
// The limit of it: libzmq reconnects to the bus by itself, so socket() and connect() stay allowed for the address
// family of the configured endpoint (AF_UNIX for ipc://, AF_INET and AF_INET6 for tcp://). seccomp cannot look behind
// connect()'s pointer, so a taken-over masker on tcp:// could still dial out; on ipc:// it can reach Unix sockets that
// the file system lets its user reach (the bus's own directory, by the supervisor's permissions). Over tcp:// let the
// host's packet filter name the bus as the only destination.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "bus/base/result.hpp"

namespace holdpoint::masker {

struct SandboxOptions {
  std::string bus_endpoint;                          ///< ipc://… or tcp://…
  std::size_t address_space_bytes_max = 4ULL << 30;  ///< one 64 MiB body, unescaped maps of it, several at once
  unsigned descriptors_max = 256;                    ///< the bus's sockets, timers, event descriptors
};

/// A sanitizer's runtime opens files, starts its symbolizer and maps terabytes: programs with one (the presets asan,
/// tsan and fuzz, never an installed one) run unconfined and say so in their log.
#ifdef HOLDPOINT_SANITIZED
inline constexpr bool kConfines = false;
#else
inline constexpr bool kConfines = true;
#endif

/// For good, in all threads. After it open(), execve(), fork() and other families' socket() fail with EPERM. Fails
/// with `unavailable` when the kernel refuses the filter: then the process must end, not go on unconfined.
Result<void> enter_sandbox(const SandboxOptions& options);

/// Ends the process (status 70) when one request takes longer than `limit`: the broker then refuses that request, and
/// gives it to no other worker. Ticks in a thread of its own; make it before enter_sandbox().
class Watchdog {
 public:
  explicit Watchdog(std::chrono::milliseconds limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  void begin();
  void end();

 private:
  struct State;
  State* state_;
};

}  // namespace holdpoint::masker
