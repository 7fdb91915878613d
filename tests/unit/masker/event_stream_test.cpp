#include <gtest/gtest.h>

#include "bus/base/encoding.hpp"
#include "bus/base/json.hpp"
#include "masker/structure/event_messages.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

constexpr std::string_view stream_type = "application/vnd.amazon.eventstream";

std::string event(std::string_view kind, std::string_view type, std::string_view payload, std::string_view extra = {}) {
  std::string headers;
  write_event_header(headers, {":message-type", event_header_string, "event"});
  write_event_header(headers, {":event-type", event_header_string, kind});
  if (!type.empty()) write_event_header(headers, {":content-type", event_header_string, type});
  return write_event_message(headers + std::string(extra), payload);
}

std::vector<std::string> payloads(const MaskOutput& output) {
  EXPECT_EQ(output.blocked, "");
  const auto messages = read_event_messages(output.bytes);
  EXPECT_TRUE(messages.has_value());
  std::vector<std::string> out;
  if (messages) {
    for (const EventMessage& message : *messages) out.emplace_back(message.payload);
  }
  return out;
}

std::string delta(std::string_view text, int index = 0) {
  const Json body = {{"contentBlockIndex", index}, {"delta", {{"text", std::string(text)}}}};
  return event("contentBlockDelta", "application/json", to_json(body));
}

std::string said(const MaskOutput& output, int index = 0) {
  std::string out;
  for (const std::string& payload : payloads(output)) {
    const auto json = parse_json(payload);
    EXPECT_TRUE(json.has_value()) << payload;
    if (json && json->value("contentBlockIndex", -1) == index) out += (*json)["delta"]["text"].get<std::string>();
  }
  return out;
}

TEST(EventStream, a_message_is_what_the_format_says) {
  const std::string bytes = write_event_message(std::string("\x01") + "a\x07" + std::string("\0\x01", 2) + "b", "{}");
  EXPECT_EQ(to_hex(bytes), "0000001800000006dcd1a61f0161070001627b7df3d78873");
  const auto read = read_event_messages(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->front().payload, "{}");
  EXPECT_EQ(read_event_headers(read->front().headers)->front().value, "b");
}

TEST(EventStream, each_payload_is_masked_by_its_own_type) {
  const std::string cbor = std::string("\xa1\x68") + "password\x68" + "hunter22";
  const auto out = payloads(mask_as(stream_type, event("a", "application/json", R"({"password":"hunter22"})") +
                                                     event("b", "text/xml", "<a><Password>hunter22</Password></a>") +
                                                     event("c", "application/cbor", cbor) +
                                                     event("d", "", "password=hunter22") + event("e", "", "")));
  ASSERT_EQ(out.size(), 5U);
  EXPECT_EQ(out[0], R"({"password":"REDACTED-password"})");
  EXPECT_EQ(out[1], "<a><Password>REDACTED-password</Password></a>");
  EXPECT_EQ(out[2], std::string("\xa1\x68") + "password\x71" + "REDACTED-password");
  EXPECT_EQ(out[3], "password=REDACTED-password");
  EXPECT_EQ(out[4], "");
}

TEST(EventStream, untouched_messages_stay_byte_for_byte) {
  const std::string first = delta("nothing here ");
  const std::string second = event("metadata", "application/json", R"({"password":"hunter22"})");
  const MaskOutput output = mask_as(stream_type, first + second);
  EXPECT_EQ(output.bytes.substr(0, first.size()), first);
  EXPECT_EQ(mask_as(stream_type, first).changed, false);
}

TEST(EventStream, words_cut_into_single_letters_are_read_over_the_cut) {
  const std::string text = "the card is 4111 1111 1111 1111, password=hunter22x!";
  std::string stream;
  for (char c : text) stream += delta(std::string_view(&c, 1));
  EXPECT_EQ(said(mask_as(stream_type, stream)), "the card is 411111******1111, password=REDACTED-password");
}

TEST(EventStream, blocks_that_come_interleaved_are_told_apart_by_their_index) {
  const std::string key = "AKIAIOSFODNN7EXAMPLE";
  std::string stream;
  for (std::size_t i = 0; i < key.size(); i += 4) stream += delta(key.substr(i, 4), 0) + delta("word ", 1);
  const MaskOutput output = mask_as(stream_type, stream);
  EXPECT_EQ(said(output, 0), "AKIA************MPLE");
  EXPECT_EQ(said(output, 1), "word word word word word ");
}

