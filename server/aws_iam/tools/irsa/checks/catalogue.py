"""Every check of workload identity, in the order of the reference: trust policies first, then what needs an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules.check import Check, checks_in, needs_of
from aws_iam.tools.irsa.checks import (
    clusters,
    issuers,
    nodes,
    other_workloads,
    pod_identity,
    providers_and_roles,
    scope,
    service_accounts,
    trust_in_pods,
    workflows,
)
from aws_iam.tools.irsa.checks.subject import Trust, Workloads

if TYPE_CHECKING:
    from aws_iam.account.collect.fact import Fact
    from aws_iam.rules.checks_page import Families

FAMILIES: Families = (
    ("Who gets in", issuers),
    ("How far trust reaches", scope),
    ("Trust in pods", trust_in_pods),
    ("Providers and roles of the account", providers_and_roles),
    ("IRSA and service accounts", service_accounts),
    ("CI workflows", workflows),
    ("EKS Pod Identity", pod_identity),
    ("Nodes", nodes),
    ("Clusters", clusters),
    ("Services, certificates, users and outbound tokens", other_workloads),
)
CHECKS: tuple[Check[Any], ...] = checks_in(*(module for _, module in FAMILIES))
ON_TRUST: tuple[Check[Trust], ...] = tuple(check for check in CHECKS if check.on is Trust)
ON_ACCOUNT: tuple[Check[Workloads], ...] = tuple(
    check for check in CHECKS if check.on is Workloads
)
NEEDS: tuple[Fact[Any], ...] = needs_of(CHECKS)
"""The facts that the checks of an account read."""
