"""Signed requests that are wrong in one way each, in every protocol: a clear error in its shape, nothing reaches the
target, SDKs do not send it again, and the record tells. The rows of other kinds are in bad_login_test.py,
bad_bytes_test.py and outage_test.py.
"""

import json

import botocore.credentials
import pytest

import harness
import hostile


def make_deployment():
    return hostile.Deployment()


def refused(deployment, request, codes, text="", decision=None, parser=None):
    """What every row promises: the error, nothing at the target, an entry in the record."""
    answer = deployment.refuses(request, codes, text, parser)
    entry = deployment.refusal(answer.request_id)
    assert entry["status"] == answer.status and entry["reason"]
    assert entry["decision"] == decision if decision else entry["decision"] in ("denied", "invalid"), entry
    return entry


ALL = pytest.mark.parametrize("wire", hostile.WIRES, ids=lambda wire: wire.name)


@ALL
def test_what_is_right_reaches_the_target_and_is_on_record(deployment, credentials, wire):
    """The rows below prove nothing without this one."""
    before = deployment.reached()
    with deployment.settling() as ended:
        answer = hostile.Request(deployment, credentials, wire).send()
    assert answer.status == 200, answer.body
    assert deployment.reached() == before + 1
    assert ended[0]["data"]["outcome"] == "done" and ended[0]["data"]["status"] == 200, ended


