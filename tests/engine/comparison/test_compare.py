"""Comparisons: cases, the laws that every comparison keeps, and requests that never contradict one."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import compare, evaluate
from aws_iam.engine.comparison.forbidden_access import forbidden_requests, public_requests
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.tables.each import for_each
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from aws_iam.answer import Comparison

CASES = TESTS / "cases/compare"
OWN, FAR = "111122223333", "444455556666"
TAG = "aws:PrincipalTag/t"
PLAIN = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
ORDER = {"equal": "equal", "more": "less", "less": "more", "incomparable": "incomparable"}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CASES / name).read_text(encoding="utf-8"))
    return found


def document(statements: Any, version: str = "2012-10-17") -> dict[str, Any]:
    listed = statements if isinstance(statements, list) else [statements]
    return {"Version": version, "Statement": [filled(statement) for statement in listed]}


def filled(statement: dict[str, Any]) -> dict[str, Any]:
    less = {"NotAction": "Action", "NotResource": "Resource"}
    left_out = {less[name] for name in statement if name in less}
    if str(statement.get("Action", "")).startswith(("sts:AssumeRole", "kms:Decrypt")):
        left_out.add("Resource")
    return {k: v for k, v in PLAIN.items() if k not in left_out} | statement


def asserted(found: Comparison, case: dict[str, Any], sides: dict[str, dict[str, Any]]) -> None:
    assert found.relation == case["relation"], found
    assert all(holds(witness, sides) for witness in found.witnesses)
    if "absent" in case:
        assert case["absent"] in [witness.get("absent") for witness in found.witnesses]
    for name, value in case.get("witness", {}).items():
        assert value in [witness["request"].get(name) for witness in found.witnesses], (
            found.witnesses
        )


def layers(
    policy: dict[str, Any], request: dict[str, Any], *others: dict[str, Any]
) -> dict[str, Any]:
    """The policies that a witness is to be tried with: beside it the holder's others, and whatever else must allow."""
    everything = document({"Action": "*", "Resource": "*"})
    if names_principals(policy):
        return {"resource": [policy], "identity": [everything], "session": [everything]}
    account = {"AWS": request["principal"].split(":")[4]}
    delegating = document({"Principal": account, "Action": "*", "Resource": "*"})
    return {"identity": [policy, *others], "resource": [delegating], "session": [everything]}


def names_principals(policy: dict[str, Any]) -> bool:
    return any({"Principal", "NotPrincipal"} & set(statement) for statement in policy["Statement"])


def holds(witness: Any, sides: dict[str, dict[str, Any]]) -> bool:
    """Whether the witness is allowed by the one side and refused by the other, by the public door."""
    request = witness["request"]
    other = {"document": "baseline", "baseline": "document"}[witness["allowed_by"]]
    needed = [document({"Action": "*", "Resource": "*"})] if "needs" in witness else []
    outcomes = [
        evaluate(request, layers(sides[name], request, *needed)).outcome
        for name in (witness["allowed_by"], other)
    ]
    inside = any(map(names_principals, sides.values()))
    strict = request["action"].startswith(("kms:", "sts:"))
    if inside and f":{OWN}:" in request["principal"] and not strict and not needed:
        # Without policies of the caller's own: they would allow whatever the resource's does not deny.
        outcomes = [
            evaluate(request, {"resource": [sides[name]]}).outcome
            for name in (witness["allowed_by"], other)
        ]
    return outcomes[0] == "Allowed" and outcomes[1] in {"ImplicitlyDenied", "ExplicitlyDenied"}


@pytest.mark.parametrize(
    "case",
    [*cases("identity.json"), *cases("variables.json"), *cases("flawed.json")],
    ids=lambda case: case["name"],
)
def test_policies_of_principals_are_related_as_they_are(case: dict[str, Any]) -> None:
    new = document(case["document"])
    old = document(case["baseline"], case.get("baseline_version", "2012-10-17"))
    asserted(compare(new, old), case, {"document": new, "baseline": old})
    assert compare(old, new).relation == ORDER.get(case["relation"], "unknown")


