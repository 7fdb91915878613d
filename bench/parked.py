#!/usr/bin/env python3
"""Many parked requests in one gateway: what each costs in memory, and how fast one wakes while others are decided.

    bench/parked.py --bin build/release/bin                          # 2,500, 5,000 and 10,000 calls; some minutes
    bench/parked.py --bin build/release/bin --parked 500 1000 --rate 100 --seconds 3
    bench/parked.py --bin build/release/bin --memory-only --tls 1000 2000 --json figures.json

Every call is a PutItem with a body of 1 KiB, of another key, so that each is a review of its own; it is signed by
botocore, sent over a connection of its own and held by policy. The calls wait in a process apart from the gateway's.
Reviewers vote over the frontends' plane of the bus, as ops/examples/frontend.py does.

Memory: the gateway's private memory (smaps_rollup) at each size, and its slope by least squares; over TLS with --tls.
Waking: from the vote's acknowledgement at the voter to the answer's first byte at the client, for single calls that are
approved one at a time: `idle` with a handful parked, before and after the rest; `crowd` with all parked; `loaded` with
all parked (never fewer than said) while others of them are approved at --rate: each wakes, claims its grant and runs. Beside it, what processor time the services took for each.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import resource
import ssl
import statistics
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers  # noqa: E402
from held_calls import OPENING_PER_SECOND, Call, Caller, Crowd, Seat, review_ids  # noqa: E402

SLOPE_BUDGET = 16 << 10
RATIO_BUDGET = 2.0
PER_PRINCIPAL = 100    # the default of gateway.parked_per_principal_max: no limit is lifted for this benchmark
HANDFUL = 20           # parked at once while idle
FEWEST = 50            # timed calls that a percentile may be told of
ROLE = "arn:aws:iam::123456789012:role/waiting"
POLICY = {"Version": "2012-10-17", "Statement": [{
    "Sid": "EveryWriteWaits", "Effect": "Hold", "Action": "dynamodb:PutItem", "Mask": ["off"],
    "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
    "Review": {"Reviewers": ["sre"], "Required": 1, "Within": "2h", "Grant": "once", "Reason": "a benchmark"}}]}


# The deployment

def deployment_class():
    import harness

    class Waiting(harness.Deployment):
        """One gateway before a static target, with one role whose calls are all held."""

        def __init__(self, backend_port, parked_max, tls):
            super().__init__()
            self.backend_port, self.parked_max, self.tls = backend_port, parked_max, tls
            self.authority = None

        def start(self):
            self.targets = {"dynamodb": f"http://127.0.0.1:{self.backend_port}", "s3": "http://127.0.0.1:9"}
            self.write_configuration(self.edited)
            folder = self.folder / "configuration"
            (folder / "policies/waiting.json").write_text(json.dumps(POLICY))
            if self.tls:
                self.holdpoint(["config", "tls", "--self-signed", "--names", "localhost,127.0.0.1", "--folder",
                                str(folder / "tls")])
                self.authority = folder / "tls/gateway.crt"
                for file in (folder / "tls").iterdir():
                    file.chmod(0o644)  # read by the services' account; its key guards nothing
                (folder / "tls").chmod(0o755)
            self.up()
            key = {"access_key_id": "AKIABENCHBENCHBENCH0", "secret_access_key": "s" * 40}
            self.holdpoint("credentials set demo-gateway", stdin=json.dumps(key))
            return self

        def edited(self, text):
            secured = "tls: { certificate: tls/gateway.crt, key: tls/gateway.key }" if self.tls else "tls: none"
            text = text.replace("tls: none", f"{secured}, parked_max: {self.parked_max}")
            head, tail = text.split("roles:\n")[0], text.split("reviewers:")[1]
            return (f'{head}roles:\n  - {{ arn: "{ROLE}", trust: trust/coding-agent.json, policies: [policies/waiting.json],'
                    f' target: demo, session: 8h }}\nreviewers:{tail}')

        def credentials(self, subject):
            """Gateway-local credentials of one agent."""
            url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.gateway_port}/credentials?role={ROLE}"
            request = urllib.request.Request(url, headers={"Authorization": self.token(subject)})
            context = ssl.create_default_context(cafile=self.authority) if self.tls else None
            return json.load(urllib.request.urlopen(request, timeout=20, context=context))

        def frontend(self, name):
            file = self.folder / f"{name}.json"
            self.holdpoint(["keys", "issue", "frontend", name, "--file", str(file)])
            return json.loads(file.read_text())

        def gateway_pid(self):
            services = json.loads((self.var / "run/state.json").read_text())["services"]
            return next(each["pid"] for each in services if each["name"].startswith("gateway"))

    return Waiting


def gateway_memory(pid):
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    kib = {name: int(value.split()[0]) for name, value in fields.items()}
    return {"private": (kib["Private_Clean"] + kib["Private_Dirty"]) << 10, "pss": kib["Pss"] << 10}


def processor_seconds(deployment):
    """Service -> processor time so far; PostgreSQL with all its backends, ended ones too."""
    services = json.loads((deployment.var / "run/state.json").read_text())["services"]
    owner = {each["pid"]: each["name"].rstrip("-0123456789") for each in services}
    spent = dict.fromkeys(owner.values(), 0.0)
    for file in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid, parent = int(file.parent.name), int(fields[1])
        name = owner.get(pid) or owner.get(parent)
        if name:  # of a service itself also what its ended children used
            spent[name] += sum(map(int, fields[11:15] if pid in owner else fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return spent


# Phases

def voter_process(pipe, identity, token, reviews, rate):
    """Approves `reviews` at `rate`, on time whether or not the votes before were answered, until told to stop."""
    seat = Seat(identity)
    sent, times, states = {}, [], {}
    begin = time.monotonic()

    def hear():
        for _ in range(100):  # then votes are due again
            answer = seat.receive(1)
            if answer is None:
                return
            if answer[0] in sent:
                times.append((time.monotonic() - sent.pop(answer[0])) * 1000)
                state = answer[1].get("state") or answer[1].get("code")
                states[state] = states.get(state, 0) + 1

    while reviews and not pipe.poll():
        while reviews and len(times) + len(sent) < (time.monotonic() - begin) * rate:
            id = seat.send("VoteCast", {"review_id": reviews.pop(), "verdict": "approve", "token": token})
            sent[id] = time.monotonic()
        hear()
    count, seconds = len(times) + len(sent), time.monotonic() - begin
    pipe.send({"cast": count, "per_second": count / seconds, "answers": dict(states),
               "answered_per_second": len(times) / seconds, "vote_ms": percentiles(times)})


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def percentiles(times):
    if len(times) < 2:
        return {"count": len(times)}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"count": len(times), "p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(times)}


class Bench:
    def __init__(self, options, deployment):
        self.options, self.deployment = options, deployment
        self.operator = Seat(json.loads((deployment.var / "keys/operator.json").read_text()))
        self.seat = self.token = self.crowd = None
        self.keys = 0
        self.agents = []

    def caller(self):
        return Caller(self.deployment.gateway_port, list(self.agents))

    def settle(self, parked, seconds=120):
        """Until exactly so many calls are parked and the journal is shipped."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.operator.ask("GatewayStatusRequested", {}, "gateway.status")
            if status["parked"] == parked and status["journal"]["pending"] == 0:
                time.sleep(2)
                return
            time.sleep(0.2)
        raise SystemExit(f"{status['parked']} calls are parked instead of {parked}; journal {status['journal']};"
                         f" answered: {self.crowd.answers() if self.crowd else {}}")

    def parked(self):
        return self.operator.ask("GatewayStatusRequested", {}, "gateway.status")["parked"]

    def next_keys(self, name, count):
        """Keys that nobody used, each with the agent that calls, at most PER_PRINCIPAL for each agent."""
        keys = []
        for _ in range(count):
            if self.keys // PER_PRINCIPAL == len(self.agents):
                self.agents.append(self.deployment.credentials(f"agent-{len(self.agents)}"))
            keys.append((f"{name}-{self.keys}", self.keys // PER_PRINCIPAL))
            self.keys += 1
        return keys

    def memory(self, sizes):
        """The gateway's memory at each size, and bytes for each parked call by least squares."""
        keys = self.next_keys("load", max(sizes))
        self.crowd = Crowd(self.deployment.gateway_port, self.deployment.authority)
        points, parked, before = [], 0, self.parked()
        for size in sorted(sizes):
            self.crowd.open(keys[parked:size], self.agents)
            parked = size
            self.settle(before + parked)
            points.append((before + parked, gateway_memory(self.deployment.gateway_pid())))
            print(f"  {parked:6} parked: {points[-1][1]['private'] / 1e6:8.1f} MB private", flush=True)
        if refused := self.crowd.answers():
            print(f"  refused while they came, and made again: {refused}")
        slope, start = statistics.linear_regression([n for n, _ in points], [m["private"] for _, m in points])
        return {"points": points, "bytes_each": slope, "bytes_without": start, "refused": refused}

    def park_timed(self, count):
        parked = self.parked()
        keys = self.next_keys("timed", count)
        caller, calls = self.caller(), []
        for key, agent in keys:
            calls.append(Call(caller, key, agent))
            time.sleep(1 / OPENING_PER_SECOND)
        self.settle(parked + count)
        return calls

    def wake_one_by_one(self, calls, until=lambda: False):
        reviews = review_ids(self.operator, {call.key for call in calls})
        timed = []
        for call in calls:
            if until():
                break
            timed.append(call.wake(self.seat, reviews[call.key], self.token))
        return timed

    def idle(self):
        timed = []
        for _ in range(self.options.samples // HANDFUL):
            timed += self.wake_one_by_one(self.park_timed(HANDFUL))
        return timed

    def loaded(self, identity):
        """Single calls while others are approved at the rate; returns also what became of the others."""
        options = self.options
        calls = self.park_timed(options.samples)
        parked, keys = self.parked(), self.next_keys("other", options.rate * options.seconds)
        self.crowd.open(keys, self.agents)
        self.settle(parked + len(keys))
        others = review_ids(self.operator, {key for key, _ in keys})
        spent = processor_seconds(self.deployment)
        pipe, end = multiprocessing.Pipe()
        voter = multiprocessing.Process(target=voter_process, daemon=True,
                                        args=(end, identity, self.token, list(others.values()), options.rate))
        voter.start()
        time.sleep(1)
        timed = self.wake_one_by_one(calls, until=pipe.poll)
        pipe.send("stop")
        told = pipe.recv()
        voter.join()
        now = processor_seconds(self.deployment)
        told["processor_ms"] = {name: (now[name] - spent[name]) * 1000 / max(1, told["cast"]) for name in now}
        return timed, told

    def claims(self):
        """Claims of the log, and the messages that carried them: all claims of one message have its time."""
        time.sleep(3)
        return self.deployment.sql("SELECT count(*) AS claims, count(DISTINCT time) AS messages FROM audit.log"
                                   " WHERE type = 'holdpoint.grant.claimed'")[0]

    def leave(self):
        """Ends the crowd; the gateway notices."""
        if self.crowd:
            self.crowd.leave()
            self.crowd = None


def measured(options, backend, sizes, tls, wake):
    """One deployment: memory at each size, and waking if asked."""
    others = options.rate * options.seconds if wake else 0
    deployment = deployment_class()(backend.port, max(sizes) + others + options.samples + HANDFUL, tls)
    bench = None
    figures = {}
    try:
        deployment.start()
        bench = Bench(options, deployment)
        if not wake:
            return {"memory": bench.memory(sizes)}
        identities = [deployment.frontend(name) for name in ("bench-1", "bench-2")]
        bench.seat = Seat(identities[0])
        bench.token = deployment.holdpoint("token issue --subject alice --groups sre --reviewer --ttl 4h").strip()
        bench.wake_one_by_one(bench.park_timed(HANDFUL))  # warms everything up
        print("waking, a handful parked", flush=True)
        figures["idle before"] = bench.idle()
        figures["memory"] = bench.memory(sizes)
        print("waking, all parked", flush=True)
        figures["crowd"] = bench.wake_one_by_one(bench.park_timed(options.samples))
        before = bench.claims()
        print("waking, all parked, others decided", flush=True)
        figures["loaded"], figures["others"] = bench.loaded(identities[1])
        after = bench.claims()
        figures["claims"] = {name: after[name] - before[name] for name in after}
        bench.leave()
        bench.settle(0)
        figures["idle after"] = bench.idle()
        return figures
    finally:
        if bench:
            bench.leave()
        deployment.close()


def verdict(met):
    return "met" if met else "MISSED"


def report_memory(name, memory):
    each = memory["bytes_each"]
    print(f"{name}: {each / 1024:.1f} KiB of private memory for each parked call"
          + (f"; the budget is {SLOPE_BUDGET >> 10} KiB: {verdict(each <= SLOPE_BUDGET)}" if name == "plain HTTP" else ""))


def report(figures):
    print()
    plain = figures["plain"]
    report_memory("plain HTTP", plain["memory"])
    if "tls" in figures:
        report_memory("TLS", figures["tls"]["memory"])
    if "loaded" not in plain:
        return
    phases = {"idle": plain["idle before"] + plain["idle after"], "crowd": plain["crowd"], "loaded": plain["loaded"]}
    wakes = {name: percentiles([wake for _, wake in timed]) for name, timed in phases.items()}
    votes = {name: percentiles([vote for vote, _ in timed]) for name, timed in phases.items()}
    print(f"\n{'ms':8}{'calls':>7}{'wake p50':>10}{'p90':>8}{'p99':>8}{'max':>8}   vote p50{'p99':>8}")
    for name, wake in wakes.items():
        if wake["count"] < FEWEST:
            print(f"{name:8}{wake['count']:7} calls are too few: the votes were not counted in time, see `others`")
            continue
        print(f"{name:8}{wake['count']:7}{wake['p50']:10.1f}{wake['p90']:8.1f}{wake['p99']:8.1f}{wake['max']:8.1f}"
              f"{votes[name]['p50']:11.1f}{votes[name]['p99']:8.1f}")
    others, claims = plain["others"], plain["claims"]
    print(f"others: {others['cast']} votes cast at {others['per_second']:.0f}/s, {others['answers']} at"
          f" {others['answered_per_second']:.0f}/s; {claims['claims']} claims in {claims['messages']} messages")
    print("processor ms a decision: " + ", ".join(f"{name} {each:.2f}" for name, each in others["processor_ms"].items()))
    figures["wake_ms"], figures["vote_ms"] = wakes, votes
    if wakes["loaded"]["count"] >= FEWEST:
        figures["ratio"] = ratio = wakes["loaded"]["p99"] / wakes["idle"]["p99"]
        print(f"waking under load: {ratio:.2f} times idle at p99 (budget {RATIO_BUDGET:.0f}): {verdict(ratio <= RATIO_BUDGET)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder with the built programs")
    parser.add_argument("--parked", type=int, nargs="+", default=[2500, 5000, 10000], help="sizes of the crowd (at least two)")
    parser.add_argument("--tls", type=int, nargs="+", default=[500, 1000, 2000], help="sizes over TLS; 0 leaves TLS out")
    parser.add_argument("--rate", type=int, default=500, help="decisions a second while loaded")
    parser.add_argument("--seconds", type=int, default=6, help="how long to decide at that rate")
    parser.add_argument("--samples", type=int, default=300, help="timed calls in each phase")
    parser.add_argument("--memory-only", action="store_true", help="leave waking out")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    raise_descriptors()
    os.environ["HOLDPOINT_BIN"] = str(pathlib.Path(options.bin).resolve())
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))

    with tempfile.TemporaryDirectory(prefix="hp-bench-") as temporary:
        folder = pathlib.Path(temporary)
        folder.chmod(0o755)
        backend = peers.static_backend(folder)
        try:
            print("plain HTTP", flush=True)
            figures = {"plain": measured(options, backend, options.parked, tls=False, wake=not options.memory_only)}
            if len(options.tls) > 1:
                print("TLS", flush=True)
                figures["tls"] = measured(options, backend, options.tls, tls=True, wake=False)
        finally:
            backend.stop()
    report(figures)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
