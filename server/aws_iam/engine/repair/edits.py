"""The changes between two documents, as a reviewer reads them, and the same changes made again.

    edits_of(draft)            →   (Edit("/Statement/0/Action", "replaced", before, after, requests), …)
    replayed(document, edits)  →   the document after the edits, one after the other

Each pointer is a place in the document as the edits before have left it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.repair.draft import Draft, Part

# Beyond so many elements a statement reads better as a whole.
_MOST_ELEMENTS = 2


@slotted
class Edit:
    """One change; `requests` are the places of the requirements in the call that it is for."""

    pointer: str
    change: Literal["added", "removed", "replaced"]
    before: Any = None
    after: Any = None
    requests: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """The edit as a row of an answer."""
        found: dict[str, Any] = {"pointer": self.pointer, "change": self.change}
        found |= {"before": self.before} if self.change != "added" else {}
        found |= {"after": self.after} if self.change != "removed" else {}
        return {**found, "requests": list(self.requests)}


def edits_of(draft: Draft) -> tuple[Edit, ...]:
    """The edits that lead from the given document to the draft."""
    before, after = draft.given, draft.document
    if before == after:
        return ()
    body = before.get("Statement", [])
    if not isinstance(body, list):
        served = tuple(dict.fromkeys(p for part in draft.parts for p in _requests(part)))
        return (
            Edit(
                pointer="/Statement",
                change="replaced",
                before=body,
                after=after["Statement"],
                requests=served,
            ),
        )
    return tuple(_of_statements(draft, body))


def _of_statements(draft: Draft, body: list[dict[str, Any]]) -> Iterator[Edit]:
    """The edits of a list of statements, from its first to its last."""
    removed = _requests_of_removed(draft)
    at = waiting = 0
    for part in draft.parts:
        if part.origin is None or part.origin < waiting:
            yield Edit(
                pointer=f"/Statement/{at}",
                change="added",
                after=part.statement,
                requests=_requests(part),
            )
        else:
            for number in range(waiting, part.origin):
                yield _removal(at, body[number], removed.get(number, ()))
            waiting = part.origin + 1
            yield from _of_elements(f"/Statement/{at}", body[part.origin], part)
        at += 1
    for number in range(waiting, len(body)):
        yield _removal(at, body[number], removed.get(number, ()))


def _removal(at: int, statement: dict[str, Any], requests: tuple[str, ...]) -> Edit:
    return Edit(pointer=f"/Statement/{at}", change="removed", before=statement, requests=requests)


def _of_elements(pointer: str, before: Mapping[str, Any], part: Part) -> Iterator[Edit]:
    after, requests = part.statement, _requests(part)
    names = [
        name
        for name in dict.fromkeys((*before, *after))
        if before.get(name, _ABSENT) != after.get(name, _ABSENT)
    ]
    if len(names) > _MOST_ELEMENTS:
        yield Edit(
            pointer=pointer, change="replaced", before=before, after=after, requests=requests
        )
        return
    for name in names:
        at = f"{pointer}/{name}"
        if name not in after:
            yield Edit(pointer=at, change="removed", before=before[name], requests=requests)
        elif name not in before:
            yield Edit(pointer=at, change="added", after=after[name], requests=requests)
        else:
            yield Edit(
                pointer=at,
                change="replaced",
                before=before[name],
                after=after[name],
                requests=requests,
            )


_ABSENT = object()


def _requests(part: Part) -> tuple[str, ...]:
    return tuple(dict.fromkeys(own.pointer for own in part.serves.values()))


def _requests_of_removed(draft: Draft) -> Mapping[int, tuple[str, ...]]:
    return {
        number: tuple(dict.fromkeys(own.pointer for own in served))
        for number, served in draft.removed.items()
    }


def replayed(document: Mapping[str, Any], edits: Iterable[Edit]) -> dict[str, Any]:
    """The document after the edits."""
    made: dict[str, Any] = copy.deepcopy(dict(document))
    for edit in edits:
        *path, last = edit.pointer.strip("/").split("/")
        holder: Any = made
        for token in path:
            holder = holder[int(token) if isinstance(holder, list) else token]
        if isinstance(holder, list):
            number = int(last)
            new = [] if edit.change == "removed" else [copy.deepcopy(edit.after)]
            holder[number : number + (edit.change != "added")] = new
        elif edit.change == "removed":
            del holder[last]
        else:
            holder[last] = copy.deepcopy(edit.after)
    return made