@pytest.mark.parametrize("case", cases("conditions.json"), ids=lambda case: case["name"])
def test_conditions_are_related_by_the_values_they_accept(case: dict[str, Any]) -> None:
    new = document({"Condition": case["condition"]})
    old = document([] if case["baseline"] is None else {"Condition": case["baseline"]})
    asserted(compare(new, old), case, {"document": new, "baseline": old})
    assert compare(old, new).relation == ORDER.get(case["relation"], "unknown")


@pytest.mark.parametrize("case", cases("resource.json"), ids=lambda case: case["name"])
def test_policies_of_resources_are_related_by_whom_they_let_in(case: dict[str, Any]) -> None:
    new, old = document(case["document"]), document(case["baseline"])
    found = compare(new, old)
    assert found.relation == case["relation"], found
    assert compare(old, new).relation == ORDER.get(case["relation"], "unknown")
    if "absent" in case:
        assert case["absent"] in [witness.get("absent") for witness in found.witnesses]
    for name, value in case.get("witness", {}).items():
        assert value in [witness["request"].get(name) for witness in found.witnesses], (
            found.witnesses
        )


@for_each(cases("public.json"), name=lambda case: case["name"])
def test_a_policy_is_public_unless_fixed_values_confine_it(case: dict[str, Any]) -> None:
    found = public_requests(document(case["document"]))
    assert bool(found.requests) is case["public"]
    assert found.is_none is not case["public"]
    for witness in found.requests:
        request = witness["request"]
        assert evaluate(request, layers(document(case["document"]), request)).outcome == "Allowed"


def test_forbidden_access_is_found_where_the_document_grants_it() -> None:
    mine = document(
        [
            {"Action": "iam:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:Pass*", "Resource": "arn:aws:iam::*:role/admin"},
        ]
    )
    passing = document({"Action": "iam:PassRole", "Resource": "*"})
    (found,) = forbidden_requests(mine, passing).requests
    assert found["request"]["action"] == "iam:PassRole"
    assert found["granted_by"] == ["/Statement/0"]
    admin = document({"Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/admin"})
    assert forbidden_requests(mine, admin).is_none
    key = document({"Principal": "*", "Action": "kms:*", "Resource": "*"})
    assert forbidden_requests(
        key, document({"Action": "kms:PutKeyPolicy", "Resource": "*"})
    ).requests


def test_several_policies_on_a_side_are_their_union() -> None:
    one, other = document(PLAIN), document({"Action": "s3:PutObject"})
    both = document([PLAIN, {"Action": "s3:PutObject"}])
    assert compare([one, other], both).relation == "equal"
    (witness,) = compare([one, other], one).witnesses
    assert witness["granted_by"] == ["/1/Statement/0"]
    deny = document({"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"})
    assert compare([one, other, deny], one).relation == "less"
    assert compare([one, other, deny], [one, deny]).relation == "equal"


def test_a_witness_names_the_statements_behind_the_difference() -> None:
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x*"}
    (witness,) = compare(document(PLAIN), document([PLAIN, deny])).witnesses
    assert witness["granted_by"] == ["/Statement/0"]
    assert witness["denied_by"] == ["/Statement/1"]


