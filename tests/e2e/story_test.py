"""The main job, end to end, as the issue tells it: read, refusal, hold, approval, rejection, record, proof."""

import json
import os
import subprocess

import pytest

import harness


GET = ["dynamodb", "get-item", "--table-name", "orders", "--key"]


def test_the_agent_has_an_identity_of_the_gateway(deployment):
    code, output = deployment.aws("sts get-caller-identity")
    assert code == 0, output
    assert "assumed-role/coding-agent" in json.loads(output)["Arn"]


def test_an_allowed_read_comes_back_masked(deployment):
    for order in ("1001", "1002"):
        code, output = deployment.aws([*GET, json.dumps({"id": {"S": order}})])
        assert code == 0, output
        assert json.loads(output)["Item"]["id"] == {"S": order}
        for secret in harness.SECRETS:
            assert secret not in output
    assert [call for call in deployment.calls("dynamodb") if call["operation"].endswith("GetItem")]


def test_an_object_comes_back_masked(deployment):
    code, output = deployment.aws("s3 cp s3://reports/2026/summary.csv -")
    assert code == 0, output
    assert "Q1,1200000" in output
    for secret in harness.SECRETS:
        assert secret not in output


def test_a_call_outside_the_policy_is_refused_in_the_services_shape(deployment):
    before = len(deployment.calls("dynamodb"))
    code, output = deployment.aws("dynamodb scan --table-name orders")
    assert code != 0
    assert "AccessDeniedException" in output and "Scan operation" in output
    assert len(deployment.calls("dynamodb")) == before


def test_a_held_call_waits_and_runs_once_when_it_is_approved(deployment):
    call = deployment.start_aws("dynamodb delete-table --table-name scratch")
    review = deployment.waiting_review()
    assert call.poll() is None
    assert review["principal"] == "local:agent-7"
    assert review["resources"] == ["arn:aws:dynamodb:eu-west-1:123456789012:table/scratch"]
    assert not [seen for seen in deployment.calls("dynamodb") if seen["operation"].endswith("DeleteTable")]
    deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "alice", "--groups", "sre"])
    output, _ = call.communicate(timeout=60)
    assert call.returncode == 0, output
    assert len([seen for seen in deployment.calls("dynamodb") if seen["operation"].endswith("DeleteTable")]) == 1


def test_a_rejection_reaches_the_agent_with_its_reason(deployment):
    before = len(deployment.calls("dynamodb"))
    call = deployment.start_aws("dynamodb delete-table --table-name orders")
    review = deployment.waiting_review()
    deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason",
                          "orders are needed until year end"])
    output, _ = call.communicate(timeout=60)
    assert call.returncode != 0
    assert "orders are needed until year end" in output
    assert len(deployment.calls("dynamodb")) == before


def test_nobody_decides_on_their_own_request(deployment):
    token = deployment.token("carol", "agents,sre")
    call = deployment.start_aws("dynamodb delete-table --table-name orders", token)
    review = deployment.waiting_review()
    done = deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "carol", "--groups", "sre"], check=False)
    assert done.returncode != 0
    assert call.poll() is None
    deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason", "no"])
    call.communicate(timeout=60)
    assert call.returncode != 0


def test_the_views_tell_the_story(deployment):
    def told():
        rows = deployment.sql("SELECT operation, decision, status, reason FROM audit.operations")
        return rows if len([row for row in rows if row["operation"] == "DeleteTable"]) >= 3 else None
    rows = harness.wait_for(told, "the record has every operation")
    decisions = {(row["operation"], row["decision"]) for row in rows}
    assert ("GetItem", "allowed") in decisions
    assert ("Scan", "denied") in decisions
    assert deployment.sql("SELECT * FROM audit.denials")
    assert deployment.sql("SELECT * FROM audit.reviews")
    assert deployment.sql("SELECT * FROM audit.sessions WHERE principal = 'local:agent-7'")
    assert deployment.sql("SELECT * FROM audit.findings")
    text = json.dumps(deployment.sql("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log"))
    for secret in harness.SECRETS:
        assert secret not in text


