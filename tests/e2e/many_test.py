"""Two of each process on hosts of their own, over tcp with CURVE: clients work through either gateway while each process is
killed in turn; a revoked key is cut off.
"""

import contextlib
import json
import ssl
import subprocess
import threading
import time
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

import harness
import network
import witness

ROLES = ("gateway", "approvals", "masker", "auditor")


class Many(harness.Deployment):
    """The bus and PostgreSQL here, everything else elsewhere."""

    def __init__(self, net):
        super().__init__(gateways=0, maskers=1)
        self.net = net
        self.bus = f"tcp://{net.address}:{harness.free_port()}"
        self.members = {}
        self.tls = self.folder / "tls"

    def build(self):
        self.start_targets()
        for name in ("dynamodb", "s3"):
            self.targets[name] = "http://" + self.net.relay(int(self.targets[name].rpartition(":")[2]))
        # Addresses are given out in order: the gateways are the first two hosts.
        addresses = [f"10.231.{self.net.number}.{number}" for number in (10, 11)]
        self.gateways = [f"https://{address}:7400" for address in addresses]
        self.folder.joinpath("tls").mkdir()
        self.holdpoint(["config", "tls", "--self-signed", "--names", ",".join(addresses), "--folder", str(self.tls)])
        # Copied to each gateway's host by whoever installs it there, for its account.
        subprocess.run(["/usr/bin/chown", "-R", "holdpoint-gateway:holdpoint-gateway", str(self.tls)], check=True)
        self.authority = next(path for path in self.tls.iterdir() if "key" not in path.name)
        key = next(path for path in self.tls.iterdir() if "key" in path.name)
        listen = f"listen: [\"127.0.0.1:{self.gateway_port}\"], tls: none"
        secured = (f"listen: [\"127.0.0.1:{self.gateway_port}\"], tls: {{ certificate: {self.authority}, key: {key} }}, "
                   f"hosts: {json.dumps(addresses)}")
        self.write_configuration(lambda text: text.replace(listen, secured))
        self.sizes = ["--gateways", "0", "--maskers", "0", "--bus-listen", self.bus]
        self.up()
        self.holdpoint("credentials set demo-gateway", stdin=(self.folder / "targets/upstream.json").read_text())
        sockets = json.loads((self.var / "keys/operator.json").read_text(encoding="utf-8"))["bus_endpoint"]
        database = "host=" + sockets.removeprefix("ipc://").removesuffix("/bus") + "/postgres dbname=holdpoint user=holdpoint_"
        arguments = {"gateway": ["--var", "{folder}", "--listen", "{address}:7400"],
                     "approvals": ["--var", "{folder}", "--database", database + "approvals", "--no-console"],
                     "masker": [],
                     "auditor": ["--database", database + "writer", "--checkpoints", "{folder}/checkpoints"]}
        for role in ROLES:
            for name in (f"{role}-east", f"{role}-west"):
                self.members[name] = network.Member(self, self.net, role, name, arguments[role])
                self.members[name].start()

    def close(self):
        for member in self.members.values():
            member.kill()
        super().close()

    def peers(self):
        done = self.holdpoint("--json status", check=False)
        bus = json.loads(done.stdout)["bus"] if done.returncode == 0 else None
        return {peer["name"] for peer in bus["peers"]} if bus else set()

    def await_members(self, names=None):
        wanted = set(names or self.members)
        try:
            harness.wait_for(lambda: wanted <= self.peers(), f"on the bus: {wanted}", 40)
        except AssertionError as error:
            missing = wanted - self.peers()
            raise AssertionError(str(error) + "".join(f"\n{name}: {self.members[name].said()}" for name in missing)) from error

    def await_gateways(self):
        for gateway, name in zip(self.gateways, ("gateway-east", "gateway-west")):
            def answers(gateway=gateway):
                with contextlib.suppress(OSError):
                    return self.credentials(gateway)
            try:
                harness.wait_for(answers, f"{gateway} answers", 30)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.members[name].said()}") from error

    # Clients beyond loopback speak TLS and log in by themselves: credentials of one gateway are good at the other.

    def credentials(self, gateway):
        context = ssl.create_default_context(cafile=str(self.authority))
        request = urllib.request.Request(f"{gateway}/credentials?role={harness.ROLE}", headers={"Authorization": self.token()})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        return json.load(opener.open(request, timeout=20))

    def client(self, gateway, credentials, **settings):
        return boto3.Session().client(
            "dynamodb", endpoint_url=gateway, region_name="eu-west-1", verify=str(self.authority),
            aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["Token"],
            config=botocore.config.Config(proxies={}, retries=witness.ONE_TRY, connect_timeout=3, **settings))


