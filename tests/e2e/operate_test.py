"""What an operator does to a running deployment: reload, revoke, certificates; and what accounts may touch."""

import ast
import json
import os
import pathlib
import pwd
import re
import ssl
import subprocess
import time
import urllib.request

import botocore.exceptions
import pytest

import harness

GET = ["dynamodb", "get-item", "--table-name", "orders", "--key", '{"id":{"S":"1001"}}']


def wait_for_version(deployment, changed):
    """Until the document in force is as `changed` wants it."""
    return harness.wait_for(lambda: changed(deployment.holdpoint_json("config show")), "the new configuration is in force")


def refused(client):
    """Seconds until a call of this client is refused because of a revocation."""
    begun = time.monotonic()
    while time.monotonic() - begun < 20:
        if is_revoked(client):
            return time.monotonic() - begun
        time.sleep(0.02)
    raise AssertionError("calls still pass")


def is_revoked(client):
    try:
        client.get_item(TableName="orders", Key={"id": {"S": "1001"}})
    except botocore.exceptions.ClientError as error:
        assert "revoked" in str(error), error
        return True
    return False


def test_up_warns_of_nothing_where_everything_is_set(deployment):
    assert "ready" in deployment.said_up and "warning" not in deployment.said_up, deployment.said_up


def test_a_changed_policy_is_in_force_without_a_restart(deployment):
    before = deployment.holdpoint_json("status")["services"]
    policy = deployment.folder / "configuration/policies/orders.json"
    original = policy.read_text(encoding="utf-8")
    document = json.loads(original)
    document["Statement"].append({"Sid": "NoReads", "Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": "*"})
    policy.write_text(json.dumps(document), encoding="utf-8")
    try:
        harness.wait_for(lambda: deployment.aws(GET)[0] != 0, "the new policy denies")
        assert "NoReads" in deployment.aws(GET)[1]
    finally:
        policy.write_text(original, encoding="utf-8")
    harness.wait_for(lambda: deployment.aws(GET)[0] == 0, "the old policy allows again")
    after = deployment.holdpoint_json("status")["services"]
    assert [service["pid"] for service in before] == [service["pid"] for service in after]


def test_what_was_approved_under_a_laxer_policy_is_asked_anew_and_one_vote_of_two_lets_it_expire(deployment):
    delete = "dynamodb delete-table --table-name of-nobody"
    waiting = deployment.start_aws(delete)
    review = deployment.waiting_review()
    waiting.kill()
    waiting.wait()
    deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "alice", "--groups", "sre"])
    policies = {path: path.read_text(encoding="utf-8")
                for path in (deployment.folder / "configuration/policies").glob("*.json")}
    before = len(deployment.calls("dynamodb"))
    version = deployment.holdpoint_json("config show")["version"]
    try:
        for path, text in policies.items():
            document = json.loads(text)
            for statement in document["Statement"]:
                if "Review" in statement:
                    statement["Review"].update({"Required": 2, "Within": "8s"})
            path.write_text(json.dumps(document), encoding="utf-8")
        wait_for_version(deployment, lambda shown: shown["version"] > version)
        again = deployment.start_aws(delete)
        stricter = deployment.waiting_review()
        assert stricter["review_id"] != review["review_id"] and stricter["required"] == 2, stricter
        deployment.holdpoint(["reviews", "approve", stricter["review_id"], "--as", "alice", "--groups", "sre"])
        output, _ = again.communicate(timeout=60)
        assert again.returncode != 0 and "expired before it was used" in output, "one of two is not enough: " + output
        assert len(deployment.calls("dynamodb")) == before, "nothing reached the target"
    finally:
        for path, text in policies.items():
            path.write_text(text, encoding="utf-8")
    harness.wait_for(lambda: deployment.aws(GET)[0] == 0, "the old policy is in force")


def test_a_broken_file_leaves_the_old_configuration_in_force_and_is_named(deployment):
    file = deployment.folder / "configuration/holdpoint.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good + "rolls: []\n", encoding="utf-8")
    log = deployment.var / "log/supervisor.log"
    try:
        harness.wait_for(lambda: "is not applied" in log.read_text(encoding="utf-8"), "the supervisor says so")
        assert deployment.aws(GET)[0] == 0
        place = f"{file}:{good.count(chr(10)) + 1}:1: "
        said = 'unknown key "rolls" in the configuration; did you mean "roles"?'
        done = deployment.holdpoint("config lint", check=False)
        assert done.returncode != 0 and place + said in done.stderr, done.stderr
        assert said in log.read_text(encoding="utf-8")
    finally:
        file.write_text(good, encoding="utf-8")


