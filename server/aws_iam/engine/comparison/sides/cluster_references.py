"""What objects of a cluster attach by reference: the policies of the objects that they name or select, in whatever file.

with_references(side)   →   the side with the documents of `policyArnRef: {name: p}` and the role of `roleSelector`
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment, Reference
    from aws_iam.engine.sources.containers.policy_places import FoundResource


def with_references(side: NamedSide) -> NamedSide:
    """The side with what its objects refer to; what is not among the files is a setting that cannot be compared."""
    if not any(own.reference or own.to for own in side.attachments):
        return side
    objects = _Objects(side)
    found = [objects.resolved(own) for own in side.attachments]
    unknown = {own.place for own in found if own.reference and not own.document}
    known = {own.place for own in found if own.reference} - unknown
    return replace(
        side,
        attachments=tuple(own for own in found if own.place not in unknown),
        settings=tuple(own for own in side.settings if own.place not in known),
    )


class _Objects:
    """The objects of a side, and the policies that they have."""

    def __init__(self, side: NamedSide) -> None:
        self._found: Mapping[str, FoundResource] = side.found_resources
        self._documents: dict[str, list[str]] = {}
        for own in side.sources:
            self._documents.setdefault(own.holder.name, []).append(own.name)

    def resolved(self, attached: PolicyAttachment) -> PolicyAttachment:
        """The attachment with its document and its principal, as far as the files have them."""
        if attached.to is not None:
            owner = self._object(attached.to, attached.holder)
            name = _called(self._found[owner]) if owner else attached.to.name
            attached = replace(attached, target=name)
        if attached.reference is None:
            return attached
        named = self._object(attached.reference, attached.holder)
        documents = self._documents.get(named, []) if named else []
        if len(documents) != 1:
            return attached
        return replace(attached, policy=_called(self._found[named]), document=documents[0])

    def _object(self, wanted: Reference, by: str) -> str:
        """The only object that is meant, in the same file before others, then in the same folder; empty for none."""
        names = [name for name, own in self._found.items() if _is_meant(own, wanted)]
        for start in (_file(by), _folder(by), ""):
            near = [name for name in names if _file(name).startswith(start)]
            if near:
                return near[0] if len(near) == 1 else ""
        return ""


def _is_meant(own: FoundResource, wanted: Reference) -> bool:
    type_, _, _ = own.own_name.partition(" ")
    if type_ != wanted.type:
        return False
    return _called(own) == wanted.name if wanted.name else wanted.labels <= own.labels


def _called(own: FoundResource) -> str:
    """The name of an object without its namespace."""
    return own.own_name.partition(" ")[2].rpartition("/")[2]


def _file(name: str) -> str:
    return name.rpartition(" ")[0]


def _folder(name: str) -> str:
    return _file(name).rpartition("/")[0]
