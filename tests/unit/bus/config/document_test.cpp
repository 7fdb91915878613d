#include "bus/config/document.hpp"

#include <gtest/gtest.h>

namespace holdpoint::config {
namespace {

Document full_document() {
  Document document;
  document.deployment = "dep-1";
  document.version = 7;
  document.issued_at = from_rfc3339("2026-11-01T12:00:00.000001Z").value();
  document.gateway = {.listen = {"127.0.0.1:7400", "[::1]:7400"},
                      .tls_certificate = "c.pem",
                      .tls_key = "k.pem",
                      .durable = Durable::database,
                      .hosts = {"gateway.example"},
                      .body_bytes_max = 1,
                      .parked_max = 2,
                      .parked_per_principal_max = 3};
  document.issuers = {{.name = "corp",
                       .url = "https://idp.example",
                       .audiences = {"holdpoint"},
                       .review_audiences = {"votes"},
                       .parties = {"p"},
                       .claims = {"team"},
                       .groups_claim = "roles",
                       .embedded = true,
                       .jwks = {{"keys", Json::array()}}}};
  document.targets = {{.name = "prod",
                       .account = "123456789012",
                       .regions = {"eu-west-1"},
                       .credentials = "prod-gateway",
                       .assume = "arn:aws:iam::123456789012:role/agents",
                       .endpoints = {{"dynamodb", "http://127.0.0.1:8000"}}}};
  document.roles = {{.arn = "arn:aws:iam::123456789012:role/coding-agent",
                     .trust = "{}",
                     .policies = {{"policies/a.json", "{\"Version\":\"2012-10-17\"}"}},
                     .target = "prod",
                     .session_max = std::chrono::minutes(30),
                     .outside = Outside::hold}};
  document.reviewers = {{"sre", {.groups = {"sre"}, .subjects = {"corp:ann"}}}};
  document.masking = {.preset = "off", .paths = {{"dynamodb:GetItem:Item.note", "secret"}}};
  document.keys = {{.key_id = "0123",
                    .name = "gateway-1",
                    .role = wire::Role::gateway,
                    .curve_public = Bytes(32, 'c'),
                    .sign_public = Bytes(32, '\xff'),
                    .revoked = true}};
  document.group_public = Bytes(32, 'g');
  document.sealed_credentials = {{"prod-gateway", Bytes("\x00\xff", 2)}};
  document.session_keys = {{.id = "k2", .sealed = "s2"}, {.id = "k1", .sealed = "s1"}};
  document.revoked = {.principals = {"corp:eve"}, .sessions = {"s"}, .roles = {"r"}, .targets = {"t"}};
  return document;
}

TEST(Document, ComesBackFromJsonAsItWas) {
  const std::string text = document_to_json(full_document());
  const auto read = document_from_json(text);
  ASSERT_TRUE(read.has_value()) << read.error().context;
  EXPECT_EQ(document_to_json(*read), text);
  EXPECT_EQ(read->gateway.durable, Durable::database);
  EXPECT_EQ(read->keys.at(0).role, wire::Role::gateway);
  EXPECT_TRUE(read->keys.at(0).revoked);
  EXPECT_EQ(read->sealed_credentials.at("prod-gateway"), Bytes("\x00\xff", 2));
  EXPECT_EQ(read->session_keys.at(0).id, "k2");
  EXPECT_EQ(read->roles.at(0).session_max, std::chrono::minutes(30));
  EXPECT_EQ(read->roles.at(0).outside, Outside::hold);
  EXPECT_EQ(read->revoked.targets, std::vector<std::string>{"t"});
  EXPECT_EQ(read->issued_at, full_document().issued_at);
}

TEST(Document, AnswersLookupsByName) {
  const Document document = full_document();
  EXPECT_NE(document.key("0123"), nullptr);
  EXPECT_EQ(document.key("01"), nullptr);
  EXPECT_NE(document.target("prod"), nullptr);
  EXPECT_EQ(document.target("Prod"), nullptr);
  EXPECT_NE(document.role("arn:aws:iam::123456789012:role/coding-agent"), nullptr);
  EXPECT_EQ(document.role(""), nullptr);
}

TEST(Document, NamesTheMemberThatIsWrong) {
  struct Row {
    const char* pointer;
    Json value;  // discarded = remove the member
    const char* named;
  };
  const Json gone(Json::value_t::discarded);
  const Row rows[] = {
      {"/version", -1, "/version"},
      {"/version", "7", "/version"},
      {"/deployment", gone, "/deployment"},
      {"/revoked", gone, "/revoked"},
      {"/revoked/sessions", gone, "/revoked/sessions"},
      {"/revoked/sesions", Json::array(), "/revoked"},
      {"/extra", 1, "extra"},
      {"/gateway/durable", "memory", "/gateway/durable"},
      {"/gateway/parked_max", 4294967296u, "/gateway/parked_max"},
      {"/gateway/listen/0", 5, "/gateway/listen"},
      {"/issued_at", "yesterday", "/issued_at"},
      {"/issuers/0/jwks", "x", "/issuers/0/jwks"},
      {"/roles/0/outside", "allow", "/roles/0/outside"},
      {"/roles/0/policies", 1, "/roles/0/policies"},
      {"/roles/0/policies/0/text", gone, "/roles/0/policies/0/text"},
      {"/keys/0/role", "root", "/keys/0/role"},
      {"/keys/0/sign_public", "AAAA", "/keys/0/sign_public"},
      {"/keys/0/revoked", 0, "/keys/0/revoked"},
      {"/masking/preset", "none", "/masking/preset"},
      {"/sealed/credentials/prod-gateway", "*", "/sealed/credentials"},
      {"/sealed/group_public", "AAAA", "/sealed/group_public"},
      {"/targets/0/endpoints/dynamodb", 1, "/targets/0/endpoints"},
      {"/reviewers/sre/groups", gone, "/reviewers/sre/groups"},
  };
  for (const Row& row : rows) {
    Json object = parse_json(document_to_json(full_document())).value();
    const Json::json_pointer pointer(row.pointer);
    if (row.value.is_discarded()) {
      object[pointer.parent_pointer()].erase(pointer.back());
    } else {
      object[pointer] = row.value;
    }
    const auto read = document_from_json(to_json(object));
    ASSERT_TRUE(read.has_error()) << row.pointer;
    EXPECT_EQ(read.error().code, Code::malformed);
    EXPECT_NE(read.error().context.find(row.named), std::string::npos) << row.pointer << ": " << read.error().context;
  }
}

TEST(Document, OpensOnlyUnderTheOperatorsKey) {
  const auto operator_key = SigningKey::from_seed(Bytes(32, '1')).value();
  const auto other_key = SigningKey::from_seed(Bytes(32, '2')).value();
  const SignedDocument good = sign_document(document_to_json(full_document()), operator_key);
  EXPECT_EQ(open_document(good, operator_key.public_key()).value().version, 7u);

  EXPECT_EQ(open_document(good, other_key.public_key()).error().code, Code::tampered);
  SignedDocument altered = good;
  altered.text[altered.text.find("\"version\":7") + 10] = '8';
  EXPECT_EQ(open_document(altered, operator_key.public_key()).error().code, Code::tampered);
  EXPECT_EQ(open_document({good.text, ""}, operator_key.public_key()).error().code, Code::tampered);
  EXPECT_EQ(open_document(good, "").error().code, Code::tampered);
  // A signature over the bare text (another purpose) is not one over a configuration.
  EXPECT_EQ(open_document({good.text, operator_key.sign(good.text)}, operator_key.public_key()).error().code,
            Code::tampered);
  EXPECT_EQ(open_document(sign_document("{}", operator_key), operator_key.public_key()).error().code, Code::malformed);
}

}  // namespace
}  // namespace holdpoint::config
