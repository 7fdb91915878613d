"""What tests with crashes share: clients that remember what they were told, ways to kill, and the checks at the end.

Nothing here trusts the gateway: what ran is what the verifying proxy before the target wrote down, what was promised is
what clients had in hand, and the record is read with psql.
"""

import bisect
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import threading
import time
import uuid

import botocore.exceptions

import harness

# What a client may be told while something is down: in the service's own shape, or by a broken connection.
REFUSALS = {"AccessDeniedException", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException",
            "ThrottlingException", "ProvisionedThroughputExceededException",
            "OutcomeUnknownException"}  # it ran, and its answer had to be withheld
BROKEN = (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError)
ONE_TRY = {"total_max_attempts": 1, "mode": "standard"}


class Load:
    """Threads that write and read items; each write is another one, and remembers whether it was acknowledged."""

    def __init__(self, make_clients, pause=0.02):
        self.run = uuid.uuid4().hex[:8]
        self.sent = {}            # SHA-256 of the body -> invocation id
        self.acknowledged = set()  # SHA-256 of bodies
        self.reads = 0
        self.refused = collections.Counter()
        self.broken = collections.Counter()
        self.odd = []
        self.pause = pause
        self.stopping = threading.Event()
        # Logged in before anything is killed.
        self.threads = [threading.Thread(target=self.work, args=(number, make()), daemon=True)
                        for number, make in enumerate(make_clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive(), "a client hangs"

    def work(self, number, client):
        last = {}

        def note(request, **_):
            body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
            last["hash"] = hashlib.sha256(body).hexdigest()
            invocation = request.headers.get("amz-sdk-invocation-id", b"")
            self.sent[last["hash"]] = invocation.decode() if isinstance(invocation, bytes) else invocation

        client.meta.events.register_last("before-send.dynamodb", note)
        count = 0
        while not self.stopping.is_set():
            count += 1
            key = {"id": {"S": f"{self.run}-{number}-{count}"}}
            try:
                client.put_item(TableName="orders", Item={**key, "note": {"S": f"attempt {count}"}})
                self.acknowledged.add(last["hash"])
                assert client.get_item(TableName="orders", Key=key)["Item"]["id"] == key["id"]
                self.reads += 1
            except botocore.exceptions.ClientError as error:
                told = error.response["Error"]
                self.refused[told["Code"]] += 1
                if told["Code"] not in REFUSALS or not told.get("Message"):
                    self.odd.append(str(error))
            except BROKEN as error:
                self.broken[type(error).__name__] += 1
            except Exception as error:  # noqa: BLE001: a thread's error is the test's
                self.odd.append(repr(error))
            time.sleep(self.pause)


# Killing

def services(deployment):
    """Name -> state and process id of what the supervisor runs, read without the bus."""
    state = json.loads((deployment.var / "run/state.json").read_text(encoding="utf-8"))
    return {service["name"]: service for service in state["services"]}


def supervisor(deployment):
    return json.loads((deployment.var / "run/state.json").read_text(encoding="utf-8"))["pid"]


def is_alive(pid):
    """Not for one that has ended and that nobody has asked about yet."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def await_ready(deployment, seconds=60):
    """All processes, a database that answers, and a gateway that may decide."""
    harness.wait_for(lambda: all(each["state"] == "ready" and is_alive(each["pid"])
                                 for each in services(deployment).values()), "everything ready again", seconds)

    def working():
        done = deployment.holdpoint("--json status", check=False)
        status = json.loads(done.stdout) if done.returncode == 0 else {}
        return status.get("bus") and (status.get("gateway") or {}).get("lease") and "log" in served(status)

    def served(status):
        return {service["service"] for service in status["bus"]["services"] if service["workers"]}

    def database():
        with contextlib.suppress(harness.Failed):
            return deployment.sql("SELECT 1")
    harness.wait_for(working, "a gateway that may decide", seconds)
    harness.wait_for(database, "the database answers", seconds)


def kill(deployment, names):
    """kill -9 by process id."""
    known = services(deployment)
    for name in names:
        pid = known[name]["pid"]
        if pid > 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            harness.wait_for(lambda pid=pid: not is_alive(pid), f"{name} is dead", 10)


@contextlib.contextmanager
def outage(deployment, names):
    """The processes are killed and stay away: whoever would start them again is stopped."""
    keeper = supervisor(deployment)
    os.kill(keeper, signal.SIGSTOP)
    try:
        kill(deployment, names)
        yield
    finally:
        os.kill(keeper, signal.SIGCONT)


# The record

def entries(deployment):
    rows = deployment.sql("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log ORDER BY index")
    return [json.loads(row["entry"]) for row in rows]


def when(text):
    """RFC 3339 with any number of digits -> comparable text."""
    head, _, fraction = text.rstrip("Z").partition(".")
    return head + "." + fraction.ljust(9, "0")


def check_every_call_was_intended(deployment, log=None):
    """For the calls of each operation (DynamoDB) or method (S3) in the order of time, there were as many intents before:
    none ran without one."""
    log = log if log is not None else entries(deployment)
    intents = collections.defaultdict(list)
    for entry in log:
        if entry["type"] == "holdpoint.operation.intended":
            data = entry["data"]
            intents[data["method"] if data["service"] == "s3" else data["operation"]].append(when(entry["time"]))
    for times in intents.values():
        times.sort()
    seen = collections.Counter()
    calls = deployment.calls("dynamodb") + deployment.calls("s3")
    for call in sorted(calls, key=lambda call: when(call["time"])):
        operation = call["operation"].rpartition(".")[2] or call["method"]
        seen[operation] += 1
        before = bisect.bisect_right(intents[operation], when(call["time"]))
        assert before >= seen[operation], f"{operation} at {call['time']} ran without an intent in the record"


def check_nothing_acknowledged_is_lost(deployment, load):
    """Every acknowledged write ran once and is in the record with its outcome; none of the others ran twice."""
    ran = collections.Counter(call["body_sha256"] for call in deployment.calls("dynamodb")
                              if call["operation"].endswith("PutItem"))
    assert not [body for body in load.sent if ran[body] > 1], "a write ran twice"
    assert not [body for body in load.acknowledged if ran[body] != 1], "an acknowledged write did not run"

    def missing():
        log = entries(deployment)
        intended = {entry["data"].get("invocation_id"): entry["data"]["operation_id"] for entry in log
                    if entry["type"] == "holdpoint.operation.intended"}
        done = {entry["data"]["operation_id"] for entry in log
                if entry["type"] == "holdpoint.operation.completed" and entry["data"]["outcome"] == "done"}
        left = [body for body in load.acknowledged if intended.get(load.sent[body]) not in done]
        # Beyond what was acknowledged: whatever ran has an intent of the very call.
        left += [body for body in load.sent if ran[body] and load.sent[body] not in intended]
        return left

    harness.wait_for(lambda: not missing(), "every acknowledged write in the record", 40)
    assert not load.odd, load.odd[:5]


def check_every_intent_has_one_outcome(deployment):
    """Also of those that were under way when their gateway was killed."""
    open_ones = "SELECT operation_id FROM audit.operations WHERE decision IN ('allowed', 'granted') AND outcome IS NULL"
    harness.wait_for(lambda: not deployment.sql(open_ones), "an outcome of every intent", 30)
    assert not deployment.sql("SELECT operation_id FROM audit.log WHERE type = 'holdpoint.operation.completed'"
                              " GROUP BY operation_id HAVING count(*) > 1")


def check_the_log_is_intact(deployment):
    assert "intact" in deployment.holdpoint("audit verify")


def runs(deployment, operation, body):
    """How often the target accepted this very call."""
    return runs_of(deployment, operation, [body])[0]


def runs_of(deployment, operation, bodies):
    """The same of many calls, in one look."""
    ran = collections.Counter(call["body_sha256"] for call in deployment.calls("dynamodb")
                              if call["operation"].endswith(operation))
    return [ran[hashlib.sha256(body.encode()).hexdigest()] for body in bodies]
