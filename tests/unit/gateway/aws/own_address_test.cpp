#include "gateway/aws/own_address.hpp"

#include <gtest/gtest.h>

namespace holdpoint::aws {
namespace {

const OwnAddress kOwn{"http", "127.0.0.1:7400", false};
const std::string kReal = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo";
const std::string kLocal = "http://127.0.0.1:7400/123456789012/orders.fifo";

Operation of(std::string service, std::string operation, Json parameters = Json::object()) {
  Operation out;
  out.service = std::move(service);
  out.operation = std::move(operation);
  out.parameters = std::move(parameters);
  return out;
}

Result<Classified> form_call(const std::string& path, const std::string& body) {
  const HttpHead head{"POST", path, {{"Host", "gw"}, {"Content-Type", "application/x-www-form-urlencoded"}}};
  return classify(head, {"sqs", "eu-west-1", "123456789012", {}}, body);
}

TEST(OwnAddress, a_queues_url_is_an_account_and_a_name_and_nothing_behind_them) {
  const auto parsed = parse_queue_url(kReal);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->authority, "sqs.eu-west-1.amazonaws.com");
  EXPECT_EQ(parsed->path, "/123456789012/orders.fifo");
  for (const char* bad :
       {"", "orders", "ftp://h/123456789012/q", "http:///123456789012/q", "http://h/123456789012", "http://h/1/q",
        "http://h/123456789012/q/r", "http://h/123456789012/q?x", "http://h/123456789012/q#x",
        "http://u@h/123456789012/q", "http://h/123456789012/%71", "http://h/123456789012/..",
        "http://h/x/123456789012/q", "http://h\\123456789012/q", "http://h/123456789012/"})
    EXPECT_FALSE(parse_queue_url(bad)) << bad;
}

TEST(OwnAddress, queues_in_answers_of_both_protocols_are_the_gateways) {
  std::string one = R"({"QueueUrl":")" + kReal + R"("})";
  EXPECT_TRUE(localise_body(of("sqs", "CreateQueue"), 200, kOwn, one));
  EXPECT_EQ(one, R"({"QueueUrl":")" + kLocal + R"("})");
  std::string list = R"({"NextToken":"t","QueueUrls":[")" + kReal + R"(","not an address"]})";
  EXPECT_TRUE(localise_body(of("sqs", "ListQueues"), 200, kOwn, list));
  EXPECT_EQ(list, R"({"NextToken":"t","QueueUrls":[")" + kLocal + R"(","not an address"]})");
  std::string sources = R"({"queueUrls":[")" + kReal + R"("]})";
  EXPECT_TRUE(localise_body(of("sqs", "ListDeadLetterSourceQueues"), 200, kOwn, sources));
  std::string xml = "<?xml version=\"1.0\"?><ListQueuesResponse><ListQueuesResult><QueueUrl>" + kReal +
                    "</QueueUrl><QueueUrl>" + kReal + "x</QueueUrl></ListQueuesResult></ListQueuesResponse>";
  EXPECT_TRUE(localise_body(of("sqs", "ListQueues"), 200, kOwn, xml));
  EXPECT_EQ(xml, "<?xml version=\"1.0\"?><ListQueuesResponse><ListQueuesResult><QueueUrl>" + kLocal +
                     "</QueueUrl><QueueUrl>" + kLocal + "x</QueueUrl></ListQueuesResult></ListQueuesResponse>");
}

TEST(OwnAddress, what_is_no_address_of_a_queue_stays_byte_for_byte) {
  for (const char* body :
       {"", "{", "[]", R"({ "QueueUrl" : 1 })", R"({ "QueueUrl" : "https://h/x" })", "<a", "<QueueUrl>x</QueueUrl>"}) {
    std::string same = body;
    EXPECT_FALSE(localise_body(of("sqs", "GetQueueUrl"), 200, kOwn, same));
    EXPECT_EQ(same, body);
  }
  // A message may hold any text.
  std::string message = R"({"Messages":[{"Body":")" + kReal + R"("}],"QueueUrl":")" + kReal + R"("})";
  EXPECT_FALSE(localise_body(of("sqs", "ReceiveMessage"), 200, kOwn, message));
}

TEST(OwnAddress, an_objects_location_is_the_gateways_in_the_form_that_the_client_uses) {
  const Json parameters{{"Bucket", "reports"}, {"Key", "a b/c"}};
  const std::string before =
      "<CompleteMultipartUploadResult><Location>https://reports.s3.amazonaws.com/a%20b/c</Location>";
  const std::string after = "<ETag>x</ETag></CompleteMultipartUploadResult>";
  std::string body = before + after;
  EXPECT_TRUE(localise_body(of("s3", "CompleteMultipartUpload", parameters), 200, kOwn, body));
  EXPECT_EQ(body, "<CompleteMultipartUploadResult><Location>http://127.0.0.1:7400/reports/a%20b/c</Location>" + after);
  body = before + after;
  EXPECT_TRUE(
      localise_body(of("s3", "CompleteMultipartUpload", parameters), 200, {"https", "reports.gw.example", true}, body));
  EXPECT_EQ(body, "<CompleteMultipartUploadResult><Location>https://reports.gw.example/a%20b/c</Location>" + after);
  Headers headers{{"Location", "http://reports.s3.amazonaws.com/"}};
  localise_headers(of("s3", "CreateBucket", {{"Bucket", "reports"}}), 200, kOwn, headers);
  EXPECT_EQ(headers.front().second, "http://127.0.0.1:7400/reports/");
  headers = {{"Location", "/reports"}};
  localise_headers(of("s3", "CreateBucket", {{"Bucket", "reports"}}), 200, kOwn, headers);
  EXPECT_EQ(headers.front().second, "/reports");
}

TEST(OwnAddress, a_redirect_tells_the_region_and_leads_nowhere_past_the_gateway) {
  const Operation get = of("s3", "GetObject", {{"Bucket", "b"}, {"Key", "k"}});
  for (const char* host :
       {"b.s3.us-west-2.amazonaws.com", "b.s3-us-west-2.amazonaws.com", "s3.us-west-2.amazonaws.com"}) {
    Headers headers{{"location", "https://" + std::string(host) + "/k"}};
    localise_headers(get, 307, kOwn, headers);
    EXPECT_EQ(headers, (Headers{{"x-amz-bucket-region", "us-west-2"}})) << host;
  }
  Headers told{{"x-amz-bucket-region", "eu-central-1"}, {"Location", "https://b.s3.us-west-2.amazonaws.com/k"}};
  localise_headers(get, 301, kOwn, told);
  EXPECT_EQ(told, (Headers{{"x-amz-bucket-region", "eu-central-1"}}));
  Headers strange{{"Location", "https://evil.example/us-west-2.amazonaws.com"}};
  localise_headers(get, 301, kOwn, strange);
  EXPECT_TRUE(strange.empty());
  std::string body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.us-west-2.amazonaws.com</Endpoint></Error>";
  EXPECT_TRUE(localise_body(get, 301, kOwn, body));
  EXPECT_EQ(body, "<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.1:7400</Endpoint></Error>");
}

TEST(OwnAddress, an_old_client_may_post_to_the_queues_own_path) {
  const std::string form = "Action=SendMessage&Version=2012-11-05&MessageBody=x";
  const auto by_path = form_call("/123456789012/orders", form);
  ASSERT_TRUE(by_path) << by_path.error().context;
  ASSERT_EQ(by_path->operation.requirements.size(), 1u);
  EXPECT_EQ(by_path->operation.requirements[0].resource, "arn:aws:sqs:eu-west-1:123456789012:orders");
  EXPECT_TRUE(form_call("/123456789012/orders", form + "&QueueUrl=http%3A%2F%2Fgw%2F123456789012%2Forders"));
  EXPECT_FALSE(form_call("/123456789012/orders", form + "&QueueUrl=http%3A%2F%2Fgw%2F123456789012%2Fothers"));
  EXPECT_FALSE(form_call("/123456789012/orders/", form));
  EXPECT_FALSE(form_call("/123456789012/orders?" + form, ""));
}

TEST(OwnAddress, a_queues_url_that_two_readers_could_cut_differently_is_refused) {
  for (const char* url : {"http://h/123456789012/a?/123456789012/b", "http://h/123456789012/a#/123456789012/b",
                          "http://h/123456789012/%61", "http://h@x/123456789012/a", "http://h\\123456789012/a",
                          "http://h/123456789012/a/", "http://h/123456789012/a/b", "http://h//123456789012/a",
                          "http://h/123456789012/..", "http://h/a"}) {
    const auto call = form_call("/", "Action=DeleteQueue&Version=2012-11-05&QueueUrl=" + uri_encode(url));
    ASSERT_FALSE(call) << url;
    EXPECT_EQ(call.error().code, Code::malformed);
  }
}

TEST(OwnAddress, a_member_is_replaced_in_json_and_forms_and_nothing_else) {
  Route json;
  json.protocol = Protocol::json10;
  EXPECT_EQ(with_member(json, R"({"MessageBody":"é\n","QueueUrl":"a","DelaySeconds":3})", "QueueUrl", "b").value(),
            R"({"DelaySeconds":3,"MessageBody":"é\n","QueueUrl":"b"})");
  Route form;
  form.protocol = Protocol::query;
  const auto changed = with_member(form, "Action=SendMessage&MessageBody=a+b%26&QueueUrl=x", "QueueUrl", "http://h/q");
  EXPECT_EQ(changed.value(), "Action=SendMessage&MessageBody=a%20b%26&QueueUrl=http%3A%2F%2Fh%2Fq");
  Route rest;
  rest.protocol = Protocol::rest_json;
  EXPECT_EQ(with_member(rest, "{}", "QueueUrl", "x").error().code, Code::unsupported);
}

}  // namespace
}  // namespace holdpoint::aws
