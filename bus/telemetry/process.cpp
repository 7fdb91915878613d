#include "bus/telemetry/process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <memory>

namespace holdpoint::telemetry {

void harden_process() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#ifndef HOLDPOINT_SANITIZED  // the leak checker looks at us from a process of its own
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  std::signal(SIGPIPE, SIG_IGN);
}

void call_on_stop_signal(boost::asio::any_io_executor executor, std::function<void()> stop) {
  auto signals = std::make_shared<boost::asio::signal_set>(executor, SIGTERM, SIGINT);
  signals->async_wait([signals, stop = std::move(stop)](const boost::system::error_code& error, int) {
    if (!error) stop();
  });
}

int stop_signal_descriptor() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return -1;
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace holdpoint::telemetry
