"""What to take away first: the step, or the statement, without which most principals no longer get there.

cuts_of(paths)   →   (Cut(start=helpdesk, end=alice, actions=(…), closes=4, stops=3), …)

The paths are counted, not the cuts of a graph of their steps: in such a graph a path through steps that need each other would
seem to have ways around them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.changes import WRITTEN
from aws_iam.tools.audit.paths.hop import Cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.tools.audit.paths.hop import Hop, Path


@dataclass(slots=True)
class _Group:
    """The hops that are gone together, and the paths that use any of them, by their places."""

    paths: set[int] = field(default_factory=set)
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)
    actions: dict[str, None] = field(default_factory=dict)

    def add(self, at: int, hop: Hop, actions: tuple[str, ...]) -> None:
        self.paths.add(at)
        self.edges[hop.start, hop.end] += 1
        self.actions |= dict.fromkeys(actions)


def cuts_of(paths: Sequence[Path]) -> tuple[Cut, ...]:
    """The cuts, the one that stops most principals first, then by the paths that it closes."""
    own: dict[str, set[int]] = defaultdict(set)
    pairs: dict[tuple[str, str], _Group] = defaultdict(_Group)
    statements: dict[str, _Group] = defaultdict(_Group)
    for at, path in enumerate(paths):
        if path.is_certain:
            own[path.start].add(at)
        for hop in path.hops:
            pairs[hop.start, hop.end].add(at, hop, hop.actions)
            for statement in _needed(hop):
                statements[statement].add(at, hop, hop.actions)

    def stops(group: _Group) -> int:
        starts = {paths[at].start for at in group.paths}
        return sum(start in own and own[start] <= group.paths for start in starts)

    found = {pair: _cut(group, stops(group)) for pair, group in pairs.items()}
    wide = (
        _cut(group, stops(group), statement)
        for statement, group in statements.items()
        if len(group.edges) > 1
    )
    better = [
        cut
        for cut in wide
        if _worth(cut) > max(_worth(found[edge]) for edge in statements[cut.statement].edges)
    ]
    return tuple(
        sorted(
            (*found.values(), *better),
            key=lambda cut: (-cut.stops, -cut.closes, cut.statement, cut.start, cut.end),
        )
    )


def _needed(hop: Hop) -> Iterator[str]:
    """The statements of the account without which a hop fails: each action has one, and a role one that lets in."""
    trusting = [own for own in hop.statements if own.startswith(f"{hop.end} ")]
    others = [own for own in hop.statements if own not in trusting]
    if len(trusting) == 1:
        yield from trusting
    if len(others) + bool(trusting) <= len(hop.actions):
        yield from (own for own in others if not own.startswith(f"{WRITTEN} "))


def _cut(group: _Group, stops: int, statement: str = "") -> Cut:
    (start, end), _ = min(group.edges.items(), key=lambda own: (-own[1], own[0]))
    return Cut(
        start=start,
        end=end,
        actions=tuple(group.actions),
        closes=len(group.paths),
        stops=stops,
        statement=statement,
        steps=len(group.edges),
    )


def _worth(cut: Cut) -> tuple[int, int]:
    return cut.stops, cut.closes
