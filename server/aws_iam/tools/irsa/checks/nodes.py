"""Nodes of EKS clusters: agents that serve pods, what the nodes may do, and whether pods reach their credentials."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import (
    CLUSTERS,
    ClusterDetails,
    FargateProfile,
    MetadataOptions,
    Nodegroup,
    NodegroupDetails,
    Selector,
)
from aws_iam.account.collect.compute.eks_nodes import NODES, Node
from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity, Where
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.kubernetes_objects import Pods
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail, for_each, unread
from aws_iam.tools.irsa.checks.roles import (
    association_fails,
    clusters,
    may,
    of_associations,
    own_role,
)
from aws_iam.tools.irsa.checks.samples import (
    ACCOUNT,
    REGION,
    association,
    cluster,
    role,
    role_arn,
    roles,
    workloads,
)
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.compute.eks_clusters import Cluster
    from aws_iam.account.collect.fact import Held
    from aws_iam.rules.outcomes import Outcome
    from aws_iam.tools.irsa.checks.roles import Bound

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_BEST = "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
_AGENT = "eks-pod-identity-agent"
_ONE = association("shop", "cart", "cart")


@check(
    "PID-NO-AGENT",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(CLUSTERS,),
    title="The cluster has associations but no agent to serve them",
    fix=f"aws eks create-addon --cluster-name CLUSTER --addon-name {_AGENT}",
    source=f"{_EKS}/pod-id-agent-setup.html",
    bad=[workloads(cluster(_ONE, addons=("vpc-cni",)))],
    good=[
        workloads(cluster(_ONE)),
        workloads(cluster(addons=())),
        workloads(
            cluster(
                _ONE,
                addons=(),
                details=ClusterDetails(
                    arn=f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod", auto_mode=True
                ),
            )
        ),
    ],
)
def no_agent(at: Workloads) -> Iterator[Outcome]:
    """Pods ask the agent on their node for credentials, and nothing answers.

    False alarm when the agent was installed with its chart, which the API does not show: the
    finding has low confidence.
    """

    def test(pair: tuple[str, Cluster]) -> Iterator[Fail]:
        region, found = pair
        bound, details = known(found.associations), known(found.details)
        if not bound or details.auto_mode or _AGENT in known(found.addons):
            return
        yield Fail(
            details.arn,
            f"{len(bound)} associations, but the add-on `{_AGENT}` is not installed",
            region,
            fix=f"aws eks create-addon --cluster-name {shlex.quote(found.name)} --addon-name {_AGENT} --region {region}",
            low_confidence=True,
        )

    yield from for_each(list(clusters(at)), test, name=lambda pair: pair[1].name)


def _nodes(**more: object) -> Nodegroup:
    details = NodegroupDetails(
        arn=f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/prod/n/1", role=role_arn("nodes"), **more  # type: ignore[arg-type]
    )  # fmt: skip
    return Nodegroup(name="n", details=details)


_ASKS = {"Action": "eks-auth:AssumeRoleForPodIdentity", "Resource": "*"}
_EC2 = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


@check(
    "PID-NODE-PERM",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION, CLUSTERS),
    title="The nodes may not fetch credentials for their pods",
    fix="Attach AmazonEKSWorkerNodePolicy to the node role, or allow it to call eks-auth:AssumeRoleForPodIdentity.",
    source=f"{_EKS}/pod-id-agent-setup.html",
    bad=[workloads(roles(role("nodes", _EC2)), cluster(_ONE, nodegroups=(_nodes(),)))],
    good=[
        workloads(roles(role("nodes", _EC2, allows=[_ASKS])), cluster(_ONE, nodegroups=(_nodes(),))),
        workloads(roles(role("nodes", _EC2)), cluster(nodegroups=(_nodes(),))),
    ],
)  # fmt: skip
def powerless_nodes(at: Workloads) -> Iterator[Outcome]:
    """The agent asks EKS for credentials with the node's role.

    False alarm when the permission was added after the snapshot was taken.
    """

    def test(pair: tuple[str, Cluster]) -> Iterator[Fail]:
        region, found = pair
        if not known(found.associations):
            return
        arn = known(found.details).arn
        for group in known(found.nodegroups):
            details = known(group.details)
            node = own_role(at, details.role or "")
            if node and not may(at, node, "eks-auth:AssumeRoleForPodIdentity", arn):
                yield Fail(
                    details.arn,
                    f"node role {quoted(node.arn)} of {quoted(group.name)} may not call eks-auth:AssumeRoleForPodIdentity",
                    region,
                )

    yield from for_each(list(clusters(at)), test, name=lambda pair: pair[1].name)


_ON_WINDOWS = Pods(
    title="Deployment cart", namespace="shop", service_account="cart", windows=True, where=Where()
)


def _profile(namespace: str, *, labelled: bool = False) -> FargateProfile:
    return FargateProfile(name="f", selectors=(Selector(namespace=namespace, labelled=labelled),))


@check(
    "PID-UNSUPPORTED",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(CLUSTERS,),
    title="The association's pods run where Pod Identity does not work",
    fix="Use IRSA for pods on Fargate and on Windows nodes.",
    source=f"{_EKS}/pod-identities.html",
    bad=[
        workloads(cluster(_ONE, fargate=(_profile("shop"),))),
        replace(workloads(cluster(_ONE)), pods=(_ON_WINDOWS,)),
    ],
    good=[
        workloads(cluster(_ONE, fargate=(_profile("jobs"),))),
        workloads(cluster(_ONE)),
    ],
)
def unsupported(at: Workloads) -> Iterator[Outcome]:
    """Pods on Fargate and on Windows nodes have no agent, so the association gives them nothing.

    False alarm when the pods also run on Linux nodes.
    """

    def test(bound: Bound) -> Iterator[Fail]:
        one = bound.association
        for pods in at.pods:
            if pods.windows and (pods.namespace, pods.service_account) == (
                one.namespace,
                one.service_account,
            ):
                yield association_fails(
                    bound, f"{quoted(pods.title)} runs on Windows nodes", at=pods.where
                )
        for profile in known(bound.cluster.fargate):
            for selector in known(profile.selectors):
                if matches(selector.namespace, bound.association.namespace):
                    some = ", for pods with certain labels" if selector.labelled else ""
                    yield association_fails(
                        bound,
                        f"Fargate profile {quoted(profile.name)} runs pods of the namespace{some}",
                        low_confidence=selector.labelled,
                    )

    yield from of_associations(at, test)


def _node(tokens: str, hops: int) -> Held:
    node = Node(
        id="i-1",
        arn=f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",
        cluster="prod",
        state="running",
        http_tokens=tokens,
        hop_limit=hops,
    )
    return NODES.held_in(REGION, (node,))


def _template(hops: int | None) -> Held:
    options = MetadataOptions(http_tokens="required", hop_limit=hops)
    return cluster(nodegroups=(_nodes(template="lt-1", metadata=options),))


_NO_NODES = NODES.held_in(REGION, ())
_NO_CLUSTERS = cluster()
_GONE = frozenset({"terminated", "shutting-down"})


@check(
    "EKS-IMDS",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(NODES, CLUSTERS),
    title="Pods can reach the credentials of their node",
    fix="Require IMDSv2 with a hop limit of 1 in the launch template of the nodes.",
    source=_BEST,
    bad=[
        workloads(_node("optional", 1), _NO_CLUSTERS),
        workloads(_node("required", 2), _NO_CLUSTERS),
        workloads(_NO_NODES, _template(2)),
    ],
    good=[workloads(_node("required", 1), _template(1)), workloads(_NO_NODES, _template(None))],
)
def open_metadata(at: Workloads) -> Iterator[Outcome]:
    """A pod that calls the metadata service gets the node's role, which allows more than a pod should be able to do.

    False alarm when a network policy keeps pods from the metadata service.
    """
    for region, found in at.account.in_each(NODES):
        if isinstance(found, Miss):
            yield unread(found.error(), region=region)
            continue
        for node in found:
            why = _why_open(node.http_tokens, node.hop_limit)
            if why and node.state not in _GONE:
                yield Fail(
                    node.arn,
                    f"node of cluster {quoted(node.cluster)}: {why}",
                    region,
                    fix=f"aws ec2 modify-instance-metadata-options --instance-id {node.id} --http-tokens required "
                    "--http-put-response-hop-limit 1; for new nodes set both in the launch template.",
                )
    yield from for_each(list(_groups(at)), _of_template, name=lambda pair: pair[1].name)


def _groups(at: Workloads) -> Iterator[tuple[str, Nodegroup]]:
    refused: Miss | None = None
    for region, found in clusters(at):
        if isinstance(found.nodegroups, Miss):
            refused = found.nodegroups
            continue
        for group in found.nodegroups:
            yield region, group
    if refused is not None:
        raise refused.error()


def _of_template(pair: tuple[str, Nodegroup]) -> Iterator[Outcome]:
    region, group = pair
    details = group.details
    if isinstance(details, Miss):
        raise details.error()
    if isinstance(details.metadata, Miss):
        raise details.metadata.error()
    why = (
        _why_open(details.metadata.http_tokens, details.metadata.hop_limit)
        if details.metadata
        else ""
    )
    if why:
        yield Fail(details.arn, f"launch template {quoted(details.template or '')}: {why}", region)


def _why_open(tokens: str | None, hops: int | None) -> str:
    """Why pods can reach the service; a setting that is absent is decided by the image or the account, and is not judged."""
    if tokens is not None and tokens != "required":
        return "HttpTokens is optional"
    if hops is not None and hops > 1:
        return f"the hop limit is {hops}"
    return ""
