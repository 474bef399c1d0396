"""Operators that do not fit the type of their condition key: qualifiers, wildcards, operator families."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.variables import variables, without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_if
from aws_iam.rules.gates import VARIABLE_IN_VALUE, at_condition, at_value
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.catalog import ConditionKey


@memo_on_subject
def _typed(statement: Statement) -> tuple[tuple[Condition, ConditionKey], ...]:
    """The conditions on keys whose type is known, under operators that exist."""
    known = (candidate for candidate in statement.conditions if candidate.base in OPERATORS)
    keys = ((candidate, catalog().condition_key(candidate.key.value)) for candidate in known)
    return tuple((condition, key) for condition, key in keys if key and key.type)


def _may_lack_qualifier(condition: Condition) -> bool:
    key = catalog().condition_key(condition.key.value)
    return key is not None and key.multivalued and _is_bare(condition)


def _is_for_all(condition: Condition) -> bool:
    return condition.qualifier == "ForAllValues"


def _is_of_other_type(condition: Condition) -> bool:
    key = catalog().condition_key(condition.key.value)
    return key is not None and OPERATORS.get(condition.base) not in _fitting(key)


def _is_boolean(condition: Condition) -> bool:
    key = catalog().condition_key(condition.key.value)
    return key is not None and key.type == "Bool"


def _is_like(condition: Condition) -> bool:
    return condition.base in {"StringLike", "StringNotLike"}


def _may_have_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


# Of an ARN.
_COLONS = 5
_STAR = (at_value("*".__eq__),)
_WILDCARD = (at_value(_may_have_wildcard),)


@check(
    "MISSING_QUALIFIER",
    on=Statement,
    when=(at_condition(_may_lack_qualifier),),
    severity=Severity.ERROR,
    title="A multivalued key is compared without a qualifier",
    fix='Write `ForAnyValue:` or `ForAllValues:` before the operator; with ForAllValues in an Allow also add "Null": {KEY: "false"}.',
    bad=[allow_if("StringEquals", "aws:TagKeys", ["team"])],
    good=[allow_if("ForAnyValue:StringEquals", "aws:TagKeys", ["team"])],
)
def several_values_unqualified(statement: Statement) -> Iterator[Fail]:
    """Without a qualifier AWS does not know whether one or all of the request's values must match.

    False alarm when AWS's reference wrongly lists the key as multivalued. Confidence is low for keys of EventBridge, whose own
    examples have no qualifier.
    """
    for condition, key in _typed(statement):
        if key.multivalued and _is_bare(condition):
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.key.value)} can have several values: write"
                f" `ForAnyValue:{condition.base}` or `ForAllValues:{condition.base}`",
                # ValidatePolicy reports these keys by their type, and EventBridge's own examples have no qualifier:
                # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
                low_confidence=key.service == "events",
            )


# The reference types these keys as String; a request names several actions of the provider, and ValidatePolicy accepts
# ForAllValues: https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html
_OF_SEVERAL_VALUES = frozenset(
    {"codeconnections:provideraction", "codestar-connections:provideraction"}
)


def _is_bare(condition: Condition) -> bool:
    return not condition.qualifier and condition.base != "Null"


@check(
    "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
    on=Statement,
    when=(at_condition(_is_for_all),),
    severity=Severity.SECURITY_WARNING,
    title="ForAllValues is used with a single-valued key",
    fix="Remove `ForAllValues:`.",
    bad=[allow_if("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-exampleorg")],
    good=[allow_if("StringEquals", "aws:PrincipalOrgID", "o-exampleorg")],
)
def all_of_one_value(statement: Statement) -> Iterator[Fail]:
    """ForAllValues also holds when the request lacks the key, so an Allow with it lets such requests through.

    False alarm when requests without the key are meant to be allowed, or when AWS's reference wrongly lists the key as
    single-valued.
    """
    for condition, key in _typed(statement):
        if (
            condition.qualifier == "ForAllValues"
            and not key.multivalued
            and "." not in key.name
            and key.name.lower() not in _OF_SEVERAL_VALUES
        ):
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.key.value)} is single-valued: `ForAllValues` also holds for requests without it",
                # AWS does not say whether this includes Deny, where ForAllValues denies more, not less.
                low_confidence=not statement.allows,
            )


_FITTING: dict[str, frozenset[Family]] = {
    "String": frozenset({Family.STRING}),
    "ARN": frozenset({Family.ARN, Family.STRING}),
    "Bool": frozenset({Family.BOOL}),
    "Numeric": frozenset({Family.NUMERIC}),
    "Date": frozenset({Family.DATE, Family.NUMERIC}),
    "IPAddress": frozenset({Family.IP}),
}


@check(
    "TYPE_MISMATCH",
    on=Statement,
    when=(at_condition(_is_of_other_type),),
    severity=Severity.WARNING,
    title="The operator does not fit the type of the key",
    fix="Use an operator for the type of the key.",
    bad=[
        allow_if("StringEquals", "aws:MultiFactorAuthPresent", "true"),
        allow_if("ArnLike", "aws:SourceAccount", "111122223333"),
    ],
    good=[
        allow_if("Bool", "aws:MultiFactorAuthPresent", "true"),
        allow_if("StringLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/app"),
        allow_if("StringEquals", "aws:EC2InstanceSourcePrivateIPv4", "${aws:VpcSourceIp}"),
    ],
)
def operator_of_other_type(statement: Statement) -> Iterator[Fail]:
    """The comparison may never hold, or may depend on how the value happens to be written.

    False alarm when AWS's reference lists the wrong type for the key.
    """
    for condition, key in _typed(statement):
        family = OPERATORS[condition.base]
        # Tags and encryption contexts hold any value that their owner sets, including ARNs and numbers.
        if family is Family.NULL or "${" in key.name or family in _fitting(key):
            continue
        # Only string operators support variables, so keys of any type are compared with each other in this way.
        if family is Family.STRING and all("${" in value.value for value in condition.values):
            continue
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.key.value)} is of type {key.value_type},"
            f" `{condition.base}` compares values of type {family}",
        )


def _fitting(key: ConditionKey) -> frozenset[Family]:
    """The operator families that compare values of the key's types; all families if the type is unknown."""
    types = (key.value_type, *(other_type.removeprefix("ArrayOf") for other_type in key.also))
    return frozenset(family for value_type in types for family in _FITTING.get(value_type, Family))


