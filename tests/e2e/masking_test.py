"""What is masked is said: to the agent in a header, in the record by class, detector, place and count, never by value."""

import datetime
import json

import harness

PASSWORD, KEY, CARD = "Zx8-correct-horse", "AKIAIOSFODNN7EXAMPLE", "4532015112830366"
STATEMENTS = [{"Sid": "All", "Effect": "Allow", "Action": ["dynamodb:*", "s3:*"], "Resource": "*"}]


class Deployment(harness.Deployment):
    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(edit)
        self.write_policy(STATEMENTS)

    def write_policy(self, statements):
        policy = {"Version": "2012-10-17", "Statement": statements}
        (self.folder / "configuration/policies/orders.json").write_text(json.dumps(policy), encoding="utf-8")

    def outcome(self, answer):
        """The record's last entry about this call, and its rows in audit.findings."""
        query = ("SELECT operation_id, convert_from(bytes, 'UTF8') AS entry FROM audit.log WHERE type = "
                 f"'holdpoint.operation.completed' AND upstream_request_id = '{answer['ResponseMetadata']['RequestId']}'")
        row = harness.wait_for(lambda: self.sql(query), "the outcome in the record")[0]
        found = self.sql(f"SELECT class, rule, path, count FROM audit.findings WHERE operation_id = '{row['operation_id']}'")
        return json.loads(row["entry"])["data"], found


def make_deployment():
    return Deployment()


def text(value):
    return {"S": value}


