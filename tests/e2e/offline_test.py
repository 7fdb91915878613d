"""The demo needs no network: it runs where loopback is the only interface, and nothing tries to leave it."""

import ctypes
import os
import subprocess

import pytest

import harness

CLONE_NEWNET = 0x40000000


@pytest.fixture(scope="module")
def deployment():
    if os.geteuid() != 0:
        pytest.fail("this test needs root: it makes a network namespace")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        pytest.fail(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    # From here on this process and everything it starts sees loopback alone.
    subprocess.run(["/usr/sbin/ip", "link", "set", "lo", "up"], check=True)
    made = harness.Deployment()
    try:
        made.start()
        yield made
    finally:
        made.close()


def test_loopback_is_all_there_is(deployment):
    links = subprocess.run(["/usr/sbin/ip", "-o", "link", "show", "up"], capture_output=True, text=True, check=True).stdout
    assert len(links.splitlines()) == 1 and "LOOPBACK" in links


def test_reads_refusals_and_held_calls_work(deployment):
    code, output = deployment.aws(["dynamodb", "get-item", "--table-name", "orders", "--key", '{"id":{"S":"1001"}}'])
    assert code == 0, output
    code, output = deployment.aws("s3 cp s3://reports/2026/summary.csv -")
    assert code == 0, output
    code, output = deployment.aws("dynamodb scan --table-name orders")
    assert code != 0 and "AccessDenied" in output
    call = deployment.start_aws("dynamodb delete-table --table-name scratch")
    review = deployment.waiting_review()
    deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "alice", "--groups", "sre"])
    output, _ = call.communicate(timeout=60)
    assert call.returncode == 0, output
    assert "intact" in deployment.holdpoint("audit verify")


def test_it_stops_and_starts_again_without_a_network(deployment):
    deployment.down()
    deployment.up()
    code, output = deployment.aws(["dynamodb", "get-item", "--table-name", "orders", "--key", '{"id":{"S":"1001"}}'])
    assert code == 0, output
    assert deployment.sql("SELECT * FROM audit.operations WHERE operation = 'DeleteTable'")


def test_no_process_asks_for_a_name_or_another_host(deployment):
    """Without a route every such attempt would be in a log."""
    for file in (deployment.var.resolve() / "log").iterdir():
        text = file.read_text(encoding="utf-8", errors="replace")
        for sign in ("unreachable", "name resolution"):
            assert sign not in text, f"{file.name}: {sign}"
