"""Condition values that their operator or key cannot compare."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.placeholders import is_known_later
from aws_iam.engine.reference.service_principals import SERVICE_KEYS
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_if
from aws_iam.rules.gates import MALFORMED, at_keys, at_operators
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator


def _values(statement: Statement, family: Family) -> Iterator[tuple[Condition, Text]]:
    """The values under operators of a family, without those that a request decides or that nobody filled in yet."""
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) is family:
            for value in condition.values:
                if not is_known_later(value.value):
                    yield condition, value


@check(
    "INVALID_CONDITION_DATA_TYPE",
    on=Statement,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The values of one key have different JSON types",
    fix="Write every value of the key as a string in double quotes.",
    bad=[allow_if("NumericEquals", "aws:MultiFactorAuthAge", ["300", 600])],
    good=[allow_if("NumericEquals", "aws:MultiFactorAuthAge", ["300", "600"])],
)
def mixed_types(statement: Statement) -> Iterator[Fail]:
    """AWS reads all values of a list as one type."""
    for condition in statement.conditions:
        forms = dict.fromkeys(value.form for value in condition.values)
        if len(forms) > 1:
            yield Fail(
                condition.node.where,
                f"{quoted(condition.key.value)} has values of several JSON types: {', '.join(forms)}",
            )


@check(
    "TYPE_MISMATCH_BOOLEAN",
    on=Statement,
    when=(at_operators(Family.BOOL, Family.NULL),),
    severity=Severity.WARNING,
    title="A value under Bool or Null is neither true nor false",
    fix="Write `true` or `false`.",
    bad=[allow_if("Bool", "aws:SecureTransport", "yes")],
    good=[allow_if("Bool", "aws:SecureTransport", "true")],
)
def not_a_boolean(statement: Statement) -> Iterator[Fail]:
    """A request can only hold true or false, so such a value never matches.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for family in (Family.BOOL, Family.NULL):
        for condition, value in _values(statement, family):
            if value.value.lower() not in {"true", "false"}:
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} under `{condition.base}` is neither true nor false",
                    low_confidence=family is Family.NULL,
                )


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@check(
    "TYPE_MISMATCH_NUMBER",
    on=Statement,
    when=(at_operators(Family.NUMERIC),),
    severity=Severity.WARNING,
    title="A value under a Numeric operator is not a number",
    fix="Write an integer or a decimal number.",
    bad=[allow_if("NumericLessThan", "aws:MultiFactorAuthAge", "one hour")],
    good=[allow_if("NumericLessThan", "aws:MultiFactorAuthAge", "3600")],
)
def not_a_number(statement: Statement) -> Iterator[Fail]:
    """AWS cannot compare such a value as a number, so the condition never holds.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for condition, value in _values(statement, Family.NUMERIC):
        if not _NUMBER.fullmatch(value.value):
            yield Fail(
                value.where, f"{quoted(value.value)} under `{condition.base}` is not a number"
            )


_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.\d+)?)?)?"
    r"(?:Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?",
    re.ASCII,
)
_LEAP, _MIDNIGHT = 60, 24
_EPOCH = re.compile(r"\d{5,}")


@check(
    "TYPE_MISMATCH_DATE",
    on=Statement,
    when=(at_operators(Family.DATE),),
    severity=Severity.WARNING,
    title="A value under a Date operator is not a date",
    fix="Write the date in ISO 8601, such as `2026-01-31T00:00:00Z`.",
    bad=[
        allow_if("DateLessThan", "aws:CurrentTime", "January 31, 2026"),
        allow_if("DateLessThan", "aws:CurrentTime", "2026-13-01"),
        allow_if("DateLessThan", "aws:CurrentTime", "2026-02-30T00:00:00Z"),
    ],
    good=[allow_if("DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z")],
)
def not_a_date(statement: Statement) -> Iterator[Fail]:
    """AWS cannot compare such a value as a date, so the condition never holds.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for condition, value in _values(statement, Family.DATE):
        if not (_is_date(value.value) or _EPOCH.fullmatch(value.value)):
            yield Fail(
                value.where, f"{quoted(value.value)} under `{condition.base}` is not a date"
            )


def _is_date(text: str) -> bool:
    """Whether the text has the form of a date and the calendar has that day."""
    from datetime import UTC, datetime

    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(group) for group in match.groups(default="1"))
    hour = 0 if hour == _MIDNIGHT else hour
    try:
        # A leap second is second 60.
        datetime(
            year,
            month,
            day,
            hour,
            minute,
            min(second, 59) if second <= _LEAP else second,
            tzinfo=UTC,
        )
    except ValueError:
        return False
    return True


