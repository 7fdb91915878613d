"""Answers that are no text: event streams and CBOR come back masked, whole, and as their clients expect them."""

import http.server
import struct
import threading
import zlib

import botocore.eventstream
import botocore.exceptions
import pytest

import hostile

KEY = "AKIAIOSFODNN7EXAMPLE"
MASKED = "AKIA************MPLE"


class Target(http.server.ThreadingHTTPServer):
    """Answers every request with what the test says."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TargetHandler)
        self.type, self.body, self.headers, self.asked = "", b"", {}, 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class TargetHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.server.asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", self.server.type)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        # Streams have no length.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = self.server.body
        for at in range(0, len(body), 50):
            piece = body[at:at + 50]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = answer

    def log_message(self, format, *arguments):
        """Nobody reads it."""


class Deployment(hostile.Deployment):
    """Everything but DynamoDB ends at the target above."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.target = Target()

    def open_up(self, text):
        text = super().open_up(text).replace(self.trap.url, self.target.url).replace(self.targets["s3"], self.target.url)
        return text.replace("endpoints: { ", f'endpoints: {{ cloudwatch: "{self.target.url}", ')


def make_deployment():
    return Deployment()


def event(kind, content_type, payload):
    headers = b""
    for name, value in ((":message-type", "event"), (":event-type", kind), (":content-type", content_type)):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def streamed(deployment):
    """The answer to a function that streams (Debian's botocore knows none yet), by hand."""
    wire = hostile.Wire("lambda", "lambda", "rest-json", "POST",
                        "/2021-11-15/functions/report/response-streaming-invocations", b"{}", Content_Type="application/json")
    return hostile.Request(deployment, deployment.login(), wire).send()


def test_botocore_reads_a_masked_event_stream_whose_value_was_cut_between_frames(deployment):
    """Lengths and both checksums fit, or botocore raises."""
    rows = f"id,key\n1,{KEY}\n2,none\n".encode()
    chunks = [event("PayloadChunk", "application/octet-stream", rows[at:at + 7]) for at in range(0, len(rows), 7)]
    deployment.target.type = "application/vnd.amazon.eventstream"
    deployment.target.body = b"".join(chunks) + event("InvokeComplete", "application/json", b"{}")
    with deployment.settling() as ended:
        answer = streamed(deployment)
    assert answer.status == 200, answer.body
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(answer.body)
    events = list(buffer)
    read = b"".join(each.payload for each in events if each.headers[":event-type"] == "PayloadChunk")
    assert read == rows.replace(KEY.encode(), MASKED.encode())
    assert [finding["class"] for finding in ended[0]["data"]["findings"]] == ["access-key-id"]
    assert events[-1].headers[":event-type"] == "InvokeComplete"


def test_a_query_on_an_object_is_refused_where_answers_are_masked(deployment):
    """Its words could cut a secret into pieces that nobody knows."""
    reached = deployment.target.asked
    with pytest.raises(botocore.exceptions.ClientError, match="cannot be masked by itself"):
        deployment.boto("s3").select_object_content(
            Bucket="reports", Key="rows.csv", Expression="SELECT substring(s._1, 1, 4) FROM s3object s", ExpressionType="SQL",
            InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}})
    assert deployment.target.asked == reached


def test_an_event_stream_with_a_wrong_checksum_is_not_passed_on(deployment):
    deployment.target.type = "application/vnd.amazon.eventstream"
    body = bytearray(event("PayloadChunk", "application/octet-stream", KEY.encode()))
    reached = deployment.target.asked
    deployment.target.body = bytes(body)
    assert streamed(deployment).status == 200
    body[-1] ^= 1
    deployment.target.body = bytes(body)
    answer = streamed(deployment)
    assert deployment.target.asked == reached + 2
    assert answer.status >= 400 and KEY.encode() not in answer.body


def test_a_cbor_answer_comes_back_masked_in_cbor(deployment):
    def text(value):
        return bytes([0x78, len(value)]) + value.encode()

    deployment.target.type = "application/cbor"
    deployment.target.headers = {"smithy-protocol": "rpc-v2-cbor"}
    deployment.target.body = b"\xbf" + text("NextToken") + text("abc") + text("Messages") + b"\x9f" + text(f"key {KEY}") + b"\xff\xff"
    wire = hostile.Wire("rpc-v2-cbor", "monitoring", "json", "POST",
                        "/service/GraniteServiceVersion20100801/operation/ListMetrics", b"\xa0",
                        Content_Type="application/cbor", smithy_protocol="rpc-v2-cbor")
    answer = hostile.Request(deployment, deployment.login(), wire).send()
    deployment.target.headers = {}
    assert answer.status == 200, answer.body
    assert answer.body == deployment.target.body.replace(KEY.encode(), MASKED.encode())
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
