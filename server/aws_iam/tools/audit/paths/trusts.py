"""Whom the roles' trust policies let in, indexed by whom they name, so that nobody asks each role about each principal."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.access.known_tags import KnownTags
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.names import role_of_session
from aws_iam.tools.audit.paths.settled_tags import OF_CALLERS, tag_keys, tags_with
from aws_iam.tools.audit.principals.outside_trust import principal_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.decisions import Decider
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.entities import Entities

ASSUME = "sts:AssumeRole"
WITH_SAML, WITH_TOKEN = "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"
STRANGER = "arn:{}:iam::123456789012:user/somebody"
"""Somebody of an account that AWS uses in its documentation and gives to nobody; the partition is to be filled in."""
_PRINCIPAL_ARN = "aws:principalarn"
# Conditions on these tell the principals of one account apart.
_OF_CALLER = (_PRINCIPAL_ARN, "aws:userid", "aws:username", "aws:principaltype")
_OF_TOKENS = "saml"
_ANYONES = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")


@dataclass(slots=True)
class Admitting:
    """Roles by what their trust policies ask of the principals of one account."""

    freely: int = 0
    conditionally: int = 0
    perhaps: int = 0

    def add(self, roles: int, access: Access) -> None:
        """Note roles that are alike."""
        if access.verdict == "unknown":
            self.perhaps |= roles
        elif access.conditions:
            self.conditionally |= roles
        elif access.is_possible:
            self.freely |= roles


@dataclass(slots=True)
class Trusts:
    """Sets of roles by whom their trust policies name; what a policy denies is left to the decision."""

    by_account: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """The roles that leave it to an account which of its principals get in."""
    by_name: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """The roles that name a user or role, by its ARN, or by a pattern of ARNs in a condition."""
    by_session: dict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    """The roles that name single sessions, by the account and name of the session's role."""
    patterns: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    services: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    providers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    everyone: int = 0
    """The roles that let in everyone, or everyone who meets conditions: those of the estate too."""
    personal: int = 0
    """The roles whose conditions tell the principals of an account apart."""
    asked: set[str] = field(default_factory=set)
    """The condition keys that Allow statements name, in lower case."""
    asks_tags: bool = False
    """Whether one asks for tags of the caller."""
    unread: int = 0
    """The roles whose trust policy nobody can read."""
    tags: KnownTags = field(default_factory=KnownTags)
    alike: dict[Any, int] = field(default_factory=lambda: defaultdict(int))
    """The roles by the text of their trust policy, and by those of their tags that it asks for."""
    _letting_in: dict[tuple[str, str], int] = field(default_factory=dict)
    _admitting: dict[str, Admitting] = field(default_factory=dict)

    @classmethod
    def of(cls, entities: Entities, tags: KnownTags) -> Trusts:
        """Those of all roles, which have tags as far as they are known."""
        found = cls(tags=tags)
        for number in bits(entities.roles):
            trust = _trust_of(entities, number)
            found.alike[found.asking(entities, number)] |= 1 << number
            found.asks_tags |= OF_CALLERS in trust.lower()
            try:
                policy = one_policy(trust, Kind.TRUST)
            except InputError:
                found.unread |= 1 << number
                continue
            for statement in policy.statements:
                if statement.allows:
                    found.add(1 << number, statement)
                    # AWS no longer supports it, and whom it lets in is not documented.
                    found.unread |= int(statement.has("NotPrincipal")) << number
                else:
                    # Whom it denies is decided for each principal.
                    found.personal |= 1 << number
        return found

    def add(self, bit: int, statement: Statement) -> None:
        """Note an Allow statement of a role's trust policy."""
        self.asked.update(condition.name for condition in statement.conditions)
        takes = IndexedStatement.of(statement).takes
        assumes = takes(ASSUME.lower())
        for principal in statement.principals:
            if principal.type == "Service" and assumes:
                self.services[principal.value] |= bit
            elif principal.type == "Federated" and (
                takes(WITH_SAML.lower()) or takes(WITH_TOKEN.lower())
            ):
                self.providers[principal.value] |= bit
            elif principal.is_everyone and assumes:
                self._add_everyone(bit, statement)
            elif principal.type == "AWS" and assumes:
                account = principal_account(principal)
                if principal.value == account or principal.value.endswith(":root"):
                    self._add_account(bit, account, statement)
                else:
                    self.by_name[principal.value] |= bit
                    if role := role_of_session(principal.value):
                        self.by_session[role][principal.value] |= bit

    def letting_in(self, service: str, account: str, decider: Decider, entities: Entities) -> int:
        """The roles of an account that a service can assume for the account; its name may end in `.cn` in China.

        A service that hands out tokens, as identity pools do, is one that the trust policy names as federated.
        """
        if (service, account) not in self._letting_in:
            found = 0
            here = entities.in_account[account]
            source = {"aws:SourceAccount": account}
            for name, action, roles, known in (
                (service, ASSUME, self.services.get(service, 0), source),
                (f"{service}.cn", ASSUME, self.services.get(f"{service}.cn", 0), source),
                (service, WITH_TOKEN, self.providers.get(service, 0), None),
            ):
                for number in bits(roles & here):
                    if decider.outsider(name, action, entities.arns[number], known).is_possible:
                        found |= 1 << number
            self._letting_in[service, account] = found
        return self._letting_in[service, account]

    def admitting(
        self, account: str, context: Mapping[str, str], decider: Decider, entities: Entities
    ) -> Admitting:
        """The roles that leave it to an account who gets in, by what they ask for; the same for all of its principals."""
        if account not in self._admitting:
            found = Admitting()
            alike: dict[Any, int] = defaultdict(int)
            for number in bits(self.by_account[account] & ~self.personal):
                alike[entities.account_of(number), self.asking(entities, number)] |= 1 << number
            for roles in alike.values():
                arn = entities.arns[next(bits(roles))]
                caller = f"arn:{arn.split(':')[1]}:iam::{account}:user/somebody"
                found.add(roles, decider.outsider(caller, ASSUME, arn, context))
            self._admitting[account] = found
        return self._admitting[account]

    def asking(self, entities: Entities, number: int) -> Any:
        """What a role's trust policy asks for: its text, with the tags of the role that it may ask for."""
        trust = _trust_of(entities, number)
        return trust, tags_with(self.tags, entities.arns[number], tag_keys(trust))

    def _add_everyone(self, bit: int, statement: Statement) -> None:
        named = _named_callers(statement)
        if not named:
            self.everyone |= bit
            self._note_personal(bit, statement)
        for pattern in named:
            self.patterns[pattern] |= bit

    def _add_account(self, bit: int, account: str, statement: Statement) -> None:
        named = _named_callers(statement)
        for pattern in named:
            self.patterns[pattern] |= bit
        if not named:
            self.by_account[account] |= bit
            self._note_personal(bit, statement)

    def _note_personal(self, bit: int, statement: Statement) -> None:
        if any(_tells_callers_apart(condition.name) for condition in statement.conditions):
            self.personal |= bit


def _trust_of(entities: Entities, number: int) -> str:
    """The text of a role's trust policy."""
    identity = entities.principals[number].identity
    return identity.trust if isinstance(identity, Role) else ""


def _tells_callers_apart(key: str) -> bool:
    """Whether a key differs between the principals of an account; claims of tokens only sessions of roles may have."""
    prefix = key.rpartition(":")[0]
    return key in _OF_CALLER or prefix == _OF_TOKENS or "." in prefix


def _named_callers(statement: Statement) -> tuple[str, ...]:
    """The patterns of ARNs of which a caller must have one."""
    for condition in statement.conditions:
        if condition.name == _PRINCIPAL_ARN and condition.demanded and condition.base in _ANYONES:
            return tuple(value.value for value in condition.values)
    return ()
