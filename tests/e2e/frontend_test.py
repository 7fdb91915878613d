"""The bus to those who hold a key of it: a plug-in frontend lists and votes; forgeries by keys of another role are refused
and change nothing.
"""

import base64
import hashlib
import json
import struct
import subprocess
import time
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
import pytest
import zmq
import zmq.utils.z85

import harness

REQUEST, REPLY, PUBLISH, HELLO = 1, 2, 3, 10
APPROVALS_ROLE = 3


@pytest.fixture(scope="module")
def chat(deployment):
    """The identity of a plug-in."""
    file = deployment.folder / "chat-1.json"
    deployment.holdpoint(["keys", "issue", "frontend", "chat-1", "--file", str(file)])
    return file


class Seat:
    """A connection with somebody's identity file that says whatever a test wants said."""

    def __init__(self, file):
        self.identity = json.loads(file.read_text(encoding="utf-8"))
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.curve_publickey, self.socket.curve_secretkey = self.key("curve_public"), self.key("curve_secret")
        self.socket.curve_serverkey = self.key("bus_public")
        self.socket.connect(self.identity["bus_endpoint"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def key(self, name):
        return zmq.utils.z85.encode(base64.b64decode(self.identity[name]))

    def sign(self, text):
        seed = base64.b64decode(self.identity["signing_seed"])
        return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())).decode()

    def say(self, kind, address, message, body, attachments=(), role=0, sender="", stream="", seconds=5):
        """The answer's body; None when there is none."""
        id = uuid.uuid4().bytes
        names = b"".join(bytes([len(name.encode())]) + name.encode() for name in (address, message, sender, stream))
        head = struct.pack(">2sBB16sQQB", b"HP", 1, kind, id, int((time.time() + seconds) * 1000), 0, role)
        self.socket.send_multipart([head + names, json.dumps(body).encode(), *attachments])
        until = time.monotonic() + seconds
        while self.socket.poll(max(0, (until - time.monotonic()) * 1000)):
            frames = self.socket.recv_multipart()
            if frames[0][3] == REPLY and frames[0][4:20] == id:
                return json.loads(frames[1])
        return None

    def ask(self, service, message, body, **more):
        return self.say(REQUEST, service, message, body, **more)


def identity(deployment, name):
    return deployment.var / f"keys/{name}.json"


def frontend(file, *arguments, stdin=""):
    return subprocess.run(["/usr/bin/python3", str(harness.ROOT / "ops/examples/frontend.py"), str(file), *arguments],
                          input=stdin, capture_output=True, text=True, timeout=30)


def hold(deployment, table="orders"):
    call = deployment.start_aws(f"dynamodb delete-table --table-name {table}")
    return call, deployment.waiting_review()


def reject(deployment, call, review):
    deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason", "no"])
    output, _ = call.communicate(timeout=60)
    assert call.returncode != 0 and "rejected" in output, output


def test_a_plug_in_of_a_few_lines_lists_reviews_and_votes(deployment, chat):
    call, review = hold(deployment, "scratch")
    listed = frontend(chat, "list")
    assert listed.returncode == 0, listed.stderr
    assert f"{review['review_id']} pending local:agent-7 dynamodb DeleteTable" in listed.stdout
    token = deployment.holdpoint("token issue --subject alice --groups sre --reviewer")
    voted = frontend(chat, "approve", review["review_id"], "-", stdin=token)
    assert (voted.returncode, voted.stdout.strip()) == (0, "approved"), voted.stderr
    output, _ = call.communicate(timeout=60)
    assert call.returncode == 0, output


def test_a_plug_in_votes_for_nobody_without_their_token(deployment, chat):
    call, review = hold(deployment)
    for token in ("", "x.y.z", deployment.token("alice", "sre"), deployment.token("agent-7")):
        voted = frontend(chat, "approve", review["review_id"], "-", stdin=token)
        assert voted.returncode != 0, voted.stdout
    log = (deployment.var / "log/approvals-1.log").read_text(encoding="utf-8")
    assert log.count("refused") >= 4 and "VoteCast" in log, log
    reject(deployment, call, review)


def test_a_plug_in_reaches_nothing_but_reviews(deployment, chat):
    with Seat(chat) as seat:
        for service, message in (("records", "RecordPositionRequested"), ("log", "SessionsRequested"),
                                 ("masks", "MaskRequested"), ("status", "StatusRequested"),
                                 ("gateway.status", "GatewayStatusRequested"), ("configuration", "ConfigurationApplied")):
            answer = seat.ask(service, message, {"source": "gateway-1", "document": "{}", "signature": ""})
            assert answer["code"] == "denied", (service, answer)
        review = {"review": {}, "invocation_id": "", "gateway": "gateway-1"}
        assert "code" in seat.ask("reviews", "ReviewRequested", review)
        assert "code" in seat.ask("reviews", "GrantClaimRequested", {"claims": []})


