"""Macie: whether it is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import maybe_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Macie:
    """A Macie session: `ENABLED` or `PAUSED`."""

    status: str


MACIE = maybe_in("macie.session", Macie)


@collector_in(MACIE, "macie2:GetMacieSession")
def session(aws: Aws, region: str) -> Macie | None:
    """The session. When Macie is off, AWS answers with the code of a refusal, and only the message tells them apart."""
    answer = aws.get(
        "macie2:GetMacieSession",
        region=region,
        absent=("AccessDeniedException: Macie is not enabled",),
    )
    return None if answer is None else Macie(status=answer.get("status", ""))
