#!/usr/bin/python3
"""Whether `holdpoint aws decode` names the operation that each request was made from (sdk_requests.mjs, sdk_requests.py).

usage: check_decode.py HOLDPOINT REQUESTS.jsonl…    exit status 1 where one is wrong

A request counts as right when service and operation agree, or when they are among the wire twins that decode reports.
"""
import collections
import json
import re
import subprocess
import sys


def main():
    holdpoint, files = sys.argv[1], sys.argv[2:]
    failed = False
    for path in files:
        with open(path, "rb") as requests:
            answers = subprocess.run([holdpoint, "aws", "decode"], stdin=requests, stdout=subprocess.PIPE, check=True).stdout.splitlines()
        counts, classes, services = collections.Counter(), collections.defaultdict(list), set()
        with open(path) as requests:
            for line, answer in zip(requests, answers, strict=True):
                wanted, got = json.loads(line), json.loads(answer)
                services.add(wanted["service"])
                name = f"{wanted['service']}:{wanted['operation']}"
                if got.get("error"):
                    kind = "error: " + re.sub(r'"[^"]*"|\S*/\S*', "…", got["error"])
                elif f"{got['service']}:{got['operation']}" == name:
                    kind = "exact, with twins" if got["ambiguous"] else "exact"
                elif name in got["ambiguous"]:
                    kind = "twin"
                else:
                    kind = "wrong"
                counts[kind.split(":")[0]] += 1
                if kind not in ("exact", "exact, with twins", "twin"):
                    failed = True
                    classes[kind].append(f"{wanted['id']} -> {got.get('error') or got['service'] + ':' + got['operation']}")
        print(f"{path}: {len(answers)} requests of {len(services)} services: {dict(counts)}")
        for kind, cases in sorted(classes.items(), key=lambda item: -len(item[1])):
            print(f"  {len(cases)} {kind}")
            for case in cases[:12]:
                print(f"      {case[:230]}")
    return 1 if failed else 0


sys.exit(main())