@check(
    "INVALID_DATE_VALUE",
    on=Statement,
    when=(at_operators(Family.DATE),),
    severity=Severity.WARNING,
    title="A date is written as seconds since 1970",
    fix="Write the date in ISO 8601, such as `2026-01-31T00:00:00Z`.",
    bad=[allow_if("DateLessThan", "aws:CurrentTime", "1769817600")],
    good=[allow_if("DateLessThan", "aws:CurrentTime", "2026-01-31T00:00:00Z")],
)
def date_as_seconds(statement: Statement) -> Iterator[Fail]:
    """Readers cannot tell which date the number stands for; AWS recommends ISO 8601.

    False alarm when a program generates the policy and nobody reads the date.
    """
    for _, value in _values(statement, Family.DATE):
        if _EPOCH.fullmatch(value.value):
            yield Fail(
                value.where,
                f"{quoted(value.value)} is a count of seconds since 1970; write it in ISO 8601",
            )


@check(
    "TYPE_MISMATCH_STRING",
    on=Statement,
    when=(at_operators(Family.BINARY),),
    severity=Severity.WARNING,
    title="A value under BinaryEquals is not base64",
    fix="Encode the bytes in base64.",
    bad=[allow_if("BinaryEquals", "aws:PrincipalTag/key", "not base64!")],
    good=[allow_if("BinaryEquals", "aws:PrincipalTag/key", "QmluYXJ5VmFsdWU=")],
)
def not_base64(statement: Statement) -> Iterator[Fail]:
    """AWS cannot decode such a value, so the condition never holds.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for _, value in _values(statement, Family.BINARY):
        try:
            base64.b64decode(value.value.encode("utf-8", "replace"), validate=True)
        except binascii.Error:
            yield Fail(value.where, f"{quoted(value.value)} under `BinaryEquals` is not base64")


# As ValidatePolicy judges it: two labels are accepted in iam:PassedToService and iam:AWSServiceName, and refused here. AWS itself
# writes `ops.emr-serverless.amazonaws.com` under aws:CalledViaLast.
# https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/setting-up.html
_CALLED_VIA = "aws:calledvia"
_ONE_LABEL = re.compile(r"[a-z0-9-]+\.(amazonaws\.com(\.cn)?|amazon\.com)")
_SERVICE_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@check(
    "INVALID_SERVICE_PRINCIPAL_FORMAT",
    on=Statement,
    when=(at_keys(*SERVICE_KEYS),),
    severity=Severity.ERROR,
    title="A value is not a service principal",
    fix="Write `SERVICE.amazonaws.com` in lower case; for kms:ViaService, `SERVICE.REGION.amazonaws.com`.",
    bad=[
        allow_if("StringEquals", "iam:PassedToService", "ec2"),
        allow_if("StringEquals", "iam:PassedToService", "EC2.amazonaws.com"),
        allow_if(
            "ForAnyValue:StringEquals",
            "aws:CalledVia",
            "application-signals.cloudwatch.amazonaws.com",
        ),
    ],
    good=[
        allow_if("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"),
        allow_if("StringEquals", "iam:PassedToService", "pods.eks.amazonaws.com"),
        allow_if("ForAnyValue:StringEquals", "aws:CalledVia", "cloudformation.amazonaws.com"),
        allow_if("StringEquals", "aws:CalledViaLast", "ops.emr-serverless.amazonaws.com"),
    ],
)
def not_a_service_principal(statement: Statement) -> Iterator[Fail]:
    """A request names a service by its service principal, so any other text never matches.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for condition in statement.conditions_on(*SERVICE_KEYS):
        if OPERATORS.get(condition.base) is not Family.STRING:
            continue
        for value in condition.values:
            if not is_literal(value.value) or is_known_later(value.value):
                continue
            if not _SERVICE_NAME.fullmatch(value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} is not a service principal such as `ec2.amazonaws.com`",
                )
            elif condition.name == _CALLED_VIA and not _ONE_LABEL.fullmatch(value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)}: {quoted(condition.key.value)} takes SERVICE.amazonaws.com with a"
                    " single label before the suffix",
                )


_BOUNDS = ("LessThan", "GreaterThan")


@check(
    "REDUNDANT_CONDITION_VALUE_NUM",
    on=Statement,
    when=(at_operators(Family.NUMERIC),),
    severity=Severity.SUGGESTION,
    title="A key has several bounds, but only one takes effect",
    fix="Keep only the greatest upper bound, or the least lower bound.",
    bad=[allow_if("NumericLessThan", "aws:MultiFactorAuthAge", ["300", "600"])],
    good=[allow_if("NumericLessThan", "aws:MultiFactorAuthAge", "600")],
)
def several_bounds(statement: Statement) -> Iterator[Fail]:
    """A condition holds if one of its values matches, so the widest bound alone decides.

    No false alarms: without the other values every request is decided in the same way.
    """
    for condition in statement.conditions:
        bound = condition.base.removeprefix("Numeric").removesuffix("Equals")
        if condition.base.startswith("Numeric") and bound in _BOUNDS and len(condition.values) > 1:
            deciding = "greatest" if bound == "LessThan" else "least"
            yield Fail(
                condition.node.where,
                f"only the {deciding} of the {len(condition.values)} values under `{condition.base}` takes effect",
            )
