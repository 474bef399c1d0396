"""The roles of an account as workloads see them: parsed trust policies, and what the roles may do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.identity_providers import OIDC_SETTINGS
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.escalation import open_paths
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.sources.gather import one_policy
from aws_iam.engine.tokens.oidc_provider import host_of
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.irsa.checks.subject import Trust, Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.compute.eks_clusters import (
        Association,
        AssociationDetails,
        Cluster,
    )
    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.engine.language.document import Policy, Statement


from typing import TYPE_CHECKING, Any

from aws_iam.rules.outcomes import Fail, for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.rules.outcomes import Outcome


DETAILS = "iam:GetAccountAuthorizationDetails"
PODS = "pods.eks.amazonaws.com"
_EKS = re.compile(r"oidc(?:\.eks|-eks)\.(?P<region>[a-z0-9-]+)\.[^/]+/id/(?P<id>.+)")
_ADMINISTRATOR = ":iam::aws:policy/AdministratorAccess"
# Subjects whose severity depends on what the role may do.
_DEPEND_ON_WRITES = (":pull_request", "run_phase")
_READS = frozenset({"Read", "List"})


@slotted
class Trusting:
    """A role with its trust policy read."""

    role: Role
    policy: Policy

    @property
    def hosts(self) -> tuple[str, ...]:
        """The issuers whose tokens it accepts."""
        found = (host_of(p) for s in self.policy.statements if s.allows for p in s.principals)
        return tuple(dict.fromkeys(filter(None, found)))

    @property
    def clusters(self) -> tuple[str, ...]:
        """Those of them that are EKS clusters."""
        return tuple(host for host in self.hosts if eks_region(host))

    @property
    def serves_pods(self) -> tuple[Statement, ...]:
        """The statements that let EKS Pod Identity assume the role."""
        return tuple(
            statement
            for statement in self.policy.statements
            if statement.allows
            and any(p.type == "Service" and p.value == PODS for p in statement.principals)
        )


def eks_region(host: str) -> str:
    """The Region of an EKS issuer, empty for any other."""
    found = _EKS.fullmatch(host)
    return found["region"] if found else ""


def roles(at: Workloads) -> dict[str, Role]:
    """Every role by ARN."""
    return at.once(
        "roles", lambda: {role.arn: role for role in at.account.require(AUTHORIZATION).roles}
    )


def trusting(at: Workloads) -> tuple[Trusting, ...]:
    """The roles that workloads assume: those that trust a token provider or EKS Pod Identity."""
    return at.once("trusting", lambda: tuple(_trusting(at)))


def for_services(at: Workloads) -> tuple[Trusting, ...]:
    """The other roles, which services of AWS assume; those that AWS itself manages are left out."""
    return at.once("for_services", lambda: tuple(_for_services(at)))


def _for_services(at: Workloads) -> Iterator[Trusting]:
    workload_roles = {found.role.arn for found in trusting(at)}
    for role in roles(at).values():
        managed = ":role/aws-service-role/" in role.arn
        if '"Service"' in role.trust and not managed and role.arn not in workload_roles:
            found = read(role)
            if found:
                yield found


def _trusting(at: Workloads) -> Iterator[Trusting]:
    for role in roles(at).values():
        if '"Federated"' in role.trust or PODS in role.trust:
            found = read(role)
            if found and (found.hosts or found.serves_pods):
                yield found


def read(role: Role) -> Trusting | None:
    """The role with its parsed trust policy; None when the policy cannot be read."""
    try:
        return Trusting(role=role, policy=one_policy(role.trust, Kind.TRUST))
    except InputError:
        return None


def trust_of(at: Workloads, role: Trusting) -> Trust:
    """The role's trust policy, with what the severities of its findings depend on."""
    values = [v.value for s in role.policy.statements for c in s.conditions for v in c.values]
    needs_writes = any(word in value for value in values for word in _DEPEND_ON_WRITES)
    is_wide = any("*" in value for value in values)
    return Trust(
        policy=role.policy,
        role=role.role.arn,
        writes=_writes(at, role.role) if needs_writes else None,
        is_powerful=_is_powerful(at, role.role) if is_wide else None,
        client_ids=at.once("client_ids", lambda: _client_ids(at)),
        tags=_tags(at).get(role.role.arn),
    )


def _client_ids(at: Workloads) -> dict[str, tuple[str, ...]] | None:
    found = at.account.get(OIDC_SETTINGS)
    if isinstance(found, Miss):
        return None
    return {p.host: p.settings.client_ids for p in found if not isinstance(p.settings, Miss)}


