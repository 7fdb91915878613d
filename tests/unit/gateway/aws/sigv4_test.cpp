#include "gateway/aws/sigv4.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "bus/base/json.hpp"
#include "gateway/aws/canonical_request.hpp"
#include "gateway/aws/chunked_body.hpp"

namespace holdpoint::aws {
namespace {

Json vectors() {
  std::ifstream file(HOLDPOINT_SHARED_DIR "/aws/sigv4-vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str()).value().at("vectors");
}

// The suite's requests are text with one line per header; a folded line continues the one before.
struct TestRequest {
  HttpHead head;
  std::string body;
};
TestRequest parse_request(const std::string& text) {
  TestRequest request;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  request.head.method = line.substr(0, line.find(' '));
  const std::size_t end = line.rfind(" HTTP/1.1");
  request.head.target = line.substr(request.head.method.size() + 1, end - request.head.method.size() - 1);
  while (std::getline(lines, line) && !line.empty()) {
    if (line[0] == ' ') {
      request.head.headers.back().second += line;
      continue;
    }
    const std::size_t colon = line.find(':');
    request.head.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
  }
  std::stringstream rest;
  rest << lines.rdbuf();
  request.body = rest.str();
  return request;
}

std::string text(const Json& vector, const char* member) { return vector.at(member).get<std::string>(); }

Secret key_of(const Json& vector) {
  const std::string date = text(vector, "timestamp").substr(0, 4) + text(vector, "timestamp").substr(5, 2) +
                           text(vector, "timestamp").substr(8, 2);
  return derive_signing_key(text(vector, "secret"), date, text(vector, "region"), text(vector, "service"));
}

constexpr const char* kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(SigV4Vectors, EveryVersion4RequestVerifiesToItsPublishedCanonicalRequestAndSignature) {
  int seen = 0;
  for (const Json& vector : vectors()) {
    if (text(vector, "suite") != "v4") continue;
    SCOPED_TRACE(text(vector, "name") + " " + text(vector, "kind"));
    ++seen;
    const TestRequest request = parse_request(text(vector, "signed_request"));
    const Instant now = *from_rfc3339(text(vector, "timestamp"));
    const auto parsed = parse_signature(request.head, now);
    const PathRule rule = vector.at("normalize").get<bool>() ? PathRule::normalised : PathRule::raw;
    if (vector.at("omit_session_token").get<bool>() && text(vector, "kind") == "header") {
      // A security token beside the signature is refused: here every x-amz-* header must be signed.
      ASSERT_TRUE(parsed.has_error());
      EXPECT_EQ(parsed.error().code, Code::malformed);
      continue;
    }
    ASSERT_TRUE(parsed) << parsed.error().context;
    EXPECT_EQ(parsed->access_key_id, text(vector, "akid"));
    EXPECT_EQ(parsed->signature, text(vector, "signature"));
    const bool hashed = vector.at("sign_body").get<bool>();
    const std::string word = hashed ? to_hex(view(sha256(request.body))) : kEmptyHash;
    const auto canonical =
        canonical_request(request.head, rule, parsed->presigned ? "X-Amz-Signature" : "", parsed->signed_headers, word);
    ASSERT_TRUE(canonical);
    if (vector.at("omit_session_token").get<bool>()) {
      EXPECT_NE(*canonical, text(vector, "canonical_request"));
      continue;
    }
    EXPECT_EQ(*canonical, text(vector, "canonical_request"));
    EXPECT_EQ(string_to_sign(parsed->amz_date, parsed->scope(), *canonical), text(vector, "string_to_sign"));
    if (rule == PathRule::normalised) {
      const Hash body = sha256(hashed ? request.body : std::string());
      const auto verified = verify_signature(*parsed, request.head, key_of(vector).reveal(), body);
      EXPECT_TRUE(verified) << verified.error().context;
    }
  }
  EXPECT_EQ(seen, 76);
}

TEST(SigV4Vectors, EverySigV4aRequestIsRefusedByName) {
  int seen = 0;
  for (const Json& vector : vectors()) {
    if (text(vector, "suite") != "v4a") continue;
    ++seen;
    const TestRequest request = parse_request(text(vector, "signed_request"));
    const auto parsed = parse_signature(request.head, *from_rfc3339(text(vector, "timestamp")));
    ASSERT_TRUE(parsed.has_error());
    EXPECT_EQ(parsed.error().code, Code::unsupported);
    EXPECT_NE(parsed.error().context.find("4a"), std::string::npos);
  }
  EXPECT_EQ(seen, 76);
}

TEST(SigV4Vectors, EveryFlippedByteOfASignedRequestFails) {
  const Instant now = *from_rfc3339("2015-08-30T12:36:00Z");
  for (const Json& vector : vectors()) {
    if (text(vector, "suite") != "v4" || !vector.at("normalize").get<bool>() ||
        vector.at("omit_session_token").get<bool>()) {
      continue;
    }
    const std::string wire = text(vector, "signed_request");
    if (wire.find("/..") != std::string::npos) continue;  // a segment that ".." takes away is not signed
    const bool hashed = vector.at("sign_body").get<bool>();
    for (std::size_t i = 0; i < wire.size(); ++i) {
      std::string changed = wire;
      // Case of header names, blanks and dots of paths may differ without a different meaning: flip within letters.
      if (!std::isalnum(static_cast<unsigned char>(wire[i]))) continue;
      changed[i] = wire[i] == 'x' ? 'y' : wire[i] == '9' ? '8' : static_cast<char>(wire[i] ^ 1);
      if (!std::isalnum(static_cast<unsigned char>(changed[i]))) changed[i] = 'q';
      const TestRequest request = parse_request(changed);
      if (request.body != parse_request(wire).body && !hashed) continue;
      if (i >= wire.find(" HTTP/1.1") && i < wire.find(" HTTP/1.1") + 9) continue;
      const auto parsed = parse_signature(request.head, now);
      if (parsed.has_error()) continue;
      if (parsed->access_key_id != text(vector, "akid")) continue;  // another key id is another secret
      if (parsed->session_token != (vector.at("token").is_null() ? "" : text(vector, "token")) && !parsed->presigned)
        continue;
      const Secret derived = derive_signing_key(text(vector, "secret"), parsed->date, parsed->region, parsed->service);
      const auto verified =
          verify_signature(*parsed, request.head, derived.reveal(), sha256(hashed ? request.body : std::string()));
      EXPECT_FALSE(verified) << text(vector, "name") << " byte " << i << ": " << changed;
    }
  }
}

TEST(SigV4, WhatIsSignedVerifies) {
  const Instant now = *from_rfc3339("2026-11-01T12:00:00Z");
  HttpHead head{"POST",
                "/a/b%20c?z=1&a=%2F",
                {{"Host", "dynamodb.eu-west-1.amazonaws.com"}, {"X-Amz-Target", "T.Op"}, {"User-Agent", "x"}}};
  for (const std::string_view service : {"dynamodb", "s3"}) {
    const std::string body = "{}";
    HttpHead sent = head;
    const auto added = sign(head, {"AKID", "token", derive_signing_key("secret", "20261101", "eu-west-1", service)},
                            {"eu-west-1", std::string(service)}, to_hex(view(sha256(body))), now);
    ASSERT_TRUE(added);
    sent.headers.insert(sent.headers.end(), added->begin(), added->end());
    const auto parsed = parse_signature(sent, now + std::chrono::minutes(14));
    ASSERT_TRUE(parsed) << parsed.error().context;
    EXPECT_EQ(parsed->session_token, "token");
    const Secret key = derive_signing_key("secret", parsed->date, parsed->region, parsed->service);
    EXPECT_TRUE(verify_signature(*parsed, sent, key.reveal(), sha256(body)));
    const auto swapped = verify_signature(*parsed, sent, key.reveal(), sha256("{ }"));
    ASSERT_TRUE(swapped.has_error());
    EXPECT_EQ(swapped.error().code, Code::tampered);
    const Secret other = derive_signing_key("Secret", parsed->date, parsed->region, parsed->service);
    EXPECT_FALSE(verify_signature(*parsed, sent, other.reveal(), sha256(body)));
  }
}

struct Refused {
  const char* name;
  void (*change)(HttpHead&);
  Code code;
};

TEST(SigV4, BadSignaturesAreRefusedWithTheCodeThatSaysWhy) {
  const Instant now = *from_rfc3339("2026-11-01T12:00:00Z");
  const auto set = [](HttpHead& head, std::string_view name, std::string value) {
    for (auto& header : head.headers) {
      if (is_header(header.first, name)) header.second = std::move(value);
    }
  };
  static const auto change = set;
  const Refused cases[] = {
      {"no signature", [](HttpHead& h) { h.headers.pop_back(); }, Code::unauthenticated},
      {"a bearer token", [](HttpHead& h) { change(h, "authorization", "Bearer abc"); }, Code::unauthenticated},
      {"signature version 2", [](HttpHead& h) { change(h, "authorization", "AWS AKID:abc"); }, Code::unsupported},
      {"version 2 query",
       [](HttpHead& h) {
         h.headers.pop_back();
         h.target = "/?AWSAccessKeyId=A&Signature=b";
       },
       Code::unsupported},
      {"an S3 form",
       [](HttpHead& h) {
         h.headers.pop_back();
         h.headers.emplace_back("Content-Type", "multipart/form-data; boundary=x");
       },
       Code::unsupported},
      {"two Host headers", [](HttpHead& h) { h.headers.emplace_back("host", "evil"); }, Code::malformed},
      {"two dates", [](HttpHead& h) { h.headers.emplace_back("X-Amz-Date", "20261101T120000Z"); }, Code::malformed},
      {"an unsigned x-amz header", [](HttpHead& h) { h.headers.emplace_back("X-Amz-Acl", "public-read"); },
       Code::malformed},
      {"signed in both places", [](HttpHead& h) { h.target += "?X-Amz-Signature=aa"; }, Code::malformed},
      {"an unknown streaming word",
       [](HttpHead& h) { change(h, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-EVENTS"); }, Code::unsupported},
      {"a payload word that is no hash", [](HttpHead& h) { change(h, "x-amz-content-sha256", "nothing"); },
       Code::malformed},
      {"a date of 2001", [](HttpHead& h) { change(h, "x-amz-date", "20010101T000000Z"); }, Code::expired},
      {"no such date", [](HttpHead& h) { change(h, "x-amz-date", "20261399T000000Z"); }, Code::malformed},
      {"a repeated member", [](HttpHead& h) { h.headers.back().second += ", Signature=00"; }, Code::malformed},
  };
  HttpHead head{"POST", "/", {{"Host", "h"}}};
  const auto added =
      sign(head, {"AKID", "", derive_signing_key("s", "20261101", "r", "v")}, {"r", "v"}, kEmptyHash, now);
  head.headers.insert(head.headers.end(), added->begin(), added->end());
  ASSERT_TRUE(parse_signature(head, now));
  for (const Refused& test : cases) {
    SCOPED_TRACE(test.name);
    HttpHead changed = head;
    test.change(changed);
    const auto parsed = parse_signature(changed, now);
    ASSERT_TRUE(parsed.has_error());
    EXPECT_EQ(parsed.error().code, test.code) << parsed.error().context;
  }
  EXPECT_EQ(parse_signature(head, now + std::chrono::minutes(16)).error().code, Code::expired);
  EXPECT_EQ(parse_signature(head, now - std::chrono::minutes(16)).error().code, Code::expired);
}

// The S3 documentation's example, as the vectors hold it.
struct ChunkedExample {
  HttpHead head;
  ParsedSignature parsed;
  Secret key;
  std::string wire;
};
ChunkedExample chunked_example(const Json& vector) {
  ChunkedExample example;
  example.head = {"PUT", text(vector, "path"), {}};
  std::vector<std::string> names;
  for (const auto& [name, value] : vector.at("headers").items()) {
    example.head.headers.emplace_back(name, value.get<std::string>());
    names.push_back(name);
  }
  example.head.headers.emplace_back(
      "Authorization", "AWS4-HMAC-SHA256 Credential=" + text(vector, "akid") +
                           "/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + join_header_names(names) +
                           ",Signature=" + text(vector, "seed_signature"));
  example.parsed = parse_signature(example.head, *from_rfc3339("2013-05-24T00:00:00Z")).value();
  example.key = derive_signing_key(text(vector, "secret"), "20130524", "us-east-1", "s3");
  const auto signature = [&](int i) { return vector.at("chunk_signatures").at(i).get<std::string>(); };
  example.wire = "10000;chunk-signature=" + signature(0) + "\r\n" + std::string(65536, 'a') +
                 "\r\n400;chunk-signature=" + signature(1) + "\r\n" + std::string(1024, 'a') +
                 "\r\n0;chunk-signature=" + signature(2) + "\r\n";
  if (vector.contains("trailer")) {
    std::string trailer = text(vector, "trailer");
    trailer.pop_back();
    example.wire += trailer + "\r\nx-amz-trailer-signature:" + text(vector, "trailer_signature") + "\r\n";
  }
  example.wire += "\r\n";
  return example;
}

TEST(SigV4Chunks, TheDocumentedExamplesVerifyInPiecesOfAnySize) {
  int seen = 0;
  for (const Json& vector : vectors()) {
    if (text(vector, "suite") != "s3-chunked") continue;
    ++seen;
    const ChunkedExample example = chunked_example(vector);
    EXPECT_TRUE(verify_signature(example.parsed, example.head, example.key.reveal(), std::nullopt));
    for (const std::size_t piece : {1, 7, 4096, 100000}) {
      auto body = ChunkedBody::begin(example.parsed, example.head, example.key.reveal());
      ASSERT_TRUE(body) << body.error().context;
      Bytes out;
      for (std::size_t i = 0; i < example.wire.size(); i += piece) {
        const auto fed = body->feed(std::string_view(example.wire).substr(i, piece), out);
        ASSERT_TRUE(fed) << fed.error().context;
      }
      EXPECT_TRUE(body->finished());
      EXPECT_EQ(out, std::string(66560, 'a'));
    }
  }
  EXPECT_EQ(seen, 2);
}

TEST(SigV4Chunks, AFlippedOrMissingByteFailsBeforeItsChunkComesOut) {
  for (const Json& vector : vectors()) {
    if (text(vector, "suite") != "s3-chunked") continue;
    const ChunkedExample example = chunked_example(vector);
    for (std::size_t i = 0; i<example.wire.size(); i += i> 200 && i < 65000 ? 4099 : 1) {
      std::string changed = example.wire;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      auto body = ChunkedBody::begin(example.parsed, example.head, example.key.reveal());
      Bytes out;
      const auto fed = body->feed(changed, out);
      EXPECT_FALSE(fed && body->finished()) << "byte " << i;
      EXPECT_TRUE(out.empty() || i >= 65536) << "byte " << i;
    }
    auto body = ChunkedBody::begin(example.parsed, example.head, example.key.reveal());
    Bytes out;
    EXPECT_TRUE(body->feed(std::string_view(example.wire).substr(0, example.wire.size() - 2), out));
    EXPECT_FALSE(body->finished());
  }
}

TEST(SigV4Chunks, UnsignedTrailerBodiesAreHeldToTheirLengthAndAnnouncedTrailers) {
  ParsedSignature parsed;
  parsed.payload = PayloadForm::unsigned_trailer;
  const HttpHead head{
      "PUT", "/b/k", {{"x-amz-decoded-content-length", "5"}, {"x-amz-trailer", "x-amz-checksum-crc32"}}};
  const auto run = [&](std::string_view wire) {
    auto body = ChunkedBody::begin(parsed, head, {});
    Bytes out;
    const auto fed = body->feed(wire, out);
    return fed && body->finished() && out == "hello";
  };
  EXPECT_TRUE(run("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
  EXPECT_TRUE(run("2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
  EXPECT_FALSE(run("5\r\nhello\r\n0\r\n\r\n"));
  EXPECT_FALSE(run("5\r\nhello\r\n0\r\nx-amz-acl:public-read\r\n\r\n"));
  EXPECT_FALSE(run("4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
  EXPECT_FALSE(run("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\nmore"));
  EXPECT_FALSE(run("5;chunk-signature=00\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"));
  EXPECT_FALSE(run("ffffffffffffffff\r\nhello"));
}

}  // namespace
}  // namespace holdpoint::aws
