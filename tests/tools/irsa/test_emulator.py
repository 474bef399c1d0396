"""What is said of trust policies, held against an emulator of AWS with tokens that are really signed."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import RSAKey

from aws_iam.tools.irsa.actions import tool
from helpers.ministack import ACCOUNT, REGION, client, ministack
from helpers.provider_cases import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.emulator

CASES = cases("trust_policies")
GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
MAIN = "repo:octo/app:ref:refs/heads/main"
CART = "system:serviceaccount:shop:cart"


@cache
def key() -> RSAKey:
    # At its first use: most processes that collect the file need none.
    return RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as address:
        yield address


def claims(
    host: str, subject: str, audience: str = "sts.amazonaws.com", **more: Any
) -> dict[str, Any]:
    times = {"exp": 4_000_000_000, "iat": 1_700_000_000}
    return {"iss": f"https://{host}", "sub": subject, "aud": audience, **times, **more}


def signed(said: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, said, key())


def trust(host: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": json.loads(json.dumps(condition).replace("$:", f"{host}:")),
            }
        ],
    }


def lets_in(url: str, document: dict[str, Any], token: str) -> bool:
    """Whether the emulator gives the role to whoever has the token."""
    iam, name = client(url, "iam"), "workload"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]
    sts = client(url, "sts", signed=False)
    try:
        sts.assume_role_with_web_identity(
            RoleArn=role["Arn"], RoleSessionName="ci", WebIdentityToken=token
        )
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    finally:
        iam.delete_role(RoleName=name)
    return True


def denied(document: dict[str, Any], token: str) -> Any:
    keys = {"keys": [key().as_dict(private=False)]}
    return tool.run({"action": "denied", "document": document, "token": token, "jwks": keys})


AUD = {"$:aud": "sts.amazonaws.com"}
TRIALS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "the branch": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}}, claims(GITHUB, MAIN)),
    "another branch": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}}, claims(GITHUB, f"{MAIN}x")),
    "an environment": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}}, claims(GITHUB, "repo:octo/app:environment:p")),
    "the immutable subject": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}}, claims(GITHUB, "repo:octo@1/app@2:ref:refs/heads/main")),
    "a pattern": (GITHUB, {"StringEquals": AUD, "StringLike": {"$:sub": "repo:octo/app:*"}}, claims(GITHUB, MAIN)),
    "a pattern under StringEquals": (GITHUB, {"StringEquals": {**AUD, "$:sub": "repo:octo/app:*"}}, claims(GITHUB, MAIN)),
    "upper case": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN.upper()}}, claims(GITHUB, MAIN)),
    "no slash lets a stranger in": (GITHUB, {"StringLike": {"$:sub": "repo:octo*"}}, claims(GITHUB, "repo:octo-evil/x:ref:refs/heads/y")),
    "another audience": (GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}}, claims(GITHUB, MAIN, "other")),
    "one of two subjects": (GITHUB, {"StringEquals": {**AUD, "$:sub": ["x", MAIN]}}, claims(GITHUB, MAIN)),
    "ForAllValues on a misspelt key": (GITHUB, {"ForAllValues:StringEquals": {"$:subs": MAIN}}, claims(GITHUB, "repo:evil/x:ref:refs/heads/y")),
    "IfExists on a misspelt key": (GITHUB, {"StringEqualsIfExists": {"$:subs": MAIN}}, claims(GITHUB, "repo:evil/x:ref:refs/heads/y")),
    "a misspelt key": (GITHUB, {"StringEquals": {**AUD, "$:subs": MAIN}}, claims(GITHUB, MAIN)),
    "a claim that is not mapped": (GITHUB, {"StringEquals": {**AUD, "$:event_name": "push"}}, claims(GITHUB, MAIN, event_name="push")),
    "everyone but one": (GITHUB, {"StringNotEquals": {"$:sub": MAIN}}, claims(GITHUB, "repo:evil/x:ref:refs/heads/y")),
    "another issuer": (GITHUB, {"StringEquals": AUD}, claims("gitlab.com", MAIN)),
    "another issuer's key": (GITHUB, {"StringEquals": {"gitlab.com:sub": MAIN}}, claims(GITHUB, MAIN)),
    "a service account": (EKS, {"StringEquals": {**AUD, "$:sub": CART}}, claims(EKS, CART)),
    "another namespace": (EKS, {"StringEquals": {**AUD, "$:sub": CART}}, claims(EKS, "system:serviceaccount:bank:cart")),
    "every pod": (EKS, {"StringEquals": AUD}, claims(EKS, "system:serviceaccount:any:any")),
}  # fmt: skip


@pytest.mark.parametrize("name", TRIALS)
def test_the_emulator_does_what_is_said_of_the_trust_policy(url: str, name: str) -> None:
    host, condition, said = TRIALS[name]
    document, token = trust(host, condition), signed(said)
    answer = denied(document, token)
    assert answer.facts["signature"] == "valid"
    assert lets_in(url, document, token) is (answer.decision.outcome == "Allowed")


@pytest.mark.parametrize("name", TRIALS)
def test_the_policy_that_is_written_lets_exactly_this_caller_in(url: str, name: str) -> None:
    host, condition, said = TRIALS[name]
    (artifact,) = denied(trust(host, condition), signed(said)).artifacts
    written = json.loads(artifact.content)
    assert lets_in(url, written, signed(said))
    assert not lets_in(url, written, signed({**said, "sub": f"{said['sub']}x"}))
    assert not lets_in(url, written, signed({**said, "aud": "nobody"}))


# What AWS does and the emulator does not: here our own word has to do.
def test_where_the_emulator_knows_less_than_aws_we_follow_aws(url: str) -> None:
    exact = trust(GITHUB, {"StringEquals": {**AUD, "$:sub": MAIN}})
    expired = signed(claims(GITHUB, MAIN, exp=1_000_000_000))
    assert lets_in(url, exact, expired)
    assert [finding.code for finding in denied(exact, expired).findings] == ["TOKEN-EXPIRED"]

    forged = jwt.encode(
        {"alg": "RS256", "kid": "one"}, claims(GITHUB, MAIN), RSAKey.generate_key(2048)
    )
    assert lets_in(url, exact, forged)
    assert [finding.code for finding in denied(exact, forged).findings] == ["TOKEN-SIGNATURE"]

    by_id = trust(GITHUB, {"StringEquals": {**AUD, "$:repository_id": "7"}})
    token = signed(claims(GITHUB, MAIN, repository_id="7"))
    assert not lets_in(url, by_id, token)
    assert denied(by_id, token).decision.outcome == "Allowed"


MAPPED = {"aud", "sub"}


@pytest.mark.parametrize(
    "case", [case for case in CASES if "Federated" in case["principal"]], ids=lambda case: case["name"]
)  # fmt: skip
def test_every_trust_policy_that_is_written_lets_its_workload_in_and_strangers_out(
    url: str, case: dict[str, Any]
) -> None:
    arguments = {**case["arguments"], "action": "trust_policy", "account": ACCOUNT}
    if arguments.get("issuer", "").startswith("arn:"):
        return
    answer = tool.run(arguments)
    document = json.loads(answer.artifacts[0].content)
    (statement,) = document["Statement"]
    host = answer.facts["issuer"].removeprefix("https://")
    keys = {
        key.removeprefix(f"{host}:") for block in statement["Condition"].values() for key in block
    }
    subject = answer.facts["subject"].replace("*", "x")
    said = claims(host, subject, answer.facts["audience"], **answer.facts.get("claims", {}))
    # The emulator maps aud and sub alone; a policy that pins more is left to the evaluator.
    opens = keys <= MAPPED and statement["Principal"]["Federated"].startswith("arn:aws:")
    assert denied(document, signed(said)).decision.outcome == "Allowed"
    # It drops the slash at the end of an issuer, which AWS keeps.
    if not host.endswith("/"):
        assert lets_in(url, document, signed(said)) is opens
    for other in ({"sub": f"x{subject}"}, {"aud": "other"}):
        assert not lets_in(url, document, signed({**said, **other}))
        assert denied(document, signed({**said, **other})).decision.outcome != "Allowed"


def test_an_account_of_the_emulator_is_judged_with_its_cluster(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_ENDPOINT_URL", url), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION), ("AWS_EC2_METADATA_DISABLED", "true"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    iam, eks = client(url, "iam"), client(url, "eks")
    iam.create_open_id_connect_provider(
        Url=f"https://{GITHUB}", ClientIDList=["sts.amazonaws.com"]
    )
    open_ = trust(GITHUB, {"StringEquals": AUD, "StringLike": {"$:sub": "repo:octo/*"}})
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=json.dumps(open_))
    pods = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arn = iam.create_role(RoleName="cart", AssumeRolePolicyDocument=json.dumps(pods))["Role"][
        "Arn"
    ]
    eks_role = json.dumps(pods).replace("pods.eks", "eks")
    role = iam.create_role(RoleName="eks", AssumeRolePolicyDocument=eks_role)["Role"]
    eks.create_cluster(
        name="prod", roleArn=role["Arn"], resourcesVpcConfig={"subnetIds": ["subnet-1"]}
    )  # fmt: skip
    eks.create_pod_identity_association(
        clusterName="prod", namespace="shop", serviceAccount="cart", roleArn=arn
    )
    answer = tool.run({"action": "check", "regions": [REGION]})
    found = {(finding.code, finding.status.value) for finding in answer.findings}
    assert ("OIDC-ORG-WIDE", "fail") in found
    assert ("PID-NO-TAGSESSION", "fail") in found
    assert ("PID-TRUST-OPEN", "fail") in found
    assert ("PID-NO-AGENT", "fail") in found
    assert ("OIDC-PROV-MISSING", "fail") not in found
    assert answer.facts["associations"] == 1
    # The emulator has no Fargate profiles: what they would tell is unknown, never a pass.
    assert ("PID-UNSUPPORTED", "unknown") in found
