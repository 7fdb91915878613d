"""A copy between regions carries itself, presigned: made anew by the gateway, judged by botocore, bound in reviews."""

import contextlib
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

import hostile

SOURCE = "eu-central-1"


class Deployment(hostile.Deployment):
    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(edit)
        held = {"Sid": "CopiesAreHeld", "Effect": "Hold", "Action": "rds:CopyDBSnapshot", "Resource": "*",
                "Review": {"Reviewers": ["sre"], "Required": 1, "Within": "15m", "Grant": "once", "Reason": "Data moves."}}
        not_from = {"Sid": "NotFromThere", "Effect": "Deny", "Resource": "*",
                    "Action": ["ec2:CopySnapshot", "ec2:CopyImage"],
                    "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-north-1"}}}
        policy = {**hostile.POLICY, "Statement": [*hostile.POLICY["Statement"], held, not_from]}
        (self.folder / "configuration/policies/orders.json").write_text(json.dumps(policy), encoding="utf-8")

    def open_up(self, text):
        text = super().open_up(text).replace("regions: [eu-west-1]", f"regions: [eu-west-1, {SOURCE}, eu-north-1]")
        return text.replace("endpoints: { ", f'endpoints: {{ rds: "{self.trap.url}", ')

    def arrived(self):
        return dict(urllib.parse.parse_qsl(self.trap.seen[-1]["body"].decode()))


def make_deployment():
    return Deployment()


def judge(deployment, url, service, region):
    """The signature of a presigned URL, made once more by botocore with the gateway's upstream key."""
    keys = json.loads((deployment.folder / "targets/upstream.json").read_text(encoding="utf-8"))
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    assert query["X-Amz-Credential"].split("/")[0] == keys["access_key_id"]
    assert query["X-Amz-Credential"].split("/")[2:4] == [region, service]
    signature = query.pop("X-Amz-Signature")
    request = botocore.awsrequest.AWSRequest(method="GET", url=f"{parts.scheme}://{parts.netloc}/", params=query)
    signer = botocore.auth.SigV4QueryAuth(
        botocore.credentials.Credentials(keys["access_key_id"], keys["secret_access_key"]), service, region)
    canonical = "\n".join(["GET", "/", signer.canonical_query_string(request), f"host:{parts.netloc}\n", "host",
                           botocore.auth.EMPTY_SHA256_HASH])
    request.context["timestamp"] = query["X-Amz-Date"]
    assert signer.signature(signer.string_to_sign(request, canonical), request) == signature
    return query


def test_what_botocore_signs_by_itself_is_signed_anew(deployment):
    deployment.boto("ec2").copy_snapshot(SourceRegion=SOURCE, SourceSnapshotId="snap-1", Description="a b&c")
    arrived = deployment.arrived()
    query = judge(deployment, arrived["PresignedUrl"], "ec2", SOURCE)
    assert (query["Action"], query["SourceSnapshotId"], query["DestinationRegion"], query["Description"]) == (
        "CopySnapshot", "snap-1", "eu-west-1", "a b&c")
    assert "X-Amz-Security-Token" not in query and arrived["PresignedUrl"].startswith(deployment.trap.url)


def test_a_region_of_no_target_is_refused_and_one_that_policy_denies_too(deployment):
    for region, text in (("us-east-1", "not one of target"), ("eu-north-1", "NotFromThere")):
        for name, source in (("copy_snapshot", {"SourceSnapshotId": "snap-1"}),
                             ("copy_image", {"SourceImageId": "ami-1", "Name": "n"})):  # which carries no URL
            before = len(deployment.trap.seen)
            with pytest.raises(botocore.exceptions.ClientError) as refused:
                getattr(deployment.boto("ec2"), name)(SourceRegion=region, **source)
            assert text in str(refused.value)
            assert len(deployment.trap.seen) == before


def test_a_review_of_a_copy_is_claimed_by_a_later_attempt(deployment):
    """The agent's URL differs with each attempt: it is no part of what was reviewed."""
    client = deployment.boto("rds", retries={"max_attempts": 0}, read_timeout=3)
    call = {"SourceDBSnapshotIdentifier": f"arn:aws:rds:{SOURCE}:123456789012:snapshot:s", "TargetDBSnapshotIdentifier": "t",
            "SourceRegion": SOURCE}
    with pytest.raises((botocore.exceptions.ReadTimeoutError, botocore.exceptions.ClientError)):
        client.copy_db_snapshot(**call)
    review = deployment.waiting_review("CopyDBSnapshot")
    shown = json.dumps(deployment.holdpoint_json(["reviews", "show", review["review_id"]]))
    assert "X-Amz-Signature" not in shown and SOURCE in shown
    deployment.holdpoint(["reviews", "approve", review["review_id"], "--as", "alice", "--groups", "sre"])
    with contextlib.suppress(KeyError):  # the trap's answer is none of RDS
        deployment.boto("rds").copy_db_snapshot(**call)
    arrived = deployment.arrived()
    assert judge(deployment, arrived["PreSignedUrl"], "rds", SOURCE)["TargetDBSnapshotIdentifier"] == "t"
