"""ForAllValues and ForAnyValue on single-valued keys, and on requests without the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.condition_sets import ConditionTest, condition_tests
from aws_iam.engine.language.document import Condition, Statement
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import Example, allow
from aws_iam.rules.gates import at_condition
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SETS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"


def _tagging_if(
    condition: Mapping[str, object], effect: str = "Allow", action: str = "ec2:CreateTags"
) -> Example:
    return allow(action, "*", condition) | {"Effect": effect}


def _is_for_any(condition: Condition) -> bool:
    return condition.qualifier == "ForAnyValue"


@check(
    "FORANYVALUE_WITH_SINGLE_VALUED_KEY",
    on=Statement,
    when=(at_condition(_is_for_any),),
    severity=Severity.SUGGESTION,
    title="ForAnyValue is used with a single-valued key",
    fix="Remove `ForAnyValue:`.",
    source=_SETS,
    bad=[
        _tagging_if({"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}),
        _tagging_if({"ForAnyValue:StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}, "Deny"),
    ],
    good=[
        _tagging_if({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}),
        _tagging_if({"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
    ],
)
def any_of_one_value(statement: Statement) -> Iterator[Fail]:
    """On one value it does the same as the plain operator, except that a negated condition fails when the key is absent.

    False alarm when AWS's reference wrongly lists the key as single-valued.
    """
    for condition in statement.conditions:
        key = catalog().condition_key(condition.key.value)
        if condition.qualifier != "ForAnyValue" or condition.base not in OPERATORS:
            continue
        # Claims of a token may be lists, whatever type the reference gives them.
        if (
            condition.base == "Null"
            or not (key and key.type)
            or key.multivalued
            or "." in key.name
        ):
            continue
        denies_less = condition.negated and not condition.if_exists and statement.denies
        effect = (
            f"the Deny misses requests without it, which `{condition.base}` alone denies"
            if denies_less
            else "the qualifier changes nothing"
            if not condition.negated
            else "the condition fails without it"
        )
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.key.value)} is single-valued: {effect}",
            severity=Severity.WARNING if denies_less else None,
        )


# Keys with these presence rules are missing from requests of outsiders: the Allow admits those whom it should keep out.
_OUTSIDERS = (
    "principal_in_org",
    "resource_in_org",
    "service_principal",
    "service_principal_source_org",
)
_TAGS = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
_OWN_ROWS = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:userid}"]}}
_PATHS = {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorg/*"}}


def _is_for_all(condition: Condition) -> bool:
    known = condition.base in OPERATORS and condition.base != "Null"
    return known and condition.qualifier == "ForAllValues"


@check(
    "FORALLVALUES_ADMITS_MISSING_KEY",
    on=Statement,
    when=(at_condition(_is_for_all),),
    severity=Severity.WARNING,
    title="The Allow with ForAllValues also lets through requests without the key",
    fix='Add "Null": {KEY: "false"} to the statement.',
    source=_SETS,
    bad=[
        _tagging_if(_TAGS, action="ec2:RunInstances"),
        _tagging_if(_PATHS),
        _tagging_if(_OWN_ROWS, action="dynamodb:*"),
    ],
    good=[
        _tagging_if({**_TAGS, "Null": {"aws:TagKeys": "false"}}, action="ec2:RunInstances"),
        _tagging_if(
            {**_TAGS, "StringEquals": {"aws:RequestTag/team": "blue"}}, action="ec2:RunInstances"
        ),
        _tagging_if(_TAGS),
        _tagging_if(_TAGS, "Deny", action="ec2:RunInstances"),
        _tagging_if(_OWN_ROWS, action="dynamodb:Query"),
    ],
)
def all_of_no_value(statement: Statement) -> Iterator[Fail]:
    """ForAllValues holds when there is no value to compare, so the Allow also covers requests without the key.

    False alarm when requests without the key are meant to be allowed, for example because tags are optional.
    """
    if not (statement.allows and any(map(_is_for_all, statement.conditions))):
        return
    tests = condition_tests(statement)
    patterns = _patterns_by_service(statement)
    for name, of_key in tests.items():
        condition = next((test.condition for test in of_key if _is_for_all(test.condition)), None)
        key = catalog().condition_key(name) if condition else None
        if condition is None or key is None or not key.multivalued or _is_required(name, tests):
            continue
        if not key.presence_rule:
            service = name.partition(":")[0]
            yield from _unlimited(condition, service, patterns.get(service, ()))
        elif name == "aws:tagkeys":
            yield from _untagged(statement, condition)
        else:
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.key.value)} is present only {key.presence}:"
                f" `{condition.operator.value}` also holds without it",
                severity=Severity.SECURITY_WARNING if key.presence_rule in _OUTSIDERS else None,
            )


def _untagged(statement: Statement, condition: Condition) -> Iterator[Fail]:
    action = _may_pass_no_tags(statement)
    if action:
        yield Fail(
            condition.operator.where,
            f"`{condition.operator.value}` also holds for a request for {quoted(action)} that passes no tags",
            # Most policies only mean to limit the tags of requests that pass some.
            severity=Severity.SUGGESTION,
        )


def _patterns_by_service(statement: Statement) -> Mapping[str, Sequence[str]]:
    """The actions with a wildcard, by service in lower case."""
    patterns: dict[str, list[str]] = {}
    for entry in statement.action_words:
        if not is_literal(entry):
            patterns.setdefault(entry.partition(":")[0].lower(), []).append(entry)
    return patterns


def _unlimited(condition: Condition, service: str, patterns: Sequence[str]) -> Iterator[Fail]:
    """Actions that a wildcard matches and that never have the service's key; AWS has a code for those that are written out."""
    with_key = actions_with_key(service, condition.name)
    for pattern in patterns if with_key else ():
        without_key = [name for name in catalog().expand(pattern) if name.lower() not in with_key]
        if without_key:
            yield Fail(
                condition.operator.where,
                f"{len(without_key)} actions of {quoted(pattern)}, such as `{without_key[-1]}`, never have"
                f" {quoted(condition.key.value)}: `{condition.operator.value}` does not limit them",
                low_confidence=True,
            )
            return


def _may_pass_no_tags(statement: Statement) -> str:
    """An action that can pass tags but need not; actions of the access level Tagging exist to pass them."""
    for entry in statement.action_words:
        with_key = actions_with_key(entry.partition(":")[0].lower(), "aws:TagKeys")
        for name in catalog().expand(entry) if with_key else ():
            action = catalog().action(name) if name.lower() in with_key else None
            if action and action.level != "Tagging":
                return name
    return ""


def _is_required(key: str, tests: Mapping[str, Sequence[ConditionTest]]) -> bool:
    """Whether another condition fails unless the request has the key."""
    tags = (name for name in tests if name.startswith("aws:requesttag/"))
    names = (key, *tags) if key == "aws:tagkeys" else (key,)
    return any(not test.holds_absent for name in names for test in tests[name])
