#include <gtest/gtest.h>

#include "bus/base/checksums.hpp"
#include "bus/base/encoding.hpp"
#include "bus/base/json.hpp"
#include "masker/structure/compress.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

TEST(Json, only_the_values_change_and_every_other_byte_stays) {
  EXPECT_EQ(json("{ \"b\" : 1.50,\n\t\"password\" : \"a\\u0041\\\"b\", \"b\":2e3 , \"a\":[ ] }"),
            "{ \"b\" : 1.50,\n\t\"password\" : \"REDACTED-password\", \"b\":2e3 , \"a\":[ ] }");
}

TEST(Json, duplicate_keys_are_all_masked_and_kept) {
  EXPECT_EQ(json(R"({"password":"first","password":"second"})"),
            R"({"password":"REDACTED-password","password":"REDACTED-password"})");
}

TEST(Json, a_key_in_place_of_a_name_is_masked_like_a_value) {
  EXPECT_EQ(json(R"({"AKIAIOSFODNN7EXAMPLE":{"S":"a"},"4111111111111111":1,"AccessKeyId":"none"})"),
            R"({"AKIA************MPLE":{"S":"a"},"411111******1111":1,"AccessKeyId":"none"})");
}

TEST(Json, an_escaped_key_is_read_as_clients_read_it) {
  EXPECT_EQ(json(R"({"p\u0061ssword":"x1"})"), R"({"p\u0061ssword":"REDACTED-password"})");
}

TEST(Json, a_number_stays_a_number) {
  EXPECT_EQ(json(R"({"card_number":4111111111111111,"pin_password":12345,"n":4111111111111111})"),
            R"({"card_number":4111110000001111,"pin_password":0,"n":4111110000001111})");
}

TEST(Json, dynamodb_attributes_are_known_by_their_names) {
  EXPECT_EQ(
      json(
          R"({"Item":{"password":{"S":"hunter22"},"card":{"N":"4111111111111111"},"id":{"S":"550e8400-e29b-41d4-a716-446655440000"}}})"),
      R"({"Item":{"password":{"S":"REDACTED-password"},"card":{"N":"4111110000001111"},"id":{"S":"550e8400-e29b-41d4-a716-446655440000"}}})");
  EXPECT_EQ(json(R"({"Item":{"api_keys":{"L":[{"S":"abc123def456ghi7"}]},"blob_secret":{"B":"aGVsbG8gd29ybGQx"}}})"),
            R"({"Item":{"api_keys":{"L":[{"S":"REDACTED-token"}]},"blob_secret":{"B":")" +
                to_base64("REDACTED-secret") + R"("}}})");
}

TEST(Json, a_name_and_its_value_are_siblings_in_either_order) {
  EXPECT_EQ(
      json(
          R"([{"Name":"DB_PASSWORD","Value":"x1y2"},{"value":"x1y2","name":"DB_PASSWORD"},{"value":"x1y2","name":"LOG_LEVEL"}])",
          "ecs"),
      R"([{"Name":"DB_PASSWORD","Value":"REDACTED-password"},{"value":"REDACTED-password","name":"DB_PASSWORD"},{"value":"x1y2","name":"LOG_LEVEL"}])");
  EXPECT_EQ(json(R"({"Parameter":{"Value":"plain words","Type":"SecureString","Name":"/a/b"}})", "ssm", "GetParameter"),
            R"({"Parameter":{"Value":"REDACTED-secret","Type":"SecureString","Name":"/a/b"}})");
}

TEST(Json, documents_inside_strings_are_opened) {
  EXPECT_EQ(json(R"({"m":"{\"password\":\"x\\u0031\",\"n\":\"{\\\"token\\\":\\\"abc123def456\\\"}\"}"})"),
            R"({"m":"{\"password\":\"REDACTED-password\",\"n\":\"{\\\"token\\\":\\\"REDACTED-token\\\"}\"}"})");
}