def test_without_a_key_of_the_deployment_the_bus_says_nothing(deployment, chat, tmp_path):
    stranger = tmp_path / "stranger.json"
    public, secret = zmq.curve_keypair()
    known = json.loads(chat.read_text(encoding="utf-8"))
    encode = lambda key: base64.b64encode(zmq.utils.z85.decode(key)).decode()  # noqa: E731
    stranger.write_text(json.dumps(known | {"curve_public": encode(public), "curve_secret": encode(secret)}))
    with Seat(stranger) as seat:
        assert seat.ask("reviews", "ReviewsRequested", {}, seconds=2) is None


def test_a_masker_neither_votes_nor_decides(deployment):
    call, review = hold(deployment)
    token = deployment.holdpoint("token issue --subject alice --groups sre --reviewer").strip()
    with Seat(identity(deployment, "masker-1")) as seat:
        ballot = {"review_id": review["review_id"], "verdict": "approve", "token": token}
        assert seat.ask("reviews", "VoteCast", ballot)["code"] == "denied"
        assert seat.ask("reviews", "ReviewsRequested", {})["code"] == "denied"
        # Saying that it is somebody else does not help: the broker writes the sender.
        assert seat.ask("reviews", "VoteCast", ballot, role=APPROVALS_ROLE, sender="approvals-1")["code"] == "denied"
        answer = seat.say(PUBLISH, "review.decided", "ReviewDecided", {"review_id": review["review_id"], "state": "approved"},
                          role=APPROVALS_ROLE)
        assert answer["code"] == "denied"
        # Serving what another role serves.
        assert seat.say(HELLO, "", "", {"services": {"reviews": 8}, "topics": ["review."]})["code"] == "denied"
    assert call.poll() is None
    # Each attempt is in the bus's log, with the key's name.
    log = (deployment.var / "log/bus.log").read_text(encoding="utf-8")
    for what in ('ask \\"reviews\\"', 'publish \\"review.decided\\"', 'serve \\"reviews\\"'):
        assert any("peer=masker-1" in line and what in line for line in log.splitlines()), (what, log)
    reject(deployment, call, review)


def test_a_gateway_neither_claims_nor_looks_under_the_name_of_another(deployment):
    file = deployment.folder / "gateway-9.json"
    deployment.holdpoint(["keys", "issue", "gateway", "gateway-9", "--file", str(file)])
    before = len(deployment.calls("dynamodb"))
    call, review = hold(deployment)
    with Seat(file) as seat:
        claimer = {"gateway": "gateway-1", "epoch": 1}
        ids = {"review_id": review["review_id"], "operation_id": str(uuid.uuid4())}
        claim = ids | {"digest": review["digest"], "principal": review["principal"], "claimer": claimer}
        tries = (("ClaimsOfGatewayRequested", {"gateway": "gateway-1"}), ("GrantClaimRequested", {"claims": [claim]}),
                 ("GrantSettled", {"settlements": [ids | {"claimer": claimer, "state": "released"}]}),
                 ("ReviewRequested", {"review": review, "invocation_id": "", "gateway": "gateway-1"}))
        harness.wait_for(lambda: "claims" in seat.ask("reviews", "ClaimsOfGatewayRequested", {"gateway": "gateway-9"}),
                         "approvals knows the new key", 10)
        for message, body in tries:
            # Nor by claiming to be it in the head: the broker writes the sender.
            for sender in ("", "gateway-1"):
                answer = seat.ask("reviews", message, body, sender=sender)
                assert answer and answer["code"] == "denied", (message, answer)
    recorded = ("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log WHERE type = 'holdpoint.peer.refused'"
                " AND subject = 'gateway-9'")
    rows = harness.wait_for(lambda: (found := deployment.sql(recorded)) and len(found) >= 8 and found, "the tries in the record")
    assert {json.loads(row["entry"])["data"]["message"] for row in rows} == {message for message, _ in tries}
    assert call.poll() is None and len(deployment.calls("dynamodb")) == before
    reject(deployment, call, review)


def forged_decision(deployment, signer, review):
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    later = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + 600))
    decision = {"deployment": signer.identity["deployment"], "review_id": review["review_id"], "digest": review["digest"],
                "verdict": "approved", "reason": "", "reviewers": ["local:alice"], "policy_version": 3, "decided_at": now,
                "grant": {"kind": "once", "count": 1, "not_before": now, "expires_at": later}}
    text = json.dumps(decision, sort_keys=True, separators=(",", ":"))
    return {"review_id": review["review_id"], "state": "approved",
            "decision": {"decision": text, "key_id": signer.identity["key_id"],
                         "signature": signer.sign("holdpoint-decision-v1\n" + text)}}


