"""Random small accounts: a session policy that allows everything is none, and one that denies everything leaves no way in."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, snapshot
from helpers.policies.limited_sessions import facts_with_sessions, short

NAMES = {"user": ("ann", "bob"), "role": ("app", "ops", "adm")}
ACTIONS = (
    "iam:PutUserPolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:CreateAccessKey", "iam:UpdateAssumeRolePolicy",
    "iam:DeleteRolePolicy", "sts:AssumeRole", "eks:UpdatePodIdentityAssociation", "s3:GetObject",
)  # fmt: skip
ENTERING = {
    "Effect": "Allow",
    "Action": ["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"],
    "Resource": "*",
}
FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYBODY = [arn(f"{kind}/{name}") for kind, names in NAMES.items() for name in names]

statement = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        "Action": st.sampled_from(ACTIONS),
        "Resource": st.sampled_from([*EVERYBODY, "*"]),
    }
)
statements = st.lists(st.one_of(statement, st.just(ENTERING)), min_size=1, max_size=3)
trusts = st.lists(st.sampled_from(EVERYBODY), max_size=2)


def found(case: dict[str, Any], pods: list[dict[str, Any]]) -> dict[str, str]:
    """Who is or can become an administrator."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_with_sessions({**case, "pods": pods})), file)
        answer = tool.run({"action": "access", "to": "admin", "snapshot": str(file)}, cli=True)
    return {short(row["principal"]): row["verdict"] for row in answer.facts["principals"]}


@given(
    users=st.tuples(statements, statements),
    roles=st.tuples(statements, statements),
    trusted=st.tuples(trusts, trusts, trusts),
    having=st.lists(st.sampled_from(NAMES["role"]), min_size=1, max_size=2, unique=True),
)
def test_the_widest_session_policy_is_none_and_the_narrowest_leaves_no_way_in(
    users: Any, roles: Any, trusted: Any, having: list[str]
) -> None:
    case = {
        "users": [
            {"name": name, "inline": [own]} for name, own in zip(NAMES["user"], users, strict=True)
        ],
        "roles": [
            {
                "name": name,
                "inline": [own],
                "trust": [
                    {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
                    for who in let_in
                ],
            }
            for name, own, let_in in zip(NAMES["role"], (*roles, [FULL]), trusted, strict=True)
        ],
    }
    pods = [{"id": f"p{number}", "role": name} for number, name in enumerate(having)]
    assert found(case, [{**own, "policy": [FULL]} for own in pods]) == found(case, pods)
    updating = any("eks:UpdatePodIdentityAssociation" in str(own) for own in (*users, *roles))
    if not updating:
        nothing = [{**own, "policy": [{**FULL, "Effect": "Deny"}]} for own in pods]
        assert found(case, nothing) == found(case, [])