TEST(Json, base64_of_text_and_of_gzip_are_opened) {
  const std::string inner = R"({"password":"hunter22","note":"hello"})";
  const std::string masked = R"({"password":"REDACTED-password","note":"hello"})";
  EXPECT_EQ(json("{\"Data\":\"" + to_base64(inner) + "\"}", "kinesis", "GetRecords"),
            "{\"Data\":\"" + to_base64(masked) + "\"}");
  const auto out = parse_json(json("{\"Data\":\"" + to_base64(compress_gzip(inner)) + "\"}", "kinesis", "GetRecords"));
  ASSERT_TRUE(out);
  EXPECT_EQ(*inflate(*from_base64((*out)["Data"].get<std::string>()), 1000), masked);
}

TEST(Json, members_that_the_table_lists_are_masked_whatever_they_hold) {
  EXPECT_EQ(json(R"({"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:a","SecretString":"plain"})",
                 "secretsmanager", "GetSecretValue"),
            R"({"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:a","SecretString":"REDACTED-secret"})");
  EXPECT_EQ(json(R"({"items":[{"id":"c0cc182m1c","value":"plainwords"}]})", "apigateway", "GetApiKeys"),
            R"({"items":[{"id":"c0cc182m1c","value":"REDACTED-token"}]})");
  EXPECT_EQ(json(R"({"items":[{"id":"c0cc182m1c","value":"plainwords"}]})", "apigateway", "GetResources"),
            R"({"items":[{"id":"c0cc182m1c","value":"plainwords"}]})");
}

TEST(Json, rules_of_the_operator_add_paths_and_turn_personal_classes_off) {
  MaskInput input;
  input.content_type = "application/json";
  input.rules = *parse_rules(R"({"paths":[{"path":"Item.note","class":"secret"}],"disabled":["email"]})");
  EXPECT_EQ(mask(input, R"({"Item":{"note":"x","mail":"a@example.org"},"note":"x"})").bytes,
            R"({"Item":{"note":"REDACTED-secret","mail":"a@example.org"},"note":"x"})");
  EXPECT_FALSE(parse_rules(R"({"disabled":["password"]})"));
  EXPECT_FALSE(parse_rules(R"({"path":[]})"));
  EXPECT_FALSE(parse_rules(R"({"paths":[{"path":"a","class":"nonsense"}]})"));
}

TEST(Json, contacts_in_control_plane_answers_stay) {
  EXPECT_EQ(json(R"({"Account":{"Email":"ops@example.org"}})", "organizations", "DescribeAccount"),
            R"({"Account":{"Email":"ops@example.org"}})");
  EXPECT_NE(json(R"({"Email":"ops@example.org"})"), R"({"Email":"ops@example.org"})");
}

TEST(Json, broken_documents_are_read_as_text_too) {
  const std::string_view cases[] = {R"({"password":"hunter22")",  R"({"a":1,"b":[{"password":"hunter22"}, xx)",
                                    R"({"password":"hunter22)",   R"({password:"hunter22"})",
                                    R"({'password':'hunter22'})", R"({"a":{"b" "password":"hunter22"}})"};
  for (std::string_view one : cases) EXPECT_EQ(json(one).find("hunter22"), std::string::npos) << one;
}

