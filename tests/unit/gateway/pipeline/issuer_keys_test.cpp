#include "gateway/pipeline/issuer_keys.hpp"

#include <gtest/gtest.h>

namespace holdpoint::pipeline {
namespace {

TEST(IssuerKeys, come_from_https_addresses_without_anything_another_reader_could_see_in_them) {
  const auto google = parse_key_url("https://www.googleapis.com/oauth2/v3/certs?x=1");
  ASSERT_TRUE(google) << google.error().context;
  EXPECT_EQ(google->endpoint.host, "www.googleapis.com");
  EXPECT_EQ(google->target, "/oauth2/v3/certs?x=1");
  EXPECT_EQ(parse_key_url("https://idp.example.com:8443")->target, "/");
  EXPECT_TRUE(parse_key_url("http://127.0.0.1:8080/keys"));
  for (const char* bad :
       {"", "idp.example.com/keys", "http://idp.example.com/keys", "http://127.0.0.1.evil.example/keys", "ftp://h/k",
        "https://", "https:///k", "https://u@h/k", "https://h/k#f", "https://h/a b", "https://h/a\r\nX: y",
        "https://h?k", "https://h\\@evil.example/k", "https://h:99999/k", "file:///etc/passwd"})
    EXPECT_FALSE(parse_key_url(bad)) << bad;
  EXPECT_FALSE(parse_key_url("https://h/" + std::string(2000, 'a')));
}

TEST(IssuerKeys, a_discovery_document_must_name_the_issuer_byte_for_byte) {
  const std::string issuer = "https://idp.example.com/realms/a";
  EXPECT_EQ(discovery_url(issuer + "/"), issuer + "/.well-known/openid-configuration");
  const auto document = [](std::string_view name) {
    return R"({"issuer":")" + std::string(name) + R"(","jwks_uri":"https://idp.example.com/keys"})";
  };
  EXPECT_EQ(read_discovery(document(issuer), issuer).value(), "https://idp.example.com/keys");
  for (const char* other :
       {"https://idp.example.com/realms/a/", "https://IDP.example.com/realms/a", "", "https://evil.example"})
    EXPECT_EQ(read_discovery(document(other), issuer).error().code, Code::denied) << other;
  for (const std::string& text : {std::string("[]"), std::string("{"), std::string("<html>"),
                                  R"({"issuer":")" + issuer + R"("})", R"({"issuer":")" + issuer + R"(","jwks_uri":1})",
                                  R"({"issuer":"x","issuer":")" + issuer + R"(","jwks_uri":"https://h/"})"})
    EXPECT_FALSE(read_discovery(text, issuer)) << text;
}

}  // namespace
}  // namespace holdpoint::pipeline
