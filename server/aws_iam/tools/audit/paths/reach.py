"""Who reaches something, by which path, and by which others within a bound.

Whoever can act as somebody with a shortest path goes on by it; for all others that may reach it there is a search.

Reach(book, admin_goal(book), "admin").found()   →   Paths(principals=(Reached(…),), paths=(…), cuts=(…))
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.audit.paths.changes import UNCHANGED
from aws_iam.tools.audit.paths.cuts import cuts_of
from aws_iam.tools.audit.paths.derivation import Derivations, UsedStep, hop_of
from aws_iam.tools.audit.paths.entities import bits, mask_of
from aws_iam.tools.audit.paths.hop import Path, Paths, Reached
from aws_iam.tools.audit.paths.search import Search, Step, actions_of
from aws_iam.tools.audit.paths.single_steps import least_steps
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.search import Banned, Goal

MOST_OTHERS = 4
"""Further paths that are looked for from one principal."""
MOST_PATHS = 500
"""Paths in all past which no further ones are looked for: the shortest of each principal is there for all that."""
MOST_VARIED = 10
"""Hops of a path past which no further ones are looked for beside it."""
MOST_HOPS = 100_000
"""Hops of the paths that are told, the shortest first."""
_ORDER = {"administrator": 0, "can_become": 1, "unknown": 2}


@dataclass(slots=True)
class Reach:
    """The searches towards one goal."""

    book: PowerBook
    goal: Goal
    to: str
    stopped: list[str] = field(default_factory=list)
    left_out: int = 0
    not_varied: int = 0
    _hopeless: int = 0
    """Principals that another one controls who reaches nothing: neither do they."""
    _known: dict[int, Path] = field(default_factory=dict)
    """The shortest path that was found of each principal that is known to have one."""
    _away: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Those that are some steps away, by the steps."""

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
        unknown: list[Path] = []
        self._away[0] = self.goal.principals
        least = least_steps(self.book, self.goal, administrators)
        searched = starts & ~administrators & ~self.goal.principals
        # The nearest first: who can act as one of them is not searched.
        for number in sorted(bits(searched & mask_of(least)), key=least.__getitem__):
            row, path = self._of(number, least[number])
            reached += [row] if row else []
            unknown += [path] if path else []
        self._shorten(least)
        paths = sorted((*self._known.values(), *unknown), key=_by_length)
        told = _as_many(paths)
        others = self._others(told)
        every = sorted((*told, *others), key=_by_length)
        shortest = {path.start: path for path in self._known.values()}
        for path in others:
            # A search that leaves a step out may come to a shorter one than the first search.
            shortest[path.start] = min(shortest[path.start], path, key=lambda own: len(own.hops))
        reached += [
            Reached(principal=start, verdict="can_become", hops=len(path.hops))
            for start, path in shortest.items()
        ]
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
            shortest=shortest,
            cuts=cuts_of(every),
            left_out=self.left_out,
            too_long=len(paths) - len(told),
            not_varied=self.not_varied,
            stopped=tuple(sorted(self.stopped)),
        )

    def _of(self, number: int, least: int) -> tuple[Reached | None, Path | None]:
        """Note the path of one principal; or a row, and perhaps a path, where it is not known whether it has one."""
        arn = self.book.entities.arns[number]
        if self._hopeless >> number & 1:
            return None, None
        search = Search(self.book, self.goal)
        path = None
        if self.goal.is_knowable:
            path = self._through_another(number, least) or self._shortest(search, number)
        search.was_doubtful |= not self.goal.is_knowable
        if path is not None:
            self._known[number] = path
            self._away[len(path.hops)] |= 1 << number
            return None, None
        if not (search.was_doubtful or search.was_stopped):
            # As they are, they can do no more than whoever controls them.
            self._hopeless |= search.controlled & ~self.goal.perhaps
        if self.goal.perhaps >> number & 1:
            return Reached(principal=arn, verdict="unknown", why=self._unread(number)), None
        if search.was_doubtful:
            path = self._shortest(Search(self.book, self.goal, certain=False), number)
        if path is None:
            return None, None
        why = next((hop.why_unknown for hop in path.hops if hop.why_unknown), "")
        path = path if why else replace(path, ends_perhaps=True)
        why = why or self._why_perhaps(path)
        return Reached(principal=arn, verdict="unknown", hops=len(path.hops), why=why), path

    def _shorten(self, least: Mapping[int, int]) -> None:
        """Go on by somebody else's path where a search, which takes the first changes that it comes to, found a longer one."""
        longer = {
            number: path for number, path in self._known.items() if len(path.hops) > least[number]
        }
        most = max((len(path.hops) for path in longer.values()), default=0)
        for steps in range(1, most):
            for number, path in longer.items():
                if not least[number] < steps < len(self._known[number].hops):
                    continue
                shorter = self._through_another(number, steps)
                if shorter:
                    self._known[number] = shorter
                    self._away[len(path.hops)] &= ~(1 << number)
                    self._away[steps] |= 1 << number

    def _through_another(self, number: int, steps: int) -> Path | None:
        """A path of so many steps: one of this principal's, and on as somebody who is a step nearer."""
        nearer = self._away[steps - 1]
        for power in self.book.powers(number):
            usable = power.targets & nearer
            if usable and power.gain == "principal" and power.is_certain:
                target = next(bits(usable))
                onward = self._known.get(target)
                arn = self.book.entities.arns[number]
                if onward and any(hop.end == arn for hop in onward.hops):
                    # It comes back to take over this principal, which need not do that itself.
                    continue
                step = Step(number, UNCHANGED, power, usable)
                hop = hop_of(self.book, UsedStep(step, target, target))
                if onward:
                    return replace(onward, hops=(hop, *onward.hops))
                return Path(hops=(hop,), is_administrator=self.book.has_full_access(target))
        return None

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
        return Derivations(search, number).of_goal(found).path

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
            if len(path.hops) > MOST_VARIED:
                self.not_varied += 1
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
            derivation = Derivations(search, number).of_goal(found)
            other = derivation.path
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


def _as_many(paths: Sequence[Path]) -> list[Path]:
    """As many of the paths as are told."""
    hops = accumulate(len(path.hops) for path in paths)
    return [path for path, so_far in zip(paths, hops, strict=True) if so_far <= MOST_HOPS]


def _edges(path: Path) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(hop.edge for hop in path.hops)


def _by_length(path: Path) -> tuple[int, int, str]:
    return len(path.hops), path.conditions, path.start
