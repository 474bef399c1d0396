"""Everything that one principal can become: whom it can act as, and whom it can make an administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.frozen import slotted
from aws_iam.tools.audit.paths.changes import UNCHANGED, State
from aws_iam.tools.audit.paths.derivation import Derivations
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.search import Found, Goal, Search

if TYPE_CHECKING:
    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.hop import Path

MOST_TOLD = 500
"""Principals that are told with a path."""


@slotted
class Become:
    """A principal that another can become, by its shortest path; `perhaps` where nobody knows whether the path works."""

    principal: str
    path: Path
    perhaps: bool = False

    def row(self) -> dict[str, Any]:
        """The principal as a row of the answer."""
        return {
            "principal": self.principal,
            "verdict": "unknown" if self.perhaps else "can_become",
            **({"administrator": True} if self.path.is_administrator else {}),
            "hops": [hop.row() for hop in self.path.hops],
        }


@slotted
class Becoming:
    """All of them; `left_out` is how many more there are, `was_stopped` says that the search ended early."""

    becomes: tuple[Become, ...] = ()
    left_out: int = 0
    was_stopped: bool = False


def becoming(book: PowerBook, start: int) -> Becoming:
    """Whom a principal can become, administrators first, then by the length of the path; not through administrators."""
    search = _searched(book, start, certain=True)
    found = _found(search, start)
    more: list[Found] = []
    unsure = search
    if search.was_doubtful:
        unsure = _searched(book, start, certain=False)
        more = [own for own in _found(unsure, start) if own not in found]
    certain, perhaps = Derivations(search, start), Derivations(unsure, start)
    told = [
        *(_become(certain, own, perhaps=False) for own in found[:MOST_TOLD]),
        *(_become(perhaps, own, perhaps=True) for own in more[: max(0, MOST_TOLD - len(found))]),
    ]
    return Becoming(
        becomes=tuple(
            sorted(
                told,
                key=lambda own: (
                    own.perhaps,
                    not own.path.is_administrator,
                    len(own.path.hops),
                    own.principal,
                ),
            )
        ),
        left_out=len(found) + len(more) - len(told),
        was_stopped=search.was_stopped,
    )


def _searched(book: PowerBook, start: int, *, certain: bool) -> Search:
    """A search that looks for nothing, and so finds everything."""

    def nothing(_number: int, _state: State) -> bool:
        return False

    search = Search(book, Goal(principals=0, changed=nothing), certain=certain)
    search.run(start)
    return search


def _found(search: Search, start: int) -> list[Found]:
    """Those whom it makes administrators, once each, and those that it controls as they are."""
    raised: dict[int, Found] = {}
    for own in search.administrators:
        raised.setdefault(own.number, own)
    others = search.controlled & ~(1 << start)
    return [
        *raised.values(),
        *(Found(number, UNCHANGED) for number in bits(others) if number not in raised),
    ]


def _become(derivations: Derivations, found: Found, *, perhaps: bool) -> Become:
    return Become(
        principal=derivations.search.book.entities.arns[found.number],
        path=derivations.of_administrator(found).path,
        perhaps=perhaps,
    )
