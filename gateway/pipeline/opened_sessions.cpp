#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

Result<OpenedSessions::Opened> OpenedSessions::open(const configuration::SnapshotPtr& snapshot,
                                                    const std::string& access_key_id, const std::string& session_token,
                                                    Instant now) {
  if (snapshot_ != snapshot) {
    sessions_.clear();
    snapshot_ = snapshot;
  }
  const auto found = sessions_.find(access_key_id);
  if (found != sessions_.end() && constant_time_equal(found->second.token, session_token) &&
      now < found->second.opened->session.expires_at)
    return found->second.opened;
  auto opened = snapshot->seal.open(access_key_id, session_token, now);
  if (!opened) {
    if (found != sessions_.end() && now >= found->second.opened->session.expires_at) sessions_.erase(found);
    return opened.error();
  }
  if (sessions_.size() >= kSessionsMax) sessions_.clear();
  auto kept = std::make_shared<const identity::OpenedSession>(std::move(*opened));
  sessions_.insert_or_assign(access_key_id, Kept{session_token, kept});
  return Opened(std::move(kept));
}

}  // namespace holdpoint::pipeline
