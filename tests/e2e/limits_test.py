"""Bounds on calls of one principal: refused in each protocol's throttling form, which SDKs answer with patience."""

import concurrent.futures
import contextlib
import socket
import threading
import time

import pytest

import harness
import hostile

RATE = 2


class Deployment(hostile.Deployment):
    def open_up(self, text):
        return super().open_up(text).replace(
            "durable: journal", f"durable: journal, in_flight_per_principal_max: 4, calls_per_second_per_principal_max: {RATE}")


def make_deployment():
    return Deployment()


def burst(deployment, credentials, wire, count=20 * RATE):
    """Answers of calls that come as fast as they can, never more at a time than may be at work."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: hostile.Request(deployment, credentials, wire).send(), range(count)))


@pytest.mark.parametrize("name,code,status", [("json", "ThrottlingException", 400), ("query", "Throttling", 400),
                                              ("rest-json", "ThrottlingException", 400), ("s3", "SlowDown", 503)])
def test_who_calls_too_often_is_told_to_slow_down_in_its_own_protocol(deployment, credentials, name, code, status):
    wire = hostile.wire[name]
    throttled = [answer for answer in burst(deployment, credentials, wire) if answer.status == status]
    assert throttled
    for answer in throttled:
        said, text = answer.error(wire.parser)
        assert said == code and "calls a second" in text
        assert hostile.is_retried(answer.status, said)


def test_another_principal_is_served_meanwhile(deployment, credentials):
    other = deployment.login(deployment.token("agent-9"))
    burst(deployment, credentials, hostile.wire["query"])
    assert hostile.Request(deployment, other, hostile.wire["query"]).send().status == 200


def test_an_sdk_gets_through_by_waiting(deployment):
    client = deployment.boto("dynamodb", retries={"mode": "standard", "max_attempts": 8})
    attempts = 0
    for _ in range(3 * RATE):
        answer = client.get_item(TableName="orders", Key={"id": {"S": "1002"}})
        attempts += answer["ResponseMetadata"]["RetryAttempts"]
    assert attempts > 0


def test_calls_at_work_are_bounded_and_places_come_free(deployment):
    agent = deployment.login(deployment.token("agent-10"))
    release = threading.Event()
    deployment.trap.before_answer = lambda: release.wait(30)
    answers = []

    def run():
        answers.append(hostile.Request(deployment, agent, hostile.wire["query"]).send())

    threads = [threading.Thread(target=run) for _ in range(4)]
    before = len(deployment.trap.seen)
    for thread in threads:
        thread.start()
        time.sleep(1 / RATE)
    harness.wait_for(lambda: len(deployment.trap.seen) == before + 4, "four calls at work")
    refused = hostile.Request(deployment, agent, hostile.wire["query"]).send()
    assert refused.error("query")[0] == "Throttling" and "4 calls at work" in refused.error("query")[1]
    release.set()
    for thread in threads:
        thread.join()
    deployment.trap.before_answer = None
    assert [answer.status for answer in answers] == [200] * 4
    time.sleep(1 / RATE)
    assert hostile.Request(deployment, agent, hostile.wire["query"]).send().status == 200


def forged(deployment, credentials):
    """What whoever saw a presigned URL could send: key id and token, no declared hash, and no signature to speak of."""
    request = hostile.Request(deployment, credentials, hostile.wire["query"])
    del request.headers["X-Amz-Content-SHA256"]
    head, _ = request.headers["Authorization"].replace("x-amz-content-sha256;", "").split("Signature=")
    request.headers["Authorization"] = head + "Signature=" + "0" * 64
    return request


def test_who_cannot_sign_spends_nothing_of_the_principal(deployment):
    agent = deployment.login(deployment.token("agent-12"))
    data = forged(deployment, agent).bytes()
    with contextlib.ExitStack() as dripping:
        for _ in range(8):
            connection = socket.create_connection(("127.0.0.1", deployment.gateway_port), timeout=40)
            dripping.enter_context(connection).sendall(data[:-1])
        codes = {forged(deployment, agent).send().error("query")[0] for _ in range(4 * RATE)}
        assert codes == {"SignatureDoesNotMatch"}
        assert hostile.Request(deployment, agent, hostile.wire["query"]).send().status == 200


def test_a_flood_of_refusals_does_not_fill_the_record(deployment):
    flooder = deployment.login(deployment.token("agent-11"))
    seen = burst(deployment, flooder, hostile.wire["query"], 50 * RATE)
    throttled = sum(answer.status == 400 for answer in seen)

    def recorded():
        return [row for row in deployment.sql("SELECT principal, decision FROM audit.denials")
                if row["principal"] == "local:agent-11"]

    rows = harness.wait_for(recorded, "a refusal in the record")
    assert throttled > 0 and len(rows) <= max(2, throttled // 2), (throttled, len(rows))
    assert all(row["decision"] == "overloaded" for row in rows)


def test_a_bound_of_nothing_is_refused_by_lint(deployment):
    file = deployment.folder / "configuration/zero.yaml"
    text = (deployment.folder / "configuration/holdpoint.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("in_flight_per_principal_max: 4", "in_flight_per_principal_max: 0"), encoding="utf-8")
    done = deployment.holdpoint(["config", "lint", str(file)], check=False)
    assert done.returncode != 0 and "in_flight_per_principal_max" in done.stderr, done.stderr
