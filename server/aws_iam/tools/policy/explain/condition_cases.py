"""Which policies of a template hold together: those of the branches of a condition exclude each other.

cases((role, role with conditions false, queue))   →   ((role, queue), (role with conditions false, queue))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.explain.escalation_risks import Risks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.engine.explain.escalation_risks import RiskFinding
    from aws_iam.engine.language.document import Source

# Further cases are seen together, which may find what never meets, but misses nothing.
_MOST_CASES = 32
_PLACE = re.compile(r"`[^`]*` /Statement/\d+")


def cases(sources: Sequence[Source]) -> tuple[frozenset[int], ...]:
    """The numbers of the policies that hold together: as they are first, then with each other side of a resource."""
    base = frozenset(number for number, own in enumerate(sources) if not own.other_side_of)
    sides: dict[tuple[str, str, str], list[int]] = {}
    for number, own in enumerate(sources):
        if own.other_side_of:
            label = own.name.removeprefix(own.other_side_of)
            sides.setdefault((own.file or "", own.holder.name, label), []).append(number)
    groups = list(sides.values())
    shown, others = groups[:_MOST_CASES], groups[_MOST_CASES:]
    found = [base, *(_without_replaced(sources, base, side) for side in shown)]
    if others:
        found.append(base.union(*others))
    return tuple(own for own in found if own)


def _without_replaced(
    sources: Sequence[Source], base: frozenset[int], side: list[int]
) -> frozenset[int]:
    replaced = {(sources[number].file, sources[number].other_side_of) for number in side}
    kept = (n for n in base if (sources[n].file, sources[n].name) not in replaced)
    return frozenset((*kept, *side))


def together(risks: Sequence[Risks]) -> Risks:
    """The findings of all cases, the same one of the same line once, and the paths to more privileges."""
    if len(risks) == 1:
        return risks[0]
    found: dict[tuple[object, ...], RiskFinding] = {}
    paths: dict[str, OpenPath] = {}
    for case in risks:
        for own in case.findings:
            found.setdefault(_key(own.finding), own)
        for path in case.paths:
            paths.setdefault(path.path.id, path)
    ordered = sorted(found.values(), key=lambda own: own.finding.severity.rank)
    return Risks(findings=tuple(ordered), paths=tuple(paths.values()))


def _key(finding: Finding) -> tuple[object, ...]:
    """What tells findings apart: not the names of the cases, nor the numbers of their statements."""
    where = finding.where
    at = (
        (where.file, where.line, where.column) if where and where.line else where and where.pointer
    )
    return finding.code, finding.title, _PLACE.sub("", finding.message), at
