#include "gateway/http/head.hpp"

#include <gtest/gtest.h>

#include "gateway/http/chunked.hpp"

namespace holdpoint::http {
namespace {

const std::string kOk = "POST / HTTP/1.1\r\nHost: a\r\n";

struct Hostile {
  std::string title;
  std::string text;
  Code code;
};

TEST(RequestHead, refuses_what_two_parsers_could_read_differently) {
  const std::vector<Hostile> rows{
      {"both framings", kOk + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", Code::malformed},
      {"both framings, other order", kOk + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", Code::malformed},
      {"two lengths", kOk + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", Code::malformed},
      {"list of lengths", kOk + "Content-Length: 3, 3\r\n\r\n", Code::malformed},
      {"signed length", kOk + "Content-Length: +3\r\n\r\n", Code::malformed},
      {"negative length", kOk + "Content-Length: -3\r\n\r\n", Code::malformed},
      {"hexadecimal length", kOk + "Content-Length: 0x3\r\n\r\n", Code::malformed},
      {"endless length", kOk + "Content-Length: 99999999999999999999\r\n\r\n", Code::malformed},
      {"empty length", kOk + "Content-Length:\r\n\r\n", Code::malformed},
      {"two codings", kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n", Code::unsupported},
      {"coding twice", kOk + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Code::malformed},
      {"unknown coding", kOk + "Transfer-Encoding: xchunked\r\n\r\n", Code::unsupported},
      {"folded header", kOk + "X-A: 1\r\n 2\r\n\r\n", Code::malformed},
      {"folded first header", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", Code::malformed},
      {"space before colon", kOk + "Content-Length : 3\r\n\r\n", Code::malformed},
      {"tab before colon", kOk + "Content-Length\t: 3\r\n\r\n", Code::malformed},
      {"no colon", kOk + "X-A\r\n\r\n", Code::malformed},
      {"empty name", kOk + ": 3\r\n\r\n", Code::malformed},
      {"carriage return in a value", kOk + "X-A: 1\r2\r\n\r\n", Code::malformed},
      {"control character in a value", kOk + "X-A: 1\x01\r\n\r\n", Code::malformed},
      {"delete in a value", kOk + "X-A: 1\x7f\r\n\r\n", Code::malformed},
      {"no host", "POST / HTTP/1.1\r\nX-A: 1\r\n\r\n", Code::malformed},
      {"two hosts", kOk + "Host: b\r\n\r\n", Code::malformed},
      {"empty host", "POST / HTTP/1.1\r\nHost:\r\n\r\n", Code::malformed},
      {"host with a path", "POST / HTTP/1.1\r\nHost: a/b\r\n\r\n", Code::malformed},
      {"host with a user", "POST / HTTP/1.1\r\nHost: a@b\r\n\r\n", Code::malformed},
      {"absolute target", "POST http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"star target", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", Code::unsupported},
      {"trace", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Code::unsupported},
      {"fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"raw UTF-8 in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Code::unsupported},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Code::unsupported},
      {"lower case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"old version", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", Code::unsupported},
      {"no version", "GET /\r\nHost: a\r\n\r\n", Code::malformed},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Code::malformed},
      {"other expectation", kOk + "Expect: 200-ok\r\n\r\n", Code::unsupported},
      {"upgrade", kOk + "Upgrade: h2c\r\n\r\n", Code::unsupported},
  };
  for (const Hostile& row : rows) {
    const auto parsed = parse_request_head(row.text);
    ASSERT_FALSE(parsed.has_value()) << row.title;
    EXPECT_EQ(parsed.error().code, row.code) << row.title << ": " << parsed.error().context;
  }
}

TEST(RequestHead, refuses_bare_line_feeds_and_nuls_before_the_head_is_complete) {
  for (const std::string& text :
       {std::string("GET / HTTP/1.1\nHost: a\r\n"), std::string("GET / HTTP/1.1\r\nHost: a\n"),
        std::string("\nGET / HTTP/1.1\r\n"), std::string("GET / HTTP/1.1\r\nX: \0", 20)}) {
    const auto end = head_end(text);
    ASSERT_FALSE(end.has_value()) << text;
    EXPECT_EQ(end.error().code, Code::malformed);
  }
}

TEST(RequestHead, judges_every_byte_of_a_value_by_itself_wherever_it_stands) {
  for (std::size_t size = 1; size <= 24; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string value(size, 'a');
        value[place] = static_cast<char>(byte);
        const bool valid = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        ASSERT_EQ(is_header_value(value), valid) << byte << " at " << place << " of " << size;
      }
    }
  }
}

TEST(RequestHead, waits_for_the_rest_and_says_where_the_body_begins) {
  const std::string head = kOk + "Content-Length: 2\r\n\r\n";
  for (std::size_t size = 0; size < head.size(); ++size) {
    const auto end = head_end(head.substr(0, size));
    ASSERT_TRUE(end.has_value()) << size;
    EXPECT_FALSE(end->has_value()) << size;
  }
  EXPECT_EQ(**head_end(head + "ab"), head.size());
}

TEST(RequestHead, has_bounds) {
  EXPECT_EQ(head_end("GET /" + std::string(kHeadBytesMax, 'a')).error().code, Code::too_large);
  std::string many = kOk;
  for (std::size_t i = 0; i < kHeadersMax; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(parse_request_head(many + "\r\n").error().code, Code::too_large);
}

TEST(RequestHead, keeps_order_case_and_values) {
  const auto parsed = parse_request_head(
      "PUT /a%2Fb?x=1&&y HTTP/1.1\r\nX-Amz-Date: 1\r\nhOSt: Bucket.Example:7400\r\nx-amz-date:  a  b \r\n"
      "Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().context;
  EXPECT_EQ(parsed->head.target, "/a%2Fb?x=1&&y");
  EXPECT_EQ(parsed->head.headers[0].first, "X-Amz-Date");
  EXPECT_EQ(parsed->head.headers[1].first, "hOSt");
  EXPECT_EQ(parsed->head.headers[2].second, "a  b");
  EXPECT_EQ(parsed->host, "bucket.example:7400");
  EXPECT_EQ(parsed->framing, Framing::length);
  EXPECT_EQ(parsed->content_length, 5u);
  EXPECT_TRUE(parsed->expects_continue);
  EXPECT_FALSE(parsed->keep_alive);
}

TEST(ResponseHead, knows_when_no_body_follows) {
  EXPECT_EQ(parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD")->framing, Framing::none);
  EXPECT_EQ(parse_response_head("HTTP/1.1 204 No Content\r\n\r\n", "DELETE")->framing, Framing::none);
  EXPECT_EQ(parse_response_head("HTTP/1.1 200 OK\r\n\r\n", "GET")->framing, Framing::until_close);
  EXPECT_EQ(parse_response_head("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", "GET")->framing,
            Framing::chunked);
  EXPECT_FALSE(parse_response_head("HTTP/2 200\r\n\r\n", "GET").has_value());
  EXPECT_FALSE(parse_response_head("HTTP/1.1 2x0 OK\r\n\r\n", "GET").has_value());
  EXPECT_FALSE(
      parse_response_head("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "GET").has_value());
}

TEST(ChunkDecoder, decodes_whatever_way_the_bytes_arrive) {
  const std::string wire = "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    ChunkDecoder decoder;
    std::string out;
    std::size_t at = 0;
    while (!decoder.done() && at < wire.size()) {
      const auto used = decoder.decode(std::string_view(wire).substr(at, step), out);
      ASSERT_TRUE(used.has_value());
      at += *used;
    }
    EXPECT_EQ(out, "abc0123456789") << step;
    EXPECT_EQ(at, wire.size() - 3) << step;
  }
}

TEST(ChunkDecoder, refuses_what_two_parsers_could_read_differently) {
  for (const std::string& wire :
       {std::string("\r\nabc"), std::string("3\nabc\r\n0\r\n\r\n"), std::string("3;x=1\r\nabc\r\n0\r\n\r\n"),
        std::string(" 3\r\nabc\r\n"), std::string("3 \r\nabc\r\n"), std::string("0x3\r\nabc\r\n"),
        std::string("-3\r\nabc"), std::string("3\r\nabcd\r\n0\r\n\r\n"), std::string("3\r\nabc\n0\r\n\r\n"),
        std::string("000000003\r\nabc\r\n"), std::string("FFFFFFFFF\r\n"), std::string("0\r\nX-Trailer: 1\r\n\r\n"),
        std::string("0\r\n\n"), std::string("g\r\n")}) {
    ChunkDecoder decoder;
    std::string out;
    EXPECT_FALSE(decoder.decode(wire, out).has_value()) << wire;
  }
}

TEST(ChunkDecoder, skips_the_trailers_of_an_answer) {
  ChunkDecoder decoder(true);
  std::string out;
  const std::string wire = "3;a=b\r\nabc\r\n0\r\nx-amz-checksum-crc32: AA==\r\nb: c\r\n\r\n";
  EXPECT_EQ(*decoder.decode(wire, out), wire.size());
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(out, "abc");
}

}  // namespace
}  // namespace holdpoint::http