def test_a_misspelt_action_is_an_error_with_its_place(deployment):
    policy = deployment.folder / "misspelt.json"
    rows = [("dynamodb:GetItm", False), ("dynamodb:Gett*", False), ("dynamoDB:GETITEM", True), ("iam:PassRole", True),
            ("s3:GetObjectVersion", True), ("nosuch:*", False)]
    for action, good in rows:
        policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "*"}]}, indent=1), encoding="utf-8")
        done = deployment.holdpoint(["policy", "lint", str(policy)], check=False)
        assert (done.returncode == 0) == good, (action, done.stdout)
        if not good:
            assert action in done.stdout and "misspelt.json:" in done.stdout, done.stdout


def test_a_revoked_principal_is_refused_within_a_second_and_so_is_what_waits(deployment):
    client = deployment.boto("dynamodb", token=deployment.token("mallory", "agents"), retries={"total_max_attempts": 1})
    assert client.get_item(TableName="orders", Key={"id": {"S": "1001"}})["Item"]
    waiting = deployment.start_aws("dynamodb delete-table --table-name orders", deployment.token("mallory", "agents"))
    deployment.waiting_review()
    deployment.holdpoint("revoke principal local:mallory")
    took = [refused(client)]
    output, _ = waiting.communicate(timeout=30)
    assert waiting.returncode != 0 and "revoked" in output, output
    assert deployment.aws(GET)[0] == 0, "others are not concerned"
    deployment.holdpoint("revoke principal local:mallory --undo")
    harness.wait_for(lambda: deployment.aws(GET, deployment.token("mallory", "agents"))[0] == 0, "admitted again")
    # Three tries: a machine that is busy elsewhere may spoil one of them.
    while min(took) >= 1 and len(took) < 3:
        deployment.holdpoint("revoke principal local:mallory")
        took.append(refused(client))
        deployment.holdpoint("revoke principal local:mallory --undo")
        harness.wait_for(lambda: not is_revoked(client), "admitted again")
    assert min(took) < 1, took
    for review in deployment.holdpoint_json("reviews list"):
        deployment.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--groups", "sre", "--reason", "no"])


def test_the_files_revocations_are_merged_with_those_by_hand(deployment):
    client = deployment.boto("dynamodb", token=deployment.token("trent", "agents"), retries={"total_max_attempts": 1})
    assert client.get_item(TableName="orders", Key={"id": {"S": "1001"}})["Item"]
    file = deployment.folder / "configuration/holdpoint.yaml"
    good = file.read_text(encoding="utf-8")
    deployment.holdpoint("revoke principal local:by-hand")
    file.write_text(good + 'revoked: { principals: ["local:trent"] }\n', encoding="utf-8")
    try:
        wait_for_version(deployment, lambda shown: sorted(shown["revoked"]["principals"]) == ["local:by-hand", "local:trent"])
        refused(client)
        done = deployment.holdpoint("revoke principal local:trent --undo", check=False)
        assert done.returncode != 0 and "configuration file" in done.stderr
    finally:
        file.write_text(good, encoding="utf-8")
    wait_for_version(deployment, lambda shown: shown["revoked"]["principals"] == ["local:by-hand"])
    harness.wait_for(lambda: deployment.aws(GET, deployment.token("trent", "agents"))[0] == 0, "admitted again")
    deployment.holdpoint("revoke principal local:by-hand --undo")


ACCOUNTS = {"bus": "holdpoint", "postgres": "postgres"} | {
    f"{kind}-1": f"holdpoint-{kind}" for kind in ("gateway", "approvals", "auditor", "masker")}


def as_account(name, command, text=""):
    group = pwd.getpwnam("holdpoint").pw_gid
    return subprocess.run(["/usr/bin/setpriv", f"--reuid={name}", f"--regid={name}", f"--groups={group}", *command],
                          input=text, capture_output=True, text=True)


