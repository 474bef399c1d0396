"""What a changed access control list or Block Public Access of a bucket does for everyone.

list_changes(setting, before, "changed", side)   →   UnjudgedChange(says="`a` gives everyone `READ` …", …),
switched(setting, before)                        →   Switched(off=("ignore_public_acls",), on=())

https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.sources.containers.access_settings import subject_named
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

    _Grants = frozenset[tuple[str, str]]

_LIST, _BLOCK, _OWNERSHIP = "acl", "block_public_access", "object_ownership"
_ALL, _ACCOUNTS = "AllUsers", "AuthenticatedUsers"
_WHO = {_ALL: "everyone", _ACCOUNTS: "every AWS account"}
_GROUP = re.compile(r"http://acs\.amazonaws\.com/groups/global/(\w+)")
_LOGS = "LogDelivery"
_PUBLIC_LIST = "public access control list"
_FIX = "Name in the bucket's policy who may do that, and turn Block Public Access on."
# The canned lists by their names in lower case, without hyphens.
_CANNED: dict[str, _Grants] = {
    "private": frozenset(),
    "publicread": frozenset({(_ALL, "READ")}),
    "publicreadwrite": frozenset({(_ALL, "READ"), (_ALL, "WRITE")}),
    "authenticatedread": frozenset({(_ACCOUNTS, "READ")}),
    "bucketownerread": frozenset(),
    "bucketownerfullcontrol": frozenset(),
    "logdeliverywrite": frozenset({(_LOGS, "WRITE"), (_LOGS, "READ_ACP")}),
}
_OF_BUCKET = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "WRITE": ("s3:PutObject",),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
_OF_OBJECT = {
    "READ": ("s3:GetObject", "s3:GetObjectVersion"),
    "WRITE": (),
    "READ_ACP": ("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    "WRITE_ACP": ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}
_FULL = "FULL_CONTROL"
_OBJECTS = re.compile(r"\baws_s3_(?:bucket_)?object(?:_copy)?\.")
_NAMING = frozenset({"bucket", "key"})
_ENFORCED = "BucketOwnerEnforced"
_IGNORING = frozenset({"ignorepublicacls", "blockpublicacls"})


def list_changes(
    setting: AccessSetting, before: AccessSetting | None, change: str, side: NamedSide
) -> tuple[UnjudgedChange, ...] | None:
    """What an access control list that is added or changed gives everyone, or takes; None where that is not known."""
    if setting.subject != subject_named(_LIST) or change not in {"added", "changed"}:
        return None
    if before and _named(setting) != _named(before):
        return None
    now, was = _grants(setting), _grants(before) if before else frozenset()
    if now is None or was is None:
        return None
    gained, lost = now - was, was - now
    if any(who not in _WHO for who, _ in gained | lost):
        return None
    if gained:
        return None if _is_blocked(setting, side) else (_gives(setting, gained),)
    return (_takes(setting, lost),) if lost else ()


def _gives(setting: AccessSetting, grants: _Grants) -> UnjudgedChange:
    limits = "where access control lists are on and Block Public Access is off"
    says = f"{quoted(setting.place)} (an access control list) gives {_in_words(setting, grants)}, {limits}"
    return UnjudgedChange.gain_of(setting, says, _PUBLIC_LIST, _FIX)


def _takes(setting: AccessSetting, grants: _Grants) -> UnjudgedChange:
    return UnjudgedChange(
        place=setting.place,
        says=f"{quoted(setting.place)} (an access control list) no longer gives {_in_words(setting, grants)}",
        widens=False,
        narrows=True,
        source=setting.subject.source,
        is_certain=True,
        loss=_PUBLIC_LIST,
    )


def _in_words(setting: AccessSetting, grants: _Grants) -> str:
    table = _OF_OBJECT if _OBJECTS.search(setting.holder) else _OF_BUCKET
    parts = []
    for who, said in _WHO.items():
        own = sorted(permission for group, permission in grants if group == who)
        actions = [quoted(action) for permission in own for action in table[permission]]
        if actions:
            parts.append(f"{said} {joined(actions)}")
    return "; ".join(parts) or "nobody anything"


def _grants(setting: AccessSetting) -> _Grants | None:
    """Each group with a permission; None where one is not known, or somebody else is given something."""
    found: set[tuple[str, str]] = set()
    parts = {name: own for name, own in values_of(setting).items() if name not in _NAMING}
    if not setting.is_known or setting.alternatives or not parts:
        return None
    for text in parts.values():
        if "${" in text:
            return None
        canned = _CANNED.get(text.lower().replace("-", ""))
        if canned is not None:
            found |= canned
            continue
        value = _decoded(text)
        if not isinstance(value, (dict, list)):
            return None
        for who, permission in _listed(value):
            group = _GROUP.match(who)
            if group is None:
                # Of the owner nothing is known but an id.
                return None
            found |= {
                (group[1], own) for own in (_OF_BUCKET if permission == _FULL else (permission,))
            }
    return frozenset(found)


def _named(setting: AccessSetting) -> dict[str, str]:
    """What the list is of."""
    return {name: own for name, own in values_of(setting).items() if name in _NAMING}


def _listed(value: Any) -> Iterator[tuple[str, str]]:
    """Whom each grant of a list names, and the permission."""
    todo = [value]
    while todo:
        own = _decoded(todo.pop())
        if isinstance(own, list):
            todo += own
        elif isinstance(own, dict):
            permissions = own.get("permission") or own.get("permissions")
            if permissions:
                decoded = _decoded(permissions)
                listed = decoded if isinstance(decoded, list) else [decoded]
                yield from ((_uri(own), str(permission)) for permission in listed)
            else:
                todo += own.values()


def _uri(grant: dict[str, Any]) -> str:
    todo: list[Any] = [grant]
    while todo:
        own = _decoded(todo.pop())
        if isinstance(own, dict):
            if own.get("uri"):
                return str(own["uri"])
            todo += own.values()
        elif isinstance(own, list):
            todo += own
    return ""


def _decoded(value: Any) -> Any:
    """The value of a text that is JSON: the parts of a setting are such texts."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _is_blocked(setting: AccessSetting, side: NamedSide) -> bool:
    """Whether the files turn the access control lists of the bucket off, or block public ones."""
    own = _buckets(setting, side)
    for other in side.settings:
        if own.isdisjoint(_buckets(other, side)):
            continue
        if other.subject == subject_named(_OWNERSHIP) and _ENFORCED in other.value:
            return True
        if other.subject == subject_named(_BLOCK) and _IGNORING & _switches(other).keys():
            return True
    return False


