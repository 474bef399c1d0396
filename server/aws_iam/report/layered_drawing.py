"""Where the nodes and arrows of a drawing go: a column for each distance from the end, rows that keep arrows short.

layered(drawn(report, 200, 80))   →   Drawing(width=…, height=…, boxes=(Box(…),), arrows=(Arrow(…),))

networkx makes the columns. It has no order within them that keeps arrows from crossing (`multipartite_layout` takes the order
that it is given), and Graphviz is no library of Python.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.report.access_report import AccessNode, AccessStep, Drawn

BOX_WIDTH, BOX_HEIGHT = 200, 40
_COLUMN, _ROW, _MARGIN = 320, 56, 12
_SWEEPS = 4
# The arrow of a step that changes its own actor: as high as the margin has room for.
_LOOP = _ROW - BOX_HEIGHT
# A curve goes three quarters as far out as its middle points.
_BEND = _MARGIN * 4 // 3


@positional
class Box:
    """A node and its upper left corner, in pixels."""

    node: AccessNode
    x: int
    y: int


@positional
class Arrow:
    """A step, and the curve of its arrow as SVG writes a path."""

    step: AccessStep
    curve: str


@positional
class Drawing:
    """All of it, with its size in pixels."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def layered(found: Drawn) -> Drawing:
    """The drawing: what the paths lead to is on the right."""
    from_end = _from_end(found.steps)
    columns: dict[int, list[str]] = defaultdict(list)
    for node in found.nodes:
        columns[from_end[node.id]].append(node.id)
    rows = _ordered(columns, found.steps)
    last = max(columns, default=0)
    places = {
        id_: (_MARGIN + (last - from_end[id_]) * _COLUMN, _MARGIN + round(row * _ROW))
        for id_, row in rows.items()
    }
    high = max((y for _, y in places.values()), default=0)
    return Drawing(
        width=2 * _MARGIN + last * _COLUMN + BOX_WIDTH,
        height=high + BOX_HEIGHT + _MARGIN,
        boxes=tuple(Box(node, *places[node.id]) for node in found.nodes),
        arrows=tuple(
            Arrow(step, _curve(places[step.start], places[step.end])) for step in found.steps
        ),
    )


def _from_end(steps: Iterable[AccessStep]) -> dict[str, int]:
    """The most steps from each node to where its paths end, so that arrows go to the right; nodes of a circle stand together."""
    # Imported here: most answers draw nothing.
    import networkx as nx

    backwards: nx.DiGraph[str] = nx.DiGraph([(step.end, step.start) for step in steps])
    circles = nx.condensation(backwards)
    return {
        id_: distance
        for distance, column in enumerate(nx.topological_generations(circles))
        for circle in column
        for id_ in circles.nodes[circle]["members"]
    }


def _ordered(columns: Mapping[int, list[str]], steps: tuple[AccessStep, ...]) -> dict[str, float]:
    """The row of each node: those of a column are sorted by the middle of their neighbours, a few times to and fro."""
    beside: dict[str, list[str]] = defaultdict(list)
    for step in steps:
        beside[step.start].append(step.end)
        beside[step.end].append(step.start)
    tallest = max(map(len, columns.values()), default=0)
    rows: dict[str, float] = {}
    for ids in columns.values():
        rows |= _spread(ids, tallest)
    for sweep in range(_SWEEPS):
        for column in sorted(columns, reverse=bool(sweep % 2)):
            middle = {
                id_: sum(rows[other] for other in beside[id_]) / len(beside[id_])
                for id_ in columns[column]
            }
            rows |= _spread(
                sorted(columns[column], key=lambda id_: (middle[id_], rows[id_])), tallest
            )
    return rows


def _spread(ids: list[str], tallest: int) -> dict[str, float]:
    """Rows around the middle of the tallest column."""
    first = (tallest - len(ids)) / 2
    return {id_: first + number for number, id_ in enumerate(ids)}


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    if start == end:
        left, right = start[0] + BOX_WIDTH // 4, start[0] + 3 * BOX_WIDTH // 4
        return f"M{left} {start[1]} C{left} {start[1] - _LOOP} {right} {start[1] - _LOOP} {right} {start[1]}"
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT // 2
    if start[0] == end[0]:
        # Within a column down on the right and up on the left, as far out as the margin has room for.
        side, bend = (x1, _BEND) if y1 < y2 else (x2, -_BEND)
        return f"M{side} {y1} C{side + bend} {y1} {side + bend} {y2} {side} {y2}"
    # Backwards the curve leaves and comes back in an arc.
    bend = max(60, abs(x2 - x1) // 2)
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
