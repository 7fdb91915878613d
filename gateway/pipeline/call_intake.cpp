// The first part of a call: who is asking, what exactly, with which bytes. Nothing is decided here.
#include <algorithm>

#include "gateway/aws/chunked_body.hpp"
#include "gateway/aws/classify.hpp"
#include "gateway/aws/s3_host.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/refusal_answer.hpp"
#include "gateway/pipeline/upstream_call.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using operation::Refusal;

/// What is known from the head alone; recorded even when everything else fails.
void Call::note_facts() {
  const aws::HttpHead& head = exchange_.request().head;
  facts_.operation_id = to_text(services_.ids.next(system_now()));
  facts_.source_ip = exchange_.source_ip();
  facts_.user_agent = http::header_or_empty(head.headers, "user-agent");
  facts_.invocation_id = http::header_or_empty(head.headers, "amz-sdk-invocation-id");
  if (facts_.invocation_id.size() > 128) facts_.invocation_id.resize(128);
  facts_.method = head.method;
  facts_.path = head.path();
  facts_.body_bytes = exchange_.request().content_length;
}

Result<void> Call::open_session() {
  const Instant now = system_now();
  const aws::HttpHead& head = exchange_.request().head;
  auto parsed = aws::parse_signature(head, now);
  if (!parsed) {
    if (parsed.error().code == Code::expired) refusal_kind_ = aws::Refusal::request_expired;
    if (parsed.error().code == Code::unauthenticated) refusal_kind_ = aws::Refusal::missing_signature;
    return parsed.error();
  }
  signature_ = std::move(*parsed);
  const auto opened =
      services_.opened_sessions.open(snapshot_, signature_.access_key_id, signature_.session_token, now);
  if (!opened) {
    const bool ended = opened.error().code == Code::expired;
    refusal_kind_ = ended ? aws::Refusal::expired_token : aws::Refusal::unknown_key;
    return fail(ended ? Code::expired : Code::unauthenticated, opened.error().context);
  }
  const BytesView key = services_.signing_keys.get(signature_.access_key_id, (*opened)->secret_access_key.reveal(),
                                                   signature_.date, signature_.region, signature_.service);
  signing_key_ = Secret(Bytes(key));
  if (!aws::needs_body_hash(signature_)) {
    if (auto verified = aws::verify_signature(signature_, head, key, std::nullopt); !verified) return verified;
    verified_ = true;
  }
  session_ = {*opened, &(*opened)->session};
  facts_.session_id = session_->id;
  facts_.principal = session_->principal.name();
  facts_.role_arn = session_->role_arn;
  return {};
}

Result<void> Call::find_target() {
  role_ = snapshot_->document.role(session_->role_arn);
  if (role_ == nullptr) return fail(Code::denied, "the role " + session_->role_arn + " is not configured any more");
  target_ = snapshot_->document.target(role_->target);
  if (target_ == nullptr) return fail(Code::denied, "the role's target is not configured any more");
  facts_.target = target_->name;
  return check_region(*target_, signature_.region);
}

Result<void> Call::check_region(const config::Target& target, const std::string& region) const {
  const auto& regions = target.regions;
  if (!regions.empty() && std::find(regions.begin(), regions.end(), region) == regions.end())
    return fail(Code::denied, "region " + display(region, 64) + " is not one of target " + target.name);
  return {};
}

/// Verifies the bytes against what was signed, and settles how they go on. `decoded` is what the classifier reads. A
/// signature that needs the bytes is verified here, and the call takes its place.
Result<void> Call::check_body(Bytes& decoded) {
  if (aws::is_aws_chunked(signature_.payload)) {
    auto chunks = aws::ChunkedBody::begin(signature_, exchange_.request().head, signing_key_.reveal());
    if (!chunks) return chunks.error();
    if (auto fed = chunks->feed(body_, decoded); !fed) return fed.error();
    if (!chunks->finished()) return fail(Code::malformed, "the aws-chunked body ends too early");
    if (signature_.payload == aws::PayloadForm::unsigned_trailer) {
      payload_word_ = aws::payload_word(signature_.payload);
      return {};
    }
    // Signed chunks were verified, and cannot be signed again: the bytes themselves go on.
    transfer_ = aws::BodyTransfer::decoded;
    body_ = decoded;
    payload_word_ = to_hex(view(sha256(body_)));
    return {};
  }
  const Hash hash = sha256(body_);
  payload_word_ = to_hex(view(hash));
  if (aws::needs_body_hash(signature_)) {
    if (auto verified = aws::verify_signature(signature_, exchange_.request().head, signing_key_.reveal(), hash);
        !verified)
      return verified;
    verified_ = true;
    return enter();
  }
  if (signature_.payload == aws::PayloadForm::hashed) {
    return aws::check_body(signature_, hash);
  }
  return {};
}

