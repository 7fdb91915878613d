"""What is wrong below AWS's protocols: framing, sizes, hosts, and characters that would fool whoever reads the record."""

import json
import re
import threading
import urllib.parse

import botocore.exceptions
import pytest

import harness
import hostile

S3 = hostile.wire["s3"]
JSON = hostile.wire["json"]
# Terminal escapes, line ends, bidirectional overrides and marks, zero-width characters.
TREACHEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def make_deployment():
    return hostile.Deployment()


def signed(deployment, credentials, **change):
    return hostile.Request(deployment, credentials, JSON, **change).bytes()


def insert(data, line):
    """One more line at the end of the head."""
    return data.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n", 1)


FRAMING = {
    "length and chunked": (lambda data: insert(data, b"Transfer-Encoding: chunked"), "contradict"),
    "length 0 and chunked": (lambda data: re.sub(rb"Content-Length: \d+", b"Content-Length: 0\r\nTransfer-Encoding: chunked",
                                                 data), "contradict"),
    "two lengths": (lambda data: insert(data, b"Content-Length: 5"), "stands twice"),
    "two equal lengths": (lambda data: insert(data, re.search(rb"Content-Length: \d+", data).group()), "stands twice"),
    "a signed length": (lambda data: data.replace(b"Content-Length: ", b"Content-Length: +"), "not a number"),
    "a list of lengths": (lambda data: re.sub(rb"Content-Length: (\d+)", rb"Content-Length: \1, \1", data), "not a number"),
    "another coding": (lambda data: re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: gzip, chunked", data), "chunked"),
    "a hidden coding": (lambda data: re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: \x0bchunked", data), "control"),
    "a space before the colon": (lambda data: insert(data, b"X-A : b"), "valid name"),
    "a folded line": (lambda data: insert(data, b"X-A: b\r\n c"), "folded"),
    "a bare line feed": (lambda data: insert(data, b"X-A: b\nX-B: c"), "line feed"),
    "a bare carriage return": (lambda data: insert(data, b"X-A: b\rX-B: c"), "control"),
    "a NUL": (lambda data: insert(data, b"X-A: b\x00"), "NUL"),
    "two hosts": (lambda data: insert(data, b"Host: evil.example.com"), "stands twice"),
    "no host": (lambda data: re.sub(rb"Host: [^\r]*\r\n", b"", data), "missing"),
    "HTTP/1.0": (lambda data: data.replace(b"HTTP/1.1", b"HTTP/1.0", 1), "HTTP/1.1"),
    "an absolute target": (lambda data: data.replace(b"POST / ", b"POST http://evil.example.com/ ", 1), "must be a path"),
    "an authority target": (lambda data: data.replace(b"POST / ", b"POST evil.example.com:80 ", 1), "must be a path"),
    "CONNECT": (lambda data: data.replace(b"POST / ", b"CONNECT evil.example.com:80 ", 1), "not served"),
    "an upgrade": (lambda data: insert(data, b"Upgrade: h2c"), "Upgrade"),
    "too many headers": (lambda data: insert(data, b"\r\n".join(b"X-%d: a" % n for n in range(200))), "128 headers"),
    "a header of 64 KiB": (lambda data: insert(data, b"X-Long: " + b"a" * 65536), "32 KiB"),
    "a target of 64 KiB": (lambda data: data.replace(b"POST / ", b"POST /" + b"a" * 65536 + b" ", 1), "32 KiB"),
}


@pytest.mark.parametrize("row", FRAMING)
def test_a_head_that_two_readers_could_read_differently(deployment, credentials, row):
    # Of a target without end nothing was read that names a protocol.
    refused_unread(deployment, credentials, JSON, row, parser="query" if row == "a target of 64 KiB" else "json")


@pytest.mark.parametrize("wire", hostile.WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("row", ["two lengths", "a NUL", "a header of 64 KiB"])
def test_a_head_that_was_not_read_is_refused_in_the_shape_of_its_service(deployment, credentials, wire, row):
    refused_unread(deployment, credentials, wire, row, wire.parser)


def refused_unread(deployment, credentials, wire, row, parser):
    spoil, text = FRAMING[row]
    before = deployment.reached()
    answer = hostile.exchange(deployment, spoil(hostile.Request(deployment, credentials, wire).bytes()))
    code, message = answer.error(parser)
    assert code in hostile.INVALID | hostile.DENIED and text.lower() in message.lower(), (code, message)
    assert answer.status in (400, 431) and not hostile.is_retried(answer.status, code)
    assert answer.headers.get("connection") == "close"
    assert deployment.reached() == before
    entry = deployment.refusal(answer.request_id)
    assert entry["decision"] == "invalid" and text.lower() in entry["reason"].lower()


def test_a_second_request_hidden_behind_the_first(deployment, credentials):
    """Smuggling needs a second reader; here the second request is not read at all."""
    before = deployment.reached()
    data = signed(deployment, credentials)
    answer = hostile.exchange(deployment, data + data)
    assert answer.status == 400
    assert deployment.reached() == before


CHUNKS = {"a size that overflows": b"ffffffffffffffff\r\n", "a negative size": b"-1\r\n", "no size": b"\r\n",
          "a bare line feed": b"5\nhello\r\n0\r\n\r\n", "data longer than its size": b"1\r\nhello\r\n0\r\n\r\n"}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS.keys())
def test_a_chunked_body_that_is_broken(deployment, credentials, chunks):
    before = deployment.reached()
    head, _, _ = signed(deployment, credentials).partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    answer = hostile.exchange(deployment, head + b"\r\n\r\n" + chunks)
    code, _ = answer.error("json")
    assert code == "ValidationException" and answer.status == 400
    assert deployment.reached() == before
    assert deployment.refusal(answer.request_id)["decision"] == "invalid"


HOSTS = ["evil.example.com", "169.254.169.254", "dynamodb.eu-west-1.amazonaws.com", "localhost.evil.example.com",
         "127.0.0.1.evil.example.com", "evil.127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("wire", hostile.WIRES, ids=lambda wire: wire.name)
def test_a_host_that_is_not_ours(deployment, credentials, wire, host):
    answer = deployment.refuses(hostile.Request(deployment, credentials, wire, host=host), text=host)
    assert deployment.refusal(answer.request_id)["reason"]


STEERING = {"X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example.com",
            "X-Host": "evil.example.com", "X-Original-Host": "evil.example.com", "X-Forwarded-Server": "evil.example.com",
            "Via": "1.1 evil", "X-Amz-Source-Host": "evil.example.com"}


@pytest.mark.parametrize("wire", [wire for wire in hostile.WIRES if wire.service in hostile.TRAPPED or wire.name == "rest-xml"],
                         ids=lambda wire: wire.name)
@pytest.mark.parametrize("name, value", STEERING.items(), ids=STEERING.keys())
def test_headers_do_not_steer_where_a_call_goes(deployment, credentials, wire, name, value):
    """Refused, or dropped: the target's host is the operator's word, and the header does not leave."""
    before = len(deployment.trap.seen)
    request = hostile.Request(deployment, credentials, wire, headers={name: value})
    answer = request.send()
    if answer.status == 403:
        assert len(deployment.trap.seen) == before
        return
    assert answer.status == 200
    seen = deployment.trap.seen[-1]
    assert seen["host"] == deployment.trap.url.removeprefix("http://")
    assert name.lower() not in {header.lower() for header in seen["headers"]}


def test_a_member_that_becomes_part_of_a_host_is_checked(deployment, credentials):
    before = deployment.reached()
    wire = hostile.Wire("s3control", "s3", "rest-xml", "GET", "/v20180820/bucket", X_Amz_Account_Id="evil.example.com/")
    answer = hostile.Request(deployment, credentials, wire).send()
    assert answer.status in (400, 403), answer.body
    assert deployment.reached() == before


def test_agents_headers_do_not_reach_the_target(deployment, credentials):
    """Nothing of the gateway-local credentials leaves, and no connection header."""
    answer = hostile.Request(deployment, credentials, hostile.wire["query"],
                             headers={"Cookie": "a=b", "Proxy-Authorization": "x", "Te": "trailers"}).send()
    assert answer.status == 200
    text = json.dumps(deployment.trap.seen[-1]["headers"])
    for secret in (credentials.access_key, credentials.token, "Cookie", "Proxy-Authorization", "trailers"):
        assert secret not in text


# What people see

EVIL = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u202c \u2066x\u2069\u200b \u009b31m \r\nforged: line"


def shown(deployment):
    """Everything that commands show people about operations and sessions, and give to other programs."""
    text = ""
    for command in ("operations list", "sessions list", "audit export", "--json operations list", "--json sessions list"):
        text += deployment.holdpoint(command)
    for session in deployment.holdpoint_json("sessions list")[:5]:
        text += deployment.holdpoint(["sessions", "replay", session["session_id"]])
        text += deployment.holdpoint(["sessions", "show", session["session_id"]])
    return text


def harmless(text):
    found = TREACHEROUS.search(text)
    assert not found, (repr(found.group()), text[max(0, found.start() - 200):found.end() + 50])
    assert "\nforged" not in text


IN_A_HEADER = EVIL.replace("\r\n", " ").translate({code: None for code in (*range(0x20), 0x7f)})
IN_A_PATH = "%1B%5B2J%E2%80%AEgnp%E2%80%8B%0D%0Aforged"
FIELDS = {
    "a user agent": (JSON, {"headers": {"User-Agent": "agent " + IN_A_HEADER}}),
    "an invocation id": (JSON, {"headers": {"amz-sdk-invocation-id": "id " + IN_A_HEADER}}),
    "an operation": (JSON, {"headers": {"X-Amz-Target": "DynamoDB_20120810." + IN_A_HEADER}}),
    "a key": (JSON, {"body": json.dumps({"TableName": "orders", "Key": {"id": {"S": "k" + EVIL}}}).encode()}),
    "a table": (JSON, {"body": json.dumps({"TableName": "t" + EVIL, "Key": {"id": {"S": "1"}}}).encode()}),
    "a member": (JSON, {"body": json.dumps({"TableName": "orders", EVIL: 1}).encode()}),
    "an object": (S3, {"target": f"/reports/{IN_A_PATH}"}),
    "a bucket": (S3, {"target": f"/{IN_A_PATH}/new.txt"}),
    "a query": (S3, {"target": f"/reports/new.txt?{IN_A_PATH}={IN_A_PATH}"}),
    "a path": (hostile.wire["rest-json"], {"target": f"/2015-03-31/functions/{IN_A_PATH}/invocations"}),
    "a parameter": (hostile.wire["query"], {"body": f"Action=ListTopics&Version=2010-03-31&NextToken={IN_A_PATH}".encode()}),
    "an action": (hostile.wire["query"], {"body": f"Action={IN_A_PATH}&Version=2010-03-31".encode()}),
    "a region": (JSON, {"region": "eu" + IN_A_HEADER.replace(" ", "")}),
    "a service": (JSON, {"service": "s" + IN_A_HEADER.replace(" ", "")}),
    "a host": (JSON, {"host": "gnp" + "\u202e.example.com"}),
}


@pytest.mark.parametrize("wire, change", FIELDS.values(), ids=FIELDS.keys())
def test_what_agents_name_cannot_fool_whoever_reads_it(deployment, credentials, wire, change):
    with deployment.settling() as ended:
        answer = hostile.Request(deployment, credentials, wire, **change).send()
    if ended[0]["type"].endswith("refused"):  # else the words are the target's
        harmless(answer.body.decode())


def test_nothing_of_it_is_shown_raw(deployment):
    harmless(shown(deployment))
    assert "gnp" in shown(deployment)


def test_a_held_call_with_evil_names_is_shown_to_reviewers_as_it_is(deployment):
    client = deployment.boto("dynamodb", retries={"total_max_attempts": 1}, parameter_validation=False)
    told = []

    def delete():
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client.delete_table(TableName="scratch" + EVIL)
        told.append(refused.value.response["Error"]["Message"])
    worker = threading.Thread(target=delete, daemon=True)
    worker.start()
    review = deployment.waiting_review()
    for command in ("reviews list", "--json reviews list", ["reviews", "show", review["review_id"]]):
        harmless(deployment.holdpoint(command))
    deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason", "no " + EVIL])
    worker.join(30)
    assert told and "no " in told[0]
    harmless(told[0])
    harmless(deployment.holdpoint("reviews list --state rejected") + shown(deployment))


@pytest.mark.parametrize("name", ["a\x1bb", "a\u202eb", "a b", "a\nb", "a/b", "a", "x" * 65])
def test_a_session_name_that_cloudtrail_would_not_take(deployment, name):
    body = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": harness.ROLE,
                      "RoleSessionName": name, "WebIdentityToken": deployment.token()}).encode()
    head = (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{deployment.gateway_port}\r\nContent-Type: {hostile.FORM}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    answer = hostile.exchange(deployment, head + body)
    code, message = answer.error("query")
    assert code == "ValidationError" and "RoleSessionName" in message
    harmless(message)
    harmless(shown(deployment))
