"""A reverse proxy that accepts a request only when its SigV4 signature is right, judged by botocore: somebody else's code.

It stands between the gateway and a test target, because dynalite and s3rver check no signatures. Every request leaves one
line in a JSON-lines file, accepted or not, so that a test can say what reached the target. Bodies in aws-chunked form
are decoded here, since s3rver would store the chunk envelope.
"""

import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import re
import threading

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

BODY_BYTES_MAX = 64 << 20
WINDOW_SECONDS = 300
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "host", "content-length"}


class Refused(Exception):
    """Why a request does not pass."""


def signer(base, credentials, service, region, signed):
    """A signer of botocore's that covers exactly the headers that the sender named."""

    class Verifier(base):
        def headers_to_sign(self, request):
            message = http.client.HTTPMessage()
            for name, value in request.headers.items():
                if name.lower() in signed:
                    message[name.lower()] = value
            return message

    return Verifier(credentials, service, region)


def verify(method, target, headers, body, keys):
    """Returns the credential scope's (access key, region, service), or raises Refused."""
    match = AUTHORIZATION.fullmatch(headers.get("Authorization", ""))
    if not match:
        raise Refused("no SigV4 signature in the Authorization header")
    access_key, day, region, service, signed, signature = match.groups()
    signed = set(signed.split(";"))
    if access_key not in keys:
        raise Refused(f"unknown access key {access_key}")
    for name in headers.keys():
        if name.lower() != "x-amzn-trace-id" and name.lower().startswith("x-amz-") and name.lower() not in signed:
            raise Refused(f"the header {name} is not signed")
    if "host" not in signed:
        raise Refused("the host is not signed")
    date = headers.get("X-Amz-Date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", date) or not date.startswith(day):
        raise Refused("no X-Amz-Date that fits the scope")
    age = datetime.datetime.utcnow() - datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    if abs(age.total_seconds()) > WINDOW_SECONDS:
        raise Refused("the signature is too old or too new")
    stated = headers.get("X-Amz-Content-SHA256")
    if stated not in (None, "UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"):
        if not re.fullmatch(r"[0-9a-f]{64}", stated):
            raise Refused(f"the payload form {stated} is not supported here")
        if hashlib.sha256(body).hexdigest() != stated:
            raise Refused("the body is not the one that was signed")
    secret, token = keys[access_key]
    if token and headers.get("X-Amz-Security-Token") != token:
        raise Refused("the session token does not belong to the access key")
    request = AWSRequest(method=method, url=f"http://{headers['Host']}{target}", headers=dict(headers.items()), data=body)
    request.context["timestamp"] = date
    judge = signer(S3SigV4Auth if service == "s3" else SigV4Auth, Credentials(access_key, secret, token), service, region,
                   signed)
    wanted = judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)
    if not hmac.compare_digest(wanted, signature):
        raise Refused("the signature does not fit")
    return access_key, region, service


def decode_aws_chunked(body):
    """The content of an aws-chunked body, without chunk heads and trailers."""
    content, at = b"", 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise Refused("an aws-chunked body that ends early")
        size = int(body[at:end].split(b";")[0], 16)
        if size == 0:
            return content
        content += body[end + 2:end + 2 + size]
        at = end + 2 + size + 2


class Proxy(http.server.ThreadingHTTPServer):
    """One target behind one port."""

    daemon_threads = True

    def __init__(self, port, upstream_port, keys, log):
        super().__init__(("127.0.0.1", port), Handler)
        self.upstream_port = upstream_port
        self.keys = keys
        self.log = log
        self.log_lock = threading.Lock()

    def note(self, **what):
        what["time"] = datetime.datetime.utcnow().isoformat() + "Z"
        with self.log_lock, open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
                if len(body) > BODY_BYTES_MAX:
                    raise Refused("the body is too large")
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            raise Refused("the body is too large")
        return self.rfile.read(length)

    def refuse(self, reason):
        body = json.dumps({"__type": "SignatureDoesNotMatch", "message": reason}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self):
        body = self.read_body()
        entry = {"method": self.command, "path": self.path, "operation": self.headers.get("X-Amz-Target", ""),
                 "body_sha256": hashlib.sha256(body).hexdigest(), "user_agent": self.headers.get("User-Agent", "")}
        try:
            access_key, region, service = verify(self.command, self.path, self.headers, body, self.server.keys)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            if "aws-chunked" in self.headers.get("Content-Encoding", ""):
                body = decode_aws_chunked(body)
                headers = {name: value for name, value in headers.items()
                           if name.lower() not in ("content-encoding", "x-amz-trailer", "x-amz-decoded-content-length",
                                                   "x-amz-content-sha256")}
        except Refused as refused:
            self.server.note(accepted=False, reason=str(refused), **entry)
            self.refuse(str(refused))
            return
        self.server.note(accepted=True, access_key=access_key, region=region, service=service, **entry)
        if service == "s3":
            # s3rver has ideas of its own about keys.
            headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=120)
        try:
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            self.refuse(f"the target does not answer: {error}")
            return
        finally:
            connection.close()
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"):
                self.send_header(name, value)
        # An answer to HEAD states the length of a body that it does not have.
        head_only = self.command == "HEAD" or answer.status in (204, 304)
        length = answer.getheader("Content-Length") if head_only else str(len(content))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = forward

    def log_message(self, format, *arguments):
        """The JSON-lines file is the log."""
