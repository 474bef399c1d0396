"""A token before a trust policy, with everything that was found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.tokens.claims import Claims
from aws_iam.engine.tokens.signature import Signature
from aws_iam.engine.tokens.token import Token

if TYPE_CHECKING:
    from aws_iam.answer import Decision
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.tokens.meeting import Meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A token before a trust policy, with everything that was found out."""

    claims: Claims
    token: Token | None
    signature: Signature
    policy: Policy
    meetings: tuple[Meeting, ...]
    principal: str
    decision: Decision

    @property
    def nearest(self) -> Meeting | None:
        """The Allow that the token misses by least."""
        return min(self.meetings, key=lambda each: each.distance, default=None)
