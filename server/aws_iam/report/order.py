"""The order of findings in an answer: by urgency, and what lies on one statement together."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.answer import Finding

_STATEMENT = re.compile(r"/Statement(/\d+)?")


Urgency = tuple[bool, int, int]
"""What findings are sorted by."""


def urgency(finding: Finding) -> Urgency:
    """Failed first, the worst of them first, then the other statuses; muted ones last."""
    return finding.muted is not None, finding.status.rank, finding.severity.rank


def by_urgency(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, the most urgent first."""
    return tuple(sorted(findings, key=urgency))


def by_statement(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings in their order, but those on one statement of a policy follow the first of them that is as grave."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        where = finding.where
        statement = _STATEMENT.match(where.pointer) if where else None
        place = (finding.resource, where.file, statement[0]) if where and statement else number
        groups.setdefault((finding.severity.rank, place), []).append(finding)
    return chain.from_iterable(groups.values())
