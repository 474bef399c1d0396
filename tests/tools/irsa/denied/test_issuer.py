"""The issuer in `irsa denied`: in the keys of a trust policy, where only its host counts, and where the claims lack it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from aws_iam.cli import command_line
from aws_iam.tools.irsa.actions import tool

HOST = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
POD = "system:serviceaccount:shop:cart"
CLAIMS = {"sub": POD, "aud": ["sts.amazonaws.com"]}


def allow(key: str, host: str = HOST) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {key: POD}},
    }


def trust(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def ask(policy: dict[str, Any], **given: Any) -> Any:
    return tool.run({"action": "denied", "document": policy, **given})


@pytest.mark.parametrize(
    "prefix", ["https://", "arn:aws:iam::111122223333:oidc-provider/", "oidc-provider/"]
)
def test_a_key_that_no_request_has_fails_the_command(
    prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, claims = trust(allow(f"{prefix}{HOST}:sub")), {**CLAIMS, "iss": f"https://{HOST}"}
    arguments = [
        "irsa",
        "denied",
        "--document",
        json.dumps(policy),
        "--claims",
        json.dumps(claims),
    ]
    assert command_line.main([*arguments, "--account", "111122223333", "--json"], {}) == 1
    said = json.loads(capsys.readouterr().out)
    assert "Refused" in said["summary"]
    assert f"`{HOST}:sub`" in said["findings"][0]["fix"]


def test_claims_without_an_issuer_are_those_of_the_one_that_the_policy_trusts() -> None:
    policy = trust(allow(f"{HOST}:sub"))
    answer = ask(policy, claims=CLAIMS)
    assert answer.findings == ()
    assert answer.decision.outcome == "Allowed"
    assert f"`https://{HOST}` is assumed" in answer.facts["notes"][0]["note"]
    refused = ask(policy, claims={**CLAIMS, "sub": "system:serviceaccount:shop:other"})
    assert [finding.code for finding in refused.findings] == ["TOKEN-SERVICE-ACCOUNT"]


def test_no_issuer_is_assumed_where_the_policy_trusts_two_or_the_token_itself_lacks_it() -> None:
    both = trust(allow(f"{HOST}:sub"), allow("gitlab.com:sub", "gitlab.com"))
    token = jwt.encode({"alg": "RS256"}, CLAIMS, RSAKey.generate_key(2048))
    for answer in (ask(both, claims=CLAIMS), ask(trust(allow(f"{HOST}:sub")), token=token)):
        assert answer.findings[0].code == "TOKEN-INCOMPLETE"
