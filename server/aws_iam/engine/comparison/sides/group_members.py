"""Members of groups as principals of the groups' policies: whoever joins a group is attached to what the group has.

with_members(side)   →   the side with the policies of `admins` attached to `bob`, for `aws_iam_user_group_membership`

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.sources.containers.attachments import PolicyAttachment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_OF_OTHERS = re.compile(r"aws_iam_(?:role|user)_|AWS::IAM::(?:Role|User)\b")


def with_members(side: NamedSide) -> NamedSide:
    """The side with what members get; all of it is known where every group that is joined has policies among the files."""
    joined = {own: _policies_of(own, side) for own in side.settings if own.memberships}
    found = {own: policies for own, policies in joined.items() if any(policies)}
    if not found:
        return side
    return replace(
        side,
        attachments=(
            *side.attachments,
            *(one for groups in found.values() for listed in groups for one in listed),
        ),
        settings=tuple(
            replace(own, is_compared=own in found and all(found[own])) for own in side.settings
        ),
    )


def _policies_of(setting: AccessSetting, side: NamedSide) -> list[tuple[PolicyAttachment, ...]]:
    """The policies that each member gets by each group; none where the group has none among the files."""
    return [tuple(_attached(setting, user, group, side)) for user, group in setting.memberships]


def _attached(
    setting: AccessSetting, user: str, group: str, side: NamedSide
) -> Iterator[PolicyAttachment]:
    """The policies of a group, as those of a member."""
    start = setting.holder.rpartition(" ")[0]
    names = frozenset(_names(group, setting.holder, side))
    for source in side.sources:
        content = source.content
        if not (isinstance(content, Policy) and content.kind is Kind.IDENTITY):
            continue
        holder = source.holder
        is_near = holder.in_force and _may_be_of_group(holder.type, holder.name, start)
        if is_near and names.intersection((holder.name, *holder.attached_to)):
            yield PolicyAttachment(
                holder=setting.holder,
                place=setting.place,
                policy=source.name.removeprefix(start).strip(),
                file=setting.file,
                document=source.name,
                target=user,
            )
    for attached in side.attachments:
        is_of_group = (attached.target or attached.holder) in names
        is_near = _may_be_of_group("", attached.holder, start)
        if is_of_group and is_near and not attached.is_boundary:
            yield replace(
                attached,
                holder=setting.holder,
                place=setting.place,
                file=setting.file,
                target=user,
            )


def _may_be_of_group(type_: str, holder: str, start: str) -> bool:
    """Whether it is in the same file or root folder, and not only for roles or users, who may have the group's name."""
    address = f"{type_} {holder.removeprefix(start)}"
    return holder.rpartition(" ")[0] == start and not _OF_OTHERS.search(address)


def _names(group: str, holder: str, side: NamedSide) -> Iterator[str]:
    """What the group may be called: as it is written, by its address, by its own name."""
    start = holder.rpartition(" ")[0]
    yield group
    yield f"{start} {group}".strip()
    if address := referenced_address(group, holder):
        yield address
        resource = side.found_resources.get(address)
        if resource and resource.own_name:
            yield resource.own_name.split(" ")[1]
    for name, own in side.found_resources.items():
        type_, _, rest = own.own_name.partition(" ")
        if rest == group and type_.lower().endswith("group") and name.startswith(start):
            yield name
            # Where its name is made of one that is known later.
            yield f"${{{name.removeprefix(start).strip()}.name}}"
