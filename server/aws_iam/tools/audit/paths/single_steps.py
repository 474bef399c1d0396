"""How many steps away from a goal everybody is at least: networkx walks backwards through what each can do alone.

least_steps(book, goal, administrators)   →   {7: 0, 3: 1, 4: 2}; who is not in it reaches nothing

A step may need what several others gave, such as a group's policy and its membership, which no edge from one node to another
can say. But a path with a change leads to somebody who can make one, and to somebody whom one concerns. So nobody has a shorter
path than to the nearest of each, and whoever has a path of that length has a shortest one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.states import touched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from networkx import DiGraph

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.changes import Gain
    from aws_iam.tools.audit.paths.search import Goal

_Node = int | tuple[int, ...]
"""A principal; a set of targets, as `(targets,)`; or a part of sets, as `(first number, targets from there on)`.

So a thousand who can act as the same thousand are no million edges, and neither are a thousand who each lack another one.
"""
_PART = 64
"""Numbers that a part is of."""
_CHANGED = ((-1,), (-2,), (-3,))
"""What any change may lead to, and the nodes between it and whoever can make one."""


def least_steps(book: PowerBook, goal: Goal, administrators: int) -> dict[int, int]:
    """The steps that principals need at least, by their numbers; no path leads through the administrators."""
    # Imported here: most answers ask for no paths.
    import networkx as nx

    graph: DiGraph[_Node] = nx.DiGraph()
    nx.add_path(graph, _CHANGED)
    graph.add_edges_from((_CHANGED[-1], number) for number in bits(goal.able))
    changes: dict[tuple[Gain, str], int] = defaultdict(int)
    entities = book.entities
    people = entities.users | entities.roles | entities.sessions
    for number in bits(people & ~administrators & ~goal.principals):
        for power in book.powers(number):
            if power.gain != "principal":
                changes[power.gain, power.what] |= power.targets
                graph.add_edge(_CHANGED[-1], number)
            if power.gain in {"principal", "trust"}:
                # To itself it is no step: so all who can act as all others share one set.
                graph.add_edge(_any_of(graph, power.targets | 1 << number), number)
    concerned = goal.able
    for (gain, _), targets in changes.items():
        concerned |= touched(entities, gain, targets, changes)
    ends = goal.principals | goal.perhaps
    graph.add_nodes_from(bits(ends | concerned))
    to_change = _steps(graph, [*bits(ends), _CHANGED[0]])
    to_concerned = _steps(graph, bits(ends | concerned))
    return {
        number: max(steps, to_concerned[number])
        for number, steps in to_change.items()
        if number in to_concerned
    }


def _any_of(graph: DiGraph[_Node], targets: int) -> _Node:
    """The node of a set of targets, with the edges to it."""
    node = (targets,)
    if node not in graph:
        for start in range(0, targets.bit_length(), _PART):
            in_part = targets >> start & ((1 << _PART) - 1)
            if not in_part:
                continue
            part = (start, in_part)
            if part not in graph:
                graph.add_edges_from((start + number, part) for number in bits(in_part))
            graph.add_edge(part, node)
    return node


def _steps(graph: DiGraph[_Node], ends: Iterable[_Node]) -> dict[int, int]:
    import networkx as nx

    return {
        number: distance // len(_CHANGED)
        for distance, layer in enumerate(nx.bfs_layers(graph, list(ends)))
        for number in layer
        if isinstance(number, int)
    }
