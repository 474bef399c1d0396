"""Random small estates: who can do something is what an oracle written apart says, from AWS's documentation alone.

The oracle knows two accounts with users, roles, boundaries, service control policies, and a bucket with a policy. It reads
statements without conditions, of whole actions and of resources that end in `*`: IAM User Guide,
reference_policies_evaluation-logic_policy-eval-denyallow and reference_policies_evaluation-logic-cross-account.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, policy, snapshot

OTHER = "444455556666"
OBJECT = "arn:aws:s3:::books/2026/may.csv"
ACTION = "s3:GetObject"
ACTIONS = (ACTION, "s3:PutObject", "s3:*", "*")
RESOURCES = (OBJECT, "arn:aws:s3:::books/2026/*", "arn:aws:s3:::books/2025/*", "*")
NAMES = ("ann", "bob")

statements = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
            "Action": st.sampled_from(ACTIONS),
            "Resource": st.sampled_from(RESOURCES),
        }
    ),
    max_size=2,
)
principals = st.sampled_from(
    [
        *(arn(f"user/{name}", account) for name in NAMES for account in (ACCOUNT, OTHER)),
        *(arn(f"role/{name}", account) for name in NAMES for account in (ACCOUNT, OTHER)),
        arn("root"), arn("root", OTHER),
    ]
)  # fmt: skip
of_bucket = st.lists(
    st.builds(
        lambda own, who: {**own[0], "Principal": {"AWS": who}} if own else None,
        statements,
        principals,
    ),
    max_size=3,
)
identities = st.fixed_dictionaries(
    {"inline": statements, "boundary": st.one_of(st.none(), st.none(), statements)}
)
people = st.fixed_dictionaries(
    {kind: st.fixed_dictionaries(dict.fromkeys(NAMES, identities)) for kind in ("user", "role")}
)


def takes(statement: dict[str, Any]) -> bool:
    action, resource = statement["Action"], statement["Resource"]
    return action in {ACTION, "s3:*", "*"} and (
        resource == OBJECT or (resource.endswith("*") and OBJECT.startswith(resource[:-1]))
    )


def says(documents: list[dict[str, Any]], effect: str) -> bool:
    return any(own["Effect"] == effect and takes(own) for own in documents)


def oracle(
    estates: dict[str, Any], bucket: list[dict[str, Any]], scps: dict[str, list[dict[str, Any]]]
) -> set[str]:
    """Who can read the object of the bucket, which the first account has."""
    able = set()
    for account, kinds in estates.items():
        for kind, named in kinds.items():
            for name, has in named.items():
                who = arn(f"{kind}/{name}", account)
                if _reads(who, kind, account, has, bucket, scps[account]):
                    able.add(who)
    return able


def _reads(
    who: str, kind: str, account: str, has: dict[str, Any], bucket: list[dict[str, Any]], scp: list[dict[str, Any]]
) -> bool:  # fmt: skip
    mine = [own for own in bucket if own["Principal"]["AWS"] in {who, arn("root", account)}]
    direct = [own for own in mine if own["Principal"]["AWS"] == who]
    boundary = has["boundary"]
    denying = (has["inline"], boundary or [], scp, mine)
    if any(says(own, "Deny") for own in denying) or not says(scp, "Allow"):
        return False
    by_identity = says(has["inline"], "Allow")
    within = boundary is None or says(boundary, "Allow")
    if account != ACCOUNT:
        return by_identity and within and says(mine, "Allow")
    if says(direct, "Allow"):
        # What names a user needs nothing else; a role's session is limited by the role's boundary.
        return kind == "user" or within
    return by_identity and within


FULL = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def facts(kinds: Any, account: str, scp: list[dict[str, Any]], bucket: Any) -> dict[str, Any]:
    policies = {
        f"{kind}-{name}": own["boundary"]
        for kind, named in kinds.items()
        for name, own in named.items()
        if own["boundary"] is not None
    }
    case = {
        f"{kind}s": [
            {
                "name": name,
                "inline": [own["inline"]],
                **({} if own["boundary"] is None else {"boundary": f"{kind}-{name}"}),
            }
            for name, own in named.items()
        ]
        for kind, named in kinds.items()
    }
    root = {"id": "r-1", "name": "Root", "policy_types": ["SERVICE_CONTROL_POLICY"]}
    guardrails = [("full", FULL, ["r-1"]), ("own", scp, [account])]
    organization = {
        "organizations.organization": {"id": "o-a1b2c3d4e5", "management_account": "999900001111", "feature_set": "ALL"},
        "organizations.tree": {"units": [root], "members": [{"id": account, "name": account, "parent": "r-1"}]},
        "organizations.guardrails": [
            {"id": f"p-{name}", "name": name, "type": "SERVICE_CONTROL_POLICY", "targets": at, "document": policy(document)}
            for name, document, at in guardrails
        ],
        "s3.bucket_policies": bucket,
    }  # fmt: skip
    return facts_of(case | {"policies": policies, "facts": organization}, account)


@given(
    here=people,
    there=people,
    bucket=of_bucket,
    scps=st.tuples(*[st.one_of(st.just(FULL), statements)] * 2),
)
def test_who_can_is_what_the_oracle_says(here: Any, there: Any, bucket: Any, scps: Any) -> None:
    written = [own for own in bucket if own]
    document = policy(written) if written else None
    limits = dict(zip((ACCOUNT, OTHER), scps, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        held = [{"bucket": "books", "document": document}]
        for account, kinds, has in ((ACCOUNT, here, held), (OTHER, there, [])):
            made = snapshot(facts(kinds, account, limits[account], has), id=account)
            snapshots.save(made, Path(folder) / f"{account}.json")
        asked = {"action": "access", "who_can": [ACTION], "on": OBJECT, "snapshot": folder}
        rows = tool.run(asked, cli=True).facts["principals"]
    assert {row["verdict"] for row in rows} <= {"can"}
    found = {row["principal"] for row in rows}
    assert found == oracle({ACCOUNT: here, OTHER: there}, written, limits), json.dumps(written)
