"""Limits of access that a resource of its own attaches: what its removal does is plain where what it limits is still there.

removed_limit(setting, new)   →   RemovedLimit(what="permissions boundary", says="the permissions boundary of `p` is removed: …")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_BOUNDARY, _SET = "permissions_boundary", "permission_set_arn"
_POLICY, _TARGET, _TARGETS = "policy_id", "target_id", "TargetIds"
_OF_ORGANIZATION = frozenset({Kind.SCP, Kind.RCP})


@slotted
class RemovedLimit:
    """What limited access, and what it means that it is gone."""

    what: str
    says: str


def removed_limit(setting: AccessSetting, new: NamedSide) -> RemovedLimit | None:
    """The limit that a removed setting was; None where it is not known whether anything is limited less."""
    values = _values(setting)
    if values.keys() >= {_BOUNDARY, _SET}:
        name = values[_SET]
        if _is_attached({_BOUNDARY, _SET}, _SET, name, new) or not _is_there(setting, name, new):
            return None
        shown = quoted(referenced_address(name, setting.holder) or name)
        says = f"the permissions boundary of {shown} is removed: it no longer limits what the policies allow"
        return RemovedLimit(what="permissions boundary", says=says)
    if values.keys() >= {_POLICY, _TARGET}:
        name = values[_POLICY]
        if _is_attached({_POLICY, _TARGET}, _POLICY, name, new) or not only_denies(setting, new):
            return None
        says = f"{quoted(referenced_address(name, setting.holder))} is no longer attached to {quoted(values[_TARGET])}: what it denies is allowed there again, where other policies allow it"
        return RemovedLimit(what="policy of the organization", says=says)
    return None


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
    if _POLICY not in values and _TARGETS not in values_of(setting):
        return False
    address = (
        referenced_address(values[_POLICY], setting.holder)
        if _POLICY in values
        else setting.holder
    )
    contents = [own.content for own in new.sources if address and own.holder.name == address]
    return bool(contents) and all(
        isinstance(own, Policy)
        and own.kind in _OF_ORGANIZATION
        and own.statements
        and all(statement.denies for statement in own.statements)
        for own in contents
    )
