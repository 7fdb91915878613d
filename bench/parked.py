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
all parked (never fewer than said) while others of them are approved at --rate: each wakes, claims its grant and runs.
"""
import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import pathlib
import resource
import select
import socket
import ssl
import statistics
import struct
import sys
import tempfile
import time
import urllib.request
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import peers  # noqa: E402

SLOPE_BUDGET = 16 << 10
RATIO_BUDGET = 2.0
PER_PRINCIPAL = 100    # the default of gateway.parked_per_principal_max: no limit is lifted for this benchmark
HANDFUL = 20           # parked at once while idle
FEWEST = 50            # timed calls that a percentile may be told of
OPENING_PER_SECOND = 250
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
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


# The bus

class Seat:
    """A place on the bus with somebody's identity: requests out, answers in."""

    def __init__(self, identity):
        import zmq
        import zmq.utils.z85
        key = lambda name: zmq.utils.z85.encode(base64.b64decode(identity[name]))  # noqa: E731
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.curve_publickey, self.socket.curve_secretkey = key("curve_public"), key("curve_secret")
        self.socket.curve_serverkey = key("bus_public")
        self.socket.connect(identity["bus_endpoint"])

    def send(self, message, body, service="reviews", seconds=10):
        text = lambda value: bytes([len(value)]) + value.encode()  # noqa: E731
        id = uuid.uuid4().bytes
        head = struct.pack(">2sBB16sQQB", b"HP", 1, 1, id, int((time.time() + seconds) * 1000), 0, 0)
        self.socket.send_multipart([head + text(service) + text(message) + text("") + text(""), json.dumps(body).encode()])
        return id

    def receive(self, milliseconds):
        """Id and body of the next answer; None when none comes in time."""
        if not self.socket.poll(milliseconds):
            return None
        frames = self.socket.recv_multipart()
        return (frames[0][4:20], json.loads(frames[1])) if frames[0][3] == 2 else self.receive(milliseconds)

    def ask(self, message, body, service="reviews"):
        id = self.send(message, body, service)
        while answer := self.receive(10000):
            if answer[0] == id:
                if "code" in answer[1]:
                    raise SystemExit(f"{message}: {answer[1]}")
                return answer[1]
        raise SystemExit(f"{message}: no answer")


def review_ids(seat, wanted):
    """Review ids by the key of the item that the call would write; newest first, page after page, as a frontend lists."""
    found, before = {}, {}
    while not wanted <= found.keys():
        page = seat.ask("ReviewsRequested", {"state": "pending", "limit": 500, **before})
        for review in page["reviews"]:
            found[review["parameters"]["Item"]["id"]["S"]] = review["review_id"]
        if not page["more"]:
            break
        before = {"before": page["reviews"][-1]["review_id"]}
    if missing := wanted - found.keys():
        raise SystemExit(f"{len(missing)} calls have no review that waits, {next(iter(missing))} among them")
    return {key: found[key] for key in wanted}


# The callers

class Caller:
    """Signs calls as one of many agents."""

    def __init__(self, port, sessions):
        self.port, self.sessions = port, sessions

    def request(self, key, agent):
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        session = self.sessions[agent]
        body = json.dumps({"TableName": "orders", "Item": {"id": {"S": key}, "note": {"S": "x" * 940}}})
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.PutItem",
                   "User-Agent": "Boto3/1.26.27 Python/3.11.2 Linux/6.1 Botocore/1.29.27",
                   "amz-sdk-invocation-id": str(uuid.uuid4()), "amz-sdk-request": "attempt=1"}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", data=body, headers=headers)
        SigV4Auth(Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["Token"]),
                  "dynamodb", "eu-west-1").add_auth(request)
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        lines += [f"Host: 127.0.0.1:{self.port}", f"Content-Length: {len(body)}"]
        return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n" + body).encode()


def without_interims(data):
    while data.startswith(INTERIM):
        data = data[len(INTERIM):]
    return b"" if INTERIM.startswith(data) else data


