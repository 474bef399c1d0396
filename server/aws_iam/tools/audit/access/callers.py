"""Who can do what was asked, as rows of the answer: callers with their best proof, and the limited sessions of a role beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.answer import Decision
    from aws_iam.tools.audit.access.held_policies import SessionLimit
    from aws_iam.tools.audit.access.verdicts import Access, Verdict

RANK = {"can": 0, "unknown": 1, "cannot": 2}
"""The order of the verdicts."""


@slotted
class Caller:
    """Somebody who can do it, or perhaps: on which of the resources, by which of the actions, and the best proof."""

    name: str
    access: Access
    actions: tuple[str, ...]
    on: tuple[str, ...]
    partly: bool = False
    """Whether some of what was asked about is refused."""
    besides: tuple[Caller, ...] = ()
    """What it can do, or perhaps, under other conditions."""
    sessions: tuple[LimitedCaller, ...] = ()
    """Of a role: what its sessions can do that exist under session policies alone, also those that cannot."""
    only_by_sessions: bool = False
    """Whether nobody has the role but by these sessions."""

    def row(self) -> dict[str, Any]:
        """The caller as a row of the answer."""
        proof = self.access.proof
        return {
            "principal": self.name,
            **self.part(),
            **({"partly": True} if self.partly else {}),
            **({"besides": [own.part() for own in self.besides]} if self.besides else {}),
            **({"proof": _proof(proof)} if proof else {}),
            **({"sessions": [own.row() for own in self.sessions]} if self.sessions else {}),
            **({"only_by_sessions": True} if self.only_by_sessions else {}),
        }

    def part(self) -> dict[str, Any]:
        """What it can do on which resources, without the proof."""
        return {
            "verdict": self.access.verdict,
            "conditions": list(self.access.conditions),
            "actions": list(self.actions),
            "on": list(self.on),
            **({"why": self.access.why} if self.access.why else {}),
        }


@slotted
class LimitedCaller:
    """What the sessions of a role can do that exist under session policies alone: `can` is None where they cannot.

    `handed_out` is whether there are any: a role whose trust policy keeps the service out is handed out to nobody.
    """

    limit: SessionLimit
    can: Caller | None
    handed_out: Access

    @property
    def verdict(self) -> Verdict:
        """Whether they can do any of it."""
        return self.can.access.verdict if self.can else "cannot"

    def row(self) -> dict[str, Any]:
        """The sessions as a row of the role's."""
        named = self.limit.row()
        if self.can is None:
            why = {} if self.handed_out.is_possible else {"why": self.handed_out.why}
            return {**named, "verdict": "cannot", **why}
        row = self.can.row()
        return {**named, **{name: part for name, part in row.items() if name != "principal"}}


def _proof(decision: Decision) -> dict[str, Any]:
    """The decision on the request, as evaluate gives it."""
    return {
        "outcome": decision.outcome,
        "decided_by": list(decision.decided_by),
        "because": [
            {
                "layer": own.layer,
                "policy": own.policy,
                "pointer": own.pointer,
                "effect": own.effect,
            }
            for own in decision.because
        ],
        **({"missing_keys": list(decision.missing_keys)} if decision.missing_keys else {}),
    }


def by_rank(caller: Caller) -> tuple[int, int]:
    """Orders callers: who can comes before who perhaps can, and who needs less."""
    return RANK[caller.access.verdict], len(caller.access.conditions)


def can_the_same(one: LimitedCaller, other: LimitedCaller) -> bool:
    """Whether sessions can do the same."""
    parts = [
        [part.part() for part in (own.can, *own.can.besides)] if own.can else []
        for own in (one, other)
    ]
    return parts[0] == parts[1]
