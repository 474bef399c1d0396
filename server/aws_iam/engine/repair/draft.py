"""A policy while it is repaired: its statements, where each comes from, and the requirements that it was changed for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.repair.requirements import Requirement

Document = dict[str, Any]

EMPTY: Final[Mapping[str, Any]] = {"Version": "2012-10-17", "Statement": []}


@dataclass(slots=True, kw_only=True, eq=False)
class Part:
    """One statement; `origin` is the number of the given statement that it is, or that it replaces a part of."""

    statement: dict[str, Any]
    origin: int | None = None
    serves: dict[str, Requirement] = field(default_factory=dict)

    def serve(self, *requirements: Requirement) -> None:
        """Note the requirements that the statement was changed for."""
        for own in requirements:
            self.serves[f"{own.effect}{own.pointer}{own.given}"] = own


@dataclass(slots=True, kw_only=True)
class Draft:
    """The statements of a document in their order."""

    given: Mapping[str, Any]
    parts: list[Part]
    # By the number of a given statement that is gone: the requirements that it was in the way of.
    removed: dict[int, list[Requirement]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Draft:
        """The draft in which nothing is changed."""
        parts = [
            Part(statement=own, origin=number)
            for number, own in enumerate(statements_of(document))
        ]
        return cls(given=document, parts=parts)

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements as they are now."""
        return [part.statement for part in self.parts]

    @property
    def document(self) -> Document:
        """The document as it is now; unchanged statements keep the form in which they were given."""
        if self.statements == statements_of(self.given):
            return dict(self.given)
        return {**self.given, "Statement": self.statements}

    def original(self, part: Part) -> dict[str, Any] | None:
        """The given statement of a part; None for a new one."""
        return None if part.origin is None else statements_of(self.given)[part.origin]

    def replace(self, part: Part, statements: Iterable[Mapping[str, Any]]) -> list[Part]:
        """Put other statements in the place of a part; each is for what the part was for."""
        at = self.parts.index(part)
        new = [
            Part(statement=dict(own), origin=part.origin, serves=dict(part.serves))
            for own in statements
        ]
        self.parts[at : at + 1] = new
        if part.origin is not None and all(own.origin != part.origin for own in self.parts):
            self.removed[part.origin] = list(part.serves.values())
        return new

    def add(self, statement: Mapping[str, Any], requirements: Sequence[Requirement] = ()) -> Part:
        """Put a statement at the end."""
        part = Part(statement=dict(statement))
        part.serve(*requirements)
        self.parts.append(part)
        return part

    def free_sid(self, wanted: str) -> str:
        """A Sid that no statement has, now or as given."""
        taken = [own.get("Sid") for own in (*self.statements, *statements_of(self.given))]
        sid, number = wanted, 1
        while sid in taken:
            number += 1
            sid = f"{wanted}{number}"
        return sid

    def with_distinct_sids(self) -> None:
        """Give statements that replace a part of another one a Sid of their own."""
        seen: set[str] = set()
        for part in self.parts:
            sid = part.statement.get("Sid")
            if isinstance(sid, str) and sid in seen and part.statement != self.original(part):
                part.statement = {**part.statement, "Sid": self.free_sid(sid)}
            seen.add(str(part.statement.get("Sid")))


def statements_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a document, which may be a single one without a list."""
    body = document.get("Statement", [])
    return list(body) if isinstance(body, list) else [body]


def in_form_of(given: Mapping[str, Any], statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement, in which each element that means what a given one does is written as there: a text or a list, in its order."""
    return {
        name: given[name] if name in given and _meaning(own) == _meaning(given[name]) else own
        for name, own in statement.items()
    }


def _meaning(element: object) -> object:
    """What an element says: a text by itself is a list of it, and lists of texts have no order."""
    if isinstance(element, dict):
        return {name: _meaning(own) for name, own in element.items()}
    if isinstance(element, str):
        return {element}
    if isinstance(element, list) and all(isinstance(own, str) for own in element):
        return set(element)
    return element


def condition_keys(condition: object) -> Iterator[str]:
    """The keys of a Condition element, whatever its shape."""
    for block in condition.values() if isinstance(condition, dict) else ():
        yield from block if isinstance(block, dict) else ()