class Crowd:
    """The calls that wait, in a process of their own: 10,000 sockets on each side are more than one process may have."""

    def __init__(self, port, authority):
        self.pipe, end = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=crowd_process, args=(end, port, authority), daemon=True)
        self.process.start()

    def open(self, keys, agents):
        """`keys` are (key, place of its agent); returns when all were sent."""
        self.pipe.send((keys, agents))
        self.pipe.recv()

    def answers(self):
        """Status line -> count of the calls that were answered."""
        self.pipe.send("answers")
        return self.pipe.recv()

    def leave(self):
        self.process.terminate()
        self.process.join()


def crowd_process(pipe, port, authority):
    asyncio.run(crowd(pipe, port, ssl.create_default_context(cafile=authority) if authority else None))


async def crowd(pipe, port, context):
    answers, waiting = {}, set()

    async def call(request):
        """Status line of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=4096)
        writer.write(request)
        data = b""
        while not without_interims(data):
            piece = await reader.read(4096)
            if not piece:
                break
            data += piece
        writer.close()
        return without_interims(data).split(b"\r\n", 1)[0].decode() or "closed without an answer"

    async def call_until_it_runs(request):
        # A call that could not be held (nobody answered in time) is made again, and counted.
        while True:
            status = await call(request)
            answers[status] = answers.get(status, 0) + 1
            if " 200 " in status:
                return
            await asyncio.sleep(1)

    async def open_all(keys, agents):
        caller = Caller(port, agents)
        begin = time.monotonic()
        for place, (key, agent) in enumerate(keys):
            task = asyncio.create_task(call_until_it_runs(caller.request(key, agent)))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            await asyncio.sleep(max(0, begin + place / OPENING_PER_SECOND - time.monotonic()))
        pipe.send(len(keys))

    loop = asyncio.get_running_loop()
    commands = asyncio.Queue()
    loop.add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
    while True:
        command = await commands.get()
        if command == "answers":
            pipe.send(dict(answers))
        else:
            await open_all(*command)


class Call:
    """One call that is timed."""

    def __init__(self, caller, key, agent):
        self.key = key
        self.socket = socket.create_connection(("127.0.0.1", caller.port))
        self.socket.sendall(caller.request(key, agent))

    def wake(self, seat, review_id, token):
        """Milliseconds from the vote to its acknowledgement, and from there to the answer's first byte."""
        self.drain()
        begin = time.monotonic()
        vote = seat.send("VoteCast", {"review_id": review_id, "verdict": "approve", "token": token})
        told = answered = None
        data = b""
        import zmq
        poller = zmq.Poller()
        poller.register(seat.socket, zmq.POLLIN)
        poller.register(self.socket.fileno(), zmq.POLLIN)
        while told is None or answered is None:
            ready = dict(poller.poll(20000))
            now = time.monotonic()
            if not ready:
                raise SystemExit(f"{self.key}: {'no answer' if told else 'no acknowledgement'} within 20 s")
            if self.socket.fileno() in ready:
                data = without_interims(data + self.socket.recv(65536))
                if data:
                    answered = now
                    poller.unregister(self.socket.fileno())
            if seat.socket in ready and (answer := seat.receive(0)) and answer[0] == vote:
                told = now
                if answer[1].get("state") != "approved":
                    raise SystemExit(f"the vote was not counted: {answer[1]}")
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{self.key} was not answered: {data[:300]!r}")
        self.socket.close()
        return (told - begin) * 1000, max(0.0, answered - told) * 1000

    def drain(self):
        while select.select([self.socket], [], [], 0)[0]:
            if without_interims(self.socket.recv(65536)):
                raise SystemExit(f"{self.key} was answered before it was decided")


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


# Phases

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
        pipe, end = multiprocessing.Pipe()
        voter = multiprocessing.Process(target=voter_process, daemon=True,
                                        args=(end, identity, self.token, list(others.values()), options.rate))
        voter.start()
        time.sleep(1)
        timed = self.wake_one_by_one(calls, until=pipe.poll)
        pipe.send("stop")
        told = pipe.recv()
        voter.join()
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
