"""What would open the target past the gateway: credentials, tokens and signed URLs in answers do not reach the agent."""

import json

import boto3
import botocore.config
import botocore.exceptions
import pytest

import forms_test
import harness
import hostile

TOKEN = "QVdTOmV5SndZWGxzYjJGa0lqb2ljMlZqY21WMElHOW1JSFJvWlNCeVpXZHBjM1J5ZVNKOQ=="
SIGNED = ("https://prod-starport.s3.eu-west-1.amazonaws.com/layer?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
          "ASIAIOSFODNN7EXAMPLE%2F20261101%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Signature=" + "0123456789abcdef" * 4)
POLICY = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*", "Mask": ["off"]},
    {"Sid": "TheRegistryByName", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*", "Mask": ["off"]},
    {"Sid": "Narrower", "Effect": "Allow", "Action": "sts:GetFederationToken", "Resource": "*"}]}


class Deployment(forms_test.Deployment):
    """Every call but DynamoDB's ends at a target that says what the test wants."""

    def write_configuration(self, edit=lambda text: text):
        super().write_configuration(edit)
        (self.folder / "configuration/policies/orders.json").write_text(json.dumps(POLICY), encoding="utf-8")

    def open_up(self, text):
        more = "".join(f'{service}: "{self.target.url}", ' for service in ("ecr", "ssm", "cognito-identity"))
        return super().open_up(text).replace("endpoints: { ", "endpoints: { " + more)


def make_deployment():
    return Deployment()


def json_call(deployment, credentials, service, target, body=b"{}"):
    wire = hostile.Wire("json", service, "json", "POST", "/", body, Content_Type="application/x-amz-json-1.1",
                        X_Amz_Target=target)
    return hostile.Request(deployment, credentials, wire).send()


def test_a_wildcard_does_not_permit_what_hands_out_credentials(deployment, credentials):
    deployment.target.type = "application/json"
    deployment.target.body = json.dumps({"downloadUrl": SIGNED, "Credentials": {"SecretKey": TOKEN}}).encode()
    for service, target in (("ecr", "AmazonEC2ContainerRegistry_V20150921.GetDownloadUrlForLayer"),
                            ("ssm", "AmazonSSM.StartSession"),
                            ("cognito-identity", "AWSCognitoIdentityService.GetCredentialsForIdentity")):
        with deployment.settling() as ended:
            answer = json_call(deployment, credentials, service, target)
        code, text = answer.error("json")
        assert code == "AccessDeniedException" and "in full" in text, (code, text)
        assert ended[0]["type"] == "holdpoint.operation.refused"
        assert b"amazonaws.com" not in answer.body


def test_a_new_access_key_is_not_made_at_all(deployment, credentials):
    wire = hostile.Wire("query", "iam", "query", "POST", "/", b"Action=CreateAccessKey&Version=2010-05-08",
                        Content_Type=hostile.FORM)
    with deployment.settling() as ended:
        code, text = hostile.Request(deployment, credentials, wire).send().error("query")
    assert code == "AccessDenied" and "iam:CreateAccessKey" in text
    assert ended[0]["type"] == "holdpoint.operation.refused"


def test_what_a_policy_names_is_sent_and_comes_masked_even_where_masks_are_off(deployment, credentials):
    deployment.target.type = "application/x-amz-json-1.1"
    deployment.target.body = json.dumps({"authorizationData": [{"authorizationToken": TOKEN,
                                                                "proxyEndpoint": "https://registry.example"}]}).encode()
    answer = json_call(deployment, credentials, "ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
    assert answer.status == 200, answer.body
    data = json.loads(answer.body)["authorizationData"][0]
    assert TOKEN not in data["authorizationToken"] and data["proxyEndpoint"] == "https://registry.example"


def test_a_functions_code_is_described_and_its_signed_address_masked(deployment, credentials):
    deployment.target.type = "application/json"
    deployment.target.body = json.dumps({"Configuration": {"FunctionName": "f"}, "Code": {"Location": SIGNED}}).encode()
    wire = hostile.Wire("rest-json", "lambda", "rest-json", "GET", "/2015-03-31/functions/f")
    answer = hostile.Request(deployment, credentials, wire).send()
    assert answer.status == 200, answer.body
    described = json.loads(answer.body)
    assert described["Configuration"]["FunctionName"] == "f"
    assert "X-Amz-Signature" not in described["Code"]["Location"]


def session_client(deployment, credentials, service):
    return boto3.Session().client(service, endpoint_url=deployment.gateway, region_name="eu-west-1",
                                  aws_access_key_id=credentials["AccessKeyId"],
                                  aws_secret_access_key=credentials["SecretAccessKey"],
                                  aws_session_token=credentials["SessionToken"], config=botocore.config.Config(proxies={}))


def test_a_session_token_is_the_gateways_own_and_works(deployment):
    answer = deployment.boto("sts").get_session_token(DurationSeconds=900)["Credentials"]
    client = session_client(deployment, answer, "dynamodb")
    assert client.get_item(TableName="orders", Key={"id": {"S": "1002"}})["Item"]["id"] == {"S": "1002"}


def test_a_federation_token_does_what_its_policy_says_and_no_more(deployment):
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}]}
    answer = deployment.boto("sts").get_federation_token(Name="narrow", Policy=json.dumps(only))
    assert answer["FederatedUser"]["Arn"].endswith(":federated-user/narrow")
    client = session_client(deployment, answer["Credentials"], "dynamodb")
    assert client.get_item(TableName="orders", Key={"id": {"S": "1002"}})["Item"]["id"] == {"S": "1002"}
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.list_tables()
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    sts = session_client(deployment, answer["Credentials"], "sts")
    with pytest.raises(botocore.exceptions.ClientError):
        sts.get_federation_token(Name="wider", Policy=json.dumps(only).replace("GetItem", "*"))


def test_revoking_a_session_ends_what_came_from_it(deployment):
    sts = deployment.boto("sts", token=deployment.token("agent-8"))
    answer = sts.get_session_token()["Credentials"]
    client = session_client(deployment, answer, "dynamodb")
    client.get_item(TableName="orders", Key={"id": {"S": "1002"}})
    started = deployment.sql("SELECT convert_from(bytes, 'UTF8') AS entry FROM audit.log WHERE type = "
                             "'holdpoint.session.started' ORDER BY index")
    entries = [json.loads(row["entry"])["data"] for row in started]
    first = [each for each in entries if each["subject"] == "agent-8" and each["via"] == "container"][-1]
    deployment.holdpoint(["revoke", "session", first["session_id"]])

    def refused():
        try:
            client.get_item(TableName="orders", Key={"id": {"S": "1002"}})
        except botocore.exceptions.ClientError:
            return True
        return False

    harness.wait_for(refused, "the derived session is refused")
