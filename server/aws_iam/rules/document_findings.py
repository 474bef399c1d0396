"""Findings on the policies of a document: only what is certain, with its place, each once."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.engine.language.document import Policy, Source

    Judged = tuple[tuple[Source, tuple[Finding, ...]], ...]


def certain_findings(
    found: Iterable[Finding], source: Source, judge: Callable[[Policy], tuple[Finding, ...]]
) -> tuple[Finding, ...]:
    """The findings that are true whatever the values are that are unknown until deployment.

    They are not at such a value, and they remain with any of its variants.
    """
    if not (source.unresolved or source.variants):
        return tuple(found)
    kept = tuple(
        finding for finding in found if not is_unresolved(_pointer(finding), source.unresolved)
    )
    for other in source.variants:
        places = {(finding.code, _pointer(finding)) for finding in judge(other)}
        kept = tuple(finding for finding in kept if (finding.code, _pointer(finding)) in places)
    return kept


def is_unresolved(pointer: str, unresolved: frozenset[str]) -> bool:
    """Whether the place is at or below a value that is not known, or is a list with such an entry."""
    if pointer in _lists(unresolved):
        return True
    while pointer:
        if pointer in unresolved:
            return True
        pointer = pointer.rpartition("/")[0]
    return False


@lru_cache(maxsize=4)
def _lists(unresolved: frozenset[str]) -> frozenset[str]:
    """The lists with an entry that is not known: a finding on the whole list may be wrong."""
    parts = (pointer.rpartition("/") for pointer in unresolved)
    return frozenset(holder for holder, _, last in parts if last.isdecimal())


def _pointer(finding: Finding) -> str:
    return finding.where.pointer if finding.where else ""


def with_location(found: Iterable[Finding], source: Source) -> tuple[Finding, ...]:
    """The findings with the name of their policy and the file that their lines refer to."""
    if not (source.name or source.file):
        return tuple(found)
    return tuple(
        replace(
            finding,
            resource=source.name or finding.resource,
            where=replace(finding.where or Where(), file=source.file)
            if source.file
            else finding.where,
        )
        for finding in found
    )


def without_repeats(
    judged: Iterable[tuple[Source, tuple[Finding, ...]]],
) -> tuple[tuple[Source, tuple[Finding, ...]], ...]:
    """A resource of a template is judged for both sides of its conditions: what both have in common is reported once."""
    message: set[tuple[object, ...]] = set()
    kept = []
    judged = tuple(judged)
    if not any(source.other_side_of for source, _ in judged):
        return judged
    for source, found in judged:
        fresh = tuple(finding for finding in found if _place(source, finding) not in message)
        message.update(_place(source, finding) for finding in found)
        kept.append((source, fresh if source.other_side_of else found))
    return tuple(kept)


def _place(source: Source, finding: Finding) -> tuple[object, ...]:
    where = finding.where or Where()
    at = (where.line, where.column) if where.line else where.pointer
    return source.file, source.other_side_of or source.name, finding.code, finding.message, at
