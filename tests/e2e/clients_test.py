"""Real, unmodified clients: boto3, Debian's AWS CLI and the JavaScript SDK, over plain HTTP and over TLS."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import threading

import boto3
import botocore.config
import botocore.exceptions
import pytest

import harness
import witness

POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Orders", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
     "Resource": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"},
    {"Sid": "Reports", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::reports/2026/*"},
    {"Sid": "Raw", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
     "Resource": "arn:aws:s3:::reports/raw/*", "Mask": ["off"]},
    {"Sid": "Deleting", "Effect": "Hold", "Action": ["dynamodb:DeleteTable", "s3:PutObject"],
     "Resource": ["arn:aws:dynamodb:eu-west-1:123456789012:table/*", "arn:aws:s3:::reports/held/*"],
     "Review": {"Reviewers": ["sre"], "Required": 1, "Within": "15m", "Grant": "once", "Reason": "Not to be undone."}}]}
LARGE = 40 << 20


class Clients(harness.Deployment):
    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(edit)
        (self.folder / "configuration/policies/orders.json").write_text(json.dumps(POLICY), encoding="utf-8")


def make_deployment():
    return Clients()


@pytest.fixture(scope="module")
def large(deployment):
    """A file of 40 MB that the agent's account can read, and its hash."""
    folder = tempfile.mkdtemp(prefix="holdpoint-clients-", dir="/var/tmp")
    os.chmod(folder, 0o777)
    path = os.path.join(folder, "large.bin")
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for number in range(LARGE >> 20):
            file.write(number.to_bytes(4, "big") + block[4:])
    os.chmod(path, 0o644)
    yield path, hash_of(path)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(
            file.read()).hexdigest()


def approve(deployment, operation, verdict="approve"):
    review = deployment.waiting_review(operation)
    extra = ["--reason", "not today"] if verdict == "reject" else []
    deployment.holdpoint(["reviews", verdict, review["review_id"], "--as", "alice", "--groups", "sre", *extra])


# boto3

def test_boto3_reads_writes_and_is_refused(deployment):
    client = deployment.boto("dynamodb")
    client.put_item(TableName="orders", Item={"id": {"S": "boto"}, "note": {"S": "hello"}})
    assert client.get_item(TableName="orders", Key={"id": {"S": "boto"}})["Item"]["note"] == {"S": "hello"}
    for secret in harness.SECRETS:
        assert secret not in json.dumps(client.get_item(TableName="orders", Key={"id": {"S": "1001"}}))
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.scan(TableName="orders")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_boto3_waits_through_a_hold_in_one_attempt(deployment):
    """Longer than its read timer, which only interim answers keep from ringing."""
    client = deployment.boto("dynamodb", read_timeout=25)
    timer = threading.Timer(30, approve, (deployment, "DeleteTable"))
    timer.start()
    answer = client.delete_table(TableName="scratch")
    timer.join()
    assert answer["TableDescription"]["TableName"] == "scratch"
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_boto3_streams_a_large_object_both_ways(deployment, large):
    path, digest = large
    client = deployment.boto("s3")
    with open(path, "rb") as file:
        client.put_object(Bucket="reports", Key="raw/boto.bin", Body=file)
    answer = client.get_object(Bucket="reports", Key="raw/boto.bin")
    assert answer["ContentLength"] == LARGE
    seen = hashlib.sha256()
    for piece in answer["Body"].iter_chunks(1 << 20):
        seen.update(piece)
    assert seen.hexdigest() == digest
    part = client.get_object(Bucket="reports", Key="raw/boto.bin", Range="bytes=100-199")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206 and len(part["Body"].read()) == 100


def test_a_masked_object_comes_whole_or_not_at_all(deployment):
    client = deployment.boto("s3")
    text = client.get_object(Bucket="reports", Key="2026/summary.csv")["Body"].read().decode()
    assert "Q1,1200000" in text
    for secret in harness.SECRETS:
        assert secret not in text
    before = len(deployment.calls("s3"))
    for part in ({"Range": "bytes=0-99"}, {"PartNumber": 1}):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client.get_object(Bucket="reports", Key="2026/summary.csv", **part)
        assert "cannot be masked by itself" in str(refused.value)
    assert len(deployment.calls("s3")) == before