def test_the_commands_show_the_same(deployment):
    operations = deployment.holdpoint_json("operations list")
    assert {"GetItem", "Scan", "DeleteTable"} <= {row["operation"] for row in operations}
    sessions = deployment.holdpoint_json("sessions list")
    assert any(row["principal"] == "local:agent-7" for row in sessions)
    assert deployment.holdpoint(["sessions", "replay", sessions[0]["session_id"]])
    assert "ready" in deployment.holdpoint("status")


def test_the_agents_account_is_kept_out(deployment):
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it runs commands as the agent's account")
    for path in ("", "keys", "keys/operator.json", "keys/issuer.json", "keys/gateway-1.json", "log", "postgres"):
        done = subprocess.run(harness.as_agent() + ["/usr/bin/ls", str(deployment.var / path)], capture_output=True, text=True)
        assert done.returncode != 0, path
    holdpoint = str(harness.BIN / "holdpoint")
    for arguments in (["token", "issue", "--subject", "root"], ["reviews", "list"], ["down"],
                      ["reviews", "approve", "0", "--as", "alice"]):
        done = subprocess.run(harness.as_agent() + [holdpoint, *arguments], capture_output=True, text=True,
                              env=deployment.environment)
        assert done.returncode != 0 or "Nothing runs" in done.stdout, arguments
    assert "ready" in deployment.holdpoint("status")
    # Neither the bus nor the database can be reached.
    identity = json.loads((deployment.var / "keys/operator.json").read_text(encoding="utf-8"))
    sockets = identity["bus_endpoint"].removeprefix("ipc://").removesuffix("/bus")
    for path in ("bus", "postgres/.s.PGSQL.5432"):
        probe = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
        done = subprocess.run(harness.as_agent() + ["/usr/bin/python3", "-c", probe, f"{sockets}/{path}"], capture_output=True)
        assert done.returncode != 0, path
    # A token for agents is no reviewer's.
    call = deployment.start_aws("dynamodb delete-table --table-name orders")
    review = deployment.waiting_review()
    done = deployment.holdpoint(["reviews", "approve", review["review_id"], "--token-file", "-"], stdin=deployment.token("eve", "sre"),
                                check=False)
    assert done.returncode != 0
    deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason", "no"])
    call.communicate(timeout=60)


def test_no_planted_secret_is_in_a_log_or_journal(deployment):
    for file in deployment.var.resolve().rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in harness.SECRETS:
                assert secret.encode() not in content, file


def test_the_log_is_intact_until_a_byte_is_altered(deployment):
    assert "intact" in deployment.holdpoint("audit verify")
    identity = json.loads((deployment.var / "keys/operator.json").read_text(encoding="utf-8"))
    sockets = identity["bus_endpoint"].removeprefix("ipc://").removesuffix("/bus")
    forged = ("SET session_replication_role = replica; UPDATE audit.entries SET bytes = set_byte(bytes, 20, "
              "get_byte(bytes, 20) # 1) WHERE index = 3;")
    done = subprocess.run(["/usr/bin/psql", "-X", "-v", "ON_ERROR_STOP=1",
                           f"host={sockets}/postgres dbname=holdpoint user=postgres", "-c", forged],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verdict = deployment.holdpoint("audit verify", check=False)
    assert verdict.returncode != 0
    assert "3" in verdict.stdout + verdict.stderr
    # With the writer's rights alone, in a month where no unique index meets the row that it stands beside.
    event = json.dumps({"type": "holdpoint.operation.refused", "data": {"operation_id": "forged-1"}})
    forged = ("SET ROLE holdpoint_writer; INSERT INTO audit.entries (index, received_at, source, epoch, sequence, leaf_hash, head, "
              f"bytes, quarantined) VALUES (5, '2001-01-01', 'gateway-1', 1, 1, '', '', '{event}', false);")
    done = subprocess.run(["/usr/bin/psql", "-X", "-v", "ON_ERROR_STOP=1",
                           f"host={sockets}/postgres dbname=holdpoint user=postgres", "-c", forged],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(deployment.holdpoint("audit verify --json", check=False).stdout)
    found = [problem for problem in report["problems"] if problem["where"] == "index"]
    assert [(problem["index"], problem["type"], problem["operation"]) for problem in found] == [
        (5, "holdpoint.operation.refused", "forged-1")], report
    assert (report["intact"], report["quarantined"], report["dropped"]) == (False, 0, 0)