def masked_header(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"].get("x-holdpoint-masked")


def put(client, identity, **attributes):
    client.put_item(TableName="orders", Item={"id": text(identity)} | attributes)


def get(client, identity):
    return client.get_item(TableName="orders", Key={"id": text(identity)})


def test_the_agent_and_the_record_learn_what_was_masked_and_where(deployment):
    client = deployment.boto("dynamodb")
    put(client, "told", password=text(PASSWORD), note=text(f"card {CARD}, key {KEY}"), plain=text("blue"),
        deep={"M": {KEY: {"M": {"client_secret": text(PASSWORD + "2")}}}})
    answer = get(client, "told")
    assert answer["Item"]["plain"] == text("blue") and PASSWORD not in json.dumps(answer) and CARD not in json.dumps(answer)
    assert masked_header(answer) == '5; classes="access-key-id,card,password,secret"'
    entry, found = deployment.outcome(answer)
    assert sorted((row["class"], row["path"], row["count"]) for row in found) == sorted(
        (row["class"], row.get("path"), row["count"]) for row in entry["findings"])
    places = {(row["class"], row["path"]) for row in found}
    assert ("password", "Item.password.S") in places and ("card", "Item.note.S") in places, found
    # A name that is a key itself is no name to show.
    assert any(path.startswith("Item.deep.M.*.") for _, path in places), found
    for secret in (PASSWORD, KEY, CARD):
        assert secret not in json.dumps([entry, found])


def test_an_answer_that_needed_no_mask_says_nothing(deployment):
    client = deployment.boto("dynamodb")
    put(client, "plain", note=text("blue"))
    answer = get(client, "plain")
    assert masked_header(answer) is None
    assert deployment.outcome(answer)[0]["findings"] == []


def test_of_an_object_its_metadata_counts_too(deployment):
    client = deployment.boto("s3", s3={"addressing_style": "path"})
    client.put_object(Bucket="reports", Key="told.txt", Body=f"key {KEY}\n".encode(), Metadata={"password": PASSWORD})
    answer = client.get_object(Bucket="reports", Key="told.txt")
    assert KEY.encode() not in answer["Body"].read()
    assert masked_header(answer) == '2; classes="access-key-id,password"'
    head = client.head_object(Bucket="reports", Key="told.txt")
    assert masked_header(head) == '1; classes="password"' and head["ContentLength"] == len(KEY) + 5


def test_an_operators_rules_are_tried_checked_and_then_hold(deployment):
    client = deployment.boto("dynamodb")
    put(client, "rules", note=text("Tuesday"), staff=text("by EMP-123456"), card=text(CARD), plain=text("blue"))
    # Asked before the file changes: `holdpoint up` watches it, and applies it by itself.
    assert "Tuesday" in json.dumps(get(client, "rules")["Item"])
    file = deployment.folder / "configuration/holdpoint.yaml"
    before = file.read_text(encoding="utf-8")
    rules = """masking:
  rules:
    - { name: notes, service: dynamodb, operation: GetItem, target: demo, path: Item.note, class: secret }
    - { name: staff-number, regex: "EMP-[0-9]{6}", class: national-id }
    - { service: s3, literal: "Nightingale", class: secret }
  styles: { card: redact }
"""
    try:
        # Wrong: said before it is in force, with the place and what was expected.
        for wrong, says in (("dynamodb,", "dynamdb,"), ("GetItem", "GetItm"), ("[0-9]{6}", "[0-9]*")):
            file.write_text(before.replace("masking: { preset: default }\n", rules.replace(wrong, says)), encoding="utf-8")
            refused = deployment.holdpoint(["config", "apply", str(file)], check=False)
            assert refused.returncode != 0 and "holdpoint.yaml:2" in refused.stderr, refused.stderr
        file.write_text(before.replace("masking: { preset: default }\n", rules), encoding="utf-8")
        said = deployment.holdpoint(["config", "lint", str(file)])
        assert "masks member Item.note as secret, in dynamodb:GetItem, on demo" in said

        # Tried: on bodies, and on what was recorded.
        body = {"id": 7, "content_type": "application/json", "meta": {"service": "dynamodb", "operation": "GetItem"},
                "text": json.dumps({"Item": {"note": {"S": "Tuesday"}, "staff": {"S": "EMP-123456"}}})}
        trial = ["mask", "--config", str(file), "--jsonl", "--report-only"]
        lines = [json.loads(line) for line in deployment.holdpoint(trial, stdin=json.dumps(body) + "\n").splitlines()]
        assert [row["rule"] for row in lines[0]["findings"]] == ["rule 1", "rule 2"] and "Tuesday" not in json.dumps(lines)
        assert [row["matches"] for row in lines[-1]["rules"]] == [1, 1, 0]
        exported = harness.wait_for(lambda: "EMP-123456" in (log := deployment.holdpoint("audit export")) and log, "the call")
        lines = [json.loads(line) for line in deployment.holdpoint(trial, stdin=exported).splitlines()]
        assert [row["matches"] > 0 for row in lines[-1]["rules"]] == [False, True, False]

        # In force: answers and the record alike.
        deployment.holdpoint(["config", "apply", str(file)])

        def masked():
            answer = get(client, "rules")
            return answer if answer["Item"]["note"] == text("REDACTED-secret") else None
        answer = harness.wait_for(masked, "the new configuration")
        assert answer["Item"]["staff"] == text("by REDACTED-national-id") and answer["Item"]["card"] == text("REDACTED-card")
        assert answer["Item"]["plain"] == text("blue")
        assert masked_header(answer) == '3; classes="card,national-id,secret"'
        assert {(row["rule"], row["path"]) for row in deployment.outcome(answer)[1]} >= {
            ("notes", "Item.note.S"), ("staff-number", "Item.staff.S")}
        put(client, "more", staff=text("EMP-654321"))
        harness.wait_for(lambda: '"more"' in deployment.holdpoint("audit export"), "the call")
        assert "EMP-654321" not in deployment.holdpoint("audit export")
    finally:
        file.write_text(before, encoding="utf-8")
        deployment.holdpoint(["config", "apply", str(file)])


def test_what_policy_unmasks_is_left_for_its_time_and_recorded(deployment):
    client = deployment.boto("dynamodb")
    put(client, "left", mail=text("ann@example.com"), password=text(PASSWORD), key=text(f"key {KEY}"))
    file = str(deployment.folder / "configuration/holdpoint.yaml")

    def unmasking(classes, until):
        return STATEMENTS + [{"Sid": "Mail", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*",
                              "Unmask": {"Classes": classes, "Until": until}}]

    def in_force(condition):
        return harness.wait_for(lambda: condition(answer := get(client, "left")) and answer, "the new configuration")

    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        for classes, until, says in ((["*"], soon, "unknown class"), (["email"], "", "expected Until"),
                                     (["email"], "2099-01-01T00:00:00Z", "90 days")):
            deployment.write_policy(unmasking(classes, until))
            refused = deployment.holdpoint(["config", "apply", file], check=False)
            assert refused.returncode != 0 and says in refused.stderr, refused.stderr
        deployment.write_policy(unmasking(["email"], soon))
        deployment.holdpoint(["config", "apply", file])
        answer = in_force(lambda answer: answer["Item"]["mail"] == text("ann@example.com"))
        assert PASSWORD not in json.dumps(answer) and KEY not in json.dumps(answer)
        assert masked_header(answer) == '2; classes="access-key-id,password"; unmasked="email"'
        entry, found = deployment.outcome(answer)
        assert {row["class"] for row in found} == {"access-key-id", "password"}
        left = deployment.sql("SELECT class, path, count, policy, statement, until FROM audit.unmasked "
                              f"WHERE operation_id = '{entry['operation_id']}'")
        assert [(row["class"], row["path"], row["count"], row["statement"]) for row in left] == [
            ("email", "Item.mail.S", 1, "Mail")]
        assert left[0]["until"].startswith(soon[:-1]) and "ann@example.com" not in json.dumps([entry, left])
        # Its time is over: without anybody's doing it is masked again.
        past = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
        deployment.write_policy(unmasking(["email", "password"], past))
        deployment.holdpoint(["config", "apply", file])
        answer = in_force(lambda answer: answer["Item"]["mail"] != text("ann@example.com"))
        assert PASSWORD not in json.dumps(answer) and "unmasked" not in masked_header(answer)
    finally:
        deployment.write_policy(STATEMENTS)
        deployment.holdpoint(["config", "apply", file])
