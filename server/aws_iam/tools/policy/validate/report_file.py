"""`policy validate` with `format`: the findings as a file for machines that collect them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Artifact, Severity
from aws_iam.report.junit import Case, junit
from aws_iam.report.sarif import NO_FILE, Run, sarif
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.tools.kit.policy_inputs import not_judged
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.gather import Unread

    Judged = Sequence[tuple[Source, tuple[Finding, ...]]]

Format = Literal["sarif", "junit"]
FailOn = Literal["critical", "high", "medium", "low", "info"]

_NAME = "policy-validate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The file that is wanted; `fail_on` is the severity from which on a test of it fails."""

    format: Format
    fail_on: FailOn = "high"

    def artifact(
        self, judged: Judged, others: tuple[Finding, ...], unread: tuple[Unread, ...]
    ) -> Artifact:
        """The file; `others` are findings on no policy of their own, `unread` the places where none was judged."""
        if self.format == "sarif":
            return _sarif(judged, others, unread)
        return _junit(judged, others, unread, Severity(self.fail_on))


def _sarif(judged: Judged, others: tuple[Finding, ...], unread: tuple[Unread, ...]) -> Artifact:
    run = Run(
        version=__version__,
        category=_NAME,
        root=_folder(),
        notes=[f"{_place(each)} was not judged: {each.why}" for each in unread if not each.broken],
        whys={rule.code: rule.why for rule in POLICY_RULES},
    )
    findings = [finding for _, found in judged for finding in found]
    files = [source.file or "" for source, _ in judged]
    broken = [not_judged(each) for each in unread if each.broken]
    content = sarif([*findings, *broken, *others], run, files)
    return Artifact(name="aws-iam.sarif", language="json", content=content)


def _folder() -> str:
    try:
        return Path.cwd().as_posix()
    except OSError:  # the folder that the process stands in is gone
        return ""


def _place(unread: Unread) -> str:
    named = (unread.file, unread.place if unread.place != unread.file else "")
    return " ".join(filter(None, named))


def _junit(
    judged: Judged,
    others: tuple[Finding, ...],
    unread: tuple[Unread, ...],
    fail_on: Severity,
) -> Artifact:
    cases = [
        Case(name=source.name or "policy", suite=source.file or NO_FILE, findings=found)
        for source, found in judged
    ]
    # What concerns no single policy is a test of its own.
    more = [Case(name=each.code, suite="online", findings=(each,)) for each in others]
    silent = [
        Case(name=each.place, suite=each.file or NO_FILE, findings=(not_judged(each),))
        for each in unread
    ]
    content = junit([*cases, *more, *silent], "aws-iam policy validate", fail_on)
    return Artifact(name="aws-iam-junit.xml", language="xml", content=content)
