"""Grants as statements: as few and as short as can be, neither wider nor narrower, in policies within IAM's quotas."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.generation.action_grants import ActionGrant
from aws_iam.engine.generation.condition_limits import read_conditions
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import covers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.policy_quotas import MANAGED, MOST_ATTACHED, size
from aws_iam.engine.repair.draft import EMPTY
from aws_iam.engine.repair.empty_policy import granting, requirements_of, within_quotas
from aws_iam.engine.repair.judge import Judge
from aws_iam.engine.repair.repair import repair
from aws_iam.engine.repair.requirements import listed
from aws_iam.errors import InputError
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

EC2 = service.action_names if (service := catalog().service("ec2")) else ()
LIMITS = read_conditions(
    {"StringEquals": {"aws:RequestedRegion": "eu-west-1", "aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
)
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "sqs:SendMessage"]
GRANTS = st.lists(
    st.builds(
        ActionGrant,
        action=st.sampled_from(ACTIONS),
        resource=st.sampled_from(["a", "a/*", "a/b", "a/b*", "a/**", "?", "*", "b"]),
        limits=st.sampled_from([(), (), (0,), (0, 1)]),
    ),
    min_size=1,
    max_size=12,
)

Row = tuple[list[str], list[str], str]


def rows(grants: list[ActionGrant]) -> list[Row]:
    """Actions, resources and conditions of each statement."""
    (document,) = granting(grants, LIMITS)
    return [_row(own) for own in document["Statement"]]


def _row(statement: Mapping[str, Any]) -> Row:
    condition = json.dumps(statement.get("Condition", {}))
    return listed(statement["Action"]), listed(statement["Resource"]), condition


def _condition(grant: ActionGrant) -> str:
    return json.dumps(LIMITS.block(grant.limits))


@given(GRANTS)
def test_statements_neither_widen_nor_narrow(grants: list[ActionGrant]) -> None:
    found = rows(grants)
    for grant in grants:
        assert any(
            grant.action in actions
            and condition == _condition(grant)
            and any(covers(wide, grant.resource) for wide in resources)
            for actions, resources, condition in found
        )
    asked = {(grant.action, grant.resource, _condition(grant)) for grant in grants}
    assert {(a, r, c) for actions, resources, c in found for a in actions for r in resources} <= (
        asked
    )


@given(GRANTS)
def test_statements_say_nothing_twice(grants: list[ActionGrant]) -> None:
    found = rows(grants)
    said = [(a, r, c) for actions, resources, c in found for a in actions for r in resources]
    assert len(set(said)) == len(said)
    assert len({(tuple(resources), c) for _, resources, c in found}) == len(found)
    for _, resources, _ in found:
        for wide in resources:
            assert not [r for r in resources if r != wide and covers(wide, r)]
    assert rows(grants[::-1]) == found


# The conditions follow from the action, as those of needs and events do.
LIMITS_OF = dict(zip(ACTIONS, [(), (0,), (0, 1), (0,)], strict=True))
ARN_GRANTS = st.lists(
    st.builds(
        lambda action, resource: ActionGrant(
            action=action, resource=resource, limits=LIMITS_OF[action]
        ),
        st.sampled_from(ACTIONS[:3]),
        st.sampled_from(["arn:aws:s3:::a/*", "arn:aws:s3:::a/b/*", "arn:aws:s3:::b/x", "*"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=examples(25), deadline=None)
@given(ARN_GRANTS)
def test_a_whole_repair_of_the_empty_policy_writes_the_same_and_proves_it(
    grants: list[ActionGrant],
) -> None:
    judge = Judge(kind=Kind.IDENTITY, version="2012-10-17")
    found = repair(EMPTY, list(requirements_of(grants, LIMITS)), judge)
    assert found.is_repaired
    assert (found.document,) == granting(grants, LIMITS)


@settings(max_examples=examples(40), deadline=None)
@given(st.integers(1, 4), st.integers(1, 200), st.integers(1, 200))
def test_policies_fit_the_quota_and_hold_every_grant_once(
    count: int, actions: int, resources: int
) -> None:
    wanted = [
        {
            "Effect": "Allow",
            "Action": [f"ec2:{name}" for name in EC2[:actions]],
            "Resource": [f"arn:aws:s3:::reports-{number}-{n:04}/*" for n in range(resources)],
        }
        for number in range(count)
    ]
    try:
        packed = within_quotas(wanted)
    except InputError as refused:
        assert "managed policies of 6,144, but only 10 can be attached" in str(refused)  # noqa: PT017
        return
    assert len(packed) <= MOST_ATTACHED
    statements = [own for part in packed for own in part]
    assert sorted(_pairs(statements)) == sorted(_pairs(wanted))
    sids = [own["Sid"] for own in statements]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() and len(sid) < 70 for sid in sids)
    assert all(size({**EMPTY, "Statement": part}) <= MANAGED for part in packed)


def _pairs(statements: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for own in statements:
        yield from product(listed(own["Action"]), listed(own["Resource"]))
