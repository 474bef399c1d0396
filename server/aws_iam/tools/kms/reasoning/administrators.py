"""Who could call PutKeyPolicy on a key, as its policy tells.

administrators(policy, "111122223333")  →  Administrator(principal=…, how="key policy" | "IAM policies" | "nobody")
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import Layers, layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import dump
from aws_iam.engine.language.frozen import slotted
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kms.reasoning.statements import (
    MANAGE,
    account_of,
    has_effect,
    is_unique_id,
    owner_of,
    takes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy, Principal, Statement

PRINCIPAL = re.compile(
    r"[0-9]{12}|\*"
    r"|arn:[a-z-]+:iam::[0-9]{12}:(?:root|(?:user|role)/[^*?\s]+)"
    r"|arn:[a-z-]+:sts::[0-9]{12}:(?:assumed-role/[^*?\s]+/[^*?\s]+|federated-user/[^*?\s]+)"
)
"""How a key policy writes accounts, roles, users and sessions."""

_KEY = "arn:{}:kms:us-east-1:{}:key/00000000-0000-0000-0000-000000000000"
# A key policy has 32,768 bytes; what is longer is refused, and need not be compared with its own Denies.
_MOST_STATEMENTS = 500
_MOST_ASKED = 100


@slotted
class Administrator:
    """Somebody whom the policy lets call PutKeyPolicy: by itself, or as far as IAM policies of the account allow it."""

    principal: str
    how: Literal["key policy", "IAM policies", "nobody"]
    note: str = ""
    pointer: str = ""


def administrators(policy: Policy, account: str) -> Iterator[Administrator]:
    """Whom the policy lets call PutKeyPolicy, and whom it only seems to, each once."""
    denials = _Denials.of(policy, account)
    told: dict[str, bool] = {}
    for statement in policy.statements:
        if not (statement.allows and has_effect(statement) and takes(statement, MANAGE)):
            continue
        for principal in statement.principals:
            # Who administers by one statement needs no other; who does not by one may by the next.
            if told.get(principal.value):
                continue
            found = _administrator(denials, statement, principal, account)
            if principal.value not in told or found.how != "nobody":
                yield found
            told[principal.value] = found.how != "nobody"
        if statement.has("NotPrincipal"):
            name = "everybody but those in NotPrincipal"
            yield Administrator(
                principal=name, how="key policy", pointer=statement.place().pointer
            )


def _administrator(
    denials: _Denials, statement: Statement, principal: Principal, account: str
) -> Administrator:
    pointer = statement.place().pointer
    nobody = _nobody(principal, account)
    if nobody:
        return Administrator(principal=principal.value, how="nobody", note=nobody, pointer=pointer)
    is_account = account_of(principal) == account
    how: Literal["key policy", "IAM policies"] = "IAM policies" if is_account else "key policy"
    notes = []
    if statement.conditions:
        keys = dict.fromkeys(condition.key.value for condition in statement.conditions)
        notes.append(f"under a condition on {', '.join(map(quoted, keys))}")
    match denials.take(principal):
        case True:
            return Administrator(
                principal=principal.value,
                how="nobody",
                note="a Deny of this policy takes it back",
                pointer=pointer,
            )
        case None:
            notes.append("a Deny of this policy may take it back")
        case _:
            pass
    return Administrator(
        principal=principal.value, how=how, note="; ".join(notes), pointer=pointer
    )


def _nobody(principal: Principal, account: str) -> str:
    """Why the principal can never call PutKeyPolicy on this key."""
    if principal.type not in {"AWS", "*"}:
        return "a service or provider does not administer keys"
    if is_unique_id(principal):
        return (
            "the unique id of a role or user that was deleted: a new one of its name has another"
        )
    if not PRINCIPAL.fullmatch(principal.value):
        return "no name of a principal: AWS refuses it"
    owner = owner_of(principal)
    if owner and account and owner != account:
        return "of another account, from which PutKeyPolicy is never possible"
    return ""


@dataclass(slots=True, kw_only=True)
class _Denials:
    """The statements of a policy that may take PutKeyPolicy back, asked for one principal after another."""

    policy: Policy
    account: str
    layers: Layers | None
    asked: int = 0
    unusable: bool = False

    @classmethod
    def of(cls, policy: Policy, account: str) -> _Denials:
        """Ready to be asked; without layers where no Deny speaks of it."""
        speaks = any(s.denies and has_effect(s) and takes(s, MANAGE) for s in policy.statements)
        if not speaks:
            return cls(policy=policy, account=account, layers=None)
        try:
            layers = layers_of({"resource": effective(policy), "identity": None})
        except InputError:
            # A statement that AWS would not take: nobody can tell what the others do.
            return cls(policy=policy, account=account, layers=None, unusable=True)
        return cls(policy=policy, account=account, layers=layers)

    def take(self, principal: Principal) -> bool | None:
        """Whether a Deny keeps the principal from it; None: under a condition, or nobody looked."""
        if self.unusable:
            return None
        if self.layers is None or principal.is_everyone:
            return False
        self.asked += 1
        if self.asked > _MOST_ASKED or len(self.policy.statements) > _MOST_STATEMENTS:
            return None
        whole = account_of(principal)
        caller = f"arn:aws:iam::{whole}:root" if principal.value == whole else principal.value
        request = request_to_manage(caller, self.policy, self.account, {})
        decision = evaluated(request, self.layers).decision
        others = hinges(request, self.layers, decision).values()
        outcomes = [
            decision.outcome,
            *(outcome for several in others for outcome in several.values()),
        ]
        found = {outcome == "ExplicitlyDenied" for outcome in outcomes}
        return None if len(found) > 1 else found.pop()


def request_to_manage(
    caller: str, policy: Policy, account: str, context: Mapping[str, Any]
) -> Request:
    """The call of PutKeyPolicy, with what KMS knows of it itself."""
    arn = Arn.of(caller)
    partition = arn.partition if arn else "aws"
    known = {
        "kms:CallerAccount": arn.account if arn else "",
        "kms:BypassPolicyLockoutSafetyCheck": "false",
        # KMS answers over TLS alone: KMS Developer Guide, data-protection.
        "aws:SecureTransport": "true",
    }
    lower = {name.lower() for name in context}
    filled = {n: v for n, v in known.items() if n.lower() not in lower}
    return request_of(
        {
            "principal": caller,
            "action": MANAGE,
            "resource": key_of(policy, partition, account),
            "context": {**filled, **context},
        }
    )


def key_of(policy: Policy, partition: str, account: str) -> str:
    """The key's ARN: the one that the policy itself names, else one that stands for it."""
    named = {
        entry.value
        for statement in policy.statements
        for entry in statement.resources
        if ":key/" in entry.value and not {"*", "?", "$"} & set(entry.value)
    }
    owned = sorted(arn for arn in named if f":{account}:key/" in arn)
    return owned[0] if len(owned) == 1 else _KEY.format(partition, account)


def effective(policy: Policy) -> dict[str, Any]:
    """The policy without the statements that KMS ignores."""
    whole = json.loads(dump(policy))
    body = whole["Statement"]
    listed = [
        statement
        for statement in (body if isinstance(body, list) else [body])
        if isinstance(statement, dict)
    ]
    kept = [
        statement
        for statement, read in zip(listed, policy.statements, strict=True)
        if has_effect(read)
    ]
    return {**whole, "Statement": kept}
