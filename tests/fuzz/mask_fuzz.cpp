#include "tests/fuzz/mask_fuzz.hpp"

#include <array>
#include <string_view>

#include "masker/mask.hpp"

namespace holdpoint::fuzz {

void mask_one(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  constexpr auto types = std::to_array<std::string_view>(
      {"application/x-amz-json-1.0", "text/xml", "text/plain", "text/csv", "application/x-www-form-urlencoded", ""});
  constexpr auto services = std::to_array<std::string_view>({"dynamodb", "secretsmanager", "sqs", "sts", "s3"});
  masker::MaskInput input;
  input.content_type = types[data[0] % types.size()];
  input.service = services[data[0] / 8 % services.size()];
  input.operation = "Any";
  input.length_preserving = (data[0] & 0x80) != 0 && input.service != "sqs";
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const masker::MaskOutput once = masker::mask(input, body);
  if (!once.blocked.empty()) {
    HOLDPOINT_INVARIANT(once.bytes.empty());
    return;
  }
  // Unchanged means the same bytes; a mask of one length keeps it; the same input gives the same output.
  HOLDPOINT_INVARIANT(once.changed || once.bytes == body);
  HOLDPOINT_INVARIANT(!input.length_preserving || once.bytes.size() == body.size());
  HOLDPOINT_INVARIANT(masker::mask(input, body).bytes == once.bytes);
  (void)masker::mask(input, once.bytes);
}

}  // namespace holdpoint::fuzz
