"""EKS Pod Identity in an account: roles that do not fit their association, conditions that never match, target roles."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import matches
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail, for_each
from aws_iam.tools.irsa.checks.roles import (
    Bound,
    association_fails,
    bound_or_missing,
    may,
    of_associations,
    own_role,
    policies,
    read,
)
from aws_iam.tools.irsa.checks.samples import (
    ACCOUNT,
    PODS,
    REGION,
    association,
    cluster,
    for_github,
    for_pod_identity,
    role,
    role_arn,
    roles,
    service_account,
    workloads,
)
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.engine.language.document import Policy, Statement
    from aws_iam.rules.outcomes import Outcome

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_ROLE_PAGE = f"{_EKS}/pod-id-role.html"
_TARGET_PAGE = f"{_EKS}/pod-id-assign-target-role.html"
_PAGE = f"{_EKS}/pod-identities.html"
_CREATE = (
    "https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html"
)
_TAGS = ("aws:requesttag/kubernetes-", "aws:requesttag/eks-")
_ABAC = ("principaltag/kubernetes-", "principaltag/eks-")
_MOST_SHARING = 5
_EXTERNAL_ID = f"{REGION}/{ACCOUNT}/prod/shop/cart"
_BY_TAG = {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "shop"}}
_POD = role("cart", for_pod_identity(_BY_TAG))
_ONE = association("shop", "cart", "cart")
_UNTAGGED = association("shop", "cart", "cart", session_tags=False)


def _needed(policy: Policy, names: tuple[str, ...], action: str) -> list[Statement]:
    """The Allow statements for the action, if each requires one of the keys; else none."""
    allows = [
        s
        for s in policy.statements
        if s.allows and any(matches(a.value, action, ignore_case=True) for a in s.actions)
    ]
    requiring = [
        s for s in allows if any(c.demanded and c.name.startswith(names) for c in s.conditions)
    ]
    return requiring if len(requiring) == len(allows) else []


def _trust(role_: Role) -> Policy:
    found = read(role_)
    if found is None:
        raise NotCollected(
            f"the trust policy of {quoted(role_.name)} cannot be read",
            call="iam:GetAccountAuthorizationDetails",
            code="unreadable document",
        )
    return found.policy


@check(
    "PID-ROLE-BAD",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION, CLUSTERS),
    title="The association's role cannot be used by its pods",
    fix="Give the association a role of the cluster's account that trusts pods.eks.amazonaws.com.",
    source=_ROLE_PAGE,
    bad=[
        workloads(roles(), cluster(_ONE)),
        workloads(roles(role("cart", for_github())), cluster(_ONE)),
        workloads(roles(_POD), cluster(association("shop", "cart", "x", role="arn:aws:iam::999999999999:role/x"))),
    ],
    good=[workloads(roles(_POD), cluster(_ONE)), workloads(roles(_POD), cluster())],
)  # fmt: skip
def unusable(at: Workloads) -> Iterator[Outcome]:
    """The pods get no credentials from the association, and the SDK falls back to those of the node.

    False alarm when the role was corrected after the snapshot was taken.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        arn = bound.details.role
        if f":{at.account.id}:" not in arn:
            yield association_fails(
                bound,
                f"{quoted(arn)} is a role of another account",
                "Name it as the target role instead.",
            )
            return
        found = own_role(at, arn)
        if found is None:
            yield association_fails(
                bound, f"{quoted(arn)} does not exist", "Create it, or change the association."
            )
        elif not any(True for _ in _serving(_trust(found))):
            yield association_fails(
                bound,
                f"{quoted(arn)} does not trust `{PODS}`",
                f"Allow `{PODS}` sts:AssumeRole and sts:TagSession in its trust policy.",
            )

    yield from of_associations(at, test)


def _serving(policy: Policy) -> Iterator[Statement]:
    for statement in policy.statements:
        serves = any(p.type == "Service" and p.value == PODS for p in statement.principals)
        if statement.allows and serves:
            yield statement


