// What operators add: places, patterns, styles.
#include <gtest/gtest.h>

#include "bus/base/encoding.hpp"
#include "masker/rules.hpp"
#include "masker/structure/compress.hpp"
#include "support.hpp"

namespace holdpoint::masker::testing {
namespace {

MaskOutput by(std::string_view rules, std::string_view type, std::string_view bytes,
              std::string_view service = "dynamodb", bool keep_length = false) {
  MaskInput input;
  input.content_type = type;
  input.service = service;
  input.operation = "GetItem";
  input.length_preserving = keep_length;
  auto parsed = parse_rules(rules);
  EXPECT_TRUE(parsed.has_value()) << rules << ": " << parsed.error().context;
  input.rules = std::move(*parsed);
  MaskOutput output = mask(input, bytes);
  if (output.blocked.empty() && !keep_length) {
    EXPECT_EQ(mask(input, output.bytes).bytes, output.bytes) << "its own output changes";
  }
  return output;
}

std::string json_by(std::string_view rules, std::string_view bytes, std::string_view service = "dynamodb") {
  return by(rules, "application/json", bytes, service).bytes;
}

constexpr const char* kNote = R"({"paths":[{"path":"Item.note","class":"secret","name":"notes"}]})";
constexpr const char* kProject = R"({"patterns":[{"literal":"Nightingale","class":"secret"}]})";

TEST(Rules, a_path_masks_its_member_and_all_that_is_below_it) {
  EXPECT_EQ(json_by(kNote, R"({"Item":{"note":"blue","other":"blue"}})"),
            R"({"Item":{"note":"REDACTED-secret","other":"blue"}})");
  EXPECT_EQ(json_by(kNote, R"({"Item":{"note":{"S":"blue"},"note2":{"S":"blue"}}})"),
            R"({"Item":{"note":{"S":"REDACTED-secret"},"note2":{"S":"blue"}}})");
  EXPECT_EQ(json_by(kNote, R"({"a":[{"item":{"NOTE":{"M":{"x":{"N":"17"},"y":[1,"b",true]}}}}]})"),
            R"({"a":[{"item":{"NOTE":{"M":{"x":{"N":"0"},"y":[0,"REDACTED-secret",true]}}}}]})");
  EXPECT_EQ(json_by(kNote, R"({"note":"blue","Items":{"note":"blue"}})"), R"({"note":"blue","Items":{"note":"blue"}})");
}

TEST(Rules, a_path_reaches_into_other_forms_and_says_by_which_rule) {
  const MaskOutput xml = by(kNote, "application/xml", "<R><Item><note>blue</note><b>blue</b></Item></R>");
  EXPECT_EQ(xml.bytes, "<R><Item><note>REDACTED-secret</note><b>blue</b></Item></R>");
  ASSERT_EQ(xml.findings.size(), 1u);
  EXPECT_EQ(xml.findings[0].rule, "notes");
  const char* const column = R"({"paths":[{"path":"nickname","class":"secret"}]})";
  EXPECT_EQ(by(column, "text/csv", "id,nickname\n1,blue\n2,green\n").bytes,
            "id,nickname\n1,REDACTED-secret\n2,REDACTED-secret\n");
  EXPECT_EQ(json_by(column, R"({"body":"{\"nickname\":\"blue\"}"})"),
            R"({"body":"{\"nickname\":\"REDACTED-secret\"}"})");
}

TEST(Rules, what_an_operator_names_is_masked_where_its_class_would_be_off) {
  // Contacts in answers about accounts are identities that tools need, unless the operator says otherwise.
  EXPECT_EQ(json_by("{}", R"({"Owner":"ann@example.com"})", "organizations"), R"({"Owner":"ann@example.com"})");
  EXPECT_EQ(
      json_by(R"({"paths":[{"path":"Owner","class":"email"}]})", R"({"Owner":"ann@example.com"})", "organizations"),
      R"({"Owner":"REDACTED-email"})");
  EXPECT_EQ(json_by(R"({"patterns":[{"regex":"[0-9]{3}-[0-9]{4}","class":"phone"}]})", R"({"t":"call 555-1234 now"})",
                    "organizations"),
            R"({"t":"call REDACTED-phone now"})");
}

TEST(Rules, where_members_are_named_a_document_that_does_not_parse_is_blocked) {
  EXPECT_FALSE(by(kNote, "application/json", R"({"Item":{"note":"blue")").blocked.empty());
  EXPECT_FALSE(by(kNote, "application/xml", "<R><Item><note>blue</Item>").blocked.empty());
  EXPECT_TRUE(by(kNote, "text/plain", "note: blue").blocked.empty());
  EXPECT_TRUE(by("{}", "application/json", R"({"Item":{"note":"blue")").blocked.empty());
}

TEST(Rules, no_content_type_turns_off_that_a_document_must_parse) {
  const std::string cut = R"({"Item":{"note":"blue")";
  for (const char* type : {"", "binary/octet-stream", "application/octet-stream", "text/plain", "image/png"}) {
    EXPECT_FALSE(by(kNote, type, cut).blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, "\xef\xbb\xbf" + cut).blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, compress_gzip(cut)).blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, "[1, " + cut).blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, "[" + cut).blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, "<R><Item><note>blue</Item>").blocked.empty()) << type;
    EXPECT_FALSE(by(kNote, type, "<?xml version=\"1.0\"?><R><Item><note>blue").blocked.empty()) << type;
    // Logs and pages begin like documents, and are none.
    EXPECT_TRUE(by(kNote, type, "[INFO] started \"x\"\n[2026-01-01 10:00:00] {stopped}\n").blocked.empty()) << type;
    EXPECT_TRUE(by(kNote, type, "<!DOCTYPE html><html><body>a<br>b</body></html>").blocked.empty()) << type;
  }
  EXPECT_EQ(by(kNote, "", "\xef\xbb\xbf{\"Item\":{\"note\":\"blue\"}}").bytes,
            "\xef\xbb\xbf{\"Item\":{\"note\":\"REDACTED-secret\"}}");
  // A value is no document.
  EXPECT_TRUE(json_by(kNote, R"({"message":"{not a document, or cut"})").find("cut") != std::string::npos);
}

