#include <gtest/gtest.h>

#include <algorithm>

#include "bus/record/chain.hpp"
#include "bus/record/event.hpp"
#include "bus/record/note.hpp"
#include "bus/record/tree_hash.hpp"

namespace holdpoint::record {
namespace {

Event sample() {
  Event event;
  event.time = from_rfc3339("2026-11-01T12:00:00.000001Z").value();
  event.id = RandomIdSource().next(event.time);
  event.source = "gateway-1";
  event.type = std::string(type::kOperationIntended);
  event.subject = "subject";
  event.data = Json{{"b", 1}, {"a", "x"}};
  return event;
}

TEST(Event, IsCanonicalJsonAndReadsBack) {
  const Event event = sample();
  const std::string text = event_to_json(event);
  EXPECT_EQ(to_json(parse_json(text).value()), text);
  const Event back = event_from_json(text).value();
  EXPECT_EQ(back.id, event.id);
  EXPECT_EQ(back.time, event.time);
  EXPECT_EQ(back.data, event.data);
  EXPECT_EQ(back.type, event.type);
}

TEST(Event, HoldsParametersAsDeepAsTheyAreReadFromOutside) {
  const std::size_t depth = JsonLimits().depth_max;
  Event event = sample();
  event.data = {{"parameters", parse_json(std::string(depth, '[') + std::string(depth, ']')).value()}};
  const auto back = event_from_json(event_to_json(event));
  ASSERT_TRUE(back) << back.error().context;
  EXPECT_EQ(back->data, event.data);
}

TEST(Event, DataInAnyOrderIsTheTextOfTheSameObject) {
  const std::string texts[] = {
      "", "plain", "q\"\\/", "line\n\t\x01\x7f", "\u00e9\u20ac\U0001F600", "\xff\xfe", std::string(70000, 'x')};
  for (const std::string& text : texts) {
    EventData data;
    data.text("zeta", text);
    data.number("body_bytes", std::uint64_t{18446744073709551615U});
    data.number("status", -1);
    data.json("parameters", Json{{"b", {1, 2.5, nullptr, true}}, {"a", text_json(text)}});
    data.begin_list("resources");
    for (const std::string& each : texts) data.list_text(each);
    data.end_list();
    data.begin_list("actions");
    data.end_list();
    data.text("access", "read");
    Json object{{"zeta", text_json(text)},
                {"body_bytes", std::uint64_t{18446744073709551615U}},
                {"status", -1},
                {"parameters", {{"b", {1, 2.5, nullptr, true}}, {"a", text_json(text)}}},
                {"resources", Json::array()},
                {"actions", Json::array()},
                {"access", "read"}};
    for (const std::string& each : texts) object["resources"].push_back(text_json(each));
    EXPECT_EQ(data.to_json(), to_json(object));
    EXPECT_EQ(EventData(object).to_json(), to_json(object));
    EXPECT_EQ(data.values(), object);
    EXPECT_EQ(data.text_of("access"), "read");
    EXPECT_EQ(data.text_of("zeta"), is_utf8(text) ? text : "");
    EXPECT_EQ(data.text_of("status"), "");
    EXPECT_EQ(data.text_of("acc"), "");
    Event event = sample();
    event.data = object;
    EXPECT_EQ(event_to_json(event, data.to_json()), to_json(parse_json(event_to_json(event)).value()));
  }
  EXPECT_EQ(EventData().to_json(), "{}");
}

TEST(Event, DataWhoseNamesBeginAlikeIsSortedToo) {
  std::vector<std::string> names{"op",           "operatio",    "operation",          "operation_id",
                                 "operation_ie", "upstream_ms", "upstream_request_id"};
  do {
    EventData data;
    Json object = Json::object();
    for (const std::string& name : names) {
      data.text(name, name);
      object[name] = name;
    }
    ASSERT_EQ(data.to_json(), to_json(object));
  } while (std::next_permutation(names.begin(), names.end()));
}

TEST(Event, RefusesWhatIsNoEvent) {
  for (const char* bad :
       {"", "[]", "{}", R"({"specversion":"0.3"})",
        R"({"specversion":"1.0","id":"x","source":"s","type":"t","time":"2026-11-01T12:00:00Z","data":{}})"}) {
    EXPECT_TRUE(event_from_json(bad).has_error()) << bad;
  }
}

Submission submission() {
  Submission made;
  made.source = "gateway-1";
  made.epoch = 3;
  made.first = 5;
  made.entries = {"one", Bytes("\0\xff", 2), Bytes(70000, 'x')};
  made.head = made.previous;
  for (const Bytes& entry : made.entries) made.head = next_head(made.head, entry);
  made.signature = Bytes(64, 's');
  return made;
}

TEST(Submission, SurvivesTheWire) {
  const Submission sent = submission();
  const Submission got = submission_from_message(submission_to_message(sent)).value();
  EXPECT_EQ(got.entries, sent.entries);
  EXPECT_EQ(got.head, sent.head);
  EXPECT_EQ(got.first, 5u);
  EXPECT_EQ(got.last(), 7u);
  EXPECT_EQ(signature_text("d", got), signature_text("d", sent));
}

TEST(Submission, SignatureTextNamesEverythingThatPlacesTheHead) {
  const Submission one = submission();
  std::vector<std::string> texts{signature_text("d", one), signature_text("e", one)};
  for (int change = 0; change < 5; ++change) {
    Submission other = one;
    if (change == 0) other.source = "gateway-2";
    if (change == 1) other.epoch = 4;
    if (change == 2) other.first = 6;
    if (change == 3) other.entries.pop_back();
    if (change == 4) other.head[0] ^= 1;
    texts.push_back(signature_text("d", other));
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::unique(texts.begin(), texts.end()), texts.end());
}

TEST(Submission, RefusesHostileFrames) {
  const wire::Message good = submission_to_message(submission());
  const auto with = [&](auto change) {
    wire::Message bad = good;
    change(bad);
    return submission_from_message(bad).has_error();
  };
  EXPECT_TRUE(with([](auto& m) { m.attachments.clear(); }));
  EXPECT_TRUE(with([](auto& m) { m.attachments.push_back("x"); }));
  EXPECT_TRUE(with([](auto& m) { m.attachments[0].pop_back(); }));
  EXPECT_TRUE(with([](auto& m) { m.attachments[0] += '\0'; }));
  EXPECT_TRUE(with([](auto& m) { m.attachments[0] += Bytes(4, '\0'); })) << "an entry more than counted";
  EXPECT_TRUE(with([](auto& m) { m.attachments[0][0] = '\xff'; })) << "a length of 4 GiB";
  EXPECT_TRUE(with([](auto& m) { m.body["count"] = 4; }));
  EXPECT_TRUE(with([](auto& m) { m.body["count"] = 1'000'000'000; }));
  EXPECT_TRUE(with([](auto& m) { m.body["first"] = 0; }));
  EXPECT_TRUE(with([](auto& m) { m.body["first"] = -1; }));
  EXPECT_TRUE(with([](auto& m) { m.body["epoch"] = 1.5; }));
  EXPECT_TRUE(with([](auto& m) { m.body["head"] = "AAAA"; }));
  EXPECT_TRUE(with([](auto& m) { m.body.erase("signature"); }));
  EXPECT_TRUE(with([](auto& m) { m.body["source"] = nullptr; }));
}

TEST(TreeHash, IsThatOfRfc6962) {
  EXPECT_EQ(to_hex(view(empty_root())), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(view(leaf_hash(""))), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(to_hex(view(node_hash(leaf_hash(""), leaf_hash(Bytes(1, '\0'))))),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}

TEST(Checkpoint, IsANoteThatItsKeyOpensAndNoOther) {
  const SigningKey key = SigningKey::generate();
  const SigningKey other = SigningKey::generate();
  const Checkpoint checkpoint{log_origin("prod 1+2"), 42, sha256("root")};
  EXPECT_EQ(checkpoint.origin, "holdpoint/prod%201%2B2");
  const std::string note = sign_checkpoint(checkpoint, key);
  EXPECT_EQ(open_checkpoint(note, {other.public_key(), key.public_key()}).value(), checkpoint);
  EXPECT_EQ(open_checkpoint(note, {other.public_key()}).error().code, Code::tampered);
  EXPECT_EQ(open_checkpoint(note, {}).error().code, Code::tampered);
  std::string altered = note;
  altered[altered.find("42")] = '5';
  EXPECT_EQ(open_checkpoint(altered, {key.public_key()}).error().code, Code::tampered);
  const std::vector<std::string> malformed{"", "\n\n", note.substr(0, note.size() - 1),
                                           "x\n042\n" + to_base64(view(checkpoint.root)) + "\n\n", "x\n1\nAAAA\n\n"};
  for (const std::string& bad : malformed) {
    EXPECT_TRUE(open_checkpoint(bad, {key.public_key()}).has_error()) << bad;
  }
}

TEST(Checkpoint, OpensAmongWitnessesAndOtherLines) {
  const SigningKey key = SigningKey::generate();
  const Checkpoint checkpoint{"holdpoint/d", 1, sha256("root")};
  const std::string note = sign_checkpoint(checkpoint, key);
  const std::size_t at = note.find("\n\n") + 2;
  const std::string witnessed =
      note.substr(0, at) + "\xe2\x80\x94 witness.example " + to_base64(Bytes(68, 'w')) + "\n" + note.substr(at);
  EXPECT_EQ(open_checkpoint(witnessed, {key.public_key()}).value(), checkpoint);
}

TEST(VerifierKey, ReadsBackAndNoticesAWrongHash) {
  const SigningKey key = SigningKey::generate();
  std::string text = verifier_key("holdpoint/d", key.public_key());
  EXPECT_EQ(public_key_from_verifier_key(text).value(), key.public_key());
  text[text.find('+') + 1] ^= 1;
  EXPECT_TRUE(public_key_from_verifier_key(text).has_error());
}

}  // namespace
}  // namespace holdpoint::record
