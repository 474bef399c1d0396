"""Whatever the needs, the policies validate clean, grant exactly what was asked, and fit IAM's quotas."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aws_iam
from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.engine.generation.access_levels import LEVEL_NAMES, AccessLevel, contents
from aws_iam.engine.generation.access_needs import read_needs
from aws_iam.engine.generation.condition_limits import ConditionLimits
from aws_iam.engine.generation.passed_roles import KEY, PASS_ROLE
from aws_iam.engine.generation.plan import plan
from aws_iam.engine.language.arn import Arn, closest_formats
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from aws_iam.answer import Answer
    from aws_iam.engine.reference.facts import Action

pytestmark = pytest.mark.growth

SERVICES = sorted(catalog().services)
_KNOWN = {"Partition": "aws", "Region": "eu-west-1"}
_HOLE = re.compile(r"\$\{(\w+)[^}]*\}")
# Passing any role or creating any service-linked one is a finding on purpose; concrete names are none.
_NAMES = st.sampled_from(["a1", "team-blue", "x9z"])


def _value(name: str, word: str) -> str:
    return _KNOWN.get(name) or ("111122223333" if "account" in name.lower() else word)


@st.composite
def _targets(draw: st.DrawFn) -> tuple[str, str, str]:
    """A level, the service's prefix, and an ARN built from one of its own formats."""
    service = catalog().service(draw(st.sampled_from(SERVICES)))
    assert service is not None
    formats = [
        (type_.name, text)
        for type_ in service.resource_types.values()
        for text in type_.arn_formats
        if text.split(":")[2] == service.prefix and "*" not in text
    ]
    if not formats:
        return "read", "s3", "arn:aws:s3:::reports"
    name, text = draw(st.sampled_from(formats))
    word = draw(_NAMES)
    arn = _HOLE.sub(lambda hole: _value(hole[1], word), text)
    held = {
        level
        for level in LEVEL_NAMES
        for a in service.actions.values()
        if name in a.resource_types and AccessLevel(name=level).includes(a)
    }
    return draw(st.sampled_from(sorted(held) or ["read"])), service.prefix, arn


def _generated(needs: dict[str, list[str]], conditions: Any = None) -> Answer:
    return tool.run({"action": "generate", "needs": needs, "conditions": conditions})


def _allowed(answer: Answer) -> list[tuple[str, str]]:
    """Every pair of action and resource that the policies allow."""
    return [
        (action, resource)
        for artifact in answer.artifacts
        for row in json.loads(artifact.content)["Statement"]
        for action in _listed(row["Action"])
        for resource in _listed(row["Resource"])
    ]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _works_on(action: Action, arn: str) -> bool:
    """By the formats of the reference alone: whether the action is authorised on such an ARN."""
    service, parsed = catalog().service(action.service), Arn.of(arn)
    assert service is not None
    assert parsed is not None
    types = list(service.resource_types.values())
    closest = closest_formats(parsed, [text for type_ in types for text in type_.arn_formats])
    names = {type_.name for type_ in types if closest & set(type_.arn_formats)}
    return bool(names & set(action.resource_types))


def _reaches(text: str, arn: str) -> bool:
    """Whether a need for the ARN can reach the other one: the ARN itself, or what it holds."""
    return any(matches(text + tail, arn) for tail in ("", *(held.tail for held in contents())))


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(_targets(), min_size=1, max_size=4))
def test_levels_on_any_resources_validate_clean_and_grant_exactly_the_level(
    targets: list[tuple[str, str, str]],
) -> None:
    needs: dict[str, list[str]] = {}
    for level, _, arn in targets:
        needs.setdefault(level, []).append(arn)
    try:
        answer = _generated(needs)
    except InputError as refused:
        # An ARN of a wider format can be read as another type, which may have no action of the level.
        assert "no action of level" in str(refused)  # noqa: PT017 - most needs are granted
        return
    assert {finding.code for finding in answer.findings} <= set(RISK_CODES)
    allowed = _allowed(answer)
    for level, prefix, arn in targets:
        service = catalog().service(prefix)
        assert service is not None
        for action in service.actions.values():
            granted = any(
                name == action.full_name and matches(resource, arn) for name, resource in allowed
            )
            if AccessLevel(name=level).includes(action) and _works_on(action, arn):
                assert granted, f"{action.full_name} on {arn}"
            elif granted:
                others = {other for other, _, text in targets if _reaches(text, arn)}
                assert any(
                    AccessLevel(name=other).includes(action) for other in {*others, level}
                ), f"{action.full_name} on {arn}"


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_a_named_action_is_granted_where_it_works_and_nowhere_else(data: st.DataObject) -> None:
    service = catalog().service(data.draw(st.sampled_from(SERVICES)))
    assert service is not None
    action = data.draw(st.sampled_from(sorted(service.actions.values(), key=lambda a: a.name)))
    types = [service.resource_types[type_name.lower()] for type_name in action.resource_types]
    formats = [text for type_ in types for text in type_.arn_formats if "*" not in text]
    arns = [_HOLE.sub(lambda hole: _value(hole[1], "a1"), text) for text in formats[:3]]
    try:
        answer = _generated({action.full_name: arns or ["*"]})
    except InputError as refused:
        assert "never matches" in str(refused) or "no known service" in str(refused)  # noqa: PT017
        return
    problems = {finding.code for finding in answer.findings} - set(RISK_CODES)
    assert all("STAR" in code for code in problems)
    added = {row["action"] for row in answer.facts.get("dependents", ())}
    assert {name for name, _ in _allowed(answer)} - added == {action.full_name}
    assert added <= set(action.dependents)


