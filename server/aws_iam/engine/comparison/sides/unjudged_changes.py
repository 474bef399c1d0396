"""A change that decides about access and that no search over policies covers: it is said, with what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.answer import Where
    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.containers.access_settings import AccessSetting


@slotted
class UnjudgedChange:
    """A change, where it is, and whether it may widen or narrow the access.

    `is_certain`: what it does is plain, such as the removal of a permissions boundary, its `limit`, or what is gained or lost by it, its
    `gain`, with the `fix` for it, or `loss`; how grave that is, is its `severity`. `is_setting`: it is no policy.
    `where` is its place in a file, where that has lines.
    """

    place: str
    says: str
    widens: bool
    narrows: bool
    source: str
    is_certain: bool = False
    is_setting: bool = False
    limit: str = "permissions boundary"
    gain: str = ""
    fix: str = ""
    loss: str = ""
    severity: Severity = Severity.HIGH
    where: Where | None = None
    # The places in each of several root folders of Terraform, where the same changes there.
    namesakes: tuple[str, ...] = ()
    # Values that a policy may have instead, where it is about those.
    others: tuple[Alternative, ...] = ()

    @classmethod
    def gain_of(cls, setting: AccessSetting, says: str, gain: str, fix: str) -> UnjudgedChange:
        """What a setting that is new, or has another value, plainly gives."""
        return cls(
            place=setting.place,
            says=says,
            widens=True,
            narrows=False,
            source=setting.subject.source,
            is_certain=True,
            where=setting.where,
            gain=gain,
            fix=fix,
        )

    @property
    def places(self) -> frozenset[str]:
        """All places that it is about."""
        return frozenset((self.place, *self.namesakes))

    @property
    def is_told(self) -> bool:
        """Whether it is told as access that is gained or lost, and so is judged."""
        return self.is_certain and (self.widens or bool(self.loss))

    def row(self) -> dict[str, str]:
        """The change as a row of an answer."""
        at = self.where
        named = {"file": f"{at.file}:{at.line}"} if at and at.file else {}
        return {**named, "place": self.place or "the policy", "why": self.says}

    def finding(self) -> Finding | None:
        """The change as access that is gained, or may be, or that is lost."""
        if self.loss:
            return Finding(
                code="ACCESS_LOST",
                title=f"Access is lost: {self.loss}",
                severity=Severity.INFO,
                status=Status.FAIL,
                message=self.says,
                resource=self.place or None,
                source=self.source,
            )
        if not self.widens:
            return None
        if self.is_certain:
            return Finding(
                code="ACCESS_GAINED",
                title=f"Access is gained: {self.gain or f'{self.limit} removed'}",
                severity=self.severity,
                status=Status.FAIL,
                message=self.says,
                resource=self.place or None,
                where=self.where,
                fix=self.fix or f"Keep the {self.limit}, or say why the policies need no limit.",
                source=self.source,
            )
        return Finding(
            code="ACCESS_GAINED",
            title="Whether access is gained is unknown",
            severity=Severity.MEDIUM if self.is_setting else Severity.HIGH,
            status=Status.UNKNOWN,
            reason=f"not judged: {self.says}" if self.is_setting else self.says,
            where=self.where,
            resource=self.place or None,
            source=self.source,
        )
