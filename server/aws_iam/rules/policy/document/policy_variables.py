"""Policy variables: where they work, and their syntax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Policy, Statement, Text
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.placeholders import placeholders
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


def _texts_with_variables(statement: Statement) -> Iterator[Text]:
    """The strings in which AWS replaces variables."""
    yield from statement.resources
    yield from statement.not_resources
    for condition in statement.conditions:
        yield from condition.values


@memo_on_subject
def _variables(statement: Statement) -> tuple[tuple[Text, Variable], ...]:
    return tuple(
        (text, variable)
        for text in _texts_with_variables(statement)
        for variable in variables(text.value)
    )


def _has_variable(entry: str) -> bool:
    return "${" in entry


def _has_variable_in_key(condition: Condition) -> bool:
    return "${" in condition.key.value


_IN_OTHER_ELEMENTS = (
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
    title="The policy's version does not support variables",
    fix='Write "Version": "2012-10-17".',
    bad=[{"Version": "2008-10-17", "Statement": [_GOOD]}, {"Statement": [_GOOD]}],
    good=[{"Version": "2012-10-17", "Statement": [_GOOD]}],
)
def variable_in_old_version(policy: Policy) -> Iterator[Fail]:
    """In version 2008-10-17, or without Version, `${aws:username}` is plain text and is not replaced.

    False alarm when the text is meant literally, or when a tool replaces it before the policy is deployed.
    """
    if policy.node.member("Version") and (
        policy.version is None or policy.version.value != "2008-10-17"
    ):
        return
    for statement in policy.statements:
        for text, variable in _variables(statement):
            if variable.name and not placeholders(variable.text):
                yield Fail(
                    text.where,
                    f"{quoted(variable.text)} is plain text in this version of the policy language",
                )


@check(
    "VARIABLE_UNSUPPORTED_IN_ELEMENT",
    on=Statement,
    when=_IN_OTHER_ELEMENTS,
    severity=Severity.ERROR,
    title="A variable is in an element that does not support variables",
    fix="Remove the variable, or move it to Resource, NotResource or a condition value.",
    bad=[{**_GOOD, "Action": "s3:${aws:username}"}],
    good=[_GOOD],
)
def variable_in_other_element(statement: Statement) -> Iterator[Fail]:
    """AWS replaces variables only in resources and condition values; elsewhere they are plain text.

    False alarm when a tool replaces the text before the policy is deployed.
    """
    texts = [*statement.actions, *statement.not_actions]
    texts += [element for element in (statement.sid, statement.effect) if element]
    texts += [principal.name for principal in (*statement.principals, *statement.not_principals)]
    texts += [condition.key for condition in statement.conditions]
    for text in texts:
        for variable in variables(text.value):
            # What nobody filled in yet has a code of its own.
            if not placeholders(variable.text):
                yield Fail(
                    text.where,
                    f"{quoted(variable.text)} is plain text here: AWS does not replace it",
                )


_WITHOUT_VARIABLES = frozenset(
    {Family.NUMERIC, Family.DATE, Family.BOOL, Family.BINARY, Family.IP, Family.NULL}
)


@check(
    "INVALID_VARIABLE_FOR_OPERATOR",
    on=Statement,
    when=(VARIABLE_IN_VALUE,),
    severity=Severity.ERROR,
    title="The operator does not accept variables",
    fix="Write the value itself, or use a String or ARN operator.",
    bad=[{**_GOOD, "Condition": {"NumericLessThan": {"s3:max-keys": "${aws:PrincipalTag/keys}"}}}],
    good=[
        {
            **_GOOD,
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
        }
    ],
)
def variable_under_other_operator(statement: Statement) -> Iterator[Fail]:
    """AWS replaces variables only under operators that compare strings or ARNs.

    False alarm when a tool replaces the text before the policy is deployed.
    """
    for condition in statement.conditions:
        if OPERATORS.get(condition.base) in _WITHOUT_VARIABLES:
            for value in condition.values:
                for variable in variables(value.value):
                    yield Fail(
                        value.where,
                        f"{quoted(variable.text)} is plain text under `{condition.base}`: AWS does not replace it",
                    )


@check(
    "MISSING_BRACE_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable has no closing brace",
    fix="Add the closing `}`.",
    bad=[_home("${aws:username")],
    good=[_GOOD],
)
def unclosed_variable(statement: Statement) -> Iterator[Fail]:
    """Without the brace, AWS cannot tell where the variable ends.

    No false alarms: AWS rejects the policy.
    """
    for text, variable in _variables(statement):
        if not variable.closed:
            yield Fail(text.where, f"{quoted(variable.text)} has no closing brace")


@check(
    "EMPTY_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable has no name",
    fix="Write a condition key between the braces, such as `${aws:username}`.",
    bad=[_home("${}")],
    good=[_GOOD, _home("${*}")],
)
def nameless_variable(statement: Statement) -> Iterator[Fail]:
    """Without a name, AWS cannot tell which value to insert.

    No false alarms: AWS rejects the policy.
    """
    for text, variable in _variables(statement):
        if variable.closed and not variable.name:
            yield Fail(text.where, f"{quoted(variable.text)} names no condition key")


@check(
    "UNSUPPORTED_SPACE_IN_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.ERROR,
    title="A variable has a space in its name",
    fix="Remove the space; write a default after a comma and in single quotes: `${aws:username, 'none'}`.",
    bad=[_home("${aws: username}")],
    good=[_home("${aws:PrincipalTag/team, 'no team'}")],
)
def space_in_variable(statement: Statement) -> Iterator[Fail]:
    """No condition key has a space in its name, so the variable never has a value.

    False alarm when a tool replaces the text before the policy is deployed.
    """
    for text, variable in _variables(statement):
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
    """A default value must be in single quotes.

    No false alarms: AWS rejects the policy.
    """
    for text, variable in _variables(statement):
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
    fix="Use a key from AWS's list, such as `${aws:username}` or `${aws:PrincipalTag/team}`.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html",
    bad=[_home("${aws:user}"), _home("${aws:PrincipalTag}")],
    good=[_GOOD, _home("${aws:PrincipalTag/team}")],
)
def variable_of_no_key(statement: Statement) -> Iterator[Fail]:
    """A variable without a value matches nothing, so the Allow or Deny has no effect there.

    False alarm when AWS added the key after the date of the data.
    """
    unknown = 0
    for text, variable in _variables(statement):
        if not variable.closed or not _is_unknown_global_key(variable.name):
            continue
        if placeholders(variable.text):
            continue
        # Finding a similar name takes time, so only the first unknown names get a suggestion.
        unknown += 1
        names = (key.name for key in global_keys().values())
        near = closest(variable.name, names) if unknown <= _MOST_SUGGESTIONS else None
        hint = f"; did you mean `${{{near}}}`?" if near else ""
        yield Fail(
            text.where,
            f"{quoted(variable.text)} names a global condition key that does not exist{hint}",
        )


_MOST_SUGGESTIONS = 20


def _is_unknown_global_key(name: str) -> bool:
    # With other prefixes, some variables exist in one service only, such as `transfer:HomeFolder`.
    key = name.lower()
    if not key.startswith("aws:") or " " in key or key in legacy_keys():
        return False
    return catalog().condition_key(name) is None or key.removesuffix("/") in _TAG_PREFIXES


_TAG_PREFIXES = frozenset({"aws:principaltag", "aws:requesttag", "aws:resourcetag"})
