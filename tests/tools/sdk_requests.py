#!/usr/bin/python3
"""Writes requests as botocore itself serialises and signs them, one JSON line each, for tests/tools/check_decode.py:
every operation of every service, with the required members alone and with all of them.

usage: PYTHON sdk_requests.py [ENDPOINT [SERVICE…]] > requests.jsonl    (ENDPOINT http://127.0.0.1:7400; "aws" for the real hosts)
Whichever PYTHON runs it decides on the botocore. Nothing leaves the machine: the request is kept before it is sent.
"""
import base64
import datetime
import json
import sys
import urllib.parse

import botocore.config
import botocore.session
from botocore.exceptions import DataNotFoundError

GIVEN = {"Bucket": "some-bucket", "Key": "folder/some key+ü.txt", "AccountId": "123456789012",
         "QueueUrl": "http://127.0.0.1:7400/123456789012/some-queue", "PredictEndpoint": "http://127.0.0.1:7400",
         "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32, "CopySourceSSECustomerKey": "k" * 32}
NEVER = {"ChecksumAlgorithm", "ContentMD5", "SSECustomerKeyMD5", "CopySourceSSECustomerKeyMD5"}
DEPTH_MAX = 4


class Captured(Exception):
    pass


def text(shape, name, labels):
    if name in GIVEN:
        return GIVEN[name]
    if getattr(shape, "enum", None):
        return shape.enum[0]
    if name.lower().startswith(("max", "limit", "pagesize")):
        return "7"
    if name == "CopySource":
        return "other-bucket/source key"
    made = "arn:aws:iam::123456789012:role/some-role" if name.lower().endswith("arn") else ("some " if name in labels else "some-") + name.lower()
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
    return (made + "x" * max(0, low - len(made)))[:high]


def value(shape, name, full, depth, labels):
    kind = shape.type_name
    if kind == "structure":
        return structure(shape, full, depth, labels)
    if kind == "list":
        one = None if depth > DEPTH_MAX else value(shape.member, name, full, depth + 1, ())
        return [one] * max(1, shape.metadata.get("min", 1)) if one is not None else []
    if kind == "map":
        one = None if depth > DEPTH_MAX else value(shape.value, name, full, depth + 1, ())
        key = (getattr(shape.key, "enum", None) or ["key1"])[0]
        return {key: one} if one is not None else {}
    if kind in ("integer", "long"):
        return max(7, shape.metadata.get("min", 0))
    if kind in ("float", "double"):
        return max(1.5, shape.metadata.get("min", 0))
    return {"boolean": True, "timestamp": datetime.datetime(2026, 1, 2, 3, 4, 5), "blob": b"blob"}.get(kind) or text(shape, name, labels)


def structure(shape, full, depth, labels):
    if depth > DEPTH_MAX + 1:
        return None
    if getattr(shape, "is_document_type", False):
        return {"some": ["document"]}
    union = getattr(shape, "is_tagged_union", False)
    out = {}
    for name, member in shape.members.items():
        if name not in shape.required_members and (name in NEVER or not (union or (full and depth < 3))):
            continue
        made = value(member, name, full, depth + 1, labels)
        if made is not None:
            out[name] = made
        if union:
            break
    return out


def labels_of(shape):
    members = shape.members.items() if shape is not None else ()
    return {name for name, member in members if member.serialization.get("location") == "uri" and not member.serialization.get("hostLabel")}


def line_of(request, service, operation, kind):
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else body
    url = urllib.parse.urlsplit(request.url)
    headers = [[k, v.decode() if isinstance(v, bytes) else str(v)] for k, v in request.headers.items()]
    if not any(k.lower() == "host" for k, _ in headers):
        headers.append(["Host", url.netloc])
    return {"id": f"{service}:{operation}:{kind}", "method": request.method, "target": (url.path or "/") + ("?" + url.query if url.query else ""),
            "headers": headers, "body": base64.b64encode(body).decode(), "service": service, "operation": operation}


def main():
    endpoint = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7400"
    session = botocore.session.get_session()
    session.set_credentials("AKIDEXAMPLE", "secret", "token")
    kept = []

    def keep(request, **_):
        kept.append(request)
        raise Captured

    for name in sys.argv[2:] or session.get_available_services():
        try:
            client = session.create_client(name, region_name="eu-west-1", endpoint_url=None if endpoint == "aws" else endpoint,
                                           config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 0}))
        except (DataNotFoundError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        client.meta.events.register("before-send", keep)
        model = client.meta.service_model
        service = model.service_id.lower().replace(" ", "-")
        for operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            for full in (False, True):
                kept.clear()
                try:
                    client._make_api_call(operation, structure(shape, full, 0, labels_of(shape)) if shape is not None else {})
                except Captured:
                    pass
                except Exception as error:
                    print(f"{service}:{operation} {'full' if full else 'minimal'}: {type(error).__name__} {error}".split("\n")[0], file=sys.stderr)
                if kept:
                    print(json.dumps(line_of(kept[0], service, operation, "full" if full else "minimal")))


main()