def test_an_agent_does_not_say_how_an_answer_is_packed(deployment):
    client = deployment.boto("s3")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.get_object(Bucket="reports", Key="2026/summary.csv", ResponseContentEncoding="identity")
    assert "hide from the masker" in str(refused.value)


# Debian's AWS CLI

def test_the_cli_reads_writes_and_is_refused(deployment):
    code, output = deployment.aws(["dynamodb", "put-item", "--table-name", "orders", "--item", '{"id":{"S":"cli"}}'])
    assert code == 0, output
    code, output = deployment.aws(["dynamodb", "get-item", "--table-name", "orders", "--key", '{"id":{"S":"cli"}}'])
    assert code == 0 and json.loads(output)["Item"] == {"id": {"S": "cli"}}
    code, output = deployment.aws("dynamodb scan --table-name orders")
    assert code != 0 and "AccessDeniedException" in output and "Scan operation" in output
    code, output = deployment.aws("s3 cp s3://reports/secret.txt -")
    assert code != 0 and "403" in output


def test_the_cli_is_told_of_a_rejection(deployment):
    call = deployment.start_aws("dynamodb delete-table --table-name orders")
    approve(deployment, "DeleteTable", "reject")
    output, _ = call.communicate(timeout=60)
    assert call.returncode != 0 and "not today" in output


def test_the_cli_copies_a_large_file_in_parts(deployment, large):
    path, digest = large
    code, output = deployment.aws(["s3", "cp", "--no-progress", path, "s3://reports/raw/cli.bin"], seconds=200)
    assert code == 0, output
    parts = [call for call in deployment.calls("s3") if "partNumber=" in call["path"] and "cli.bin" in call["path"]]
    assert len(parts) == 5
    copy = path + ".copy"
    code, output = deployment.aws(["s3", "cp", "--no-progress", "s3://reports/raw/cli.bin", copy], seconds=200)
    assert code == 0, output
    assert hash_of(copy) == digest


# The JavaScript SDK

SCRIPT = """
const { DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand, DeleteTableCommand } = require('@aws-sdk/client-dynamodb');
const client = new DynamoDBClient({});
const run = {
  put: () => client.send(new PutItemCommand({ TableName: 'orders', Item: { id: { S: 'js' } } })),
  get: () => client.send(new GetItemCommand({ TableName: 'orders', Key: { id: { S: 'js' } } })),
  scan: () => client.send(new ScanCommand({ TableName: 'orders' })),
  drop: () => client.send(new DeleteTableCommand({ TableName: process.argv[2] })),
}[process.argv[1]];
run().then((a) => console.log(JSON.stringify({ item: a.Item, attempts: a.$metadata.attempts })))
  .catch((e) => { console.log(JSON.stringify({ name: e.name, message: e.message, attempts: e.$metadata && e.$metadata.attempts }));
                  process.exit(1); });
"""


