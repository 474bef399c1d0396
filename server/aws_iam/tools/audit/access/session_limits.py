"""Sessions of roles that exist under session policies alone, because a setting of the account hands the role out with them.

session_limits(estate)["arn:aws:iam::111122223333:role/shop"]   →   (SessionLimit: the association's policy, …)

Such a session may do what the role may do *and* its session policies allow; the role itself keeps all that it may do:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session

    EKS Pod Identity      the association's policy limits the target role, if there is one, else the association's role:
                          https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html
    IAM Roles Anywhere    the profile's session policy and its managed policies limit each of its roles:
                          https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_ProfileDetail.html
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.anywhere_profiles import ANYWHERE_PROFILES
from aws_iam.engine.reference.managed_policies import managed_policy_of_arn
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.held_policies import NamedPolicy, SessionLimit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.account.collect.compute.eks_clusters import AssociationDetails, Cluster
    from aws_iam.account.collect.identity.anywhere_profiles import AnywhereProfile
    from aws_iam.tools.audit.access.estate import Estate, Member

_Limited = tuple[str, SessionLimit]
"""The ARN of a role, and what limits some of its sessions."""


def session_limits(estate: Estate) -> Mapping[str, Sequence[SessionLimit]]:
    """The limited sessions of each role, by its ARN."""
    found: dict[str, list[SessionLimit]] = defaultdict(list)
    for member in estate.members.values():
        for role, limit in (*limits_of_pods(member), *_of_profiles(member)):
            found[role].append(limit)
    return {role: sorted(limits, key=lambda own: own.arn) for role, limits in found.items()}


def role_of_pods(details: AssociationDetails) -> str:
    """The role whose credentials the pods of an association have."""
    return details.target_role or details.role


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
                policies=(NamedPolicy(own.arn, own.policy),) if own.policy else (),
                # An earlier snapshot says only that there is one.
                unread=() if own.policy else (f"the session policy of {quoted(own.arn)}",),
            ),
        )


def _of_profiles(member: Member) -> Iterator[_Limited]:
    for _, profiles in member.account.in_each(ANYWHERE_PROFILES):
        for own in () if isinstance(profiles, Miss) else profiles:
            if own.policy or own.managed:
                limit = _of_profile(own, member)
                yield from ((role, limit) for role in own.roles)


def _of_profile(profile: AnywhereProfile, member: Member) -> SessionLimit:
    policies = [NamedPolicy(profile.arn, profile.policy)] if profile.policy else []
    unread = []
    for arn in profile.managed:
        text = _text_of(arn, member)
        if text is None:
            unread.append(f"policy {quoted(arn.rpartition('/')[2])}")
        else:
            policies.append(NamedPolicy(arn, text))
    return SessionLimit(
        arn=profile.arn,
        whose=f"holders of certificates by profile {quoted(profile.name)} of IAM Roles Anywhere",
        policies=tuple(policies),
        unread=tuple(unread),
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
