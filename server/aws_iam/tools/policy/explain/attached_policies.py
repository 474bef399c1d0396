"""What `policy explain` says of policies that a template attaches: AWS managed policies are known, others are only named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity
from aws_iam.engine.explain.policy_risks import policy_risks
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.engine.sources.gathered import Unread
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit import policy_inputs
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.managed_policies import ManagedPolicy
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.gathered import Gathered

_MOST_NAMED = 5


@slotted
class AttachedPolicies:
    """The attached policies of the input whose documents are known, and the input in which these have one."""

    managed: tuple[tuple[PolicyAttachment, ManagedPolicy], ...]
    input: Gathered

    @classmethod
    def of(cls, gathered: Gathered) -> AttachedPolicies:
        """Those of an input; a permissions boundary grants nothing and stays with the others."""
        known = {
            own: managed
            for own in gathered.attachments
            if not own.is_boundary and (managed := own.managed)
        }
        return cls(
            managed=tuple(known.items()), input=policy_inputs.with_documents(gathered, known)
        )

    def findings(self) -> tuple[Finding, ...]:
        """The gravest risk of each, where it is high."""
        by_arn = {managed.arn: managed for _, managed in self.managed}
        gravest = {arn: _gravest(managed) for arn, managed in by_arn.items()}
        return tuple(
            replace(risk, where=None, resource=own.name)
            for own, managed in self.managed
            if (risk := gravest[managed.arn])
        )

    def partly_judged(self) -> Iterator[Unread]:
        """They as rows of what was not judged in full."""
        why = "an AWS managed policy: only its critical and high risks are listed, and its access is not counted"
        for own, _ in self.managed:
            yield Unread(place=own.name, why=why, file=own.file)

    def note(self) -> str:
        """A sentence for the summary."""
        if not self.managed:
            return ""
        names = dict.fromkeys(quoted(own.name) for own, _ in self.managed)
        one = len(names) == 1
        return (
            f"Of the AWS managed {'policy' if one else 'policies'} {joined(list(names), shown=_MOST_NAMED)} only"
            f" critical and high risks are listed, and {'its' if one else 'their'} access is not counted."
        )


def _gravest(managed: ManagedPolicy) -> Finding | None:
    risks = policy_risks(one_policy(managed.document, Kind.IDENTITY)).findings
    finding = risks[0].finding if risks else None
    return finding if finding and finding.severity.rank <= Severity.HIGH.rank else None
