"""Issuers whose keys are fetched: over TLS from their own address, again when they rotate, and never at a token's word."""

import base64
import concurrent.futures
import http.server
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import harness

WRAPPER = """#include <unistd.h>
#include <vector>
int main(int count, char** words) {
  std::vector<char*> all(words, words + count);
  for (const char* each : {"--upstream-ca", "AUTHORITIES"}) all.push_back(const_cast<char*>(each));
  all.push_back(nullptr);
  return execv("PROGRAM", all.data());
}
"""
AGAIN = 10  # seconds between two fetches from one issuer, whatever tokens come


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer(http.server.ThreadingHTTPServer):
    """An OpenID provider's discovery and keys, with what a test wants to be wrong about them."""

    daemon_threads = True

    def __init__(self, name, certificate=None, key=None):
        super().__init__(("127.0.0.1", 0), IssuerHandler)
        self.name, self.keys, self.seen = name, {}, []
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server_address[1]}"
        self.says = self.url
        self.jwks_uri = self.url + "/keys"
        self.status, self.padding = 200, ""
        self.answering = threading.Event()
        self.answering.set()
        self.rotate("first")
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that does not trust the certificate ends the handshake."""

    def rotate(self, kid):
        self.keys = {kid: Ed25519PrivateKey.generate()}

    def jwks(self):
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid,
                          "x": b64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
                         for kid, key in self.keys.items()], "padding": self.padding}

    def token(self, kid=None, key=None, **claims):
        kid = kid or next(iter(self.keys))
        now = int(time.time())
        body = {"iss": self.url, "sub": "ci-job", "aud": "holdpoint", "groups": ["agents"], "iat": now, "exp": now + 600,
                **claims}
        text = f"{b64(json.dumps({'alg': 'EdDSA', 'typ': 'JWT', 'kid': kid}).encode())}.{b64(json.dumps(body).encode())}"
        return f"{text}.{b64((key or self.keys[kid]).sign(text.encode()))}"


class IssuerHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        issuer = self.server
        issuer.seen.append(self.path)
        issuer.answering.wait(30)
        if self.path == "/.well-known/openid-configuration":
            body = {"issuer": issuer.says, "jwks_uri": issuer.jwks_uri}
        else:
            body = issuer.jwks()
        content = json.dumps(body).encode()
        self.send_response(issuer.status)
        if issuer.status in (301, 302):
            self.send_header("Location", issuer.url + "/elsewhere")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *arguments):
        """What came is in `seen`."""


def openssl(*arguments):
    subprocess.run(["/usr/bin/openssl", *arguments], check=True, capture_output=True)


class Deployment(harness.Deployment):
    """One issuer behind a certificate that the gateway trusts, one behind its own, others plain on loopback."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        folder = self.folder / "authority"
        folder.mkdir(mode=0o755)
        for name in ("trusted", "stranger"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / f"{name}.key"),
                    "-out", str(folder / f"{name}.pem"))
        self.issuers = {name: Issuer(name, folder / f"{name}.pem", folder / f"{name}.key") for name in ("trusted", "stranger")}
        self.issuers |= {name: Issuer(name) for name in ("plain", "other", "moved", "large", "flooded", "slow", "direct")}
        # The same programs; the gateway trusts the test's authority, as an operator's would the company's.
        programs = self.folder / "bin"
        programs.mkdir(mode=0o755)
        for program in harness.BIN.iterdir():
            if program.name.startswith("holdpoint") and program.name != "holdpoint-gateway":
                shutil.copy(program, programs / program.name)
        shutil.copy(harness.BIN / "holdpoint-gateway", programs / "gateway")
        # The supervisor starts what it holds open, which a script cannot be.
        source = WRAPPER.replace("PROGRAM", str(programs / "gateway")).replace("AUTHORITIES", str(folder / "trusted.pem"))
        subprocess.run(["/usr/bin/g++", "-x", "c++", "-", "-o", str(programs / "holdpoint-gateway")], input=source, text=True,
                       check=True)
        self.environment["HOLDPOINT_BIN"] = str(programs)

    def write_configuration(self, edit=lambda text: text):
        def add(text):
            lines = ""
            for name, issuer in self.issuers.items():
                keys = f', jwks_uri: "{issuer.jwks_uri}"' if name == "direct" else ""
                lines += f'  - {{ name: {name}, url: "{issuer.url}", audiences: [holdpoint]{keys} }}\n'
            return edit(text.replace("issuers:\n", "issuers:\n" + lines))

        super().write_configuration(add)
        file = self.folder / "configuration/trust/coding-agent.json"
        trust = json.loads(file.read_text(encoding="utf-8"))
        trust["Statement"][0]["Principal"]["Federated"] = ["local", *self.issuers]
        file.write_text(json.dumps(trust), encoding="utf-8")

    def refuses(self, issuer, why):
        """No login without keys: why is in the log, and not told to whoever asks."""
        status, text = self.log_in(issuer.token())
        assert status == 403 and f"the keys of issuer {issuer.name} cannot be fetched" in text and why not in text, text
        log = self.var / "log/gateway-1.log"
        harness.wait_for(lambda: any(issuer.name in line and why in line
                                     for line in log.read_text(encoding="utf-8").splitlines()), f"{why} in the log")

    def log_in(self, token):
        """Status and the answer's text."""
        request = urllib.request.Request(f"{self.gateway}/credentials?role={harness.ROLE}", headers={"Authorization": token})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=40) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def make_deployment():
    return Deployment()


