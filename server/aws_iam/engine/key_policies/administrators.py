"""Who could call PutKeyPolicy on a key, according to its policy.

administrators(policy, "111122223333")  →  Administrator(principal=…, how="key policy" | "IAM policies" | "nobody")
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import Layers, layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.key_policies.request_keys import is_never_sent, never_met
from aws_iam.engine.key_policies.statements import (
    PUT_KEY_POLICY,
    account_meant_whole,
    account_of_principal,
    covers_action,
    has_effect,
    is_unique_id,
    owner_shown_by,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.language.plain_policy import plain
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy, Principal, Statement

PRINCIPAL = re.compile(
    r"[0-9]{12}|\*"
    r"|arn:[a-z-]+:iam::[0-9]{12}:(?:root|(?:user|role)/[^*?\s]+)"
    r"|arn:[a-z-]+:sts::[0-9]{12}:(?:assumed-role/[^*?\s]+/[^*?\s]+|federated-user/[^*?\s]+)"
)
"""How a key policy writes accounts, roles, users and sessions."""

_KEY = "arn:{}:kms:us-east-1:{}:key/00000000-0000-0000-0000-000000000000"
# A key policy has at most 32,768 bytes: KMS refuses longer ones, so their Deny statements are not evaluated.
_MOST_STATEMENTS = 500
_MOST_EVALUATED = 100
_NOT_NAMED = "not-named-in-any-policy"


@slotted
class Administrator:
    """A principal that may call PutKeyPolicy: by the key policy itself, or if IAM policies of the account allow it."""

    principal: str
    how: Literal["key policy", "IAM policies", "nobody"]
    note: str = ""
    pointer: str = ""


def administrators(policy: Policy, account: str, key: str = "") -> Iterator[Administrator]:
    """The principals that may call PutKeyPolicy, and those that only seem to, each once."""
    denials = _Denials.of(policy, account, key)
    settled: dict[str, bool] = {}
    for statement in policy.statements:
        if not (
            statement.allows
            and has_effect(statement, key)
            and covers_action(statement, PUT_KEY_POLICY)
        ):
            continue
        for principal in statement.principals:
            # One statement is enough: a principal that one statement leaves out may be let in by the next.
            if settled.get(principal.value):
                continue
            found = _administrator(denials, statement, principal, account)
            if found.how == "nobody" and account_meant_whole(principal) == account:
                yield from _spared(denials, statement, account)
            if principal.value not in settled or found.how != "nobody":
                yield found
            settled[principal.value] = found.how != "nobody"
        if statement.has("NotPrincipal"):
            name = "everyone except those in NotPrincipal"
            yield Administrator(
                principal=name, how="key policy", pointer=statement.place().pointer
            )


def is_administered(policy: Policy) -> bool:
    """Whether the policy says by itself that it is a key's: of KMS alone, and some, not all, may change it.

    The policy of an endpoint names no keys either, and lets everyone through.
    """
    words = [w for own in policy.statements for w in (*own.action_words, *own.not_action_words)]
    if not all(word.lower().startswith("kms:") for word in words):
        return False
    found = administrators(policy, owner_shown_by(policy))
    named = [own.principal for own in found if own.how != "nobody"]
    return bool(named) and "*" not in named


def _administrator(
    denials: _Denials, statement: Statement, principal: Principal, account: str
) -> Administrator:
    pointer = statement.place().pointer
    never = _why_never(principal, account)
    if not never and (key := never_met(statement)):
        never = f"its condition needs {quoted(key)}, which a direct call of PutKeyPolicy never has"
    if never:
        return Administrator(principal=principal.value, how="nobody", note=never, pointer=pointer)
    is_account = account_meant_whole(principal) == account
    how: Literal["key policy", "IAM policies"] = "IAM policies" if is_account else "key policy"
    notes = []
    if statement.conditions:
        keys = dict.fromkeys(condition.key.value for condition in statement.conditions)
        notes.append(f"only if a condition holds on {', '.join(map(quoted, keys))}")
    match denials.denies(principal):
        case True:
            return Administrator(
                principal=principal.value,
                how="nobody",
                note="a Deny in this policy matches it",
                pointer=pointer,
            )
        case None:
            notes.append("a Deny in this policy may match it")
        case _:
            pass
    return Administrator(
        principal=principal.value, how=how, note="; ".join(notes), pointer=pointer
    )


def _spared(denials: _Denials, statement: Statement, account: str) -> Iterator[Administrator]:
    """The identities of the account that the Deny statements leave out: IAM policies may allow them what the account may do."""
    if never_met(statement):
        return
    for principal, certain in denials.spared(account):
        yield Administrator(
            principal=principal,
            how="IAM policies",
            note=f"a Deny in this policy {'leaves it out' if certain else 'may leave it out'}",
            pointer=statement.place().pointer,
        )


def _why_never(principal: Principal, account: str) -> str:
    """Why the principal can never call PutKeyPolicy on this key."""
    if principal.type not in {"AWS", "*"}:
        return "services and identity providers cannot administer keys"
    if is_unique_id(principal):
        return "it is the unique id of a deleted role or user: a new one with the same name has another id"
    if not PRINCIPAL.fullmatch(principal.value):
        return "it is not a valid principal: AWS refuses it"
    owner = account_of_principal(principal)
    if owner and account and owner != account:
        return "it belongs to another account, which can never call PutKeyPolicy"
    return ""


@dataclass(slots=True, kw_only=True)
class _Denials:
    """The Deny statements of a policy that cover PutKeyPolicy, evaluated for one principal after another."""

    policy: Policy
    account: str
    key: str
    layers: Layers | None
    evaluated_count: int = 0
    unusable: bool = False

    @classmethod
    def of(cls, policy: Policy, account: str, key: str) -> _Denials:
        """The evaluator for a policy; without layers if no Deny covers PutKeyPolicy."""
        has_deny = any(
            s.denies and has_effect(s, key) and covers_action(s, PUT_KEY_POLICY)
            for s in policy.statements
        )
        if not has_deny:
            return cls(policy=policy, account=account, key=key, layers=None)
        try:
            layers = layers_of({"resource": without_ignored_statements(policy), "identity": None})
        except InputError:
            # AWS would refuse a statement, so the effect of the others is not known.
            return cls(policy=policy, account=account, key=key, layers=None, unusable=True)
        return cls(policy=policy, account=account, key=key, layers=layers)

    def denies(self, principal: Principal) -> bool | None:
        """Whether a Deny matches the principal; None: it depends on a condition, or was not evaluated."""
        if self.unusable:
            return None
        if self.layers is None or principal.is_everyone:
            return False
        whole = account_meant_whole(principal)
        if not whole:
            return self._denies_caller(principal.value)
        root = f"arn:aws:iam::{whole}:root" if principal.value == whole else principal.value
        # The statement stands for every identity of the account: a Deny must match them all.
        found = {self._denies_caller(caller) for caller in (root, *_others(root))}
        return found.pop() if len(found) == 1 else None

    def spared(self, account: str) -> Iterator[tuple[str, bool]]:
        """The roles and users of the account that the Deny statements name as exceptions, and whether certainly none matches them.

        A pattern stands for itself; one name that it matches is evaluated.
        """
        named = (
            value.value
            for statement in self.policy.statements
            if statement.denies and covers_action(statement, PUT_KEY_POLICY)
            for value in (
                *(principal.name for principal in statement.not_principals),
                *(
                    value
                    for condition in statement.conditions_on("aws:principalarn")
                    if condition.negated
                    for value in condition.values
                ),
            )
        )
        for name in dict.fromkeys(named):
            arn = Arn.of(name)
            if arn is None or arn.service != "iam" or not matches(arn.account, account):
                continue
            resource = arn.resource.replace("*", "x").replace("?", "x")
            caller = f"arn:{arn.partition.replace('*', 'aws')}:iam::{account}:{resource}"
            denied = self._denies_caller(caller) if PRINCIPAL.fullmatch(caller) else True
            if not denied:
                yield name, denied is False

    def _denies_caller(self, caller: str) -> bool | None:
        if self.layers is None:
            return False
        self.evaluated_count += 1
        if (
            self.evaluated_count > _MOST_EVALUATED
            or len(self.policy.statements) > _MOST_STATEMENTS
        ):
            return None
        request = request_to_manage(caller, self.policy, self.account, {}, self.key)
        decision = without_keys_never_sent(evaluate_request(request, self.layers).decision)
        others = outcomes_of_missing_keys(request, self.layers, decision).values()
        outcomes = [
            decision.outcome,
            *(outcome for several in others for outcome in several.values()),
        ]
        found = {outcome == "ExplicitlyDenied" for outcome in outcomes}
        return None if len(found) > 1 else found.pop()


def _others(root: str) -> tuple[str, ...]:
    """A role and a user whom no policy names, to stand for the others of the account."""
    start = root.removesuffix("root")
    return (f"{start}role/{_NOT_NAMED}", f"{start}user/{_NOT_NAMED}")


def request_to_manage(
    caller: str, policy: Policy, account: str, context: Mapping[str, Any], key: str = ""
) -> Request:
    """The PutKeyPolicy request, with the context keys that KMS sets itself."""
    arn = Arn.of(caller)
    partition = arn.partition if arn else "aws"
    known = {
        "kms:CallerAccount": arn.account if arn else "",
        "kms:BypassPolicyLockoutSafetyCheck": "false",
        # KMS accepts only TLS connections: KMS Developer Guide, data-protection.
        "aws:SecureTransport": "true",
    }
    lower = {name.lower() for name in context}
    filled = {n: v for n, v in known.items() if n.lower() not in lower}
    return request_of(
        {
            "principal": caller,
            "action": PUT_KEY_POLICY,
            "resource": key or key_of(policy, partition, account),
            "context": {**filled, **context},
        }
    )


def without_keys_never_sent(decision: Decision) -> Decision:
    """The decision without the missing keys that PutKeyPolicy never has: their absence is certain."""
    keys = tuple(key for key in decision.missing_keys if not is_never_sent(key))
    return replace(decision, missing_keys=keys)


def key_of(policy: Policy, partition: str, account: str) -> str:
    """The key's ARN if the policy names one of the account, else a sample ARN."""
    named = {
        entry.value
        for statement in policy.statements
        for entry in statement.resources
        if ":key/" in entry.value and not {"*", "?", "$"} & set(entry.value)
    }
    owned = sorted(arn for arn in named if f":{account}:key/" in arn)
    return owned[0] if len(owned) == 1 else _KEY.format(partition, account)


def without_ignored_statements(policy: Policy) -> dict[str, Any]:
    """The policy without the statements that have no effect."""
    document = plain(policy)
    body = document["Statement"]
    objects = [
        statement
        for statement in (body if isinstance(body, list) else [body])
        if isinstance(statement, dict)
    ]
    kept = [
        statement
        for statement, parsed in zip(objects, policy.statements, strict=True)
        if has_effect(parsed)
    ]
    return {**document, "Statement": kept}
