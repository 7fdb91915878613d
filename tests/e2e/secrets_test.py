"""Planted secrets: whatever agents send, in every place that a request has, none of it stands in PostgreSQL, in journals,
in logs or in what processes show of themselves; and what leaves under an obligation to mask leaves masked, headers too.
"""

import json
import random
import subprocess
import threading
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

import harness

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/"


def statements(mask):
    return [
        {"Sid": "All", "Effect": "Allow", "Action": ["dynamodb:*", "s3:*"], "Resource": "*"} | mask,
        {"Sid": "Held", "Effect": "Hold", "Action": "dynamodb:DeleteTable", "Resource": "*",
         "Review": {"Reviewers": ["sre"], "Within": "2m"}} | mask,
        {"Sid": "Denied", "Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": "*"}]


class Planted(harness.Deployment):
    def __init__(self, mask):
        super().__init__()
        self.mask = mask
        self.random = random.Random(7)
        self.planted = {}

    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(edit)
        policy = {"Version": "2012-10-17", "Statement": statements(self.mask)}
        (self.folder / "configuration/policies/orders.json").write_text(json.dumps(policy), encoding="utf-8")

    def letters(self, count, alphabet="abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"):
        return "".join(self.random.choice(alphabet) for _ in range(count))

    def plant(self, place, value):
        self.planted[place] = value
        return value

    def key(self, place):
        return self.plant(place + ": key", "AKIA" + self.letters(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))

    def password(self, place):
        return self.plant(place + ": password", "Zx" + self.letters(10) + "!9")

    def card(self, place):
        digits = [4, 5, 3, 2] + [self.random.randrange(10) for _ in range(11)]
        doubled = [digit * 2 - 9 * (digit > 4) if index % 2 == 0 else digit for index, digit in enumerate(reversed(digits))]
        return self.plant(place + ": card", "".join(map(str, digits)) + str(-sum(doubled) % 10))

    def everything_kept(self):
        """Whatever a process has put somewhere, by place."""
        sockets = json.loads((self.var / "keys/operator.json").read_text())["bus_endpoint"].removeprefix("ipc://")
        dump = subprocess.run(["/usr/bin/pg_dump", "-U", "postgres", "-h", sockets.removesuffix("/bus") + "/postgres",
                               "holdpoint"], capture_output=True, check=True)
        kept = {"PostgreSQL": dump.stdout, "ps": subprocess.run(["ps", "axeww"], capture_output=True, check=True).stdout}
        for file in self.var.rglob("*"):
            if file.is_file() and "postgres" not in file.relative_to(self.var).parts[:1]:
                kept[str(file.relative_to(self.var))] = file.read_bytes()
        return kept

    def found(self):
        kept = self.everything_kept()
        assert any("journal" in place for place in kept), kept.keys()
        return [f"{what} in {place}" for what, value in self.planted.items() for place, content in kept.items()
                if value.encode() in content or value.encode().hex().encode() in content]


@pytest.fixture(params=[{}, {"Mask": ["off"]}], ids=["masked", "unmasked"])
def deployment(request):
    made = Planted(request.param)
    try:
        made.start()
        yield made
    finally:
        made.close()


def text(value):
    return {"S": value}


def attempt(call, **parameters):
    try:
        return call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error


def dynamodb_calls(it, client):
    item = {"id": text("1"), "note": text(f"aws_access_key_id={it.key('item')}"), "password": text(it.password("item")),
            "card": {"N": it.card("number")}, "free": text("card " + it.card("text")), it.key("attribute name"): text("x"),
            "nested": text(json.dumps({"a": {"db_password": it.password("JSON in a string")}})),
            "deep": {"M": {"list": {"L": [text(it.key("list")), {"M": {"client_secret": text(it.password("map"))}}]}}}}
    assert "ResponseMetadata" in attempt(client.put_item, TableName="orders", Item=item)
    attempt(client.get_item, TableName="orders", Key={"id": text(it.key("key"))})
    attempt(client.update_item, TableName="orders", Key={"id": text("2")}, UpdateExpression="SET #p = :p, settings.token = :t",
            ExpressionAttributeNames={"#p": "password"},
            ExpressionAttributeValues={":p": text(it.password("placeholder")), ":t": text(it.password("path"))})
    attempt(client.execute_statement, Statement="UPDATE \"orders\" SET password=? WHERE id=?",
            Parameters=[text(it.password("positional")), text("1")])
    attempt(client.delete_item, TableName="orders", Key={"id": text(it.key("denied call"))},
            ConditionExpression="password = :v", ExpressionAttributeValues={":v": text(it.password("denied call"))})
    attempt(client.get_item, TableName=it.key("table"), Key={"id": text("1")})
    attempt(client.tag_resource, ResourceArn=TABLE + "orders",
            Tags=[{"Key": "password", "Value": it.password("tag")}, {"Key": it.key("tag's name"), "Value": "x"}])


