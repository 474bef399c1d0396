"""Who reaches something: one search for each principal that can do anything, the paths that it finds, and others within a bound.

Reach(book, admin_goal(book), "admin").found()   →   Paths(principals=(Reached(…),), paths=(…), cuts=(…))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.audit.paths.cuts import cuts_of
from aws_iam.tools.audit.paths.derivation import Derivation, path_of
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.hop import Path, Paths, Reached
from aws_iam.tools.audit.paths.search import Search, actions_of
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.changes import State
    from aws_iam.tools.audit.paths.search import Banned, Goal

MOST_OTHERS = 4
"""Further paths that are looked for from one principal."""
MOST_PATHS = 500
"""Paths in all past which no further ones are looked for: the shortest of each principal is always there."""
_ORDER = {"administrator": 0, "can_become": 1, "unknown": 2}


@dataclass(slots=True)
class Reach:
    """The searches towards one goal."""

    book: PowerBook
    goal: Goal
    to: str
    stopped: list[str] = field(default_factory=list)
    left_out: int = 0
    _hopeless: int = 0
    """Principals that another one controls who reaches nothing: neither do they."""

    def found(self) -> Paths:
        """Everybody who reaches it."""
        entities = self.book.entities
        starts, administrators = entities.users | entities.roles, self._administrators()
        reached = [
            Reached(
                principal=entities.arns[number],
                verdict="administrator",
                is_bound=self.book.administrators.level_of(entities.principals[number]).is_bound,
            )
            for number in bits(starts & administrators)
        ]
        paths: list[Path] = []
        for number in bits(starts & ~administrators & ~self.goal.principals):
            row, found = self.of(number)
            reached += [row] if row else []
            paths += found
        others = self._others(paths)
        every = sorted((*paths, *others), key=_by_length)
        return Paths(
            to=self.to,
            principals=tuple(
                sorted(reached, key=lambda own: (_ORDER[own.verdict], own.hops, own.principal))
            ),
            there=tuple(
                entities.arns[number]
                for number in bits(starts & ~administrators & self.goal.principals)
                if entities.arns[number] != self.to
            ),
            paths=tuple(every),
            cuts=cuts_of(every),
            left_out=self.left_out,
            stopped=tuple(self.stopped),
        )

    def of(self, number: int) -> tuple[Reached | None, list[Path]]:
        """What one principal reaches, with its shortest path."""
        arn = self.book.entities.arns[number]
        if self._hopeless >> number & 1:
            return None, []
        search = Search(self.book, self.goal)
        path = self._shortest(search, number) if self.goal.is_knowable else None
        search.was_doubtful |= not self.goal.is_knowable
        if path is None and not (search.was_doubtful or search.was_stopped):
            # As they are, they can do no more than whoever controls them.
            self._hopeless |= search.controlled & ~self.goal.perhaps
        if path is None and self.goal.perhaps >> number & 1:
            return Reached(principal=arn, verdict="unknown", why=self._unread(number)), []
        if path is None and search.was_doubtful:
            path = self._shortest(Search(self.book, self.goal, certain=False), number)
            if path is not None:
                why = next((hop.why_unknown for hop in path.hops if hop.why_unknown), "")
                why = why or self._why_perhaps(path)
                row = Reached(principal=arn, verdict="unknown", hops=len(path.hops), why=why)
                return row, [path]
        if path is None:
            return None, []
        return Reached(principal=arn, verdict="can_become", hops=len(path.hops)), [path]

    def _why_perhaps(self, path: Path) -> str:
        return f"{quoted(path.end)}: {self._unread(self.book.entities.number[path.end])}"

    def _unread(self, number: int) -> str:
        unread = self.book.unread(number) if number in self.book.entities.principals else ()
        why = joined(unread) if unread else "not all that decides could be read"
        return f"what it may do is not known: {why}"

    def _shortest(self, search: Search, number: int) -> Path | None:
        found = search.run(number)
        if found is None:
            if search.was_stopped:
                self.stopped.append(self.book.entities.arns[number])
            return None
        derivation = Derivation.of(search, number, found)
        return path_of(
            derivation, is_administrator=self._is_administrator(found.number, found.state)
        )

    def _is_administrator(self, number: int, state: State) -> bool:
        if self.book.entities.created >> number & 1:
            return True
        return bool(self.book.is_administrator(number, state))

    def _administrators(self) -> int:
        """The administrators of the accounts where they end a path."""
        certain, _ = self.book.known_administrators
        if self.goal.ends is None:
            return certain
        in_account = self.book.entities.in_account
        return sum(certain & in_account[account] for account in self.goal.ends)

    def _others(self, shortest: list[Path]) -> list[Path]:
        """Further paths of the same principals: each step of a known one is left out in turn."""
        found: list[Path] = []
        room = MOST_PATHS - len(shortest)
        for path in shortest if self.goal.is_knowable else ():
            if not path.is_certain:
                continue
            more = list(self._beside(path))
            self.left_out += len(more) - len(more[:MOST_OTHERS])
            more = more[:MOST_OTHERS]
            found += more[: max(0, room)]
            self.left_out += max(0, len(more) - max(0, room))
            room -= len(more)
            if room <= 0:
                # The paths of the rest are not counted.
                self.left_out = max(1, self.left_out)
                break
        return found

    def _beside(self, path: Path) -> Iterator[Path]:
        """Other paths of the same principal, with one more than are told where there is one."""
        number = self.book.entities.number[path.start]
        known = {_edges(path)}
        queue: list[Banned] = [frozenset()]
        tried = {queue[0]}
        while queue and len(known) <= MOST_OTHERS + 1:
            banned = queue.pop(0)
            search = Search(self.book, self.goal, banned=banned)
            found = search.run(number)
            if found is None:
                continue
            derivation = Derivation.of(search, number, found)
            is_administrator = self._is_administrator(found.number, found.state)
            other = path_of(derivation, is_administrator=is_administrator)
            if _edges(other) not in known:
                known.add(_edges(other))
                yield other
            for used in derivation.used:
                if used.step.trusted:
                    # Whom a rewritten trust policy names makes no other path.
                    continue
                step = (used.step.actor, actions_of(used.step), used.target)
                more = banned | {step}
                if more not in tried:
                    tried.add(more)
                    queue.append(more)


def _edges(path: Path) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(hop.edge for hop in path.hops)


def _by_length(path: Path) -> tuple[int, int, str]:
    return len(path.hops), path.conditions, path.start
