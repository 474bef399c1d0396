"""Random roles and session policies: what sessions can do is what an oracle written apart says, from AWS's documentation alone.

The oracle knows one account with a role, its boundary, a bucket with a policy, and pods that get the role within a session
policy. Nobody can change a policy. It reads statements without conditions, of certain actions and of resources that end in `*`:
IAM User Guide, reference_policies_evaluation-logic_policy-eval-denyallow and access_policies (session policies).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, snapshot
from helpers.policies.limited_sessions import facts_with_sessions, short

OBJECT = "arn:aws:s3:::books/2026/may.csv"
ACTION = "s3:GetObject"
READING = ("s3:Get*", "s3:*Object")
ROLE = arn("role/app")
NAMED = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/night"

statement = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        "Action": st.sampled_from([ACTION, *READING, "s3:PutObject"]),
        "Resource": st.sampled_from([OBJECT, "arn:aws:s3:::books/2026/*", "arn:aws:s3:::books/2025/*", "*"]),
    }
)  # fmt: skip
statements = st.lists(statement, min_size=1, max_size=3)
of_bucket = st.lists(
    st.builds(
        lambda own, who: {**own, "Principal": {"AWS": who}},
        statement,
        st.sampled_from([ROLE, NAMED, arn("root"), arn("role/other")]),
    ),
    max_size=2,
)


def says(documents: list[dict[str, Any]], effect: str) -> bool:
    """Whether a statement with this effect is about reading the object."""
    return any(
        own["Effect"] == effect
        and own["Action"] in {ACTION, *READING}
        and (own["Resource"] == OBJECT or _matches(own["Resource"]))
        for own in documents
    )


def _matches(pattern: str) -> bool:
    return pattern.endswith("*") and OBJECT.startswith(pattern[:-1])


def reads(inline: Any, boundary: Any, bucket: Any, session: Any, name: str = "") -> bool:
    """Whether a session of the role, with that name, reads the object; None stands for no boundary and no session policy."""
    mine = [own for own in bucket if own["Principal"]["AWS"] in {ROLE, arn("root"), name}]
    direct = [own for own in mine if own["Principal"]["AWS"] == ROLE]
    limits = [own for own in (boundary, session) if own is not None]
    if any(says(own, "Deny") for own in (inline, mine, *limits)):
        return False
    if says([own for own in mine if own["Principal"]["AWS"] == name], "Allow"):
        # What names the session was not there when its policies were put together: none of them limits it.
        return True
    # What names the role is limited by its boundary and by the session policies, as what the role has itself.
    is_given = says(inline, "Allow") or says(direct, "Allow")
    return is_given and all(says(own, "Allow") for own in limits)


@given(
    inline=statements,
    boundary=st.one_of(st.none(), statements),
    bucket=of_bucket,
    sessions=st.lists(statements, min_size=1, max_size=3),
    trusted=st.sampled_from(["pods.eks", "pods.eks", "pods.eks", "ec2"]),
)
def test_sessions_do_and_reach_what_the_oracle_says(
    inline: Any, boundary: Any, bucket: Any, sessions: Any, trusted: str
) -> None:
    entering = ["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"]
    ann = [[{"Effect": "Allow", "Action": entering, "Resource": "*"}]]
    limit = {} if boundary is None else {"boundary": "limit"}
    principal = {"Service": f"{trusted}.amazonaws.com"}
    trust = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
    case = {
        "users": [{"name": "ann", "inline": ann}],
        "roles": [
            {"name": "app", "inline": [inline], "trust": trust, **limit},
            {"name": "other"},
        ],
        "policies": {} if boundary is None else {"limit": boundary},
        "bucket": bucket or None,
        "pods": [
            {"id": f"p{number}", "role": "app", "policy": own}
            for number, own in enumerate(sessions)
        ],
    }
    expected = {
        f"p{number}"
        for number, own in enumerate(sessions)
        # A service that the role does not let in hands out nothing.
        if trusted == "pods.eks" and reads(inline, boundary, bucket, own)
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_with_sessions(case)), file)
        asked = {"action": "access", "who_can": [ACTION], "snapshot": str(file)}
        told = tool.run({**asked, "on": OBJECT}, cli=True).facts["principals"]
        reaching = tool.run({**asked, "to": OBJECT}, cli=True).facts["principals"]
    rows = {short(row["principal"]): row for row in told if row["verdict"] == "can"}
    assert ("role/app" in rows) is reads(inline, boundary, bucket, None)
    verdicts = {
        short(own["session"]): own["verdict"]
        for own in rows.get("role/app", {}).get("sessions", ())
    }
    assert {name for name, verdict in verdicts.items() if verdict == "can"} == expected
    assert set(verdicts.values()) <= {"can", "cannot"}
    by_name = {
        f"p{number}"
        for number, own in enumerate(sessions)
        if trusted == "pods.eks" and reads(inline, boundary, bucket, own, NAMED)
    }
    unlimited = trusted != "pods.eks" and reads(inline, boundary, bucket, None, NAMED)
    if NAMED in rows:
        told_by_name = {own["session"]: own["verdict"] for own in rows[NAMED]["sessions"]}
        assert {short(own) for own, verdict in told_by_name.items() if verdict == "can"} == by_name
        assert by_name or unlimited
    else:
        # What it can do, the row of its role says.
        assert by_name <= expected
        assert not unlimited or "role/app" in rows
    found = {short(row["principal"]): row["verdict"] for row in reaching}
    assert found.get("user/ann") == ("can_become" if expected else None)
