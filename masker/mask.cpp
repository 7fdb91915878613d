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

MaskOutput mask_plain(const MaskInput& input, std::string_view bytes) {
  const std::string type = to_lower(input.content_type.substr(0, input.content_type.find(';')));
  Scan scan(input);
  Edits edits;
  scan.walk_document(bytes, type, 0, edits);
  order(edits);
  if (!scan.blocked().empty()) return blocked(scan.blocked());
  MaskOutput output;
  output.findings = scan.take_findings();
  output.unmasked = scan.take_left();
  output.changed = !edits.empty();
  output.spans.reserve(edits.size());
  for (const Edit& edit : edits) output.spans.push_back({edit.begin, edit.end});
  output.bytes = output.changed ? splice(bytes, edits) : std::string(bytes);
  if (input.length_preserving && output.bytes.size() != bytes.size())
    return blocked("the masked content cannot keep its length");
  if (output.changed && input.service == "sqs") output.bytes = correct_sqs_digests(std::move(output.bytes));
  return output;
}

Bytes packed(std::string_view encoding, std::string_view bytes, std::size_t size, bool keep_length) {
  if (encoding == "deflate") return compress_zlib(bytes);
  if (encoding == "zstd") return keep_length ? compress_zstd_to(size, bytes) : compress_zstd(bytes);
  return keep_length ? compress_gzip_to(size, bytes) : compress_gzip(bytes);
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
  if (encoding != "gzip" && encoding != "x-gzip" && encoding != "deflate" && encoding != "zstd") {
    return blocked("content encoding " + display(encoding, 32) + " cannot be inspected");
  }
  const auto plain = encoding == "zstd" ? unpack_zstd(bytes, document_bytes_max) : inflate(bytes, document_bytes_max);
  if (!plain) return blocked(plain.error().context);
  MaskOutput output = mask_plain(input, *plain);
  if (!output.blocked.empty()) return output;
  if (!output.changed) {
    output.bytes = std::string(bytes);
    return output;
  }
  output.bytes = packed(encoding, output.bytes, bytes.size(), input.length_preserving);
  if (input.length_preserving && output.bytes.size() != bytes.size())
    return blocked("compressed content cannot keep its length");
  return output;
}

void prepare() {
  prepare_triggers();
  (void)sensitive_members("sts", "AssumeRole");
}

}  // namespace holdpoint::masker
