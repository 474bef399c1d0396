"""The facts that a text shows: those that no other part of it says already. The structured form has them all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Answer, Finding

_LEAST_CHARACTERS = 4
"""A shorter text may be in the summary by chance."""
_LEAST_SENTENCE = 25
"""A shorter text, or one without spaces, is a name: it means something else in another place."""
_SAID_BY_SUMMARY = frozenset({"kind_guessed", "known", "nothing_evaluated"})
_REQUESTS = frozenset({"forbidden_requests", "public_requests"})
_PATHS = "escalation_paths"
_ACCESS = {"gained": "ACCESS_GAINED", "lost": "ACCESS_LOST"}


def facts_to_show(answer: Answer) -> Mapping[str, Any]:
    """The facts that neither the summary nor the findings, the comparison or another fact says."""
    said = _said_by_other_parts(answer)
    shown = {
        name: _with_percent(kept)
        for name, value in answer.facts.items()
        if name not in said
        and not _is_in(answer.summary, value)
        and (kept := _without_told_paths(name, value, answer.findings)) is not None
    }
    sentences: list[str] = []
    for value in shown.values():
        sentences += _sentences(value)
    return {
        name: kept
        for name, value in shown.items()
        if (kept := _without_repeated(value, sentences)) is not None
    }


def _said_by_other_parts(answer: Answer) -> set[str]:
    said = set(_SAID_BY_SUMMARY)
    if "sections" in answer.facts:
        said.add("score")
    if answer.comparison and answer.comparison.violations:
        said |= _REQUESTS
    for name, code in _ACCESS.items():
        rows = answer.facts.get(name, ())
        if rows and sum(finding.code == code for finding in answer.findings) >= len(rows):
            said.add(name)
    return said


def _without_told_paths(name: str, value: Any, findings: Sequence[Finding]) -> Any:
    """Of the paths to more permissions those that no finding tells in full; None where there is none."""
    if name != _PATHS:
        return value
    told = "; ".join(finding.message or "" for finding in findings)
    return [row for row in value if f"{row['what']} ({row['path']})" not in told] or None


def _with_percent(value: Any) -> Any:
    """The value with scores as the summary writes them."""
    if isinstance(value, (list, tuple)):
        return [_with_percent(row) for row in value]
    if isinstance(value, dict) and isinstance(value.get("score"), (int, float)):
        return {**value, "score": f"{value['score']:.0%}"}
    return value


def _is_in(summary: str, value: Any) -> bool:
    """Whether the summary has the value, or every value of the list, word for word."""
    if isinstance(value, (list, tuple)) and value:
        return all(isinstance(item, str) and _is_in(summary, item) for item in value)
    if not isinstance(value, str) or len(value) < _LEAST_CHARACTERS:
        return False
    return re.search(rf"(?<![\w:/-]){re.escape(value)}(?![\w:/-])", summary) is not None


def _is_sentence(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _LEAST_SENTENCE and " " in value


def _sentences(value: Any) -> Iterator[str]:
    if _is_sentence(value):
        yield value
    elif isinstance(value, dict):
        yield from filter(_is_sentence, value.values())
    elif isinstance(value, (list, tuple)):
        yield from filter(_is_sentence, value)


def _without_repeated(value: Any, sentences: list[str]) -> Any:
    """The value without the sentences that another one contains, or that come again later; None for nothing."""
    if isinstance(value, str):
        return None if _is_repeated(value, sentences) else value
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not _is_repeated(item, sentences)}
        return kept if kept or not value else None
    if isinstance(value, (list, tuple)):
        items = [item for item in value if not _is_repeated(item, sentences)]
        return items if items or not value else None
    return value


def _is_repeated(value: Any, sentences: list[str]) -> bool:
    """Whether another sentence has this one; of equal ones the last is kept."""
    if not _is_sentence(value):
        return False
    if sum(value in sentence for sentence in sentences) > 1:
        sentences.remove(value)
        return True
    return False


def with_fixes_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; a fix that an earlier one of the same code has too is only pointed to."""
    seen: set[tuple[str, str | None]] = set()
    for finding in findings:
        fix = (finding.code, finding.fix)
        if finding.fix and len(finding.fix) > len(_AS_ABOVE) and fix in seen:
            yield replace(finding, fix=_AS_ABOVE)
        else:
            yield finding
        if finding.status is Status.FAIL and finding.muted is None:
            seen.add(fix)


_AS_ABOVE = "as above"


def needs_counts(answer: Answer) -> bool:
    """Whether the counts say more than the list of findings: what passes, is muted or is not shown."""
    counts = answer.counts
    if counts is None:
        return False
    failed = counts.status.get("fail", 0)
    return bool(counts.muted) or set(counts.status) != {"fail"} or failed != len(answer.findings)
