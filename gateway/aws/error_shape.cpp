#include "gateway/aws/error_shape.hpp"

#include <algorithm>
#include <array>

#include "bus/base/encoding.hpp"
#include "gateway/aws/table.hpp"

namespace holdpoint::aws {
namespace {

// Longer texts than this only hide their point; headers of some protocols carry them too.
constexpr std::size_t kMessageBytesMax = 2048;

struct Codes {
  Refusal refusal;
  int status;
  std::string_view json;   ///< json and rest-json: names end in Exception
  std::string_view query;  ///< query, ec2, rest-xml
  std::string_view s3;
};

constexpr std::array<Codes, 12> kCodes{{
    {Refusal::denied, 403, "AccessDeniedException", "AccessDenied", "AccessDenied"},
    {Refusal::unknown_key, 403, "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"},
    {Refusal::bad_signature, 403, "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
    {Refusal::expired_token, 403, "ExpiredTokenException", "ExpiredToken", "ExpiredToken"},
    {Refusal::request_expired, 403, "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"},
    {Refusal::missing_signature, 403, "MissingAuthenticationTokenException", "MissingAuthenticationToken",
     "AccessDenied"},
    {Refusal::malformed, 400, "ValidationException", "ValidationError", "InvalidRequest"},
    {Refusal::too_large, 400, "ValidationException", "ValidationError", "EntityTooLarge"},
    {Refusal::overloaded, 400, "ThrottlingException", "Throttling", "SlowDown"},
    {Refusal::unavailable, 403, "AccessDeniedException", "AccessDenied", "AccessDenied"},
    {Refusal::unsupported, 403, "AccessDeniedException", "AccessDenied", "AccessDenied"},
    {Refusal::outcome_unknown, 409, "OutcomeUnknownException", "OutcomeUnknown", "OutcomeUnknown"},
}};

const Codes& codes_of(Refusal refusal) {
  return *std::find_if(kCodes.begin(), kCodes.end(), [&](const Codes& codes) { return codes.refusal == refusal; });
}

// {"__type": CODE, "message": TEXT} in CBOR: two short texts, one possibly long.
std::string cbor_text(std::string_view text) {
  std::string out;
  if (text.size() < 24) {
    out += static_cast<char>(0x60 | text.size());
  } else if (text.size() < 256) {
    out += {static_cast<char>(0x78), static_cast<char>(text.size())};
  } else {
    out += {static_cast<char>(0x79), static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xff)};
  }
  return out.append(text);
}

bool is_json(Protocol protocol) {
  return protocol == Protocol::json10 || protocol == Protocol::json11 || protocol == Protocol::rest_json ||
         protocol == Protocol::rpc_v2_cbor;
}

}  // namespace

Refusal refusal_for(const Error& error) {
  switch (error.code) {
    case Code::unauthenticated:
      return Refusal::missing_signature;
    case Code::malformed:
      return Refusal::malformed;
    case Code::too_large:
      return Refusal::too_large;
    case Code::tampered:
      return Refusal::bad_signature;
    case Code::expired:
      return Refusal::request_expired;
    case Code::revoked:
      return Refusal::unknown_key;
    case Code::overloaded:
      return Refusal::overloaded;
    case Code::unsupported:
      return Refusal::unsupported;
    case Code::outcome_unknown:
      return Refusal::outcome_unknown;
    case Code::unavailable:
    case Code::timed_out:
    case Code::not_durable:
      return Refusal::unavailable;
    default:
      return Refusal::denied;
  }
}

std::string claimed_service(const HttpHead& head) {
  // KEY/DATE/REGION/SERVICE/aws4_request, in the header or, with %2F, in the query.
  std::string text(single_header(head.headers, "authorization").value_or(head.query()));
  for (std::size_t at = text.find("%2F"); at != std::string::npos; at = text.find("%2F", at)) text.replace(at, 3, "/");
  const std::size_t end = text.find("/aws4_request");
  if (end == std::string::npos || end == 0) return {};
  const std::size_t begin = text.rfind('/', end - 1);
  if (begin == std::string::npos) return {};
  std::string service = text.substr(begin + 1, end - begin - 1);
  return service.size() <= 80 ? service : std::string();
}

ErrorContext error_context(const HttpHead& head, std::string_view scope_service) {
  ErrorContext context;
  if (count_headers(head.headers, "smithy-protocol") > 0) {
    context.protocol = Protocol::rpc_v2_cbor;
    return context;
  }
  const auto& services = Table::instance().signing_as(scope_service);
  if (count_headers(head.headers, "x-amz-target") > 0) {
    const auto type = single_header(head.headers, "content-type").value_or("");
    context.protocol = type.find("json-1.0") != std::string_view::npos ? Protocol::json10 : Protocol::json11;
    context.query_compatible =
        std::any_of(services.begin(), services.end(), [](const ServiceModel* s) { return s->query_compatible; });
    return context;
  }
  for (const ServiceModel* service : services) {
    for (const Protocol protocol : service->protocols) {
      // A JSON service that was not called with X-Amz-Target speaks the query protocol, if it knows one.
      if (protocol == Protocol::json10 || protocol == Protocol::json11) {
        if (!context.protocol) context.protocol = protocol;
        continue;
      }
      context.protocol = protocol;
      return context;
    }
  }
  return context;
}

ErrorAnswer error_answer(Refusal refusal, std::string_view message, const HttpHead& head, const ErrorContext& context,
                         std::string_view request_id) {
  const Codes& codes = codes_of(refusal);
  const Protocol protocol = context.protocol.value_or(Protocol::query);
  const std::string text = display(message, kMessageBytesMax);
  const std::string id = display(request_id, 128);
  ErrorAnswer answer;
  answer.status = codes.status;
  answer.code = protocol == Protocol::s3 ? codes.s3 : is_json(protocol) ? codes.json : codes.query;
  // S3's throttling form is a 503, which its clients expect; elsewhere a 400 with the code is what SDKs back off on.
  if (protocol == Protocol::s3 && refusal == Refusal::overloaded) answer.status = 503;
  const std::string& code = answer.code;
  switch (protocol) {
    case Protocol::json10:
    case Protocol::json11:
      answer.headers = {
          {"Content-Type", protocol == Protocol::json10 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1"},
          {"x-amzn-RequestId", id}};
      if (context.query_compatible && count_headers(head.headers, "x-amzn-query-mode") > 0) {
        answer.code = codes.query;
        answer.headers.emplace_back("x-amzn-query-error", answer.code + ";Sender");
      }
      answer.body = to_json(Json{{"__type", std::string(codes.json)}, {"message", text}});
      break;
    case Protocol::rest_json:
      answer.headers = {{"Content-Type", "application/json"}, {"x-amzn-RequestId", id}, {"x-amzn-ErrorType", code}};
      answer.body = to_json(Json{{"message", text}});
      break;
    case Protocol::rpc_v2_cbor:
      answer.headers = {
          {"Content-Type", "application/cbor"}, {"x-amzn-RequestId", id}, {"smithy-protocol", "rpc-v2-cbor"}};
      answer.body = "\xa2" + cbor_text("__type") + cbor_text(code) + cbor_text("message") + cbor_text(text);
      break;
    case Protocol::ec2:
      answer.headers = {{"Content-Type", "text/xml;charset=UTF-8"}, {"x-amzn-RequestId", id}};
      answer.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>" + code +
                    "</Code><Message>" + xml_escape(text) + "</Message></Error></Errors><RequestID>" + xml_escape(id) +
                    "</RequestID></Response>";
      break;
    case Protocol::s3:
      answer.headers = {{"Content-Type", "application/xml"}, {"x-amz-request-id", id}};
      answer.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>" +
                    xml_escape(text) + "</Message><RequestId>" + xml_escape(id) + "</RequestId></Error>";
      break;
    default:
      answer.headers = {{"Content-Type", "text/xml"}, {"x-amzn-RequestId", id}};
      answer.body = "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + xml_escape(text) +
                    "</Message></Error><RequestId>" + xml_escape(id) + "</RequestId></ErrorResponse>";
  }
  if (head.method == "HEAD") answer.body.clear();
  return answer;
}

}  // namespace holdpoint::aws