def test_each_process_runs_as_an_account_that_can_open_its_own_files_and_nothing_else(deployment):
    if os.geteuid() != 0:
        pytest.fail("this test needs root: services run under accounts of their own")
    for process in deployment.holdpoint_json("status")["services"]:
        owner = pathlib.Path(f"/proc/{process['pid']}").stat().st_uid
        assert owner == pwd.getpwnam(ACCOUNTS[process["name"]]).pw_uid, process["name"]
    var = deployment.var.resolve()
    names = "\n".join(str(file) for file in var.rglob("*") if file.is_file())
    probe = "import os, sys; print([name for name in sys.stdin.read().splitlines() if os.access(name, os.R_OK)])"
    for process, account in ACCOUNTS.items():
        done = as_account(account, ["/usr/bin/python3", "-c", probe], names)
        readable = [name.removeprefix(f"{var}/") for name in ast.literal_eval(done.stdout)]
        own = [name for name in readable if name == f"keys/{process}.json" or name.startswith(f"{process}/")]
        assert readable == own and (f"keys/{process}.json" in own or process == "postgres"), (account, readable)


def test_no_process_can_leave_a_core_with_what_it_knows(deployment):
    for process in deployment.holdpoint_json("status")["services"]:
        limits = pathlib.Path(f"/proc/{process['pid']}/limits").read_text(encoding="utf-8")
        assert re.search(r"Max core file size +0 +0 ", limits), (process["name"], limits)


def test_each_account_becomes_its_own_role_in_the_database_and_no_other(deployment):
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it becomes other accounts")
    identity = json.loads((deployment.var / "keys/operator.json").read_text(encoding="utf-8"))
    sockets = identity["bus_endpoint"].removeprefix("ipc://").removesuffix("/bus")
    own = {"holdpoint-auditor": "holdpoint_writer", "holdpoint-approvals": "holdpoint_approvals"}
    for account in [*own, "holdpoint", "holdpoint-gateway", "holdpoint-masker"]:
        for role in ("holdpoint_writer", "holdpoint_approvals", "holdpoint_owner", "holdpoint_reader", "postgres"):
            done = as_account(account, ["/usr/bin/psql", "-X", "-At", f"host={sockets}/postgres dbname=holdpoint user={role}",
                                        "-c", "SELECT 1"])
            assert (done.returncode == 0) == (own.get(account) == role), (account, role, done.stdout, done.stderr)


def test_without_root_commands_say_what_they_need(deployment):
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it becomes other accounts")
    group = str(pwd.getpwnam("holdpoint").pw_gid)
    for groups in ("--clear-groups", f"--groups={group}"):
        for arguments in (["status"], ["down"], ["reviews", "list"], ["token", "issue", "--subject", "x"],
                          ["revoke", "principal", "a:b"], ["config", "apply"], ["audit", "verify"]):
            done = subprocess.run(["/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", groups, str(harness.BIN / "holdpoint"),
                                   *arguments], env=deployment.environment, capture_output=True, text=True)
            assert done.returncode != 0 and "sudo" in done.stderr, (groups, arguments, done.stdout, done.stderr)


def test_a_self_signed_certificate_serves_https(deployment):
    said = deployment.holdpoint("config tls --self-signed --names localhost,127.0.0.1")
    certificate = deployment.var / "tls/gateway.crt"
    assert str(certificate) in said or "gateway.crt" in said
    deployment.down()
    deployment.write_configuration(lambda text: text.replace(
        "tls: none", f"tls: {{ certificate: {certificate.resolve()}, key: {certificate.resolve().parent / 'gateway.key'} }}"))
    deployment.up()
    copy = deployment.folder / "gateway.crt"
    copy.write_bytes(certificate.read_bytes())
    plain = deployment.gateway
    deployment.gateway = plain.replace("http:", "https:")
    try:
        request = urllib.request.Request(f"{deployment.gateway}/credentials?role={harness.ROLE}",
                                         headers={"Authorization": deployment.token()})
        context = ssl.create_default_context(cafile=str(copy))
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            assert "AccessKeyId" in json.load(answer)
        with pytest.raises(OSError):
            urllib.request.urlopen(urllib.request.Request(f"{plain}/credentials", headers=request.headers), timeout=20)
    finally:
        deployment.gateway = plain
