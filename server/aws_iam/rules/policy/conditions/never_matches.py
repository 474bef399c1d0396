"""Statements that no request matches, and conditions that every request meets: they look like limits but limit nothing."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.condition_sets import (
    ConditionTest,
    condition_tests,
    contradiction,
)
from aws_iam.engine.algebra.reachable import named_actions
from aws_iam.engine.algebra.text_sets import Effort
from aws_iam.engine.evaluation.conditions import CLOCKS, has_passed
from aws_iam.engine.language.document import Statement
from aws_iam.engine.language.operators import Family
from aws_iam.engine.language.variables import variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.engine.reference.key_support import (
    actions_with_key,
    actions_without_key,
    known_actions,
)
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow
from aws_iam.rules.gates import (
    KEY_TWICE,
    VARIABLE,
    VARIABLE_IN_VALUE,
    at_condition,
    at_keys,
    at_operators,
)
from aws_iam.rules.outcomes import Fail, ended_early

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aws_iam.engine.language.document import Condition, Text
    from aws_iam.rules.outcomes import Outcome

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_LOGIC = f"{_GUIDE}/reference_policies_condition-logic-multiple-context-keys-or-values.html"
_KEYS = f"{_GUIDE}/reference_policies_condition-keys.html"
_OPERATORS = f"{_GUIDE}/reference_policies_elements_condition_operators.html"
_VARIABLES = f"{_GUIDE}/reference_policies_variables.html"
_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"


def _reading_if(
    condition: dict[str, object], effect: str = "Allow", action: object = "s3:GetObject"
) -> Example:
    return allow(action, OBJECTS, condition) | {"Effect": effect}


def _consequence(statement: Statement) -> str:
    return "the Deny denies nothing" if statement.denies else "the Allow allows nothing"


def _shown(test: ConditionTest) -> str:
    values = test.condition.values
    first = quoted(values[0].value) if values else "nothing"
    return f"`{test.condition.operator.value}` {first}{' …' if values[1:] else ''}"


def _may_be_of_no_action(condition: Condition) -> bool:
    return condition.name.startswith(_TAGS_OF_REQUEST) or _is_of_some_actions(condition.name)


@check(
    "CONTRADICTORY_CONDITIONS",
    on=Statement,
    when=(KEY_TWICE,),
    severity=Severity.WARNING,
    title="Two conditions on one key never hold together",
    fix="Write alternatives as values of one condition, or as separate statements.",
    source=_LOGIC,
    bad=[
        _reading_if(
            {"StringEquals": {"aws:username": "ana"}, "StringLike": {"aws:username": "ben*"}}
        ),
        _reading_if(
            {"StringEquals": {"aws:username": "ana"}, "Null": {"aws:username": "true"}}, "Deny"
        ),
        _reading_if(
            {
                "DateGreaterThan": {"aws:CurrentTime": "2026-06-30T00:00:00Z"},
                "DateLessThan": {"aws:CurrentTime": "2026-01-31T00:00:00Z"},
            }
        ),
        _reading_if(
            {
                "IpAddress": {"aws:SourceIp": "192.0.2.0/28"},
                "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"},
            }
        ),
    ],
    good=[
        _reading_if({"StringEquals": {"aws:username": ["ana", "ben"]}}),
        _reading_if(
            {"StringLike": {"aws:username": "a*"}, "StringNotEquals": {"aws:username": "ana"}}
        ),
        _reading_if(
            {
                "DateGreaterThan": {"aws:CurrentTime": "2026-01-31T00:00:00Z"},
                "DateLessThan": {"aws:CurrentTime": "2026-06-30T00:00:00Z"},
            }
        ),
    ],
)
def never_together(statement: Statement) -> Iterator[Outcome]:
    """All conditions of a statement must hold at once, and a request has at most one value of such a key.

    False alarm when one of the values is a placeholder that is filled in before deployment.
    """
    if len({condition.name for condition in statement.conditions}) == len(statement.conditions):
        return
    effort = Effort()
    for tests in condition_tests(statement).values():
        pair = contradiction(tests, effort) if len(tests) > 1 else None
        if pair:
            first, second = pair
            yield Fail(
                second.condition.key.where,
                f"{quoted(second.condition.key.value)} never satisfies both {_shown(first)}"
                f" and {_shown(second)}: {_consequence(statement)}",
            )
    yield from ended_early(
        effort, statement, "some conditions were not compared with the others", "Condition"
    )


_PASSED = "2020-01-31T00:00:00Z"
_FAR_OFF = "2099-01-31T00:00:00Z"


@check(
    "TIME_LIMIT_HAS_PASSED",
    on=Statement,
    when=(at_keys(*CLOCKS),),
    severity=Severity.SUGGESTION,
    title="The time until which the statement applies has passed",
    fix="Remove the statement, or write a later time.",
    source=_OPERATORS,
    bad=[
        _reading_if({"DateLessThan": {"aws:CurrentTime": _PASSED}}),
        _reading_if({"DateLessThanEquals": {"aws:CurrentTime": _PASSED}}, "Deny"),
        _reading_if({"NumericLessThan": {"aws:EpochTime": "1580428800"}}),
        _reading_if({"DateLessThanIfExists": {"aws:CurrentTime": ["2019-01-31", _PASSED]}}),
    ],
    good=[
        _reading_if({"DateLessThan": {"aws:CurrentTime": _FAR_OFF}}),
        _reading_if({"DateLessThan": {"aws:CurrentTime": [_PASSED, _FAR_OFF]}}),
        _reading_if({"DateGreaterThan": {"aws:CurrentTime": _PASSED}}),
        _reading_if({"DateLessThan": {"aws:TokenIssueTime": _PASSED}}, "Deny"),
    ],
)
def past_time(statement: Statement) -> Iterator[Fail]:
    """Every request has the current time, so that a condition on one that has passed never holds again.

    False alarm when the statement is kept on purpose, to be given a new time when it is needed.
    """
    for condition in statement.conditions:
        values = [value.value for value in condition.values]
        if condition.name not in CLOCKS or not values:
            continue
        if all(has_passed(condition.base, value) for value in values):
            several = " and all other values have" if values[1:] else " has"
            yield Fail(
                condition.values[0].where,
                f"{quoted(values[0])} under {quoted(condition.operator.value)} on {quoted(condition.key.value)}{several}"
                f" passed: {_consequence(statement)} any more",
            )


_BY_ENDPOINT = ("vpc_endpoint", "vpc_endpoint_supported", "vpc_endpoint_supported_org")
# Presence rules of keys, in pairs: a request that has a key with one rule has no key with the other.
_EXCLUSIVE = frozenset(
    {
        *(frozenset({"not_vpc_endpoint", context}) for context in _BY_ENDPOINT),
        *(
            frozenset({"iam_user", context})
            for context in ("service_principal", "ec2_role_credentials", "assume_root")
        ),
    }
)
_EXCLUDING = frozenset().union(*_EXCLUSIVE)


def _is_exclusive(condition: Condition) -> bool:
    known = global_keys().get(condition.name)
    return known is not None and known.presence_rule in _EXCLUDING


@check(
    "EXCLUSIVE_CONDITION_KEYS",
    on=Statement,
    when=(at_condition(_is_exclusive),),
    severity=Severity.WARNING,
    title="No request has both condition keys",
    fix="Split the statement into two, one for each key.",
    source=_KEYS,
    bad=[
        _reading_if(
            {
                "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                "StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"},
            }
        )
    ],
    good=[
        _reading_if(
            {
                "IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"},
                "StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"},
            }
        ),
        _reading_if(
            {
                "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                "StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"},
            },
            "Deny",
        ),
    ],
)
def keys_never_together(statement: Statement) -> Iterator[Fail]:
    """A condition that needs its key fails without it, so a statement with both keys matches no request."""
    tests_by_rule = {}
    for key, tests in condition_tests(statement).items():
        known = global_keys().get(key)
        test = next((test for test in tests if _needs_key(test)), None)
        if known and test:
            tests_by_rule[known.presence_rule] = test
    for rules in combinations(tests_by_rule, 2):
        if frozenset(rules) in _EXCLUSIVE:
            first, second = (tests_by_rule[rule].condition.key for rule in rules)
            yield Fail(
                second.where,
                f"no request has both {quoted(first.value)} and {quoted(second.value)}:"
                f" {_consequence(statement)}",
            )


def _needs_key(test: ConditionTest) -> bool:
    """Whether it is certain that the test fails without its key."""
    return not test.holds_absent and (test.holds_present is not None or test.values is not None)


_EFFORT = 20_000
"""A policy that AWS accepts takes a tenth of this: one unit for each key and service."""
_TAGS_OF_REQUEST = ("aws:requesttag/", "aws:tagkeys")


@check(
    "CONDITION_KEY_NEVER_PRESENT",
    on=Statement,
    when=(at_condition(_may_be_of_no_action),),
    severity=Severity.WARNING,
    title="None of the statement's actions ever has the condition key",
    fix="Remove the condition, or move it into a statement with actions that have the key.",
    source=_REFERENCE,
    bad=[
        _reading_if({"StringLike": {"s3:prefix": "home/*"}}, action="s3:GetObject*"),
        _reading_if({"StringLike": {"s3:prefix": "home/*"}}, "Deny", action="s3:Put*"),
        _reading_if({"StringNotEquals": {"s3:prefix": "home/"}}, action="ec2:Describe*"),
        _reading_if({"StringEquals": {"aws:RequestTag/team": "blue"}}, action="kms:DescribeKey"),
    ],
    good=[
        _reading_if({"StringLike": {"s3:prefix": "home/*"}}, action="s3:List*"),
        _reading_if({"StringEquals": {"aws:RequestTag/team": "blue"}}, action="ec2:RunInstances"),
    ],
)
def key_of_no_action(statement: Statement) -> Iterator[Outcome]:
    """Without the key a positive condition never holds, and a negated one or one with IfExists always does.

    False alarm when AWS sends the key although its reference does not list it for the action.
    """
    named = {action.service for action in named_actions(statement)}
    names = dict.fromkeys(condition.name for condition in statement.conditions)
    keys = [key for key in names if _is_of_actions(key, named)]
    if not keys:
        return
    known = known_actions(statement.action_words)
    effort = Effort(_EFFORT)
    for key in keys if known else ():
        if not effort.spend(len(known)):
            break
        actions = actions_without_key(known, key)
        if not actions:
            continue
        tests = condition_tests(statement)[key]
        test = next((test for test in tests if _needs_key(test)), tests[0])
        never_holds = _needs_key(test)
        if never_holds or test.holds_absent:
            effect = _consequence(statement) if never_holds else "the condition always holds"
            yield Fail(
                test.condition.key.where,
                f"AWS's reference does not list {quoted(test.condition.key.value)} for"
                f" {_listed(actions)}: {effect}",
                # The reference is uneven in the keys that it lists, and late with new actions.
                low_confidence=True,
            )
    yield from ended_early(
        effort, statement, "some condition keys were not looked up", "Condition"
    )


# Later requests of a session keep keys of sts; for AWS Marketplace the reference lists keys without all of their actions.
_UNEVEN = frozenset({"sts", "aws-marketplace"})


def _is_of_actions(key: str, named: AbstractSet[str]) -> bool:
    """Whether a key depends on the action, some action is known to have it, and none of AWS's codes reports the same.

    `named` are the services of the actions that the statement writes out.
    """
    if key.startswith(_TAGS_OF_REQUEST):
        return True
    return key.partition(":")[0] not in named and _is_of_some_actions(key)


def _is_of_some_actions(key: str) -> bool:
    prefix = key.partition(":")[0]
    if key in global_keys() or prefix == "aws" or catalog().service(prefix) is None:
        return False
    # Other services see the tags of a resource, too.
    return (
        prefix not in _UNEVEN and "resourcetag/" not in key and bool(actions_with_key(prefix, key))
    )


def _listed(actions: tuple[str, ...]) -> str:
    action = catalog().action(actions[0])
    name = quoted(action.full_name if action else actions[0])
    return f"{name} and {len(actions) - 1} more actions" if actions[1:] else name


@check(
    "NULL_WITH_BOTH_VALUES",
    on=Statement,
    when=(at_operators(Family.NULL),),
    severity=Severity.WARNING,
    title="Null accepts both the presence and the absence of the key",
    fix="Keep `true` (the key must be absent) or `false` (it must be present).",
    source=_OPERATORS,
    bad=[_reading_if({"Null": {"aws:PrincipalTag/team": ["true", "false"]}})],
    good=[_reading_if({"Null": {"aws:PrincipalTag/team": "false"}})],
)
def null_of_both(statement: Statement) -> Iterator[Fail]:
    """A condition holds if one of its values matches, and either true or false always does.

    No false alarms: the condition holds for every request.
    """
    for tests in condition_tests(statement).values():
        for test in tests:
            if test.holds_present and test.holds_absent:
                yield Fail(
                    test.condition.node.where,
                    f"`Null` with both values on {quoted(test.condition.key.value)} always holds",
                )


_HOME = "arn:aws:s3:::amzn-s3-demo-bucket/${aws:PrincipalTag/team}/*"


@check(
    "DENY_MISSES_WHO_LACKS_VARIABLE",
    on=Statement,
    when=VARIABLE,
    severity=Severity.WARNING,
    title="The Deny does not apply to callers for whom a variable has no value",
    fix="Give the variable a default, `${aws:PrincipalTag/team, 'none'}`, or also deny callers without the key.",
    source=_VARIABLES,
    bad=[
        {"Effect": "Deny", "Action": "s3:*", "Resource": _HOME},
        _reading_if(
            {"StringEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/team}"}}, "Deny"
        ),
    ],
    good=[
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": _HOME},
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::b/${aws:PrincipalAccount}/*",
        },
        _reading_if(
            {"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}, "Deny"
        ),
    ],
)
def deny_with_empty_variable(statement: Statement) -> Iterator[Fail]:
    """A text whose variable has no value matches nothing, so callers who lack the key are denied nothing.

    False alarm when every caller has the key, for example because all principals carry the tag.
    """
    if not statement.denies:
        return
    tests = condition_tests(statement)
    positive = [
        condition
        for condition in statement.conditions
        if not condition.negated and not condition.if_exists
    ]
    lists = [statement.resources, *(condition.values for condition in positive)]
    for texts in lists:
        empty = [(text, key) for text in texts if (key := _valueless(tests, text))]
        # Another entry or value without such a variable still matches.
        if empty and len(empty) == len(texts):
            text, key = empty[0]
            yield Fail(
                text.where,
                f"{quoted(text.value)} matches nothing when the request lacks {quoted(key)}, which is"
                f" present only {_presence(key)}: the Deny then denies nothing",
                low_confidence=key == "aws:username",
            )


@check(
    "ALLOW_ADMITS_WHO_LACKS_VARIABLE",
    on=Statement,
    when=(VARIABLE_IN_VALUE,),
    severity=Severity.WARNING,
    title="The Allow also admits callers for whom a variable has no value",
    fix='Add "Null": {KEY: "false"} for the key of the variable.',
    source=_VARIABLES,
    bad=[_reading_if({"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})],
    good=[
        _reading_if({"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}),
        _reading_if(
            {
                "StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"},
                "Null": {"aws:PrincipalTag/team": "false"},
            }
        ),
    ],
)
def allow_with_empty_variable(statement: Statement) -> Iterator[Fail]:
    """A value whose variable has no value equals nothing, so a negated condition holds for callers who lack the key.

    False alarm when every caller has the key, for example because all principals carry the tag.
    """
    tests = condition_tests(statement) if statement.allows else {}
    for condition in statement.conditions if statement.allows else ():
        for text in condition.values if condition.negated else ():
            key = _valueless(tests, text)
            if key:
                yield Fail(
                    text.where,
                    f"`{condition.operator.value}` {quoted(text.value)} holds for every request that lacks"
                    f" {quoted(key)}, which is present only {_presence(key)}",
                    low_confidence=key == "aws:username",
                )
                break


def _valueless(tests: Mapping[str, Sequence[ConditionTest]], text: Text) -> str:
    """The first key whose variable in the text may have no value; empty when each has a value or a default."""
    for variable in variables(text.value):
        known = catalog().condition_key(variable.name)
        if known is None or variable.default is not None or known.presence_rule in _WITH_VALUE:
            continue
        of_key = tests.get(variable.name.lower(), ())
        if known.presence_rule and not any(map(_needs_key, of_key)):
            return variable.name
    return ""


_WITH_VALUE = ("always", "signed")


def _presence(key: str) -> str:
    """When the key is in a request, in the words of the data."""
    known = catalog().condition_key(key)
    return known.presence if known else ""