@ALL
def test_an_unknown_access_key(deployment, wire):
    stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40, "token")
    refused(deployment, hostile.Request(deployment, stranger, wire),
            {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, "access key", "unauthenticated")


@ALL
def test_an_access_key_with_anothers_session_token(deployment, credentials, wire):
    other = deployment.login(deployment.token("agent-8"))
    mixed = botocore.credentials.Credentials(credentials.access_key, credentials.secret_key, other.token)
    refused(deployment, hostile.Request(deployment, mixed, wire),
            {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, "session token", "unauthenticated")


@ALL
def test_a_bad_signature(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire)
    authorization = request.headers["Authorization"]
    request.headers["Authorization"] = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    refused(deployment, request, {"InvalidSignatureException", "SignatureDoesNotMatch"}, "signature", "unauthenticated")


@pytest.mark.parametrize("wire", [wire for wire in hostile.WIRES if wire.body], ids=lambda wire: wire.name)
def test_a_body_that_was_swapped_under_a_kept_hash(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire)
    request.body = bytes(reversed(request.body))
    answer = deployment.refuses(request, {"InvalidSignatureException", "SignatureDoesNotMatch"}, "sha-256")
    # A body that streams had set out before its last byte told.
    kind = "completed" if wire.name in ("s3", "rest-json") else "refused"
    assert deployment.refusal(answer.request_id, "holdpoint.operation." + kind)


def test_a_swapped_upload_never_becomes_an_object(deployment, credentials):
    """Long enough that most of it has left before the hash is known: the target must not take it for a whole."""
    wire = hostile.wire["s3"]
    request = hostile.Request(deployment, credentials, wire, target="/reports/swapped.bin", body=b"a" * 3_000_000)
    request.body = b"a" * 2_999_999 + b"b"
    before = deployment.reached()
    answer = request.send()
    assert answer.error("rest-xml")[0] == "SignatureDoesNotMatch"
    assert deployment.reached() == before
    done = deployment.refusal(answer.request_id, "holdpoint.operation.completed")
    assert done["outcome"] == "failed", done


@ALL
@pytest.mark.parametrize("skew", [-3600, 3600, -25 * 365 * 86400], ids=["an hour ago", "in an hour", "decades ago"])
def test_a_date_outside_the_window(deployment, credentials, wire, skew):
    refused(deployment, hostile.Request(deployment, credentials, wire, skew=skew),
            {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}, "signature", "unauthenticated")


@ALL
@pytest.mark.parametrize("name", ["X-Amz-Meta-Extra", "X-Amz-Acl"])
def test_a_header_that_had_to_be_signed(deployment, credentials, wire, name):
    request = hostile.Request(deployment, credentials, wire)
    request.headers[name] = "public-read"
    refused(deployment, request, hostile.INVALID, "not signed", "invalid")


@ALL
def test_a_signature_that_leaves_the_host_open(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, unsigned=("host",))
    refused(deployment, request, hostile.INVALID, "Host header must be signed", "invalid")


CONTRADICTIONS = {"json": ("sqs", "json"), "query": ("iam", "query"), "ec2": ("sns", "query"),
                  "rest-json": ("route53", "rest-xml"), "rest-xml": ("lambda", "rest-json"), "s3": ("dynamodb", "json")}


@ALL
def test_a_scope_that_contradicts_the_target(deployment, credentials, wire):
    """The signature names another service than the request is made for: the answer has that service's shape."""
    service, parser = CONTRADICTIONS[wire.name]
    request = hostile.Request(deployment, credentials, wire, service=service)
    refused(deployment, request, hostile.DENIED | hostile.INVALID, parser=parser)


@ALL
def test_a_header_that_the_operation_does_not_model(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, headers={"X-Amz-Surprise": "1"})
    refused(deployment, request, hostile.DENIED, "does not model the header", "denied")


@ALL
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"])
def test_a_method_or_path_override(deployment, credentials, wire, name):
    request = hostile.Request(deployment, credentials, wire, headers={name: "DELETE"})
    refused(deployment, request, hostile.DENIED, "does not model the header", "denied")


UNCLASSIFIABLE = {
    "json": {"headers": {"X-Amz-Target": "DynamoDB_20120810.DropEverything"}},
    "query": {"body": b"Action=DropEverything&Version=2010-03-31"},
    "ec2": {"body": b"Action=DescribeInstances&Version=1999-01-01"},
    "rest-json": {"target": "/2015-03-31/nothing/here"},
    "rest-xml": {"target": "/2013-04-01/nothing"},
    "s3": {"target": "/reports/new.txt?unknown-subresource"},
}


@ALL
def test_an_operation_that_nobody_knows(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, **UNCLASSIFIABLE[wire.name])
    refused(deployment, request, hostile.DENIED | hostile.INVALID, decision="invalid" if wire.name != "s3" else None)


@ALL
def test_a_service_that_nobody_knows(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, service="skynet")
    refused(deployment, request, hostile.DENIED, "skynet", parser="json" if wire.name == "json" else "query")


@ALL
@pytest.mark.parametrize("region", ["us-east-1", "evil.example.com", "eu-west-1.evil", "x@y", "local"])
def test_a_region_that_is_not_the_targets(deployment, credentials, wire, region):
    """us-east-1 is real, and not in the target's list; the others try to become part of a host name."""
    refused(deployment, hostile.Request(deployment, credentials, wire, region=region), hostile.DENIED | hostile.INVALID)


TOO_LARGE = {"json": b'{"TableName":"' + b"a" * 25_000_000 + b'"}',
             "query": b"Action=ListTopics&Version=2010-03-31&NextToken=" + b"a" * 9_000_000,
             "ec2": b"Action=DescribeInstances&Version=2016-11-15&NextToken=" + b"a" * 9_000_000,
             "rest-json": b'{"Name":"' + b"a" * 17_000_000 + b'"}',
             "rest-xml": b"<CreateHostedZoneRequest><Name>" + b"a" * 9_000_000 + b"</Name></CreateHostedZoneRequest>",
             "s3": b"<Delete><Object><Key>" + b"a" * 5_000_000 + b"</Key></Object></Delete>"}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_body_that_is_too_large(deployment, credentials, name):
    request = hostile.Request(deployment, credentials, hostile.WITH_BODY[name], body=TOO_LARGE[name])
    request.headers["Expect"] = "100-continue"
    # As a patient client: only the head, which says it all.
    whole, request.body = request.body, b""
    refused(deployment, request, hostile.INVALID, "larger than", "invalid")
    request.body = whole
    deployment.refuses(request, hostile.INVALID, "larger than")


# With a member and an object of the operation in place of NAME and OBJECT.
MALFORMED = {
    "not JSON": b"{", "no object": b"[]", "a duplicate key": b'{"NAME":"scratch","NAME":"orders"}',
    "a duplicate key inside": b'{"NAME":"orders","OBJECT":{"id":{"S":"1"},"id":{"S":"2"}}}',
    "an escaped duplicate": b'{"NAME":"scratch","\\u004eAME":"orders"}',
    "deep nesting": b'{"NAME":"orders","OBJECT":' + b'{"M":' * 5000 + b"{}" + b"}" * 5000 + b"}",
    "two documents": b'{"NAME":"orders"}{}', "invalid UTF-8": b'{"NAME":"ord\xff"}', "a NUL": b'{"NAME":"orders"}\x00',
    "a byte order mark": b'\xef\xbb\xbf{"NAME":"orders"}', "a lone surrogate": b'{"NAME":"\\ud800"}',
    "a member in another case": b'{"NAME":"orders","OTHER":"scratch"}', "a number too large": b'{"NAME":1e999}',
}
JSON_MEMBERS = {"json": (b"TableName", b"Key"), "rest-json": (b"Name", b"RoutingConfig")}


@pytest.mark.parametrize("name", JSON_MEMBERS)
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_json_that_two_readers_could_read_differently(deployment, credentials, name, body):
    member, inside = JSON_MEMBERS[name]
    body = body.replace(b"\\u004eAME", b"\\u%04x" % member[0] + member[1:]).replace(b"NAME", member).replace(b"OTHER", member.lower()).replace(b"OBJECT", inside)
    request = hostile.Request(deployment, credentials, hostile.WITH_BODY[name], body=body)
    refused(deployment, request, hostile.INVALID | hostile.DENIED)


# ROOT, LIST, LEAF and TWICE as above.
XML = {
    "no XML": b"<ROOT", "text": b"Delete", "two roots": b"<ROOT/><ROOT/>", "two values of one member": b"TWICE",
    "a document type": b'<!DOCTYPE ROOT [<!ENTITY a "b">]><ROOT><LIST><LEAF>&a;</LEAF></LIST></ROOT>',
    "deep nesting": b"<ROOT>" + b"<LIST>" * 5000 + b"</LIST>" * 5000 + b"</ROOT>",
    "invalid UTF-8": b"<ROOT><LIST><LEAF>\xff</LEAF></LIST></ROOT>",
    "another encoding": b'<?xml version="1.0" encoding="UTF-7"?><ROOT><LIST><LEAF>+ADw-</LEAF></LIST></ROOT>',
    "entities without end": b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><ROOT><LEAF>&b;</LEAF></ROOT>',
}
XML_MEMBERS = {"s3": (b"Delete", b"Object", b"Key", b"<ROOT><LIST><LEAF>a</LEAF><LEAF>b</LEAF></LIST></ROOT>"),
               "rest-xml": (b"CreateHostedZoneRequest", b"HostedZoneConfig", b"Comment",
                            b"<ROOT><Name>a.example</Name><Name>b.example</Name></ROOT>")}


@pytest.mark.parametrize("name", XML_MEMBERS)
@pytest.mark.parametrize("body", XML.values(), ids=XML.keys())
def test_xml_that_two_readers_could_read_differently(deployment, credentials, name, body):
    root, inside, leaf, twice = XML_MEMBERS[name]
    for word, member in ((b"TWICE", twice), (b"ROOT", root), (b"LIST", inside), (b"LEAF", leaf)):
        body = body.replace(word, member)
    request = hostile.Request(deployment, credentials, hostile.WITH_BODY[name], body=body)
    refused(deployment, request, hostile.INVALID | hostile.DENIED)


FORMS = {"a parameter twice": b"%s&Action=DeleteTopic", "a broken escape": b"%s&NextToken=%%zz",
         "invalid UTF-8": b"%s&NextToken=%%ff", "deep nesting": b"%s&A" + b".1" * 5000 + b"=x",
         "a second action in lower case": b"%s&action=DeleteTopic",
         "no action": b"Version=2010-03-31"}


@pytest.mark.parametrize("name", ["query", "ec2"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_form_that_two_readers_could_read_differently(deployment, credentials, name, form):
    wire = hostile.wire[name]
    body = form % wire.body if b"%s" in form else form
    refused(deployment, hostile.Request(deployment, credentials, wire, body=body), hostile.INVALID | hostile.DENIED)


@pytest.mark.parametrize("target", ["/reports/../secrets/x", "/reports/%2e%2e/secrets/x", "//reports/x", "/reports/a%00b",
                                    "/reports/%ff"])
def test_a_path_that_leads_elsewhere(deployment, credentials, target):
    """S3 keys may look like this; then they stay keys of that bucket, byte for byte, or the request is refused."""
    wire = hostile.wire["s3"]
    before = len(deployment.calls("s3"))
    answer = hostile.Request(deployment, credentials, wire, target=target).send()
    for call in deployment.calls("s3")[before:]:
        assert call["path"].startswith("/reports/") and "/secrets" not in call["path"].replace("%2F", "/").replace(
            "/reports/%2E%2E/secrets", "").replace("/reports/../secrets", ""), call
    if answer.status >= 300:
        assert answer.error("rest-xml")[0]


def test_calls_of_sts_that_would_hand_out_real_credentials(deployment, credentials):
    """Signed in the header or in the query: nothing for sts takes the way to a target."""
    form = {"Content-Type": hostile.FORM}
    for action in ("GetDelegatedAccessToken", "GetWebIdentityToken", "AssumeRoot", "DecodeAuthorizationMessage"):
        wire = hostile.Wire("sts", "sts", "query", "POST", "/", f"Action={action}&Version=2011-06-15".encode(), **form)
        request = hostile.Request(deployment, credentials, wire)
        refused(deployment, request, hostile.DENIED)


def test_presigned_calls_of_sts_stay_here_too(deployment, credentials):
    import boto3
    import botocore.config

    client = boto3.client("sts", endpoint_url=deployment.gateway, region_name="eu-west-1",
                          aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
                          aws_session_token=credentials.token, config=botocore.config.Config(proxies={}))
    before = deployment.reached()
    for operation, parameters, status in (
            ("get_caller_identity", {}, 200), ("get_session_token", {}, 403),
            ("assume_role", {"RoleArn": hostile.OTHER_ROLE + "-unknown", "RoleSessionName": "x1"}, 403),
            ("get_federation_token", {"Name": "xx"}, 403)):
        url = client.generate_presigned_url(operation, Params=parameters, HttpMethod="GET")
        target = url.removeprefix(deployment.gateway)
        answer = hostile.exchange(deployment, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{deployment.gateway_port}\r\n\r\n"
                                  .encode(), "GET")
        assert answer.status == status, (operation, answer.status, answer.body)
        assert b"<SecretAccessKey>" not in answer.body
    assert deployment.reached() == before


def test_the_record_has_what_was_known_of_each(deployment):
    rows = deployment.sql("SELECT * FROM audit.denials")
    known = {decision: [row for row in rows if row["decision"] == decision] for decision in ("unauthenticated", "invalid", "denied")}
    assert all(row["principal"] is None for row in known["unauthenticated"] if "access key" in row["reason"])
    for decision in ("invalid", "denied"):
        assert [row for row in known[decision] if (row["principal"], row["role_arn"]) == ("local:agent-7", harness.ROLE)]
