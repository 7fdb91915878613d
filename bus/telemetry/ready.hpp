// The readiness protocol of systemd (sd_notify(3)), which the supervisor speaks too: datagrams to $NOTIFY_SOCKET.
#pragma once

#include <string_view>

namespace holdpoint::telemetry {

/// "READY=1": listeners are bound and the process can do its job. Nothing happens without $NOTIFY_SOCKET.
void notify_ready();
/// "STOPPING=1".
void notify_stopping();
/// One line that the supervisor shows, e.g. "waiting for PostgreSQL".
void notify_status(std::string_view text);

}  // namespace holdpoint::telemetry
