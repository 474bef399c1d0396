"""Whatever the policy and the limit: shrunk policies decide every request as before, are never longer, and do not shrink again."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import evaluate
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.policy_quotas import QUOTAS, characters, compact
from aws_iam.engine.shrink.shrink import Limit, shrink
from aws_iam.engine.sources.gather import one_policy
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from aws_iam.engine.shrink.shrink import Shrunk

pytestmark = pytest.mark.growth

OWN, FAR = "111122223333", "444455556666"
BUCKET = "arn:aws:s3:::b"
TAG = "aws:PrincipalTag/t"
# Few enough that statements often repeat and cover each other.
ACTIONS = [
    *("s3:GetObject", "s3:getobject", "s3:PutObject", "s3:Get*", "s3:*Object", "*"),
    *("sqs:ListQueues", "sqs:ListQueueTags", "sqs:ListDeadLetterSourceQueues"),
    *("sqs:ListMessageMoveTasks", "sqs:SendMessage", "sqs:NoSuchAction", "sqs:L?st*"),
]
RESOURCES = [
    *("*", f"{BUCKET}/*", f"{BUCKET}/a", f"{BUCKET}/a/*", f"{BUCKET}/?"),
    *(f"{BUCKET}/${{aws:username}}", f"{BUCKET}/${{aws:username}}*", f"{BUCKET}/${{*}}"),
    f"arn:aws:sqs:eu-west-1:{OWN}:q*",
]
# So long that two statements share them at no small cost.
LONG = [f"{BUCKET}/{'long' * 20}/{number}" for number in range(4)]
CONDITIONS: list[dict[str, Any]] = [
    {"StringEquals": {TAG: "x"}},
    {"StringEquals": {TAG: ["x", "y"]}},
    {"StringEqualsIfExists": {TAG: "y"}},
    {"StringNotEquals": {TAG: "x"}},
    {"StringNotEquals": {TAG: "y"}},
    {"StringLike": {TAG: ["x*", "xz"]}},
    {"StringLike": {TAG: "${aws:username}"}},
    {"Bool": {"aws:MultiFactorAuthPresent": True}},
    {"Null": {TAG: "true"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": "b"}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": ["a*", "ab"]}},
    {"NumericLessThan": {"s3:max-keys": 10}},
    {"NumericLessThan": {"s3:max-keys": 5}},
]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": OWN},
    {"AWS": [f"arn:aws:iam::{OWN}:user/ana", f"arn:aws:iam::{FAR}:role/r"]},
    {"AWS": f"arn:aws:iam::{FAR}:role/r"},
    {"Service": "lambda.amazonaws.com"},
]
UNITS = [
    *(("s3:GetObject", f"{BUCKET}/{name}") for name in ("a", "a/k", "ana", "anax", "b", "*")),
    ("s3:PutObject", f"{BUCKET}/a"),
    *(("s3:GetObject", own) for own in LONG),
    *(("s3:PutObject", own) for own in LONG),
    ("s3:GetBucketAcl", BUCKET),
    *(
        (f"sqs:{name}", f"arn:aws:sqs:eu-west-1:{OWN}:q1")
        for name in ("ListQueueTags", "ListDeadLetterSourceQueues", "SendMessage", "DeleteQueue")
    ),
    ("sqs:ListQueues", "*"),
]
CONTEXT: dict[str, list[Any]] = {
    TAG: [None, "x", "y", "xz", "ana"],
    "aws:MultiFactorAuthPresent": [None, "true", "false"],
    "aws:TagKeys": [None, ["a"], ["b"], ["a", "b"], ["ab"]],
    "s3:max-keys": [None, "3", "7", "15"],
}


def some(values: list[Any], most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most)


@st.composite
def statements(draw: st.DrawFn, *, principals: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    sid = draw(st.sampled_from(["", "Read", "Write", "AStatementWithALongName"]))
    made |= {"Sid": sid} if sid else {}
    made[draw(st.sampled_from(["Action"] * 5 + ["NotAction"]))] = draw(some(ACTIONS, 5))
    made[draw(st.sampled_from(["Resource"] * 5 + ["NotResource"]))] = draw(some(RESOURCES, 3))
    if principals:
        made["Principal"] = draw(st.sampled_from(PRINCIPALS))
    condition: dict[str, dict[str, Any]] = {}
    for block in draw(st.lists(st.sampled_from(CONDITIONS), max_size=2)):
        for operator, keys in block.items():
            condition.setdefault(operator, {}).update(keys)
    return made | ({"Condition": condition} if condition else {})


@st.composite
def sharing(draw: st.DrawFn, *, principals: bool) -> list[dict[str, Any]]:
    """Statements that are alike but for their actions and resources, most of which they may share, or for their principals."""
    first = draw(statements(principals=principals))
    made = [first]
    for _ in range(draw(st.integers(1, 2))):
        other = {name: value for name, value in first.items() if name != "Sid"}
        if principals and draw(st.booleans()):
            other["Principal"] = draw(st.sampled_from(PRINCIPALS))
        else:
            other["Action"] = draw(some(ACTIONS, 3))
            other.pop("NotAction", None)
        made.append({"Sid": "Twin", **other} if draw(st.booleans()) else other)
    for own in made:
        own["Resource"] = [*draw(some(LONG, 4)), *draw(some(RESOURCES[1:], 1))]
        own.pop("NotResource", None)
    return made


def policies(*, principals: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    one_by_one = st.lists(statements(principals=principals), min_size=1, max_size=6)
    listed = one_by_one | sharing(principals=principals)
    version = st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"])
    return st.builds(lambda version, own: {"Version": version, "Statement": own}, version, listed)


def shortened(
    document: dict[str, Any], most: int | None, kind: Kind, *, wildcards: bool = True
) -> Shrunk:
    limit = Limit(most=most, quota=QUOTAS[Kind.IDENTITY], may_use_wildcards=wildcards)
    return shrink([one_policy(document, kind)], limit)


def requests(seed: int, principals: list[str]) -> list[dict[str, Any]]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for principal in principals:
        for action, resource in UNITS:
            drawn = {key: chance.choice(values) for key, values in CONTEXT.items()}
            context = {key: value for key, value in drawn.items() if value is not None}
            asked = {"principal": principal, "action": action, "resource": resource}
            found.append({**asked, "context": context, "resource_account": OWN})
    return found


LIMITS = st.sampled_from([None, 220, 300, 450, 700])


@settings(max_examples=examples(60), deadline=None)
@given(policies(), LIMITS, st.sampled_from([{}, {"wildcards": False}]), st.integers(0, 1_000_000))
def test_every_request_is_decided_as_before_by_policies_that_are_never_longer(
    document: dict[str, Any], most: int | None, how: dict[str, bool], seed: int
) -> None:
    found = shortened(document, most, Kind.IDENTITY, **how).result
    before = characters(compact(document), QUOTAS[Kind.IDENTITY])
    if len(found.documents) == 1:
        assert found.sizes[0] <= before
    if found.fits and most:
        assert max(found.sizes) <= most
    callers = [f"arn:aws:iam::{OWN}:user/ana", f"arn:aws:iam::{OWN}:role/r"]
    for request in requests(seed, callers):
        decided = [
            evaluate(request, {"identity": own}).outcome
            for own in ([document], [*map(json.loads, map(json.dumps, found.documents))])
        ]
        assert decided[0] == decided[1], request


@settings(max_examples=examples(30), deadline=None)
@given(policies(), LIMITS, st.integers(0, 1_000_000))
def test_service_control_policies_of_one_target_allow_what_the_one_did(
    document: dict[str, Any], most: int | None, seed: int
) -> None:
    found = shortened(document, most, Kind.SCP).result
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    for request in requests(seed, [f"arn:aws:iam::{OWN}:user/ana"]):
        decided = [
            evaluate(request, {"identity": [everything], "scp": [[everything], level]}).outcome
            for level in ([document], list(map(dict, found.documents)))
        ]
        assert decided[0] == decided[1], request


@settings(max_examples=examples(40), deadline=None)
@given(policies(principals=True), st.integers(0, 1_000_000))
def test_a_policy_of_a_resource_decides_as_before(document: dict[str, Any], seed: int) -> None:
    found = shortened(document, None, Kind.RESOURCE).result
    assert found.sizes[0] <= characters(compact(document), QUOTAS[Kind.IDENTITY])
    callers = [
        *(f"arn:aws:iam::{OWN}:user/ana", f"arn:aws:iam::{OWN}:role/r"),
        *(f"arn:aws:iam::{FAR}:role/r", f"arn:aws:iam::{FAR}:user/ana"),
        *("lambda.amazonaws.com", "*"),
    ]
    for request in requests(seed, callers):
        one, other = (
            evaluate(request, {"resource": [own]}).outcome
            for own in (document, dict(found.documents[0]))
        )
        assert one == other, request


@settings(max_examples=examples(40), deadline=None)
@given(policies(), LIMITS)
def test_what_is_shrunk_does_not_shrink_again(document: dict[str, Any], most: int | None) -> None:
    found = shortened(document, most, Kind.IDENTITY).result
    for own, size in zip(found.documents, found.sizes, strict=True):
        if most is None or size <= most:
            again = shortened(dict(own), most, Kind.IDENTITY).result
            assert again.documents == (own,)
