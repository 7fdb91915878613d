"""kill -9 of each process while clients run and while a call waits for people: nothing acknowledged is lost, nothing runs
twice, nothing runs unrecorded, and while something is down calls are refused in words.
"""

import json
import os
import signal
import threading
import time

import botocore.exceptions
import pytest

import harness
import witness

PROCESSES = {"bus": ["bus"], "auditor": ["auditor-1"], "approvals": ["approvals-1"], "masker": ["masker-1", "masker-2"],
             "gateway": ["gateway-1"], "postgres": ["postgres"]}


def make_deployment():
    return harness.Deployment(maskers=2)


@pytest.fixture(scope="module")
def load(deployment):
    """Two clients that write and read through all that happens; their memory is checked at the end."""
    def client():
        return deployment.boto("dynamodb", retries=witness.ONE_TRY, connect_timeout=5, read_timeout=40)
    with witness.Load([client, client]) as running:
        yield running


def make_table(deployment, name):
    """Directly at the target: nobody is asked."""
    import boto3
    import botocore.config
    client = boto3.Session().client("dynamodb", endpoint_url=deployment.targets["dynamodb_server"], region_name="eu-west-1",
                                    aws_access_key_id="x", aws_secret_access_key="x",
                                    config=botocore.config.Config(proxies={}))
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def deletions(deployment, table):
    return witness.runs(deployment, "DeleteTable", json.dumps({"TableName": table}))


def open_reviews(deployment, table):
    done = deployment.holdpoint(["--json", "reviews", "list"], check=False)
    listed = json.loads(done.stdout) if done.returncode == 0 else []
    return [review["review_id"] for review in listed if any(name.endswith("/" + table) for name in review["resources"])]


def start(deployment, table):
    """The held call, and its review."""
    make_table(deployment, table)
    call = deployment.start_aws(f"dynamodb delete-table --table-name {table}")
    return call, harness.wait_for(lambda: open_reviews(deployment, table), f"a review about {table}", 30)[0]


def vote(deployment, review, verdict):
    """A reviewer tries until it works; a vote that was counted already is a vote."""
    def voted():
        reason = ["--reason", "no"] if verdict == "reject" else []
        done = deployment.holdpoint(["reviews", verdict, review, "--as", "alice", "--groups", "sre", *reason], check=False)
        return done.returncode == 0 or "closed" in done.stdout + done.stderr
    harness.wait_for(voted, "a vote is counted", 45)


def outcome_of(deployment, table):
    """What the record says of the calls that were meant for the table: the outcomes of those with an intent, and `unknown` for
    one whose gateway died between its claim and its intent.
    """
    rows = deployment.sql("SELECT operation_id, type, convert_from(bytes, 'UTF8') AS entry FROM audit.log "
                          "WHERE type LIKE 'holdpoint.operation.%' OR type = 'holdpoint.grant.settled' ORDER BY index")

    def meant_for_it(kind):
        return {row["operation_id"] for row in rows if row["type"].endswith(kind) and f"table/{table}\"" in row["entry"]}
    intended = meant_for_it(".intended")
    given_up = {data["operation_id"] for row in rows if row["type"] == "holdpoint.grant.settled"
                and (data := json.loads(row["entry"])["data"])["state"] == "unknown"}
    return ([json.loads(row["entry"])["data"]["outcome"] for row in rows
             if row["type"].endswith(".completed") and row["operation_id"] in intended]
            + ["unknown" for _ in (given_up & meant_for_it(".parked")) - intended])


def finish(deployment, call, table):
    """The held client, or the same command again, claims the grant and ends well. Or the gateway died on what it had
    meant to send: then the record says that the outcome is unknown, or how it ended where the gateway died on the answer,
    and the command asks people anew.
    """
    end = time.monotonic() + 90
    asked_again = []
    while True:
        while call.poll() is None and not asked_again:
            assert time.monotonic() < end, "the call neither ended nor asked again"
            time.sleep(0.2)
            asked_again = open_reviews(deployment, table)
        if asked_again:
            vote(deployment, asked_again[0], "reject")
        output, _ = call.communicate(timeout=60)
        if asked_again:
            assert call.returncode != 0 and "rejected" in output, output
            outcomes = harness.wait_for(lambda: outcome_of(deployment, table), "the outcome in the record", 30)
            assert outcomes in (["unknown"], ["done"]), outcomes
            assert deletions(deployment, table) <= 1
            assert outcomes == ["unknown"] or deletions(deployment, table) == 1
            return
        if call.returncode == 0:
            assert deletions(deployment, table) == 1
            return
        # What it printed is an answer of the gateway's, or says that there was none.
        assert any(text in output for text in ("An error occurred (", "Could not connect", "Connection was closed")), output
        witness.await_ready(deployment)
        call = deployment.start_aws(f"dynamodb delete-table --table-name {table}")


@pytest.mark.parametrize("victim", PROCESSES)
def test_a_held_call_survives_the_death_of(deployment, load, victim):
    call, review = start(deployment, f"held-{victim}")
    witness.kill(deployment, PROCESSES[victim])
    vote(deployment, review, "approve")
    finish(deployment, call, f"held-{victim}")
    assert deletions(deployment, f"held-{victim}") == 1
    witness.await_ready(deployment)


@pytest.mark.parametrize("victim", ["bus", "approvals", "gateway", "postgres"])
def test_a_call_runs_at_most_once_when_its_approval_meets_the_death_of(deployment, load, victim):
    call, review = start(deployment, f"approved-{victim}")
    vote(deployment, review, "approve")
    witness.kill(deployment, PROCESSES[victim])
    finish(deployment, call, f"approved-{victim}")
    witness.await_ready(deployment)


