// How an agent becomes a session: the container credential endpoint and the STS operations that SDKs call by
// themselves.
//
//   GET  /credentials[?role=ARN]   Authorization: JWT      (AWS_CONTAINER_CREDENTIALS_FULL_URI; loopback or
//   TLS) POST /  Action=AssumeRoleWithWebIdentity  unsigned POST /  Action=GetCallerIdentity, AssumeRole   signed with
//   gateway-local credentials, scope sts
//
// A session is on record before its credentials leave.
#pragma once

#include "gateway/aws/sts.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/pipeline/services.hpp"

namespace holdpoint::pipeline {

constexpr std::string_view kContainerPath = "/credentials";
/// A token of 8 KiB, a policy of 2 KiB, escaped.
constexpr std::size_t kLoginBytesMax = 64 << 10;

class Login {
 public:
  Login(Services& services, http::Exchange& exchange);

  boost::asio::awaitable<void> container();
  /// `body` is the form, read whole.
  boost::asio::awaitable<void> web_identity(std::string body);
  /// Of a session that is already authenticated. `call` is one of ours, and policy has permitted it.
  boost::asio::awaitable<void> signed_call(const identity::Session& session, const aws::StsCall& call);

 private:
  struct Wish;
  struct Admitted;
  boost::asio::awaitable<Result<Admitted>> admit(Wish& wish);
  Result<void> read_container(Wish& wish);
  boost::asio::awaitable<Result<identity::Session>> admit_token(Wish& wish);
  Result<void> check_trust(const Wish& wish, const identity::Session& session, std::string_view caller_role);
  Result<Admitted> mint(identity::Session session);
  Result<Admitted> derive(const identity::Session& session, std::optional<Duration> duration,
                          const std::string& policy);
  boost::asio::awaitable<void> derived_call(const identity::Session& session, const aws::StsCall& call);
  boost::asio::awaitable<Result<void>> record_started(const identity::Session& session, std::string via);
  boost::asio::awaitable<void> record_refused(const Wish& wish, const Error& error);
  boost::asio::awaitable<void> record_end(const Wish& wish, Result<Admitted>& admitted);
  boost::asio::awaitable<void> refuse_sts(const Error& error);
  [[nodiscard]] Result<void> check_lease() const;
  [[nodiscard]] Result<std::string> only_role() const;
  [[nodiscard]] bool is_loopback() const;

  Services& services_;
  http::Exchange& exchange_;
  configuration::SnapshotPtr snapshot_;  ///< never an older one than the token was verified by
  std::string request_id_;
};

}  // namespace holdpoint::pipeline
