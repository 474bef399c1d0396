"""How much of what policies grant is unusually powerful, as the headline of `policy explain` says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.explain.statement_risk import ESCALATION
from aws_iam.frozen import slotted
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.explain.escalation_risks import RiskFinding


@slotted
class Powers:
    """The numbers of grants that are unusually powerful, of escalations on named targets, and of others to check."""

    unusual: int = 0
    escalations: int = 0
    noted: int = 0

    @classmethod
    def of(cls, risks: Iterable[RiskFinding], *, attached: int, to_check: int) -> Powers:
        """Of the risks, of attached policies that have findings, and of findings that are for a person to check."""
        listed = list(risks)
        narrow = [risk for risk in listed if not _is_unusual(risk)]
        escalations = sum(risk.finding.code == ESCALATION for risk in narrow)
        return cls(
            unusual=attached + len(listed) - len(narrow),
            escalations=escalations,
            noted=len(narrow) - escalations + to_check,
        )

    def says(self, *, is_clear: bool, judged: bool) -> Iterator[str]:
        """The parts of a summary; no finding below says otherwise.

        `is_clear` if validation found nothing, `judged` if it judged everything.
        """
        if self.unusual:
            yield counted(self.unusual, "unusually powerful grant")
        if self.escalations:
            yield f"{counted(self.escalations, 'possible privilege escalation')} on named targets"
        if is_clear and not (self.unusual or self.escalations):
            where = "" if judged else " in what was judged"
            check = f", {counted(self.noted, 'grant')} to check" if self.noted else ""
            yield f"nothing unusually powerful{where}{check}"


def _is_unusual(risk: RiskFinding) -> bool:
    """Whether the grant is powerful for what it is; one that is routine for `validate` may be."""
    return not risk.routine or risk.finding.severity.rank <= Severity.MEDIUM.rank
