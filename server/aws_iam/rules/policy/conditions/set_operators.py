"""ForAllValues and ForAnyValue: what they say of a key with one value, and of a request without the key."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.condition_sets import ConditionTest, condition_tests_by_key
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
    title="ForAnyValue is used with a key that has one value",
    fix="Remove ForAnyValue:.",
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
    """With one value it says what the plain operator says, but that a negated one fails when the key is absent."""
    for condition in statement.conditions:
        key = catalog().condition_key(condition.key.value)
        if condition.qualifier != "ForAnyValue" or condition.base not in OPERATORS:
            continue
        # Claims of a token may be lists, whatever the reference says of their type.
        if (
            condition.base == "Null"
            or not (key and key.type)
            or key.multivalued
            or "." in key.name
        ):
            continue
        misses = condition.negated and not condition.if_exists and statement.denies
        said = (
            f"the Deny misses requests without it, which `{condition.base}` reaches"
            if misses
            else "the qualifier changes nothing"
            if not condition.negated
            else "without it the condition fails"
        )
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.key.value)} has one value: {said}",
            severity=Severity.WARNING if misses else None,
        )


# By the rule of presence: whoever the Allow means to admit may come without the key, and so does anybody else.
_OUTSIDERS = (
    "principal_in_org",
    "resource_in_org",
    "service_principal",
    "service_principal_source_org",
)
_MOST_ACTIONS, _MOST_KEYS = 200, 30
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
    title="The Allow with ForAllValues also lets requests without the key through",
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
    """Of no values each satisfies everything, so the condition holds for a request that has none."""
    if not (statement.allows and any(map(_is_for_all, statement.conditions))):
        return
    tests = condition_tests_by_key(statement.conditions)
    for name, asked in islice(tests.items(), _MOST_KEYS):
        condition = next((test.condition for test in asked if _is_for_all(test.condition)), None)
        key = catalog().condition_key(name)
        if condition is None or key is None or not key.multivalued or _is_asked_for(name, tests):
            continue
        if not key.presence_rule:
            yield from _unlimited(statement, condition)
        elif name == "aws:tagkeys":
            yield from _untagged(statement, condition)
        else:
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.key.value)} is in a request only {key.presence}:"
                f" `{condition.operator.value}` holds without it",
                severity=Severity.SECURITY_WARNING if key.presence_rule in _OUTSIDERS else None,
            )


def _untagged(statement: Statement, condition: Condition) -> Iterator[Fail]:
    action = _may_pass_no_tags(statement)
    if action:
        yield Fail(
            condition.operator.where,
            f"a request for {quoted(action)} that passes no tags satisfies `{condition.operator.value}`, too",
            # Limiting the tags of a request that has tags is what most mean by it.
            severity=Severity.SUGGESTION,
        )


def _unlimited(statement: Statement, condition: Condition) -> Iterator[Fail]:
    """Actions behind a wildcard that never have a service's key; those written out have a code of AWS's."""
    service = condition.name.partition(":")[0]
    having = actions_with_key(service, condition.name)
    for entry in statement.actions[:_MOST_ACTIONS] if having else ():
        if is_literal(entry.value) or entry.value.partition(":")[0].lower() != service:
            continue
        free = [name for name in catalog().expand(entry.value) if name.lower() not in having]
        if free:
            yield Fail(
                condition.operator.where,
                f"{len(free)} actions of {quoted(entry.value)}, such as `{free[-1]}`, never have"
                f" {quoted(condition.key.value)}: `{condition.operator.value}` does not limit them",
                low_confidence=True,
            )
            return


def _may_pass_no_tags(statement: Statement) -> str:
    """An action that can pass tags and need not, as the actions do that are there for tags."""
    for entry in statement.actions[:_MOST_ACTIONS]:
        having = actions_with_key(entry.value.partition(":")[0].lower(), "aws:TagKeys")
        for name in catalog().expand(entry.value) if having else ():
            action = catalog().action(name) if name.lower() in having else None
            if action and action.level != "Tagging":
                return name
    return ""


def _is_asked_for(key: str, tests: Mapping[str, Sequence[ConditionTest]]) -> bool:
    """Whether another condition fails unless the request has the key."""
    of_tags = key == "aws:tagkeys"
    return any(
        not test.holds_absent
        for name, asked in tests.items()
        if name == key or (of_tags and name.startswith("aws:requesttag/"))
        for test in asked
    )
