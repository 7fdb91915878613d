#include "bus/wire/envelope.hpp"

#include <gtest/gtest.h>

#include "bus/wire/packet.hpp"

namespace holdpoint::wire {
namespace {

Envelope example() {
  Envelope envelope;
  envelope.kind = Kind::request;
  envelope.id = *id_from_text("018f0000-0000-7000-8000-0000000000ff");
  envelope.deadline = from_unix_ms(0x0102030405);
  envelope.address = "masks";
  envelope.stream = "s-1";
  envelope.epoch = 7;
  envelope.sender = {Role::gateway, "0123456789abcdef"};
  envelope.message = {"MaskRequested", Json{{"b", 1}, {"a", "x"}}, {"raw\0bytes", ""}};
  return envelope;
}

constexpr std::string_view kExampleHeader =
    "4850"                              // HP
    "01"                                // version
    "01"                                // request
    "018f00000000700080000000000000ff"  // id
    "0000000102030405"                  // deadline
    "0000000000000007"                  // epoch
    "02"                                // gateway
    "056d61736b73"                      // masks
    "0d4d61736b526571756573746564"      // MaskRequested
    "1030313233343536373839616263646566"
    "03732d31";

TEST(Envelope, HasExactlyTheBytesOfTheProtocol) {
  const Frames frames = encode(example());
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(to_hex(frames[0]), kExampleHeader);
  EXPECT_EQ(frames[1], R"({"a":"x","b":1})");
  EXPECT_EQ(frames[2], Bytes("raw"));
  EXPECT_EQ(frames[3], "");
}

TEST(Envelope, WhoseBodyIsWrittenAlreadyTravelsLikeAnyOther) {
  Envelope written = example();
  written.message.text = to_json(written.message.body);
  written.message.body = Json::object();
  EXPECT_EQ(encode(written), encode(example()));
  EXPECT_EQ(encode(written), to_frames(to_packet(written)));
  const auto read = decode(encode(written));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->message.body, example().message.body);
  EXPECT_EQ(read->message.text, "");
}

TEST(Envelope, EmptyFieldsTakeOneByteEach) {
  Envelope envelope;
  envelope.kind = Kind::heartbeat;
  const Frames frames = encode(envelope);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(to_hex(frames[0]), "4850010c" + std::string(66, '0') + "00000000");
  EXPECT_EQ(frames[1], "{}");
}

TEST(Envelope, ReadsBackWhatItWrote) {
  const Envelope written = example();
  const auto read = decode(encode(written));
  ASSERT_TRUE(read) << read.error().context;
  EXPECT_EQ(read->kind, written.kind);
  EXPECT_EQ(read->id, written.id);
  EXPECT_EQ(read->deadline, written.deadline);
  EXPECT_EQ(read->address, written.address);
  EXPECT_EQ(read->stream, written.stream);
  EXPECT_EQ(read->epoch, written.epoch);
  EXPECT_EQ(read->sender.role, written.sender.role);
  EXPECT_EQ(read->sender.key_id, written.sender.key_id);
  EXPECT_EQ(read->message.type, written.message.type);
  EXPECT_EQ(read->message.body, written.message.body);
  EXPECT_EQ(read->message.attachments, written.message.attachments);
  EXPECT_EQ(encode(*read), encode(written));
}

TEST(Envelope, RefusesAHeaderCutAtAnyOffset) {
  const Frames whole = encode(example());
  for (std::size_t size = 0; size < whole[0].size(); ++size) {
    const auto read = decode({whole[0].substr(0, size), whole[1]});
    ASSERT_TRUE(read.has_error()) << size;
    EXPECT_EQ(read.error().code, Code::malformed) << size;
  }
}

struct Hostile {
  const char* what;
  Frames frames;
  Code code;
};

Bytes header_with(std::size_t offset, Bytes bytes) { return encode(example())[0].replace(offset, bytes.size(), bytes); }

TEST(Envelope, RefusesHostileFrames) {
  const Bytes good = encode(example())[0];
  const Bytes big(kBodyBytesMax + 1, ' ');
  const std::vector<Hostile> table = {
      {"no frames", {}, Code::malformed},
      {"header alone", {good}, Code::malformed},
      {"wrong magic", {header_with(0, "hP"), "{}"}, Code::malformed},
      {"version 0", {header_with(2, Bytes(1, '\0')), "{}"}, Code::malformed},
      {"version 2", {header_with(2, "\x02"), "{}"}, Code::malformed},
      {"kind 0", {header_with(3, Bytes(1, '\0')), "{}"}, Code::malformed},
      {"kind 4", {header_with(3, "\x04"), "{}"}, Code::malformed},
      {"kind 18", {header_with(3, "\x12"), "{}"}, Code::malformed},
      {"kind 255", {header_with(3, "\xff"), "{}"}, Code::malformed},
      {"deadline that overflows", {header_with(20, "\x7f\xff"), "{}"}, Code::malformed},
      {"negative deadline", {header_with(20, Bytes(8, '\xff')), "{}"}, Code::malformed},
      {"unknown role", {header_with(36, "\x08"), "{}"}, Code::malformed},
      {"name beyond the end", {header_with(37, "\xff"), "{}"}, Code::malformed},
      {"trailing byte", {good + "x", "{}"}, Code::malformed},
      {"body of nothing", {good, ""}, Code::malformed},
      {"body that is an array", {good, "[]"}, Code::malformed},
      {"body that is a string", {good, "\"x\""}, Code::malformed},
      {"body with a duplicate key", {good, R"({"a":1,"a":2})"}, Code::malformed},
      {"body with a nested duplicate key", {good, R"({"a":{"b":1,"b":1}})"}, Code::malformed},
      {"body with trailing bytes", {good, "{}{}"}, Code::malformed},
      {"body of invalid UTF-8", {good, "{\"a\":\"\xff\"}"}, Code::malformed},
      {"body nested too deep", {good, "{\"a\":" + Bytes(70, '[') + Bytes(70, ']') + "}"}, Code::too_large},
      {"body too large", {good, big}, Code::too_large},
      {"too many attachments",
       {good, "{}", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""},
       Code::too_large},
      {"attachments too large", {good, "{}", Bytes(kAttachmentBytesMax, 'x'), "y"}, Code::too_large},
  };
  for (const Hostile& row : table) {
    const auto read = decode(row.frames);
    ASSERT_TRUE(read.has_error()) << row.what;
    EXPECT_EQ(read.error().code, row.code) << row.what << ": " << read.error().context;
  }
}

TEST(Envelope, AcceptsTheLargestThatTheProtocolAllows) {
  Envelope envelope = example();
  envelope.address = std::string(kNameBytesMax, 'a');
  envelope.message.attachments.assign(kAttachmentsMax, Bytes(kAttachmentBytesMax / kAttachmentsMax, 'x'));
  EXPECT_TRUE(decode(encode(envelope)));
  envelope.address += "a";
  EXPECT_EQ(check_limits(to_packet(envelope).header, 2, {}).error().code, Code::too_large);
}

TEST(Refusal, CarriesCodeAndContextAndComesBackAsTheError) {
  const Message message = refusal(fail(Code::overloaded, "the queue of masks is full"));
  EXPECT_EQ(message.type, "Refused");
  EXPECT_EQ(to_json(message.body), R"({"code":"overloaded","message":"the queue of masks is full"})");
  const auto result = accepted(message);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, Code::overloaded);
  EXPECT_EQ(result.error().context, "the queue of masks is full");
  EXPECT_TRUE(accepted({"PayloadMasked", Json::object(), {}}));
  EXPECT_EQ(accepted({"Refused", Json{{"code", 7}}, {}}).error().code, Code::internal);
}

TEST(Role, HasOneNameAndBack) {
  for (int number = 1; number <= 7; ++number) {
    const auto role = static_cast<Role>(number);
    EXPECT_EQ(role_from_name(name(role)), role);
  }
  EXPECT_EQ(name(Role::op), "operator");
  for (const char* bad : {"", "none", "op", "Operator", "gateway "}) EXPECT_FALSE(role_from_name(bad)) << bad;
}

}  // namespace
}  // namespace holdpoint::wire
