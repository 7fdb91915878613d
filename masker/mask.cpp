#include "masker/mask.hpp"

#include "bus/base/encoding.hpp"
#include "masker/detect/triggers.hpp"
#include "masker/sqs_digests.hpp"
#include "masker/structure/compress.hpp"
#include "masker/structure/scan.hpp"
#include "masker/structure/sensitive_members.hpp"

namespace holdpoint::masker {
namespace {

MaskOutput blocked(std::string reason) {
  MaskOutput output;
  output.blocked = std::move(reason);
  return output;
}

/// Formats that are binary and that this engine does not open yet: their strings could hide anything.
bool is_opaque_type(std::string_view type) {
  return type == "application/cbor" || type == "application/vnd.amazon.eventstream" ||
         type == "application/x-postgres-backend";
}

/// UTF-16 and -32 announce themselves; text detectors would see every second byte.
bool has_wide_mark(std::string_view bytes) { return bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"); }

MaskOutput mask_plain(const MaskInput& input, std::string_view bytes) {
  const std::string type = to_lower(input.content_type.substr(0, input.content_type.find(';')));
  if (is_opaque_type(type)) return blocked("content type " + type + " cannot be inspected");
  if (has_wide_mark(bytes)) return blocked("UTF-16 text cannot be inspected");
  Scan scan(input);
  Edits edits;
  scan.walk_document(bytes, type, 0, edits);
  order(edits);
  if (!scan.blocked().empty()) return blocked(scan.blocked());
  MaskOutput output;
  output.findings = scan.tally().findings();
  output.changed = !edits.empty();
  output.bytes = output.changed ? splice(bytes, edits) : std::string(bytes);
  if (input.length_preserving && output.bytes.size() != bytes.size())
    return blocked("the masked content cannot keep its length");
  if (output.changed && input.service == "sqs") output.bytes = correct_sqs_digests(std::move(output.bytes));
  return output;
}

}  // namespace

MaskOutput mask(const MaskInput& input, std::string_view bytes) {
  if (bytes.size() > document_bytes_max) return blocked("larger than " + std::to_string(document_bytes_max) + " bytes");
  // What clients check bit by bit goes through as it is; the record's copy of it does not.
  const bool untouchable = input.direction == "answer" && is_untouchable(input.service, input.operation);
  if (bytes.empty() || untouchable) {
    MaskOutput output;
    output.bytes = std::string(bytes);
    return output;
  }
  const std::string encoding = to_lower(input.content_encoding);
  if (encoding.empty() || encoding == "identity" || encoding == "aws-chunked") return mask_plain(input, bytes);
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate") {
    return blocked("content encoding " + display(encoding, 32) + " cannot be inspected");
  }
  const auto plain = inflate(bytes, document_bytes_max);
  if (!plain) return blocked(plain.error().context);
  MaskOutput output = mask_plain(input, *plain);
  if (!output.blocked.empty()) return output;
  if (!output.changed) {
    output.bytes = std::string(bytes);
    return output;
  }
  output.bytes = encoding == "deflate" ? compress_zlib(output.bytes) : compress_gzip(output.bytes);
  if (input.length_preserving && output.bytes.size() != bytes.size())
    return blocked("compressed content cannot keep its length");
  return output;
}

void prepare() {
  prepare_triggers();
  (void)sensitive_members("sts", "AssumeRole");
}

}  // namespace holdpoint::masker
