"""What `trust_policy` writes for a provider lets in the token that this provider sends, and no token beside it."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.provider_catalogue import PROVIDERS
from helpers.provider_cases import cases
from helpers.tables.each import for_each

ACCOUNT = "111122223333"
CASES = [case for case in cases("trust_policies") if "token" in case]
TIMES = {"iat": 1_700_000_000, "exp": 4_000_000_000}


def outcome(case: dict[str, Any], claims: dict[str, Any]) -> str:
    written = tool.run({"action": "trust_policy", "account": ACCOUNT, **case["arguments"]})
    return str(
        tool.run(
            {
                "action": "denied",
                "document": written.artifacts[0].content,
                "claims": {**TIMES, **claims},
                "account": ACCOUNT,
            }
        ).decision.outcome
    )


def near_misses(token: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Tokens that differ from the right one in one claim, for every provider."""
    issuer = token["iss"]
    other = issuer.rstrip("/") if issuer.endswith("/") else f"{issuer}/"
    audience = "azp" if "azp" in token else "aud"
    return {
        "the slash at the end of the issuer": {**token, "iss": other},
        "another issuer": {**token, "iss": "https://issuer.example.net"},
        "another audience": {**token, audience: "https://other.example.net"},
        "a subject that begins elsewhere": {**token, "sub": f"x{token['sub']}"},
    }


@for_each(CASES, name=lambda case: case["name"])
def test_the_token_that_the_provider_sends_is_let_in(case: dict[str, Any]) -> None:
    assert outcome(case, case["token"]) == "Allowed"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_token_that_nearly_fits_is_refused(case: dict[str, Any]) -> None:
    written = [
        {**case["token"], **(miss if isinstance(miss, dict) else {"sub": miss})}
        for miss in case["near_misses"]
    ]
    assert written
    for claims in (*near_misses(case["token"]).values(), *written):
        assert outcome(case, claims) != "Allowed", claims


def test_every_provider_of_tokens_has_a_token() -> None:
    assert {case["arguments"]["provider"] for case in CASES} == set(PROVIDERS) - {"pod_identity"}
