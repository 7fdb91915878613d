// What is asked of the masker for one call. Pure.
#pragma once

#include "bus/config/document.hpp"
#include "bus/wire/envelope.hpp"
#include "gateway/aws/http_head.hpp"
#include "gateway/aws/operation.hpp"
#include "gateway/policy/decision.hpp"

namespace holdpoint::pipeline {

/// The policy's word first ("off", "default", classes), else the configuration's preset.
bool is_mask_due(const policy::Obligations& obligations, const config::MaskingSettings& settings);

/// Whether the call takes out or sets aside a part of an object, by range, part or query: a value that is cut in two
/// passes any mask.
bool asks_for_part(const aws::HttpHead& head, const aws::Operation& operation);

struct MaskSubject {
  std::string content_type;
  std::string content_encoding;
  std::string direction;  ///< answer, record
  bool length_preserving = false;
  std::string target;                       ///< whose rules apply; empty: those of every target
  std::vector<policy::Unmask> unmask = {};  ///< of an answer
};

/// What of policy's word has not ended yet.
std::vector<policy::Unmask> unmask_at(const policy::Obligations& obligations, Instant now);
/// `bytes` moves into the message.
wire::Message mask_request(const MaskSubject& subject, const aws::Operation& operation,
                           const policy::Obligations& obligations, const config::MaskingSettings& settings,
                           Bytes bytes);

/// The masker said in so many words that there was nothing to mask: the bytes are those that it was sent.
bool is_unchanged(const Json& answer);

/// For what must be masked, and for what may be recorded by its size alone when the masker is not there in time.
constexpr Duration kMaskTime = std::chrono::seconds(10);
constexpr Duration kLookTime = std::chrono::milliseconds(500);

/// Bodies are masked whole. Fits the bus's attachments with room for masks that are longer than what they replace.
constexpr std::size_t kMaskBytesMax = 16 << 20;

}  // namespace holdpoint::pipeline
