#include "gateway/aws/region_copy.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace holdpoint::aws {
namespace {

const std::string kRdsUrl =
    "http://gw/?Action=CopyDBSnapshot&Version=2014-10-31&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
    "LOCAL%2F20261101%2Fus-east-1%2Frds%2Faws4_request&X-Amz-Signature=00";

Result<Classified> call(const std::string& service, const std::string& form) {
  const HttpHead head{"POST", "/", {{"Host", "gw"}, {"Content-Type", "application/x-www-form-urlencoded"}}};
  return classify(head, {service, "eu-west-1", "123456789012", {}}, form);
}

std::string rds(const std::string& more) { return "Action=CopyDBSnapshot&Version=2014-10-31&" + more; }

std::string source_of(const std::string& service, const std::string& form) {
  const auto classified = call(service, form);
  if (!classified) return classified.error().context;
  const auto copy = region_copy(*classified);
  return !copy ? "refused" : !*copy ? "none" : (*copy)->source_region;
}

TEST(RegionCopy, the_source_is_what_the_call_says_or_the_urls_scope_or_the_sources_arn) {
  const std::string target = "TargetDBSnapshotIdentifier=t&SourceDBSnapshotIdentifier=";
  EXPECT_EQ(source_of("rds", rds(target + "s&PreSignedUrl=" + uri_encode(kRdsUrl))), "us-east-1");
  EXPECT_EQ(
      source_of("rds", rds(target + "arn%3Aaws%3Ards%3Aus-west-2%3A1%3Asnapshot%3As&PreSignedUrl=http%3A%2F%2Fx")),
      "us-west-2");
  EXPECT_EQ(source_of("rds", rds(target + "s")), "none");
  EXPECT_EQ(source_of("rds", rds(target + "s&PreSignedUrl=http%3A%2F%2Fx")), "refused");
  EXPECT_EQ(source_of("rds", rds(target + "s&PreSignedUrl=%3FX-Amz-Credential%3Da%2F%2F%2Fevil.example%23%2Fs%2Fr")),
            "refused");
  EXPECT_EQ(source_of("ec2",
                      "Action=CopySnapshot&Version=2016-11-15&SourceSnapshotId=snap-1&SourceRegion=us-east-1&"
                      "PresignedUrl=http%3A%2F%2Fevil.example%2F"),
            "us-east-1");
  EXPECT_EQ(source_of("ec2",
                      "Action=CopySnapshot&Version=2016-11-15&SourceSnapshotId=snap-1&SourceRegion=evil.example&"
                      "PresignedUrl=http%3A%2F%2Fx"),
            "refused");
}

TEST(RegionCopy, a_call_without_a_url_names_its_source_as_well) {
  const std::string copy = "Action=CopySnapshot&Version=2016-11-15&SourceSnapshotId=snap-1&SourceRegion=";
  EXPECT_EQ(source_of("ec2", copy + "us-east-1"), "us-east-1");
  EXPECT_EQ(source_of("ec2", copy + "eu-west-1"), "none");
  EXPECT_EQ(source_of("ec2", copy + "evil.example"), "refused");
  EXPECT_EQ(source_of("ec2", "Action=CopyImage&Version=2016-11-15&Name=n&SourceImageId=ami-1&SourceRegion=us-east-1"),
            "us-east-1");
  const std::string target = "TargetDBSnapshotIdentifier=t&SourceDBSnapshotIdentifier=";
  const std::string arn = "arn%3Aaws%3Ards%3Aus-west-2%3A1%3Asnapshot%3As";
  EXPECT_EQ(source_of("rds", rds(target + arn)), "us-west-2");
  EXPECT_EQ(source_of("rds", rds(target + "arn%3Aaws%3Ards%3Aeu-west-1%3A1%3Asnapshot%3As")), "none");
  EXPECT_EQ(source_of("rds", rds(target + arn + "&SourceRegion=us-east-1")), "refused");
  // Whom a function lets in is no copy.
  const HttpHead head{"POST", "/2015-03-31/functions/f/policy", {{"Host", "gw"}, {"Content-Type", "application/json"}}};
  const auto permission =
      classify(head, {"lambda", "eu-west-1", "123456789012", {}},
               R"({"Action":"lambda:InvokeFunction","Principal":"sns.amazonaws.com","StatementId":"s",
                                       "SourceArn":"arn:aws:sns:us-east-1:123456789012:t"})");
  ASSERT_TRUE(permission) << permission.error().context;
  EXPECT_FALSE(region_copy(*permission)->has_value());
}

