"""The session policies of EKS Pod Identity associations that a principal may take off: the pods then have all of the role.

Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdatePodIdentityAssociation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.audit.paths.actor import Actor

UPDATE = "eks:UpdatePodIdentityAssociation"
_NOT_PASSED = (
    "Amazon EKS does not ask for iam:PassRole where nothing but the session policy changes"
)


def session_edits(actor: Actor) -> Iterator[Power]:
    """The sessions of pods that a principal may free from their session policy: the association is in its account."""
    if not actor.takes(UPDATE):
        return
    arns = actor.entities.arns
    for number in bits(actor.entities.sessions):
        association = Arn.of(arns[number])
        if association is None or association.account != actor.account:
            continue
        access = actor.proof(UPDATE, arns[number])
        if access.is_possible:
            power = Power(
                gain="session",
                targets=1 << number,
                calls=(Call(action=UPDATE),),
                assuming=(_NOT_PASSED,),
            )
            yield decided_by(power, access)