TEST(EventStream, json_that_tools_get_in_fragments_is_read_whole) {
  const std::string input = R"({"host":"db","password":"hunter22"})";
  std::string stream;
  for (std::size_t i = 0; i < input.size(); i += 5)
    stream += event("contentBlockDelta", "application/json",
                    to_json({{"delta", {{"toolUse", {{"input", input.substr(i, 5)}}}}}}));
  std::string whole;
  for (const std::string& payload : payloads(mask_as(stream_type, stream)))
    whole += (*parse_json(payload))["delta"]["toolUse"]["input"].get<std::string>();
  EXPECT_EQ(whole, R"({"host":"db","password":"REDACTED-password"})");
}

TEST(EventStream, base64_chunks_are_opened_and_read_over_the_cut) {
  std::string stream;
  for (std::string_view piece : {"key AKIAIOSF", "ODNN7", "EXAMPLE end"})
    stream += event("chunk", "application/json", to_json({{"bytes", to_base64(piece)}}));
  std::string whole;
  for (const std::string& payload : payloads(mask_as(stream_type, stream)))
    whole += from_base64((*parse_json(payload))["bytes"].get<std::string>()).value();
  EXPECT_EQ(whole, "key AKIA************MPLE end");
}

TEST(EventStream, events_inside_base64_chunks_are_read_over_the_cut) {
  std::string stream;
  for (std::string_view piece : {"AKIAIOSF", "ODNN7", "EXAMPLE"}) {
    const std::string inner = to_json({{"type", "delta"}, {"delta", {{"text", std::string(piece)}}}});
    stream += event("chunk", "application/json", to_json({{"bytes", to_base64(inner)}}));
  }
  std::string whole;
  for (const std::string& payload : payloads(mask_as(stream_type, stream))) {
    const auto inner = from_base64((*parse_json(payload))["bytes"].get<std::string>());
    whole += (*parse_json(*inner))["delta"]["text"].get<std::string>();
  }
  EXPECT_EQ(whole, "AKIA************MPLE");
}

TEST(EventStream, rows_cut_anywhere_are_one_table) {
  std::string stream;
  const std::string rows = "id,password\n1,hunter22\n2,x1y2z3\n";
  for (std::size_t i = 0; i < rows.size(); i += 3)
    stream += event("Records", "application/octet-stream", rows.substr(i, 3));
  std::string whole;
  for (const std::string& payload : payloads(mask_as(stream_type, stream, "s3", "SelectObjectContent")))
    whole += payload;
  EXPECT_EQ(whole, "id,password\n1,REDACTED-password\n2,REDACTED-password\n");
}

TEST(EventStream, headers_that_hold_words_are_masked_and_those_of_the_protocol_stay) {
  std::string headers;
  write_event_header(headers, {":message-type", event_header_string, "error"});
  write_event_header(headers, {":error-code", event_header_string, "AKIAIOSFODNN7EXAMPLE"});
  write_event_header(headers, {":error-message", event_header_string, "no key AKIAIOSFODNN7EXAMPLE"});
  write_event_header(headers, {"count", 4, std::string("\0\0\0\5", 4)});
  const MaskOutput output = mask_as(stream_type, write_event_message(headers, ""));
  const auto read = read_event_headers(read_event_messages(output.bytes)->front().headers);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ((*read)[1].value, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ((*read)[2].value, "no key AKIA************MPLE");
  EXPECT_EQ((*read)[3].value, std::string_view("\0\0\0\5", 4));
}

TEST(EventStream, wrong_checksums_lying_lengths_and_cut_messages_are_blocked) {
  const std::string good = delta("hello");
  for (std::size_t size = 1; size < good.size(); ++size) {
    SCOPED_TRACE(size);
    EXPECT_FALSE(mask_as(stream_type, good.substr(0, size)).blocked.empty());
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(mask_as(stream_type, damaged).blocked.empty()) << at;
  }
  EXPECT_FALSE(mask_as(stream_type, write_event_message("\x05"
                                                        "ab",
                                                        "{}"))
                   .blocked.empty());
  EXPECT_FALSE(mask_as(stream_type, write_event_message(std::string("\x01"
                                                                    "a\x0c",
                                                                    3),
                                                        "{}"))
                   .blocked.empty());
}

TEST(EventStream, is_known_without_its_type) {
  EXPECT_EQ(said(mask_as("application/octet-stream", delta("AKIAIOSF") + delta("ODNN7EXAMPLE"))),
            "AKIA************MPLE");
}

TEST(EventStream, masking_twice_changes_nothing_more) {
  const MaskOutput once = mask_as(stream_type, delta("AKIAIOSF") + delta("ODNN7EXAMPLE"));
  EXPECT_EQ(mask_as(stream_type, once.bytes).bytes, once.bytes);
}

}  // namespace
}  // namespace holdpoint::masker::testing
