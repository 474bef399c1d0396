"""Who reaches what, as the formats print and draw it: principals and resources, the steps between them, paths, and cuts."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

MOST_NAMED = 3
"""Actions that stand beside a drawn step; all of them are in its text."""


@slotted
class AccessNode:
    """A principal, a resource, or access itself; `id` is an ARN, or the word that stands for several."""

    id: str
    name: str
    """What it is called in short: `user/ann`."""
    kind: str
    """`user`, `role`, `session`, `group`, `outsider`, `service`, `resource` or `goal`; a session has less than its role."""
    account: str = ""
    is_administrator: bool = False


@slotted
class AccessStep:
    """What one does to act as the next, or to act on it; `start` and `end` are ids of nodes."""

    start: str
    end: str
    actions: tuple[str, ...]
    through: tuple[str, ...] = ()
    """The groups, policies and resources that it changes or uses."""
    statement: str = ""
    """The statements that allow it."""
    conditions: tuple[str, ...] = ()
    why_unknown: str = ""

    @property
    def edge(self) -> tuple[str, str, tuple[str, ...]]:
        """What it is in a graph: the same step may be part of many paths."""
        return self.start, self.end, self.actions

    @property
    def named(self) -> str:
        """Its first actions, and how many more there are."""
        more = len(self.actions) - MOST_NAMED
        return ", ".join(self.actions[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


Way = tuple[AccessStep, ...]
"""A path: each step begins where the one before it ended."""


@slotted
class AccessCut:
    """What to take away: all that one does to another, or a statement that allows more steps than that one.

    `closes` are the paths that use it, `stops` the principals that then have none of the paths left.
    """

    start: str
    end: str
    actions: tuple[str, ...]
    closes: int
    stops: int = 0
    statement: str = ""


@slotted
class AccessReport:
    """The answer to a question about access; the paths come shortest first."""

    version: str
    """Of this tool."""
    question: str
    """`Who can become administrator`."""
    account: str
    accounts: int = 1
    """How many it covers, where each was searched alone."""
    collected_at: datetime
    as_of: str
    """The date of the service-authorization data."""
    summary: str
    nodes: Mapping[str, AccessNode]
    paths: tuple[Way, ...] = ()
    cuts: tuple[AccessCut, ...] = ()
    left_out: int = 0
    """How many paths there are at least beside those listed."""
    not_judged: Sequence[Mapping[str, str]] = ()
    """What is unknown: `place` and `why`."""
    not_considered: str = ""
    becoming: int = 0
    """How many principals can become an administrator, where that was asked."""
    answer: Answer = field(default=Answer(summary=""))

    @property
    def steps(self) -> tuple[AccessStep, ...]:
        """Every step of the paths, once."""
        found: dict[tuple[str, str, tuple[str, ...]], AccessStep] = {}
        for path in self.paths:
            for step in path:
                found.setdefault(step.edge, step)
        return tuple(found.values())

    @property
    def collected(self) -> str:
        """When the accounts were read."""
        return f"Collected {self.collected_at:%Y-%m-%d %H:%M} UTC"

    def name(self, node: str) -> str:
        """What a node is called, with its account where there are several."""
        own = self.nodes[node]
        of_account = f" ({own.account})" if own.account and self.several else ""
        return f"{own.name}{of_account}"

    @property
    def several(self) -> bool:
        """Whether the principals are of more than one account."""
        named = {node.account for node in self.nodes.values() if node.account}
        return self.accounts > 1 or len(named) > 1


@positional
class Drawn:
    """The part of a report that a drawing has room for, and how many of the paths it leaves out."""

    nodes: tuple[AccessNode, ...]
    steps: tuple[AccessStep, ...]
    paths: tuple[Way, ...]
    left_out: int


def drawn(report: AccessReport, most_steps: int, most_nodes: int | None = None) -> Drawn:
    """As many of the shortest paths as fit, each whole; the steps of several paths are drawn once."""
    steps: dict[tuple[str, str, tuple[str, ...]], AccessStep] = {}
    nodes: dict[str, AccessNode] = {}
    paths: list[Way] = []
    for path in report.paths:
        more = {step.edge: step for step in path} | steps
        ends = nodes | {id_: report.nodes[id_] for step in path for id_ in (step.start, step.end)}
        if len(more) > most_steps or (most_nodes is not None and len(ends) > most_nodes):
            break
        steps, nodes = more, ends
        paths.append(path)
    left_out = report.left_out + len(report.paths) - len(paths)
    return Drawn(tuple(nodes.values()), tuple(steps.values()), tuple(paths), left_out)