@pytest.fixture(scope="module")
def many():
    with network.Network() as net:
        made = Many(net)
        try:
            made.build()
            # The machine's own auditor and approvals are not wanted: the test is about those elsewhere.
            with witness.outage(made, ["auditor-1", "approvals-1"]):
                made.await_members()
                made.await_gateways()
                yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def load(many):
    credentials = many.credentials(many.gateways[0])
    with witness.Load([lambda gateway=gateway: many.client(gateway, credentials, read_timeout=30)
                       for gateway in many.gateways]) as running:
        yield running


class Held:
    """A deletion that waits for people, through one gateway, and by the other when that one breaks."""

    def __init__(self, many, table, gateways):
        self.outcome = None
        credentials = many.credentials(gateways[-1])
        clients = [many.client(gateway, credentials, read_timeout=60) for gateway in gateways]

        def run():
            for turn in range(20):
                try:
                    clients[turn % len(clients)].delete_table(TableName=table)
                    self.outcome = "done"
                    return
                except botocore.exceptions.ClientError as error:
                    self.outcome = str(error)
                    if "unavailable" not in self.outcome and "could not" not in self.outcome:
                        return
                except witness.BROKEN as error:
                    self.outcome = repr(error)
                time.sleep(0.5)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def finish(self):
        self.thread.join(90)
        assert not self.thread.is_alive(), "the held call hangs"
        return self.outcome


def works_again(load, more=6, seconds=40):
    """Both clients, one for each gateway, or the one whose gateway lives."""
    before = len(load.acknowledged)
    harness.wait_for(lambda: len(load.acknowledged) >= before + more, "clients are served", seconds)


def is_recorded_again(many):
    """Whoever writes the log now."""
    entries = "SELECT count(*) AS entries FROM audit.log"
    before = many.sql(entries)[0]["entries"]
    harness.wait_for(lambda: many.sql(entries)[0]["entries"] > before, "the log grows", 40)


def review_of(many, table):
    def find():
        done = many.holdpoint(["--json", "reviews", "list"], check=False)
        listed = json.loads(done.stdout) if done.returncode == 0 else []
        return [each["review_id"] for each in listed if any(name.endswith("/" + table) for name in each["resources"])]
    return harness.wait_for(find, f"a review about {table}", 40)[0]


def approve(many, review):
    def voted():
        done = many.holdpoint(["reviews", "approve", review, "--as", "alice", "--groups", "sre"], check=False)
        return done.returncode == 0 or "closed" in done.stdout + done.stderr
    harness.wait_for(voted, "a vote is counted", 40)


@pytest.mark.parametrize("role", ROLES)
def test_one_of_two_may_die(many, load, role):
    """The eastern one dies while a call waits, the western one while the eastern one is back."""
    works_again(load)
    table = f"nowhere-{role}"  # held before anybody asks whether it exists; the target then says that it does not
    held = Held(many, table, many.gateways)
    review = review_of(many, table)
    many.members[f"{role}-east"].kill()
    works_again(load)
    is_recorded_again(many)
    approve(many, review)
    outcome = held.finish()
    assert "ResourceNotFoundException" in outcome, outcome
    assert witness.runs(many, "DeleteTable", json.dumps({"TableName": table})) == 1
    many.members[f"{role}-east"].start()
    many.await_members()
    many.members[f"{role}-west"].kill()
    works_again(load)
    is_recorded_again(many)
    many.members[f"{role}-west"].start()
    many.await_members()


def test_both_gateways_and_both_approvals_are_in_the_record(many, load):
    def sources():
        return {row["source"] for row in many.sql("SELECT DISTINCT source FROM audit.log")}
    harness.wait_for(lambda: sources() >= {f"{role}-{side}" for role in ("gateway", "approvals") for side in ("east", "west")},
                     "records of all four", 30)


def test_in_the_end_nothing_is_lost_doubled_or_unrecorded(many, load):
    load.__exit__()
    print("acknowledged", len(load.acknowledged), "refused", dict(load.refused), "broken", dict(load.broken))
    assert load.broken  # else nothing was tested
    witness.check_nothing_acknowledged_is_lost(many, load)
    witness.check_every_call_was_intended(many)
    witness.check_the_log_is_intact(many)


@pytest.mark.parametrize("name", ["masker-west", "gateway-west"])
def test_a_revoked_key_is_cut_off_and_the_other_one_works_on(many, name):
    """After the checks: what a revoked gateway has not shipped yet stays in its journal."""
    credentials = many.credentials(many.gateways[0])
    many.holdpoint(["keys", "revoke", name])
    harness.wait_for(lambda: name not in many.peers(), f"{name} is cut off", 5)
    many.members[name].kill()
    many.members[name].start()  # the same identity again
    time.sleep(2)
    assert name not in many.peers()
    with witness.Load([lambda: many.client(many.gateways[0], credentials, read_timeout=30)]) as load:
        works_again(load)
    assert not load.broken and not load.odd, load.odd
    if name.startswith("gateway"):
        with pytest.raises(OSError):
            many.credentials(many.gateways[1])
