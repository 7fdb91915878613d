#include "bus/config/compile.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "bus/config/address.hpp"
#include "bus/config/mask_rules.hpp"

namespace holdpoint::config {
namespace {

class CompileTest : public ::testing::Test {
 protected:
  CompileTest() {
    std::string name = ::testing::TempDir() + "compile-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    write("trust.json", R"({"Statement":[]})");
    write("orders.json", R"({"Statement":[]})");
    write("broken.json", R"({"Statement":[})");
    write("twice.json", R"({"Statement":[],"Statement":[]})");
    write("keys.json", R"({"keys":[]})");
    write("cert.pem", "x");
    write("key.pem", "x");
  }
  ~CompileTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  [[nodiscard]] Result<Document> compile_text(const std::string& text, const PolicyCheck& check = {}) const {
    write("holdpoint.yaml", text);
    return compile(folder_ / "holdpoint.yaml", check);
  }

  std::filesystem::path folder_;
};

constexpr const char* kGood = R"(gateway:   { listen: [ "127.0.0.1:7400", "[::1]:7400" ], tls: none, durable: journal }
issuers:
  - { name: local, embedded: true }
  - { name: corp, url: https://idp.example.com, audiences: [holdpoint], groups: roles, jwks: keys.json }
targets:
  - { name: prod, type: aws, account: "012345678901", regions: [eu-west-1], credentials: prod-gateway,
      assume: "arn:aws:iam::123456789012:role/agents", endpoints: { dynamodb: "http://127.0.0.1:8000" } }
roles:
  - arn: "arn:aws:iam::123456789012:role/coding-agent"
    trust: trust.json
    policies: [orders.json]
    target: prod
    session: 90m
    outside: hold
reviewers: { sre: { groups: [sre, oncall], subjects: ["corp:ann"] } }
masking:   { preset: default, paths: { "dynamodb:GetItem:Item.note": secret } }
revoked:   { principals: ["corp:eve"], targets: [prod] }
)";

TEST_F(CompileTest, TheWholeLanguageCompiles) {
  const auto document = compile_text(kGood);
  ASSERT_TRUE(document.has_value()) << document.error().context;
  EXPECT_EQ(document->gateway.listen.size(), 2u);
  EXPECT_EQ(document->gateway.durable, Durable::journal);
  EXPECT_TRUE(document->issuers.at(0).embedded);
  EXPECT_EQ(document->issuers.at(1).groups_claim, "roles");
  EXPECT_TRUE(document->issuers.at(1).jwks.contains("keys"));
  EXPECT_EQ(document->targets.at(0).account, "012345678901");
  EXPECT_EQ(document->targets.at(0).endpoints.at("dynamodb"), "http://127.0.0.1:8000");
  EXPECT_EQ(document->roles.at(0).session_max, std::chrono::minutes(90));
  EXPECT_EQ(document->roles.at(0).outside, Outside::hold);
  EXPECT_EQ(document->roles.at(0).policies.at(0).name, "orders.json");
  EXPECT_EQ(document->roles.at(0).policies.at(0).text, R"({"Statement":[]})");
  EXPECT_EQ(document->roles.at(0).trust, R"({"Statement":[]})");
  EXPECT_EQ(document->reviewers.at("sre").subjects, std::vector<std::string>{"corp:ann"});
  EXPECT_EQ(document->masking.paths.at(0).second, "secret");
  EXPECT_EQ(document->revoked.principals, std::vector<std::string>{"corp:eve"});
  // What it yields is what processes read back.
  EXPECT_TRUE(document_from_json(document_to_json(*document)).has_value());
}

TEST_F(CompileTest, TheDemosConfigurationCompiles) {
  for (const char* file : {"/ops/demo/holdpoint.yaml", "/ops/demo/empty.yaml"}) {
    const auto document = compile(std::string(HOLDPOINT_SOURCE_DIR) + file);
    EXPECT_TRUE(document.has_value()) << document.error().context;
  }
}

// One line of the good file is replaced; the error must stand at the place and say the words.
TEST_F(CompileTest, EveryErrorNamesItsPlaceAndWhatWasExpected) {
  struct Row {
    const char* from;
    const char* to;
    const char* place;
    const char* says;
  };
  const Row rows[] = {
      {"durable: journal", "durible: journal",
       ":1:69:", "unknown key \"durible\" in gateway; did you mean \"durable\"?"},
      {"durable: journal", "durable: disk", ":1:", "one of journal, database"},
      {"durable: journal", "listen: []", ":1:", "duplicate key \"listen\""},
      {"tls: none", "tls: yes", ":1:", "none or { certificate"},
      {"tls: none", "tls: { certificate: cert.pem }", ":1:", "has no \"key\""},
      {"tls: none", "tls: { certificate: none.pem, key: key.pem }", ":1:", "there is no file"},
      {"127.0.0.1:7400", "0.0.0.0:7400", ":1:24:", "needs gateway.tls"},
      {"127.0.0.1:7400", "127.0.0.1", ":1:24:", "an address and a port"},
      {"127.0.0.1:7400", "127.0.0.1:70000", ":1:24:", "1 to 65535"},
      {"127.0.0.1:7400", "example.com:7400", ":1:24:", "an address and a port"},
      {"tls: none,", "tls: none, body_bytes_max: 1k,", ":1:", "a whole number from 1024"},
      {"tls: none,", "tls: none, parked_max: -1,", ":1:", "a whole number from 1 to"},
      {"issuers:", "isuers:", ":2:1:", "did you mean \"issuers\"?"},
      {"name: local, embedded: true", "name: local", ":3:5:", "either embedded: true or the issuer's url"},
      {"name: local, embedded: true", "name: \"lo:cal\", embedded: true", ":3:13:", "expected a name"},
      {"name: local, embedded: true", "name: corp, embedded: true", ":4:13:", "taken already"},
      {"name: local, embedded: true", "name: local, embedded: ja", ":3:", "one of false, true"},
      {"name: local, embedded: true", "name: local, embedded: true, url: \"https://x\"", ":3:", "has its own url"},
      {"name: local, embedded: true", "embedded: true", ":3:5:", "has no \"name\""},
      {"url: https://idp.example.com", "url: http://idp.example.com", ":4:", "an https:// url"},
      {"audiences: [holdpoint]", "audiences: []", ":4:", "expected audiences"},
      {"audiences: [holdpoint]", "audiences: holdpoint", ":4:", "as a list"},
      {"audiences: [holdpoint]", "audiences: [holdpoint-reviews]", ":4:", "could vote"},
      {"jwks: keys.json", "jwks: trust.json", ":4:", "a JSON key set"},
      {"jwks: keys.json", "jwks: none.json", ":4:", "no such file"},
      {"type: aws", "type: gcp", ":6:", "one of aws"},
      {"\"012345678901\"", "12345", ":6:", "12 digits"},
      {"\"012345678901\"", "[1]", ":6:", "as a text"},
      {"regions: [eu-west-1]", "regions: [eu-west]", ":6:", "is no AWS region"},
      {"regions: [eu-west-1]", "regions: [\"x.example/\"]", ":6:", "is no AWS region"},
      {"regions: [eu-west-1]", "regions: []", ":6:", "at least one region"},
      {"credentials: prod-gateway", "credentials: \"AKIA/SECRET\"", ":6:", "never the credentials"},
      {"credentials: prod-gateway", "credential: prod-gateway", ":6:", "did you mean \"credentials\"?"},
      {"role/agents", "user/agents", ":7:", "expected a role"},
      {"http://127.0.0.1:8000", "http://169.254.169.254", ":7:", "never targets"},
      {"http://127.0.0.1:8000", "ftp://127.0.0.1:8000", ":7:", "http://host:port"},
      {"dynamodb: \"http", "DynamoDB: \"http", ":7:", "in lower case"},
      {"arn: \"arn:aws:iam::123456789012:role/coding-agent\"", "arn: coding-agent", ":9:", "expected a role"},
      {"trust: trust.json", "trust: none.json", ":10:12:", "no such file"},
      {"trust: trust.json", "trust: broken.json", ":10:12:", "invalid JSON"},
      {"    trust: trust.json\n", "", ":9:5:", "has no \"trust\""},
      {"Item.note\": secret", "Item.note\": secrt", ":", "unknown class \"secrt\"; did you mean \"secret\"?"},
      {"policies: [orders.json]", "policies: [twice.json]", ":11:16:", "duplicate key"},
      {"policies: [orders.json]", "policies: [orders.json, orders.json]", ":11:", "listed twice"},
      {"policies: [orders.json]", "policy: [orders.json]", ":11:", "did you mean \"policies\"?"},
      {"target: prod", "target: prot", ":12:13:", "there is no target \"prot\"; did you mean \"prod\"?"},
      {"session: 90m", "session: 90", ":13:14:", "a time from 15m to 12h"},
      {"session: 90m", "session: 13h", ":13:14:", "a time from 15m to 12h"},
      {"outside: hold", "outside: allow", ":14:14:", "one of deny, hold"},
      {"groups: [sre, oncall], subjects: [\"corp:ann\"]", "groups: []", ":15:", "nobody could decide"},
      {"corp:ann", "crop:ann", ":15:", "there is no issuer \"crop\"; did you mean \"corp\"?"},
      {"corp:ann", "ann", ":15:", "\"issuer:subject\""},
      {"preset: default", "preset: none", ":16:", "one of default, off"},
      {"\"dynamodb:GetItem:Item.note\"", "note", ":16:", "service:Operation:path"},
      {"corp:eve", "corb:eve", ":17:", "there is no issuer"},
      {"targets: [prod]", "targets: [prd]", ":17:", "did you mean \"prod\"?"},
      {"targets: [prod]", "sessions: [abc]", ":17:", "is no session id"},
      {"targets: [prod]", "roles: [\"arn:aws:iam::123456789012:role/coding-agen\"]", ":17:", "there is no role"},
      {"masking:   {", "masking:   &a {", ":16:", "anchors"},
      {"masking:   {", "masking:   !x {", ":16:", "tags"},
      {"preset: default", "preset: *a", ":16:", ""},
      {"revoked:   {", "revoked:   [", ":17:", "no valid YAML"},
      {"revoked:", "<<:", ":17:1:", "unknown key"},
      {"revoked:   {", "---\nrevoked: {", "", "more than one YAML document"},
  };
  for (const Row& row : rows) {
    std::string text = kGood;
    const std::size_t at = text.find(row.from);
    ASSERT_NE(at, std::string::npos) << row.from;
    text.replace(at, std::string(row.from).size(), row.to);
    const auto document = compile_text(text);
    ASSERT_TRUE(document.has_error()) << row.to;
    EXPECT_EQ(document.error().code, Code::configuration);
    const std::string& context = document.error().context;
    EXPECT_NE(context.find("holdpoint.yaml" + std::string(row.place)), std::string::npos) << row.to << "\n" << context;
    EXPECT_NE(context.find(row.says), std::string::npos) << row.to << "\n" << context;
  }
}

constexpr const char* kMasking = R"(masking:
  preset: default
  paths: { "dynamodb:GetItem:Item.note": secret }
  rules:
    - { name: notes, service: dynamodb, operation: GetItem, target: prod, path: Item.note, class: secret }
    - { regex: "EMP-[0-9]{6}", class: national-id }
    - { literal: "Project Nightingale", class: secret }
  styles: { card: redact, ssn: partial, email: fill }
)";

std::string with_masking(const std::string& masking) {
  std::string text = kGood;
  const std::size_t begin = text.find("masking:");
  return text.replace(begin, text.find("revoked:") - begin, masking);
}

TEST_F(CompileTest, MaskingRulesAndStylesCompileAndTravel) {
  std::vector<std::string> asked;
  write("holdpoint.yaml", with_masking(kMasking));
  const auto document = compile(folder_ / "holdpoint.yaml", {}, [&](const MaskRule& rule) {
    asked.push_back(rule.service + " " + rule.text);
    return std::string();
  });
  ASSERT_TRUE(document.has_value()) << document.error().context;
  EXPECT_EQ(asked, (std::vector<std::string>{"dynamodb Item.note", "dynamodb Item.note", "* EMP-[0-9]{6}",
                                             "* Project Nightingale"}));
  const auto back = document_from_json(document_to_json(*document));
  ASSERT_TRUE(back.has_value()) << back.error().context;
  ASSERT_EQ(back->masking.rules.size(), 3u);
  EXPECT_EQ(back->masking.rules[0].name, "notes");
  EXPECT_EQ(back->masking.rules[0].target, "prod");
  EXPECT_EQ(back->masking.rules[1].kind, MaskRule::Kind::regex);
  EXPECT_EQ(back->masking.rules[2].kind, MaskRule::Kind::literal);
  EXPECT_EQ(back->masking.rules[2].name, "operator");
  EXPECT_EQ(back->masking.styles.at("ssn"), "partial");

  const Json here = mask_rules(back->masking, "dynamodb", "GetItem", "prod");
  EXPECT_EQ(here["paths"].size(), 2u);
  EXPECT_EQ(here["patterns"].size(), 2u);
  EXPECT_EQ(here["styles"]["card"], "redact");
  EXPECT_EQ(mask_rules(back->masking, "dynamodb", "GetItem", "test")["paths"].size(), 1u);
  EXPECT_EQ(mask_rules(back->masking, "dynamodb", "GetItem", "")["paths"].size(), 2u);
  EXPECT_FALSE(mask_rules(back->masking, "s3", "GetObject", "prod").contains("paths"));
}

TEST_F(CompileTest, AMaskingRuleThatCouldMatchNothingIsAnError) {
  struct Row {
    const char* from;
    const char* to;
    const char* place;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"name: notes", "name: \"my notes\"", ":20:", "lower-case letters"},
      {"target: prod", "target: prot", ":20:", "did you mean \"prod\"?"},
      {"service: dynamodb, ", "", ":20:", "needs its service"},
      {"service: dynamodb", "service: DynamoDB", ":20:", "in lower case"},
      {"path: Item.note, class", "path: \"Items[0].note\", class", ":20:", "without lists"},
      {"path: Item.note, class", "path: .note, class", ":20:", "names of members"},
      {"path: Item.note, class", "path: Item.note, regex: abcdef, class", ":20:", "one of path, literal and regex"},
      {"path: Item.note, class: secret", "class: secret", ":20:", "one of path, literal and regex"},
      {"path: Item.note, class: secret", "path: Item.note", ":20:", "has no \"class\""},
      {"path: Item.note, class: secret", "path: Item.note, class: secrt", ":20:", "did you mean \"secret\"?"},
      {"path: Item.note, class: secret", "paths: Item.note, class: secret", ":20:", "did you mean \"path\"?"},
      {"\"EMP-[0-9]{6}\"", "\"EMP\"", ":21:", "4 to 200 bytes"},
      {"\"EMP-[0-9]{6}\"", "\"EMP-[0-9]\\u202e\"", ":21:", "visible text"},
      {"card: redact", "cart: redact", ":23:", "did you mean \"card\"?"},
      {"card: redact", "card: token", ":23:", "unknown style"},
      {"card: redact", "password: partial", ":23:", "no part may stay"},
      {"\"dynamodb:GetItem:Item.note\"", "\"dynamodb:GetItem:Item.\"", ":18:", "names of members"},
      {"Project Nightingale", "refused by the check", ":22:", "so it is wrong"},
  };
  for (const Row& row : rows) {
    std::string masking = kMasking;
    ASSERT_NE(masking.find(row.from), std::string::npos) << row.from;
    masking.replace(masking.find(row.from), std::string(row.from).size(), row.to);
    write("holdpoint.yaml", with_masking(masking));
    const auto document = compile(folder_ / "holdpoint.yaml", {}, [](const MaskRule& rule) {
      return std::string(rule.text == "refused by the check" ? "so it is wrong" : "");
    });
    ASSERT_TRUE(document.has_error()) << row.to;
    const std::string& context = document.error().context;
    EXPECT_NE(context.find("holdpoint.yaml" + std::string(row.place)), std::string::npos) << row.to << "\n" << context;
    EXPECT_NE(context.find(row.says), std::string::npos) << row.to << "\n" << context;
  }
}

