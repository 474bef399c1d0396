"""How many steps away from a goal everybody is at least: networkx walks backwards through what each can do alone.

least_steps(book, goal, administrators)   →   {7: 0, 3: 1, 4: 2}; who is not in it reaches nothing

A step may need what several others gave, such as a group's policy and its membership, which no edge from one node to another
can say: whoever can change anything counts as one step away, and the search decides. So nobody has a shorter path than this,
and whoever has a path of that length has a shortest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.audit.paths.entities import bits

if TYPE_CHECKING:
    from networkx import DiGraph

    from aws_iam.tools.audit.paths.book import PowerBook
    from aws_iam.tools.audit.paths.search import Goal

_Node = int | tuple[int]
"""A principal, or a set of targets: as a node of its own, so that a thousand who can act as the same thousand are no pairs."""
_CHANGED, _CHANGES = (-1,), (0,)
"""What any change may lead to, and the node between it and whoever can make one."""


def least_steps(book: PowerBook, goal: Goal, administrators: int) -> dict[int, int]:
    """The steps that principals need at least, by their numbers, nearest first; no path leads through the administrators."""
    # Imported here: most answers ask for no paths.
    import networkx as nx

    graph: DiGraph[_Node] = nx.DiGraph()
    ends: list[_Node] = [*bits(goal.principals | goal.perhaps), _CHANGED]
    graph.add_nodes_from(ends)
    graph.add_edge(_CHANGED, _CHANGES)
    graph.add_edges_from((_CHANGES, number) for number in bits(goal.able))
    entities = book.entities
    people = entities.users | entities.roles | entities.sessions
    for number in bits(people & ~administrators & ~goal.principals):
        for power in book.powers(number):
            node = (power.targets,) if power.gain == "principal" else _CHANGES
            if node not in graph:
                graph.add_edges_from((target, node) for target in bits(power.targets))
            graph.add_edge(node, number)
    return {
        number: distance // 2
        for distance, layer in enumerate(nx.bfs_layers(graph, ends))
        for number in layer
        if isinstance(number, int)
    }
