"""The policies generated for one caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact
from aws_iam.engine.trail.allow import Granted
from aws_iam.engine.trail.ledger import Account

if TYPE_CHECKING:
    from aws_iam.answer import Finding
    from aws_iam.engine.trail.uses import Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The policies of one caller, what the validator says of them, and what could stand in no policy."""

    account: Account
    granted: Granted
    documents: tuple[dict[str, Any], ...]
    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...]
    refused: tuple[tuple[Use, str], ...] = ()
    allowed: int = 0
