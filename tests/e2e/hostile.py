"""What tests with bad input share: raw requests signed by botocore, answers read by botocore, and targets that tell.

Every AWS service may be called by policy, so that what stops a request is what is wrong with it. DynamoDB and S3 are the
verifying proxies; everything else ends at a trap, which answers anything and remembers it.
"""

import contextlib
import hashlib
import http.client
import http.server
import json
import os
import signal
import socket
import threading
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.parsers
import botocore.retries.standard as standard

import harness
import witness

OTHER_ROLE = "arn:aws:iam::123456789012:role/not-for-agents"
DENIED = {"AccessDeniedException", "AccessDenied"}
INVALID = {"ValidationException", "ValidationError", "InvalidRequest", "EntityTooLarge"}
TRAPPED = ("sns", "ec2", "lambda", "route-53", "iam", "sts", "sqs")
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Sid": "DeletingNeedsAPerson", "Effect": "Hold", "Resource": "*",
     "Action": ["dynamodb:DeleteTable", "sns:DeleteTopic", "ec2:TerminateInstances", "lambda:DeleteFunction",
                "route53:DeleteHostedZone", "s3:DeleteObject"],
     "Review": {"Reviewers": ["sre"], "Required": 1, "Within": "15m", "Grant": "once", "Reason": "What is deleted is gone."}}]}
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Nobody", "Effect": "Allow", "Principal": {"Federated": "local"}, "Action": "sts:AssumeRoleWithWebIdentity",
     "Condition": {"ForAnyValue:StringEquals": {"holdpoint:groups": ["nobody"]}}},
    {"Sid": "FromAgents", "Effect": "Allow", "Principal": {"AWS": harness.ROLE}, "Action": "sts:AssumeRole"}]}


class Trap(http.server.ThreadingHTTPServer):
    """A target that answers anything and remembers it; `before_answer` runs while the gateway waits."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TrapHandler)
        self.seen = []
        self.before_answer = None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class TrapHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # cut off: no target takes that for a request
            self.close_connection = True
            return
        self.server.seen.append({"method": self.command, "path": self.path, "host": self.headers["Host"],
                                 "headers": dict(self.headers.items()), "body": body})
        if self.server.before_answer:
            self.server.before_answer()
        content = b"<Answer/>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, format, *arguments):
        """What came is in `seen`."""


class Deployment(harness.Deployment):
    """The demo's targets, a policy that allows everything but deletion, and a second role that trusts nobody here."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.trap = Trap()

    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(lambda text: edit(self.open_up(text)))
        folder = self.folder / "configuration"
        (folder / "policies/orders.json").write_text(json.dumps(POLICY), encoding="utf-8")
        (folder / "trust/nobody.json").write_text(json.dumps(TRUST), encoding="utf-8")

    def open_up(self, text):
        endpoints = "".join(f'{service}: "{self.trap.url}", ' for service in TRAPPED)
        role = (f'  - arn: "{OTHER_ROLE}"\n    trust: trust/nobody.json\n    policies: [policies/orders.json]\n'
                "    target: demo\n    session: 1h\n")
        return text.replace("endpoints: { ", "endpoints: { " + endpoints).replace("reviewers:", role + "reviewers:")

    def login(self, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway_port, timeout=30)
        connection.request("GET", f"/credentials?role={harness.ROLE}", headers={"Authorization": token or self.token()})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        return botocore.credentials.Credentials(content["AccessKeyId"], content["SecretAccessKey"], content["Token"])

    def reached(self):
        """How many requests reached a target whole: signed, or in any form the trap."""
        return len(self.calls("dynamodb")) + len(self.calls("s3")) + len(self.trap.seen)

    def refuses(self, request, codes=DENIED, text="", parser=None):
        """Sends it: the error is one that its client can read and does not send again, and nothing reached a target."""
        before = self.reached()
        answer = request.send()
        code, message = answer.error(parser or request.parser)
        assert code in codes, (code, message)
        assert text.lower() in message.lower(), message
        assert answer.status == (400 if code in INVALID else 403), (answer.status, code, message)
        assert not is_retried(answer.status, code)
        assert self.reached() == before
        return answer

    @contextlib.contextmanager
    def settling(self):
        """One call is made meanwhile; waits until the record says how it ended, and leaves that entry in the list."""
        ended = ("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log WHERE type IN ('holdpoint.operation.refused', "
                 "'holdpoint.operation.completed') ORDER BY index")
        before, found = len(self.sql(ended)), []
        yield found
        rows = harness.wait_for(lambda: self.sql(ended)[before:], "the end of the call in the record")
        found.append(json.loads(rows[0]["entry"]))

    def refusal(self, request_id, type_="holdpoint.operation.refused"):
        """The record's entry about this request."""
        def find():
            found = [entry for entry in self.entries() if entry["subject"] == request_id and entry["type"] == type_]
            return found[0]["data"] if found else None
        return harness.wait_for(find, f"{type_} about {request_id} in the record")

    def entries(self):
        # The newest thousand: a request of a moment ago is among them.
        rows = self.sql("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log ORDER BY index DESC LIMIT 1000")
        return [json.loads(row["entry"]) for row in rows]


class Wire:
    """One protocol: a service that speaks it, a call that would be allowed, and how its errors are parsed."""

    def __init__(self, name, service, parser, method, target, body=b"", **headers):
        self.name, self.service, self.parser, self.method, self.target = name, service, parser, method, target
        self.body = body
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}


