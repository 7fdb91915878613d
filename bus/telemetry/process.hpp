// What every main does first: no core dumps, no SIGPIPE, and a clean stop on SIGTERM and SIGINT.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>

namespace holdpoint::telemetry {

/// No core dumps and no ptrace by other processes of the same user (PR_SET_DUMPABLE 0, RLIMIT_CORE 0): keys and
/// unmasked bytes stay in this process. Ignores SIGPIPE.
void harden_process();

/// Calls `stop` once, on the executor, at the first SIGTERM or SIGINT. Does not keep the io_context alive by itself
/// once `stop` was called.
void call_on_stop_signal(boost::asio::any_io_executor executor, std::function<void()> stop);

/// For a main without Asio: blocks SIGTERM and SIGINT in this thread (call it before threads start) and returns a
/// signalfd that becomes readable with the first of them; -1 on failure.
int stop_signal_descriptor();

}  // namespace holdpoint::telemetry
