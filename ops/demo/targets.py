"""The demo's targets: dynalite and s3rver, each behind a verifying proxy, with data that holds planted secrets.

    python3 targets.py FOLDER [--free-ports | --ports DYNAMODB,SERVER,S3,SERVER]

Writes FOLDER/targets.json (endpoints, the gateway's upstream credentials, process id) when everything listens, and
FOLDER/dynamodb.calls, FOLDER/s3.calls as calls come in. Ends with SIGTERM, or with its parent (--die-with-parent).
"""

import argparse
import ctypes
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import threading

import boto3
import botocore.config
import botocore.exceptions

import verifying_proxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"
PLANTED_KEY = "AKIAIOSFODNN7EXAMPLE"
PLANTED_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PASSWORD = "correct-horse-battery-9"
ORDERS = [
    {"id": {"S": "1001"}, "customer": {"S": "Ada"}, "total": {"N": "129.90"}, "status": {"S": "paid"},
     "note": {"S": f"card {CARD}, refund to IBAN {IBAN}"}},
    {"id": {"S": "1002"}, "customer": {"S": "Grace"}, "total": {"N": "12.50"}, "status": {"S": "open"},
     "note": {"S": f"aws_access_key_id={PLANTED_KEY} aws_secret_access_key={PLANTED_SECRET}"},
     "settings": {"M": {"password": {"S": PASSWORD}}}},
]
REPORT = ("quarter,revenue,comment\n"
          f"Q1,1200000,paid by card {CARD}\n"
          f"Q2,1350000,export job: aws_secret_access_key={PLANTED_SECRET}\n"
          f"Q3,1410000,refunds to {IBAN}; password={PASSWORD}\n")


def ports_table():
    lines = (ROOT / "ops/ports").read_text(encoding="utf-8").splitlines()
    return {name: int(number) for name, _, number in (line.partition("=") for line in lines) if number.isdigit()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def client(service, port):
    # dynalite wants some signature, whosever it is; this is the demo's own way to the bare servers.
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-west-1",
                        aws_access_key_id="S3RVER", aws_secret_access_key="S3RVER",
                        config=botocore.config.Config(proxies={}, s3={"addressing_style": "path"}))


def seed(dynamodb_port, s3_port):
    """Puts the data there; repeating it restores what an earlier story deleted."""
    dynamodb = client("dynamodb", dynamodb_port)
    for table in ("orders", "scratch"):
        try:
            dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST",
                                  KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
            dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUseException":
                raise
    for item in ORDERS:
        dynamodb.put_item(TableName="orders", Item=item)
    client("s3", s3_port).put_object(Bucket="reports", Key="2026/summary.csv", Body=REPORT.encode(), ContentType="text/csv")


def upstream_credentials(folder):
    """What the gateway signs with; made once, so that a second start needs no new configuration."""
    file = folder / "upstream.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({"access_key_id": "AKIA" + secrets.token_hex(8).upper(),
                                    "secret_access_key": secrets.token_urlsafe(30)}), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--free-ports", action="store_true", help="for tests, beside a running demo")
    parser.add_argument("--ports", help="instead of those in ops/ports")
    parser.add_argument("--die-with-parent", action="store_true")
    options = parser.parse_args()
    if options.die_with_parent:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "targets.json").unlink(missing_ok=True)
    names = ("dynamodb", "dynamodb_server", "s3", "s3_server")
    table = ports_table()
    ports = {name: free_port() if options.free_ports else table[f"demo_{name}_port"] for name in names}
    if options.ports:
        ports = dict(zip(names, map(int, options.ports.split(",")), strict=True))

    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(ROOT / "build/npm/node_modules"), "HOME": str(folder)}
    servers = subprocess.Popen(["node", str(ROOT / "ops/demo/servers.js"), str(ports["dynamodb_server"]),
                                str(ports["s3_server"]), str(folder)], env=environment, stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGTERM))
    # Node warns about old interfaces that dynalite uses; the line that counts comes last.
    if not any(line.strip() == "ready" for line in servers.stdout):
        sys.exit("error: the demo's DynamoDB and S3 servers did not start; the lines above say why")
    seed(ports["dynamodb_server"], ports["s3_server"])

    credentials = upstream_credentials(folder)
    keys = {credentials["access_key_id"]: (credentials["secret_access_key"], None)}
    for name in ("dynamodb", "s3"):
        proxy = verifying_proxy.Proxy(ports[name], ports[f"{name}_server"], keys, folder / f"{name}.calls")
        threading.Thread(target=proxy.serve_forever, daemon=True).start()

    ready = {"pid": os.getpid(), "dynamodb": f"http://127.0.0.1:{ports['dynamodb']}", "s3": f"http://127.0.0.1:{ports['s3']}",
             "dynamodb_server": f"http://127.0.0.1:{ports['dynamodb_server']}",
             "s3_server": f"http://127.0.0.1:{ports['s3_server']}"}
    (folder / "targets.json.new").write_text(json.dumps(ready), encoding="utf-8")
    (folder / "targets.json.new").rename(folder / "targets.json")

    def stop(*_):
        servers.terminate()
        (folder / "targets.json").unlink(missing_ok=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    servers.wait()
    sys.exit("error: the demo's servers ended")


if __name__ == "__main__":
    main()
