"""The proof of a proposal: by comparison nothing is gained, and nothing that has to be kept is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.audit.rightsize.combined_policy import one_document
from aws_iam.tools.audit.rightsize.smaller_policy import written_policy
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.tools.audit.rightsize.action_sets import ActionSet, ActionSets
    from aws_iam.tools.audit.rightsize.recorded_use import Window

# A Deny of everything would be compared, too, and take away what other policies allow.
_NOTHING: Mapping[str, Any] = {"Version": "2012-10-17", "Statement": []}


def proved_words(window: Window) -> str:
    """What the proof shows of a smaller policy: uses before the window are not kept."""
    return f"nothing gained, and every use recorded since {window.since:%Y-%m-%d} kept"


@slotted
class Lost:
    """What is lost, as rows, riskiest first; of the changes themselves, which hold every name, only what is said of the first."""

    rows: tuple[Mapping[str, Any], ...] = ()
    worst: str = ""
    """The first in words, if it has a known risk."""
    order: tuple[bool, int, bool, int, int, tuple[int, int], int] = (
        False,
        0,
        False,
        0,
        0,
        (0, 0),
        0,
    )
    """The place of the first among those of others."""


NOTHING_LOST = Lost()


@slotted
class Proof:
    """What is lost; `problem` says why a proposal must not be made."""

    lost: Lost = NOTHING_LOST
    problem: str = ""


@dataclass(slots=True)
class Prover:
    """Compares policies before and after; principals with the same ones are compared once."""

    sets: ActionSets
    _known: dict[tuple[str, tuple[str, ...]], tuple[Lost, ActionSet, str]] = field(
        default_factory=dict
    )

    def proof(
        self, after: Sequence[Mapping[str, Any]], before: tuple[str, ...], kept: ActionSet
    ) -> Proof:
        """The proof for the policies of one principal."""
        key = (json.dumps(after), before)
        if key not in self._known:
            self._known[key] = self._compared(after, before)
        lost, actions, problem = self._known[key]
        if missing := actions & kept:
            names = joined(list(self.sets.names(missing)), shown=3)
            problem = problem or f"it would take away {names}"
        return Proof(lost=lost, problem=problem)

    def _compared(
        self, after: Sequence[Mapping[str, Any]], before: tuple[str, ...]
    ) -> tuple[Lost, ActionSet, str]:
        try:
            # One on each side: texts of several files may have the holes of templates, those of an account have none.
            found = compare_documents(
                one_document(after or [_NOTHING]), one_document(list(map(written_policy, before)))
            )
        except InputError as error:
            return NOTHING_LOST, 0, f"the policies cannot be compared: {error.message}"
        relation = found.comparison.relation
        actions = 0
        for change in found.lost:
            actions |= self.sets.of_names(change.names)
        problem = (
            "" if relation in {"less", "equal"} else f"compared with today's it is {relation}"
        )
        return _lost(found.lost), actions, problem


def _lost(changes: tuple[AccessChange, ...]) -> Lost:
    if not changes:
        return NOTHING_LOST
    worst = changes[0]
    return Lost(
        rows=tuple(change.row() for change in changes),
        worst=worst.in_words() if worst.risk.name else "",
        order=worst.order,
    )