def _buckets(setting: AccessSetting, side: NamedSide) -> frozenset[str]:
    """What the bucket of a setting may be called."""
    name = values_of(setting).get("bucket", "") if setting.is_resource else ""
    address = referenced_address(name, setting.holder) if name else setting.holder
    resource = side.found_resources.get(address)
    known = resource.own_name.split(" ")[1:2] if resource else []
    return frozenset(filter(None, (name, address, *known)))


@slotted
class Switched:
    """The settings of Block Public Access that are off now, and those that are on."""

    off: tuple[str, ...]
    on: tuple[str, ...]


def switched(setting: AccessSetting, before: AccessSetting) -> Switched | None:
    """What changes of Block Public Access; None where that is not known."""
    if setting.subject != subject_named(_BLOCK) or "${" in f"{setting.value}{before.value}":
        return None
    now, was = _switches(setting), _switches(before)
    return Switched(
        off=tuple(name for key, name in was.items() if key not in now),
        on=tuple(name for key, name in now.items() if key not in was),
    )


def _switches(setting: AccessSetting) -> dict[str, str]:
    """The settings that are on, by their names in lower case without separators."""
    found: dict[str, str] = {}
    todo: list[Any] = [dict(values_of(setting))]
    while todo:
        own = _decoded(todo.pop())
        if isinstance(own, list):
            todo += own
        elif isinstance(own, dict):
            for name, value in own.items():
                if value == "true":
                    found[name.lower().replace("_", "")] = name
                todo.append(value)
    return found
