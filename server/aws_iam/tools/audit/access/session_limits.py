"""Sessions of roles that exist under session policies alone, because a setting of the account hands the role out with them.

session_limits(estate)["arn:aws:iam::111122223333:role/shop"]   →   (SessionLimit: the association's policy, …)

Such a session may do what the role may do *and* its session policies allow; the role itself keeps all that it may do:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session

    EKS Pod Identity      the association's policy limits the target role, if there is one, else the association's role:
                          https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html
    IAM Roles Anywhere    the profile's session policy and its managed policies limit each of its roles:
                          https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ProfileDetail.html
    Transfer Family       the policy of a user, or of a group of a directory, limits its role, in Amazon S3:
                          https://docs.aws.amazon.com/transfer/latest/userguide/users-policies-session.html
    EMR Studio            the policy of an assigned user or group of IAM Identity Center limits the Studio's user role:
                          https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-studio-user-role.html

What else takes a session policy has it from the caller alone, in one run: AWS Glue (`StartJobRun`), HealthOmics (`StartRun`)
and EMR Serverless (`StartJobRun`) tell it of runs that were, which says nothing of the next.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.anywhere_profiles import ANYWHERE_PROFILES
from aws_iam.account.collect.identity.emr_studios import EMR_STUDIOS
from aws_iam.account.collect.identity.transfer_users import TRANSFER_SERVERS
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.managed_policies import managed_policy_of_arn
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.held_policies import Handover, NamedPolicy, SessionLimit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.account.collect.compute.eks_clusters import (
        Association,
        AssociationDetails,
        Cluster,
    )
    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.account.collect.identity.anywhere_profiles import AnywhereProfile
    from aws_iam.account.collect.identity.emr_studios import StudioAssignment, StudioDetails
    from aws_iam.account.collect.identity.transfer_users import TransferServer, TransferUser
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal

_PODS, _ANYWHERE = "pods.eks.amazonaws.com", "rolesanywhere.amazonaws.com"
_TRANSFER, _STUDIO = "transfer.amazonaws.com", "elasticmapreduce.amazonaws.com"
_SERVICES: dict[str, RegionFact[Any]] = {
    _PODS: CLUSTERS,
    _ANYWHERE: ANYWHERE_PROFILES,
    _TRANSFER: TRANSFER_SERVERS,
    _STUDIO: EMR_STUDIOS,
}
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
_TAG = "aws:RequestTag/"
_TAGS_OF_PODS = frozenset(
    f"{_TAG}{name}"
    for name in (
        "eks-cluster-arn",
        "eks-cluster-name",
        "kubernetes-namespace",
        "kubernetes-pod-name",
        "kubernetes-pod-uid",
        "kubernetes-service-account",
    )
)
# A role is passed to them, and so is one of their own account. Transfer Family and EMR have other uses for roles besides.
_FOR_WORKLOADS = frozenset({_PODS, _ANYWHERE})
_VARIABLE = re.compile(
    r"\$\{transfer:(username|homebucket|homefolder|homedirectory)\}", re.IGNORECASE
)
_OF_TRANSFER = re.compile(r"\$\{transfer:", re.IGNORECASE)
_SPECIAL = frozenset('*?$"\\')
_Limited = tuple[str, SessionLimit]
"""The ARN of a role, and what limits some of its sessions."""


def session_limits(estate: Estate) -> Mapping[str, Sequence[SessionLimit]]:
    """The limited sessions of each role, by its ARN."""
    found: dict[str, list[SessionLimit]] = defaultdict(list)
    for member in estate.members.values():
        for role, limit in (
            *limits_of_pods(member),
            *_of_profiles(member),
            *_of_transfers(member),
            *_of_studios(member),
        ):
            found[role].append(limit)
    return {
        role: sorted(limits, key=lambda own: (own.arn, own.whose))
        for role, limits in found.items()
    }


def facts_of_sessions(trust: str) -> Iterator[RegionFact[Any]]:
    """What says which session policies the services that a trust policy lets in give to their sessions."""
    return (fact for service, fact in _SERVICES.items() if service in trust)


def is_had_by_sessions_alone(role: Principal, limits: Sequence[SessionLimit]) -> bool:
    """Whether nobody gets a role but by sessions under session policies, by all that its account has today."""
    trust = getattr(role.identity, "trust", "")
    account = role.member.account
    return (
        bool(limits)
        and account.regions.complete
        and _lets_in_services_alone(trust)
        and all(
            not isinstance(clusters, Miss) and all(_is_limited(own, role.arn) for own in clusters)
            for _, clusters in account.in_each(CLUSTERS)
        )
        and all(
            not isinstance(profiles, Miss)
            and all(own.policy or own.managed or role.arn not in own.roles for own in profiles)
            for _, profiles in account.in_each(ANYWHERE_PROFILES)
        )
    )


def _lets_in_services_alone(trust: str) -> bool:
    """Whether a trust policy lets in nobody but services that create such sessions."""
    try:
        policy = one_policy(trust, Kind.TRUST)
    except InputError:
        return False
    allowing = [own for own in policy.statements if own.allows]
    named = [principal for own in allowing for principal in own.principals]
    return not any(own.has("NotPrincipal") for own in allowing) and all(
        own.type == "Service" and own.value in _FOR_WORKLOADS for own in named
    )


def _is_limited(cluster: Cluster, role: str) -> bool:
    """Whether all pods of a cluster that have a role have it under a session policy."""
    return not isinstance(cluster.associations, Miss) and all(
        not isinstance(own.details, Miss)
        and (own.details.has_policy or role_of_pods(own.details) != role)
        for own in cluster.associations
    )


def role_of_pods(details: AssociationDetails) -> str:
    """The role whose credentials the pods of an association have."""
    return details.target_role or details.role


def handover_to_pods(
    cluster: Cluster, association: Association, details: AssociationDetails
) -> Handover:
    """How the pods of an association get their role."""
    tags = {}
    if details.session_tags:
        tags = {
            f"{_TAG}eks-cluster-name": cluster.name,
            f"{_TAG}kubernetes-namespace": association.namespace,
            f"{_TAG}kubernetes-service-account": association.service_account,
        }
        if not isinstance(cluster.details, Miss):
            tags[f"{_TAG}eks-cluster-arn"] = cluster.details.arn
    return Handover(
        service=_PODS,
        account=association.arn.split(":")[4],
        role=details.role,
        target=details.target_role or "",
        external_id=details.external_id or "",
        actions=("sts:AssumeRole", "sts:TagSession")[: 1 + details.session_tags],
        tags=tuple(tags.items()),
        unsent=frozenset() if details.session_tags else _TAGS_OF_PODS,
    )


def limits_of_pods(member: Member) -> Iterator[tuple[str, SessionLimit]]:
    """The ARN of the role of each association that has a session policy, and what limits its pods."""
    for _, clusters in member.account.in_each(CLUSTERS):
        for cluster in () if isinstance(clusters, Miss) else clusters:
            yield from _of_cluster(cluster)


def _of_cluster(cluster: Cluster) -> Iterator[_Limited]:
    for own in () if isinstance(cluster.associations, Miss) else cluster.associations:
        if isinstance(own.details, Miss) or not own.details.has_policy:
            continue
        account = quoted(f"{own.namespace}/{own.service_account}")
        yield (
            role_of_pods(own.details),
            SessionLimit(
                arn=own.arn,
                whose=f"pods of service account {account} in EKS cluster {quoted(cluster.name)}",
                handover=handover_to_pods(cluster, own, own.details),
                policies=(NamedPolicy(own.arn, own.policy),) if own.policy else (),
                # An earlier snapshot says only that there is one.
                unread=() if own.policy else (f"the session policy of {quoted(own.arn)}",),
            ),
        )


def _of_profiles(member: Member) -> Iterator[_Limited]:
    for _, profiles in member.account.in_each(ANYWHERE_PROFILES):
        for own in () if isinstance(profiles, Miss) else profiles:
            if own.policy or own.managed:
                yield from ((role, _of_profile(own, role, member)) for role in own.roles)


def _of_profile(profile: AnywhereProfile, role: str, member: Member) -> SessionLimit:
    own = (NamedPolicy(profile.arn, profile.policy),) if profile.policy else ()
    managed, unread = _managed(profile.managed, member)
    return SessionLimit(
        arn=profile.arn,
        whose=f"holders of certificates by profile {quoted(profile.name)} of IAM Roles Anywhere",
        handover=Handover(service=_ANYWHERE, account=member.account.id, role=role),
        policies=(*own, *managed),
        unread=unread,
    )


def _managed(
    arns: Iterable[str], member: Member
) -> tuple[tuple[NamedPolicy, ...], tuple[str, ...]]:
    """The managed policies, and the names of those whose text is not known."""
    texts = [(arn, _text_of(arn, member)) for arn in arns]
    return (
        tuple(NamedPolicy(arn, text) for arn, text in texts if text is not None),
        tuple(f"policy {quoted(arn.rpartition('/')[2])}" for arn, text in texts if text is None),
    )


def _text_of(arn: str, member: Member) -> str | None:
    """The text of a managed policy; None where it is not known."""
    for policy in member.authorization.policies if member.authorization else ():
        if policy.arn == arn:
            return policy.document
    try:
        return managed_policy_of_arn(arn).document
    except InputError:
        return None


def _of_studios(member: Member) -> Iterator[_Limited]:
    for _, studios in member.account.in_each(EMR_STUDIOS):
        for studio in () if isinstance(studios, Miss) else studios:
            if isinstance(studio.details, Miss) or isinstance(studio.assignments, Miss):
                continue
            role = _arn_of_role(studio.details.role, member)
            for own in studio.assignments:
                yield role, _of_assignment(own, studio.name, studio.details, role, member)


def _arn_of_role(named: str, member: Member) -> str:
    """The ARN of a role that is named by it or, as the API says of Studios, by its name."""
    roles = member.authorization.roles if member.authorization else ()
    return next((own.arn for own in roles if own.name == named), named)


def _of_assignment(
    own: StudioAssignment, studio: str, details: StudioDetails, role: str, member: Member
) -> SessionLimit:
    policies, unread = _managed((own.policy,), member)
    kind = "members of group" if own.is_group else "user"
    return SessionLimit(
        arn=details.arn,
        whose=f"{kind} {quoted(own.name)} of EMR Studio {quoted(studio)}",
        handover=Handover(service=_STUDIO, account=member.account.id, role=role),
        policies=policies,
        unread=unread,
    )


def _of_transfers(member: Member) -> Iterator[_Limited]:
    for _, servers in member.account.in_each(TRANSFER_SERVERS):
        for server in () if isinstance(servers, Miss) else servers:
            for user in () if isinstance(server.users, Miss) else server.users:
                if user.policy is not None:
                    yield user.role, _of_user(user, server, member)


def _of_user(user: TransferUser, server: TransferServer, member: Member) -> SessionLimit:
    text = None if isinstance(user.policy, Miss) else _filled(user.policy or "", user)
    name = quoted(user.name)
    return SessionLimit(
        arn=user.arn,
        whose=f"{name} of Transfer Family server {quoted(server.arn.rpartition('/')[2])}",
        handover=Handover(service=_TRANSFER, account=member.account.id, role=user.role),
        policies=() if text is None else (NamedPolicy(user.arn, text),),
        unread=(f"the session policy of {name}",) if text is None else (),
        services=frozenset({"s3"}),
    )


def _filled(policy: str, user: TransferUser) -> str | None:
    """A session policy with what its variables stand for; None where one is left, or its value would be more than a text."""
    bucket, _, folder = (user.home or "").removeprefix("/").partition("/")
    values = {"username": user.name}
    if bucket:
        directory = f"{bucket}/{folder}" if folder else bucket
        values |= {"homebucket": bucket, "homefolder": folder, "homedirectory": directory}
    values = {name: text for name, text in values.items() if not _SPECIAL.intersection(text)}

    def put_in(variable: re.Match[str]) -> str:
        return values.get(variable[1].lower(), variable[0])

    filled = _VARIABLE.sub(put_in, policy)
    return None if _OF_TRANSFER.search(filled) else filled
