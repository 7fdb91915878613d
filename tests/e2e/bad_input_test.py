"""Signed requests that are wrong in one way each, in every protocol: a clear error in its shape, nothing reaches the
target, SDKs do not send it again, and the record tells. The rows of other kinds are in bad_login_test.py,
bad_bytes_test.py and outage_test.py.
"""

import json

import botocore.credentials
import pytest

import harness
import hostile


@pytest.fixture(scope="module")
def deployment():
    made = hostile.Deployment()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def credentials(deployment):
    return deployment.login()


def refused(deployment, request, wire, codes, text, decision=None, status=403, parser=None):
    """Sends it, and checks everything that every row promises."""
    before = deployment.reached()
    answer = request.send()
    code, message = answer.error(parser or wire.parser)
    assert code in codes, (code, message)
    assert text.lower() in message.lower(), message
    assert answer.status == status, (answer.status, code, message)
    assert not hostile.is_retried(answer.status, code)
    assert deployment.reached() == before
    entry = deployment.refusal(answer.request_id)
    assert entry["status"] == answer.status and entry["reason"]
    if decision:
        assert entry["decision"] == decision, entry
    return entry


ALL = pytest.mark.parametrize("wire", hostile.WIRES, ids=lambda wire: wire.name)
DENIED = {"AccessDeniedException", "AccessDenied"}
INVALID = {"ValidationException", "ValidationError", "InvalidRequest", "EntityTooLarge"}


@ALL
def test_what_is_right_reaches_the_target_and_is_on_record(deployment, credentials, wire):
    """The rows below prove nothing without this one."""
    before = deployment.reached()
    answer = hostile.Request(deployment, credentials, wire).send()
    assert answer.status == 200, answer.body
    assert deployment.reached() == before + 1


