"""Tokens and roles that give no session, through both ways to log in: refused in the way's own shape, and recorded."""

import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse

import botocore.credentials
import botocore.parsers
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import harness
import hostile


def make_deployment():
    return hostile.Deployment()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Forge:
    """The issuer's own key, in the wrong hands or with wrong claims."""

    def __init__(self, deployment):
        head, claims, _ = deployment.token().split(".")
        self.head, self.claims = json.loads(unb64(head)), json.loads(unb64(claims))
        identity = json.loads((deployment.var / "keys/issuer.json").read_text(encoding="utf-8"))
        self.key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(identity["seeds"][0]))
        self.own = Ed25519PrivateKey.generate()

    def sign(self, head=None, claims=None, key=None, drop=()):
        head = {name: value for name, value in {**self.head, **(head or {})}.items() if name not in drop}
        claims = {name: value for name, value in {**self.claims, **(claims or {})}.items() if name not in drop}
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{text}.{b64((key or self.key).sign(text.encode()))}"

    def jwk(self):
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(self.own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}

    def unsigned(self, algorithm):
        return f"{b64(json.dumps({**self.head, 'alg': algorithm}).encode())}.{b64(json.dumps(self.claims).encode())}."

    def hmac_with_the_public_key(self):
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        text = f"{b64(json.dumps({**self.head, 'alg': 'HS256'}).encode())}.{b64(json.dumps(self.claims).encode())}"
        return f"{text}.{b64(hmac.new(public, text.encode(), hashlib.sha256).digest())}"


@pytest.fixture(scope="module")
def forge(deployment):
    return Forge(deployment)


def container(deployment, token, role=harness.ROLE):
    connection = http.client.HTTPConnection("127.0.0.1", deployment.gateway_port, timeout=30)
    connection.request("GET", "/credentials?role=" + urllib.parse.quote(role), headers={"Authorization": token})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def web_identity(deployment, token, role=harness.ROLE):
    body = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role,
                                   "RoleSessionName": "agent-7", "WebIdentityToken": token}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", deployment.gateway_port, timeout=30)
    connection.request("POST", "/", body, {"Content-Type": hostile.FORM})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_a_good_token_logs_in_both_ways(deployment, forge):
    """The rows below prove nothing without this one."""
    assert container(deployment, forge.sign())[0] == 200
    assert web_identity(deployment, forge.sign())[0] == 200


HOUR = 3600
TOKENS = {
    "expired": lambda f: f.sign(claims={"exp": int(time.time()) - HOUR, "iat": int(time.time()) - 2 * HOUR}),
    "not yet valid": lambda f: f.sign(claims={"nbf": int(time.time()) + HOUR}),
    "without an end": lambda f: f.sign(drop=("exp",)),
    "with an end as text": lambda f: f.sign(claims={"exp": "never"}),
    "for another audience": lambda f: f.sign(claims={"aud": "somebody-else"}),
    "for reviewers": lambda f: f.sign(claims={"aud": "holdpoint-reviews"}),
    "without an audience": lambda f: f.sign(drop=("aud",)),
    "of another issuer": lambda f: f.sign(claims={"iss": "https://evil.example.com"}),
    "without an issuer": lambda f: f.sign(drop=("iss",)),
    "without a subject": lambda f: f.sign(drop=("sub",)),
    "alg none": lambda f: f.unsigned("none"),
    "alg None": lambda f: f.unsigned("nOnE"),
    "alg none with a signature": lambda f: f.sign(head={"alg": "none"}),
    "HMAC with the public key": lambda f: f.hmac_with_the_public_key(),
    "an embedded key": lambda f: f.sign(head={"jwk": f.jwk()}, key=f.own),
    "an embedded key without kid": lambda f: f.sign(head={"jwk": f.jwk()}, key=f.own, drop=("kid",)),
    "a key by address": lambda f: f.sign(head={"jku": "https://evil.example.com/jwks", "kid": "evil"}, key=f.own),
    "a certificate in the header": lambda f: f.sign(head={"x5c": ["MIIB"]}, key=f.own),
    "an unknown key": lambda f: f.sign(head={"kid": "evil"}),
    "another key under the right name": lambda f: f.sign(key=f.own),
    "critical extensions": lambda f: f.sign(head={"crit": ["exp"]}),
    "altered claims": lambda f: f.sign().split(".")[0] + "." + b64(json.dumps({**f.claims, "groups": ["sre"]}).encode()) + "."
    + f.sign().split(".")[2],
    "padding": lambda f: f.sign() + "=",
    "four parts": lambda f: f.sign() + ".x",
    "no token": lambda f: "hello",
    "very long": lambda f: "a" * 15000,
}


