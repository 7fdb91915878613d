#include "tests/fuzz/form_fuzz.hpp"

#include <string>

#include "bus/base/result.hpp"
#include "masker/mask.hpp"
#include "masker/structure/event_messages.hpp"
#include "masker/structure/sniff.hpp"

namespace holdpoint::fuzz {
namespace {

std::string_view type_of(std::string_view form) {
  if (form == "cbor") return "application/cbor";
  if (form == "event_stream") return "application/vnd.amazon.eventstream";
  if (form == "postgres") return "application/x-postgres-backend";
  if (form == "multipart") return "multipart/mixed";
  if (form == "terminal") return "application/x-tty";
  if (form == "wide_text") return "text/plain; charset=utf-16le";
  return "application/octet-stream";
}

/// Checksums are beyond a fuzzer: the body is cut at each line end, into events of one kind.
std::string framed(std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    std::string headers;
    masker::write_event_header(headers, {":event-type", masker::event_header_string, "chunk"});
    out += masker::write_event_message(headers, body.substr(0, end));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
  }
  return out;
}

}  // namespace

void form_one(std::string_view form, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  masker::MaskInput input;
  input.content_type = type_of(form);
  input.service = "logs";
  input.operation = "Any";
  input.length_preserving = (data[0] & 0x80) != 0;
  std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  if (form == "event_stream" && (data[0] & 1) != 0) body = framed(body);
  const masker::MaskOutput once = masker::mask(input, body);
  if (!once.blocked.empty()) {
    HOLDPOINT_INVARIANT(once.bytes.empty());
    return;
  }
  HOLDPOINT_INVARIANT(once.changed || once.bytes == body);
  HOLDPOINT_INVARIANT(!input.length_preserving || once.bytes.size() == body.size());
  HOLDPOINT_INVARIANT(masker::mask(input, body).bytes == once.bytes);
  const masker::MaskOutput again = masker::mask(input, once.bytes);
  // What was written can be read: its lengths and checksums fit. Text under such a type was read as text; masked it is
  // shorter, and its few control bytes may then be too many for text.
  const bool framed_form =
      (form == "cbor" || form == "event_stream" || form == "postgres") && !masker::is_textual(body);
  HOLDPOINT_INVARIANT(!framed_form || again.blocked.empty());
}

}  // namespace holdpoint::fuzz