TEST(Json, nesting_bombs_and_long_lines_are_bounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":[";
  deep += "\"password=hunter22\"";
  EXPECT_EQ(json(deep).find("hunter22"), std::string::npos);
  const std::string line = "x " + std::string(4 << 20, 'k') + " password=hunter22";
  EXPECT_EQ(text(line).find("hunter22"), std::string::npos);
  std::string keys;
  for (int i = 0; i < 50'000; ++i) keys += "key=key=";
  (void)text(keys);
  std::string braces;
  for (int i = 0; i < 50'000; ++i) braces += "{\"\n";
  (void)text(braces);
}

TEST(Json, invalid_utf8_and_zero_bytes_pass_through_unharmed) {
  const std::string odd = std::string("{\"a\":\"\xff\xfe\x80\",\"password\":\"\xc3(\",\"z\":\"") + '\0' + "\"}";
  const std::string out = json(odd);
  EXPECT_NE(out.find("\xff\xfe\x80"), std::string::npos);
  EXPECT_NE(out.find("REDACTED-password"), std::string::npos);
}

TEST(Xml, values_are_masked_in_elements_attributes_entities_and_cdata) {
  const auto xml = [](std::string_view bytes, std::string_view service = "cloudformation",
                      std::string_view operation = "X") {
    return mask_as("text/xml", bytes, service, operation).bytes;
  };
  EXPECT_EQ(xml("<a><Password>x&amp;1</Password><b>1</b></a>"),
            "<a><Password>REDACTED-password</Password><b>1</b></a>");
  EXPECT_EQ(xml("<a><ParameterValue>x1</ParameterValue><ParameterKey>DBPassword</ParameterKey></a>"),
            "<a><ParameterValue>REDACTED-password</ParameterValue><ParameterKey>DBPassword</ParameterKey></a>");
  EXPECT_EQ(xml("<c><add key=\"ApiKey\" value=\"abc123def456\"/></c>"),
            "<c><add key=\"ApiKey\" value=\"REDACTED-token\"/></c>");
  EXPECT_EQ(xml("<m><![CDATA[password=hunter22 <b>]]></m>"), "<m>password=REDACTED-password &lt;b&gt;</m>");
  EXPECT_EQ(xml("<m>AKIA&#73;OSFODNN7EXAMPLE</m>"), "<m>AKIA************MPLE</m>");
  EXPECT_EQ(
      xml("<r><Credentials><SecretAccessKey>abc</SecretAccessKey><SessionToken>short</SessionToken></Credentials></r>",
          "sts", "AssumeRole"),
      "<r><Credentials><SecretAccessKey>REDACTED-aws-secret-key</SecretAccessKey><SessionToken>REDACTED-session-token</"
      "SessionToken></Credentials></r>");
  EXPECT_EQ(xml("<L><NextToken>AAAA0123456789abcdef</NextToken><Key>password/a</Key></L>", "s3"),
            "<L><NextToken>AAAA0123456789abcdef</NextToken><Key>password/a</Key></L>");
  EXPECT_EQ(xml("<a><Password>hunter22</Pass").find("hunter22"), std::string::npos);
}

TEST(Lines, csv_columns_and_form_pairs_are_known_by_their_names) {
  EXPECT_EQ(mask_as("text/csv", "id,password,dob\n1,\"a,\"\"b\",1990-01-01\n").bytes,
            "id,password,dob\n1,\"REDACTED-password\",REDACTED-date-of-birth\n");
  EXPECT_EQ(mask_as("application/x-www-form-urlencoded", "Action=X&Password=a%26b+c&NextToken=abc123def456").bytes,
            "Action=X&Password=REDACTED-password&NextToken=abc123def456");
}

TEST(Lines, what_is_no_form_or_table_is_masked_as_the_text_it_is) {
  const std::string token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  const std::string pem =
      "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAuJQl5mVxvkzRZ,mJd2xWy\nMIIEow&IBAAK=CAQEAuJQl5mVxvkzRZmJd2xW\n"
      "-----END RSA PRIVATE KEY-----\n";
  for (const char* type : {"application/x-www-form-urlencoded", "text/csv", "text/tab-separated-values"}) {
    EXPECT_EQ(mask_as(type, pem).bytes.find("MIIE"), std::string::npos) << type;
    EXPECT_EQ(mask_as(type, "user: a\npassword: hunter2hunter2\nb=c\n").bytes.find("hunter2"), std::string::npos)
        << type;
    EXPECT_EQ(mask_as(type, "a=b&" + token + "&" + token + "=&" + token + "=x&c=d").bytes.find(token),
              std::string::npos)
        << type;
    EXPECT_EQ(mask_as(type, "login " + token + " at 10:00\n").bytes.find(token), std::string::npos) << type;
  }
  std::string wide = "a,b\n";
  for (int i = 0; i < 5000; ++i) wide += "x,";
  EXPECT_EQ(mask_as("text/csv", wide + token + ",y\n").bytes, wide + "REDACTED-token,y\n");
}

TEST(Lines, json_inside_a_log_is_opened) {
  EXPECT_EQ(text("10:00 INFO {\"user\":{\"password\":\"x\"}} done\n"),
            "10:00 INFO {\"user\":{\"password\":\"REDACTED-password\"}} done\n");
}

TEST(Lines, terminal_colours_do_not_hide_a_token) {
  EXPECT_EQ(text("\x1b[01;31mghp_\x1b[mabcdefghijklmnopqrstuvwxyz0123456789 x"), "\x1b[01;31mREDACTED-token x");
}

TEST(Encodings, gzip_bodies_are_opened_and_bombs_and_unknown_ones_blocked) {
  MaskInput input;
  input.content_type = "text/plain";
  input.content_encoding = "gzip";
  EXPECT_EQ(*inflate(mask(input, compress_gzip("password=hunter22")).bytes, 100), "password=REDACTED-password");
  EXPECT_FALSE(mask(input, "not gzip").blocked.empty());
  EXPECT_FALSE(mask(input, compress_gzip(std::string(80U << 20, 'a'))).blocked.empty());
  const std::string cut = compress_gzip("password=hunter22");
  EXPECT_FALSE(mask(input, std::string_view(cut).substr(0, cut.size() - 9)).blocked.empty());
  input.content_encoding = "br";
  EXPECT_FALSE(mask(input, "x").blocked.empty());
}

TEST(LengthPreserving, masks_have_exactly_the_length_of_what_they_replace) {
  MaskInput input;
  input.content_type = "text/plain";
  input.service = "s3";
  input.length_preserving = true;
  const std::string body =
      "password=hunter22 4111 1111 1111 1111\n-----BEGIN PRIVATE KEY-----\nAA\nBB\n-----END PRIVATE "
      "KEY-----\n{\"token\":\"abc123def456\"}";
  const MaskOutput out = mask(input, body);
  EXPECT_EQ(out.bytes.size(), body.size());
  EXPECT_EQ(out.bytes.find("hunter22"), std::string::npos);
  EXPECT_EQ(mask(input, out.bytes).bytes, out.bytes);
}

TEST(Sqs, digests_fit_the_masked_body_and_attributes) {
  const std::string in =
      R"({"Messages":[{"Body":"password=hunter22","MD5OfBody":"0","MessageAttributes":{"password":{"DataType":"String","StringValue":"x1"}},)"
      R"("MD5OfMessageAttributes":"1"},{"Body":"plain","MD5OfBody":"2"}]})";
  const auto out = parse_json(json(in, "sqs", "ReceiveMessage"));
  ASSERT_TRUE(out);
  const Json& first = (*out)["Messages"][0];
  EXPECT_EQ(first["MD5OfBody"], md5_hex("password=REDACTED-password"));
  using namespace std::string_literals;
  EXPECT_EQ(first["MD5OfMessageAttributes"],
            md5_hex("\0\0\0\x08password\0\0\0\x06String\1\0\0\0\x11REDACTED-password"s));
  EXPECT_EQ((*out)["Messages"][1]["MD5OfBody"], md5_hex("plain"));
}

TEST(Findings, say_class_rule_and_path_and_never_the_value) {
  const MaskOutput out =
      mask_as("application/json", R"({"Items":[{"password":{"S":"hunter22"}},{"password":{"S":"hunter33"}}]})",
              "dynamodb", "Scan");
  ASSERT_EQ(out.findings.size(), 1U);
  EXPECT_EQ(out.findings[0].kind, Class::password);
  EXPECT_EQ(out.findings[0].path, "Items.password.S");
  EXPECT_EQ(out.findings[0].count, 2U);
  EXPECT_TRUE(out.changed);
}

TEST(Findings, spans_say_which_bytes_were_replaced) {
  const MaskOutput output = mask_as("application/json", R"({"a":1,"password":"hunter22"})");
  ASSERT_EQ(output.spans.size(), 1U);
  EXPECT_EQ(output.spans[0].begin, 19U);
  EXPECT_EQ(output.spans[0].end, 27U);
}

TEST(Untouchable, image_manifests_stay_byte_for_byte) {
  const std::string_view manifest = R"({"config":{"password":"hunter22"}})";
  EXPECT_EQ(json(manifest, "ecr", "BatchGetImage"), manifest);
}

TEST(Checksums, are_those_that_aws_sends) {
  EXPECT_EQ(crc32("{}"), 2745614147U);
  EXPECT_EQ(md5_hex("hello"), "5d41402abc4b2a76b9719d911017c592");
}

}  // namespace
}  // namespace holdpoint::masker::testing
