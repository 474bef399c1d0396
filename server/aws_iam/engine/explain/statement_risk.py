"""One risk of a statement, and the finding that tells all risks of a statement."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.explain.action_risks import GRADES
from aws_iam.engine.explain.escalation_risks import RiskFinding
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_iam.engine.language.document import Statement

ESCALATION = "PRIVILEGE_ESCALATION"
# The first one that a statement has gives its finding the name.
RISKS: Mapping[str, str] = MappingProxyType(
    {
        "ADMINISTRATOR": "The policy allows everything on every resource",
        ESCALATION: "The policy allows a known path of privilege escalation",
        "CREDENTIALS_EXPOSURE": "The policy allows actions that give out credentials",
        "RESOURCE_EXPOSURE": "The policy allows actions that open resources to others",
        "DATA_EXFILTRATION": "The policy allows actions that give out data",
        "FULL_SERVICE_ACCESS": "The policy allows every action of a service",
        "INFRASTRUCTURE_CHANGE": "The policy allows changes of infrastructure on every resource",
    }
)
"""The codes of the risks, gravest first, and what each means."""
RISK_CODES = tuple(RISKS)


@slotted
class StatementRisk:
    """One risk of one statement: its message, and a shorter one for a finding that is about a graver risk, which few need.

    `routine` as in RiskFinding; `limited` for named targets or minor actions only; `guessed` if it may not be one.
    """

    code: str
    title: str
    severity: Severity
    message: str
    brief: Callable[[], str]
    fix: str
    source: str
    routine: bool = False
    limited: bool = False
    guessed: bool = False


def merged(statement: Statement, risks: Sequence[StatementRisk]) -> RiskFinding:
    """The finding of a statement: named after its gravest risk, as severe as its most severe one."""
    unusual = [risk for risk in risks if not risk.routine] or risks
    main, *others = unusual
    worst, guessed, message = main.severity, main.guessed, main.message
    if others:
        worst = min([risk.severity for risk in unusual], key=GRADES.index)
        guessed = all(risk.guessed for risk in unusual if risk.severity is worst)
        main, *others = sorted(unusual, key=partial(_order, worst))
        also = ", ".join([f"{risk.code} ({risk.brief()})" for risk in others])
        message = f"{main.message}; also {also}"
    finding = Finding(
        code=main.code,
        title=main.title,
        severity=worst,
        status=Status.FAIL,
        message=message,
        where=statement.place(),
        fix=main.fix,
        source=main.source,
        confidence="low" if guessed else None,
    )
    return RiskFinding(finding=finding, statement=statement, routine=main.routine)


def _order(worst: Severity, risk: StatementRisk) -> tuple[bool, int]:
    # What is possible on named targets only, or by minor actions, does not hide a risk on every resource.
    return risk.limited and risk.severity is not worst, RISK_CODES.index(risk.code)