def start_node(deployment, *arguments):
    """Logs in by itself with AssumeRoleWithWebIdentity: everything about the gateway stands in the environment."""
    token = deployment.folder / "js-token"
    token.write_text(deployment.token(), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(deployment.folder), "NODE_NO_WARNINGS": "1",
                   "NODE_PATH": str(harness.ROOT / "build/npm/node_modules"), "AWS_ENDPOINT_URL": deployment.gateway,
                   "AWS_REGION": "eu-west-1", "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": harness.ROLE,
                   "AWS_ROLE_SESSION_NAME": "js-agent", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.Popen(["node", "-e", SCRIPT, *arguments], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


def finish(process, seconds=90):
    output, errors = process.communicate(timeout=seconds)
    assert output, errors
    return process.returncode, json.loads(output)


def test_javascript_logs_in_reads_writes_and_is_refused(deployment):
    code, told = finish(start_node(deployment, "put"))
    assert code == 0, told
    code, told = finish(start_node(deployment, "get"))
    assert code == 0 and told["item"] == {"id": {"S": "js"}}
    code, told = finish(start_node(deployment, "scan"))
    assert code == 1 and told["name"] == "AccessDeniedException" and told["attempts"] == 1, told


def test_javascript_waits_through_a_hold(deployment):
    process = start_node(deployment, "drop", "orders")
    approve(deployment, "DeleteTable", "reject")
    code, told = finish(process)
    assert code == 1 and "not today" in told["message"] and told["attempts"] == 1, told


# TLS

@pytest.fixture(scope="module")
def secure(deployment):
    """The same gateway behind its own certificate."""
    folder = deployment.folder / "configuration/tls"
    deployment.holdpoint(["config", "tls", "--self-signed", "--names", "localhost,127.0.0.1", "--folder", str(folder)])
    subprocess.run(["/usr/bin/chmod", "-R", "a+rX", str(folder)], check=True)
    files = sorted(path.name for path in folder.iterdir())
    certificate = next(name for name in files if re.search(r"(cert|crt|\.pem)", name) and "key" not in name)
    key = next(name for name in files if "key" in name)
    deployment.down()
    deployment.write_configuration(
        lambda text: text.replace("tls: none", f"tls: {{ certificate: tls/{certificate}, key: tls/{key} }}"))
    deployment.gateway = f"https://localhost:{deployment.gateway_port}"
    deployment.up()
    witness.await_ready(deployment)
    return deployment, str(folder / certificate)


def secure_client(secure, service):
    deployment, authority = secure
    token = deployment.holdpoint("token issue --subject agent-7 --groups agents").strip()
    import ssl
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(
        context=ssl.create_default_context(cafile=authority)))
    request = urllib.request.Request(f"{deployment.gateway}/credentials?role={harness.ROLE}", headers={"Authorization": token})
    answer = json.load(opener.open(request, timeout=20))
    return boto3.client(service, endpoint_url=deployment.gateway, region_name="eu-west-1", verify=authority,
                        aws_access_key_id=answer["AccessKeyId"], aws_secret_access_key=answer["SecretAccessKey"],
                        aws_session_token=answer["Token"],
                        config=botocore.config.Config(proxies={}, s3={"addressing_style": "path"}))


def test_over_tls_calls_run_and_hold(secure):
    deployment, _ = secure
    client = secure_client(secure, "dynamodb")
    assert client.get_item(TableName="orders", Key={"id": {"S": "1002"}})["Item"]["id"] == {"S": "1002"}
    timer = threading.Timer(2, approve, (deployment, "DeleteTable"))
    timer.start()
    answer = client.delete_table(TableName="orders")
    timer.join()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_over_tls_an_upload_in_the_trailer_form_arrives(secure, large):
    """aws-chunked with STREAMING-UNSIGNED-PAYLOAD-TRAILER, as newer clients send it by themselves over https."""
    deployment, _ = secure
    client = secure_client(secure, "s3")
    content = b"line\n" * 300_000
    seen = []
    client.meta.events.register("before-send.s3", lambda request, **_: seen.append(request.headers))
    client.put_object(Bucket="reports", Key="raw/trailer.txt", Body=content, ChecksumAlgorithm="SHA256")
    assert any(b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" in str(value).encode() for value in seen[0].values())
    assert client.get_object(Bucket="reports", Key="raw/trailer.txt")["Body"].read() == content
    path, digest = large
    with open(path, "rb") as file:
        client.put_object(Bucket="reports", Key="raw/secure.bin", Body=file)
    answer = client.get_object(Bucket="reports", Key="raw/secure.bin")["Body"].read()
    assert hashlib.sha256(answer).hexdigest() == digest


def test_over_tls_a_held_upload_waits_with_its_body(secure):
    deployment, _ = secure
    client = secure_client(secure, "s3")
    timer = threading.Timer(22, approve, (deployment, "PutObject"))
    timer.start()
    answer = client.put_object(Bucket="reports", Key="held/x.txt", Body=b"x" * 200_000, ChecksumAlgorithm="SHA256")
    timer.join()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_plain_http_is_not_served_beyond_loopback(deployment, tmp_path):
    folder = deployment.folder / "configuration"
    file = folder / "open.yaml"
    text = (folder / "holdpoint.yaml").read_text(encoding="utf-8")
    text = re.sub(r"tls: (none|\{[^}]*\})", "tls: none", text).replace("127.0.0.1:" + str(deployment.gateway_port),
                                                                       f"0.0.0.0:{deployment.gateway_port}")
    file.write_text(text, encoding="utf-8")
    done = deployment.holdpoint(["config", "lint", str(file)], check=False)
    assert done.returncode != 0, done.stdout
    assert "open.yaml:2:" in done.stderr and "gateway.tls" in done.stderr, done.stderr
