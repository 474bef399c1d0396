"""Roles that a principal may assume: their trust policies, and across accounts both sides; and SAML providers it may replace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.identity_providers import SAML_PROVIDERS
from aws_iam.engine.language.variables import without_variables
from aws_iam.escape import quoted
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by
from aws_iam.tools.audit.paths.trusts import ASSUME, STRANGER, WITH_SAML

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.tools.audit.access.decisions import Decider
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.trusts import Trusts

UPDATE_SAML = "iam:UpdateSAMLProvider"
CREATE_SAML, DELETE_SAML = "iam:CreateSAMLProvider", "iam:DeleteSAMLProvider"
# What is deleted first, or does not exist, is created.
_WRITING_METADATA: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((UPDATE_SAML,), ()),
    ((DELETE_SAML, CREATE_SAML), ()),
    ((CREATE_SAML,), ("the SAML provider that the role trusts does not exist",)),
)
LETS_IN_ANOTHER = "it lets in another principal, such as one of an account of its own"
"""What is assumed of whoever writes a trust policy that it may not use itself."""
SAML_PATH = "iam-update-saml-provider"


def assumed_by_account(actor: Actor, trusts: Trusts) -> Iterator[Power]:
    """The roles that leave it to the principal's account who gets in; the same for all with the same policies.

    What the principal's policies allow and what the trust policies ask for is decided apart: most differ in one of them only.
    """
    if not actor.takes(ASSUME):
        return
    candidates = trusts.by_account[actor.account] & ~trusts.personal & actor.granted(ASSUME)
    organization = actor.principal.member.guardrails.organization
    context = {"aws:PrincipalOrgID": organization} if organization else {}
    admitting = trusts.admitting(actor.account, context, actor.decider, actor.entities)
    root = f"arn:{actor.partition}:iam::{actor.account}:root"
    accounts = tuple(actor.entities.in_account.values())
    # What the trust policies ask for is decided for whoever has every key: a session without MFA has not.
    # So has whoever has other tags.
    lacks_some = trusts.asks_tags or not actor.lacking.isdisjoint(trusts.asked)
    for targets, access in actor.allowed(
        ASSUME, candidates, trust=trust_naming(root), splits=accounts
    ):
        both_ask = bool(access.conditions) or lacks_some
        simple = admitting.freely | (0 if both_ask else admitting.conditionally)
        if targets & simple:
            yield _power(targets & simple, access)
        if both_ask and targets & admitting.conditionally:
            # Both sides ask for something: whether that can be met together depends on each pair.
            both = targets & admitting.conditionally
            splits = (*accounts, *(own for own in trusts.alike.values() if own & both))
            for own, together in actor.allowed(ASSUME, both, splits=splits):
                yield _power(own, together)
        for number in bits(targets & admitting.perhaps):
            yield _power(1 << number, actor.proof(ASSUME, actor.entities.arns[number]))


def assumed_by_name(actor: Actor, trusts: Trusts) -> Iterator[Power]:
    """The roles whose trust policies name the principal, or tell it apart by a condition."""
    named = trusts.by_name.get(actor.principal.arn, 0)
    for pattern, roles in trusts.patterns.items():
        own = actor.entities.identity_of(actor.number)
        if actor.entities.matching(without_variables(pattern, "*")) >> own & 1:
            named |= roles
    named |= trusts.everyone & trusts.personal
    if actor.takes(ASSUME):
        named |= trusts.personal & trusts.by_account[actor.account] & actor.granted(ASSUME)
    # Whoever has a role needs no hop to it.
    for number in bits(named & ~(1 << actor.number)):
        access = actor.proof(ASSUME, actor.entities.arns[number])
        if access.is_possible:
            yield _power(1 << number, access)


def assumed_by_session(actor: Actor, trusts: Trusts) -> Iterator[Power]:
    """The roles whose trust policies name single sessions of the principal, which is a role."""
    if not actor.entities.roles >> actor.number & 1:
        return
    own = (actor.account, actor.principal.identity.name)
    for session, named in trusts.by_session.get(own, {}).items():
        name = session.rpartition("/")[2]
        for number in bits(named & ~(1 << actor.number)):
            access = actor.proof(ASSUME, actor.entities.arns[number], session=session)
            if access.is_possible:
                call = Call(action=ASSUME, session=session)
                assuming = (f"its session is named {quoted(name)}",)
                power = Power(
                    gain="principal", targets=1 << number, calls=(call,), assuming=assuming
                )
                yield decided_by(power, access)


def assumed_by_everyone(actor: Actor, trusts: Trusts) -> Iterator[Power]:
    """The roles that let in everyone: those of its own account need no permission of the principal; the same for all alike."""
    entities = actor.entities
    roles = trusts.everyone & ~trusts.personal
    if not actor.takes(ASSUME):
        roles &= actor.own_account
    for alike in trusts.alike.values() if roles else ():
        for targets, access in actor.allowed(
            ASSUME, alike & roles, splits=entities.in_account.values()
        ):
            yield _power(targets, access)


def assumable_if_trusted(actor: Actor) -> Iterator[tuple[int, Access]]:
    """The roles that the principal could assume if their trust policies named it."""
    yield from actor.allowed(
        ASSUME,
        actor.entities.roles,
        trust=trust_naming(actor.principal.arn),
        splits=actor.entities.in_account.values(),
    )


def let_in_by_trust(decider: Decider, role: str) -> Access:
    """Whether a trust policy may let somebody outside assume a role: only a resource control policy keeps them out."""
    stranger = STRANGER.format(role.split(":")[1])
    return decider.outsider_supposing(stranger, ASSUME, role, trust_naming(stranger))


def trust_naming(arn: str) -> str:
    """A trust policy that names a principal."""
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": ASSUME}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def federated_by_own_metadata(actor: Actor, trusts: Trusts) -> Iterator[Power]:
    """The roles that trust a SAML provider whose metadata the principal may write: it then signs in as any of them."""
    if not (actor.takes(UPDATE_SAML) or actor.takes(CREATE_SAML)):
        return
    for provider, roles in trusts.providers.items():
        own = roles & actor.own_account
        if ":saml-provider/" not in provider or not own:
            continue
        for actions, assuming in _ways_of(actor, provider):
            proofs = [actor.proof(action, provider) for action in actions]
            if not all(access.is_possible for access in proofs):
                continue
            for number in bits(own):
                entry = actor.decider.outsider(provider, WITH_SAML, actor.entities.arns[number])
                if entry.is_possible:
                    power = Power(
                        gain="principal",
                        targets=1 << number,
                        calls=tuple(Call(action=action, on=provider) for action in actions),
                        technique=SAML_PATH if actions == (UPDATE_SAML,) else "",
                        through=provider,
                        assuming=assuming,
                    )
                    yield decided_by(power, *proofs, entry)
            break


def _ways_of(actor: Actor, provider: str) -> Sequence[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The actions that write a provider's metadata, and what each is assuming, as far as it is known which exist."""
    known = actor.principal.member.account.get(SAML_PROVIDERS)
    if isinstance(known, Miss):
        return _WRITING_METADATA
    if any(own.arn == provider for own in known):
        return _WRITING_METADATA[:2]
    return (((CREATE_SAML,), ()),)


def _power(targets: int, access: Access) -> Power:
    power = Power(gain="principal", targets=targets, calls=(Call(action=ASSUME),))
    return decided_by(power, access)