_OPERATORS = {
    "String": ("StringEquals", "blue"),
    "ARN": ("ArnLike", "arn:aws:iam::111122223333:role/app"),
    "Bool": ("Bool", "true"),
    "Numeric": ("NumericEquals", "5"),
}


@settings(max_examples=examples(60), deadline=None)
@given(_targets(), st.data())
def test_a_condition_stands_on_what_carries_its_key_and_the_result_validates_clean(
    target: tuple[str, str, str], data: st.DataObject
) -> None:
    level, prefix, arn = target
    service = catalog().service(prefix)
    assert service is not None
    wanted = AccessLevel(name=level)
    able = [a for a in service.actions.values() if wanted.includes(a) and _works_on(a, arn)]
    keys = {
        _HOLE.sub("team", key)
        for action in able
        for key in (*action.condition_keys, *chain(*action.type_condition_keys.values()))
    }
    known = {key: found for key in sorted(keys) if (found := catalog().condition_key(key))}
    usable = [key for key, found in known.items() if found.type in _OPERATORS]
    if not usable:
        return
    key = data.draw(st.sampled_from(usable))
    operator, value = _OPERATORS[known[key].type]
    needs = {level: [arn], "s3:ListBucket": ["arn:aws:s3:::reports"]}
    try:
        answer = _generated(needs, {operator: {key: value}})
    except InputError as refused:
        # What is a Region or an account is read as one; and an ARN of a wider format as another type.
        said = ("ever carr", "ever sees", "no action of level", "would make the policy invalid")
        assert any(words in str(refused) for words in said)  # noqa: PT017
        return
    # One value stands for all of a type, and not every key can have it.
    allowed = {*RISK_CODES, "VALUE_OF_IMPOSSIBLE_FORM"}
    assert {finding.code for finding in answer.findings} <= allowed
    under = [
        row
        for artifact in answer.artifacts
        for row in json.loads(artifact.content)["Statement"]
        if row.get("Condition")
    ]
    assert under
    assert all(row["Condition"] == {operator: {key: value}} for row in under)


def _is_the_repair_of_the_empty_policy(needs: dict[str, list[str]]) -> bool:
    """Whether `policy repair` writes the same policy where all that the needs mean is asked of an empty one."""
    wanted = plan(read_needs(needs), ConditionLimits())
    allow = [
        {"action": level, "resource": arns} for level, arns in needs.items() if ":" not in level
    ]
    allow += [
        {"action": own.action.full_name, "resource": own.resource}
        for own in (*wanted.wanted, *wanted.added)
        if own.need.exact
    ]
    for service in wanted.passed.services:
        for own in allow:
            if own["action"] == PASS_ROLE:
                own["context"] = {KEY: service}
    empty = {"Version": "2012-10-17", "Statement": []}
    repaired = tool.run({"action": "repair", "document": empty, "allow": allow})
    assert repaired.facts["repaired"]
    made = [json.loads(file.content) for file in _generated(needs).artifacts]
    (of_repair,) = (json.loads(file.content) for file in repaired.artifacts)
    is_equal = compare(made, of_repair).relation == "equal"
    return is_equal and (len(made) > 1 or made == [of_repair])


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(_targets(), min_size=1, max_size=3), st.data())
def test_what_is_generated_is_the_repair_of_the_empty_policy(
    targets: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    needs: dict[str, list[str]] = {}
    for level, prefix, arn in targets:
        service = catalog().service(prefix)
        assert service is not None
        names = [own.full_name for own in service.actions.values() if _works_on(own, arn)]
        for name in {level, data.draw(st.sampled_from([level, *names]))}:
            needs.setdefault(name, []).append(arn)
    try:
        _generated(needs)
    except InputError:
        return
    assert _is_the_repair_of_the_empty_policy(needs)


@pytest.mark.parametrize(
    "needs",
    [
        {
            "lambda:CreateFunction": ["arn:aws:lambda:eu-west-1:111122223333:function:f"],
            "iam:PassRole": ["arn:aws:iam::111122223333:role/app"],
        },
        {
            "ec2:RunInstances": [
                "arn:aws:ec2:eu-west-1:111122223333:instance/*",
                "arn:aws:ec2:eu-west-1::image/ami-1",
            ],
            "ec2:DescribeInstances": ["*"],
        },
        {"s3:GetObject": ["arn:aws:s3:::a/*", "arn:aws:s3:::a/b/*"], "write": ["arn:aws:s3:::a"]},
    ],
    ids=lambda needs: next(iter(needs)),
)
def test_what_calls_need_besides_is_in_the_repair_too(needs: dict[str, list[str]]) -> None:
    assert _is_the_repair_of_the_empty_policy(needs)


_JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "*",
            "arn:aws:s3:::reports",
            "arn:aws:s3:::reports/*",
            "arn:aws:sqs:::",
            "${aws:username}",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(
                ["read", "Write", "s3:GetObject", "s3:Get*", "StringEquals", "aws:username"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=examples(60), deadline=None)
@given(_JUNK, _JUNK)
def test_whatever_is_given_is_granted_clean_or_refused(needs: Any, conditions: Any) -> None:
    for given_needs in (needs, {"s3:GetObject": ["arn:aws:s3:::reports/*"]}):
        arguments = {"action": "generate", "needs": given_needs, "conditions": conditions}
        try:
            answer = tool.run(arguments)
        except InputError as refused:
            assert str(refused)  # noqa: PT017
            continue
        for artifact in answer.artifacts:
            assert [
                finding
                for finding in aws_iam.validate(artifact.content)
                if finding.severity == "ERROR"
            ] == []