@check(
    "PID-TAGCOND-DEAD",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION, CLUSTERS),
    title="The role tests session tags that the association does not send",
    fix="Turn session tags on, or test aws:SourceOrgId or aws:SourceArn instead.",
    source=_CREATE,
    bad=[workloads(roles(_POD), cluster(_UNTAGGED))],
    good=[
        workloads(roles(_POD), cluster(_ONE)),
        workloads(roles(role("cart", for_pod_identity())), cluster(_UNTAGGED)),
    ],
)
def dead_tags(at: Workloads) -> Iterator[Outcome]:
    """With disableSessionTags the condition never matches, so the pods get no credentials.

    False alarm when another statement lets the association in.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        found = own_role(at, bound.details.role)
        if bound.details.session_tags or found is None:
            return
        for statement in _needed(_trust(found), _TAGS, "sts:AssumeRole")[:1]:
            key = next(c.key for c in statement.conditions if c.name.startswith(_TAGS))
            yield association_fails(
                bound,
                f"{quoted(found.arn)} requires {quoted(key.value)}, which never matches without session tags",
                at=key.where,
            )

    yield from of_associations(at, test)


_BY_NAMESPACE = {
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/${aws:PrincipalTag/kubernetes-namespace}/*",
}
_ABAC_ROLE = role("cart", for_pod_identity(), allows=[_BY_NAMESPACE])


@check(
    "PID-ABAC-OFF",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION, CLUSTERS),
    title="Policies depend on session tags that the association does not send",
    fix="Turn session tags on, or write the policies without them.",
    source=f"{_EKS}/pod-id-abac.html",
    bad=[workloads(roles(_ABAC_ROLE), cluster(_UNTAGGED))],
    good=[workloads(roles(_ABAC_ROLE), cluster(_ONE)), workloads(roles(_POD), cluster(_UNTAGGED))],
)
def dead_abac(at: Workloads) -> Iterator[Outcome]:
    """A policy variable without a value matches nothing, so these policies allow nothing.

    False alarm when other policies of the role allow the same.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        found = own_role(at, bound.details.role)
        if bound.details.session_tags or found is None:
            return
        for text in policies(at, found):
            tag = next((word for word in _ABAC if word in text.lower()), None)
            if tag:
                yield association_fails(
                    bound, f"a policy of {quoted(found.arn)} uses `aws:{tag}…`, which has no value"
                )
                return

    yield from of_associations(at, test)


def _target(condition: Mapping[str, object] | None) -> Role:
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        **({"Condition": condition} if condition else {}),
    }
    return role("ledger", statement)


_ASSUMES = {"Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": role_arn("ledger")}
_CHAINED = role("cart", for_pod_identity(), allows=[_ASSUMES])
_TO_TARGET = association(
    "shop", "cart", "cart", target_role=role_arn("ledger"), external_id=_EXTERNAL_ID, session_tags=False
)  # fmt: skip


@check(
    "PID-TARGET-NOEXTID",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION, CLUSTERS),
    title="The target role does not test which association uses it",
    fix="Add StringEquals on sts:ExternalId with the association's externalId.",
    source=_TARGET_PAGE,
    bad=[workloads(roles(_CHAINED, _target(None)), cluster(_TO_TARGET))],
    good=[
        workloads(
            roles(_CHAINED, _target({"StringEquals": {"sts:ExternalId": _EXTERNAL_ID}})),
            cluster(_TO_TARGET),
        ),
        workloads(roles(_CHAINED, _target(_BY_TAG)), cluster(_TO_TARGET)),
    ],
)
def any_association(at: Workloads) -> Iterator[Outcome]:
    """Anything else that can use the association's role can reach the target role too.

    False alarm when the association's role is used for nothing else.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        arn, external_id = bound.details.target_role, bound.details.external_id
        if not arn:
            return
        found = own_role(at, arn)
        if found is None:
            raise _unseen(at, arn, external_id)
        tested = _needed(_trust(found), ("sts:externalid", *_TAGS), "sts:AssumeRole")
        if not tested:
            yield association_fails(
                bound,
                f"target role {quoted(arn)} tests neither `sts:ExternalId` nor the session tags",
                f'Add "StringEquals": {json.dumps({"sts:ExternalId": external_id or "EXTERNAL_ID"})} to its trust policy.',
            )

    yield from of_associations(at, test)


def _unseen(at: Workloads, arn: str, external_id: str | None) -> NotCollected:
    """The error for a target role that cannot be read, with what its trust policy should have."""
    wanted = json.dumps({"StringEquals": {"sts:ExternalId": external_id or "EXTERNAL_ID"}})
    if f":{at.account.id}:" in arn:
        message = f"target role {quoted(arn)} is not among the account's roles"
    else:
        message = f"target role {quoted(arn)} belongs to another account; its trust policy should have {wanted}"
    return NotCollected(message, call="iam:GetRole", code="not read", permission="iam:GetRole")


@check(
    "PID-TARGET-NOASSUME",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION, CLUSTERS),
    title="The association's role may not assume its target role",
    fix="Allow the role sts:AssumeRole and sts:TagSession on the target.",
    source=_TARGET_PAGE,
    bad=[workloads(roles(role("cart", for_pod_identity())), cluster(_TO_TARGET))],
    good=[workloads(roles(_CHAINED), cluster(_TO_TARGET)), workloads(roles(_POD), cluster(_ONE))],
)
def unchained(at: Workloads) -> Iterator[Outcome]:
    """EKS assumes the target role from the association's role; without the permission the pods get no credentials.

    False alarm when the permission was added after the snapshot was taken.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        found, target = own_role(at, bound.details.role), bound.details.target_role
        if found is None or not target:
            return
        missing = [
            a for a in ("sts:AssumeRole", "sts:TagSession") if not may(at, found, a, target)
        ]
        if missing:
            listed = " and ".join(missing)
            statement = {"Effect": "Allow", "Action": missing, "Resource": target}
            yield association_fails(
                bound,
                f"{quoted(found.arn)} may not call {listed} on {quoted(target)}",
                f"Allow it with {json.dumps(statement)}.",
            )

    yield from of_associations(at, test)