/// Reads the whole body and classifies with it.
asio::awaitable<Result<void>> Call::understand_whole(std::size_t bytes_max, std::optional<aws::Route> route) {
  auto body = co_await exchange_.read_body(bytes_max);
  if (!body) co_return body.error();
  body_ = std::move(*body);
  facts_.body_bytes = body_.size();
  Bytes taken_apart;
  if (auto checked = check_body(taken_apart); !checked) co_return checked;
  const BytesView decoded = aws::is_aws_chunked(signature_.payload) ? BytesView(taken_apart) : BytesView(body_);
  auto classified = aws::classify(exchange_.request().head, scope(), decoded, std::move(route));
  if (!classified) co_return classified.error();
  classified_ = std::move(*classified);
  if (auto taken = take_chunked(decoded); !taken) co_return taken;
  if (operation_.body_is_data) data_hash_ = sha256(decoded);
  if (auto taken = take_region_copy(decoded); !taken) co_return taken;
  co_return adapt_addresses(decoded);
}

/// What is read for the decision goes on as it was read: a service that does not take chunks apart would read their
/// envelope as part of the call.
Result<void> Call::take_chunked(BytesView decoded) {
  if (!aws::is_aws_chunked(signature_.payload) || operation_.body_is_data) return {};
  if (classified_.route.protocol != aws::Protocol::s3)
    return fail(Code::unsupported, "aws-chunked bodies are for S3 and for data alone");
  if (transfer_ == aws::BodyTransfer::decoded) return {};
  transfer_ = aws::BodyTransfer::decoded;
  body_ = Bytes(decoded);
  payload_word_ = to_hex(view(sha256(body_)));
  return {};
}

aws::OwnAddress Call::own_address() const {
  const std::string& host = exchange_.request().host;
  const auto bucket = aws::s3_host_owner(host, scope());
  return {snapshot_->tls ? "https" : "http", host, operation_.service == "s3" && bucket && !bucket->empty()};
}

/// A queue's URL that names this gateway, or the path that an old client posts to: the target reads its own. What the
/// digest and the record hold is what is sent.
Result<void> Call::adapt_addresses(BytesView decoded) {
  if (operation_.service != "sqs") return {};
  const std::string url = string_or(operation_.parameters, "QueueUrl");
  const auto parsed = aws::parse_queue_url(url);
  const bool by_path = aws::is_queue_path(url);
  if (!by_path && (!parsed || !snapshot_->is_own_host(to_lower(parsed->authority)))) return {};
  auto destination = find_destination(*target_, operation_);
  if (!destination) return destination.error();
  const std::string real = std::string(destination->tls ? "https://" : "http://") + destination->authority() +
                           std::string(by_path ? std::string_view(url) : parsed->path);
  // In a query string it stays as it is: SQS reads the path of the URL alone.
  if (!decoded.empty()) {
    if (auto replaced = replace_member(decoded, "QueueUrl", real); !replaced) return replaced;
  }
  operation_.parameters["QueueUrl"] = real;
  return {};
}

Result<void> Call::replace_member(BytesView decoded, std::string_view member, std::string_view value) {
  auto body = aws::with_member(classified_.route, decoded, member, value);
  if (!body) return body.error();
  body_ = std::move(*body);
  transfer_ = aws::BodyTransfer::decoded;
  payload_word_ = to_hex(view(sha256(body_)));
  return {};
}

