"""What agents are told while a part is down, and that nothing runs which could not be decided, masked or recorded."""

import concurrent.futures
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


def refused_in_every_protocol(deployment, credentials, wires, text):
    """All at once: some of these answers take their time. Returns what the record has to say about them."""
    with concurrent.futures.ThreadPoolExecutor(len(wires)) as pool:
        requests = [hostile.Request(deployment, credentials, wire) for wire in wires]
        return [answer.request_id for answer in pool.map(lambda request: deployment.refuses(request, text=text), requests)]


def recorded_as_unavailable(deployment, request_ids):
    for request_id in request_ids:
        assert deployment.refusal(request_id)["decision"] == "unavailable"


WAYS = pytest.mark.parametrize("way", [witness.outage, hostile.frozen], ids=["killed", "frozen"])


@WAYS
def test_without_the_bus_nothing_is_decided(deployment, credentials, way):
    with way(deployment, names(deployment, "bus")):
        time.sleep(3.6)  # the lease
        refused = refused_in_every_protocol(deployment, credentials, hostile.WIRES, "has not heard from the bus")
        assert login_status(deployment) == 403
    recorded_as_unavailable(deployment, refused)


def login_status(deployment):
    head = (f"GET /credentials?role={harness.ROLE} HTTP/1.1\r\nHost: 127.0.0.1:{deployment.gateway_port}\r\n"
            f"Authorization: {deployment.token()}\r\n\r\n")
    return hostile.exchange(deployment, head.encode(), "GET").status


@WAYS
def test_without_maskers_nothing_that_must_be_masked_is_sent(deployment, credentials, way):
    with way(deployment, names(deployment, "masker")):
        refused = refused_in_every_protocol(deployment, credentials, hostile.WIRES, "must be masked")
    recorded_as_unavailable(deployment, refused)


@WAYS
def test_without_approvals_nothing_that_needs_a_review_runs(deployment, credentials, way):
    with way(deployment, names(deployment, "approvals")):
        refused = refused_in_every_protocol(deployment, credentials, hostile.HELD, "needs a review")
        assert hostile.Request(deployment, credentials, JSON).send().status == 200
    recorded_as_unavailable(deployment, refused)


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


def test_a_body_that_kills_its_masker_is_not_given_to_the_other(deployment, credentials):
    """Of two maskers that hold still, one dies with the answer in its hands. Were it given to the other, the call would
    end well, as it does when that one has it.
    """
    for attempt in range(8):
        pids = [witness.services(deployment)[name]["pid"] for name in names(deployment, "masker")]
        victim, other = pids if attempt % 2 else reversed(pids)

        def hold_still():
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            fate.start()

        def decide():
            os.kill(victim, signal.SIGKILL)
            os.kill(other, signal.SIGCONT)

        fate = threading.Timer(0.7, decide)
        deployment.trap.before_answer = hold_still
        try:
            answer = hostile.Request(deployment, credentials, hostile.wire["query"]).send()
        finally:
            deployment.trap.before_answer = None
            fate.join()
        assert witness.is_alive(other)
        witness.await_ready(deployment)
        if answer.status != 200:
            break
    code, message = answer.error("query")
    assert (answer.status, code) == (409, "OutcomeUnknown"), (answer.status, message)
    assert "withheld" in message and not hostile.is_retried(answer.status, code)
    assert b"<Answer/>" not in answer.body
    done = deployment.refusal(answer.request_id, "holdpoint.operation.completed")
    assert done["blocked"] and done["outcome"] == "done"


class SmallDisk:
    """64 MiB in place of a folder, with what was in it; full on demand."""

    def __init__(self, folder):
        self.folder, self.filler = folder, folder / "filler"
        owner = folder.stat()
        content = {file.name: file.read_bytes() for file in folder.iterdir()}
        done = subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "-o",
                               f"size=64m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}", "none", str(folder)],
                              capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail(f"nothing can be mounted here, so no disk can be made full: {done.stderr.strip()}")
        for name, data in content.items():
            (folder / name).write_bytes(data)
            os.chmod(folder / name, 0o600)
            os.chown(folder / name, owner.st_uid, owner.st_gid)

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def unmount(self):
        subprocess.run(["/usr/bin/umount", "--lazy", str(self.folder)], check=True)


class OnASmallDisk(hostile.Deployment):
    disk = None

    def down(self):
        super().down()
        if self.disk:
            self.disk.unmount()
            self.disk = None


def test_a_full_disk_under_the_journal_stops_calls_until_there_is_room():
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it mounts a small file system")
    small = OnASmallDisk()
    try:
        small.start()
        witness.await_ready(small)
        agent = small.login()
        assert hostile.Request(small, agent, JSON).send().status == 200
        small.down()
        small.disk = SmallDisk(small.var / "gateway-1/journal/gateway-1")
        small.up()
        witness.await_ready(small)
        assert hostile.Request(small, agent, JSON).send().status == 200

        # The journal has taken a segment of 8 MiB ahead: entries with long parameters use it up.
        item = b'{"TableName":"orders","Item":{"id":{"S":"long"},"note":{"S":"' + b"word " * 20000 + b'"}}}'
        put = hostile.Wire("json", "dynamodb", "json", "POST", "/", item, Content_Type="application/x-amz-json-1.0",
                           X_Amz_Target="DynamoDB_20120810.PutItem")

        def is_refused():
            small.disk.fill()  # again and again: segments that the log has taken make room
            before = small.reached()
            answer = hostile.Request(small, agent, put).send()
            if answer.status == 200:
                return None
            assert small.reached() == before, "a call ran that could not be recorded"
            return answer
        answer = harness.wait_for(is_refused, "a full disk stops calls", 90)
        code, message = answer.error("json")
        assert code == "AccessDeniedException" and "recorded" in message, message
        assert not hostile.is_retried(answer.status, code)
        small.disk.filler.unlink()
        harness.wait_for(lambda: hostile.Request(small, agent, JSON).send().status == 200, "calls run again", 60)
    finally:
        small.close()
