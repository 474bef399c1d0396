"""A number of thousands of digits, which Python's own reader of JSON does not take, ends no call with a bug."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.registry import tool_named

HUGE = "9" * 5000
ISSUER = "token.actions.githubusercontent.com"
IDENTITY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", '
    f'"Condition": {{"NumericLessThan": {{"aws:MultiFactorAuthAge": {HUGE}}}}}}}]}}'
)
KEY = IDENTITY.replace(
    '"Action"', '"Principal": {"AWS": "arn:aws:iam::111122223333:user/u"}, "Action"'
)
TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", '
    f'"Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/{ISSUER}"}}, '
    f'"Condition": {{"StringEquals": {{"{ISSUER}:aud": {HUGE}}}}}}}]}}'
)
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("policy", {"action": "validate", "document": IDENTITY}),
    ("policy", {"action": "explain", "document": IDENTITY}),
    ("policy", {"action": "shrink", "document": IDENTITY}),
    ("kms", {"action": "lockout", "document": KEY, "caller": "arn:aws:iam::111122223333:user/v"}),
    ("irsa", {"action": "denied", "document": TRUST, "claims": {"iss": f"https://{ISSUER}", "sub": "a", "aud": "b"}}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
def test_a_policy_that_holds_one_is_answered(tool: str, arguments: dict[str, Any]) -> None:
    assert tool_named(tool).run(arguments).summary


def test_records_that_hold_one_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="a number of too many digits"):
        tool_named("policy").run(
            {"action": "generate", "records": f'{{"Records": [{{"a": {HUGE}}}]}}'}
        )