@check(
    "INVALID_CONDITION_MULTIPLE_BOOLEAN",
    on=Statement,
    when=(at_condition(_is_boolean),),
    severity=Severity.ERROR,
    title="A Boolean key has several values",
    fix="Keep either `true` or `false`.",
    bad=[allow_if("Bool", "aws:SecureTransport", ["true", "false"])],
    good=[allow_if("Bool", "aws:SecureTransport", "true")],
)
def several_booleans(statement: Statement) -> Iterator[Fail]:
    """Both values together test nothing, and AWS does not accept them."""
    for condition, key in _typed(statement):
        if key.type == "Bool" and len(condition.values) > 1:
            yield Fail(
                condition.node.where,
                f"{quoted(condition.key.value)} is either true or false, but has {len(condition.values)} values here",
            )


@check(
    "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
    on=Statement,
    when=(at_condition(_is_like),),
    severity=Severity.SECURITY_WARNING,
    title="An ARN with a wildcard is compared as a string",
    fix="Use ArnLike or ArnNotLike, where a wildcard stays within its field of the ARN.",
    bad=[allow_if("StringLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app")],
    good=[
        allow_if("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app"),
        # An ARN operator compares six fields, so that this would match nothing under it.
        allow_if("StringLike", "ec2:SourceInstanceARN", "*/i-1234567890abcdef0"),
    ],
)
def arn_compared_as_string(statement: Statement) -> Iterator[Fail]:
    """Under StringLike a `*` also matches the colons of an ARN, so the value may match more ARNs than intended.

    False alarm when the wildcard is meant to match across the fields of the ARN.
    """
    for condition, key in _typed(statement):
        if key.value_type != "ARN" or condition.base not in {"StringLike", "StringNotLike"}:
            continue
        for value in condition.values:
            if _has_wildcard(value) and _has_fields(value):
                arn_operator = condition.base.replace("String", "Arn")
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} is an ARN pattern under `{condition.base}`; write `{arn_operator}`",
                    # A statement that denies more, or allows less, than intended opens nothing.
                    low_confidence=condition.negated is statement.allows,
                )
                break