@pytest.mark.parametrize(
    ("new", "old", "says"),
    [
        ("{", document(PLAIN), "`document` is not valid JSON"),
        (document(PLAIN), {"Version": "2012-10-17"}, "no `Statement`"),
        (document(PLAIN), document({**PLAIN, "Principal": "*"}), "a policy with principals"),
        (document(PLAIN), document({**PLAIN, "Effect": "Maybe"}), "no `Effect`"),
    ],
)
def test_what_cannot_be_compared_is_refused(new: Any, old: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        compare(new, old)


# Random policies over a small world of requests.

ACTIONS = [
    "s3:GetObject",
    "s3:*",
    "*",
    "s3:Put*",
    "sqs:*",
    "S3:getobject",
    "ec2:*",
    "ssm:SendCommand",
    "iam:Get*",
    "kms:Decrypt",
]
RESOURCES = [
    "*",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::*/k",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/s*",
    "arn:aws:sqs:*:*:q*",
    "arn:aws:ec2:*:*:instance/*",
    "arn:aws:iam::*:role/*",
]
OF_VARIABLES = ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${aws:PrincipalTag/t}"]
CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {TAG: "x"}},
    {"StringNotEquals": {TAG: ["x", "y"]}},
    {"StringLike": {TAG: "x*"}},
    {"Null": {TAG: "true"}},
    {"StringEqualsIfExists": {TAG: "y"}},
    {"StringEqualsIgnoreCase": {TAG: "X"}},
    {"StringLike": {TAG: "${aws:username}*"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"NotIpAddress": {"aws:SourceIp": ["10.1.0.0/16"]}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": ["a*"]}},
    {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}},
    {"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
    {"NumericLessThanEquals": {"s3:max-keys": "10"}},
    {"StringEquals": {"aws:username": "alice"}},
    {"Null": {"aws:username": "true"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/adm*"}},
    {"StringEquals": {"aws:PrincipalAccount": OWN}},
]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": OWN},
    {"AWS": FAR},
    {"AWS": f"arn:aws:iam::{OWN}:user/alice"},
    {"AWS": f"arn:aws:iam::{FAR}:role/adm1"},
    {"AWS": f"arn:aws:sts::{FAR}:assumed-role/adm1/s"},
    {"Service": "lambda.amazonaws.com"},
]
CALLERS = [
    f"arn:aws:iam::{OWN}:user/alice",
    f"arn:aws:iam::{OWN}:user/p/bob",
    f"arn:aws:iam::{OWN}:role/adm1",
    f"arn:aws:iam::{FAR}:role/adm1",
    f"arn:aws:iam::{FAR}:user/alice",
]
STRANGERS = [
    "*",
    "lambda.amazonaws.com",
    "events.amazonaws.com",
    f"arn:aws:sts::{FAR}:assumed-role/adm1/s",
    f"arn:aws:iam::{FAR}:root",
]
UNITS = [
    ("s3:GetObject", "arn:aws:s3:::b/k"),
    ("s3:GetObject", "arn:aws:s3:::b/alice/z"),
    ("s3:GetObject", "arn:aws:s3:::b/x"),
    ("s3:PutObject", "arn:aws:s3:::b/sx"),
    ("s3:PutObject", "arn:aws:s3:::c/k"),
    ("s3:ListBucket", "arn:aws:s3:::b"),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q1"),
    ("sqs:ListQueues", "*"),
    ("ec2:DescribeInstances", "*"),
    ("ec2:StartInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"),
    ("ssm:SendCommand", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"),
    ("iam:GetRole", "arn:aws:iam::111122223333:role/x"),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k"),
]
CONTEXT: dict[str, list[Any]] = {
    TAG: [None, "x", "y", "xz", "alice", "X"],
    "aws:MultiFactorAuthPresent": [None, "true", "false"],
    "aws:SourceIp": [None, "10.1.0.1", "10.2.0.1", "8.8.8.8"],
    "aws:TagKeys": [None, ["a"], ["a", "b"], ["a", "c"], ["c"], ["ab"]],
    "aws:CurrentTime": ["2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z"],
    "s3:max-keys": [None, "5", "15"],
}


def some(values: list[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique_by=repr)


@st.composite
def statements(
    draw: st.DrawFn, *, principals: bool = False, variables: bool = True
) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action"] * 4 + ["NotAction"]))] = draw(some(ACTIONS))
    named = RESOURCES + (OF_VARIABLES if variables else [])
    made[draw(st.sampled_from(["Resource"] * 4 + ["NotResource"]))] = draw(some(named))
    if principals:
        made["Principal"] = draw(st.sampled_from(PRINCIPALS))
    condition: dict[str, dict[str, Any]] = {}
    pool = [c for c in CONDITIONS if variables or "${" not in json.dumps(c)]
    for statement in draw(st.lists(st.sampled_from(pool), max_size=2)):
        for operator, block in statement.items():
            condition.setdefault(operator, {}).update(block)
    return made | ({"Condition": condition} if condition else {})


def policies(**how: bool) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(statements(**how), min_size=1, max_size=3).map(document)


@st.composite
def pairs(draw: st.DrawFn, **how: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two policies; as often as not the one is the other with a statement changed."""
    old = draw(policies(**how))
    if draw(st.booleans()):
        return draw(policies(**how)), old
    new = {**old, "Statement": [*old["Statement"]]}
    new["Statement"][draw(st.integers(0, len(new["Statement"]) - 1))] = draw(statements(**how))
    return new, old


def requests(seed: int, callers: list[str], number: int = 60) -> list[dict[str, Any]]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for _ in range(number):
        action, resource = chance.choice(UNITS)
        drawn = {key: chance.choice(values) for key, values in CONTEXT.items()}
        context = {key: value for key, value in drawn.items() if value is not None}
        found.append(
            {
                "principal": chance.choice(callers),
                "action": action,
                "resource": resource,
                "context": context,
            }
        )
    return found


NO_MORE = {"less", "equal", "unknown"}
NO_LESS = {"more", "equal", "unknown"}


@settings(max_examples=examples(7), deadline=None)
@given(pairs(), st.integers(0, 1_000_000))
def test_no_request_of_a_holder_with_all_some_or_no_other_permissions_contradicts_a_verdict(
    pair: tuple[dict[str, Any], dict[str, Any]], seed: int
) -> None:
    new, old = pair
    found = compare(new, old)
    sides = {"document": new, "baseline": old}
    assert all(holds(witness, sides) for witness in found.witnesses)
    others = ([], [document({"Action": ["s3:Get*", "ec2:*"]})], [document({"Action": "*"})])
    for number, request in enumerate(requests(seed, CALLERS)):
        asked = {**request, "resource_account": request["principal"].split(":")[4]}
        beside = others[number % len(others)]
        mine, theirs = (evaluate(asked, layers(s, asked, *beside)).outcome for s in (new, old))
        if mine == "Allowed" and theirs in {"ImplicitlyDenied", "ExplicitlyDenied"}:
            assert found.relation in {"more", "incomparable", "unknown"}, request
        if theirs == "Allowed" and mine in {"ImplicitlyDenied", "ExplicitlyDenied"}:
            assert found.relation in {"less", "incomparable", "unknown"}, request


@settings(max_examples=examples(7), deadline=None)
@given(pairs(principals=True, variables=False), st.integers(0, 1_000_000))
def test_no_request_for_a_resource_contradicts_a_verdict(
    pair: tuple[dict[str, Any], dict[str, Any]], seed: int
) -> None:
    new, old = pair
    found = compare(new, old)
    everything = document({"Action": "*", "Resource": "*"})
    for request in requests(seed, [*CALLERS, *STRANGERS]):
        asked = {**request, "resource_account": OWN}
        # In the owner's account other policies may allow what the resource's does not, but for a key.
        own = (
            {}
            if OWN in asked["principal"] and not asked["action"].startswith("kms:")
            else {"identity": [everything]}
        )
        mine, theirs = (evaluate(asked, {"resource": [s], **own}).outcome for s in (new, old))
        if mine == "Allowed" and theirs in {"ImplicitlyDenied", "ExplicitlyDenied"}:
            assert found.relation in {"more", "incomparable", "unknown"}, request
        if theirs == "Allowed" and mine in {"ImplicitlyDenied", "ExplicitlyDenied"}:
            assert found.relation in {"less", "incomparable", "unknown"}, request


@settings(max_examples=examples(8), deadline=None)
@given(policies(), st.randoms(use_true_random=False))
def test_a_policy_is_equal_to_itself_in_any_order(policy: dict[str, Any], chance: Any) -> None:
    shuffled = {
        **policy,
        "Statement": chance.sample(policy["Statement"], len(policy["Statement"])),
    }
    assert compare(policy, policy).relation == "equal"
    assert compare(shuffled, policy).relation == "equal"
    spelled = json.loads(
        json.dumps(policy).replace("s3:", "S3:").replace("arn:aws:S3:", "arn:aws:s3:")
    )
    assert compare(spelled, policy).relation in {
        "equal",
        "unknown",
    } or "s3:max-keys" in json.dumps(policy)


@settings(max_examples=examples(8), deadline=None)
@given(policies(), statements())
def test_a_further_allow_takes_nothing_away_and_a_further_deny_gives_nothing(
    policy: dict[str, Any], statement: dict[str, Any]
) -> None:
    grown = {**policy, "Statement": [*policy["Statement"], statement]}
    expected = NO_LESS if statement["Effect"] == "Allow" else NO_MORE
    assert compare(grown, policy).relation in expected


@settings(max_examples=examples(8), deadline=None)
@given(pairs())
def test_the_other_way_round_is_the_contrary(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    new, old = pair
    found = compare(new, old).relation or ""
    assert compare(old, new).relation == ORDER.get(found, "unknown")


@settings(max_examples=examples(8), deadline=None)
@given(policies(), st.data())
def test_a_wider_pattern_takes_nothing_from_an_allow_and_adds_nothing_to_what_a_deny_leaves(
    policy: dict[str, Any], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(policy["Statement"]) - 1))
    statement = policy["Statement"][at]
    element = data.draw(
        st.sampled_from(
            sorted({"Action", "Resource", "NotAction", "NotResource"} & set(statement))
        )
    )
    entries = [*statement[element]]
    entries[0] += "" if entries[0] == "*" else "*"
    wider = {**policy, "Statement": [*policy["Statement"]]}
    wider["Statement"][at] = {**statement, element: entries}
    grows = (statement["Effect"] == "Allow") is not element.startswith("Not")
    assert compare(wider, policy).relation in (NO_LESS if grows else NO_MORE)


@settings(max_examples=examples(8), deadline=None)
@given(policies(), st.data())
def test_a_further_condition_adds_nothing_to_an_allow_and_takes_nothing_from_a_deny(
    policy: dict[str, Any], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(policy["Statement"]) - 1))
    statement = policy["Statement"][at]
    condition = {**statement.get("Condition", {}), "StringNotLike": {"aws:UserAgent": "x*"}}
    bound = {**policy, "Statement": [*policy["Statement"]]}
    bound["Statement"][at] = {**statement, "Condition": condition}
    expected = NO_MORE if statement["Effect"] == "Allow" else NO_LESS
    assert compare(bound, policy).relation in expected


@settings(max_examples=examples(8), deadline=None)
@given(policies())
def test_a_policy_of_allows_takes_nothing_away_and_one_of_denies_gives_nothing(
    policy: dict[str, Any],
) -> None:
    for effect, expected in (("Allow", NO_LESS), ("Deny", NO_MORE)):
        part = document([s for s in policy["Statement"] if s["Effect"] == effect])
        assert compare(part, document([])).relation in expected


@settings(max_examples=examples(8), deadline=None)
@given(policies())
def test_a_statement_for_each_action_and_resource_is_the_same(policy: dict[str, Any]) -> None:
    parts = [
        {**statement, name: entry, other: second}
        for statement in policy["Statement"]
        for name in ("Action", "NotAction")
        for other in ("Resource", "NotResource")
        if name in statement and other in statement
        for entry in (statement[name] if name == "Action" else [statement[name]])
        for second in (statement[other] if other == "Resource" else [statement[other]])
    ]
    # The budget of the search may run out.
    assert compare(document(parts), policy).relation in {"equal", "unknown"}


@settings(max_examples=examples(8), deadline=None)
@given(policies(variables=False), policies(variables=False), policies(variables=False))
def test_no_more_than_no_more_is_no_more(one: Any, two: Any, three: Any) -> None:
    middle = {**two, "Statement": [*one["Statement"], *two["Statement"]]}
    whole = {**two, "Statement": [*middle["Statement"], *three["Statement"]]}
    no_more = {"less", "equal"}
    if compare(one, middle).relation in no_more and compare(middle, whole).relation in no_more:
        assert compare(one, whole).relation in no_more
