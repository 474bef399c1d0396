"""What the checks of an account found, in one sentence and one row for each check."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.answer import Finding

_FIRST = 3


def verdict(found: Sequence[Finding]) -> str:
    """How much fails, what to fix first, and how much could not be judged; `found` with the most urgent first."""
    by_status = Counter(finding.status for finding in found)
    unknown = by_status[Status.UNKNOWN]
    failed = dict.fromkeys(finding.code for finding in found if finding.status is Status.FAIL)
    if failed:
        first = ", ".join(f"`{code}`" for code in list(failed)[:_FIRST])
        findings = counted(by_status[Status.FAIL], "finding")
        result = f"{findings} by {counted(len(failed), 'check')}; fix first: {first}"
    elif unknown == len(found) > 0:
        return f"nothing could be judged: {counted(unknown, 'finding')} unknown"
    else:
        result = "no problem found in what could be judged" if unknown else "no problem found"
    return f"{result}{f'; {unknown} could not be judged' if unknown else ''}"


def by_check(found: Iterable[Finding], codes: Iterable[str]) -> list[dict[str, Any]]:
    """One row for each check that does not simply pass, in the order of the codes."""
    by_code: dict[str, Counter[Status]] = {}
    for finding in found:
        by_code.setdefault(finding.code, Counter())[finding.status] += 1
    return [
        {
            "check": code,
            "fail": by_code[code][Status.FAIL],
            "unknown": by_code[code][Status.UNKNOWN],
        }
        for code in codes
        if code in by_code and (by_code[code][Status.FAIL] or by_code[code][Status.UNKNOWN])
    ]