FORM = "application/x-www-form-urlencoded; charset=utf-8"
GET_ITEM = b'{"TableName":"orders","Key":{"id":{"S":"1001"}}}'
WIRES = [
    Wire("json", "dynamodb", "json", "POST", "/", GET_ITEM, Content_Type="application/x-amz-json-1.0",
         X_Amz_Target="DynamoDB_20120810.GetItem"),
    Wire("query", "sns", "query", "POST", "/", b"Action=ListTopics&Version=2010-03-31", Content_Type=FORM),
    Wire("ec2", "ec2", "ec2", "POST", "/", b"Action=DescribeInstances&Version=2016-11-15", Content_Type=FORM),
    Wire("rest-json", "lambda", "rest-json", "POST", "/2015-03-31/functions/f/invocations", b'{"a":1}'),
    Wire("rest-xml", "route53", "rest-xml", "GET", "/2013-04-01/hostedzone"),
    Wire("s3", "s3", "rest-xml", "PUT", "/reports/new.txt", b"new", Content_Type="text/plain"),
]
wire = {each.name: each for each in WIRES}
# Calls that policy holds for people.
HELD = [
    Wire("json", "dynamodb", "json", "POST", "/", b'{"TableName":"scratch"}', Content_Type="application/x-amz-json-1.0",
         X_Amz_Target="DynamoDB_20120810.DeleteTable"),
    Wire("query", "sns", "query", "POST", "/", b"Action=DeleteTopic&Version=2010-03-31"
         b"&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At", Content_Type=FORM),
    Wire("ec2", "ec2", "ec2", "POST", "/", b"Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1", Content_Type=FORM),
    Wire("rest-json", "lambda", "rest-json", "DELETE", "/2015-03-31/functions/f"),
    Wire("rest-xml", "route53", "rest-xml", "DELETE", "/2013-04-01/hostedzone/Z1"),
    Wire("s3", "s3", "rest-xml", "DELETE", "/reports/new.txt"),
]
# Calls with a body that must be read to know what they ask for, where the one above has none.
WITH_BODY = {**wire,
             "rest-json": Wire("rest-json", "lambda", "rest-json", "POST", "/2015-03-31/functions/f/aliases",
                               b'{"Name":"live","FunctionVersion":"1"}'),
             "rest-xml": Wire("rest-xml", "route53", "rest-xml", "POST", "/2013-04-01/hostedzone",
                              b"<CreateHostedZoneRequest/>", Content_Type="text/xml"),
             "s3": Wire("s3", "s3", "rest-xml", "POST", "/reports?delete", b"<Delete/>", Content_Type="application/xml")}


class Signer(botocore.auth.SigV4Auth):
    """botocore's, with a clock of its own choosing, and headers left out."""

    def __init__(self, credentials, service, region, at, unsigned=()):
        super().__init__(credentials, service, region)
        self.at, self.unsigned = at, unsigned

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        for name in self.unsigned:
            del headers[name]
        return headers

    def add_auth(self, request):
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.at))
        self._modify_request_before_signing(request)
        signature = self.signature(self.string_to_sign(request, self.canonical_request(request)), request)
        self._inject_signature_to_request(request, signature)


class Request:
    """A signed request as head lines and body, to be spoilt before or after signing."""

    def __init__(self, deployment, credentials, wire_, **change):
        self.deployment, self.parser = deployment, wire_.parser
        self.method = change.pop("method", wire_.method)
        self.target = change.pop("target", wire_.target)
        self.body = change.pop("body", wire_.body)
        service = change.pop("service", wire_.service)
        host = change.pop("host", f"127.0.0.1:{deployment.gateway_port}")
        headers = {**wire_.headers, **change.pop("headers", {})}
        request = botocore.awsrequest.AWSRequest(method=self.method, url=f"http://{host}{self.target}", data=self.body,
                                                 headers=headers)
        request.headers["X-Amz-Content-SHA256"] = change.pop("payload", hashlib.sha256(self.body).hexdigest())
        Signer(credentials, service, change.pop("region", "eu-west-1"), time.time() + change.pop("skew", 0),
               change.pop("unsigned", ())).add_auth(request)
        assert not change, change
        self.headers = {"Host": host, "Content-Length": str(len(self.body)), **dict(request.headers.items())}

    def bytes(self):
        head = f"{self.method} {self.target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in self.headers.items())
        return head.encode("utf-8") + b"\r\n" + self.body

    def send(self):
        return exchange(self.deployment, self.bytes(), self.method)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")

    def error(self, parser):
        """Code and text as botocore hands them to the caller; fails when it cannot read them."""
        parsed = botocore.parsers.create_parser(parser).parse(
            {"status_code": self.status, "headers": self.headers, "body": self.body}, None)
        error = parsed["Error"]
        assert error.get("Code") and error.get("Message"), (self.status, self.headers, self.body)
        return error["Code"], error["Message"]


def exchange(deployment, data, method="POST", timeout=40):
    """Sends bytes as they are and reads the one answer."""
    with socket.create_connection(("127.0.0.1", deployment.gateway_port), timeout=timeout) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


def is_retried(status, code):
    """Whether an SDK would send the same again: botocore's standard and legacy lists."""
    transient, throttled = standard.TransientRetryableChecker, standard.ThrottledRetryableChecker
    codes = set(transient._TRANSIENT_ERROR_CODES) | set(throttled._THROTTLED_ERROR_CODES)
    return status in (429, 500, 502, 503, 504, 509) or code in codes | {"RequestTimeoutException", "RequestInProgress"}


# Processes

@contextlib.contextmanager
def frozen(deployment, names):
    """SIGSTOP, by process id: there, and silent. The supervisor too, which would replace them."""
    known = witness.services(deployment)
    pids = [witness.supervisor(deployment), *(known[name]["pid"] for name in names)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
