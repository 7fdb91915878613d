"""Addresses that clients call again: queues' URLs, objects' locations and S3's regions lead back to the gateway."""

import http.server
import json
import threading
import urllib.parse

import pytest

import hostile
import verifying_proxy

ACCOUNT = "123456789012"
BUCKET_REGION = "eu-central-1"


class Target(http.server.ThreadingHTTPServer):
    """Queues in both protocols and buckets of another region, as AWS answers; every signature is judged by botocore."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TargetHandler)
        self.keys, self.queues, self.seen = {}, {}, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self, name):
        return f"{self.url}/{ACCOUNT}/{name}"


class TargetHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body, content_type, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def queue_call(self, operation, members):
        """What the call answers: a queue that is not addressed at this very host does not exist."""
        queues = self.server.queues
        if operation in ("CreateQueue", "GetQueueUrl"):
            queues.setdefault(members["QueueName"], [])
            return {"QueueUrl": self.server.address(members["QueueName"])}
        if operation == "ListQueues":
            return {"QueueUrls": [self.server.address(name) for name in queues]}
        name = next((name for name in queues if self.server.address(name) == members.get("QueueUrl")), None)
        if name is None:
            return None
        if operation == "SendMessage":
            queues[name].append(members["MessageBody"])
        return {"MessageId": "m"}

    def sqs(self, body):
        if self.path != "/":
            return self.reply(404, b"{}", "application/x-amz-json-1.0")
        target = self.headers.get("X-Amz-Target")
        if target:
            answer = self.queue_call(target.split(".")[1], json.loads(body))
            if answer is None:
                return self.reply(400, b'{"__type":"QueueDoesNotExist"}', "application/x-amz-json-1.0")
            return self.reply(200, json.dumps(answer).encode(), "application/x-amz-json-1.0")
        members = dict(urllib.parse.parse_qsl(body.decode()))
        operation = members["Action"]
        answer = self.queue_call(operation, members)
        if answer is None:
            return self.reply(400, b"<ErrorResponse><Error><Code>QueueDoesNotExist</Code></Error></ErrorResponse>", "text/xml")
        inner = "".join(f"<QueueUrl>{url}</QueueUrl>" for url in answer.get("QueueUrls", []))
        inner += "".join(f"<{key}>{value}</{key}>" for key, value in answer.items() if key != "QueueUrls")
        text = f"<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>"
        return self.reply(200, text.encode(), "text/xml")

    def s3(self, region):
        bucket, _, key = self.path.split("?")[0].lstrip("/").partition("/")
        real = f"{bucket}.s3.{BUCKET_REGION}.amazonaws.com"
        if bucket == "far" and region != BUCKET_REGION:
            text = f"<Error><Code>PermanentRedirect</Code><Endpoint>{real}</Endpoint><Bucket>far</Bucket></Error>"
            return self.reply(301, text.encode(), "application/xml", x_amz_bucket_region=BUCKET_REGION)
        if bucket == "moving" and region != BUCKET_REGION:
            text = f"<Error><Code>TemporaryRedirect</Code><Endpoint>{real}</Endpoint><Bucket>moving</Bucket></Error>"
            return self.reply(307, text.encode(), "application/xml", Location=f"https://{real}/{key}")
        if self.command == "POST":
            text = f"<CompleteMultipartUploadResult><Location>https://{real}/{key}</Location><ETag>e</ETag></CompleteMultipartUploadResult>"
            return self.reply(200, text.encode(), "application/xml")
        if self.command == "PUT" and not key:
            return self.reply(200, b"", "application/xml", Location=f"http://{bucket}.s3.amazonaws.com/")
        return self.reply(200, b"far away", "text/plain")

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            _, region, service = verifying_proxy.verify(self.command, self.path, self.headers, body, self.server.keys)
        except verifying_proxy.Refused as refused:
            return self.reply(403, str(refused).encode(), "text/plain")
        self.server.seen.append({"service": service, "region": region, "path": self.path, "body": body})
        return self.sqs(body) if service == "sqs" else self.s3(region)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, format, *arguments):
        """What came is in `seen`."""


class Deployment(hostile.Deployment):
    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.target = Target()

    def open_up(self, text):
        text = super().open_up(text).replace(f'sqs: "{self.trap.url}"', f'sqs: "{self.target.url}"')
        return text.replace(self.targets["s3"], self.target.url).replace("regions: [eu-west-1]",
                                                                         f"regions: [eu-west-1, {BUCKET_REGION}]")

    def start(self):
        super().start()
        keys = json.loads((self.folder / "targets/upstream.json").read_text(encoding="utf-8"))
        self.target.keys[keys["access_key_id"]] = (keys["secret_access_key"], None)
        return self


def make_deployment():
    return Deployment()


def test_botocore_creates_finds_and_fills_a_queue_at_the_gateways_address(deployment):
    client = deployment.boto("sqs")
    url = client.create_queue(QueueName="orders")["QueueUrl"]
    assert url == f"{deployment.gateway}/{ACCOUNT}/orders"
    assert client.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert url in client.list_queues()["QueueUrls"]
    client.send_message(QueueUrl=url, MessageBody="plain & <tagged> é")
    assert deployment.target.queues["orders"] == ["plain & <tagged> é"]
    client.send_message(QueueUrl=deployment.target.address("orders"), MessageBody="by the real address")
    assert deployment.target.queues["orders"][1:] == ["by the real address"]


def test_the_json_protocol_of_newer_clients_works_alike(deployment, credentials):
    """As botocore 1.31 and the JavaScript SDK send it; Debian's botocore speaks the query protocol."""
    def call(operation, members):
        wire = hostile.Wire("json", "sqs", "json", "POST", "/", json.dumps(members).encode(),
                            Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS." + operation)
        answer = hostile.Request(deployment, credentials, wire).send()
        assert answer.status == 200, answer.body
        assert int(answer.headers["content-length"]) == len(answer.body)
        return json.loads(answer.body)

    url = call("CreateQueue", {"QueueName": "json"})["QueueUrl"]
    assert url == f"{deployment.gateway}/{ACCOUNT}/json"
    assert url in call("ListQueues", {})["QueueUrls"]
    call("SendMessage", {"QueueUrl": url, "MessageBody": "a\u2028b"})
    assert deployment.target.queues["json"] == ["a\u2028b"]


def test_an_old_client_posts_to_the_queues_own_path(deployment, credentials):
    deployment.boto("sqs").create_queue(QueueName="old")
    body = b"Action=SendMessage&Version=2012-11-05&MessageBody=x"
    for more in (b"", b"&QueueUrl=" + urllib.parse.quote(f"{deployment.gateway}/{ACCOUNT}/old", safe="").encode()):
        wire = hostile.Wire("query", "sqs", "query", "POST", f"/{ACCOUNT}/old", body + more, Content_Type=hostile.FORM)
        answer = hostile.Request(deployment, credentials, wire).send()
        assert answer.status == 200, answer.body
    assert deployment.target.queues["old"] == ["x", "x"]


def test_what_is_recorded_of_a_queue_is_what_was_sent(deployment):
    client = deployment.boto("sqs")
    url = client.create_queue(QueueName="recorded")["QueueUrl"]
    with deployment.settling():
        client.send_message(QueueUrl=url, MessageBody="x")
    sent = dict(urllib.parse.parse_qsl(deployment.target.seen[-1]["body"].decode()))
    assert sent["QueueUrl"] == deployment.target.address("recorded")


def test_locations_of_buckets_and_objects_are_the_gateways(deployment):
    client = deployment.boto("s3")
    made = client.create_bucket(Bucket="made", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert made["Location"] == f"{deployment.gateway}/made/"
    done = client.complete_multipart_upload(Bucket="made", Key="a b/c", UploadId="u",
                                            MultipartUpload={"Parts": [{"ETag": "e", "PartNumber": 1}]})
    assert done["Location"] == f"{deployment.gateway}/made/a%20b/c"


@pytest.mark.parametrize("bucket", ["far", "moving"])
def test_botocore_finds_the_region_of_a_bucket_and_signs_for_it(deployment, bucket):
    before = len(deployment.target.seen)
    answer = deployment.boto("s3").get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == b"far away"
    regions = [each["region"] for each in deployment.target.seen[before:]]
    assert regions[0] == "eu-west-1" and regions[-1] == BUCKET_REGION, regions


def test_a_redirect_names_neither_the_target_nor_a_way_past_the_gateway(deployment, credentials):
    for bucket in ("far", "moving"):
        answer = hostile.Request(deployment, credentials,
                                 hostile.Wire("s3", "s3", "rest-xml", "GET", f"/{bucket}/k")).send()
        assert answer.status in (301, 307) and "location" not in answer.headers, answer.headers
        assert answer.headers["x-amz-bucket-region"] == BUCKET_REGION
        assert b"amazonaws.com" not in answer.body
        assert f"<Endpoint>127.0.0.1:{deployment.gateway_port}</Endpoint>".encode() in answer.body


def test_a_region_that_is_not_the_targets_is_refused_whoever_points_there(deployment, credentials):
    wire = hostile.Wire("s3", "s3", "rest-xml", "GET", "/far/k")
    answer = hostile.Request(deployment, credentials, wire, region="us-west-2").send()
    code, text = answer.error("rest-xml")
    assert code == "AccessDenied" and "us-west-2" in text


def test_the_client_of_a_name_beyond_loopback_is_told_that_name(deployment, credentials):
    """Whatever name of the gateway's a client calls, it is told that one."""
    wire = hostile.Wire("json", "sqs", "json", "POST", "/", b'{"QueueName":"named"}',
                        Content_Type="application/x-amz-json-1.0", X_Amz_Target="AmazonSQS.GetQueueUrl")
    answer = hostile.Request(deployment, credentials, wire, host=f"localhost:{deployment.gateway_port}").send()
    assert json.loads(answer.body)["QueueUrl"] == f"http://localhost:{deployment.gateway_port}/{ACCOUNT}/named"