def policies(at: Workloads, role: Role) -> tuple[str, ...]:
    """The texts of the role's policies; raises NotCollected when AWS did not send one."""
    managed = at.once(
        "managed", lambda: {p.arn: p.document for p in at.account.require(AUTHORIZATION).policies}
    )
    texts = [policy.document for policy in role.inline]
    for attachment in role.attached:
        text = managed.get(attachment.arn)
        if text is None:
            raise NotCollected(
                f"AWS did not send policy {quoted(attachment.name)}",
                call=DETAILS,
                code="no document",
            )
        texts.append(text)
    return tuple(texts)


def _read_policies(at: Workloads, role: Role) -> tuple[Policy, ...] | None:
    try:
        return tuple(one_policy(policy, Kind.IDENTITY) for policy in policies(at, role))
    except (NotCollected, InputError):
        return None


def _writes(at: Workloads, role: Role) -> bool | None:
    found = _read_policies(at, role)
    if found is None:
        return None
    return any(fact.level not in _READS for fact in access(found).facts.values())


def _is_powerful(at: Workloads, role: Role) -> bool | None:
    if any(attachment.arn.endswith(_ADMINISTRATOR) for attachment in role.attached):
        return True
    found = _read_policies(at, role)
    return None if found is None else bool(open_paths(access(found)))


def may(at: Workloads, role: Role, action: str, resource: str) -> bool:
    """Whether the role's own policies allow an action; raises NotCollected if AWS did not send one of them."""
    fields = role.arn.split(":")
    name = role.arn.rpartition("/")[2]
    request = {
        "principal": f"arn:{fields[1]}:sts::{fields[4]}:assumed-role/{name}/eks",
        "principal_role": role.arn,
        "action": action,
        "resource": resource,
    }
    texts = list(policies(at, role))
    decision = evaluate(request, {"identity": texts})
    # Only the identity policies count: the trust policy of a role that is to be assumed has checks of its own.
    return "identity" not in decision.blocked_by


def clusters(at: Workloads) -> Iterator[tuple[str, Cluster]]:
    """Every cluster that was read, with its Region; raises NotCollected at the first Region that was not."""
    for region, found in at.account.in_each(CLUSTERS):
        if isinstance(found, Miss):
            raise found.error()
        for cluster in found:
            yield region, cluster


@slotted
class Bound:
    """An association with its cluster."""

    region: str
    cluster: Cluster
    association: Association

    @property
    def title(self) -> str:
        """Cluster, namespace and service account, for messages."""
        bound = self.association
        return f"{self.cluster.name} {bound.namespace}/{bound.service_account}"

    @property
    def details(self) -> AssociationDetails:
        """The details; raises NotCollected when AWS refused them."""
        if isinstance(self.association.details, Miss):
            raise self.association.details.error()
        return self.association.details


def associations(at: Workloads) -> Iterator[Bound]:
    """Every association that was read; raises NotCollected at the end if some cluster refused to list its own."""
    refused: Miss | None = None
    for region, cluster in clusters(at):
        if isinstance(cluster.associations, Miss):
            refused = cluster.associations
            continue
        for association in cluster.associations:
            yield Bound(region=region, cluster=cluster, association=association)
    if refused is not None:
        raise refused.error()


def _tags(at: Workloads) -> dict[str, bool]:
    """Roles of associations, and whether some association sends them session tags."""
    return at.once("tags", lambda: _tagged(at))


def _tagged(at: Workloads) -> dict[str, bool]:
    found: dict[str, bool] = {}
    try:
        for bound in associations(at):
            details = bound.association.details
            if not isinstance(details, Miss):
                found[details.role] = found.get(details.role, False) or details.session_tags
    except NotCollected:
        return {}
    return found


def is_ci(host: str) -> bool:
    """Whether the issuer is a known CI system, not a cluster or a sign-in service for people."""
    known = issuer_of(host)
    return known is not None and not known.built_in and known.id != "eks"


def _association_arn(bound: Bound) -> str:
    return bound.association.arn


def bound_or_missing(at: Workloads) -> Iterator[Bound | NotCollected]:
    """Every association, and at the end what kept others from being read."""
    try:
        yield from associations(at)
    except NotCollected as missing:
        yield missing


def of_associations(
    at: Workloads, test: Callable[[Bound], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every association; those that could not be read are unknown."""
    found = list(bound_or_missing(at))
    readable = [entry for entry in found if isinstance(entry, Bound)]
    yield from for_each(readable, test, name=_association_arn)
    for entry in found:
        if isinstance(entry, NotCollected):
            raise entry


def own_role(at: Workloads, arn: str) -> Role | None:
    """The account's role of that ARN."""
    return roles(at).get(arn)


def association_fails(bound: Bound, message: str, fix: str | None = None, **more: Any) -> Fail:
    """A failure of an association."""
    return Fail(
        bound.association.arn,
        f"association of {quoted(bound.title)}: {message}",
        bound.region,
        fix=fix,
        **more,
    )
