"""Edits of policies, groups, boundaries and trust policies: what they change is somebody's permissions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import STRONG_POLICIES
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.tools.audit.paths.actor import BOUNDARY_KEY, POLICY_KEY
from aws_iam.tools.audit.paths.changes import FULL_ACCESS, UNKNOWN_VERSION
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.new_policies import CREATE_POLICY, new_policies
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by, prerequisite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.changes import Gain

WRITES: dict[str, tuple[Gain, str]] = {
    "iam:PutUserPolicy": ("inline", "users"),
    "iam:PutRolePolicy": ("inline", "roles"),
    "iam:PutGroupPolicy": ("inline", "groups"),
    "iam:AddUserToGroup": ("group", "groups"),
    "iam:UpdateAssumeRolePolicy": ("trust", "roles"),
    "iam:DeleteUserPermissionsBoundary": ("boundary", "users"),
    "iam:DeleteRolePermissionsBoundary": ("boundary", "roles"),
}
ATTACHES = {
    "iam:AttachUserPolicy": "users",
    "iam:AttachRolePolicy": "roles",
    "iam:AttachGroupPolicy": "groups",
}
BOUNDS = {
    "iam:PutUserPermissionsBoundary": "users",
    "iam:PutRolePermissionsBoundary": "roles",
}
CREATE_VERSION, DELETE_VERSION = "iam:CreatePolicyVersion", "iam:DeletePolicyVersion"
SET_VERSION = "iam:SetDefaultPolicyVersion"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MOST_VERSIONS = 5
_MOST_POLICIES = 300
OTHER_VERSIONS = "which other versions of the policy exist was not read"
"""Why it is not known what another default version gives: an earlier snapshot lacks them."""


def identity_edits(actor: Actor) -> Iterator[Power]:
    """The edits that a principal may make in its account."""
    for action, (gain, kind) in WRITES.items():
        if not actor.takes(action):
            continue
        candidates = _of_kind(actor, action, kind)
        if gain == "boundary":
            candidates &= actor.entities.with_boundary
        for targets, access in actor.allowed(action, candidates):
            yield decided_by(_power(gain, targets, action), access)
    for action, kind in ATTACHES.items():
        if actor.takes(action):
            yield from _with_policy(
                actor, action, "attached", POLICY_KEY, _of_kind(actor, action, kind)
            )
    for action, kind in BOUNDS.items():
        if actor.takes(action):
            candidates = _of_kind(actor, action, kind) & actor.entities.with_boundary
            yield from _with_policy(actor, action, "boundary", BOUNDARY_KEY, candidates)
    yield from _new_versions(actor)
    yield from _old_versions(actor)


def _of_kind(actor: Actor, action: str, kind: str) -> int:
    of_kind: int = getattr(actor.entities, kind)
    return of_kind & actor.own_account & actor.granted(action)


def _power(
    gain: Gain,
    targets: int,
    action: str,
    *,
    what: str = "",
    key: str = "",
    creating: bool = False,
) -> Power:
    return Power(
        gain=gain,
        targets=targets,
        what=what,
        calls=(
            *((Call(action=CREATE_POLICY, on=what),) if creating else ()),
            Call(action=action, context={key: what} if key else {}),
        ),
    )


def _with_policy(
    actor: Actor, action: str, gain: Gain, key: str, candidates: int
) -> Iterator[Power]:
    """The best policy to attach, or to have as a boundary, for each of the candidates."""
    left = candidates
    values = actor.condition_values(action, key)
    created = dict(new_policies(actor, values)) if values else {}
    for policy in _worth_choosing(actor, values, created):
        if not left:
            return
        for targets, access in actor.allowed(action, left, {key: policy}):
            made = _power(gain, targets, action, what=policy, key=key, creating=policy in created)
            power = decided_by(made, access, created.get(policy, access))
            yield power
            if power.is_certain and (policy.endswith("/AdministratorAccess") or policy in created):
                # No other policy gives more.
                left &= ~targets


def _worth_choosing(
    actor: Actor, values: tuple[str, ...], created: Iterable[str]
) -> Iterator[str]:
    """Full access; else what a condition names, for most policies have no condition on the policy."""
    partition = actor.partition
    yield FULL_ACCESS.replace("arn:aws:", f"arn:{partition}:")
    if not values:
        return
    yield from created
    strong = [own.replace("arn:aws:", f"arn:{partition}:") for own in STRONG_POLICIES[1:]]
    # A policy of the account that does not exist cannot be attached.
    known, account = actor.entities.number, f"::{actor.account}:"
    written = [
        own
        for own in values
        if is_literal(own) and own.startswith("arn:") and (own in known or account not in own)
    ]
    yield from dict.fromkeys([*strong, *written, *_own_policies(actor, values)])


def _own_policies(actor: Actor, values: Iterable[str]) -> Iterator[str]:
    """The policies of the account, those that a condition names first."""
    entities = actor.entities
    own = [entities.arns[n] for n in bits(entities.policies & actor.own_account)]
    named = [arn for arn in own if any(matches(value, arn) for value in values)]
    yield from [*named, *own][:_MOST_POLICIES]


def _new_versions(actor: Actor) -> Iterator[Power]:
    if not actor.takes(CREATE_VERSION):
        return
    entities = actor.entities
    full = unread = 0
    candidates = _of_kind(actor, CREATE_VERSION, "policies")
    for number in bits(candidates):
        versions = entities.policy[number].versions
        if versions is None:
            unread |= 1 << number
        elif len(versions) + 1 >= _MOST_VERSIONS:
            full |= 1 << number
    assumed = prerequisite("iam-create-policy-version", "five versions")
    calls = (Call(action=CREATE_VERSION),)
    for targets, access in actor.allowed(CREATE_VERSION, candidates):
        for part, assuming in ((targets & ~full & ~unread, ()), (targets & unread, (assumed,))):
            if part:
                power = Power(gain="version", targets=part, calls=calls, assuming=assuming)
                yield decided_by(power, access)
        for part, deleting in actor.allowed(DELETE_VERSION, targets & full):
            both = (Call(action=DELETE_VERSION), *calls)
            power = Power(gain="version", targets=part, calls=both)
            yield decided_by(power, access, deleting)


def _old_versions(actor: Actor) -> Iterator[Power]:
    if not actor.takes(SET_VERSION):
        return
    candidates = _of_kind(actor, SET_VERSION, "policies")
    for targets, access in actor.allowed(SET_VERSION, candidates):
        for number in bits(targets):
            policy = actor.entities.policy[number]
            for version in policy.versions or ():
                if version.document != policy.document:
                    power = _power("default", 1 << number, SET_VERSION, what=version.id)
                    yield decided_by(power, access)
            if policy.versions is None:
                power = replace(
                    _power("default", 1 << number, SET_VERSION, what=UNKNOWN_VERSION),
                    is_certain=False,
                    why_unknown=OTHER_VERSIONS,
                )
                yield decided_by(power, access)