def one_try(deployment, read_timeout=20):
    """A client that waits no longer than this for bad news."""
    return deployment.boto("dynamodb", retries=witness.ONE_TRY, read_timeout=read_timeout)


def put(client, name):
    return client.put_item(TableName="orders", Item={"id": {"S": name}})


def refused(call):
    """The error that a client shows, with its code."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    told = caught.value.response["Error"]
    assert told["Code"] in witness.REFUSALS, told
    assert len(told["Message"]) > 10, told
    return told


def nothing_ran(deployment, name):
    return witness.runs(deployment, "PutItem", json.dumps({"TableName": "orders", "Item": {"id": {"S": name}}})) == 0


def intent_of(deployment, text):
    rows = deployment.sql("SELECT operation_id, convert_from(bytes, 'UTF8') AS entry FROM audit.log "
                          "WHERE type = 'holdpoint.operation.intended' ORDER BY index DESC LIMIT 200")
    return [row["operation_id"] for row in rows if f'"{text}"' in row["entry"]]


def test_a_call_that_a_kill_cut_off_gets_an_outcome_once(deployment, load):
    client = one_try(deployment, read_timeout=60)
    broken = []

    def call():
        try:
            put(client, "cut-off")
        except (*witness.BROKEN, botocore.exceptions.ClientError) as error:
            broken.append(error)

    target = deployment.target_process.pid
    caller = threading.Thread(target=call, daemon=True)
    os.kill(target, signal.SIGSTOP)  # it takes the call and does not answer
    try:
        caller.start()
        operation = harness.wait_for(lambda: intent_of(deployment, "cut-off"), "the intent in the record", 30)[0]
        witness.kill(deployment, PROCESSES["gateway"])
    finally:
        os.kill(target, signal.SIGCONT)
    caller.join(60)
    assert broken
    witness.await_ready(deployment)
    view = f"SELECT outcome FROM audit.operations WHERE operation_id = '{operation}' AND outcome IS NOT NULL"
    assert harness.wait_for(lambda: deployment.sql(view), "an outcome", 30) == [{"outcome": "unknown"}]
    witness.kill(deployment, PROCESSES["gateway"])  # what is said once is not said again
    witness.await_ready(deployment)
    put(client, "after the cut")
    ends = ("SELECT count(*) AS ends FROM audit.log WHERE type = 'holdpoint.operation.completed' AND operation_id = "
            f"'{operation}'")
    assert deployment.sql(ends) == [{"ends": 1}]


def test_without_the_bus_nothing_is_decided_and_a_parked_call_waits(deployment, load):
    client = one_try(deployment)
    call, review = start(deployment, "parked")
    with witness.outage(deployment, PROCESSES["bus"]):
        time.sleep(3.2)  # the lease on the configuration
        told = refused(lambda: put(client, "no-bus"))
        assert "bus" in told["Message"]
        assert call.poll() is None
    assert nothing_ran(deployment, "no-bus")
    witness.await_ready(deployment)
    vote(deployment, review, "approve")
    finish(deployment, call, "parked")
    assert deletions(deployment, "parked") == 1


def test_without_maskers_nothing_is_sent(deployment, load):
    client = one_try(deployment)
    with witness.outage(deployment, PROCESSES["masker"]):
        told = refused(lambda: put(client, "no-masker"))
        assert "mask" in told["Message"]
    assert nothing_ran(deployment, "no-masker")
    witness.await_ready(deployment)


@pytest.mark.parametrize("victim", ["approvals", "postgres"])
def test_reads_go_on_and_what_needs_people_is_refused_without(deployment, load, victim):
    make_table(deployment, f"unasked-{victim}")
    client = one_try(deployment, read_timeout=60)
    with witness.outage(deployment, PROCESSES[victim]):
        put(client, f"without-{victim}")
        told = refused(lambda: client.delete_table(TableName=f"unasked-{victim}"))
        assert "review" in told["Message"]
    assert deletions(deployment, f"unasked-{victim}") == 0
    witness.await_ready(deployment)


def test_without_the_auditor_calls_go_on_and_are_recorded_later(deployment, load):
    client = one_try(deployment)
    with witness.outage(deployment, PROCESSES["auditor"]):
        put(client, "no-auditor")
    witness.await_ready(deployment)
    harness.wait_for(lambda: [entry for entry in witness.entries(deployment) if "no-auditor" in json.dumps(entry)],
                     "the call in the record", 30)


def test_without_the_gateway_nobody_answers_and_credentials_outlive_it(deployment, load):
    client = one_try(deployment)
    with witness.outage(deployment, PROCESSES["gateway"]):
        with pytest.raises(witness.BROKEN):
            put(client, "no-gateway")
    witness.await_ready(deployment)
    put(client, "gateway-again")
    assert nothing_ran(deployment, "no-gateway")


def test_in_the_end_nothing_is_lost_doubled_or_unrecorded(deployment, load):
    witness.await_ready(deployment)
    before = len(load.acknowledged)
    harness.wait_for(lambda: len(load.acknowledged) > before + 10, "the clients work again", 30)
    load.__exit__()
    print("acknowledged", len(load.acknowledged), "refused", dict(load.refused), "broken", dict(load.broken))
    assert load.refused and load.broken  # else nothing was tested
    witness.check_nothing_acknowledged_is_lost(deployment, load)
    witness.check_every_call_was_intended(deployment)
    witness.check_every_intent_has_one_outcome(deployment)
    witness.check_the_log_is_intact(deployment)