TEST(Rules, a_name_is_what_its_escapes_mean) {
  EXPECT_EQ(json_by(kNote, R"({"Item":{"no\u0074e":"blue"}})"), R"({"Item":{"no\u0074e":"REDACTED-secret"}})");
  EXPECT_EQ(json_by(R"({"paths":[{"path":"kunde.straße","class":"secret"}]})",
                    R"({"kunde":{"stra\u00dfe":{"x":["Weg 1"]}}})"),
            R"({"kunde":{"stra\u00dfe":{"x":["REDACTED-secret"]}}})");
  // One whose value waits for a sibling, too.
  EXPECT_EQ(json_by(R"({"paths":[{"path":"Item.value","class":"secret"}]})", R"({"Item":{"v\u0061lue":"blue"}})"),
            R"({"Item":{"v\u0061lue":"REDACTED-secret"}})");
  EXPECT_EQ(
      by(R"({"paths":[{"path":"note","class":"secret"}]})", "application/x-www-form-urlencoded", "no%74e=blue&a=b")
          .bytes,
      "no%74e=REDACTED-secret&a=b");
}

TEST(Rules, documents_in_text_are_found_behind_any_number_of_cut_ones) {
  for (const std::string cut : {"x {\"a\":1,\n", "{\"a\":[{\n", "x {\"a\n", "{\"a\":1, \"b \\\n", "] {\"a\":\n"}) {
    for (const std::size_t count : {1U, 40U, 20000U}) {
      std::string before;
      for (std::size_t i = 0; i < count; ++i) before += cut;
      const std::string in = before + "y {\"Item\":\n {\"note\":\n\"blue\"}} z\ny {\"Item\":{\"note\":\"blue\"}} z\n";
      const std::string out = by(kNote, "text/plain", "log\n" + in).bytes;
      EXPECT_EQ(out.find("blue"), std::string::npos) << cut << count;
    }
  }
  // Over several lines, what it holds may look like the beginning of others.
  EXPECT_EQ(
      by(kNote, "text/plain", "log {\"a\": [\n{\"b\": \"}\"},\n1], \"Item\": {\n\"note\": \"blue\"\n}\n} blue\n").bytes,
      "log {\"a\": [\n{\"b\": \"}\"},\n1], \"Item\": {\n\"note\": \"REDACTED-secret\"\n}\n} blue\n");
}

TEST(Rules, a_literal_is_found_in_values_names_numbers_and_what_is_packed) {
  EXPECT_EQ(json_by(kProject, R"({"a":"on Nightingale.","Nightingale":1})"),
            R"({"a":"on REDACTED-secret.","REDACTED-secret":1})");
  EXPECT_EQ(by(kProject, "text/plain", "x Nightingale y nightingale").bytes, "x REDACTED-secret y nightingale");
  EXPECT_EQ(json_by(R"({"patterns":[{"literal":"4711471","class":"secret"}]})", R"({"n":4711471,"m":471147})"),
            R"({"n":0,"m":471147})");
  const std::string packed = to_base64("project Nightingale is due");
  const std::string out = json_by(kProject, "{\"data\":\"" + packed + "\"}");
  EXPECT_EQ(out, "{\"data\":\"" + to_base64("project REDACTED-secret is due") + "\"}");
  // A literal that is the encoded text itself.
  const std::string rule = R"({"patterns":[{"literal":")" + packed.substr(4, 24) + R"(","class":"token"}]})";
  EXPECT_EQ(json_by(rule, "{\"data\":\"" + packed + "\"}"), R"({"data":"REDACTED-token"})");
}

