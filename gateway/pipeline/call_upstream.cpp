// The part of a call that reaches the target: both gates, the request as it is sent, the answer and its masks.
#include "bus/telemetry/log.hpp"
#include "gateway/pipeline/answer.hpp"
#include "gateway/pipeline/call.hpp"
#include "gateway/pipeline/masking.hpp"
#include "gateway/pipeline/upstream_call.hpp"
#include "gateway/record/inspection.hpp"

namespace holdpoint::pipeline {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

namespace {

// Answers up to here are read before their outcome is recorded, so that they leave with one write and a length.
constexpr std::uint64_t kWholeAnswerBytesMax = 256 << 10;

std::int64_t milliseconds(Steady::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

/// What hands out credentials is masked whatever policy and preset say.
bool Call::must_mask() const {
  return operation_.hands_out != aws::HandsOut::nothing ||
         is_mask_due(decision_.obligations, snapshot_->document.masking);
}

// ---- gate 1 -------------------------------------------------------------------------------------------------------

/// What is recorded and shown of this call, as the masker leaves it. Where it leaves nothing, shapes and sizes stay.
asio::awaitable<Result<void>> Call::inspect(Duration time) {
  // Named, not braced inside the co_await: GCC 12 destroys such temporaries at another address than it made them.
  const MaskSubject subject{"application/json", {}, "record", false, target_ == nullptr ? "" : target_->name};
  record::Inspection inspection(facts_, operation_);
  auto question =
      mask_request(subject, operation_, decision_.obligations, snapshot_->document.masking, inspection.document());
  auto masked = co_await services_.bus("masks", std::move(question), system_now() + time, std::string());
  if (!masked) co_return masked.error();
  if (masked->attachments.size() != 1) co_return Error{Code::malformed, "the masker answered without the bytes"};
  if (masked->body.contains("blocked")) co_return Result<void>();
  if (is_unchanged(masked->body)) {
    inspection.take_unchanged(facts_);
  } else if (auto parsed = parse_json(masked->attachments.front()); parsed) {
    inspection.take(facts_, *parsed);
  }
  co_return Result<void>();
}

asio::awaitable<Call::Events> Call::record_intent() {
  auto destination = find_destination(*target_, operation_);
  if (!destination) co_return operation::IntentFailed{destination.error()};
  destination_ = std::move(*destination);
  auto want = wanted_credentials(*snapshot_, *target_, destination_.signing_region,
                                 {facts_.principal, session_->id, actor_.review_id()});
  if (!want) co_return operation::IntentFailed{want.error()};
  auto credentials = co_await services_.credentials.get(std::move(*want), system_now());
  if (!credentials) co_return operation::IntentFailed{credentials.error()};
  record::IntentFacts intent;
  intent.decision = actor_.claimed() ? "granted" : "allowed";
  intent.review_id = actor_.review_id();
  intent.upstream_host = destination_.host;
  auto data = record::intended_data(facts_, judgement(), intent);
  auto recorded =
      co_await services_.record.record(record::type::kOperationIntended, facts_.operation_id, std::move(data));
  if (!recorded)
    co_return operation::IntentFailed{{recorded.error().code, "it could not be recorded: " + recorded.error().context}};
  intended_ = true;
  credentials_ = std::move(*credentials);
  parked_ = {};
  co_return operation::IntentRecorded{};
}

// ---- the target ---------------------------------------------------------------------------------------------------

/// Hands the client's body on while hashing it. The last bytes are held until the whole is known to be what was signed,
/// so that a target never has a complete body that was not.
asio::awaitable<Result<std::string>> Call::next_body_piece() {
  while (!exchange_.body_ended()) {
    std::string piece;
    auto more = co_await exchange_.read_piece(piece);
    if (!more) {
      body_wrong_ = true;
      co_return Error{Code::malformed, more.error().context};
    }
    body_hash_.update(piece);
    std::swap(piece, held_piece_);
    if (!exchange_.body_ended() && !piece.empty()) co_return piece;
    if (exchange_.body_ended()) {
      const Hash hash = body_hash_.finish();
      if (signature_.payload == aws::PayloadForm::hashed) {
        if (auto fits = aws::check_body(signature_, hash); !fits) {
          body_wrong_ = true;
          co_return fits.error();
        }
      }
      piece += held_piece_;
      held_piece_.clear();
      co_return piece;
    }
  }
  co_return std::string();
}

/// The head as the target gets it: rebuilt from the parse, signed with the target's credentials.
Result<aws::HttpHead> Call::upstream_head() {
  const Instant now = system_now();
  const BytesView key = services_.signing_keys.get(
      credentials_->access_key_id, credentials_->secret_access_key.reveal(), aws::amz_date(now).substr(0, 8),
      destination_.signing_region, destination_.signing_name);
  const aws::SigningIdentity identity{credentials_->access_key_id, credentials_->session_token, Secret(Bytes(key))};
  auto head =
      aws::upstream_head(exchange_.request().head, classified_, destination_, transfer_, identity, payload_word_, now);
  if (!head) return head;
  const std::uint64_t length = streamed_body_ ? exchange_.request().content_length : body_.size();
  // A GET without a body says nothing about length; anything else does, 0 included.
  if (length > 0 || (head->method != "GET" && head->method != "HEAD"))
    head->headers.emplace_back("Content-Length", std::to_string(length));
  return head;
}

/// The call once more within itself, signed with the target's credentials for the region that it copies from.
Result<void> Call::sign_region_copy(Instant now) {
  if (!region_copy_ || region_copy_->member.empty()) return {};
  aws::Operation there = operation_;
  there.region = region_copy_->source_region;
  auto source = find_destination(*target_, there);
  if (!source) return source.error();
  const BytesView key =
      services_.signing_keys.get(credentials_->access_key_id, credentials_->secret_access_key.reveal(),
                                 aws::amz_date(now).substr(0, 8), source->signing_region, source->signing_name);
  const aws::SigningIdentity identity{credentials_->access_key_id, credentials_->session_token, Secret(Bytes(key))};
  auto url = aws::presigned_copy(classified_, *region_copy_, *source, identity, now);
  if (!url) return url.error();
  const Bytes form = std::move(body_);
  return replace_member(form, region_copy_->member, *url);
}

asio::awaitable<Call::Events> Call::send_upstream() {
  const auto began = Steady::now();
  if (auto copied = sign_region_copy(system_now()); !copied) co_return operation::SendFailed{copied.error(), false};
  auto head = upstream_head();
  if (!head) co_return operation::SendFailed{head.error(), false};
  if (actor_.claimed()) settle("sent");
  auto connection = connection_of(destination_, *head);
  if (!connection) co_return operation::SendFailed{connection.error(), false};
  const http::BodySource source = [this] { return next_body_piece(); };
  auto sent = co_await services_.upstream.send(*connection, *head, streamed_body_ ? BytesView() : BytesView(body_),
                                               streamed_body_ ? &source : nullptr);
  upstream_time_ += Steady::now() - began;
  if (!sent) co_return operation::SendFailed{sent.error().error, sent.error().bytes_left, body_wrong_};
  body_ = Bytes();
  answer_ = std::move(*sent);
  const http::ResponseHead& answered = answer_->head();
  status_ = answered.status;
  upstream_request_id_ = upstream_request_id(answered.headers);
  answer_headers_ = answer_headers(answered.headers);
  if (operation_.service == "s3") aws::localise_headers(operation_, status_, own_address(), answer_headers_);
  const bool bodiless = answered.framing == http::Framing::none;
  if (bodiless) {
    if (const std::string length = http::header_or_empty(answered.headers, "content-length");
        !length.empty() && exchange_.request().head.method == "HEAD")
      answer_headers_.emplace_back("Content-Length", length);
    co_return operation::UpstreamAnswered{status_, false, must_mask() && !telling_headers(answer_headers_).empty()};
  }
  const bool mask = must_mask();
  const bool address = aws::holds_address(operation_, status_);
  const bool whole =
      mask || address || (answered.framing == http::Framing::length && answered.content_length <= kWholeAnswerBytesMax);
  if (!whole) co_return operation::UpstreamAnswered{status_, true, false};
  if (!mask) {
    auto body = co_await answer_->read_body(address ? kMaskBytesMax : kWholeAnswerBytesMax);
    if (!body) co_return operation::SendFailed{body.error(), true};
    answer_body_ = std::move(*body);
    answer_bytes_ = answer_body_.size();
    localise_answer();
  }
  co_return operation::UpstreamAnswered{status_, false, mask};
}

// ---- masking ------------------------------------------------------------------------------------------------------

void Call::note_found(const Json& told, const MaskSubject& subject, std::string_view place) {
  if (const auto found = told.find("findings"); found != told.end()) findings_.add(*found, place);
  if (const auto left = told.find("unmasked"); left != told.end()) findings_.add_unmasked(*left, subject.unmask, place);
}

/// An object's metadata and the like: as much an answer as its body.
asio::awaitable<Result<void>> Call::mask_headers() {
  const Json telling = telling_headers(answer_headers_);
  if (telling.empty()) co_return Result<void>();
  const MaskSubject subject{
      "application/json", {}, "answer", false, target_->name, unmask_at(decision_.obligations, system_now())};
  auto question =
      mask_request(subject, operation_, decision_.obligations, snapshot_->document.masking, to_json(telling));
  auto masked = co_await services_.bus("masks", std::move(question), system_now() + kMaskTime, std::string());
  if (!masked) co_return masked.error();
  if (const std::string why = string_or(masked->body, "blocked"); !why.empty()) co_return Error{Code::denied, why};
  if (masked->attachments.size() != 1) co_return Error{Code::malformed, "the masker answered without the bytes"};
  const auto parsed = parse_json(masked->attachments.front());
  if (!parsed || !take_masked_headers(answer_headers_, *parsed))
    co_return Error{Code::denied, "the answer's headers could not be inspected"};
  note_found(masked->body, subject, ":headers");
  co_return Result<void>();
}

asio::awaitable<Call::Events> Call::mask_answer() {
  if (auto masked = co_await mask_headers(); !masked) co_return operation::MaskFailed{masked.error()};
  if (answer_->head().framing == http::Framing::none) co_return operation::Masked{};
  const auto began = Steady::now();
  auto body = co_await answer_->read_body(kMaskBytesMax);
  upstream_time_ += Steady::now() - began;
  if (!body) co_return operation::MaskFailed{body.error()};
  answer_bytes_ = body->size();
  if (body->empty()) co_return operation::Masked{};
  const aws::Headers& described = answer_->head().headers;  // as the target wrote them: their own masks tell nothing
  // The agent may choose what the answer calls itself, but not how it is inspected.
  const bool renamed = operation_.parameters.contains("ResponseContentType");
  std::string type = renamed ? std::string() : http::header_or_empty(described, "content-type");
  const MaskSubject subject{std::move(type), http::header_or_empty(described, "content-encoding"),
                            "answer",        operation_.answer_is_data && operation_.service == "s3",
                            target_->name,   unmask_at(decision_.obligations, system_now())};
  auto masked = co_await services_.bus(
      "masks", mask_request(subject, operation_, decision_.obligations, snapshot_->document.masking, std::move(*body)),
      system_now() + kMaskTime, std::string());
  if (!masked) co_return operation::MaskFailed{masked.error()};
  note_found(masked->body, subject, {});
  if (const std::string why = string_or(masked->body, "blocked"); !why.empty())
    co_return operation::MaskFailed{{Code::denied, why}};
  if (masked->attachments.size() != 1)
    co_return operation::MaskFailed{{Code::malformed, "the masker answered without the bytes"}};
  answer_body_ = std::move(masked->attachments.front());
  if (!is_unchanged(masked->body)) mend_headers(answer_headers_, answer_body_);
  localise_answer();
  co_return operation::Masked{};
}

/// Addresses of the target become the gateway's, after the masks: a mask reads what the target wrote.
void Call::localise_answer() {
  if (!aws::holds_address(operation_, status_)) return;
  if (aws::localise_body(operation_, status_, own_address(), answer_body_)) mend_headers(answer_headers_, answer_body_);
}

// ---- gate 2, and the answer ---------------------------------------------------------------------------------------

asio::awaitable<Call::Events> Call::record_outcome(operation::RecordOutcome what) {
  record::OutcomeFacts outcome;
  outcome.outcome = what.outcome;
  outcome.status = status_;
  outcome.upstream_request_id = upstream_request_id_;
  outcome.request_bytes = std::max<std::uint64_t>(facts_.body_bytes, exchange_.body_bytes());
  outcome.answer_bytes = answer_bytes_;
  outcome.findings = findings_.to_json();
  outcome.unmasked = findings_.unmasked_json();
  outcome.blocked = display(what.blocked, 1024);
  outcome.upstream_ms = milliseconds(upstream_time_);
  outcome.wait_ms = milliseconds(waited_);
  auto data = record::completed_data(facts_, outcome);
  auto recorded =
      co_await services_.record.record(record::type::kOperationCompleted, facts_.operation_id, std::move(data));
  if (!recorded) co_return operation::OutcomeFailed{recorded.error()};
  co_return operation::OutcomeRecorded{};
}

asio::awaitable<Call::Events> Call::reply() {
  if (!findings_.empty()) answer_headers_.emplace_back(record::kMaskedHeader, findings_.header());
  (void)co_await exchange_.reply(status_, std::move(answer_headers_), answer_body_);
  co_return std::nullopt;
}

// ---- streamed answers ---------------------------------------------------------------------------------------------

asio::awaitable<Call::Events> Call::record_head() {
  auto data = record::answered_data(facts_, status_, upstream_request_id_);
  auto recorded =
      co_await services_.record.record(record::type::kOperationAnswered, facts_.operation_id, std::move(data));
  if (!recorded) co_return operation::HeadFailed{recorded.error()};
  co_return operation::HeadRecorded{};
}

asio::awaitable<Call::Events> Call::stream_body() {
  const http::ResponseHead& head = answer_->head();
  std::optional<std::uint64_t> length;
  if (head.framing == http::Framing::length) length = head.content_length;
  if (auto begun = co_await exchange_.begin(status_, std::move(answer_headers_), length); !begun) {
    client_gone_ = true;
    co_return operation::BodyFailed{begun.error()};
  }
  std::string held;
  for (bool more = true; more;) {
    if (!revoked_.empty()) co_return operation::BodyFailed{{Code::revoked, revoked_}};
    std::string piece;
    auto read = co_await answer_->read_piece(piece);
    if (!read) co_return operation::BodyFailed{read.error()};
    more = *read;
    answer_bytes_ += piece.size();
    if (piece.empty()) continue;
    std::swap(held, piece);
    if (auto written = co_await exchange_.write_piece(piece); !written) {
      client_gone_ = true;
      co_return operation::BodyFailed{written.error()};
    }
  }
  answer_body_ = std::move(held);
  co_return operation::BodyEnded{};
}

asio::awaitable<Call::Events> Call::release_tail() {
  if (auto written = co_await exchange_.write_piece(answer_body_); written) (void)co_await exchange_.finish();
  co_return std::nullopt;
}

}  // namespace holdpoint::pipeline
