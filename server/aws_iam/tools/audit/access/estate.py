"""The accounts that a question is about, as one: who is in them, what limits each, and which resources have which policy.

Estate.of([account])   →   Estate: its principals with their policies, boundaries and guardrails, its resources
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.anywhere_profiles import ANYWHERE_PROFILES
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.emr_studios import EMR_STUDIOS
from aws_iam.account.collect.identity.transfer_users import TRANSFER_SERVERS
from aws_iam.account.collect.kms.grants import KEY_GRANTS
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.network.endpoint_policies import ENDPOINT_POLICIES
from aws_iam.account.collect.organization.organization import (
    ORG_GUARDRAILS,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.collect.storage.buckets import (
    ACCOUNT_BLOCK,
    BUCKET_BLOCKS,
    BUCKET_ENCRYPTION,
    BUCKET_POLICIES,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.held_policies import PolicyHolders
from aws_iam.tools.audit.access.policy_types import is_role, may_have_policy
from aws_iam.tools.audit.access.resource_policies import (
    RESOURCE_FACTS,
    KnownPolicy,
    ResourcePolicies,
    holder_of,
)
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED, guardrails
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.account.collect.fact import AccountFact, Fact, RegionFact
    from aws_iam.account.collect.identity.authorization import Authorization, Role, User
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.access.held_policies import HeldPolicies, SessionLimit
    from aws_iam.tools.audit.principals.organization_policies import Guardrails


OF_ORGANIZATION: tuple[AccountFact[Any], ...] = (ORGANIZATION, ORG_TREE, ORG_GUARDRAILS)
"""What says which of the organization's policies bind an account."""
OF_SESSIONS: tuple[RegionFact[Any], ...] = (
    CLUSTERS,
    ANYWHERE_PROFILES,
    TRANSFER_SERVERS,
    EMR_STUDIOS,
)
"""What says which sessions of roles have session policies."""


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    return (
        AUTHORIZATION,
        *OF_ORGANIZATION,
        *RESOURCE_FACTS,
        ACCOUNT_BLOCK,
        BUCKET_BLOCKS,
        KMS_KEYS,
        KEY_GRANTS,
        SECRETS,
        BUCKET_ENCRYPTION,
    )


def facts_if_known() -> tuple[Fact[Any], ...]:
    """Facts that make the answer more exact: without them it leaves conditions open, and sessions of roles untold."""
    return (ENDPOINT_POLICIES, *OF_SESSIONS)


@slotted
class Principal:
    """A user or role of the estate with what it has; `member` is its account.

    With a `session` it is a session of the role under these session policies.
    """

    identity: User | Role
    held: HeldPolicies
    member: Member
    session: SessionLimit | None = None

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.identity.arn


class Member:
    """One account of the estate; the other accounts may know the organization's policies where it does not."""

    def __init__(self, account: Account, others: Iterable[Account] = ()) -> None:
        self.account = account
        self.resources = ResourcePolicies(account)
        self._organized = _with_organization(account, others)
        self.guardrails: Guardrails = guardrails(self._organized)
        found = account.get(AUTHORIZATION)
        self.authorization: Authorization | None = None if isinstance(found, Miss) else found

    @property
    def management_account(self) -> str:
        """The organization's management account, which no policy of the organization limits; empty when it is not known."""
        found = self._organized.get(ORGANIZATION)
        return "" if isinstance(found, Miss) or found is None else found.management_account

    def principals(self) -> Iterator[Principal]:
        """The users and the roles, without those that only an AWS service can use."""
        if self.authorization is None:
            return
        holders = PolicyHolders(self.authorization)
        identities: list[User | Role] = [*self.authorization.users]
        identities += [role for role in self.authorization.roles if not role.is_service_linked]
        for identity in identities:
            yield Principal(identity=identity, held=holders.held_by(identity), member=self)


@slotted
class Estate:
    """The accounts by their ids, and all their principals."""

    members: Mapping[str, Member]
    principals: tuple[Principal, ...]
    supposed: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Policies that resources would have, by the ARN of what has the policy."""
    # Each resource is asked about for every principal.
    _owners: dict[str, Member | None] = field(default_factory=dict, compare=False)
    _policies: dict[tuple[bool, str], KnownPolicy] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, accounts: Sequence[Account]) -> Estate:
        """The estate of these accounts."""
        members = {account.id: Member(account, accounts) for account in accounts}
        return cls(
            members=members,
            principals=tuple(own for member in members.values() for own in member.principals()),
        )

    def owner_of(self, arn: str) -> Member | None:
        """The account that has the resource; None where that is not known."""
        if arn not in self._owners:
            self._owners[arn] = self._owner_of(arn)
        return self._owners[arn]

    def _owner_of(self, arn: str) -> Member | None:
        found = Arn.of(arn)
        if found and found.account:
            return self.members.get(found.account)
        holding = [member for member in self.members.values() if arn in member.resources]
        return holding[0] if holding else None

    def policy_of(self, action: str, arn: str) -> KnownPolicy:
        """What is known of the policy of a resource that decides about an action."""
        assumes = action.lower().startswith("sts:")
        if (assumes, arn) not in self._policies:
            self._policies[assumes, arn] = self._policy_of(arn, assumes=assumes)
        return self._policies[assumes, arn]

    def _policy_of(self, arn: str, *, assumes: bool) -> KnownPolicy:
        found = Arn.of(arn)
        if found and is_role(found) and not assumes:
            # A trust policy is about assuming the role alone.
            return KnownPolicy()
        owner = self.owner_of(arn)
        if owner is not None:
            return self._supposed_of(arn) or owner.resources.of(arn)
        if len(self.members) == 1 and not (found and found.account):
            (only,) = self.members.values()
            return only.resources.of(arn)
        if not may_have_policy(arn):
            return KnownPolicy()
        return KnownPolicy(arn=arn, why_unread=self._why_nobodys(found))

    def _supposed_of(self, arn: str) -> KnownPolicy | None:
        holder = holder_of(arn) if self.supposed else ""
        text = self.supposed.get(holder)
        return None if text is None else KnownPolicy(arn=holder, text=text)

    def _why_nobodys(self, arn: Arn | None) -> str:
        """Why it is not known whose resource it is."""
        if arn is not None and not arn.account:
            unlisted = []
            for member in self.members.values():
                listed = member.account.get(BUCKET_POLICIES)
                if isinstance(listed, Miss):
                    unlisted.append(f"account {member.account.id} may own it, but {listed}")
            if unlisted:
                return joined(unlisted)
        return "the account that owns it was not read"


def _with_organization(account: Account, others: Iterable[Account]) -> Account:
    """The account with the organization's policies, which perhaps only the snapshot of the management account has."""
    if not guardrails(account).summary.startswith(NOT_CONSIDERED):
        return account
    organization = account.get(ORGANIZATION)
    for other in others:
        told = other.get(ORGANIZATION)
        if isinstance(told, Miss) or told is None:
            continue
        if isinstance(organization, Miss) or (organization and organization.id == told.id):
            facts = {(fact.name, ""): other.get(fact) for fact in OF_ORGANIZATION}
            joined_account = replace(account, facts={**account.facts, **facts})
            if not guardrails(joined_account).summary.startswith(NOT_CONSIDERED):
                return joined_account
    return account