/// What a copy reads in its source's region is decided on with the rest. The URL that the agent's SDK signed is not
/// looked at beyond its region, and goes no further: what the digest and the record hold is where the copy comes from.
Result<void> Call::take_region_copy(BytesView decoded) {
  auto copy = aws::region_copy(classified_);
  if (!copy) return copy.error();
  if (!*copy) return {};
  region_copy_ = std::move(**copy);
  if (auto region = check_region(*target_, region_copy_->source_region); !region) return region;
  if (auto added = aws::add_source_requirements(*region_copy_, scope(), classified_); !added) return added;
  if (region_copy_->member.empty()) return {};
  if (decoded.empty()) return fail(Code::unsupported, "a copy between regions is sent as a form");
  operation_.parameters.erase(std::string(region_copy_->member));
  operation_.parameters["SourceRegion"] = region_copy_->source_region;
  return replace_member(decoded, region_copy_->member, "");
}

aws::CallScope Call::scope() const {
  return {signature_.service, signature_.region, target_->account, snapshot_->hosts};
}

asio::awaitable<Result<void>> Call::understand() {
  auto plan = aws::needs_body(exchange_.request().head, scope());
  if (!plan) co_return plan.error();
  const std::size_t bound = snapshot_->document.gateway.body_bytes_max;
  // Signatures without a declared hash, and chunked forms, are taken apart before anything is decided.
  const bool declared = signature_.payload == aws::PayloadForm::unsigned_payload ||
                        (signature_.payload == aws::PayloadForm::hashed && !signature_.declared_hash.empty());
  if (plan->need == aws::BodyNeed::stream && declared && exchange_.request().framing == http::Framing::length) {
    auto classified = aws::classify(exchange_.request().head, scope(), {}, std::move(plan->route));
    if (!classified) co_return classified.error();
    classified_ = std::move(*classified);
    streamed_body_ = true;
    payload_word_ = signature_.payload == aws::PayloadForm::hashed ? signature_.declared_hash
                                                                   : std::string(aws::payload_word(signature_.payload));
    co_return Result<void>();
  }
  const std::size_t bytes_max = plan->need == aws::BodyNeed::parse ? std::min(plan->bytes_max, bound) : bound;
  co_return co_await understand_whole(bytes_max, std::move(plan->route));
}

/// Before people are asked: the body's bytes are part of what they decide on, and an unread upload would time out.
asio::awaitable<Result<void>> Call::take_streamed_body() {
  if (!streamed_body_) co_return Result<void>();
  streamed_body_ = false;
  co_return co_await understand_whole(snapshot_->document.gateway.body_bytes_max, std::nullopt);
}

/// Who is asking, and whether they may at all.
std::optional<Refusal> Call::open_checked() {
  if (auto opened = open_session(); !opened) return refusal_of(opened.error());
  if (auto found = find_target(); !found) return refusal_of(found.error());
  if (const std::string why = why_revoked(*snapshot_); !why.empty())
    return Refusal{"denied", Code::revoked, "access was revoked: " + why};
  if (verified_) {
    if (auto entered = enter(); !entered) return refusal_of(entered.error());
  }
  return std::nullopt;
}

/// Takes a place within the bounds: of a verified call alone, lest whoever saw a key id and a token spend its
/// principal's.
Result<void> Call::enter() {
  HOLDPOINT_INVARIANT(verified_);
  const config::GatewaySettings& settings = snapshot_->document.gateway;
  const Admission::Limits limits{settings.in_flight_max, settings.in_flight_per_principal_max,
                                 settings.calls_per_second_per_principal_max};
  if (!limits.any()) return {};
  auto answer = services_.admission.enter(facts_.principal, limits, Admission::Steady::now());
  admission_ = std::move(answer.place);
  if (!answer.refused) return {};
  left_out_ = !answer.refused->record;
  left_out_before_ = answer.refused->record.value_or(0);
  return fail(Code::overloaded, std::move(answer.refused->reason));
}

asio::awaitable<std::optional<Refusal>> Call::intake() {
  if (auto understood = co_await understand(); !understood) co_return refusal_of(understood.error());
  record::describe(facts_, operation_);
  co_return std::nullopt;
}

}  // namespace holdpoint::pipeline
