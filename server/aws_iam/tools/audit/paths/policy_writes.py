"""Writing the policy of a resource: whoever may do that names itself there, and then acts on the resource.

    PolicyWrites.of(estate, "arn:aws:s3:::books/*", ("s3:GetObject",)).powers(actor)   →   (Power(gain="resource", …),)

What it may do afterwards is decided in the estate as it would be with a policy that lets in everyone: a Deny of its own, the
organization's policies and the key behind the resource still count.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.who_can import verdict_of_each
from aws_iam.tools.audit.paths.powers import Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_iam.engine.language.arn import Arn
    from aws_iam.tools.audit.access.estate import Estate, Principal
    from aws_iam.tools.audit.access.known_tags import KnownTags
    from aws_iam.tools.audit.access.verdicts import Verdict
    from aws_iam.tools.audit.paths.actor import Actor

# What writes the policy of a resource, by its service; each of the calls is enough. All of them are only for the account that
# has the resource. Those of `action-risks.json` (resource exposure) with the API references that it names.
_WRITING = {
    "s3": ("s3:PutBucketPolicy",),
    "kms": ("kms:PutKeyPolicy", "kms:CreateGrant"),
    "secretsmanager": ("secretsmanager:PutResourcePolicy",),
    "sqs": ("sqs:SetQueueAttributes", "sqs:AddPermission"),
    "sns": ("sns:SetTopicAttributes", "sns:AddPermission"),
    "lambda": ("lambda:AddPermission",),
    "dynamodb": ("dynamodb:PutResourcePolicy",),
    "kinesis": ("kinesis:PutResourcePolicy",),
    "ecr": ("ecr:SetRepositoryPolicy",),
}
_EVERYONE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
)
"""What lets the writer in, and everyone else: it is asked about the writer alone."""


@slotted
class PolicyWrites:
    """The calls that write the policy of one resource, and who can act on it once it says so."""

    holder: str
    """The resource that has the policy, such as the bucket of an object."""
    account: str
    actions: tuple[str, ...]
    afterwards: Callable[[Principal], Verdict]

    @classmethod
    def of(
        cls, estate: Estate, arn: Arn, asked: Sequence[str], tags: KnownTags
    ) -> PolicyWrites | None:
        """Those of a resource; None where it has no policy that can be written, or nobody knows whose it is."""
        owner = estate.owner_of(str(arn))
        actions = _WRITING.get(arn.service)
        if owner is None or actions is None:
            return None
        is_object = arn.service == "s3" and not arn.region
        holder = str(arn).partition("/")[0] if is_object else str(arn)
        written = replace(estate, supposed={holder: _EVERYONE}, _owners={}, _policies={})
        _, afterwards = verdict_of_each(written, asked, str(arn), tags)
        return cls(holder=holder, account=owner.account.id, actions=actions, afterwards=afterwards)

    def powers(self, actor: Actor) -> Iterator[Power]:
        """The calls that a principal may make."""
        if actor.account != self.account:
            return
        for action in self.actions:
            if not (actor.takes(action) or self._names(actor)):
                continue
            access = actor.proof(action, self.holder)
            if access.is_possible:
                power = Power(
                    gain="resource",
                    targets=1 << actor.number,
                    what=self.holder,
                    calls=(Call(action=action, on=self.holder),),
                )
                yield decided_by(power, access)

    def _names(self, actor: Actor) -> bool:
        """Whether the resource's policy may let the principal write it without a permission of its own."""
        text = actor.decider.policy_of(self.actions[0], self.holder).text
        return text is not None and (actor.principal.arn in text or '"*"' in text)
