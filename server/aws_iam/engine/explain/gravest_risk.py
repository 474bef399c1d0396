"""The gravest risk of an access that is given by its actions, resource patterns and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.explain.policy_risks import policy_risks
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.answer import Severity


@slotted
class GravestRisk:
    """The gravest risk of an access: its code, its title and its severity, of the five of findings."""

    code: str
    title: str
    severity: Severity


def gravest_risk(
    actions: Iterable[str],
    resources: Iterable[str] = ("*",),
    conditions: Mapping[str, Any] | None = None,
) -> GravestRisk | None:
    """The gravest risk of these actions on these resource patterns under these conditions; None if there is none.

    `conditions` are shaped as a policy's Condition element. InputError for more patterns than can be judged.
    """
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(resources),
    }
    if conditions:
        statement["Condition"] = dict(conditions)
    policy = one_policy({"Version": "2012-10-17", "Statement": [statement]}, Kind.IDENTITY)
    risks = policy_risks(policy).findings
    if not risks:
        return None
    worst = risks[0].finding
    return GravestRisk(code=worst.code, title=worst.title, severity=worst.severity)
