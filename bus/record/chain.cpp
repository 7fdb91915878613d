#include "bus/record/chain.hpp"

namespace holdpoint::record {
namespace {

void put_length(Bytes& out, std::size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>((length >> shift) & 0xff));
}

std::size_t length_at(BytesView bytes) {
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

Result<Hash> get_hash(const Json& body, std::string_view member) {
  const auto bytes = from_base64(string_or(body, member));
  if (!bytes || bytes->size() != sizeof(Hash)) {
    return fail(Code::malformed, "\"" + std::string(member) + "\" is no hash in base64");
  }
  return hash_from(*bytes);
}

Result<std::uint64_t> get_count(const Json& body, std::string_view member) {
  const auto value = get_int(body, member);
  if (!value) return value.error();
  if (*value < 1) return fail(Code::malformed, "\"" + std::string(member) + "\" must be positive");
  return static_cast<std::uint64_t>(*value);
}

Result<std::vector<Bytes>> unpack(BytesView packed, std::uint64_t count) {
  if (count > kSubmissionEntriesMax) {
    return fail(Code::too_large, "more than " + std::to_string(kSubmissionEntriesMax) + " entries in one submission");
  }
  std::vector<Bytes> entries;
  while (!packed.empty()) {
    if (packed.size() < 4) return fail(Code::malformed, "entries end inside a length");
    const std::size_t length = length_at(packed);
    packed.remove_prefix(4);
    if (length > kEntryBytesMax) return fail(Code::too_large, "an entry is too large");
    if (length > packed.size()) return fail(Code::malformed, "entries end inside an entry");
    if (entries.size() == count) return fail(Code::malformed, "more entries than \"count\" says");
    entries.emplace_back(packed.substr(0, length));
    packed.remove_prefix(length);
  }
  if (entries.size() != count) return fail(Code::malformed, "fewer entries than \"count\" says");
  return entries;
}

}  // namespace

Hash next_head(const Hash& previous, BytesView entry) {
  thread_local Sha256 sha;
  sha.update(view(previous));
  sha.update(entry);
  return sha.finish();
}

std::string signature_text(std::string_view deployment, const Submission& submission) {
  std::string text = "holdpoint-records-v1\n";
  text.append(deployment).append("\n").append(submission.source).append("\n");
  text += std::to_string(submission.epoch) + "\n" + std::to_string(submission.first) + "\n" +
          std::to_string(submission.entries.size()) + "\n" + to_base64(view(submission.head));
  return text;
}

wire::Message submission_to_message(const Submission& submission) {
  Bytes packed;
  std::size_t bytes = 0;
  for (const Bytes& entry : submission.entries) bytes += 4 + entry.size();
  packed.reserve(bytes);
  for (const Bytes& entry : submission.entries) {
    put_length(packed, entry.size());
    packed += entry;
  }
  wire::Message message;
  message.type = "RecordsSubmitted";
  message.body = Json{{"source", submission.source},
                      {"epoch", submission.epoch},
                      {"first", submission.first},
                      {"count", submission.entries.size()},
                      {"previous", to_base64(view(submission.previous))},
                      {"head", to_base64(view(submission.head))},
                      {"signature", to_base64(submission.signature)}};
  message.attachments.push_back(std::move(packed));
  return message;
}

Result<Submission> submission_from_message(const wire::Message& message) {
  const Json& body = message.body;
  if (message.attachments.size() != 1) return fail(Code::malformed, "RecordsSubmitted has one attachment");
  Submission submission;
  auto source = get_string(body, "source");
  if (!source) return source.error();
  submission.source = std::move(*source);
  const auto epoch = get_count(body, "epoch");
  if (!epoch) return epoch.error();
  const auto first = get_count(body, "first");
  if (!first) return first.error();
  const auto count = get_count(body, "count");
  if (!count) return count.error();
  const auto previous = get_hash(body, "previous");
  if (!previous) return previous.error();
  const auto head = get_hash(body, "head");
  if (!head) return head.error();
  auto signature = from_base64(string_or(body, "signature"));
  if (!signature || signature->size() != 64) return fail(Code::malformed, "\"signature\" is no signature in base64");
  auto entries = unpack(message.attachments[0], *count);
  if (!entries) return entries.error();
  submission.epoch = *epoch;
  submission.first = *first;
  submission.previous = *previous;
  submission.head = *head;
  submission.signature = std::move(*signature);
  submission.entries = std::move(*entries);
  return submission;
}

}  // namespace holdpoint::record
