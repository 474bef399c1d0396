"""Policy variables: where they work, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Policy, Statement, Text
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.variables import Variable, variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys, legacy_keys
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, Example, allow
from aws_iam.rules.gates import (
    MALFORMED,
    PRINCIPALS,
    VARIABLE,
    VARIABLE_IN_VALUE,
    at_action,
    at_condition,
    at_sid,
)
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator


def _home(prefix: str) -> Example:
    return allow("s3:GetObject", f"{BUCKET}/{prefix}/*")


_GOOD = _home("${aws:username}")


def _homes(statement: Statement) -> Iterator[Text]:
    """The texts in which variables are read."""
    yield from statement.resources
    yield from statement.not_resources
    for condition in statement.conditions:
        yield from condition.values


@memo_on_subject
def _written(statement: Statement) -> tuple[tuple[Text, Variable], ...]:
    return tuple(
        (text, variable) for text in _homes(statement) for variable in variables(text.value)
    )


def _has_variable(entry: str) -> bool:
    return "${" in entry


def _has_variable_in_key(condition: Condition) -> bool:
    return "${" in condition.key.value


_ELSEWHERE = (
    at_action(_has_variable),
    at_condition(_has_variable_in_key),
    at_sid(_has_variable),
    PRINCIPALS,
)


@check(
    "VARIABLE_UNSUPPORTED_IN_VERSION",
    on=Policy,
    when=MALFORMED,
    severity=Severity.ERROR,
    title="The policy's version has no variables",
    fix='Write "Version": "2012-10-17".',
    bad=[{"Version": "2008-10-17", "Statement": [_GOOD]}, {"Statement": [_GOOD]}],
    good=[{"Version": "2012-10-17", "Statement": [_GOOD]}],
)
def variable_in_old_version(policy: Policy) -> Iterator[Fail]:
    """In a policy of 2008-10-17 or without Version, `${aws:username}` is plain text that matches nobody."""
    if policy.node.member("Version") and (
        policy.version is None or policy.version.value != "2008-10-17"
    ):
        return
    for statement in policy.statements:
        for text, variable in _written(statement):
            if variable.name:
                yield Fail(text.where, f"{quoted(variable.text)} is plain text in this version")


@check(
    "VARIABLE_UNSUPPORTED_IN_ELEMENT",
    on=Statement,
    when=_ELSEWHERE,
    severity=Severity.ERROR,
    title="An element that has no variables has one",
    fix="Variables work in Resource, NotResource and condition values only.",
    bad=[{**_GOOD, "Action": "s3:${aws:username}"}],
    good=[_GOOD],
)
def variable_in_other_element(statement: Statement) -> Iterator[Fail]:
    """AWS replaces variables in resources and condition values; elsewhere they stay plain text."""
    texts = [*statement.actions, *statement.not_actions]
    texts += [element for element in (statement.sid, statement.effect) if element]
    texts += [principal.name for principal in (*statement.principals, *statement.not_principals)]
    texts += [condition.key for condition in statement.conditions]
    for text in texts:
        for variable in variables(text.value):
            yield Fail(text.where, f"{quoted(variable.text)} is not replaced here")


_WITHOUT_VARIABLES = frozenset(
    {Family.NUMERIC, Family.DATE, Family.BOOL, Family.BINARY, Family.IP, Family.NULL}
)


@check(
    "INVALID_VARIABLE_FOR_OPERATOR",
    on=Statement,
    when=(VARIABLE_IN_VALUE,),
    severity=Severity.ERROR,
    title="The operator does not accept variables",
    fix="Use variables with String and ARN operators only.",
    bad=[{**_GOOD, "Condition": {"NumericLessThan": {"s3:max-keys": "${aws:PrincipalTag/keys}"}}}],
    good=[
        {
            **_GOOD,
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        }
    ],
)
def variable_under_other_operator(statement: Statement) -> Iterator[Fail]:
    """Only operators that compare text replace variables."""
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) in _WITHOUT_VARIABLES:
            for value in condition.values:
                for variable in variables(value.value):
                    yield Fail(
                        value.where,
                        f"{quoted(variable.text)} is not replaced under `{condition.base}`",
                    )


@check(
    "MISSING_BRACE_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable has no closing brace",
    fix="Close the variable with `}`.",
    bad=[_home("${aws:username")],
    good=[_GOOD],
)
def unclosed_variable(statement: Statement) -> Iterator[Fail]:
    """AWS cannot tell where the variable ends, and refuses the policy."""
    for text, variable in _written(statement):
        if not variable.closed:
            yield Fail(text.where, f"{quoted(variable.text)} has no closing brace")


@check(
    "EMPTY_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable has no name",
    fix="Name a condition key in the braces, such as `${aws:username}`.",
    bad=[_home("${}")],
    good=[_GOOD, _home("${*}")],
)
def nameless_variable(statement: Statement) -> Iterator[Fail]:
    """AWS cannot tell what to put in, and refuses the policy."""
    for text, variable in _written(statement):
        if variable.closed and not variable.name:
            yield Fail(text.where, f"{quoted(variable.text)} names nothing")


@check(
    "UNSUPPORTED_SPACE_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable's name has a space",
    fix="Remove the space; a default follows a comma in single quotes: `${aws:username, 'none'}`.",
    bad=[_home("${aws: username}")],
    good=[_home("${aws:PrincipalTag/team, 'no team'}")],
)
def space_in_variable(statement: Statement) -> Iterator[Fail]:
    """No condition key has a space in its name, so the variable is never replaced."""
    for text, variable in _written(statement):
        inside = variable.text[2:].rstrip("}").partition(",")[0]
        if variable.closed and variable.name and " " in inside:
            yield Fail(text.where, f"{quoted(variable.text)} has a space in its name")


@check(
    "MISSING_QUOTE_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable's default is not in single quotes",
    fix="Put the default in single quotes: `${aws:PrincipalTag/team, 'none'}`.",
    bad=[_home("${aws:PrincipalTag/team, none}")],
    good=[_home("${aws:PrincipalTag/team, 'none'}")],
)
def unquoted_default(statement: Statement) -> Iterator[Fail]:
    """AWS reads a default only between single quotes, and refuses the policy without them."""
    for text, variable in _written(statement):
        default = variable.default
        if default is None or not variable.closed:
            continue
        if len(default) < len("''") or not (default.startswith("'") and default.endswith("'")):
            yield Fail(text.where, f"the default of {quoted(variable.text)} has no single quotes")


@check(
    "UNKNOWN_KEY_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.WARNING,
    title="A variable names a global condition key that does not exist",
    fix="Write a key of AWS's list, such as `${aws:username}` or `${aws:PrincipalTag/team}`.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
    bad=[_home("${aws:user}"), _home("${aws:PrincipalTag}")],
    good=[_GOOD, _home("${aws:PrincipalTag/team}")],
)
def variable_of_no_key(statement: Statement) -> Iterator[Fail]:
    """A variable without a value in the request matches nothing: the Allow or Deny has no effect there."""
    unknown = 0
    for text, variable in _written(statement):
        if not variable.closed or not _is_unknown(variable.name):
            continue
        # Looking for near misses takes time: the first ones get a suggestion.
        unknown += 1
        names = (key.name for key in global_keys().values())
        near = closest(variable.name, names) if unknown <= _SUGGESTED else None
        hint = f"; did you mean `${{{near}}}`?" if near else ""
        yield Fail(
            text.where,
            f"{quoted(variable.text)}: there is no global condition key of this name{hint}",
        )


_SUGGESTED = 20


def _is_unknown(name: str) -> bool:
    # Other prefixes are also of variables that one service alone replaces, such as `transfer:HomeFolder`.
    named = name.lower()
    if not named.startswith("aws:") or " " in named or named in legacy_keys():
        return False
    return catalog().condition_key(name) is None or named.removesuffix("/") in _TAGS


_TAGS = frozenset({"aws:principaltag", "aws:requesttag", "aws:resourcetag"})