TEST_F(CompileTest, MaskingRulesAreBoundedByWhatOneMessageCarries) {
  std::string masking = "masking:\n  rules:\n";
  for (int i = 0; i < 129; ++i) masking += "    - { path: a.b" + std::to_string(i) + ", class: secret }\n";
  const auto document = compile_text(with_masking(masking));
  ASSERT_TRUE(document.has_error());
  EXPECT_NE(document.error().context.find("more than 128 rules"), std::string::npos) << document.error().context;
}

TEST_F(CompileTest, AllErrorsAreReportedTogether) {
  const auto document = compile_text("gateway: { durable: x, lisen: [] }\nissuers: 5\nfoo: 1\n");
  ASSERT_TRUE(document.has_error());
  EXPECT_EQ(std::ranges::count(document.error().context, '\n'), 4) << document.error().context;
}

TEST_F(CompileTest, WhatIsNoConfigurationIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("a"), std::string("{"), std::string("\xff\xfe"),
        std::string("a: \0b", 5), std::string(100, '['), std::string("issuers: []"),
        "x: [" + std::string(50000, '1') + "]", std::string((1 << 20) + 1, ' ')}) {
    EXPECT_EQ(compile_text(text).error().code, Code::configuration) << text.substr(0, 50);
  }
  EXPECT_EQ(compile(folder_ / "none.yaml").error().code, Code::configuration);
  EXPECT_EQ(compile(folder_).error().code, Code::configuration);
}

