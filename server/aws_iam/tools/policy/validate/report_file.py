"""`policy validate` with `format`: the problems as a file for code scanning or CI."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aws_iam.answer import Artifact, Severity
from aws_iam.engine.explain.statement_risk import RISKS
from aws_iam.report.catalogue import report_formats
from aws_iam.report.policy_report import PolicyReport, SkippedPlace, ValidatedPolicy
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.tools.kit.parameters import NEVER
from aws_iam.tools.kit.policy_inputs import not_judged
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.gathered import Unread

    Judged = Sequence[tuple[Source, tuple[Finding, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The file to write, and the severity from which on a test in it fails.

    A file that cannot be read fails as the command does: with `fail_on_unread`, in `validate` a broken one in any case.
    """

    format: str
    fail_on: str = Severity.HIGH.value
    action: str = "validate"
    fail_on_unread: bool = False

    def artifact(
        self, judged: Judged, online: tuple[Finding, ...], unread: tuple[Unread, ...]
    ) -> Artifact:
        """The file; `online` are findings about no single policy, `unread` the places where none was judged."""
        report = PolicyReport(
            version=__version__,
            action=self.action,
            root=_working_folder(),
            fail_on=None if self.fail_on == NEVER else Severity(self.fail_on),
            titles={**{rule.code: rule.title for rule in POLICY_RULES}, **RISKS},
            whys={rule.code: rule.why for rule in POLICY_RULES},
            fixes={rule.code: rule.fix for rule in POLICY_RULES},
            policies=[
                ValidatedPolicy(name=source.name or "", file=source.file or "", findings=findings)
                for source, findings in judged
            ],
            skipped=[_skipped(self._graded(place)) for place in unread],
            online=online,
        )
        chosen = report_formats()[self.format]
        if chosen.policies is None:
            message = f"the format {chosen.name} holds no policies"
            raise ValueError(message)
        return Artifact(
            name=f"aws-iam{chosen.ending}",
            language=chosen.language,
            content=chosen.policies(report),
        )

    def _graded(self, unread: Unread) -> Unread:
        is_broken = unread.broken and self.action == "validate"
        is_unread = unread.unreadable or unread.place == unread.file
        return replace(unread, broken=is_broken or (self.fail_on_unread and is_unread))


def _skipped(unread: Unread) -> SkippedPlace:
    return SkippedPlace(
        file=unread.file or "",
        place=unread.place,
        why=unread.why,
        broken=unread.broken,
        finding=not_judged(unread),
    )


def _working_folder() -> str:
    try:
        return Path.cwd().as_posix()
    except OSError:  # the working folder was deleted
        return ""