_ANNOTATED = service_account("shop", "cart", {"eks.amazonaws.com/role-arn": role_arn("old")})


@check(
    "PID-DUAL",
    on=Workloads,
    severity=Severity.LOW,
    needs=(CLUSTERS,),
    title="The service account has both an association and an annotation",
    fix="Remove the annotation eks.amazonaws.com/role-arn: the association wins.",
    source=_PAGE,
    bad=[workloads(cluster(_ONE), accounts=[_ANNOTATED])],
    good=[
        workloads(cluster(_ONE), accounts=[service_account("shop", "cart", {})]),
        workloads(cluster(), accounts=[_ANNOTATED]),
        workloads(cluster(_ONE)),
    ],
)
def both_ways(at: Workloads) -> Iterator[Outcome]:
    """Anyone who reads the annotation takes the pods to have a role that they do not have.

    False alarm while the workload moves from IRSA to Pod Identity.
    """
    annotated = {(a.namespace, a.name): a for a in at.service_accounts or () if a.role}
    if not annotated:
        return

    def test(bound: Bound) -> Iterator[Fail]:
        found = annotated.get((bound.association.namespace, bound.association.service_account))
        if found is not None:
            yield association_fails(
                bound,
                f"the annotation names {quoted(found.role)}, but the pods get {quoted(bound.details.role)}",
                f"kubectl annotate serviceaccount -n {shlex.quote(found.namespace)} {shlex.quote(found.name)} "
                "eks.amazonaws.com/role-arn-",
                at=found.where,
            )

    yield from of_associations(at, test)


_MANY = tuple(association("shop", f"app{n}", "cart", n) for n in range(_MOST_SHARING + 1))
_OPEN_ROLE = role("cart", for_pod_identity(), allows=[{"Action": "s3:GetObject", "Resource": "*"}])


@check(
    "PID-POLICY-WIDE",
    on=Workloads,
    severity=Severity.INFO,
    needs=(AUTHORIZATION, CLUSTERS),
    title="Many associations share a role, and nothing separates their permissions",
    fix="Give the associations a session policy, or make the role's policies depend on the session tags.",
    source=_CREATE,
    bad=[workloads(roles(_OPEN_ROLE), cluster(*_MANY))],
    good=[
        workloads(roles(_ABAC_ROLE), cluster(*_MANY)),
        workloads(roles(_OPEN_ROLE), cluster(_ONE)),
    ],
)
def shared(at: Workloads) -> Iterator[Outcome]:
    """Each workload can do what any of the others can.

    False alarm when the workloads are parts of one application.
    """
    listed = list(bound_or_missing(at))
    found = [entry for entry in listed if isinstance(entry, Bound)]
    counted = Counter(
        bound.association.details.role
        for bound in found
        if not isinstance(bound.association.details, Miss)
        and not bound.association.details.has_policy
    )
    wide = [(arn, number) for arn, number in sorted(counted.items()) if number > _MOST_SHARING]

    def test(pair: tuple[str, int]) -> Iterator[Fail]:
        arn, number = pair
        own = own_role(at, arn)
        texts = policies(at, own) if own else ()
        if own and not any(word in text.lower() for text in texts for word in _ABAC):
            yield Fail(arn, f"{number} associations without a session policy share it")

    yield from for_each(wide, test, name=lambda pair: pair[0])
    for entry in listed:
        if isinstance(entry, NotCollected):
            raise entry
