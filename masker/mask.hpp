// The masking engine: bytes in, the same bytes out with what is sensitive replaced. Pure: no files, no clock, no bus;
// the same input gives the same output. Masks are spliced into the original bytes: order, spacing, numbers and
// duplicate keys stay as they were.
//
//   content encoding -> structure (JSON, XML, CBOR, event stream, rows, text …) -> each value: by model, by name, by
//   what it holds
//
// Not here: which answers are masked (gateway/policy), headers and checksums in them (the gateway).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "masker/finding.hpp"
#include "masker/rules.hpp"

namespace holdpoint::masker {

struct MaskInput {
  std::string content_type;
  std::string content_encoding;  ///< empty or "identity", "gzip", "deflate"
  std::string service;           ///< the model's name, e.g. "dynamodb"; empty when unknown
  std::string operation;
  std::string protocol;
  std::string direction = "answer";  ///< "answer", "request", "record"
  bool length_preserving = false;
  Rules rules;
};

struct MaskedSpan {
  std::size_t begin;
  std::size_t end;
};

struct MaskOutput {
  std::string bytes;  ///< empty when blocked
  std::vector<Finding> findings;
  std::vector<Finding> unmasked;  ///< what was found and left, since the rules say so
  std::vector<MaskedSpan> spans;  ///< of the body without its content encoding: what was replaced
  bool changed = false;
  std::string blocked;  ///< why the bytes could not be inspected; empty when they were
};

/// Larger documents are blocked: memory per request is a small multiple of this.
inline constexpr std::size_t document_bytes_max = 64U << 20;

MaskOutput mask(const MaskInput& input, std::string_view bytes);

/// Compiles patterns and tables ahead of the first call (tens of milliseconds), for a worker that then gives up files.
void prepare();

}  // namespace holdpoint::masker
