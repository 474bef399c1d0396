"""What the trust rules report as open to strangers is public, and what they accept is not."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.engine.comparison.forbidden_access import public_requests
from aws_iam.engine.tokens.oidc_provider import IDENTITY_POOLS
from aws_iam.rules.policy.trust import oidc_trust, saml_cognito_pods

# An operator that does not require a claim lets nobody in whose token has the claim, as every token has these.
_OF_EVERY_TOKEN = [
    bad for bad in oidc_trust.vacuous_condition.bad if "StringNotEquals" not in bad["Condition"]
]
OPENING = (
    oidc_trust.any_token,
    oidc_trust.any_repository,
    oidc_trust.any_customer,
    oidc_trust.strangers_in_pattern,
    oidc_trust.vacuous_condition,
)
# What tests the audience alone names the identity pool, and leaves its guests in.
_WITH_GUESTS = [
    good
    for check in OPENING
    for good in check.good
    if good["Principal"] == {"Federated": IDENTITY_POOLS} and ":amr" not in str(good["Condition"])
] + [saml_cognito_pods.guests_included.bad[0], *saml_cognito_pods.guests.bad]


def is_public(statement: Any) -> bool:
    found = public_requests({"Version": "2012-10-17", "Statement": [statement]})
    assert not found.open
    return bool(found.requests)


@pytest.mark.parametrize(
    "statement",
    [bad for check in OPENING for bad in check.bad if bad not in _OF_EVERY_TOKEN] + _WITH_GUESTS,
)
def test_what_a_trust_rule_reports_as_open_is_public(statement: Any) -> None:
    assert is_public(statement)


@pytest.mark.parametrize(
    "statement",
    [good for check in OPENING for good in check.good if good not in _WITH_GUESTS]
    + [saml_cognito_pods.guests.good[0]]
    + [*oidc_trust.no_token_fits.bad, *_OF_EVERY_TOKEN],
)
def test_what_the_trust_rules_accept_and_what_no_token_meets_is_not_public(statement: Any) -> None:
    assert not is_public(statement)