def test_an_agent_logs_in_with_a_token_of_an_issuer_over_tls(deployment):
    issuer = deployment.issuers["trusted"]
    status, text = deployment.log_in(issuer.token())
    assert status == 200, text
    assert issuer.seen[:2] == ["/.well-known/openid-configuration", "/keys"]
    # The keys are kept: further logins ask nobody. One fetch for each of the gateway's threads at most.
    for _ in range(8):
        assert deployment.log_in(issuer.token())[0] == 200
    assert len(issuer.seen) <= 2 * (os.cpu_count() or 1)


def test_a_certificate_that_nobody_vouches_for_gives_no_keys(deployment):
    issuer = deployment.issuers["stranger"]
    deployment.refuses(issuer, "ertificate")
    assert issuer.seen == []


def test_a_rotated_key_is_found_and_a_withdrawn_one_is_no_longer_trusted(deployment):
    issuer = deployment.issuers["plain"]
    old = issuer.token()
    assert deployment.log_in(old)[0] == 200
    issuer.rotate("second")

    def logged_in():
        # At the earliest some seconds after the last fetch.
        return deployment.log_in(issuer.token())[0] == 200

    harness.wait_for(logged_in, "the new key is known", 3 * AGAIN)
    shards = os.cpu_count() or 1
    refused = [deployment.log_in(old)[0] for _ in range(8 * shards)]
    assert 403 in refused


def test_tokens_that_name_unknown_keys_do_not_make_the_gateway_ask_again_and_again(deployment):
    issuer = deployment.issuers["flooded"]
    stranger = Ed25519PrivateKey.generate()
    began = time.monotonic()
    for number in range(60):
        status, text = deployment.log_in(issuer.token(kid=f"unknown-{number}", key=stranger))
        assert status == 403, text
    intervals = 2 + int((time.monotonic() - began) / AGAIN)
    assert len(issuer.seen) <= 2 * intervals * (os.cpu_count() or 1), issuer.seen
    assert deployment.log_in(issuer.token())[0] == 200


def test_a_discovery_document_of_another_issuer_gives_no_keys(deployment):
    issuer = deployment.issuers["other"]
    issuer.says = issuer.url + "/"
    deployment.refuses(issuer, "another issuer")
    assert "/keys" not in issuer.seen


def test_redirects_are_not_followed(deployment):
    issuer = deployment.issuers["moved"]
    issuer.status = 302
    deployment.refuses(issuer, "302")
    assert "/elsewhere" not in issuer.seen


def test_a_key_set_beyond_every_measure_is_refused(deployment):
    issuer = deployment.issuers["large"]
    issuer.padding = "x" * (300 << 10)
    deployment.refuses(issuer, "too much")


def test_a_principal_revoked_while_its_login_waits_for_keys_gets_no_session(deployment):
    issuer = deployment.issuers["slow"]
    issuer.answering.clear()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deployment.log_in, issuer.token(sub="stolen"))
        harness.wait_for(lambda: issuer.seen, "the issuer is asked")
        deployment.holdpoint(["revoke", "principal", "slow:stolen"])
        time.sleep(0.5)  # the new configuration reaches the gateway
        issuer.answering.set()
        status, text = waiting.result()
    assert status == 403 and "revoked" in text, text
    assert deployment.log_in(issuer.token(sub="other"))[0] == 200


def test_keys_may_be_named_by_the_configuration(deployment):
    issuer = deployment.issuers["direct"]
    assert deployment.log_in(issuer.token())[0] == 200
    assert set(issuer.seen) == {"/keys"}


@pytest.mark.parametrize("change", [{"aud": "others"}, {"exp": 1}, {"iss": "https://nobody.example"}, {"groups": ["x"]}])
def test_what_a_token_says_still_counts(deployment, change):
    issuer = deployment.issuers["trusted"]
    assert deployment.log_in(issuer.token(**change))[0] == 403


def test_an_issuers_token_is_not_anothers(deployment):
    """Keys of one issuer never verify what claims to be another's."""
    trusted, direct = deployment.issuers["trusted"], deployment.issuers["direct"]
    forged = direct.token(kid="first", key=trusted.keys["first"])
    assert deployment.log_in(forged)[0] == 403


def test_keys_may_not_be_fetched_without_tls_beyond_loopback(deployment):
    file = deployment.folder / "configuration/open.yaml"
    text = (deployment.folder / "configuration/holdpoint.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace(deployment.issuers["direct"].jwks_uri, "http://idp.example.com/keys"), encoding="utf-8")
    done = deployment.holdpoint(["config", "lint", str(file)], check=False)
    assert done.returncode != 0 and "expected an https:// url of the issuer's keys" in done.stderr, done.stderr
