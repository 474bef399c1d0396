"""The answer's values: hops, the paths that they make, and the edges whose removal closes most of them.

    Paths(principals=(Reached(…),), paths=(Path(hops=(Hop(start=ann, end=bob, …),)),), cuts=(Cut(…),))

What draws or prints paths reads these and nothing else.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

Verdict = Literal["administrator", "can_become", "unknown"]
ADMIN = "admin"
"""The end of a path that leads to administrator access, wherever it ends."""


@slotted
class Hop:
    """All that `start` does to act as `end`, or to have more itself; both are ARNs.

    `technique` is the id of the path in `assets/data/privilege-escalation.json`, empty for a combination that has none;
    `through` are the groups, policies, boundaries and resources that it changes or uses. `assuming` is what the account
    does not settle, `why_unknown` why it is not known whether the hop works.
    """

    start: str
    end: str
    actions: tuple[str, ...]
    technique: str = ""
    through: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    assuming: tuple[str, ...] = ()
    why_unknown: str = ""

    @property
    def edge(self) -> tuple[str, str, tuple[str, ...]]:
        """What it is in a graph."""
        return self.start, self.end, self.actions

    def row(self) -> dict[str, Any]:
        """The hop as a row of the answer."""
        return {
            "from": self.start,
            "to": self.end,
            "actions": list(self.actions),
            **({"technique": self.technique} if self.technique else {}),
            **({"through": list(self.through)} if self.through else {}),
            "statement": "; ".join(self.statements),
            "conditions": list(self.conditions),
            **({"assuming": list(self.assuming)} if self.assuming else {}),
            **({"why": self.why_unknown} if self.why_unknown else {}),
        }


@slotted
class Path:
    """The hops from a principal to what was asked for; `is_administrator` says that the last one gives full access.

    `ends_perhaps` says that nobody knows whether the end is what was asked for.
    """

    hops: tuple[Hop, ...]
    is_administrator: bool = False
    ends_perhaps: bool = False

    @property
    def start(self) -> str:
        """The ARN of the principal that goes it."""
        return self.hops[0].start

    @property
    def end(self) -> str:
        """The ARN of the principal that it leads to."""
        return self.hops[-1].end

    @property
    def is_certain(self) -> bool:
        """Whether every hop is known to work, and to lead there."""
        return not (self.ends_perhaps or any(hop.why_unknown for hop in self.hops))

    @property
    def conditions(self) -> int:
        """How many conditions and assumptions it has."""
        return sum(len(hop.conditions) + len(hop.assuming) for hop in self.hops)

    def row(self) -> dict[str, Any]:
        """The path as a row of the answer."""
        return {
            "from": self.start,
            "to": self.end,
            **({"administrator": True} if self.is_administrator else {}),
            "hops": [hop.row() for hop in self.hops],
        }


@slotted
class Reached:
    """A principal that is or can become what was asked for; `hops` is the length of the shortest path that was found.

    `is_bound` says of an administrator that it is one only where conditions of its policies are met.
    """

    principal: str
    verdict: Verdict
    hops: int = 0
    is_bound: bool = False
    why: str = ""

    def row(self) -> dict[str, Any]:
        """The principal as a row of the answer."""
        return {
            "principal": self.principal,
            "verdict": self.verdict,
            **({"hops": self.hops} if self.hops else {}),
            **({"under_conditions": True} if self.is_bound else {}),
            **({"why": self.why} if self.why else {}),
        }


@slotted
class Cut:
    """All that one principal does to another, or all that one statement allows, and what is gone without it.

    `closes` are the paths that use it, `stops` the principals that then have none of the listed paths left. With a `statement`,
    `start` and `end` are one of the `steps` that it allows.
    """

    start: str
    end: str
    actions: tuple[str, ...]
    closes: int
    stops: int = 0
    statement: str = ""
    steps: int = 1

    def row(self) -> dict[str, Any]:
        """The edge as a row of the answer."""
        return {
            "from": self.start,
            "to": self.end,
            "actions": list(self.actions),
            "closes": self.closes,
            "stops": self.stops,
            **({"statement": self.statement, "steps": self.steps} if self.statement else {}),
        }


@slotted
class Paths:
    """Everybody who reaches what was asked for, and how."""

    to: str
    principals: tuple[Reached, ...] = ()
    there: tuple[str, ...] = ()
    """The principals that need no path: of a resource, those that can act on it; of a group, its members."""
    paths: tuple[Path, ...] = ()
    shortest: Mapping[str, Path] = field(default_factory=dict)
    """That of each principal that is known to have one, also where it is not told among the paths."""
    cuts: tuple[Cut, ...] = ()
    outsiders: tuple[Path, ...] = ()
    """Paths that begin outside the estate, each once for the role that lets the outsider in."""
    left_out: int = 0
    """How many further paths there are at least, past the bounds of the search."""
    too_long: int = 0
    """The principals whose path is not told: all that are told have as many hops as an answer has room for."""
    not_varied: int = 0
    """The principals whose path is too long to look for others beside it."""
    stopped: tuple[str, ...] = ()
    """The principals whose search was stopped before its end."""
