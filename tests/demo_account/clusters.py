"""The demonstration company's EKS clusters, in AWS's words; moto knows neither access entries nor add-ons.

`storefront` is open to the world, unwatched, and administered by a job on GitHub and by a user; `warehouse` is old: its
administrators stand in a ConfigMap, and its secrets are not encrypted. `catalogue` is as it should be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from demo_account.call import ACCOUNT, AWAY, HOME

_POLICY = "arn:aws:eks::aws:cluster-access-policy"
_OFFICE = "203.0.113.0/24"
_EVERYBODY = "0.0.0.0/0"
_KINDS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    """An access entry with one policy, for the namespaces or for the whole cluster."""

    principal: str
    policy: str
    namespaces: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:{self.principal}"

    def associated(self) -> dict[str, Any]:
        scope = {"type": "namespace" if self.namespaces else "cluster"}
        return {
            "policyArn": f"{_POLICY}/{self.policy}",
            "accessScope": {**scope, "namespaces": list(self.namespaces)},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """What tells one cluster from another."""

    name: str
    region: str
    issuer_id: str
    version: str = "1.34"
    mode: str = "API"
    public_ranges: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    access: tuple[_Access, ...] = ()

    def described(self) -> dict[str, Any]:
        start = f"arn:aws:eks:{self.region}:{ACCOUNT}:cluster/{self.name}"
        network = {
            "endpointPublicAccess": bool(self.public_ranges),
            "endpointPrivateAccess": True,
            "publicAccessCidrs": list(self.public_ranges),
        }
        logging = [
            {"types": [kind for kind in _KINDS if (kind in self.logs) is on], "enabled": on}
            for on in (True, False)
        ]
        issuer = f"https://oidc.eks.{self.region}.amazonaws.com/id/{self.issuer_id}"
        return {
            "name": self.name,
            "arn": start,
            "version": self.version,
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/eks-clusters",
            "resourcesVpcConfig": network,
            "logging": {"clusterLogging": logging},
            "identity": {"oidc": {"issuer": issuer}},
            "accessConfig": {"authenticationMode": self.mode},
            "status": "ACTIVE",
        }


_CLUSTERS = (
    _Cluster(
        name="catalogue",
        region=HOME,
        issuer_id="4C1F0E5B6A7D48F29B3D0C5E8A1F7B26",
        public_ranges=(_OFFICE,),
        logs=("api", "audit", "authenticator"),
        access=(
            _Access(principal="role/SecurityAudit", policy="AmazonEKSAdminViewPolicy"),
            _Access(
                principal="role/github-shop-main",
                policy="AmazonEKSEditPolicy",
                namespaces=("catalogue",),
            ),
        ),
    ),
    _Cluster(
        name="storefront",
        region=HOME,
        issuer_id="9B2D7C4E1F6A4038A5C7E0D1B8F3926D",
        mode="API_AND_CONFIG_MAP",
        public_ranges=(_EVERYBODY,),
        logs=("api",),
        access=(
            _Access(principal="role/github-deploy-legacy", policy="AmazonEKSClusterAdminPolicy"),
            _Access(principal="user/bob.okafor", policy="AmazonEKSClusterAdminPolicy"),
        ),
    ),
    _Cluster(
        name="warehouse",
        region=AWAY,
        issuer_id="E7A0B3C95D1248E6B9F4D2A6C81E5073",
        version="1.27",
        mode="CONFIG_MAP",
        logs=("audit",),
    ),
)
_PATH = re.compile(
    r"GET /clusters(?:/([^/]+)(?:/(access-entries|addons|node-groups|fargate-profiles|pod-identity-associations)"
    r"(?:/(.+)/access-policies)?)?)?"
)
# The lists that no cluster has anything in.
_EMPTY = {
    "addons": "addons",
    "node-groups": "nodegroups",
    "fargate-profiles": "fargateProfileNames",
    "pod-identity-associations": "associations",
}


def answer(region: str, operation: str) -> dict[str, Any] | None:
    """The answer of EKS to a request, as method and path; None for what this company has not."""
    path = _PATH.fullmatch(operation)
    if path is None:
        return None
    name, part, principal = path.groups()
    there = {cluster.name: cluster for cluster in _CLUSTERS if cluster.region == region}
    if name is None:
        return {"clusters": list(there)}
    return _of_cluster(there[name], part, principal) if name in there else None


def _of_cluster(
    cluster: _Cluster, part: str | None, principal: str | None
) -> dict[str, Any] | None:
    if part is None:
        return {"cluster": cluster.described()}
    if part in _EMPTY:
        return {_EMPTY[part]: []}
    if cluster.mode == "CONFIG_MAP":
        # EKS refuses this.
        return None
    if principal is None:
        return {"accessEntries": [entry.arn for entry in cluster.access]}
    policies = [entry.associated() for entry in cluster.access if entry.arn == principal]
    return {"associatedAccessPolicies": policies}
