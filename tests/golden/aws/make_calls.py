#!/usr/bin/python3
"""Writes calls.jsonl: AWS calls as Debian's botocore serialises and signs them, for classify_golden_test.

Each line: {"id", "method", "target", "headers", "body" (base64), "service", "operation", "parameters"}. Parameters are
made from the service models: required members and a few more, with plain values. usage: make_calls.py > calls.jsonl
"""
import base64
import datetime
import json
import sys

import botocore.session

# service -> operations (None: the first 12 that take no streaming body)
SERVICES = {
    "dynamodb": None, "sqs": None, "sns": None, "sts": ["GetCallerIdentity", "AssumeRole"], "ec2": None, "lambda": None,
    "iam": None, "kms": None, "secretsmanager": None, "ssm": None, "cloudwatch": None, "logs": None, "rds": None,
    "route53": None, "stepfunctions": None, "ecr": None, "events": None, "kinesis": None, "cloudformation": None,
    "cloudtrail": None, "athena": None, "glue": None, "ecs": None, "eks": None, "s3control": None, "apigateway": None,
    "firehose": None, "autoscaling": None, "elbv2": None, "elb": None, "organizations": None, "sesv2": None,
    "cognito-idp": None, "redshift": None, "elasticache": None, "emr": None, "backup": None, "cloudfront": None,
    "s3": ["ListBuckets", "CreateBucket", "DeleteBucket", "ListObjects", "ListObjectsV2", "ListObjectVersions", "HeadBucket",
           "GetBucketLocation", "GetBucketAcl", "PutBucketAcl", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy",
           "GetObject", "HeadObject", "DeleteObject", "DeleteObjects", "CopyObject", "GetObjectTagging", "PutObjectTagging",
           "GetObjectAcl", "PutObjectAcl", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload",
           "AbortMultipartUpload", "ListParts", "ListMultipartUploads", "PutBucketVersioning", "GetBucketVersioning",
           "PutBucketEncryption", "GetBucketEncryption", "PutPublicAccessBlock", "PutBucketLifecycleConfiguration",
           "PutObject", "UploadPart", "GetObjectAttributes", "GetObjectRetention", "RestoreObject", "SelectObjectContent"],
}


def value(shape, name, depth=0):
    kind = shape.type_name
    if kind == "structure":
        if depth > 3:
            return None
        out = {}
        required = shape.required_members or list(shape.members)[:1]
        for member in required:
            made = value(shape.members[member], member, depth + 1)
            if made is not None:
                out[member] = made
        return out
    if kind == "list":
        made = value(shape.member, name, depth + 1)
        return [made] if made is not None else None
    if kind == "map":
        made = value(shape.value, name, depth + 1)
        return {"key1": made} if made is not None else None
    if kind == "string":
        if shape.enum:
            return shape.enum[0]
        text = "arn:aws:iam::123456789012:role/some-role" if name.lower().endswith("arn") else "some-" + name.lower()
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
        return (text + "x" * max(0, low - len(text)))[:high]
    if kind in ("integer", "long"):
        return max(7, shape.metadata.get("min", 0))
    if kind in ("float", "double"):
        return 1.5
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return datetime.datetime(2026, 1, 2, 3, 4, 5)
    if kind == "blob":
        return b"blob"
    return None


def main():
    session = botocore.session.get_session()
    session.set_credentials("AKIDEXAMPLE", "secret", "token")
    seen = 0
    for service, wanted in SERVICES.items():
        client = session.create_client(service, region_name="eu-west-1", endpoint_url="http://127.0.0.1:7400")
        model = client.meta.service_model
        names = wanted or [n for n in model.operation_names if not model.operation_model(n).has_streaming_input][:12]
        captured = []

        def stop(request, captured=captured, **kwargs):
            captured.append(request)
            raise StopIteration

        client.meta.events.register("before-send", stop)
        for name in names:
            operation = model.operation_model(name)
            parameters = value(operation.input_shape, name) if operation.input_shape else {}
            if service == "s3":
                for member, given in (("Bucket", "some-bucket"), ("Key", "folder/some key.txt")):
                    if member in parameters:
                        parameters[member] = given
                if "CopySource" in parameters:
                    parameters["CopySource"] = "other-bucket/source key"
                if name in ("PutObject", "UploadPart"):
                    parameters["Body"] = b"data"
            if service == "s3control" and "AccountId" in parameters:
                parameters["AccountId"] = "123456789012"
            if service == "sqs" and "QueueUrl" in parameters:
                parameters["QueueUrl"] = "http://127.0.0.1:7400/123456789012/some-queue"
            del captured[:]
            try:
                client._make_api_call(name, parameters)
            except StopIteration:
                pass
            except Exception as error:  # a value that botocore's own validation refuses: not a case
                print(f"{service}:{name}: {error}", file=sys.stderr)
                continue
            request = captured[0]
            body = request.body or b""
            if hasattr(body, "read"):
                body = body.read()
            if isinstance(body, str):
                body = body.encode()
            target = request.url[len("http://127.0.0.1:7400"):]
            if request.url.startswith("http://123456789012."):
                target = request.url[len("http://123456789012.127.0.0.1:7400"):]
            text = lambda v: v.decode() if isinstance(v, bytes) else str(v)
            headers = [[k, text(v)] for k, v in request.headers.items() if k.lower() != "user-agent"]
            if not any(k.lower() == "host" for k, _ in headers):
                headers.append(["Host", "127.0.0.1:7400"])
            seen += 1
            print(json.dumps({"id": seen, "method": request.method, "target": target or "/", "headers": headers,
                              "body": base64.b64encode(body).decode(), "service": model.service_id.lower().replace(" ", "-"),
                              "operation": name, "parameters": json.loads(json.dumps(parameters, default=lambda v: (
                                  base64.b64encode(v).decode() if isinstance(v, bytes) else v.isoformat())))}))


main()
