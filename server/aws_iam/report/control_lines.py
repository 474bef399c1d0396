"""An audit as text: one line for each control that fails or could not be judged, the worst first."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.answer import Severity, Status
from aws_iam.engine.reference.frameworks import framework, in_short
from aws_iam.escape import up_to_a_word
from aws_iam.frozen import slotted
from aws_iam.report.order import by_urgency
from aws_iam.wording import counted

if TYPE_CHECKING:
    from aws_iam.answer import Answer, Finding
    from aws_iam.engine.reference.frameworks import Framework

_SHOWN = (Status.FAIL, Status.UNKNOWN)
_LONGEST = 160
_EVIDENCE = re.compile(r" \([^()]*\)$")
_OTHERS = {
    "pass": ("passes", "pass"),
    "manual": ("needs manual review", "need manual review"),
    "not_applicable": ("does not apply", "do not apply"),
    "muted": ("is muted", "are muted"),
}


@slotted
class ControlLine:
    """A control; its worst finding says what is wrong."""

    number: str
    """Its first ids in the framework; empty where it has none."""
    key: str
    status: Status
    severity: Severity
    what: str
    count: int
    changes: str = ""
    framework: str = ""
    """The framework's short name."""

    @property
    def id_in_words(self) -> str:
        """Its ids, or that it has none."""
        return self.number or f"(no {self.framework} id)"

    @property
    def how_many(self) -> str:
        """The number of findings, and how many of them changed."""
        return f"{counted(self.count, 'finding')}{f' ({self.changes})' if self.changes else ''}"


def is_audit(answer: Answer) -> bool:
    """Whether the answer judges the controls of a benchmark."""
    return answer.tool == "audit" and answer.action == "run" and bool(answer.findings)


def control_lines(answer: Answer) -> tuple[ControlLine, ...]:
    """The controls that fail, then those that could not be judged; muted findings do not count."""
    shown = framework_of(answer)
    groups: dict[tuple[Status, str], list[Finding]] = {}
    for finding in by_urgency(answer.findings):
        if finding.status in _SHOWN and finding.muted is None:
            groups.setdefault((finding.status, finding.code), []).append(finding)
    return tuple(_line(findings, shown) for findings in groups.values())


def framework_of(answer: Answer) -> Framework:
    """The framework whose ids the answer shows."""
    chosen = answer.facts.get("framework", {})
    return framework(chosen.get("name"), str(answer.facts.get("benchmark", "")))


def _line(findings: list[Finding], shown: Framework) -> ControlLine:
    worst = findings[0]
    said = problem_in_short(worst) if worst.status is Status.FAIL else worst.reason
    changes = Counter(f.change for f in findings if f.change not in {None, "same"})
    return ControlLine(
        number=in_short(shown.ids(worst)),
        key=worst.code,
        status=worst.status,
        severity=worst.severity,
        what=said or worst.title,
        count=len(findings),
        changes=", ".join(f"{number} {change}" for change, number in changes.items()),
        framework=shown.short,
    )


def problem_in_short(finding: Finding) -> str:
    """What is wrong, without evidence and advice."""
    # Evidence is in parentheses at the end, advice after a semicolon; the finding has both in full.
    message = _EVIDENCE.sub("", finding.message).partition("; ")[0]
    return _EVIDENCE.sub("", message)


def shortened(problem: str) -> str:
    """The beginning of a long problem, up to the end of a word: for a summary and a terminal, which have little room."""
    return up_to_a_word(problem, _LONGEST)


def other_controls(answer: Answer) -> str:
    """How many controls have no line, by status: `17 controls pass, 4 need manual review`."""
    total: Counter[str] = Counter()
    for section in answer.facts.get("sections", ()):
        total.update({name: section[name] for name in _OTHERS if section.get(name)})
    words = [f"{n:,} {_OTHERS[name][n != 1]}" for name in _OTHERS if (n := total[name])]
    if not words:
        return ""
    first, *rest = words
    number, _, verb = first.partition(" ")
    noun = "control" if number == "1" else "controls"
    return ", ".join((f"{number} {noun} {verb}", *rest))