TEST(Rules, a_regex_masks_whole_matches_and_escapes_keep_the_text_around_them) {
  const char* const rules = R"({"patterns":[{"regex":"EMP-[0-9]{4,8}","class":"national-id","name":"staff"}]})";
  EXPECT_EQ(json_by(rules, R"({"t":"\"EMP-12345678\" and\tEMP-1234, not EMP-12"})"),
            R"({"t":"\"REDACTED-national-id\" and\tREDACTED-national-id, not EMP-12"})");
  const MaskOutput kept = by(rules, "text/plain", "EMP-12345 EMP-99999", "s3", true);
  EXPECT_EQ(kept.bytes, "********* *********");
  ASSERT_EQ(kept.findings.size(), 1u);
  EXPECT_EQ(kept.findings[0].rule, "staff");
  EXPECT_EQ(kept.findings[0].count, 2u);
}

TEST(Rules, a_pattern_does_not_hide_what_detectors_find_beside_it) {
  const char* const rules = R"({"patterns":[{"regex":"mail [a-z]{4,20}","class":"secret"}]})";
  const std::string out = by(rules, "text/plain", "mail hunter@example.com AKIAIOSFODNN7EXAMPLE", "s3").bytes;
  for (const char* gone : {"hunter", "example.com", "IOSFODNN"}) EXPECT_EQ(out.find(gone), std::string::npos) << out;
}

TEST(Rules, styles_change_how_a_class_is_masked) {
  const std::string card = R"({"card_number":"4111 1111 1111 1111","password":"hunter22"})";
  EXPECT_EQ(json_by("{}", card), R"({"card_number":"411111******1111","password":"REDACTED-password"})");
  EXPECT_EQ(json_by(R"({"styles":{"card":"redact","password":"fill"}})", card),
            R"({"card_number":"REDACTED-card","password":"********"})");
  EXPECT_EQ(by(R"({"styles":{"ssn":"partial"}})", "text/plain", "ssn: 536-90-4399").bytes, "ssn: *****4399");
  // A number stays one, and base64 stays base64.
  EXPECT_EQ(json_by(R"({"styles":{"card":"fill"}})", R"({"card":4111111111111111})"), R"({"card":0})");
}

TEST(Rules, that_cannot_be_carried_out_are_refused) {
  for (const char* rules :
       {R"({"patterns":[{"literal":"Nightingale","regex":"x{9}","class":"secret"}]})",
        R"({"patterns":[{"class":"secret"}]})", R"({"patterns":[{"regex":"(","class":"secret"}]})",
        R"({"patterns":[{"regex":".*","class":"secret"}]})", R"({"patterns":[{"regex":"abc","class":"secret"}]})",
        R"({"patterns":[{"regex":"abcd+","class":"secret"}]})",
        R"({"patterns":[{"regex":"(?=abcd)efgh","class":"secret"}]})",
        R"({"patterns":[{"literal":"abcd","class":"x"}]})", R"({"paths":[{"path":"","class":"secret"}]})",
        R"({"paths":[{"path":"a","class":"sekret"}]})", R"({"styles":{"card":"token"}})",
        R"({"styles":{"password":"partial"}})", R"({"styles":["card"]})", R"({"pattern":[]})"})
    EXPECT_FALSE(parse_rules(rules).has_value()) << rules;
}

TEST(Patterns, are_compiled_once_for_as_many_operations_as_may_have_rules) {
  const auto set = [](int number) {
    auto made = Patterns::compiled({{true, "Nightingale" + std::to_string(number), Class::secret, "x"}});
    EXPECT_TRUE(made.has_value());
    return *made;
  };
  const auto first = set(0);
  for (int i = 1; i < 128; ++i) (void)set(i);
  EXPECT_EQ(set(0), first);
  // What was used last is kept longest.
  for (int i = 128; i < 255; ++i) (void)set(i);
  EXPECT_EQ(set(0), first);
  for (int i = 255; i < 255 + 128; ++i) (void)set(i);
  EXPECT_NE(set(0), first);
}

TEST(Patterns, many_and_long_matches_are_bounded_by_their_text) {
  auto rules = parse_rules(R"({"patterns":[{"regex":"[a-z]{4,64}","class":"secret"}]})");
  ASSERT_TRUE(rules.has_value());
  Candidates found;
  ASSERT_TRUE(rules->patterns->find(std::string(1 << 20, 'x'), found));
  EXPECT_LE(found.size(), (1U << 20) / 4);
  EXPECT_EQ(found.front().begin, 0u);
  EXPECT_EQ(found.back().end, 1U << 20);
}

}  // namespace
}  // namespace holdpoint::masker::testing
