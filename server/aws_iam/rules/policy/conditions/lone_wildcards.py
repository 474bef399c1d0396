"""Conditions that always or never hold because of a lone `*`, and excluded S3 prefixes that can still be listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, Example, allow_if
from aws_iam.rules.gates import at_keys, at_value
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "aws:PrincipalTag/team"


def _listing_if(operator: str, key: str, value: object, effect: str = "Allow") -> Example:
    return allow_if(operator, key, value, "s3:ListBucket", BUCKET) | {"Effect": effect}


def _with_star(statement: Statement, *bases: str) -> Iterator[Condition]:
    """The conditions with one of these operators that have `*`, which matches every value, among their values."""
    for condition in statement.conditions:
        if condition.base in bases and any(value.value == "*" for value in condition.values):
            yield condition


_STAR = (at_value("*".__eq__),)


@check(
    "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
    on=Statement,
    when=_STAR,
    severity=Severity.SUGGESTION,
    title="The condition always holds",
    fix="Remove the key, or write the values that you mean.",
    bad=[
        _listing_if("StringLikeIfExists", _TAG, "*"),
        _listing_if("ForAllValues:StringLike", "aws:TagKeys", ["*"]),
    ],
    good=[
        _listing_if("StringLikeIfExists", _TAG, "blue*"),
        _listing_if("ForAllValues:StringLike", "aws:TagKeys", ["blue*"]),
        _listing_if("ForAllValues:StringEquals", "aws:TagKeys", ["*"]),
    ],
)
def always_holds(statement: Statement) -> Iterator[Fail]:
    """With the key, `*` matches its value; without the key, such an operator holds as well: the condition tests nothing.

    No false alarms: the condition holds for every request.
    """
    for condition in _with_star(statement, "StringLike", "ArnLike"):
        if condition.if_exists or condition.qualifier == "ForAllValues":
            yield Fail(
                condition.key.where,
                f"{quoted(condition.operator.value)} with `*` on {quoted(condition.key.value)} always holds",
            )


@check(
    "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION",
    on=Statement,
    when=_STAR,
    severity=Severity.SUGGESTION,
    title="The condition never holds",
    fix="Remove the statement, or write the values that you mean.",
    bad=[_listing_if("ForAnyValue:StringNotLike", "aws:TagKeys", ["*"])],
    good=[
        _listing_if("ForAnyValue:StringNotLike", "aws:TagKeys", ["blue*"]),
        _listing_if("ForAllValues:StringNotLike", "aws:TagKeys", ["*"]),
        _listing_if("ForAnyValue:StringLike", "aws:TagKeys", ["*"]),
    ],
)
def never_holds(statement: Statement) -> Iterator[Fail]:
    """The condition needs a value that `*` does not match, and there is none: the statement has no effect.

    No false alarms: the condition holds for no request.
    """
    for condition in _with_star(statement, "StringNotLike", "ArnNotLike"):
        if condition.qualifier == "ForAnyValue" and not condition.if_exists:
            yield Fail(
                condition.key.where,
                f"{quoted(condition.operator.value)} with `*` on {quoted(condition.key.value)} never holds",
            )


@check(
    "S3_PREFIX_IN_NEGATIVE_CONTEXT",
    on=Statement,
    when=(at_keys("s3:prefix"),),
    severity=Severity.SECURITY_WARNING,
    title="The statement excludes prefixes that a shorter prefix still lists",
    fix="Name the prefixes that may be listed: allow s3:ListBucket with StringLike, or deny it with StringNotLike.",
    bad=[
        _listing_if("StringLike", "s3:prefix", "private/*", effect="Deny"),
        _listing_if("StringNotLike", "s3:prefix", "private/*"),
    ],
    good=[
        _listing_if("StringLike", "s3:prefix", "home/*"),
        _listing_if("StringNotLike", "s3:prefix", "home/*", effect="Deny"),
        _listing_if("Null", "s3:prefix", "true", effect="Deny"),
    ],
)
def excluded_prefix(statement: Statement) -> Iterator[Fail]:
    """Listing the prefix `priv` also shows the keys under `private/`, but does not match that value.

    False alarm when another statement limits which prefixes can be listed.
    """
    for condition in statement.conditions_on("s3:prefix"):
        if OPERATORS.get(condition.base) is not Family.STRING:
            continue
        # A Deny of the empty prefix excludes the listing of the whole bucket, not a part of it.
        values = [value for value in condition.values if value.value]
        if values and (statement.denies if not condition.negated else statement.allows):
            yield Fail(
                condition.key.where,
                f"{quoted(values[0].value)} is excluded, but a request with a shorter prefix lists its keys",
            )
