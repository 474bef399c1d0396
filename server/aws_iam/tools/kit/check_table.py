"""What the checks of an account found, in one sentence and one row for each check."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.answer import Finding

_FIRST = 3


def verdict(found: Sequence[Finding]) -> str:
    """How much fails, what to fix first, and how much could not be judged; `found` with the most urgent first."""
    counted = Counter(finding.status for finding in found)
    failed = dict.fromkeys(finding.code for finding in found if finding.status is Status.FAIL)
    if failed:
        first = ", ".join(f"`{code}`" for code in list(failed)[:_FIRST])
        told = f"{counted[Status.FAIL]} findings by {len(failed)} checks; fix first: {first}"
    else:
        told = "nothing is known to be wrong" if counted[Status.UNKNOWN] else "nothing is wrong"
    unknown = counted[Status.UNKNOWN]
    return f"{told}{f'; {unknown} could not be judged' if unknown else ''}"


def by_check(found: Iterable[Finding], codes: Iterable[str]) -> list[dict[str, Any]]:
    """One row for each check that does not simply pass, in the order of the codes."""
    counted: dict[str, Counter[Status]] = {}
    for finding in found:
        counted.setdefault(finding.code, Counter())[finding.status] += 1
    return [
        {
            "check": code,
            "fail": counted[code][Status.FAIL],
            "unknown": counted[code][Status.UNKNOWN],
        }
        for code in codes
        if code in counted and (counted[code][Status.FAIL] or counted[code][Status.UNKNOWN])
    ]
