"""The exit statuses of a command: what each means, and which one an answer has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Answer

OK, FOUND, WRONG, UNREADABLE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 70, 130
MEANINGS = {
    OK: ("nothing to report",),
    FOUND: (
        "a finding that is not muted fails at or above `--fail-on` (default `high`)",
        "`policy review --base` finds such a one that only the change itself mutes",
        "`policy compare` finds a violation of `--forbidden` or `--public`",
        "`policy lookup` does not know a name",
        "`kms lockout` predicts a refusal",
        "`policy repair` cannot meet every request, or cannot prove it",
        "with `--fail-on-unknown`: something could not be judged",
        "with `--fail-on-unread`: a file, or a part of one, could not be read",
        "with `--fail-on-denied`: `policy evaluate` decides anything but `Allowed`",
    ),
    WRONG: ("the request is wrong, or the answer cannot be written",),
    UNREADABLE: (
        "AWS could not be read at all: no or bad credentials, no endpoint, or every call refused",
        "nothing could be evaluated: every check ended as `unknown`",
    ),
    BROKEN: ("aws-iam itself failed, and nothing was decided: its traceback says where",),
    INTERRUPTED: ("interrupted with Ctrl-C",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Which answers a caller wants to end with 1; without a severity no finding does."""

    severity: Severity | None = Severity.HIGH
    unknown: bool = False
    unread: bool = False
    denied: bool = False


def exit_status(answer: Answer, gate: Gate) -> int:
    """The exit status of a command that gave this answer."""
    facts = answer.facts
    if facts.get("online", {}).get("aws_read") is False:
        return UNREADABLE  # the answer holds only what was found offline
    if facts.get("nothing_evaluated"):
        return UNREADABLE  # nothing fails, but only because nothing could be judged
    if "not_saved" in facts:
        return WRONG  # the findings are printed, but the file was not saved
    reasons = (
        _fails(answer, gate.severity),
        answer.comparison is not None and answer.comparison.violations,
        answer.action == "lookup" and not facts["known"],
        answer.action == "lockout" and facts["put_key_policy"] == "refused",
        answer.action == "repair" and not facts["repaired"],
        gate.unknown and _has_unknown(answer),
        gate.unread and _has_unread_files(facts),
        gate.denied and answer.decision is not None and answer.decision.outcome != "Allowed",
    )
    return FOUND if any(reasons) else OK


def _fails(answer: Answer, limit: Severity | None) -> bool:
    if limit is None:
        return False
    # `counts` covers failed findings that are not muted; a report has no other list of them.
    # What a change mutes itself counts too: else it would let itself pass.
    severities = {
        **(answer.counts.severity if answer.counts else {}),
        **answer.facts.get("muted_by_change", {}),
    }
    return any(Severity(name).rank <= limit.rank for name in severities)


def _has_unjudged_places(facts: Mapping[str, Any]) -> bool:
    # What the caller left out of an audit is not judged either; its table counts what could not be.
    if "sections" in facts:
        return any(row.get("unknown") for row in facts["sections"])
    return bool(facts.get("not_judged"))


_UNREAD = ("files_not_read", "files_read_in_part")


def _has_unread_files(facts: Mapping[str, Any]) -> bool:
    sides = (facts.get("document_read", {}), facts.get("baseline_read", {}))
    return bool(facts.get("manifests_not_read")) or any(
        side.get(name) for side in (facts, *sides) for name in _UNREAD
    )


def _has_unknown(answer: Answer) -> bool:
    facts = answer.facts
    return any(
        (
            answer.counts is not None and answer.counts.status.get("unknown"),
            answer.decision is not None and answer.decision.outcome == "Unknown",
            answer.comparison is not None and answer.comparison.relation == "unknown",
            facts.get("put_key_policy") == "unknown",
            _has_unjudged_places(facts),
        )
    )
