"""Denials in a person's own words: `AccessDenied on sqs:SendMessage`. The sentence is not AWS's, the names in it are."""

from __future__ import annotations

import re
from dataclasses import replace

from aws_iam.engine.denied.message_parts import MessageParts, trimmed
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.wording import joined

_NAME = re.compile(r"(?<![\w:/-])[a-z][a-z0-9-]{0,63}:[A-Za-z0-9]{1,128}\b(?!:)")
_ARN = re.compile(r"\barn:[^\s'\"`,;)]{1,2000}")
_CALLERS = ("user/", "role/", "assumed-role/", "federated-user/", "root")


def with_names(parts: MessageParts, text: str) -> MessageParts:
    """The parts with the one action that the text names, and the one caller and resource beside it, if the parts lack them."""
    arns = [trimmed(arn[0]) for arn in _ARN.finditer(text)]
    known = (catalog().action(name[0]) for name in _NAME.finditer(_ARN.sub(" ", text)))
    actions = dict.fromkeys(action.full_name for action in known if action)
    if parts.action or parts.operation or len(actions) != 1:
        return parts
    # The ARN of a role beside `iam:PassRole` can be the caller or the role that is passed.
    told = dict.fromkeys(() if next(iter(actions)).startswith(("iam:", "sts:")) else arns)
    callers = [arn for arn in told if _is_caller(arn)]
    resources = [arn for arn in told if not _is_caller(arn)]
    action = next(iter(actions))
    principal = parts.principal or (callers[0] if len(callers) == 1 else "")
    resource = parts.resource or (resources[0] if len(resources) == 1 else "")
    named = {"the action": action, "the principal": principal, "the resource": resource}
    names = joined([name for name, value in named.items() if value])
    return replace(
        parts,
        principal=principal,
        action=action,
        resource=resource,
        inferred=(*parts.inferred, f"{names}: from a text that is not AWS's own message"),
    )


def _is_caller(arn: str) -> bool:
    read = Arn.of(arn)
    return (
        read is not None and read.service in {"iam", "sts"} and read.resource.startswith(_CALLERS)
    )
