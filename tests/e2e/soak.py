#!/usr/bin/python3
"""Random kills of every process under load, for MINUTES; then the checks of the crash tests. `ops/dev soak` runs it.

    HOLDPOINT_BIN=build/dev/bin python3 tests/e2e/soak.py MINUTES [--seed N]

Clients write and read without pause, calls wait for people, a reviewer approves what waits, and every few seconds a
process chosen by the seed is killed (kill -9), now and then two at once, PostgreSQL's postmaster among them.
"""

import argparse
import collections
import contextlib
import json
import random
import sys
import threading
import time

import botocore.exceptions

import harness
import witness


class People:
    """Calls that wait, and the reviewer who approves whatever waits."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.stopping = threading.Event()
        self.stopped_at = 0.0
        self.approved = collections.defaultdict(set)  # table -> reviews
        self.ran = set()                              # tables whose deletion the client saw answered by the target
        self.asked = []
        self.told = collections.Counter()
        self.odd = []
        self.threads = [threading.Thread(target=self.review, daemon=True)] + [
            threading.Thread(target=self.ask, args=(number, self.client()), daemon=True) for number in range(2)]

    def client(self):
        return self.deployment.boto("dynamodb", retries=witness.ONE_TRY, connect_timeout=5, read_timeout=90)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped_at = time.monotonic()
        self.stopping.set()
        for thread in reversed(self.threads):  # the reviewer is the last to leave
            thread.join(220)
            assert not thread.is_alive(), "a held call hangs"

    def ask(self, number, client):
        count = 0
        while not self.stopping.is_set():
            count += 1
            table = f"nowhere-{number}-{count}"  # the target says that there is none: it was asked
            self.asked.append(table)
            # As long as processes die, nobody can promise anything; afterwards everything finishes.
            while table not in self.ran and (not self.stopping.is_set() or time.monotonic() < self.stopped_at + 100):
                try:
                    client.delete_table(TableName=table)
                except botocore.exceptions.ClientError as error:
                    code = error.response["Error"]["Code"]
                    self.told[code] += 1
                    if code == "ResourceNotFoundException" or "already ran" in str(error):
                        self.ran.add(table)
                    elif code not in witness.REFUSALS:
                        self.odd.append(str(error))
                    else:
                        time.sleep(0.5)
                except witness.BROKEN as error:
                    self.told[type(error).__name__] += 1
                    time.sleep(0.5)
            if table not in self.ran:
                self.odd.append(f"{table} was not answered")

    def review(self):
        while not self.stopping.is_set() or any(thread.is_alive() for thread in self.threads[1:]):
            done = self.deployment.holdpoint(["--json", "reviews", "list"], check=False)
            with contextlib.suppress(ValueError):
                for review in json.loads(done.stdout) if done.returncode == 0 else []:
                    table = review["resources"][0].rpartition("/")[2]
                    voted = self.deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "alice", "--groups",
                                                       "sre"], check=False)
                    # Without an answer it may have counted; with one it has.
                    self.approved[table].add(review["review_id"])
                    self.told["voted" if voted.returncode == 0 else "vote not answered"] += 1
            time.sleep(0.3)

    def check(self):
        """Nothing ran more often than people had said, and what the client saw run did run."""
        bodies = [json.dumps({"TableName": table}) for table in self.asked]
        for table, runs in zip(self.asked, witness.runs_of(self.deployment, "DeleteTable", bodies)):
            assert runs <= len(self.approved[table]), f"{table} ran {runs} times on {len(self.approved[table])} approvals"
            assert runs or table not in self.ran, f"{table} is said to have run, and did not"
        assert not self.odd, self.odd[:5]


class LongSessions(harness.Deployment):
    """The clients log in once: their sessions outlive the longest soak."""

    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(lambda text: edit(text).replace("session: 1h", "session: 12h"))


def kill_at_random(deployment, chance, until):
    """Each process about once a minute: one that has run so long is started again at once."""
    kills = collections.Counter()
    while time.monotonic() < until:
        time.sleep(chance.uniform(2.0, 14.0))
        alive = [name for name, each in witness.services(deployment).items() if each["pid"] > 1]
        if not alive:
            continue
        names = chance.sample(alive, min(len(alive), chance.choice((1, 1, 2))))
        print(f"{time.strftime('%H:%M:%S')} kill -9 {' '.join(names)}", flush=True)
        witness.kill(deployment, names)
        kills.update(names)
    return kills


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    deployment = LongSessions(maskers=2)
    try:
        deployment.start()
        clients = [lambda: deployment.boto("dynamodb", retries=witness.ONE_TRY, connect_timeout=5, read_timeout=60)] * 3
        with witness.Load(clients, pause=0.05) as load, People(deployment) as people:
            kills = kill_at_random(deployment, random.Random(options.seed), time.monotonic() + options.minutes * 60)
            print("no more kills; everything finishes", flush=True)
            witness.await_ready(deployment, 120)
            before = len(load.acknowledged)
            harness.wait_for(lambda: len(load.acknowledged) > before + 10, "the clients work again", 60)
        print("kills", dict(kills))
        print("writes acknowledged", len(load.acknowledged), "of", len(load.sent), "refused", dict(load.refused), "broken",
              dict(load.broken))
        print("held calls", len(people.asked), "told", dict(people.told))
        witness.check_nothing_acknowledged_is_lost(deployment, load)
        witness.check_every_call_was_intended(deployment)
        people.check()
        witness.check_the_log_is_intact(deployment)
        print("nothing lost, doubled or unrecorded; the log is intact")
    except AssertionError as error:
        sys.exit(f"error (seed {options.seed}): {error}")
    finally:
        deployment.close()


if __name__ == "__main__":
    main()
