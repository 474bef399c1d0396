"""What `policy validate` says of AWS managed policies that a template attaches: the serious risks of what they grant.

AWS wrote them, so nothing else in them can be mended; attaching AdministratorAccess is as grave as writing it out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Where
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.engine.language.document import Kind, Source
from aws_iam.engine.sources.gather import sources_of
from aws_iam.frozen import slotted
from aws_iam.rules.policy.run import source_findings
from aws_iam.tools.kit import policy_inputs

if TYPE_CHECKING:
    from aws_iam.engine.reference.managed_policies import ManagedPolicy
    from aws_iam.engine.sources.gathered import Gathered

_SERIOUS = frozenset({Severity.ERROR, Severity.SECURITY_WARNING})


@slotted
class JudgedAttachments:
    """The attached AWS managed policies with their risks, and the input in which these have a document."""

    judged: tuple[tuple[Source, tuple[Finding, ...]], ...]
    arns: tuple[str, ...]
    input: Gathered

    @classmethod
    def of(cls, gathered: Gathered) -> JudgedAttachments:
        """Those of an input; a permissions boundary grants nothing and stays with the others."""
        known = {
            own: managed
            for own in gathered.attachments
            if not own.is_boundary and (managed := own.managed)
        }
        policies = {managed.arn: managed for managed in known.values()}
        risks = {arn: _serious_risks(managed) for arn, managed in policies.items()}
        judged = []
        for own, managed in known.items():
            source, findings = risks[managed.arn]
            where = Where(file=own.file) if own.file else None
            named = tuple(replace(found, where=where, resource=own.name) for found in findings)
            judged.append((replace(source, name=own.name, file=own.file), named))
        return cls(
            judged=tuple(judged),
            arns=tuple(policies),
            input=policy_inputs.with_documents(gathered, known),
        )

    @property
    def note(self) -> str:
        """A sentence for the summary."""
        return (
            "Of attached AWS managed policies only serious risks are reported."
            if self.arns
            else ""
        )


def _serious_risks(managed: ManagedPolicy) -> tuple[Source, tuple[Finding, ...]]:
    """The policy as a value, whose places are not those of the file, and its risks."""
    (source,) = sources_of(json.loads(managed.document), Kind.IDENTITY)
    found = source_findings(source)
    return source, tuple(
        own for own in found if own.code in RISK_CODES and own.severity in _SERIOUS
    )