def _has_fields(value: Text) -> bool:
    """Whether the pattern may have all fields of an ARN; only part of one is matched under StringLike alone."""
    text = value.value
    return text.startswith("arn:") or without_variables(text).count(":") >= _COLONS


def _has_wildcard(value: Text) -> bool:
    text = without_variables(value.value)
    return "*" in text or "?" in text


_EXACT = frozenset(
    {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}
)


@check(
    "WILDCARD_WITHOUT_LIKE_OPERATOR",
    on=Statement,
    when=_WILDCARD,
    severity=Severity.WARNING,
    title="A value has a wildcard, but the operator compares it literally",
    fix="Use StringLike or StringNotLike, or write `${*}` for the character itself.",
    bad=[allow_if("StringEquals", "aws:PrincipalTag/team", "blue-*")],
    good=[allow_if("StringLike", "aws:PrincipalTag/team", "blue-*")],
)
def wildcard_compared_exactly(statement: Statement) -> Iterator[Fail]:
    """Operators such as StringEquals read `*` and `?` as ordinary characters, so the value rarely matches what was intended.

    False alarm when the character itself is intended.
    """
    for condition in statement.conditions:
        if condition.base in _EXACT:
            for value in condition.values:
                if _has_wildcard(value):
                    yield Fail(
                        value.where,
                        f"{quoted(value.value)} is compared literally: `{condition.base}` does not support wildcards",
                    )


def _only_star(condition: Condition) -> bool:
    return len(condition.values) == 1 and condition.values[0].value == "*"


@check(
    "EQUIVALENT_TO_NULL_FALSE",
    on=Statement,
    when=_STAR,
    severity=Severity.SUGGESTION,
    title="The condition only tests whether the key is present",
    fix='Write "Null": {KEY: "false"}, which states this directly.',
    bad=[allow_if("StringLike", "aws:PrincipalTag/team", "*")],
    good=[allow_if("Null", "aws:PrincipalTag/team", "false")],
)
def any_value_matches(statement: Statement) -> Iterator[Fail]:
    """A lone `*` matches every value, so the condition holds for every request that has the key.

    False alarm when that is intended: the condition works as written.
    """
    for condition in statement.conditions:
        if condition.base not in {"StringLike", "ArnLike"} or condition.if_exists:
            continue
        if _only_star(condition) and condition.qualifier in {"", "ForAnyValue"}:
            yield Fail(
                condition.values[0].where,
                f'`{condition.operator.value}` with `*` means the same as "Null": "false" on {quoted(condition.key.value)}',
                low_confidence=bool(condition.qualifier),
            )


@check(
    "EQUIVALENT_TO_NULL_TRUE",
    on=Statement,
    when=_STAR,
    severity=Severity.SUGGESTION,
    title="The condition only tests whether the key is absent",
    fix='Write "Null": {KEY: "true"}, which states this directly.',
    bad=[allow_if("StringNotLike", "aws:PrincipalTag/team", "*")],
    good=[allow_if("Null", "aws:PrincipalTag/team", "true")],
)
def no_value_matches(statement: Statement) -> Iterator[Fail]:
    """A lone `*` matches every value, so its negation holds only for requests without the key.

    False alarm when that is intended: the condition works as written.
    """
    for condition in statement.conditions:
        if condition.base not in {"StringNotLike", "ArnNotLike"} or not _only_star(condition):
            continue
        # With ForAnyValue it never holds, unless IfExists lets requests without the key through.
        if condition.qualifier != "ForAnyValue" or condition.if_exists:
            yield Fail(
                condition.values[0].where,
                f'`{condition.operator.value}` with `*` means the same as "Null": "true" on {quoted(condition.key.value)}',
                low_confidence=condition.if_exists or bool(condition.qualifier),
            )