@ALL
def test_an_unknown_access_key(deployment, wire):
    stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", "x" * 40, "token")
    refused(deployment, hostile.Request(deployment, stranger, wire), wire,
            {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, "access key", "unauthenticated")


@ALL
def test_an_access_key_with_anothers_session_token(deployment, credentials, wire):
    other = deployment.login(deployment.token("agent-8"))
    mixed = botocore.credentials.Credentials(credentials.access_key, credentials.secret_key, other.token)
    refused(deployment, hostile.Request(deployment, mixed, wire), wire,
            {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}, "session token", "unauthenticated")


@ALL
def test_a_bad_signature(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire)
    authorization = request.headers["Authorization"]
    request.headers["Authorization"] = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    refused(deployment, request, wire, {"InvalidSignatureException", "SignatureDoesNotMatch"}, "signature", "unauthenticated")


@pytest.mark.parametrize("wire", [wire for wire in hostile.WIRES if wire.body], ids=lambda wire: wire.name)
def test_a_body_that_was_swapped_under_a_kept_hash(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire)
    request.body = bytes(reversed(request.body))
    before = deployment.reached()
    answer = request.send()
    code, message = answer.error(wire.parser)
    assert code in {"InvalidSignatureException", "SignatureDoesNotMatch"}, (code, message)
    assert "sha-256" in message.lower()
    assert answer.status == 403 and not hostile.is_retried(answer.status, code)
    assert deployment.reached() == before


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
    refused(deployment, hostile.Request(deployment, credentials, wire, skew=skew), wire,
            {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}, "signature", "unauthenticated")


@ALL
@pytest.mark.parametrize("name", ["X-Amz-Meta-Extra", "X-Amz-Acl"])
def test_a_header_that_had_to_be_signed(deployment, credentials, wire, name):
    request = hostile.Request(deployment, credentials, wire)
    request.headers[name] = "public-read"
    refused(deployment, request, wire, INVALID, "not signed", "invalid", status=400)


CONTRADICTIONS = {
    "json": {"service": "sqs"}, "query": {"service": "iam"}, "ec2": {"service": "sns"}, "rest-json": {"service": "route53"},
    "rest-xml": {"service": "lambda"}, "s3": {"service": "dynamodb"},
}


@ALL
def test_a_scope_that_contradicts_the_target(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, **CONTRADICTIONS[wire.name])
    before = deployment.reached()
    answer = request.send()
    other = next(iter(CONTRADICTIONS[wire.name].values()))
    parser = {"sqs": "json", "iam": "query", "sns": "query", "route53": "rest-xml", "lambda": "rest-json",
              "dynamodb": "json"}[other]
    code, message = answer.error(parser if wire.name != "s3" else "query")
    assert answer.status in (400, 403) and not hostile.is_retried(answer.status, code), (code, message)
    assert deployment.reached() == before
    assert deployment.refusal(answer.request_id)["decision"] in ("denied", "invalid")


@ALL
def test_a_header_that_the_operation_does_not_model(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, headers={"X-Amz-Surprise": "1"})
    refused(deployment, request, wire, DENIED, "does not model the header", "denied")


@ALL
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Original-URL", "X-Rewrite-URL"])
def test_a_method_or_path_override(deployment, credentials, wire, name):
    request = hostile.Request(deployment, credentials, wire, headers={name: "DELETE"})
    refused(deployment, request, wire, DENIED, "does not model the header", "denied")


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
    refused(deployment, request, wire, DENIED | INVALID, "", "invalid" if wire.name != "s3" else None,
            status=request.send().status)


@ALL
def test_a_service_that_nobody_knows(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, service="skynet")
    before = deployment.reached()
    answer = request.send()
    code, message = answer.error("json" if wire.name == "json" else "query")
    assert code in DENIED and "skynet" in message
    assert deployment.reached() == before


@ALL
@pytest.mark.parametrize("region", ["us-east-1", "evil.example.com", "eu-west-1.evil", "x@y", "local"])
def test_a_region_that_is_not_the_targets(deployment, credentials, wire, region):
    """us-east-1 is real, and not in the target's list; the others try to become part of a host name."""
    before = deployment.reached()
    answer = hostile.Request(deployment, credentials, wire, region=region).send()
    code, message = answer.error(wire.parser)
    assert code in DENIED | INVALID, (code, message)
    assert not hostile.is_retried(answer.status, code)
    assert deployment.reached() == before
    assert deployment.refusal(answer.request_id)["status"] == answer.status


TOO_LARGE = {"json": b'{"TableName":"' + b"a" * 25_000_000 + b'"}',
             "query": b"Action=ListTopics&Version=2010-03-31&NextToken=" + b"a" * 9_000_000,
             "ec2": b"Action=DescribeInstances&Version=2016-11-15&NextToken=" + b"a" * 9_000_000}


@pytest.mark.parametrize("wire", [hostile.wire[name] for name in TOO_LARGE], ids=TOO_LARGE)
def test_a_body_that_is_too_large(deployment, credentials, wire):
    request = hostile.Request(deployment, credentials, wire, body=TOO_LARGE[wire.name])
    request.headers["Expect"] = "100-continue"
    # As a patient client: only the head, which says it all.
    whole, request.body = request.body, b""
    refused(deployment, request, wire, INVALID, "larger than", "invalid", status=400)
    request.body = whole
    answer = request.send()
    assert answer.error(wire.parser)[0] in INVALID


MALFORMED = {
    "not JSON": b"{", "no object": b"[]", "a duplicate key": b'{"TableName":"scratch","TableName":"orders","Key":{"id":{"S":"1"}}}',
    "a duplicate key inside": b'{"TableName":"orders","Key":{"id":{"S":"1"},"id":{"S":"2"}}}',
    "an escaped duplicate": b'{"TableName":"scratch","T\\u0061bleName":"orders","Key":{"id":{"S":"1"}}}',
    "deep nesting": b'{"TableName":"orders","Key":' + b'{"M":' * 5000 + b"{}" + b"}" * 5000 + b"}",
    "two documents": b'{"TableName":"orders","Key":{"id":{"S":"1"}}}{}', "invalid UTF-8": b'{"TableName":"ord\xff"}',
    "a NUL": b'{"TableName":"orders"}\x00', "a byte order mark": b'\xef\xbb\xbf{"TableName":"orders"}',
    "a lone surrogate": b'{"TableName":"\\ud800"}', "a member nobody models": b'{"TableName":"orders","tablename":"scratch"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_json_that_two_readers_could_read_differently(deployment, credentials, body):
    wire = hostile.wire["json"]
    request = hostile.Request(deployment, credentials, wire, body=body)
    entry = refused(deployment, request, wire, INVALID | DENIED, "", status=request.send().status)
    assert entry["decision"] in ("invalid", "denied")


XML = {
    "no XML": b"<Delete", "another root": b"<Other/>", "a document type":
    b'<!DOCTYPE Delete [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    "deep nesting": b"<Delete>" + b"<Object>" * 5000 + b"</Object>" * 5000 + b"</Delete>",
    "two values of one member": b"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
    "invalid UTF-8": b"<Delete><Object><Key>\xff</Key></Object></Delete>",
    "entities without end": b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Delete><Quiet>&b;</Quiet></Delete>',
}


@pytest.mark.parametrize("body", XML.values(), ids=XML.keys())
def test_xml_that_two_readers_could_read_differently(deployment, credentials, body):
    wire = hostile.wire["s3"]
    request = hostile.Request(deployment, credentials, wire, method="POST", target="/reports?delete", body=body,
                              headers={"Content-Type": "application/xml"})
    entry = refused(deployment, request, wire, INVALID | DENIED, "", status=request.send().status)
    assert entry["decision"] in ("invalid", "denied")


FORMS = {"a parameter twice": b"Action=ListTopics&Version=2010-03-31&Action=DeleteTopic",
         "a broken escape": b"Action=ListTopics&Version=2010-03-31&NextToken=%zz",
         "invalid UTF-8": b"Action=ListTopics&Version=2010-03-31&NextToken=%ff", "no action": b"Version=2010-03-31"}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_a_form_that_two_readers_could_read_differently(deployment, credentials, body):
    wire = hostile.wire["query"]
    refused(deployment, hostile.Request(deployment, credentials, wire, body=body), wire, INVALID, "", "invalid", status=400)


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
    for action in ("GetSessionToken", "GetFederationToken", "AssumeRoot", "DecodeAuthorizationMessage"):
        wire = hostile.Wire("sts", "sts", "query", "POST", "/", f"Action={action}&Version=2011-06-15".encode(), **form)
        request = hostile.Request(deployment, credentials, wire)
        refused(deployment, request, wire, DENIED, "", status=403)


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
    rows = deployment.sql("SELECT reason, decision FROM audit.denials")
    assert {"unauthenticated", "invalid", "denied"} <= {row["decision"] for row in rows}
    text = json.dumps(rows)
    assert harness.ROLE in text and "session token" in text
