#include "approvals/configuration.hpp"

namespace holdpoint::approvals {
namespace {

constexpr Duration kLease = std::chrono::seconds(3);  // six heartbeats; what gateways hold to as well

}  // namespace

Result<void> Configuration::apply(const Json& body) {
  auto text = get_string(body, "document");
  if (!text) return text.error();
  auto signature = from_base64(string_or(body, "signature"));
  if (!signature) return fail(Code::malformed, "the configuration's signature is not base64");
  auto document = config::open_document({std::move(*text), std::move(*signature)}, identity_.operator_public);
  if (!document) return document.error();
  if (document->deployment != identity_.deployment) {
    return fail(Code::tampered, "the configuration is of another deployment");
  }
  auto snapshot = std::make_shared<const Snapshot>(std::move(*document));
  const std::lock_guard lock(mutex_);
  if (snapshot_ && snapshot->document.version <= snapshot_->document.version) {
    return fail(Code::stale, "the configuration is not newer");
  }
  if (auto admitted = floor_.admit(snapshot->document.version); !admitted) return admitted;
  snapshot_ = std::move(snapshot);
  return {};
}

bool Configuration::heard(const Json& body, Instant now) {
  const auto announced = get_int(body, "version");
  const std::lock_guard lock(mutex_);
  const bool behind = announced && *announced > 0 &&
                      (!snapshot_ || static_cast<std::uint64_t>(*announced) > snapshot_->document.version);
  if (!behind) heard_ = now;
  return behind;
}

std::uint64_t Configuration::version() const {
  const std::lock_guard lock(mutex_);
  return snapshot_ ? snapshot_->document.version : 0;
}

std::shared_ptr<const Configuration::Snapshot> Configuration::current(Instant now) const {
  const std::lock_guard lock(mutex_);
  // Heard in what is far in the future now: the clock was set back, and nothing says how long ago it was.
  return std::chrono::abs(now - heard_) <= kLease ? snapshot_ : nullptr;
}

std::shared_ptr<const config::Document> Configuration::document(Instant now) const {
  auto snapshot = current(now);
  if (!snapshot) return nullptr;
  return {snapshot, &snapshot->document};
}

std::shared_ptr<const config::Document> Configuration::newest() const {
  const std::lock_guard lock(mutex_);
  if (!snapshot_) return nullptr;
  return {snapshot_, &snapshot_->document};
}

Result<identity::Principal> Configuration::verify_reviewer(const std::string& token, Instant now) const {
  const auto snapshot = current(now);
  if (!snapshot) return fail(Code::unavailable, "no current configuration: nobody can be verified");
  return snapshot->tokens.verify(token, now);
}

}  // namespace holdpoint::approvals
