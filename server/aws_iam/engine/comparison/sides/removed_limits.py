"""Limits of access that a resource of its own attaches: what its removal does is plain where what it limits is still there.

removed_limit(before, None, new)   →   RemovedLimit(what="permissions boundary", says="the permissions boundary of `p` is removed: …")
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.sources.containers.access_settings import subject_named
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_BOUNDARY, _SET = "permissions_boundary", "permission_set_arn"
_POLICY, _TARGET, _TARGETS = "policy_id", "target_id", "TargetIds"
_ATTACHMENT = "organization_attachment"
# The root of an organization, beside organizational units (`ou-`) and accounts.
_ROOT = "r-"
_SHOWN = 3
_OF_ORGANIZATION = frozenset({Kind.SCP, Kind.RCP})


@slotted
class RemovedLimit:
    """What limited access, and what it means that it is gone."""

    what: str
    says: str


def removed_limit(
    before: AccessSetting, now: AccessSetting | None, new: NamedSide
) -> RemovedLimit | None:
    """The limit that a setting was and is no longer, or not for all; None where it is not known whether anything is limited less."""
    values = _values(before)
    if values.keys() >= {_BOUNDARY, _SET}:
        return None if now else _removed_boundary(before, values[_SET], new)
    if values.keys() >= {_POLICY, _TARGET}:
        policy = referenced_address(values[_POLICY], before.holder)
        held = (own for own in map(_values, new.settings) if own.keys() >= {_POLICY, _TARGET})
        left = {own[_TARGET] for own in held if own[_POLICY] == values[_POLICY]}
        # Another policy in its place may deny the same.
        is_other = now is not None and _values(now).get(_POLICY) != values[_POLICY]
        return None if is_other else _detached(policy, {values[_TARGET]}, left, new)
    if before.subject == subject_named(_ATTACHMENT) and not before.is_resource:
        return _detached(before.holder, _targets(before), _targets(now), new)
    return None


def _removed_boundary(before: AccessSetting, name: str, new: NamedSide) -> RemovedLimit | None:
    if _is_attached({_BOUNDARY, _SET}, _SET, name, new) or not _is_there(before, name, new):
        return None
    shown = quoted(referenced_address(name, before.holder) or name)
    says = f"the permissions boundary of {shown} is removed: it no longer limits what the policies allow"
    return RemovedLimit(what="permissions boundary", says=says)


def _detached(
    policy: str, before: Collection[str], now: Collection[str], new: NamedSide
) -> RemovedLimit | None:
    """What a policy of the organization no longer denies; a target that is left may be above one that is gone, but for a root."""
    gone = sorted(set(before) - set(now))
    is_root = any(own.startswith(_ROOT) for own in gone)
    if now and (not is_root or any(own.startswith(_ROOT) for own in now)):
        return None
    if not gone or not _only_denies(policy, new):
        return None
    listed = joined(list(map(quoted, gone)), shown=_SHOWN)
    left = f" but {joined(list(map(quoted, sorted(now))), shown=_SHOWN)}" if now else ""
    says = f"{quoted(policy)} is no longer attached to {listed}: what it denies is allowed there again{left and f', in all{left}'}, where other policies allow it"
    return RemovedLimit(what="policy of the organization", says=says)


def _targets(setting: AccessSetting | None) -> frozenset[str]:
    """The targets of a policy that names them itself."""
    text = next(iter(values_of(setting).values()), "") if setting else ""
    return frozenset(json.loads(text) if text.startswith("[") else [text] if text else [])


def _values(setting: AccessSetting) -> Mapping[str, str]:
    # One that may not be there has no plain value.
    return values_of(setting) if setting.is_resource else {}


def _is_attached(keys: set[str], key: str, name: str, side: NamedSide) -> bool:
    """Whether another resource with these keys attaches it, or to it: what it limits may be the same."""
    held = map(_values, side.settings)
    return any(own.keys() >= keys and own[key] == name for own in held)


def _is_there(setting: AccessSetting, name: str, new: NamedSide) -> bool:
    address = referenced_address(name, setting.holder)
    return address in new.resources if address else "${" not in name


def only_denies(setting: AccessSetting, new: NamedSide) -> bool:
    """Whether what attaches a policy of an organization is there with that policy, and it does nothing but deny."""
    values = _values(setting)
    if _POLICY in values:
        return _only_denies(referenced_address(values[_POLICY], setting.holder), new)
    return _TARGETS in values_of(setting) and _only_denies(setting.holder, new)


def _only_denies(policy: str, new: NamedSide) -> bool:
    """Whether a policy of the organization is still there, and does nothing but deny."""
    contents = [own.content for own in new.sources if policy and own.holder.name == policy]
    return bool(contents) and all(
        isinstance(own, Policy)
        and own.kind in _OF_ORGANIZATION
        and own.statements
        and all(statement.denies for statement in own.statements)
        for own in contents
    )
