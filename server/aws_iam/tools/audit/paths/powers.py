"""A power: what one principal alone can do in one step, on a whole set of targets."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import EscalationPath, known_paths
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.changes import Gain


PLACE = "@"


@slotted
class Call:
    """A call that a power makes: on the target unless `on` names the resource, with keys of the context.

    `on` is `PLACE` where it is the resource that has the target; `session` is the ARN of the session that alone may make it.
    """

    action: str
    on: str = ""
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    session: str = ""


@slotted
class Power:
    """What the calls give of the targets, a set of numbers: see `Gain`.

    `assuming` are prerequisites that the account does not settle; `is_certain` is False where nobody knows whether the calls
    are allowed.
    """

    gain: Gain
    targets: int
    calls: tuple[Call, ...]
    what: str = ""
    technique: str = ""
    through: str = ""
    assuming: tuple[str, ...] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    """The resources that have the targets, which are roles, by their numbers."""
    is_certain: bool = True
    why_unknown: str = ""


def decided_by(power: Power, *decisions: Access) -> Power:
    """The power, uncertain where one of the decisions that it rests on is not known."""
    for own in decisions:
        if own.verdict != "can":
            return replace(power, is_certain=False, why_unknown=own.why)
    return power


def catalogued() -> Mapping[str, EscalationPath]:
    """The paths of the catalogue by id."""
    return {path.id: path for path in known_paths()}


def prerequisite(path: str, words: str) -> str:
    """The prerequisite of a path of the catalogue that has some words."""
    return next(own for own in catalogued()[path].prerequisites if words in own)
