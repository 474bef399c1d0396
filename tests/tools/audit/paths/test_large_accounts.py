"""Long ways and many who can act as many: each has its shortest path, and the work grows with the steps, not with the pairs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, facts_of, snapshot
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer

pytestmark = pytest.mark.growth

EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
# More hops than Python's stack has frames for, where each of them took a few.
LONG = 400


def answered(case: dict[str, Any], **question: str) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_of(case)), file)
        return tool.run({"snapshot": str(file), **question}, cli=True)


def asked(roles: list[dict[str, Any]], **question: str) -> dict[str, Any]:
    answer = answered({"roles": roles}, action="access", **question)
    return {"summary": answer.summary, **answer.facts}


def role(name: str, trusted: str, says: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
    return {"name": name, "trust": [trust], "inline": [says] if says else []}


def writing(role: str) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": arn(role)}]


def chain(length: int, last: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each role lets in the one before it."""
    roles = [role(f"r{number}", arn(f"role/r{number - 1}")) for number in range(1, length)]
    return [
        role("r0", arn("user/nobody")),
        *roles,
        role(f"r{length}", arn(f"role/r{length - 1}"), last),
    ]


def mesh(size: int) -> list[dict[str, Any]]:
    """All can act as all; the last alone can act as the administrator."""
    any_role = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn("role/r*")}]
    roles = [role(f"r{number}", arn("root"), any_role) for number in range(size)]
    return [*roles, role("admin", arn(f"role/r{size - 1}"), EVERYTHING)]


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(EVERYTHING, id="an-administrator"),
        pytest.param(writing(f"role/r{LONG}"), id="who-makes-itself-one"),
    ],
)
def test_a_chain_is_followed_to_its_end(last: list[dict[str, Any]]) -> None:
    roles = chain(LONG, last)
    told = asked(roles, to="admin")
    more = int(last is not EVERYTHING)
    hops = {row["principal"]: row.get("hops", 0) for row in told["principals"]}
    assert hops == {arn(f"role/r{number}"): LONG - number + more for number in range(LONG + 1)}
    (longest,) = (path for path in told["paths"] if path["from"] == arn("role/r0"))
    assert [hop["to"] for hop in longest["hops"][:LONG]] == [
        arn(f"role/r{number + 1}") for number in range(LONG)
    ]
    assert told["paths_not_varied"] == LONG - 10 + more
    assert "Beside a path of more than 10 steps no others were looked for." in told["summary"]


def test_whoever_begins_a_chain_becomes_everybody_in_it() -> None:
    told = asked(chain(LONG, EVERYTHING), principal="role/r0")
    assert {row["principal"]: len(row["hops"]) for row in told["becomes"]} == {
        arn(f"role/r{number}"): number for number in range(1, LONG + 1)
    }


def test_paths_that_an_answer_has_no_room_for_are_counted() -> None:
    told = asked(chain(500, EVERYTHING), to="admin")
    untold = told["paths_left_out"]
    assert len(told["paths"]) + untold == told["counts"]["can_become"] == 500
    assert untold
    # The listed ones are those of one step, of two steps and so on.
    longer = f"The paths of {untold} more principals, all of {501 - untold} steps or more"
    assert longer in told["summary"]


def keys(of: str) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": arn(of)}]


def key_chain(length: int) -> list[dict[str, Any]]:
    """Each user makes keys of the one after it, and the last is an administrator."""
    users = [{"name": f"r{n}", "inline": [keys(f"user/r{n + 1}")]} for n in range(length)]
    return [*users, {"name": f"r{length}", "inline": [EVERYTHING]}]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ({"roles": chain(500, EVERYTHING)}, "TAKES_ADMINISTRATOR_ROLE"),
        ({"users": key_chain(500)}, "PRIVILEGE_ESCALATION"),
    ],
    ids=["roles", "users"],
)
def test_whoever_has_a_path_that_is_not_listed_has_its_finding(
    case: dict[str, Any], code: str
) -> None:
    answer = answered(case, action="principals")
    found = [own for own in answer.findings if own.code == code]
    assert len({own.resource for own in found}) == 500
    # So many findings do not tell all steps of the long paths.
    assert max(len(own.message) for own in found) < 2_000
    assert all(len(row["takes"] or "") < 200 for row in answer.facts["principals"])


def test_the_work_grows_with_the_roles_where_all_can_act_as_all() -> None:
    # With more paths than further ones are looked for beside: these cost as much again for each.
    small, large = mesh(600), mesh(1_800)
    told: list[dict[str, Any]] = []
    few = calls(lambda: told.append(asked(small, to="admin")))
    many = calls(lambda: told.append(asked(large, to="admin")))
    assert [one["counts"]["can_become"] for one in told] == [600, 1_800]
    assert many < 4 * few


def users_with_variables(size: int) -> dict[str, Any]:
    """All make keys for all others: policies with variables are each user's own."""
    own = [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": arn("user/${aws:username}")}]
    return {"users": [{"name": f"u{n}", "inline": [own + keys("user/u*")]} for n in range(size)]}


def roles_with_a_deny(size: int) -> dict[str, Any]:
    """All can act as all, each but for another one."""

    def says(denied: str) -> list[dict[str, Any]]:
        allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn("role/r*")}
        return [allowed, {**allowed, "Effect": "Deny", "Resource": arn(denied)}]

    return {
        "roles": [role(f"r{n}", arn("root"), says(f"role/r{n // 2}")) for n in range(size)],
    }


@pytest.mark.parametrize("made", [users_with_variables, roles_with_a_deny])
def test_the_work_grows_with_the_principals_where_each_can_act_as_others_than_its_neighbour(
    made: Callable[[int], dict[str, Any]],
) -> None:
    small, large = made(200), made(600)
    few = calls(lambda: answered(small, action="access", to="admin"))
    many = calls(lambda: answered(large, action="access", to="admin"))
    assert many < 4 * few