def _sensitive(statement: Statement) -> Iterator[tuple[Condition, Text]]:
    """The values of keys that identify an account, an organization or a network."""
    for condition, key in _typed(statement):
        if key.sensitive and OPERATORS[condition.base] is Family.STRING:
            for value in condition.values:
                yield condition, value


@check(
    "WILDCARD_USAGE_TOO_PERMISSIVE",
    on=Statement,
    when=_WILDCARD,
    severity=Severity.ERROR,
    title="An account, organization or network is identified by a pattern",
    fix="Write the ids in full.",
    bad=[
        allow_if("StringLike", "aws:SourceAccount", "11112222*"),
        allow_if("StringLike", "aws:userid", "AROA*"),
    ],
    good=[
        allow_if("StringLike", "aws:SourceAccount", "111122223333"),
        allow_if("StringLike", "aws:userid", ["AROACKCEVSQ6C2EXAMPLE:*", "*:deploy"]),
    ],
)
def id_as_pattern(statement: Statement) -> Iterator[Fail]:
    """AWS assigns ids in no particular order, so unrelated accounts can have ids that match the pattern.

    False alarm when another condition limits the callers.
    """
    for condition, value in _sensitive(statement):
        if condition.base in {"StringLike", "StringNotLike"} and _has_wildcard(value):
            yield Fail(
                value.where,
                f"{quoted(value.value)} is a pattern that can match several values of {quoted(condition.key.value)}",
            )
    for condition in statement.conditions_on("aws:userid"):
        for value in condition.values if "Like" in condition.base else ():
            if _is_loose(without_variables(value.value), "*"):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} has a wildcard in the id: a wildcard is safe only after the colon,"
                    " or alone before it",
                )


def _is_loose(text: str, any_id: str) -> bool:
    """Whether a value of aws:userid, `ID:SESSION`, leaves part of the id open; an id that is only `any_id` is accepted."""
    unique_id, colon, _ = text.partition(":")
    is_open = "*" in text or "?" in text
    return is_open and (
        not colon or (unique_id != any_id and ("*" in unique_id or "?" in unique_id))
    )


@check(
    "VARIABLE_USAGE_TOO_PERMISSIVE",
    on=Statement,
    when=(VARIABLE_IN_VALUE,),
    severity=Severity.ERROR,
    title="An account, organization or network is identified by a variable",
    fix="Write the ids in full.",
    bad=[
        allow_if("StringEquals", "aws:SourceAccount", "${aws:PrincipalTag/account}"),
        allow_if("StringEquals", "aws:userid", "${aws:PrincipalTag/id}"),
    ],
    good=[
        allow_if(
            "StringEquals", "aws:userid", "AROACKCEVSQ6C2EXAMPLE:${aws:PrincipalTag/session}"
        ),
        allow_if("StringEquals", "aws:SourceAccount", "111122223333"),
        allow_if("StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}"),
    ],
)
def id_as_variable(statement: Statement) -> Iterator[Fail]:
    """Anyone who can set the tag decides which account, organization or network matches.

    False alarm when only trusted principals can set the tag.
    """
    for condition, value in _sensitive(statement):
        for variable in variables(value.value):
            # AWS's own examples compare such a key with another key that AWS sets; only tags are set by people.
            if "tag/" in variable.name.lower():
                yield Fail(
                    value.where,
                    f"{quoted(variable.text)} decides which {quoted(condition.key.value)} matches",
                )
    for condition in statement.conditions_on("aws:userid"):
        for value in condition.values:
            if variables(value.value) and _is_loose(without_variables(value.value, "?"), "?"):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} has a variable in the id: a variable is safe only after the colon,"
                    " or alone before it",
                )
