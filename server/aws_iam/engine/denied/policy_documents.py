"""The policies of one decision as JSON documents that can be changed in place."""

from __future__ import annotations

import json
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.larger_documents import doubt_of_all, parts_of
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER, LEVELLED, layers_of
from aws_iam.engine.language.document import Policy, dump
from aws_iam.engine.reference.managed_policies import is_policy_arn
from aws_iam.engine.repair.draft import EMPTY
from aws_iam.engine.sources.gather import gathered
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.evaluation.layers import Layers

    Level = tuple["PolicyDocument", ...]


@slotted
class PolicyDocument:
    """A policy document, and its pointer in the input; empty for one that was not given.

    `aws_managed` is the ARN of an AWS managed policy, which only AWS can change.
    """

    document: Mapping[str, Any]
    pointer: str = ""
    aws_managed: str = ""


@slotted
class DocumentPlace:
    """The place of a document: layer, level, and number within the level."""

    layer: str
    level: int
    number: int

    @classmethod
    def of(cls, pointer: str) -> DocumentPlace:
        """The place for a policy pointer of a decision, such as `/scp/0/1` or `/identity/0`."""
        layer, *numbers = pointer.strip("/").split("/")
        level, number = numbers if layer in LEVELLED else ("0", *numbers)
        return cls(layer=layer, level=int(level), number=int(number))


@slotted
class PolicyDocuments:
    """Policy documents by layer and level; `unreadable` layers exist, but their content is unknown.

    Documents that `are_cut` may lack a part of a statement: what would be widened might be wider than it shows.
    """

    levels: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    are_cut: bool = False

    @classmethod
    def of(cls, policies: object) -> PolicyDocuments:
        """The documents of policies given as for `evaluate`; InputError for those that cannot be used."""
        layers = layers_of(policies)
        given: Any = json.loads(policies) if isinstance(policies, str) else policies
        levels = {
            layer: tuple(_levels(layer, value))
            for layer, value in given.items()
            if value is not None
        }
        return cls(
            levels=levels,
            unreadable=frozenset(given) - frozenset(levels),
            # What stands there for a value that only the deployment knows is not the caller's.
            are_cut=any(own.doubt for own in layers.all()),
        )

    def __contains__(self, layer: str) -> bool:
        return layer in self.levels or layer in self.unreadable

    @property
    def layers(self) -> Layers:
        """The documents as layers for `evaluate`."""
        given: dict[str, Any] = dict.fromkeys(self.unreadable)
        for layer, levels in self.levels.items():
            listed = [[entry.document for entry in level] for level in levels]
            given[layer] = listed if layer in LEVELLED else listed[0]
        return layers_of(given)

    def level(self, spot: DocumentPlace) -> Level:
        """All documents of the place's level."""
        return self.levels.get(spot.layer, ((),))[spot.level]

    def document(self, spot: DocumentPlace) -> PolicyDocument:
        """The document at the place; an empty policy beyond the last one."""
        level = self.level(spot)
        return level[spot.number] if spot.number < len(level) else PolicyDocument(document=EMPTY)

    def with_layer(self, layer: str, *documents: Mapping[str, Any]) -> PolicyDocuments:
        """A copy with one more layer of a single level."""
        level = tuple(PolicyDocument(document=document) for document in documents)
        return replace(self, levels={**self.levels, layer: (level,)})

    def changed(self, spot: DocumentPlace, document: Mapping[str, Any]) -> PolicyDocuments:
        """A copy with another document at the place, or with it added beyond the last one."""
        levels = list(self.levels.get(spot.layer, ((),)))
        level, entry = self.level(spot), replace(self.document(spot), document=document)
        levels[spot.level] = (*level[: spot.number], entry, *level[spot.number + 1 :])
        return replace(self, levels={**self.levels, spot.layer: tuple(levels)})


def _levels(layer: str, value: Any) -> Iterator[Level]:
    if layer not in LEVELLED:
        yield tuple(_documents(layer, f"/{layer}", value))
        return
    for number, level in enumerate(value if isinstance(value, list) else [value]):
        yield tuple(_documents(layer, f"/{layer}/{number}", level))


def _documents(layer: str, pointer: str, value: Any) -> Iterator[PolicyDocument]:
    if isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _documents(layer, f"{pointer}/{number}", entry)
        return
    found = gathered(value, KIND_OF_LAYER[layer])
    parts = parts_of(layer, pointer, value, found) if found.formats else None
    for arn in parts.attached if parts else ():
        yield from _documents(layer, pointer, arn)
    for source in parts.sources if parts else found.sources:
        if isinstance(source.content, Policy):
            if parts and _may_be_absent(source.content, doubt_of_all(source, parts)):
                continue
            yield PolicyDocument(
                document=json.loads(dump(source.content)),
                pointer=pointer,
                aws_managed=source.name if is_policy_arn(source.name) else "",
            )


def _may_be_absent(policy: Policy, doubt: str) -> bool:
    """Whether the policy may not be there and only allows: it did not allow what AWS refused."""
    return bool(doubt) and all(statement.allows for statement in policy.statements)