@pytest.mark.parametrize("make", TOKENS.values(), ids=TOKENS.keys())
def test_a_token_that_is_not_one(deployment, forge, make):
    token = make(forge)
    before = refusals(deployment)
    status, content = container(deployment, token)
    assert status in (400, 403), (status, content)
    assert content["code"] and content["message"]
    assert token not in content["message"]
    status, headers, body = web_identity(deployment, token)
    parsed = botocore.parsers.create_parser("query").parse({"status_code": status, "headers": headers, "body": body}, None)
    error = parsed["Error"]
    assert error["Code"] in ("AccessDenied", "ExpiredToken", "ValidationError", "SignatureDoesNotMatch"), error
    assert error["Message"] and not hostile.is_retried(status, error["Code"])
    assert token not in error["Message"]
    recorded = harness.wait_for(lambda: len(refusals(deployment)) >= len(before) + 2 and refusals(deployment),
                                "both refusals in the record")
    assert all(token not in json.dumps(entry) for entry in recorded)


def refusals(deployment):
    return [entry["data"] for entry in deployment.entries() if entry["type"] == "holdpoint.session.refused"]


@pytest.mark.parametrize("role", [hostile.OTHER_ROLE, "arn:aws:iam::123456789012:role/unknown",
                                  "arn:aws:iam::999999999999:role/coding-agent"])
def test_a_role_that_does_not_trust_the_caller_reads_like_one_that_does_not_exist(deployment, forge, role):
    status, content = container(deployment, forge.sign(), role)
    assert status == 403 and content["code"] == "AccessDenied"
    assert content["message"] == f"local:agent-7 may not become {role}"
    status, headers, body = web_identity(deployment, forge.sign(), role)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body and f"may not become {role}".encode() in body
    harness.wait_for(lambda: [entry for entry in refusals(deployment) if role == entry.get("role_arn")], "it is recorded")


def test_a_group_that_the_trust_does_not_name(deployment, forge):
    assert container(deployment, forge.sign(claims={"groups": ["strangers"]}))[0] == 403
    assert container(deployment, forge.sign(claims={"groups": "agents-not"}))[0] in (400, 403)
    assert container(deployment, forge.sign(drop=("groups",)))[0] == 403


def test_a_session_that_ended_or_was_revoked_says_so(deployment):
    """A client that keeps old credentials must be told to log in again, not to try again."""
    credentials = deployment.login()
    request = hostile.Request(deployment, credentials, hostile.wire["json"])
    assert request.send().status == 200
    deployment.holdpoint("revoke principal local:agent-7")

    def is_refused():
        answer = hostile.Request(deployment, credentials, hostile.wire["json"]).send()
        return answer if answer.status != 200 else None
    answer = harness.wait_for(is_refused, "the session is refused", 10)
    code, message = answer.error("json")
    assert code == "UnrecognizedClientException" and "revoked" in message
    assert not hostile.is_retried(answer.status, code)
    assert container(deployment, deployment.token())[0] == 403
    deployment.holdpoint("revoke principal local:agent-7 --undo")
    harness.wait_for(lambda: container(deployment, deployment.token())[0] == 200, "access is given back", 10)


def assume(deployment, credentials, role=hostile.OTHER_ROLE):
    body = urllib.parse.urlencode({"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role,
                                   "RoleSessionName": "further"}).encode()
    wire = hostile.Wire("sts", "sts", "query", "POST", "/", body, Content_Type=hostile.FORM)
    return hostile.Request(deployment, credentials, wire).send()


def test_revoking_a_session_ends_what_was_assumed_from_it(deployment):
    token = deployment.token("agent-9")
    credentials = deployment.login(token)
    answer = assume(deployment, credentials)
    assert answer.status == 200, answer.body
    text = answer.body.decode()
    further = botocore.credentials.Credentials(*(text.split(f"<{name}>")[1].split("<")[0] for name in
                                                 ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    assert further.access_key.startswith("HOLD")
    assert hostile.Request(deployment, further, hostile.wire["json"]).send().status == 200

    def first():
        started = [entry["data"] for entry in deployment.entries() if entry["type"] == "holdpoint.session.started"]
        return [each for each in started if each["principal"] == "local:agent-9" and each["via"] == "container"]
    session = harness.wait_for(first, "the first session in the record")[0]["session_id"]
    deployment.holdpoint(["revoke", "session", session])

    def is_refused():
        answer = hostile.Request(deployment, further, hostile.wire["json"]).send()
        return answer if answer.status != 200 else None
    answer = harness.wait_for(is_refused, "the assumed session is refused", 10)
    assert "revoked" in answer.error("json")[1]
    assert assume(deployment, further).status == 403
    assert hostile.Request(deployment, deployment.login(token), hostile.wire["json"]).send().status == 200