TEST(RegionCopy, what_the_copy_reads_in_the_sources_region_is_needed_as_well) {
  const CallScope scope{"rds", "eu-west-1", "123456789012", {}};
  const std::string arn = "arn:aws:rds:us-west-2:999999999999:snapshot:s";
  auto classified = call("rds", rds("TargetDBSnapshotIdentifier=t&SourceDBSnapshotIdentifier=" + uri_encode(arn)));
  ASSERT_TRUE(classified) << classified.error().context;
  const auto copy = region_copy(*classified);
  ASSERT_TRUE(copy && *copy);
  const std::vector<Requirement> before = classified->operation.requirements;
  ASSERT_TRUE(add_source_requirements(**copy, scope, *classified));
  const auto needs = [&](const std::string& resource, const std::string& region) {
    return std::ranges::any_of(classified->operation.requirements, [&](const Requirement& each) {
      return each.action == "rds:CopyDBSnapshot" && each.resource == resource && each.region == region;
    });
  };
  EXPECT_TRUE(needs("arn:aws:rds:eu-west-1:123456789012:snapshot:t", ""));
  EXPECT_TRUE(needs(arn, ""));
  EXPECT_TRUE(needs("arn:aws:rds:us-west-2:123456789012:snapshot:t", "us-west-2"));
  EXPECT_TRUE(needs(arn, "us-west-2"));
  EXPECT_EQ(classified->operation.requirements.size(), 2 * before.size());
}

TEST(RegionCopy, the_url_is_made_anew_for_the_sources_host_and_its_signature_verifies) {
  const auto classified = call("ec2",
                               "Action=CopySnapshot&Version=2016-11-15&SourceSnapshotId=snap-1&SourceRegion=us-east-1&"
                               "DestinationRegion=elsewhere&Description=a+b&PresignedUrl=" +
                                   uri_encode("http://gw/?X-Amz-Signature=local"));
  ASSERT_TRUE(classified) << classified.error().context;
  const RegionCopy copy = region_copy(*classified)->value();
  const Instant now = *from_rfc3339("2026-11-01T12:00:00Z");
  const Endpoint source = endpoint("ec2", "us-east-1", {}).value();
  const SigningIdentity identity{"AKIDREAL", "real/token",
                                 derive_signing_key("secret", "20261101", "us-east-1", "ec2")};
  const auto url = presigned_copy(*classified, copy, source, identity, now);
  ASSERT_TRUE(url) << url.error().context;
  const std::string host = "https://ec2.us-east-1.amazonaws.com";
  ASSERT_TRUE(url->starts_with(host + "/?Action=CopySnapshot&Version=2016-11-15&")) << *url;
  const HttpHead head{"GET", url->substr(host.size()), {{"Host", "ec2.us-east-1.amazonaws.com"}}};
  const auto parsed = parse_signature(head, now);
  ASSERT_TRUE(parsed) << parsed.error().context;
  EXPECT_EQ(parsed->session_token, "real/token");
  EXPECT_TRUE(verify_signature(*parsed, head, identity.signing_key.reveal(), sha256("")));
  const Fields fields = parse_fields(head.query(), false).value();
  EXPECT_EQ(*field(fields, "DestinationRegion"), "eu-west-1");
  EXPECT_EQ(*field(fields, "Description"), "a b");
  EXPECT_EQ(field(fields, "PresignedUrl"), nullptr);
  EXPECT_EQ(url->find("local"), std::string::npos);
}

}  // namespace
}  // namespace holdpoint::aws