TEST_F(CompileTest, PoliciesAreCheckedWhenEverythingElseIsRight) {
  const auto document =
      compile_text(kGood, [](const Document&) { return std::vector<std::string>{"orders.json:1: no"}; });
  EXPECT_EQ(document.error().context, "orders.json:1: no");
}

TEST_F(CompileTest, PoliciesThatNoMessageCanCarryAreRefused) {
  write("orders.json", "{\"Statement\":\"" + std::string(950 << 10, 'x') + "\"}");
  const auto document = compile_text(kGood);
  ASSERT_TRUE(document.has_error());
  EXPECT_NE(document.error().context.find("900 KiB"), std::string::npos);
}

TEST_F(CompileTest, OffLoopbackNeedsATlsCertificateThatIsThere) {
  std::string text = kGood;
  text.replace(text.find("127.0.0.1:7400"), 14, "192.0.2.1:7400");
  text.replace(text.find("tls: none"), 9, "tls: { certificate: cert.pem, key: key.pem }");
  const auto document = compile_text(text);
  ASSERT_TRUE(document.has_value()) << document.error().context;
  EXPECT_EQ(document->gateway.tls_certificate, (folder_ / "cert.pem").string());
}

TEST(Endpoint, NeverALinkLocalOrMetadataAddressInAnySpelling) {
  for (const char* bad : {"http://169.254.169.254",
                          "http://169.254.169.254:80",
                          "http://169.254.1.1",
                          "https://169.254.169.254/",
                          "http://[fe80::1]",
                          "http://[febf::1]:80",
                          "http://[fd00:ec2::254]",
                          "http://[::ffff:169.254.169.254]",
                          "http://[::ffff:a9fe:a9fe]",
                          "http://[64:ff9b::a9fe:a9fe]",
                          "http://[::a9fe:a9fe]",
                          "http://2852039166",
                          "http://0xa9fea9fe",
                          "http://0xa9.0xfe.0xa9.0xfe",
                          "http://0251.0376.0251.0376",
                          "http://169.254.43518",
                          "http://169.16689662",
                          "http://0.0.0.0:80",
                          "http://[::]",
                          "http://224.0.0.1",
                          "http://255.255.255.255",
                          "http://[ff02::1]",
                          "http://metadata.google.internal",
                          "http://instance-data",
                          "http://169.254.169.254.",
                          "http://user@host",
                          "http://host/path",
                          "http://host?x",
                          "http://host#x",
                          "http://",
                          "host:80",
                          "http://host:0",
                          "http://host:99999",
                          "http://host:",
                          "http://ho st",
                          "http://[::1",
                          "http://[127.0.0.1]",
                          "http://-a",
                          "http://a..b",
                          "HTTP://host",
                          "http://host\\@evil"}) {
    EXPECT_TRUE(check_endpoint_url(bad).has_error()) << bad;
  }
  for (const char* good :
       {"http://127.0.0.1:8000", "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", "http://[::1]:9000",
        "http://localhost:4566", "https://10.0.0.7/", "http://moto", "https://[fd00:1::2]"}) {
    EXPECT_TRUE(check_endpoint_url(good).has_value()) << good;
  }
  EXPECT_TRUE(is_forbidden_address("169.254.169.254"));
  EXPECT_TRUE(is_forbidden_address("localhost"));
  EXPECT_FALSE(is_forbidden_address("127.0.0.1"));
  EXPECT_FALSE(is_forbidden_address("::1"));
}

}  // namespace
}  // namespace holdpoint::config
