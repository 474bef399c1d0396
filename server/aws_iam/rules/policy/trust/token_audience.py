"""Audience claims of identity providers under set operators, although a token has one audience."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Kind, Statement
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting_issuer
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUST = (Kind.TRUST,)
_GITHUB = "token.actions.githubusercontent.com"
_SUB = {"StringEquals": {f"{_GITHUB}:sub": "repo:octo/app:ref:refs/heads/main"}}
_AUD = {f"{_GITHUB}:aud": "sts.amazonaws.com"}
# Login with Amazon names the application in `app_id`.
_AUDIENCES = ("aud", "app_id")


_GOOD = trusting_issuer({"StringEquals": {**_SUB["StringEquals"], **_AUD}})


def _qualified(statement: Statement, qualifier: str) -> Iterator[Condition]:
    """The conditions that test an audience of the statement's providers with the set operator."""
    hosts = {provider.host.lower() for provider in providers(statement)}
    for condition in statement.conditions if hosts else ():
        host, _, claim = condition.name.rpartition(":")
        if condition.qualifier == qualifier and claim in _AUDIENCES and host in hosts:
            yield condition


@check(
    "FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE",
    on=Statement,
    severity=Severity.SECURITY_WARNING,
    title="The audience is compared with ForAnyValue",
    fix="Remove ForAnyValue:.",
    kinds=_TRUST,
    bad=[trusting_issuer({**_SUB, "ForAnyValue:StringEquals": _AUD})],
    good=[_GOOD, trusting_issuer({**_SUB, "ForAllValues:StringEquals": _AUD})],
)
def any_audience(statement: Statement) -> Iterator[Fail]:
    """ForAnyValue is for keys with several values; a token has one audience, which must be the one you mean.

    False alarm when every token of the provider has a single audience: the condition then decides as it would without ForAnyValue.
    """
    for condition in _qualified(statement, "ForAnyValue"):
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.key.value)} has a single value: use {quoted(condition.base)}",
        )


@check(
    "CONFIRM_AUDIENCE_CLAIM_TYPE",
    on=Statement,
    severity=Severity.SUGGESTION,
    title="The audience is compared with ForAllValues",
    fix="Remove ForAllValues:.",
    kinds=_TRUST,
    bad=[trusting_issuer({**_SUB, "ForAllValues:StringEquals": _AUD})],
    good=[_GOOD, trusting_issuer({**_SUB, "ForAnyValue:StringEquals": _AUD})],
)
def all_audiences(statement: Statement) -> Iterator[Fail]:
    """ForAllValues is for keys with several values; it also holds when the token has no audience.

    False alarm when a Null condition requires the audience.
    """
    # ValidatePolicy also reports an audience without a set operator as a reminder, where there is nothing to do.
    for condition in _qualified(statement, "ForAllValues"):
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.key.value)} has a single value: use {quoted(condition.base)}",
        )
