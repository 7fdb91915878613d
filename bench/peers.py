#!/usr/bin/env python3
"""The whole path against plain proxies, in one run: ratios, not absolutes.

    ops/dev bench [--seconds 5] [--rounds 3] [--json FILE]

A static nginx answers every POST with a 1 KiB DynamoDB item. In front of it, in turn: nothing, nginx and haproxy as
plain reverse proxies, and the gateway (policy, durable record; without and with masking). wrk replays one signed
request; rounds alternate between the subjects so that a busy machine hurts all of them alike. `plain` is what nginx
adds at the median, `write` the median of an 8 KiB write and fdatasync in the folder that holds the journal.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ITEM = {"Item": {"id": {"S": "order-1"}, "note": {"S": "x" * 940}, "total": {"N": "42"}}}
BODY = json.dumps({"TableName": "orders", "Key": {"id": {"S": "order-1"}}})
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process of a peer, ended by its pid."""

    def __init__(self, arguments, port):
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port
        wait_for(port)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def wait_for(port, seconds=10):
    import socket
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port} after {seconds} s")


def nginx(folder, name, server_block, port):
    home = folder / name
    home.mkdir()
    configuration = home / "nginx.conf"
    configuration.write_text(
        f"daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;"
        f" uwsgi_temp_path {home}/u; scgi_temp_path {home}/s; keepalive_requests 1000000000;\n{server_block}\n}}\n")
    return Server(["nginx", "-c", str(configuration), "-p", str(home)], port)


def static_backend(folder):
    """Answers any request with the item, as DynamoDB would, checksum included."""
    import zlib
    port = free_port()
    answer = json.dumps(ITEM)
    crc = zlib.crc32(answer.encode())
    block = (f"server {{ listen 127.0.0.1:{port}; location / {{ default_type application/x-amz-json-1.0;"
             f" add_header x-amz-crc32 {crc}; add_header x-amzn-RequestId BENCH; return 200 '{answer}'; }} }}")
    return nginx(folder, "backend", block, port)


def nginx_proxy(folder, backend):
    port = free_port()
    block = (f"upstream b {{ server 127.0.0.1:{backend}; keepalive 128; keepalive_requests 1000000000; }} server {{ listen"
             f" 127.0.0.1:{port}; location / {{ proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; }} }}")
    return nginx(folder, "proxy", block, port)


def haproxy_proxy(folder, backend):
    port = free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"  http-reuse always\nfrontend f\n  bind 127.0.0.1:{port}\n  default_backend b\nbackend b\n"
        f"  server s 127.0.0.1:{backend}\n")
    return Server(["haproxy", "-f", str(configuration), "-db"], port)


def wrk(folder, port, headers, connections, seconds):
    script = folder / "request.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(BODY)}"]
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    lines += ["done = function(summary, latency, requests)",
              '  io.write(string.format("RESULT %d %d %d %f %f\\n", summary.requests, summary.errors.status,',
              "    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,",
              "    latency:percentile(50), latency:percentile(99)))", "end"]
    script.write_text("\n".join(lines))
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}/"],
                         capture_output=True, text=True, check=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", out)
    requests, status, broken = (int(found.group(i)) for i in (1, 2, 3))
    if status or broken or not requests:
        raise SystemExit(f"port {port}: {requests} requests, {status} refused, {broken} broken: this run proves nothing")
    return {"requests": requests, "p50_us": float(found.group(4)), "p99_us": float(found.group(5)),
            "per_second": requests / seconds}


def cpu_seconds(pids):
    """User and system time of processes and all they have waited for."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICKS


def write_median_us(folder, rounds=300):
    path = folder / "write"
    block = os.urandom(8192)
    times = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(rounds):
            begin = time.perf_counter()
            file.write(block)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begin) * 1e6)
    path.unlink()
    return statistics.median(times)


class Subject:
    """Something to measure: where it listens, what it is sent, whose processor time counts."""

    def __init__(self, name, port, headers, pids):
        self.name, self.port, self.headers, self.pids = name, port, headers, pids
        self.single, self.many = [], []

    def round(self, folder, seconds):
        for connections, results in ((1, self.single), (64, self.many)):
            before = {name: cpu_seconds(pids) for name, pids in self.pids.items()}
            result = wrk(folder, self.port, self.headers, connections, seconds)
            result["cpu_us"] = {name: (cpu_seconds(pids) - before[name]) * 1e6 / result["requests"]
                                for name, pids in self.pids.items()}
            results.append(result)

    def summary(self):
        def middle(results, key):
            return statistics.median(result[key] for result in results)

        return {"p50_us": middle(self.single, "p50_us"), "p99_us": middle(self.single, "p99_us"),
                "per_second_64": middle(self.many, "per_second"), "p50_us_64": middle(self.many, "p50_us"),
                "p99_us_64": middle(self.many, "p99_us"),
                "cpu_us": {name: statistics.median(r["cpu_us"][name] for r in self.single) for name in self.pids},
                "cpu_us_64": {name: statistics.median(r["cpu_us"][name] for r in self.many) for name in self.pids}}


PLAIN_HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem"}


def signed_headers(credentials, port):
    """What a real client sends, signed by botocore once; an identical signature is no replay (FACTS: retries)."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest("POST", f"http://127.0.0.1:{port}/", data=BODY, headers=dict(PLAIN_HEADERS))
    SigV4Auth(Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["Token"]),
              "dynamodb", "eu-west-1").add_auth(request)
    return dict(request.headers)


ROLE = "arn:aws:iam::123456789012:role/"
POLICY = {"Version": "2012-10-17", "Statement": [{
    "Sid": "ReadOrders", "Effect": "Allow", "Action": "dynamodb:GetItem",
    "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"}]}