def s3_calls(it, client):
    attempt(client.put_object, Bucket="reports", Key="a.txt", Body=f"{it.key('object')} password={it.password('object')}",
            Metadata={"password": it.password("metadata"), "note": it.key("metadata")})
    attempt(client.put_object, Bucket="reports", Key=f"x/{it.key('object name')}/{it.card('object name')}", Body=b"x")
    attempt(client.get_object, Bucket="reports", Key=f"token={it.key('path')}/password={it.password('path')}")
    attempt(client.list_objects_v2, Bucket="reports", Prefix=it.key("prefix"))
    attempt(client.get_object, Bucket="reports", Key="a.txt", ResponseContentDisposition="password=" + it.password("query"))
    attempt(client.put_object, Bucket="reports", Key="c", Body=b"x", SSECustomerAlgorithm="AES256",
            SSECustomerKey=it.plant("SSE-C key", it.letters(32)))
    attempt(client.copy_object, Bucket="reports", Key="d", CopySource={"Bucket": "reports", "Key": it.key("copy source")})


def odd_requests(it, tools):
    def get(path, **headers):
        request = urllib.request.Request(it.gateway + path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)

    token = it.token("canary")
    it.plant("token", token.split(".")[2])
    get(f"/x/{it.key('unsigned path')}?a={it.key('unsigned query')}", Cookie=it.plant("cookie", it.letters(30)))
    get(f"/credentials?role=arn:aws:iam::123456789012:role/{it.key('role')}", Authorization=token, User_Agent=it.key("client"))
    get(f"/credentials?role={harness.ROLE}&x={it.key('login query')}", Authorization=token)
    get(f"/credentials?role={harness.ROLE}", Authorization=it.plant("no token", it.letters(50)))
    attempt(tools.get_item, TableName="orders", Key={"id": text("1")})


def test_no_planted_secret_is_kept_anywhere(deployment):
    it = deployment
    dynamodb, s3 = it.boto("dynamodb"), it.boto("s3", s3={"addressing_style": "path"})
    tools = it.boto("dynamodb", user_agent_extra=f"tool/{it.key('user agent')} password={it.password('user agent')}")
    dynamodb_calls(it, dynamodb)
    s3_calls(it, s3)
    odd_requests(it, tools)
    name = "t-" + it.key("held call")
    outcome = []
    waiting = threading.Thread(target=lambda: outcome.append(attempt(dynamodb.delete_table, TableName=name)))
    waiting.start()
    review = it.waiting_review()
    it.holdpoint(["reviews", "reject", review["review_id"], "--as", "alice", "--reason", "no"])
    waiting.join()
    assert "was rejected" in str(outcome[0])
    # All of it is on record, and named by what is no secret.
    def recorded():
        rows = it.sql("SELECT operation FROM audit.operations WHERE outcome IS NOT NULL OR decision = 'denied'")
        return {"PutItem", "UpdateItem", "DeleteItem", "PutObject", "CopyObject"} <= {row["operation"] for row in rows}
    harness.wait_for(recorded, "the calls in the log")
    assert len(it.planted) > 30 and it.found() == []
    named = {row["resource"] for row in it.sql("SELECT resource FROM audit.resources")}
    assert {TABLE + "orders", "arn:aws:s3:::reports/a.txt"} <= named, named


def test_metadata_leaves_masked_where_it_must_and_as_it_is_elsewhere(deployment):
    it, s3 = deployment, deployment.boto("s3", s3={"addressing_style": "path"})
    metadata = {"password": it.password("metadata"), "note": it.key("metadata"), "colour": "blue"}
    s3.put_object(Bucket="reports", Key="m", Body=b"x", Metadata=metadata)
    for answer in (s3.head_object(Bucket="reports", Key="m"), s3.get_object(Bucket="reports", Key="m")):
        assert answer["Metadata"]["colour"] == "blue"
        assert answer["ETag"] and answer["ContentLength"] == 1
        if it.mask:
            assert answer["Metadata"] == metadata
        else:
            assert not set(metadata.values()) - {"blue"} & set(answer["Metadata"].values())
