"""The errors of `policy validate` on a policy that another tool checks: a name that does not exist, a key that stands twice."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity
from aws_iam.rules.policy.run import policy_findings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from aws_iam.engine.language.document import Policy

_STATEMENT = re.compile(r"/Statement/\d+")
# Parsers keep one of the two, so that what the tool found holds for half of the policy.
_ALWAYS = "DUPLICATE_KEY"


def errors_beside(
    policy: Policy, own: Iterable[Finding], said: Collection[str]
) -> Iterator[Finding]:
    """The errors, as `high`, without those that the tool reports under the same code at the same place.

    `own` are the tool's findings, of which those with the codes `said` speak for their statement.
    """
    own = tuple(own)
    reported = {(finding.code, _pointer(finding)) for finding in own}
    told = {_statement_of(finding) for finding in own if finding.code in said}
    for finding in policy_findings(policy):
        is_told = finding.code in said or _statement_of(finding) in told
        if (finding.code, _pointer(finding)) in reported:
            continue
        if finding.severity is Severity.ERROR and (finding.code == _ALWAYS or not is_told):
            yield replace(finding, severity=Severity.HIGH)


def _pointer(finding: Finding) -> str:
    return (finding.where.pointer or "") if finding.where else ""


def _statement_of(finding: Finding) -> str:
    place = _STATEMENT.match(_pointer(finding))
    return place[0] if place else "/"
