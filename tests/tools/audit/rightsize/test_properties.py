"""Of any account: nobody gains anything, every use is still allowed where it was, and nobody else loses anything."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.tools.audit.rightsize.combined_policy import one_document
from aws_iam.tools.audit.rightsize.events_by_principal import EventsByPrincipal
from aws_iam.tools.audit.rightsize.judged_principals import judged
from aws_iam.tools.audit.rightsize.policies_in_use import policies_of
from aws_iam.tools.audit.rightsize.recorded_use import Window
from helpers.cis_snapshots import NOW, facts_with_use, snapshot
from helpers.tables.examples import examples

ACTIONS = ("s3:GetObject", "s3:CreateBucket", "s3:DeleteBucket", "sqs:SendMessage", "sqs:PurgeQueue", "ec2:RunInstances", "iam:PassRole")  # fmt: skip
RESOURCES = {
    "s3": ("arn:aws:s3:::a/k", "arn:aws:s3:::b/k", "arn:aws:s3:::a"),
    "sqs": ("arn:aws:sqs:eu-west-1:111122223333:a", "arn:aws:sqs:eu-west-1:111122223333:b"),
    "ec2": ("arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",),
    "iam": ("arn:aws:iam::111122223333:role/a",),
}
REQUESTS = [(action, resource) for action in ACTIONS for resource in RESOURCES[action.partition(":")[0]]]  # fmt: skip
entries = st.lists(
    st.sampled_from([*ACTIONS, "*", "s3:*", "s3:Create*", "s3:*Bucket", "sqs:*", "ec2:*", "iam:*", "*:Get*"]),
    min_size=1,
    max_size=3,
    unique=True,
)  # fmt: skip
statements = st.builds(
    lambda effect, element, actions, resource, condition: {
        "Effect": effect,
        element: actions,
        "Resource": resource,
        **({"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "Action", "NotAction"]),
    entries,
    st.sampled_from(["*", "arn:aws:s3:::a*", ["arn:aws:s3:::b/*", "arn:aws:sqs:*:*:a"], "arn:aws:*:*:*:*"]),
    st.booleans(),
)  # fmt: skip
policies = st.lists(statements, min_size=1, max_size=3)
days = st.sampled_from([None, "2 days ago", "200 days ago"])
uses = st.fixed_dictionaries(
    dict.fromkeys(RESOURCES, days),
    optional={f"{action}": days for action in ACTIONS if action != "iam:PassRole"},
)
NAMES = ("role/a", "role/b", "user/ann", "user/bob", "role/young")
attached = st.lists(st.sampled_from(["one", "two", "AWSAll"]), max_size=2, unique=True)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    def identity(name: str) -> dict[str, Any]:
        kind, _, own = name.partition("/")
        created = "3 days ago" if own == "young" else "300 days ago"
        inline = draw(st.lists(policies, max_size=2))
        made = {"name": own, "created": created, "inline": inline, "attached": draw(attached)}
        if kind == "role":
            return made | {"last_used": draw(st.sampled_from([None, "2 days ago"]))}
        return made | {"groups": draw(st.sampled_from([[], ["dev"]]))}

    return {
        "roles": [identity(name) for name in NAMES if name.startswith("role")],
        "users": [identity(name) for name in NAMES if name.startswith("user")],
        "groups": [{"name": "dev", "inline": [draw(policies)], "attached": draw(attached)}],
        "policies": {name: draw(policies) for name in ("one", "two", "AWSAll")},
        "used": {name: draw(uses) for name in NAMES},
    }


def allowed(documents: list[dict[str, Any]], principal: str) -> set[tuple[str, str]]:
    found = set()
    for action, resource in REQUESTS:
        request = {
            "principal": principal,
            "action": action,
            "resource": resource,
            "context": {"aws:RequestedRegion": "eu-west-1"},
        }
        if evaluate(request, {"identity": documents}).outcome == "Allowed":
            found.add((action, resource))
    return found


@given(cases())
@settings(max_examples=examples(10), deadline=None)
def test_a_proposal_is_never_wider_and_keeps_every_use(case: dict[str, Any]) -> None:
    account = snapshot(facts_with_use(case))
    authorization = account.require(AUTHORIZATION)
    judgement = judged(account, authorization, Window.of(NOW, None), EventsByPrincipal())
    _, before = policies_of(authorization)
    texts = {arn_: [json.loads(p.text) for p, _ in own.held] for arn_, own in before.items()}
    for principal in judgement.principals:
        name = principal.identity.arn
        had = allowed(texts[name], name)
        if principal.verdict != "smaller":
            assert principal.documents == ()
            continue
        document = one_document(principal.documents)
        has = allowed([document] if document["Statement"] else [], name)
        assert has <= had
        # One on each side: of many policies apart the search may use up its budget.
        relation = compare(document, one_document(texts[name])).relation
        assert relation in {"less", "equal"}
        used = {use for use, last in case["used"][name.rpartition(":")[2]].items() if last}
        for action, _ in had - has:
            service = action.partition(":")[0]
            is_tracked = action in case["used"][name.rpartition(":")[2]]
            assert action not in used or service not in used
            assert service not in used or is_tracked or action == "iam:PassRole"


@given(cases())
@settings(max_examples=examples(10), deadline=None)
def test_all_changes_together_take_nothing_from_others(case: dict[str, Any]) -> None:
    account = snapshot(facts_with_use(case))
    authorization = account.require(AUTHORIZATION)
    judgement = judged(account, authorization, Window.of(NOW, None), EventsByPrincipal())
    verdicts = {own.identity.arn: own for own in judgement.principals}
    changed: dict[str, list[Any]] = {}
    for change in judgement.changes:
        for name in change.concerned:
            changed.setdefault(name, []).append(change)
    for name, own in verdicts.items():
        if own.verdict != "smaller":
            assert name not in changed, "nobody loses anything without a proposal"
