"""The changes of `policy denied` as files, with what proved each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, Severity
from aws_iam.engine.language.document import Kind
from aws_iam.errors import InputError
from aws_iam.tools.policy.denied.layer_words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Comparison, Finding
    from aws_iam.engine.denied.remedy import Change, Remedy

_TYPES = {
    "scp": "service control policy",
    "rcp": "resource control policy",
    "vpc_endpoint": "VPC endpoint policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "identity": "identity-based policy",
}
_KINDS = {
    "scp": Kind.SCP,
    "rcp": Kind.RCP,
    "vpc_endpoint": Kind.RESOURCE,
    "boundary": Kind.BOUNDARY,
    "session": Kind.SESSION,
    "identity": Kind.IDENTITY,
}

# What every comparison assumes; the rest of its list says why nothing can be claimed.
_PREMISES = (
    "actions and ARN formats as of",
    "the values of",
    "any request may carry",
    "callers of the",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is handed out: the files, the table of changes, and a sentence."""

    said: str
    artifacts: tuple[Artifact, ...] = ()
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def of(way: Remedy) -> Proof:
    """The changes of a remedy, each compared and validated."""
    if not way.changes:
        return Proof(said=_unchanged(way), facts=_outcomes(way))
    beyond = [_beyond(change) for change in way.changes]
    rows = [
        _row(way, change, comparison)
        for change, comparison in zip(way.changes, beyond, strict=True)
    ]
    artifacts: list[Artifact] = []
    findings: list[Finding] = []
    for number, changes in enumerate(_by_document(way.changes), start=1):
        found = _new_problems(way, changes)
        findings += found
        made = _artifact(way, changes, beyond, sound=not found)
        if any(made.name == artifact.name for artifact in artifacts):
            made = replace(made, name=f"{number}-{made.name}")
        artifacts.append(made)
    return Proof(
        said=_said(way, beyond),
        artifacts=tuple(artifacts),
        findings=tuple(findings),
        facts={"changes": rows, **_outcomes(way), **_wider(beyond)},
    )


def _unchanged(way: Remedy) -> str:
    if way.is_proved:
        return "By the policies given the request is allowed: the facts say what may explain the difference."
    return f"No change to a policy is proposed: {way.stuck}."


def _said(way: Remedy, beyond: Sequence[Comparison | str]) -> str:
    places = " and ".join(dict.fromkeys(policy_name(way, change.layer) for change in way.changes))
    count = len(way.changes)
    first = f"{'One change' if count == 1 else f'{count} changes'} in the {places}"
    if not way.is_proved:
        return f"{first} would remove a part of the obstacles; what remains: {way.stuck}."
    equal = all(
        not isinstance(comparison, str) and comparison.relation == "equal" for comparison in beyond
    )
    verb = "lets" if count == 1 else "let"
    end = "and nothing else" if equal else "and more, as the facts show"
    if any(
        isinstance(comparison, str) or comparison.relation == "unknown" for comparison in beyond
    ):
        end = "what else it opens could not be settled"
    return (
        f"{first} {verb} exactly this request pass, {end}."
        if equal
        else f"{first} {verb} this request pass, {end}."
    )


def policy_name(way: Remedy, layer: str) -> str:
    """The policy of a layer in words: key policy, trust policy."""
    if layer != "resource":
        return _TYPES[layer]
    if is_trust(way):
        return "role trust policy"
    return "key policy" if way.request.service == "kms" else "resource-based policy"


def is_trust(way: Remedy) -> bool:
    """Whether the resource's policy is a role's trust policy."""
    return way.request.service == "sts" and ":role/" in way.request.resource


def owner_of(way: Remedy, layer: str) -> str:
    """Who can change a policy of the layer."""
    name = policy_name(way, layer).lower()
    return WORDS["resource-based policy" if name == "key policy" else name].owner


def _beyond(change: Change) -> Comparison | str:
    """What the change opens besides the request, or why that cannot be said."""
    try:
        return change.beyond()
    except InputError as error:
        return error.message


