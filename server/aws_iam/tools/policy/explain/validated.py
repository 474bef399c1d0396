"""What `policy validate` finds in the explained policies, so that `policy explain` says nothing better of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.gathered import Unread
from aws_iam.frozen import slotted
from aws_iam.rules.policy.run import rule_findings
from aws_iam.tools.kit import policy_inputs
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aws_iam.engine.language.document import Kind, Source

_TO_CHECK = frozenset({"TRUST_IN_ACCOUNT_WITHOUT_CONDITION"})


@slotted
class Validated:
    """The security warnings on statements without a risk of their own, and what else validation has to say."""

    security_warnings: tuple[Finding, ...]
    to_check: tuple[Finding, ...]
    """Trust in a whole account: whose the role is, the policy does not say."""
    others: Mapping[Severity, int]
    """The number of errors, and of warnings that are not about security."""
    unfinished: tuple[Unread, ...]

    @classmethod
    def of(
        cls, sources: Sequence[Source], risks: Sequence[Finding], without: AbstractSet[Kind]
    ) -> Validated:
        """The result for some policies, apart from those of the kinds `without` an all-clear."""
        judged = [
            (source, finding)
            for source in sources
            if isinstance(source.content, Policy) and source.content.kind not in without
            for finding in rule_findings(source)
            if finding.severity.rank <= Severity.WARNING.rank or finding.code in _TO_CHECK
        ]
        failed = [(source, finding) for source, finding in judged if finding.status is Status.FAIL]
        warned = [(source, f) for source, f in failed if f.code not in _TO_CHECK]
        others = Counter(finding.severity for _, finding in warned)
        del others[Severity.SECURITY_WARNING]
        return cls(
            security_warnings=tuple(_beside(risks, warned)),
            to_check=tuple(
                replace(f, resource=source.name or None)
                for source, f in failed
                if f.code in _TO_CHECK
            ),
            others=others,
            unfinished=tuple(
                Unread(
                    place=policy_inputs.place_of(source),
                    why=f"{finding.code}: {finding.reason or finding.message}",
                    file=source.file,
                )
                for source, finding in judged
                if finding.status is Status.UNKNOWN
            ),
        )

    def says(self) -> Iterator[str]:
        """The parts of a summary about them."""
        if self.security_warnings:
            yield counted(len(self.security_warnings), "security warning")
        names = {Severity.ERROR: "error", Severity.WARNING: "warning"}
        parts = [counted(self.others[s], name) for s, name in names.items() if self.others.get(s)]
        if parts:
            yield f"{joined(parts)} of `policy validate`"

    @property
    def is_clear(self) -> bool:
        """Whether validation found nothing that an all-clear would contradict."""
        return not (self.security_warnings or self.others)


def _beside(
    risks: Sequence[Finding], failed: Sequence[tuple[Source, Finding]]
) -> Iterator[Finding]:
    """The security warnings at places of which no risk is reported."""
    places = [(risk.resource or "", f"{risk.where.pointer}/") for risk in risks if risk.where]
    for source, finding in failed:
        starts = tuple(pointer for name, pointer in places if name == source.name)
        pointer = finding.where.pointer if finding.where else ""
        is_security = finding.severity is Severity.SECURITY_WARNING
        if is_security and not f"{pointer}/".startswith(starts):
            yield replace(finding, resource=source.name or None)
