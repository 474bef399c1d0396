"""The session policies of EKS Pod Identity associations that a principal may take off: the pods then have all of the role.

Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdatePodIdentityAssociation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    candidates = actor.entities.associated[actor.account] & actor.granted(UPDATE)
    for targets, access in actor.allowed(UPDATE, candidates):
        power = Power(
            gain="session",
            targets=targets,
            calls=(Call(action=UPDATE),),
            assuming=(_NOT_PASSED,),
        )
        yield decided_by(power, access)
