"""Whether KMS would accept a key policy from its caller.

    put_key_policy_outcome(policy, caller="arn:…", account="111122223333", layers={"identity": […]})  →  Lockout

KMS refuses a default policy that does not let its caller change it again (KMS API Reference, PutKeyPolicy). AWS does not
document how that check evaluates IAM policies and conditions; here it is an ordinary evaluation of kms:PutKeyPolicy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.key_policies.administrators import (
    PRINCIPAL,
    request_to_manage,
    without_ignored_statements,
    without_keys_never_sent,
)
from aws_iam.engine.key_policies.request_keys import never_met, never_met_in
from aws_iam.engine.key_policies.statements import account_meant_whole, is_unique_id
from aws_iam.engine.language.document import dump
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kms.reasoning.key_access import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.caller import Caller
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.language.document import Policy, Principal, Statement

MESSAGE = "The new key policy will not allow you to update the key policy in the future"
"""The message of KMS when it refuses; people search for it."""

Outcome = Literal["accepted", "refused", "unknown"]

_MALFORMED = "MalformedPolicyDocumentException"
_TOO_LONG = "LimitExceededException"
_MOST_KEYS = 5


@slotted
class Lockout:
    """What PutKeyPolicy would answer; it depends on the condition keys `keys` and the layers `missing`."""

    outcome: Outcome
    reason: str
    error: str = ""
    keys: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def put_key_policy_outcome(
    policy: Policy,
    *,
    caller: str,
    account: str,
    layers: Mapping[str, Any],
    context: Mapping[str, Any],
    key: str = "",
) -> Lockout:
    """What PutKeyPolicy would answer; KMS refuses a malformed policy before it checks for a lockout."""
    fault = next(_faults(policy), None)
    if fault:
        return fault
    request = request_to_manage(caller, policy, account, context, key)
    if request.caller.account != account:
        return Lockout(
            outcome="refused",
            reason=f"the caller belongs to account {request.caller.account}; PutKeyPolicy works only within the key's account",
            error="AccessDeniedException",
        )
    found = _evaluated(policy, request, layers)
    deleted = [
        p.value
        for statement in policy.statements
        for p in _principals_in(statement)
        if is_unique_id(p)
    ]
    if found.outcome == "accepted" and deleted:
        return Lockout(
            outcome="unknown",
            reason=f"the caller may change the policy, but {quoted(deleted[0])} is the unique id of a deleted"
            " role or user: AWS refuses a policy as malformed if a principal does not exist",
        )
    return found


def _evaluated(policy: Policy, request: Any, layers_given: Mapping[str, Any]) -> Lockout:
    layers = layers_of(
        {"identity": None, **layers_given, "resource": without_ignored_statements(policy)}
    )
    decision = without_keys_never_sent(evaluate_request(request, layers).decision)
    keys = _deciding_keys(request, layers, decision)
    if keys:
        key_list = ", ".join(quoted(key) for key in keys[:_MOST_KEYS])
        return Lockout(
            outcome="unknown",
            reason=f"it depends on {key_list}, which the request does not include",
            keys=keys,
        )
    match decision.outcome:
        case "Allowed":
            by = " and ".join(decision.decided_by)
            return Lockout(
                outcome="accepted",
                reason=f"the caller may change it again: {_ALLOWED_BY.get(by, by)}",
            )
        case "Unknown":
            return _undecided(policy, request, layers_given, layers)
        case "ExplicitlyDenied":
            why = f"a Deny in the layer {decision.decided_by[0]} matches kms:PutKeyPolicy by the caller"
        case _:
            layer = decision.blocked_by[0] if decision.blocked_by else "resource"
            why = _MISSING_ALLOW.get(layer, f"the layer {layer} does not allow kms:PutKeyPolicy")
            why += _unmet(policy, request.caller) if layer == "resource" else ""
    return Lockout(outcome="refused", reason=why, error=f"{_MALFORMED}: {MESSAGE}")


def _unmet(policy: Policy, caller: Caller) -> str:
    """Why an Allow that seems to help the caller does not."""
    named = (
        statement
        for statement in never_met_in(policy)
        if any(
            p.is_everyone or p.value == caller.arn or account_meant_whole(p) == caller.account
            for p in statement.principals
        )
    )
    statement = next(named, None)
    if statement is None:
        return ""
    place, key = statement.place().pointer, never_met(statement)
    return f"; `{place}` allows it only with {quoted(key)}, which a direct call of PutKeyPolicy never has"


def _undecided(
    policy: Policy, request: Any, layers_given: Mapping[str, Any], layers: Layers
) -> Lockout:
    """Why the outcome is unknown: a missing layer, or a principal that may be the caller."""
    missing = tuple(layer for layer in _LAYERS if layer in layers.unreadable)
    known_layers = layers_of(
        {
            **layers_given,
            **{layer: [] for layer in missing},
            "resource": without_ignored_statements(policy),
        }
    )
    without_missing = evaluate_request(request, known_layers)
    if not missing or without_missing.decision.outcome == "Unknown":
        path_reason = "a session's ARN does not include the path of its role: give the role's ARN as the caller"
        reason = path_reason if ":assumed-role/" in request.caller.arn else without_missing.reason
        return Lockout(outcome="unknown", reason=reason)
    return Lockout(
        outcome="unknown",
        reason="the account statement leaves the decision to the caller's IAM policies, and `policies` does not have them",
        missing=missing,
    )


_LAYERS = ("identity", "boundary", "session", "scp", "rcp")


def _deciding_keys(request: Any, layers: Layers, decision: Decision) -> tuple[str, ...]:
    """The absent keys that could turn a refusal into a permission, or a permission into a refusal."""
    refused = decision.outcome.endswith("Denied")
    turned = {"Allowed", "Unknown"} if refused else {"ImplicitlyDenied", "ExplicitlyDenied"}
    found = outcomes_of_missing_keys(request, layers, decision)
    keys = (key for key, outcomes in found.items() if turned & set(outcomes.values()))
    # For an unknown outcome the missing policies are the reason, not keys that could only deny.
    return () if decision.outcome == "Unknown" else tuple(sorted(keys))


_ALLOWED_BY = {
    "resource": "the key policy names the caller",
    "identity and resource": "through the account statement and its IAM policies",
    "root": "the caller is the root user",
}
_MISSING_ALLOW = {
    "resource": "no statement allows the caller kms:PutKeyPolicy, and none lets IAM policies of the account allow it",
    "identity": "the account statement leaves the decision to IAM policies, and the caller's do not allow kms:PutKeyPolicy on the key",
}


def _faults(policy: Policy) -> Iterator[Lockout]:
    """What KMS refuses before it checks for a lockout."""
    text = policy.text or dump(policy)
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        yield _refused(
            f"it has {size:,} bytes, more than the {MOST_BYTES:,} of a key policy", _TOO_LONG
        )
    strange = next((character for character in text if not _is_allowed(character)), "")
    if strange:
        yield _refused(
            f"the character {quoted(strange)} is not allowed: use printable Latin-1 only"
        )
    body = policy.node.member("Statement")
    if body is None or len(policy.statements) != len(body.listed()) or not policy.statements:
        yield _refused("`Statement` must be a list of objects, with at least one")
    for statement in policy.statements:
        yield from _faults_of(statement)


def _faults_of(statement: Statement) -> Iterator[Lockout]:
    place = statement.place().pointer
    if not (statement.allows or statement.denies):
        yield _refused(f"the `Effect` of `{place}` must be `Allow` or `Deny`")
    if not (statement.principals or statement.not_principals):
        yield _refused(f"`{place}` names no principal; every statement of a key policy needs one")
    for principal in _principals_in(statement):
        known = principal.type != "AWS" or is_unique_id(principal)
        if not known and not PRINCIPAL.fullmatch(principal.value):
            yield _refused(
                f"{quoted(principal.value)} is not a valid principal: name accounts, roles, users or sessions in full;"
                " groups and wildcards within names are not allowed"
            )
    if statement.has("Action") and statement.has("NotAction"):
        yield _refused(f"`{place}` has both `Action` and `NotAction`")
    if statement.has("Resource") and statement.has("NotResource"):
        yield _refused(f"`{place}` has both `Resource` and `NotResource`")


def _principals_in(statement: Statement) -> tuple[Principal, ...]:
    return (*statement.principals, *statement.not_principals)


def _is_allowed(character: str) -> bool:
    return character in "\t\n\r" or " " <= character <= "~" or "\u00a0" <= character <= "\u00ff"


def _refused(reason: str, error: str = _MALFORMED) -> Lockout:
    return Lockout(outcome="refused", reason=reason, error=error)
