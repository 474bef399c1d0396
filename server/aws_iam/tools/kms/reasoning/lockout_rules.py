"""Whether KMS would take a key policy from its caller, and who could still administer the key.

    judged(policy, caller="arn:…", account="111122223333", layers={"identity": […]})  →  Lockout

KMS refuses a default policy that does not let its caller change it again (KMS API Reference, PutKeyPolicy). How AWS weighs
IAM policies and conditions in that check is not documented; here it is the ordinary evaluation of kms:PutKeyPolicy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.language.document import dump
from aws_iam.engine.language.frozen import slotted
from aws_iam.escape import quoted
from aws_iam.tools.kms.reasoning.administrators import PRINCIPAL, effective, request_to_manage
from aws_iam.tools.kms.reasoning.model import MOST_BYTES
from aws_iam.tools.kms.reasoning.statements import is_unique_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.language.document import Policy, Principal, Statement

MESSAGE = "The new key policy will not allow you to update the key policy in the future"
"""What KMS says when it refuses; people search for it."""

Outcome = Literal["accepted", "refused", "unknown"]

_MALFORMED = "MalformedPolicyDocumentException"
_TOO_LONG = "LimitExceededException"
_MOST_TOLD = 5


@slotted
class Lockout:
    """What PutKeyPolicy would answer; `keys` are the condition keys, `missing` the layers that it hangs on."""

    outcome: Outcome
    reason: str
    error: str = ""
    keys: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def judged(
    policy: Policy,
    *,
    caller: str,
    account: str,
    layers: Mapping[str, Any],
    context: Mapping[str, Any],
) -> Lockout:
    """The answer; a policy that KMS cannot read is refused before anybody asks who may change it."""
    broken = next(_faults(policy), None)
    if broken:
        return broken
    asked = request_to_manage(caller, policy, account, context)
    if asked.caller.account != account:
        return Lockout(
            outcome="refused",
            reason=f"the caller is of account {asked.caller.account}; PutKeyPolicy never crosses accounts",
            error="AccessDeniedException",
        )
    found = _evaluated(policy, asked, layers)
    ghosts = [
        p.value for statement in policy.statements for p in _named(statement) if is_unique_id(p)
    ]
    if found.outcome == "accepted" and ghosts:
        return Lockout(
            outcome="unknown",
            reason=f"the caller may change the policy, but {quoted(ghosts[0])} is a unique id, as AWS shows a deleted role"
            " or user: every principal must exist, or the policy is refused as malformed",
        )
    return found


def _evaluated(policy: Policy, asked: Any, given: Mapping[str, Any]) -> Lockout:
    layers = layers_of({"identity": None, **given, "resource": effective(policy)})
    decision = evaluated(asked, layers).decision
    keys = _hanging(asked, layers, decision)
    if keys:
        told = ", ".join(quoted(key) for key in keys[:_MOST_TOLD])
        return Lockout(
            outcome="unknown",
            reason=f"it hangs on {told}, which the request does not tell",
            keys=keys,
        )
    match decision.outcome:
        case "Allowed":
            by = " and ".join(decision.decided_by)
            return Lockout(
                outcome="accepted", reason=f"the caller may change it again: {_BY.get(by, by)}"
            )
        case "Unknown":
            return _open(policy, asked, given, layers)
        case "ExplicitlyDenied":
            why = f"a Deny in the layer {decision.decided_by[0]} keeps the caller from kms:PutKeyPolicy"
        case _:
            layer = decision.blocked_by[0] if decision.blocked_by else "resource"
            why = _LACKING.get(layer, f"the layer {layer} does not allow kms:PutKeyPolicy")
    return Lockout(outcome="refused", reason=why, error=f"{_MALFORMED}: {MESSAGE}")


def _open(policy: Policy, asked: Any, given: Mapping[str, Any], layers: Layers) -> Lockout:
    """Why nobody can tell: a layer that is not given, or a principal that may be the caller."""
    missing = tuple(layer for layer in _GIVEN if layer in layers.unreadable)
    bare = layers_of({**given, **{layer: [] for layer in missing}, "resource": effective(policy)})
    still = evaluated(asked, bare)
    if not missing or still.decision.outcome == "Unknown":
        why = (
            "the ARN of a session does not tell its role's path: give the role's ARN as the caller"
        )
        told = why if ":assumed-role/" in asked.caller.arn else still.reason
        return Lockout(outcome="unknown", reason=told)
    return Lockout(
        outcome="unknown",
        reason="only IAM policies could allow the caller, through the account statement, and they are not given",
        missing=missing,
    )


_GIVEN = ("identity", "boundary", "session", "scp", "rcp")


def _hanging(asked: Any, layers: Layers, decision: Decision) -> tuple[str, ...]:
    """The keys that turn a refusal into a permission, or the other way, if they had a value."""
    refused = decision.outcome.endswith("Denied")
    turned = {"Allowed", "Unknown"} if refused else {"ImplicitlyDenied", "ExplicitlyDenied"}
    found = hinges(asked, layers, decision)
    keys = (key for key, outcomes in found.items() if turned & set(outcomes.values()))
    # What no IAM policy tells and no key changes for the better is told as such, not by keys that could only harm.
    return () if decision.outcome == "Unknown" else tuple(sorted(keys))


_BY = {
    "resource": "the key policy names it",
    "identity and resource": "the account statement and its IAM policies",
    "root": "it is the root user",
}
_LACKING = {
    "resource": "no statement allows the caller kms:PutKeyPolicy, and none lets IAM policies of the account do so",
    "identity": "the account statement leaves it to IAM policies, and the caller's do not allow kms:PutKeyPolicy on the key",
}


def _faults(policy: Policy) -> Iterator[Lockout]:
    """What KMS refuses in a policy before it looks who may change it."""
    text = policy.text or dump(policy)
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        yield _refused(
            f"it has {size:,} bytes, more than the {MOST_BYTES:,} of a key policy", _TOO_LONG
        )
    strange = next((character for character in text if not _is_allowed(character)), "")
    if strange:
        yield _refused(f"the character {quoted(strange)} is not allowed: printable Latin-1 only")
    body = policy.node.member("Statement")
    if body is None or len(policy.statements) != len(body.listed()) or not policy.statements:
        yield _refused("it has no list of statements, each an object")
    for statement in policy.statements:
        yield from _faults_of(statement)


def _faults_of(statement: Statement) -> Iterator[Lockout]:
    place = statement.place().pointer
    if not (statement.allows or statement.denies):
        yield _refused(f"`{place}` has no `Effect` that is `Allow` or `Deny`")
    if not (statement.principals or statement.not_principals):
        yield _refused(f"`{place}` names no principal, which every statement of a key policy must")
    for principal in _named(statement):
        known = principal.type != "AWS" or is_unique_id(principal)
        if not known and not PRINCIPAL.fullmatch(principal.value):
            yield _refused(
                f"{quoted(principal.value)} is no principal: accounts, roles, users and sessions are, by their whole names;"
                " groups and wildcards in names are not"
            )
    if statement.has("Action") and statement.has("NotAction"):
        yield _refused(f"`{place}` has both `Action` and `NotAction`")
    if statement.has("Resource") and statement.has("NotResource"):
        yield _refused(f"`{place}` has both `Resource` and `NotResource`")


def _named(statement: Statement) -> tuple[Principal, ...]:
    return (*statement.principals, *statement.not_principals)


def _is_allowed(character: str) -> bool:
    return character in "\t\n\r" or " " <= character <= "~" or "\u00a0" <= character <= "\u00ff"


def _refused(reason: str, error: str = _MALFORMED) -> Lockout:
    return Lockout(outcome="refused", reason=reason, error=error)
