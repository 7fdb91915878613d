#include "auditor/intake.hpp"

namespace holdpoint::auditor {
namespace {

Error expected(const record::Submission& submission, std::uint64_t sequence) {
  return fail(Code::conflict, "source " + submission.source + " epoch " + std::to_string(submission.epoch) +
                                  ": expected sequence " + std::to_string(sequence) + ", got " +
                                  std::to_string(submission.first));
}

Error differs(const record::Submission& submission, std::uint64_t sequence) {
  return fail(Code::conflict, "source " + submission.source + " epoch " + std::to_string(submission.epoch) +
                                  ": the log has another entry " + std::to_string(sequence));
}

Result<std::vector<Hash>> chain(const record::Submission& submission) {
  std::vector<Hash> heads;
  heads.reserve(submission.entries.size());
  Hash head = submission.previous;
  for (const Bytes& entry : submission.entries) {
    if (entry.empty()) return fail(Code::malformed, "an entry is not empty");
    heads.push_back(head = record::next_head(head, entry));
  }
  if (head != submission.head) return fail(Code::tampered, "the entries do not lead to the signed head");
  return heads;
}

/// The submission reaches down to what the log has: it must be the same history.
Result<void> check_overlap(const record::Submission& submission, const std::vector<Hash>& heads, const SourceMark& mark,
                           const HeadLookup& lookup) {
  const std::uint64_t shared = std::min(submission.last(), mark.through);
  const Hash& ours = heads[shared - submission.first];
  if (shared == mark.through) {
    if (ours != mark.head) return differs(submission, shared);
    return {};
  }
  const auto stored = lookup(submission.source, {submission.epoch, shared});
  if (!stored) return stored.error();
  if (!*stored || **stored != ours) return differs(submission, shared);
  return {};
}

}  // namespace

Result<void> check_source(const std::string& source, const std::string& sender_key_id, const SourceKeys& keys) {
  const auto key = keys.find(sender_key_id);
  if (key == keys.end()) return fail(Code::denied, "the sender's key is not in the configuration, or revoked");
  if (key->second.source != source) return fail(Code::denied, "the sender's key is not that of source " + source);
  return {};
}

Result<Verdict> check_submission(const record::Submission& submission, const std::string& deployment,
                                 const std::string& sender_key_id, const SourceKeys& keys, const SourceMark& mark,
                                 const HeadLookup& lookup) {
  if (auto source = check_source(submission.source, sender_key_id, keys); !source) return source.error();
  if (submission.entries.empty() || submission.first == 0 || submission.epoch == 0) {
    return fail(Code::malformed, "a submission has entries, a sequence and an epoch");
  }
  const Bytes& public_key = keys.at(sender_key_id).sign_public;
  if (!verify_ed25519(public_key, record::signature_text(deployment, submission), submission.signature)) {
    return fail(Code::tampered, "the signature is not that of source " + submission.source);
  }
  auto heads = chain(submission);
  if (!heads) return heads.error();
  if (submission.epoch < mark.epoch) {
    return fail(Code::stale, "source " + submission.source + " has begun epoch " + std::to_string(mark.epoch));
  }
  const bool begins = submission.epoch > mark.epoch;
  const std::uint64_t through = begins ? 0 : mark.through;
  const Hash head = begins ? Hash{} : mark.head;
  if (submission.first > through + 1) return expected(submission, through + 1);
  Verdict verdict;
  if (submission.first == through + 1) {
    if (submission.previous != head) return differs(submission, through);
  } else {
    if (auto same = check_overlap(submission, *heads, mark, lookup); !same) return same.error();
    verdict.skip = static_cast<std::size_t>(std::min(submission.last(), through) - submission.first + 1);
  }
  verdict.heads = std::move(*heads);
  return verdict;
}

}  // namespace holdpoint::auditor
