"""What agents are told while a part is down, and that nothing runs which could not be decided, masked or recorded."""

import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest

import harness
import hostile
import witness

JSON = hostile.wire["json"]
DELETE = hostile.Wire("json", "dynamodb", "json", "POST", "/", b'{"TableName":"scratch"}',
                      Content_Type="application/x-amz-json-1.0", X_Amz_Target="DynamoDB_20120810.DeleteTable")


def make_deployment():
    return hostile.Deployment(maskers=2)


@pytest.fixture(autouse=True)
def whole(deployment, credentials):
    """Each test begins and ends with everything at work."""
    yield
    witness.await_ready(deployment)
    harness.wait_for(lambda: hostile.Request(deployment, credentials, JSON).send().status == 200, "calls run again", 30)


def names(deployment, prefix):
    return [name for name in witness.services(deployment) if name.startswith(prefix)]


def refused(deployment, request, text):
    began = time.monotonic()
    answer = deployment.refuses(request, text=text)
    assert time.monotonic() - began < 30, "an agent waits too long for bad news"
    return answer


WAYS = pytest.mark.parametrize("way", [witness.outage, hostile.frozen], ids=["killed", "frozen"])


@WAYS
def test_without_the_bus_nothing_is_decided(deployment, credentials, way):
    with way(deployment, names(deployment, "bus")):
        time.sleep(3.6)  # the lease
        answers = [refused(deployment, hostile.Request(deployment, credentials, wire), "has not heard from the bus")
                   for wire in (JSON, hostile.wire["s3"])]
        connection_status = login_status(deployment)
        assert connection_status == 403
    for answer in answers:
        assert deployment.refusal(answer.request_id)["decision"] == "unavailable"


def login_status(deployment):
    head = (f"GET /credentials?role={harness.ROLE} HTTP/1.1\r\nHost: 127.0.0.1:{deployment.gateway_port}\r\n"
            f"Authorization: {deployment.token()}\r\n\r\n")
    return hostile.exchange(deployment, head.encode(), "GET").status


@WAYS
def test_without_maskers_nothing_that_must_be_masked_is_sent(deployment, credentials, way):
    with way(deployment, names(deployment, "masker")):
        answers = [refused(deployment, hostile.Request(deployment, credentials, wire), "must be masked")
                   for wire in (JSON, hostile.wire["query"], hostile.wire["s3"])]
    for answer in answers:
        assert deployment.refusal(answer.request_id)["decision"] == "unavailable"


@WAYS
def test_without_approvals_nothing_that_needs_a_review_runs(deployment, credentials, way):
    with way(deployment, names(deployment, "approvals")):
        answer = refused(deployment, hostile.Request(deployment, credentials, DELETE), "needs a review")
        assert hostile.Request(deployment, credentials, JSON).send().status == 200
    assert deployment.refusal(answer.request_id)["decision"] == "unavailable"


@WAYS
def test_without_the_auditor_calls_run_and_are_recorded_later(deployment, credentials, way):
    """`durable: journal`: the gateway's own disk has the record before the target has the call."""
    with way(deployment, names(deployment, "auditor")):
        wire = hostile.Wire("json", "dynamodb", "json", "POST", "/",
                            b'{"TableName":"orders","Key":{"id":{"S":"while the auditor was away"}}}', **JSON.headers)
        assert hostile.Request(deployment, credentials, wire).send().status == 200
    told = lambda: [entry for entry in deployment.entries() if "while the auditor was away" in str(entry)]  # noqa: E731
    harness.wait_for(told, "the call in the record", 40)


def test_without_postgresql_calls_run_and_are_recorded_later(deployment, credentials):
    with witness.outage(deployment, names(deployment, "postgres")):
        wire = hostile.Wire("json", "dynamodb", "json", "POST", "/",
                            b'{"TableName":"orders","Key":{"id":{"S":"while the database was away"}}}', **JSON.headers)
        assert hostile.Request(deployment, credentials, wire).send().status == 200
    witness.await_ready(deployment)
    told = lambda: [entry for entry in deployment.entries() if "while the database was away" in str(entry)]  # noqa: E731
    harness.wait_for(told, "the call in the record", 40)


def test_a_body_that_kills_a_masker_is_not_given_to_the_next(deployment, credentials):
    """The target answers; the masker that has the answer stops and dies. The other masker never sees it."""
    maskers = names(deployment, "masker")
    assert len(maskers) == 2
    pids = [witness.services(deployment)[name]["pid"] for name in maskers]

    def stop_them():
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

    def kill_one_that_has_it():
        time.sleep(1)
        # Which of them has it is the bus's secret: both die, one after the other.
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    deployment.trap.before_answer = stop_them
    killer = threading.Thread(target=kill_one_that_has_it)
    try:
        killer.start()
        answer = hostile.Request(deployment, credentials, hostile.wire["query"]).send()
    finally:
        deployment.trap.before_answer = None
        killer.join()
    code, message = answer.error("query")
    assert (answer.status, code) == (409, "OutcomeUnknown"), (answer.status, message)
    assert "withheld" in message and not hostile.is_retried(answer.status, code)
    assert b"<Answer/>" not in answer.body
    done = deployment.refusal(answer.request_id, "holdpoint.operation.completed")
    assert done["blocked"] and done["outcome"] == "done"


def test_a_full_disk_under_the_journal_stops_calls_until_there_is_room(deployment):
    """A small tmpfs in place of the gateway's journal, filled up."""
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it mounts a small file system")
    small = hostile.Deployment()
    folder = small.var / "gateway-1/journal/gateway-1"
    mounted = False
    try:
        small.start_targets()
        small.write_configuration()
        small.up()
        witness.await_ready(small)
        small.holdpoint("credentials set demo-gateway", stdin=(small.folder / "targets/upstream.json").read_text())
        witness.await_ready(small)
        agent = small.login()
        assert hostile.Request(small, agent, JSON).send().status == 200
        small.down()
        owner = folder.stat()
        kept = small.folder / "kept"
        subprocess.run(["/usr/bin/cp", "-a", str(folder), str(kept)], check=True)
        subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o", f"size=64m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}",
                        "none", str(folder)], check=True)
        mounted = True
        subprocess.run(["/usr/bin/cp", "-a", f"{kept}/.", str(folder)], check=True)
        small.up()
        witness.await_ready(small)
        assert hostile.Request(small, agent, JSON).send().status == 200
        filler = folder / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

        # The journal has taken a segment of 8 MiB ahead: entries with long parameters use it up.
        item = b'{"TableName":"orders","Item":{"id":{"S":"long"},"note":{"S":"' + b"word " * 20000 + b'"}}}'
        put = hostile.Wire("json", "dynamodb", "json", "POST", "/", item, Content_Type="application/x-amz-json-1.0",
                           X_Amz_Target="DynamoDB_20120810.PutItem")

        def is_refused():
            before = small.reached()
            answer = hostile.Request(small, agent, put).send()
            if answer.status == 200:
                return None
            assert small.reached() == before, "a call ran that could not be recorded"
            return answer
        answer = harness.wait_for(is_refused, "a full disk stops calls", 90)
        code, message = answer.error("json")
        assert code == "AccessDeniedException" and "recorded" in message, message
        filler.unlink()
        harness.wait_for(lambda: hostile.Request(small, agent, JSON).send().status == 200, "calls run again", 60)
    finally:
        small.close()
        if mounted:
            subprocess.run(["/usr/bin/umount", str(folder)], check=False)