def test_a_forged_decision_moves_no_call(deployment):
    before = len(deployment.calls("dynamodb"))
    call, review = hold(deployment)
    with Seat(identity(deployment, "masker-1")) as masker, Seat(identity(deployment, "gateway-1")) as gateway, \
            Seat(identity(deployment, "approvals-1")) as approvals:
        for forger in (masker, gateway):
            body = forged_decision(deployment, forger, review)
            assert forger.say(PUBLISH, "review.decided", "ReviewDecided", body)["code"] == "denied"
            # Even where the bus carries it, by the connection of approvals: the signature is of the wrong role.
            approvals.say(PUBLISH, "review.decided", "ReviewDecided", body, seconds=1)
            # Or under the name of the right key.
            body["decision"]["key_id"] = approvals.identity["key_id"]
            approvals.say(PUBLISH, "review.decided", "ReviewDecided", body, seconds=1)
        # A decision that is genuine in form needs more than a state beside it.
        approvals.say(PUBLISH, "review.decided", "ReviewDecided", {"review_id": review["review_id"], "state": "approved"},
                      seconds=1)
    assert call.poll() is None
    assert "a decision was not accepted" in (deployment.var / "log/gateway-1.log").read_text(encoding="utf-8")
    assert len(deployment.calls("dynamodb")) == before
    reject(deployment, call, review)


def test_a_forged_configuration_is_not_applied(deployment):
    in_force = deployment.holdpoint_json("status")["bus"]["configuration_version"]
    with Seat(identity(deployment, "gateway-1")) as gateway, Seat(identity(deployment, "masker-1")) as masker, \
            Seat(identity(deployment, "operator")) as operator:
        current = operator.ask("configuration", "ConfigurationRequested", {})
        document = json.loads(current["document"])
        newer = json.dumps(document | {"version": document["version"] + 1, "roles": []}, sort_keys=True, separators=(",", ":"))
        genuine = {"document": current["document"], "signature": current["signature"]}
        for forger in (gateway, masker):
            forged = {"document": newer, "signature": forger.sign("holdpoint-configuration-v1\n" + newer)}
            assert forger.ask("configuration", "ConfigurationApplied", forged)["code"] == "denied"
            assert forger.ask("configuration", "ConfigurationApplied", genuine)["code"] == "denied"
            news = forged | {"version": document["version"] + 1}
            assert forger.say(PUBLISH, "configuration.changed", "ConfigurationChanged", news)["code"] == "denied"
            # By the operator's connection, signed by another: the key that signs is what counts.
            assert operator.ask("configuration", "ConfigurationApplied", forged)["code"] == "tampered"
        swapped = {"document": newer, "signature": current["signature"]}
        assert operator.ask("configuration", "ConfigurationApplied", swapped)["code"] == "tampered"
    assert deployment.holdpoint_json("status")["bus"]["configuration_version"] == in_force
    code, output = deployment.aws("sts get-caller-identity")
    assert code == 0, output


def submission(signer, source, position):
    entry = json.dumps({"specversion": "1.0", "id": str(uuid.uuid4()), "source": source, "subject": "forged",
                        "type": "holdpoint.process.started", "time": "2026-01-01T00:00:00Z",
                        "data": {"name": "a forged record"}}).encode()
    previous = base64.b64decode(position["head"]) if position.get("head") else bytes(32)
    head = base64.b64encode(hashlib.sha256(previous + entry).digest()).decode()
    first = position["through"] + 1
    text = "\n".join(["holdpoint-records-v1", signer.identity["deployment"], source, str(position["epoch"]), str(first), "1", head])
    body = {"source": source, "epoch": position["epoch"], "first": first, "count": 1, "head": head,
            "previous": base64.b64encode(previous).decode(), "signature": signer.sign(text)}
    return body, [struct.pack(">I", len(entry)) + entry]


def test_a_forged_record_does_not_enter_the_log(deployment):
    with Seat(identity(deployment, "masker-1")) as masker, Seat(identity(deployment, "gateway-1")) as gateway:
        assert masker.ask("records", "RecordPositionRequested", {"source": "masker-1"})["code"] == "denied"
        for source in ("approvals-1", "operator", "nobody"):
            position = gateway.ask("records", "RecordPositionRequested", {"source": source})
            if "code" in position:
                position = {"epoch": 1, "through": 0}
            body, attachments = submission(gateway, source, position)
            answer = gateway.ask("records", "RecordsSubmitted", body, attachments=attachments, stream=f"records/{source}")
            assert answer["code"] in ("denied", "tampered", "unauthenticated"), (source, answer)
        body, attachments = submission(masker, "masker-1", {"epoch": 1, "through": 0})
        assert masker.ask("records", "RecordsSubmitted", body, attachments=attachments)["code"] == "denied"
    time.sleep(1)
    assert not deployment.sql("SELECT 1 FROM audit.log WHERE convert_from(bytes, 'UTF8') LIKE '%a forged record%'")
    assert "intact" in deployment.holdpoint("audit verify")


def test_a_revoked_plug_in_is_cut_off(deployment, chat):
    with Seat(chat) as seat:
        assert "reviews" in seat.ask("reviews", "ReviewsRequested", {})
        deployment.holdpoint("keys revoke chat-1")
        assert seat.ask("reviews", "ReviewsRequested", {}, seconds=2) is None
    with Seat(chat) as again:
        assert again.ask("reviews", "ReviewsRequested", {}, seconds=2) is None