def _row(way: Remedy, change: Change, beyond: Comparison | str) -> dict[str, str]:
    verb = "add" if change.how == "add" else "put instead of the Deny"
    # The pieces of a Deny are long, and the file has them.
    statement = f"{len(change.statements)} narrower Deny statements, see the changed policy"
    if change.how == "add":
        statement = json.dumps(change.statements[0], ensure_ascii=False)
    return {
        "policy": policy_name(way, change.layer),
        "where": change.place if change.pointer else "not given",
        "how": verb,
        "statement": statement,
        "who": owner_of(way, change.layer),
        "opens_besides": _besides(beyond),
    }


def _besides(beyond: Comparison | str) -> str:
    if isinstance(beyond, str):
        return f"not compared: {beyond}"
    match beyond.relation:
        case "equal":
            return "nothing"
        case "more":
            return "more, see opened_besides"
        case "unknown":
            why = [
                assumption
                for assumption in beyond.assuming
                if not assumption.startswith(_PREMISES)
            ]
            return "unknown: " + "; ".join(why)
        case other:
            return str(other)


def _outcomes(way: Remedy) -> dict[str, Any]:
    proof: dict[str, Any] = {
        "request_before": way.before.decision.outcome,
        "request_after": way.after.decision.outcome,
    }
    if way.identity_alone:
        proof["with_an_identity_policy_alone"] = way.identity_alone
    return {"proof": proof}


def _wider(beyond: Sequence[Comparison | str]) -> dict[str, Any]:
    rows = [
        {
            name: str(witness["request"].get(name, ""))
            for name in ("principal", "action", "resource")
        }
        for comparison in beyond
        if not isinstance(comparison, str)
        for witness in comparison.witnesses
        if witness["allowed_by"] == "document"
    ]
    return {"opened_besides": rows} if rows else {}


def _by_document(changes: Sequence[Change]) -> tuple[list[Change], ...]:
    found: dict[object, list[Change]] = {}
    for change in changes:
        found.setdefault(change.spot, []).append(change)
    return tuple(found.values())


def kind_of(way: Remedy, layer: str) -> Kind:
    """As which kind a changed policy of the layer is validated."""
    if layer == "resource":
        return Kind.TRUST if is_trust(way) else Kind.RESOURCE
    return _KINDS[layer]


def _new_problems(way: Remedy, changes: Sequence[Change]) -> tuple[Finding, ...]:
    """The errors that the changed policy has and the old one had not."""
    # Inside the function: other actions of the tool must not pay for the rules.
    from aws_iam.rules.policy.run import validate

    kind = kind_of(way, changes[-1].layer)
    old = {(f.code, f.message) for f in _errors(validate(dict(changes[0].before), kind))}
    new = _errors(validate(dict(changes[-1].after), kind))
    return tuple(finding for finding in new if (finding.code, finding.message) not in old)


def _errors(findings: Sequence[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.severity is Severity.ERROR)


def _artifact(
    way: Remedy,
    changes: Sequence[Change],
    beyond: Sequence[Comparison | str],
    *,
    sound: bool,
) -> Artifact:
    last = changes[-1]
    own = [
        comparison
        for change, comparison in zip(way.changes, beyond, strict=True)
        if change in changes
    ]
    proofs = []
    if way.is_proved:
        proofs.append(
            "policy evaluate: Allowed"
            if len(way.changes) == 1
            else "policy evaluate: Allowed with all changes"
        )
    if all(
        not isinstance(comparison, str) and comparison.relation == "equal" for comparison in own
    ):
        proofs.append("policy compare: nothing else")
    if sound:
        proofs.append(f"policy validate: no error as {kind_of(way, last.layer).value}")
    return Artifact(
        name=_name(last),
        language="json",
        content=json.dumps(last.after, indent=2, ensure_ascii=False) + "\n",
        checked_by="; ".join(proofs) or None,
    )


def _name(change: Change) -> str:
    """`scp-0-1.json` for the policy at `/scp/0/1`; a policy that holds the new statement alone says so."""
    given = "-".join(part for part in change.pointer.split("/") if part)
    return f"{given or f'{change.layer}-statement'}.json"
