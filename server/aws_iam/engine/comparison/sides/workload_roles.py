"""What runs under a role as a principal of the role's policies, where it gets another role and both are among the files.

with_workloads(new, old).new   →   the side with the policies of `admin` attached to the function that had those of `reader`

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.sources.containers.access_settings import subject_named
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.cloudformation_return_values import made_up_name
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_SUBJECTS = ("workload_role", "service_account_role", "instance_profile")
_OF_OTHERS = re.compile(r"aws_iam_(?:group|user)_|AWS::IAM::(?:Group|User)\b")
_ROLE = re.compile(r"(?:arn:[^:\s]*:iam::[^:\s]*:role/)?(?:[^\s/]+/)*(?P<name>[^\s/]+)")
_REFERENCE = re.compile(r"\$\{(?P<address>[^{}]+)\.\w+\}")


@slotted
class Workloads:
    """Both sides with what workloads get by their roles; `started` are the names of what is new and has a role that was there."""

    new: NamedSide
    old: NamedSide
    started: frozenset[str] = frozenset()


def with_workloads(new: NamedSide, old: NamedSide) -> Workloads:
    """Both sides with what each workload gets that has another role, or is new and has one that was there."""
    if not new.settings:
        return Workloads(new=new, old=old)
    mine, theirs = _by_place(new), _by_place(old)
    # What ran under the same role and is gone may be the same thing under another name.
    gone = {own.value for place, own in theirs.items() if place not in mine}
    there, roles = old.resources, (_Roles.of(new), _Roles.of(old))
    after: dict[str, tuple[PolicyAttachment, ...]] = {}
    before: dict[str, tuple[PolicyAttachment, ...]] = {}
    started: set[str] = set()
    for place, own in mine.items():
        then = theirs.get(place)
        if own.value == then.value if then else own.value in gone or own.holder in there:
            continue
        role = roles[0].of_setting(own)
        now = _policies_of(own, role, new) if role else None
        if now is None:
            continue
        if then:
            former = roles[1].of_setting(then)
            was = _policies_of(then, former, old) if former else None
            if was is not None:
                after[place], before[place] = now, was
        elif role in old.found_resources:
            after[place] = now
            started.update((own.holder, *(one.name for one in now)))
    return Workloads(
        new=_with(new, after, before), old=_with(old, before, before), started=frozenset(started)
    )


def _with(
    side: NamedSide,
    found: Mapping[str, tuple[PolicyAttachment, ...]],
    compared: Container[str],
) -> NamedSide:
    """The side with these policies, and the settings that were compared by them."""
    if not found:
        return side
    return replace(
        side,
        attachments=(*side.attachments, *(one for own in found.values() for one in own)),
        settings=tuple(
            replace(own, is_compared=True) if own.place in compared else own
            for own in side.settings
        ),
    )


def _by_place(side: NamedSide) -> dict[str, AccessSetting]:
    """The roles of workloads that are known, by where they stand."""
    subjects = tuple(map(subject_named, _SUBJECTS))
    found: dict[str, list[AccessSetting]] = {}
    for own in side.settings:
        found.setdefault(own.place, []).append(own)
    return {
        place: own[0]
        for place, own in found.items()
        if len(own) == 1 and own[0].subject in subjects and not own[0].alternatives
    }


def _policies_of(
    setting: AccessSetting, role: str, side: NamedSide
) -> tuple[PolicyAttachment, ...] | None:
    """The policies of the role as those of what runs under it; None where one is not known, or it has a boundary."""
    start = setting.holder.rpartition(" ")[0]
    names = frozenset(_names(role, start, side))
    attached = [own for own in side.attachments if _is_of(own, names, start)]
    if any(own.is_boundary or not own.is_known for own in attached):
        return None
    target = setting.holder.removeprefix(start).strip()
    found = [replace(own, holder=setting.holder, place=setting.place, file=setting.file, target=target) for own in attached]  # fmt: skip
    for source in side.sources:
        content, holder = source.content, source.holder
        if not isinstance(content, Policy) or content.kind is not Kind.IDENTITY:
            continue
        is_near = holder.name.rpartition(" ")[0] == start and not _OF_OTHERS.search(holder.type)
        if is_near and holder.in_force and names.intersection((holder.name, *holder.attached_to)):
            policy = source.name.removeprefix(start).strip()
            found.append(
                PolicyAttachment(
                    holder=setting.holder,
                    place=setting.place,
                    policy=policy,
                    file=setting.file,
                    document=source.name,
                    target=target,
                )
            )
    return tuple(found)


def _is_of(attached: PolicyAttachment, names: frozenset[str], start: str) -> bool:
    if attached.holder.rpartition(" ")[0] != start or _OF_OTHERS.search(attached.holder):
        return False
    return (attached.target or attached.holder) in names


@positional
class _Roles:
    """The resources of a side by the file or root folder and by what they may be called."""

    named: Mapping[tuple[str, str], frozenset[str]]

    @classmethod
    def of(cls, side: NamedSide) -> _Roles:
        found: dict[tuple[str, str], frozenset[str]] = {}
        for resource in side.found_resources:
            start = resource.rpartition(" ")[0]
            for name in {resource, *_called(resource, side)}:
                found[start, name] = found.get((start, name), frozenset()) | {resource}
        return cls(found)

    def of_setting(self, setting: AccessSetting) -> str:
        """The role that a workload has; empty where it is not among the files, or not the only one of that name."""
        start = setting.holder.rpartition(" ")[0]
        texts = tuple(values_of(setting).values()) or (setting.value,)
        named = _ROLE.fullmatch(texts[0]) if len(texts) == 1 else None
        if named is None:
            return ""
        name = named["name"]
        reference = _REFERENCE.fullmatch(name)
        address = f"{start} {reference['address'] if reference else name}".strip()
        found = [*{own for key in (address, name) for own in self.named.get((start, key), ())}]
        return found[0] if len(found) == 1 else ""


def _called(resource: str, side: NamedSide) -> tuple[str, ...]:
    """What a role of the files is called: by its own name, or as a template that gives it none."""
    type_, _, own_name = side.found_resources[resource].own_name.partition(" ")
    if own_name:
        return (own_name.split(" ")[0],) if type_.lower().endswith("role") else ()
    return (made_up_name(resource.rpartition(" ")[2]),)


def _names(role: str, start: str, side: NamedSide) -> Iterator[str]:
    yield role
    address = role.removeprefix(start).strip()
    yield address
    yield from (f"${{{address}.{name}}}" for name in ("name", "id", "arn"))
    yield from _called(role, side)
