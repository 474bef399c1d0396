"""Macie: whether it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.governance import MACIE, Macie

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@collector_in(MACIE, "macie2:GetMacieSession")
def session(aws: Aws, region: str) -> Macie | None:
    """The session; a Macie that is off answers as if it refused, and only its words tell."""
    answer = aws.get(
        "macie2:GetMacieSession",
        region=region,
        absent=("AccessDeniedException: Macie is not enabled",),
    )
    return None if answer is None else Macie(status=answer.get("status", ""))
