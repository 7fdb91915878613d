#include <gtest/gtest.h>

#include "masker/detect/key_name.hpp"
#include "masker/detect/numbers.hpp"
#include "tests/unit/masker/support.hpp"

namespace holdpoint::masker::testing {
namespace {

struct Pair {
  std::string_view input;
  std::string_view output;
};

TEST(Detectors, secrets_in_text_are_masked_and_what_stands_around_them_stays) {
  const Pair cases[] = {
      {"key AKIAIOSFODNN7EXAMPLE used", "key AKIA************MPLE used"},
      {"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
       "aws_secret_access_key = REDACTED-aws-secret-key"},
      {"t=ghp_abcdefghijklmnopqrstuvwxyz0123456789.", "t=REDACTED-token."},
      {"xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx", "REDACTED-token"},
      {"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "REDACTED-token"},
      {"npm_abcdefghijklmnopqrstuvwxyz0123456789", "REDACTED-token"},
      {"AIzaSyA1234567890abcdefghijklmnopqrstuv", "REDACTED-token"},
      {"sk-ant-api03-abcdefghijklmnopqrstuvwxyz012345", "REDACTED-token"},
      {"SG.abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "REDACTED-token"},
      {"SK0123456789abcdef0123456789abcdef", "REDACTED-token"},
      {"postgres://app:hunter2@db.example.com:5432/x", "postgres://app:REDACTED-password@db.example.com:5432/x"},
      {"amqp://u:p%40ss/w0rd@mq/v", "amqp://u:REDACTED-password@mq/v"},
      {"Server=db;User ID=svc;Password=abc123!;Encrypt=True",
       "Server=db;User ID=svc;Password=REDACTED-password;Encrypt=True"},
      {"Authorization: Bearer abcDEF123456789", "Authorization: Bearer REDACTED-token"},
      {"DB_PASSWORD=\"two words\"", "DB_PASSWORD=\"REDACTED-password\""},
      {"  password: p,a)ss#1\n", "  password: REDACTED-password\n"},
      {"curl -u bob:s3cret https://x", "curl -u bob:REDACTED-password https://x"},
      {"curl -u bob:-s3cret https://x", "curl -u bob:REDACTED-password https://x"},
      {"mysql -h db -u root -pS3cr3t9 shop", "mysql -h db -u root -pREDACTED-password shop"},
      {"$2b$12$jWGeLX.V5y7v2Z3fuu9mr9s7DN83IzjsKFNCiYxe75wVAMsVJzXrs", "REDACTED-password-hash"},
      {"-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----\n",
       "-----BEGIN RSA PRIVATE KEY-----\nREDACTED-private-key\n-----END RSA PRIVATE KEY-----\n"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", "-----BEGIN OPENSSH PRIVATE KEY-----\nREDACTED-private-key"},
      {"x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl y", "x REDACTED-jwt y"},
      {"Set-Cookie: session=abcdefghij0123456789; Path=/; HttpOnly",
       "Set-Cookie: session=REDACTED-cookie; Path=/; HttpOnly"},
  };
  for (const Pair& one : cases) EXPECT_EQ(text(one.input), one.output) << one.input;
}

TEST(Detectors, personal_data_in_text_is_masked_and_keeps_what_its_class_keeps) {
  const Pair cases[] = {
      {"card 4111 1111 1111 1111 ok", "card 411111******1111 ok"},
      {"card 5500005555555559", "card 550000******5559"},
      {"amex 3782-822463-10005.", "amex 378282*****0005."},
      {"IBAN GB82 WEST 1234 5698 7654 32", "IBAN GB82**************5432"},
      {"DE89370400440532013000,", "DE89**************3000,"},
      {"ssn 536-90-4399", "ssn REDACTED-ssn"},
      {"call +49 30 901820 33 now", "call ********2033 now"},
      {"call (212) 555-0123", "call ******0123"},
      {"mail a.b@example.org!", "mail REDACTED-email!"},
      {"dob=1991-08-12 x", "dob=REDACTED-date-of-birth x"},
      {"passport number OZ3280439.", "passport number REDACTED-passport."},
  };
  for (const Pair& one : cases) EXPECT_EQ(text(one.input), one.output) << one.input;
}

// Each of these was somebody's false alarm.
TEST(Detectors, harmless_values_stay_as_they_are) {
  const std::string_view cases[] = {"550e8400-e29b-41d4-a716-446655440000",
                                    "id 54718944-5045-4735-8554-769458692270",
                                    "commit 8451a702e36486c1516d7259be341130d73eae99",
                                    "sha256:4e499e2ecbd79ec3b9d233cca612d079c695c4cf258bad06e4f7b5e174d96213",
                                    "etag \"9b2cf535f27731c974343645a3985328\"",
                                    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/password-AbCdEf",
                                    "arn:aws:kms:eu-west-1:123456789012:key/4e499e2e-cbd7",
                                    "AIDAJQABLZS4A3QDU576Q",
                                    "AROAJQABLZS4A3QDU576Q:session",
                                    "epoch 1763308404 and 1763308404123",
                                    "v1.22.333.4444",
                                    "10.20.30.40:8080",
                                    "order=4111111111111111",
                                    "tracking 1Z999AA10123456784",
                                    "Root=1-5759e988-bd862e3fe1be46a994272793",
                                    "000-12-3456 666-12-3456",
                                    "DE89370400440532013001",
                                    "NextToken=AAAAexampleNextTokenValue0123456789",
                                    "token_count=4096",
                                    "password_reset_enabled: true",
                                    "DB_PASSWORD=${DB_PASSWORD}",
                                    "password: {{ vault.password }}",
                                    "API_KEY=<your-api-key>",
                                    "password=****",
                                    "DB_PASSWORD_FILE=/run/secrets/db",
                                    "git@github.com:org/repo.git",
                                    "user@348.service",
                                    "@angular/core@17.52.85",
                                    "ec2-user@ip-10-1-2-3.eu-west-1.compute.internal",
                                    "password authentication failed for user",
                                    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7",
                                    "2025-01-01T00:00:00.000Z",
                                    "https://example.com:8080/a@b",
                                    "978-3-16-148410-0",
                                    "-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n-----END PUBLIC KEY-----",
                                    "Bearer token required",
                                    "eyJub3QiOiJhIGp3dCJ9",
                                    "secretName: regcred",
                                    "keyId=1234abcd-12ab-34cd-56ef-1234567890ab",
                                    "REDACTED-password",
                                    "AKIA************MPLE"};
  for (std::string_view one : cases) EXPECT_EQ(text(one), one);
}

TEST(Numbers, are_told_by_their_checksums) {
  EXPECT_TRUE(is_card("4111111111111111"));
  EXPECT_FALSE(is_card("4111111111111112"));
  EXPECT_FALSE(is_card("9111111111111111"));
  EXPECT_FALSE(is_card("0000000000000000"));
  EXPECT_TRUE(is_iban("GB82WEST12345698765432"));
  EXPECT_FALSE(is_iban("GB82WEST12345698765433"));
  EXPECT_FALSE(is_iban("GB82WEST1234569876543"));
  EXPECT_FALSE(is_iban("ZZ82WEST12345698765432"));
  EXPECT_TRUE(is_ssn("536904399"));
  EXPECT_FALSE(is_ssn("666904399"));
  EXPECT_FALSE(is_ssn("536004399"));
  EXPECT_TRUE(is_cpf("52998224725"));
  EXPECT_FALSE(is_cpf("52998224726"));
  EXPECT_FALSE(is_cpf("11111111111"));
  EXPECT_TRUE(is_aadhaar("234123412346"));
  EXPECT_FALSE(is_aadhaar("234123412347"));
  EXPECT_TRUE(is_nino("AB123456C"));
  EXPECT_FALSE(is_nino("BG123456C"));
}

TEST(KeyNames, that_name_a_secret_are_told_from_those_that_describe_one) {
  const std::string_view secrets[] = {
      "password",  "DBPassword",  "db_password", "MYSQL_PWD",          "client_secret", "clientSecret",
      "apiKey",    "x-api-key",   "API_KEY",     "SecretAccessKey",    "accessToken",   "RefreshToken",
      "authToken", "private_key", "SLACK_TOKEN", "masterUserPassword", "passphrase",    "SessionToken",
      "apikey",    "totp_secret", "dbpassword",  "Authorization",      "secret"};
  for (std::string_view one : secrets) {
    const Hint hint = classify_key(one).hint;
    EXPECT_TRUE(hint == Hint::password || hint == Hint::secret) << one;
  }
  const std::string_view harmless[] = {"NextToken",
                                       "nextToken",
                                       "ContinuationToken",
                                       "ClientToken",
                                       "ClientRequestToken",
                                       "IdempotencyToken",
                                       "token_type",
                                       "tokenCount",
                                       "KeyId",
                                       "SecretArn",
                                       "secretName",
                                       "PasswordLastUsed",
                                       "MinimumPasswordLength",
                                       "PasswordPolicy",
                                       "publicKey",
                                       "PartitionKey",
                                       "token_uri",
                                       "expires_in",
                                       "KeyFingerprint",
                                       "UploadId",
                                       "ReceiptHandle",
                                       "ShardIterator",
                                       "Key",
                                       "public",
                                       "password_reset_enabled",
                                       "RequirePasswordReset",
                                       "monkey",
                                       "author",
                                       "TaskToken",
                                       "sortKey"};
  for (std::string_view one : harmless) {
    const Hint hint = classify_key(one).hint;
    EXPECT_TRUE(hint == Hint::none || hint == Hint::harmless) << one;
  }
}

TEST(Detectors, masking_a_mask_changes_nothing) {
  const std::string_view cases[] = {
      "password=hunter22 AKIAIOSFODNN7EXAMPLE 4111 1111 1111 1111 GB82 WEST 1234 5698 7654 32 +49 30 90182033 a@b.org",
      "{\"password\":\"x1y2z3\",\"card_number\":4111111111111111,\"phone\":\"+4930901820\",\"ssn\":\"536-90-4399\","
      "\"B\":\"aGVsbG8=\"}",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"};
  for (std::string_view one : cases) {
    const std::string once = text(one);
    EXPECT_NE(once, one);
    EXPECT_EQ(text(once), once);
  }
}

}  // namespace
}  // namespace holdpoint::masker::testing
