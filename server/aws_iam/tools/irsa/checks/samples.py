"""What the examples of the checks on accounts are made of: roles, providers, clusters, associations."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import (
    CLUSTERS,
    Association,
    AssociationDetails,
    Cluster,
    ClusterDetails,
)
from aws_iam.account.collect.identity.authorization import (
    AUTHORIZATION,
    Authorization,
    InlinePolicy,
    Role,
)
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Where
from aws_iam.engine.sources.kubernetes_objects import (
    Administrator,
    Pods,
    ServiceAccount,
    cluster_of,
)
from aws_iam.rules.examples import policy_with, trusting, trusting_issuer
from aws_iam.tools.irsa.checks.issuers import GOOD
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.account.collect.fact import Held
    from aws_iam.engine.sources.ci_jobs import Workflow
    from aws_iam.tools.irsa.checks.subject import Repository

ACCOUNT = "111122223333"
GITHUB = "token.actions.githubusercontent.com"
CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
RECENTLY = NOW - timedelta(days=3)
REGION = "eu-west-1"
PODS = "pods.eks.amazonaws.com"


def provider_arn(host: str) -> str:
    """The ARN of the account's provider of that issuer."""
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"


def role_arn(name: str) -> str:
    """The ARN of a role of the account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def role(
    name: str,
    *statements: Mapping[str, Any],
    allows: Iterable[Mapping[str, Any]] = (),
    **more: Any,
) -> Role:
    """A role with a trust policy of these statements, and one inline policy of what it is allowed."""
    inline = tuple(
        InlinePolicy(name="own", document=_policy([{"Effect": "Allow", **allow}]))
        for allow in allows
    )
    return Role(name=name, arn=role_arn(name), trust=_policy(statements), inline=inline, **more)


def _policy(statements: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(policy_with(*statements))


def for_github() -> dict[str, Any]:
    """A trust statement for one branch of a repository."""
    return dict(GOOD)


def for_pods_of(namespace: str, *names: str, host: str = CLUSTER) -> dict[str, Any]:
    """A trust statement for service accounts of a cluster."""
    subjects = [f"system:serviceaccount:{namespace}:{name}" for name in names]
    return trusting_issuer(
        {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subjects}}, host
    )


def for_pod_identity(
    condition: Mapping[str, Any] | None = None, *, tags: bool = True
) -> dict[str, Any]:
    """A trust statement for EKS Pod Identity."""
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if tags else [])]
    return trusting({"Service": PODS}, actions, condition)


def association(
    namespace: str, name: str, role_name: str, number: int = 1, **details: Any
) -> Association:
    """An association of a service account with a role of the account."""
    return Association(
        id=f"a-{number}",
        arn=f"arn:aws:eks:{REGION}:{ACCOUNT}:podidentityassociation/prod/a-{number}",
        namespace=namespace,
        service_account=name,
        details=AssociationDetails(**{"role": role_arn(role_name), **details}),
    )


def cluster(*associations: Association, **parts: Any) -> Held:
    """The one cluster of the Region."""
    found = Cluster(
        **{
            "name": "prod",
            "details": ClusterDetails(
                arn=f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod", issuer=f"https://{CLUSTER}"
            ),
            "associations": associations,
            "addons": ("eks-pod-identity-agent",),
            "nodegroups": (),
            "fargate": (),
            **parts,
        }
    )
    return CLUSTERS.held_in(REGION, (found,))


def roles(*found: Role) -> Held:
    """The roles of the account."""
    return AUTHORIZATION.held(Authorization(roles=found))


def workloads(
    *held: Held,
    accounts: Iterable[ServiceAccount] | None = None,
    workflows: Iterable[Workflow] = (),
    administrators: Iterable[str] = (),
    repository: Repository | None = None,
    pods: Iterable[Pods] = (),
) -> Workloads:
    """The account, with service accounts, pods, workflows and administrators of aws-auth where they are given."""
    return Workloads(
        account=account_of(*held, regions=(REGION,)),
        service_accounts=None if accounts is None else tuple(accounts),
        workflows=tuple(workflows),
        administrators=tuple(Administrator(arn=arn, where=Where()) for arn in administrators),
        repository=repository,
        pods=tuple(pods),
    )


def pod(namespace: str, account: str, *variables: str) -> Pods:
    """A pod whose container has these environment variables, read as from its manifest."""
    container = {"name": "app", "env": [{"name": name, "value": "x"} for name in variables]}
    spec = {"serviceAccountName": account, "containers": [container]}
    manifest = {"kind": "Pod", "metadata": {"namespace": namespace, "name": "web"}, "spec": spec}
    return cluster_of(manifest).pods[0]


def service_account(namespace: str, name: str, annotations: Mapping[str, Any]) -> ServiceAccount:
    """A service account, read as from its manifest."""
    metadata = {"namespace": namespace, "name": name, "annotations": dict(annotations)}
    manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return cluster_of(manifest).service_accounts[0]