def governed(programs, backend_port):
    """A deployment whose target is the static backend, with two roles: `plain` masks nothing, `masked` does."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))
    import harness
    harness.BIN = pathlib.Path(programs).resolve()  # of this deployment; the next may run other programs

    class Governed(harness.Deployment):
        def start(self):
            self.targets = {"dynamodb": f"http://127.0.0.1:{backend_port}", "s3": "http://127.0.0.1:9"}
            self.write_configuration(self.with_roles)
            for name, mask in (("plain", ["off"]), ("masked", ["default"])):
                policy = json.loads(json.dumps(POLICY))
                policy["Statement"][0]["Mask"] = mask
                (self.folder / f"configuration/policies/{name}.json").write_text(json.dumps(policy))
            self.up()
            key = {"access_key_id": "AKIABENCHBENCHBENCH0", "secret_access_key": "s" * 40}
            self.holdpoint("credentials set demo-gateway", stdin=json.dumps(key))
            return self

        @staticmethod
        def with_roles(text):
            head, tail = text.split("roles:\n")[0], text.split("reviewers:")[1]
            roles = "".join(f'  - {{ arn: "{ROLE}{name}", trust: trust/coding-agent.json, policies: [policies/{name}.json],'
                            f' target: demo, session: 1h }}\n' for name in ("plain", "masked"))
            return f"{head}roles:\n{roles}reviewers:{tail}"

        def credentials(self, role):
            import urllib.request
            request = urllib.request.Request(f"{self.gateway}/credentials?role={ROLE}{role}",
                                             headers={"Authorization": self.token()})
            return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20))

        def pids(self):
            """The deployment's processes by program; PostgreSQL's backends are children of one."""
            groups = {}
            for stat in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    words = (stat / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if any(str(self.folder).encode() in word for word in words):
                    name = os.path.basename(words[0].decode()).removeprefix("holdpoint-")
                    groups.setdefault(name, []).append(int(stat.name))
                elif words[0].startswith(b"postgres:"):
                    groups.setdefault("postgres", []).append(int(stat.name))
            return groups

    return Governed().start()


def report(subjects, write_us):
    rows = {subject.name: subject.summary() for subject in subjects}
    direct = rows["direct"]["p50_us"]
    plain = rows["nginx"]["p50_us"] - direct
    print(f"\nwrite (8 KiB, fdatasync) p50 {write_us:.0f} us; plain (what nginx adds) p50 {plain:.0f} us\n")
    print(f"{'subject':18}{'p50 us':>9}{'p99 us':>9}{'added':>8}{'64: req/s':>11}{'p50 us':>9}{'p99 us':>9}   cpu us per request (64)")
    for name, row in rows.items():
        cpu = ", ".join(f"{who} {value:.0f}" for who, value in row["cpu_us_64"].items())
        print(f"{name:18}{row['p50_us']:9.0f}{row['p99_us']:9.0f}{row['p50_us'] - direct:8.0f}{row['per_second_64']:11.0f}"
              f"{row['p50_us_64']:9.0f}{row['p99_us_64']:9.0f}   {cpu}")
    for name, allowance, formula in (("gateway", 2 * plain + 3 * write_us, "2 plain + 3 write"),):
        if name in rows:
            added = rows[name]["p50_us"] - direct
            print(f"\n{name}: adds {added:.0f} us; the budget {formula} is {allowance:.0f} us: "
                  f"{'met' if added <= allowance else 'MISSED'} ({added / allowance:.2f} of it)")
            ratio = rows[name]["cpu_us_64"]["gateway"] / max(rows["nginx"]["cpu_us_64"]["nginx"], 0.01)
            print(f"{name}: {ratio:.1f} times nginx's processor time (budget 4): {'met' if ratio <= 4 else 'MISSED'}")
    if "gateway, masked" in rows:
        ratio = (sum(rows["gateway, masked"]["cpu_us_64"].values())
                 / max(rows["nginx"]["cpu_us_64"]["nginx"], 0.01))
        print(f"all processes, masked: {ratio:.1f} times nginx's processor time (budget 12): {'met' if ratio <= 12 else 'MISSED'}")
    return {"write_us": write_us, "plain_us": plain, "subjects": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder with the built programs")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--peers-only", action="store_true", help="leave the gateway out")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="hp-bench-") as temporary:
        folder = pathlib.Path(temporary)
        folder.chmod(0o755)
        servers, subjects, deployment = [], [], None
        try:
            servers.append(backend := static_backend(folder))
            servers.append(proxy := nginx_proxy(folder, backend.port))
            servers.append(other := haproxy_proxy(folder, backend.port))
            subjects.append(Subject("direct", backend.port, PLAIN_HEADERS, {}))
            subjects.append(Subject("nginx", proxy.port, PLAIN_HEADERS, {"nginx": [proxy.process.pid]}))
            subjects.append(Subject("haproxy", other.port, PLAIN_HEADERS, {"haproxy": [other.process.pid]}))
            if not options.peers_only:
                deployment = governed(options.bin, backend.port)
                for name, role in (("gateway", "plain"), ("gateway, masked", "masked")):
                    headers = signed_headers(deployment.credentials(role), deployment.gateway_port)
                    subjects.append(Subject(name, deployment.gateway_port, headers, deployment.pids()))
            for _ in range(options.rounds):
                for subject in subjects:
                    subject.round(folder, options.seconds)
            figures = report(subjects, write_median_us(folder))
            if options.json:
                pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))
        finally:
            if deployment:
                deployment.close()
            for server in reversed(servers):
                server.stop()


if __name__ == "__main__":
    sys.exit(main())
