"""`policy validate` with `format`: the findings as a file for machines that collect them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aws_iam import __version__
from aws_iam.answer import Artifact, Finding, Severity, Status
from aws_iam.report.junit import Case, junit
from aws_iam.report.sarif import NO_FILE, Run, sarif
from aws_iam.rules import POLICY_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.policy.document import Source
    from aws_iam.policy.reading.gather import Unread

    Judged = Sequence[tuple[Source, tuple[Finding, ...]]]

Format = Literal["sarif", "junit"]

_NAME = "policy-validate"


def artifact(
    judged: Judged, others: tuple[Finding, ...], unread: tuple[Unread, ...], format_: Format
) -> Artifact:
    """The file; `others` are findings on no policy of their own, `unread` the places where none was judged."""
    return _MADE[format_](judged, others, unread)


def _sarif(judged: Judged, others: tuple[Finding, ...], unread: tuple[Unread, ...]) -> Artifact:
    run = Run(
        version=__version__,
        category=_NAME,
        root=_folder(),
        notes=[f"{_place(each)} was not judged: {each.why}" for each in unread],
        whys={rule.code: rule.why for rule in POLICY_RULES},
    )
    findings = [finding for _, found in judged for finding in found]
    files = [source.file or "" for source, _ in judged]
    content = sarif([*findings, *others], run, files)
    return Artifact(name="aws-iam.sarif", language="json", content=content)


def _folder() -> str:
    try:
        return Path.cwd().as_posix()
    except OSError:  # the folder that the process stands in is gone
        return ""


def _place(unread: Unread) -> str:
    named = (unread.file, unread.place if unread.place != unread.file else "")
    return " ".join(filter(None, named))


def _junit(judged: Judged, others: tuple[Finding, ...], unread: tuple[Unread, ...]) -> Artifact:
    cases = [
        Case(name=source.name or "policy", suite=source.file or NO_FILE, findings=found)
        for source, found in judged
    ]
    # What concerns no single policy is a test of its own.
    more = [Case(name=each.code, suite="online", findings=(each,)) for each in others]
    silent = [
        Case(name=each.place, suite=each.file or NO_FILE, findings=(_unjudged(each),))
        for each in unread
    ]
    content = junit([*cases, *more, *silent], "aws-iam policy validate")
    return Artifact(name="aws-iam-junit.xml", language="xml", content=content)


def _unjudged(unread: Unread) -> Finding:
    return Finding(
        code="NOT_JUDGED",
        title="No policy was judged here",
        severity=Severity.WARNING,
        status=Status.UNKNOWN,
        reason=unread.why,
    )


_MADE: dict[Format, Callable[[Judged, tuple[Finding, ...], tuple[Unread, ...]], Artifact]] = {
    "sarif": _sarif,
    "junit": _junit,
}
