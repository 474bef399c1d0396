"""The policy changes that `policy denied` proposes, as files with their proofs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, Severity
from aws_iam.engine.denied.remedy import is_trust, kind_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.denied.policy_types import policy_type_texts
from aws_iam.wording import joined

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
_MOST_KEYS = 5
# How the usual assumptions of a comparison begin; any other entry says why the relation is unknown.
_PREMISES = (
    "actions and ARN formats as of",
    "the values of",
    "any request may carry",
    "callers of the",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The changed policies as files, the table of changes, and a summary sentence."""

    sentence: str
    artifacts: tuple[Artifact, ...] = ()
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def proof_of(remedy: Remedy) -> Proof:
    """Compare and validate each change of a remedy."""
    if not remedy.changes:
        return Proof(sentence=_no_change_sentence(remedy), facts=_outcomes(remedy))
    comparisons = [_comparison_of(change) for change in remedy.changes]
    rows = [
        _row(remedy, change, comparison)
        for change, comparison in zip(remedy.changes, comparisons, strict=True)
    ]
    artifacts: list[Artifact] = []
    findings: list[Finding] = []
    for number, changes in enumerate(_by_document(remedy.changes), start=1):
        found = _new_problems(remedy, changes)
        findings += found
        artifact = _artifact(remedy, changes, comparisons, sound=not found)
        if any(artifact.name == earlier.name for earlier in artifacts):
            artifact = replace(artifact, name=f"{number}-{artifact.name}")
        artifacts.append(artifact)
    return Proof(
        sentence=_change_sentence(remedy, comparisons),
        artifacts=tuple(artifacts),
        findings=tuple(findings),
        facts={"changes": rows, **_outcomes(remedy), **_opened_requests(comparisons)},
    )


def _no_change_sentence(remedy: Remedy) -> str:
    if remedy.is_proved:
        return "The given policies allow the request: the facts list possible causes of the difference."
    return f"No change to a policy is proposed: {remedy.stuck}."


def _change_sentence(remedy: Remedy, comparisons: Sequence[Comparison | str]) -> str:
    places = " and ".join(
        dict.fromkeys(policy_name(remedy, change.layer) for change in remedy.changes)
    )
    count = len(remedy.changes)
    first = f"{'One change' if count == 1 else f'{count} changes'} in the {places}"
    if not remedy.is_proved:
        return f"{first} would remove some of what blocks; this remains: {remedy.stuck}."
    equal = all(
        not isinstance(comparison, str) and comparison.relation == "equal"
        for comparison in comparisons
    )
    verb = "allows" if count == 1 else "allow"
    end = "and nothing else" if equal else "and more requests, as the facts show"
    freed_from = list(dict.fromkeys(key for change in remedy.changes for key in change.freed_from))
    if equal and freed_from:
        keys = joined([quoted(key) for key in freed_from], shown=_MOST_KEYS)
        return f"{first} {verb} this request whatever the values of {keys} are, {end}."
    left = dict.fromkeys(row for change in remedy.changes for row in change.left_open)
    if equal and left:
        ways = [f"{row.what} (limit it with {joined(row.keys, last='or')})" for row in left]
        return f"{first} {verb} this request, and more: {joined(ways)}."
    if any(
        isinstance(comparison, str) or comparison.relation == "unknown"
        for comparison in comparisons
    ):
        end = "but what else it allows is unknown"
    return f"{first} {verb} {'exactly ' if equal else ''}this request, {end}."


def policy_name(remedy: Remedy, layer: str) -> str:
    """The policy of a layer in words: key policy, trust policy."""
    if layer != "resource":
        return _TYPES[layer]
    if is_trust(remedy.request):
        return "role trust policy"
    return "key policy" if remedy.request.service == "kms" else "resource-based policy"


def owner_of(remedy: Remedy, layer: str) -> str:
    """Who can change a policy of the layer."""
    name = policy_name(remedy, layer).lower()
    return policy_type_texts()["resource-based policy" if name == "key policy" else name].owner


def _comparison_of(change: Change) -> Comparison | str:
    """The comparison of the changed policy with the old one, or why there is none."""
    try:
        return change.beyond()
    except InputError as error:
        return error.message


def _row(remedy: Remedy, change: Change, comparison: Comparison | str) -> dict[str, str]:
    # The statements that replace a Deny are long; the file contains them.
    statement = f"{len(change.statements)} narrower Deny statements, see the changed policy"
    if change.how != "except":
        statement = json.dumps(change.statements[0], ensure_ascii=False)
    was = {"was": json.dumps(change.was, ensure_ascii=False)} if change.was else {}
    return {
        "policy": policy_name(remedy, change.layer),
        "where": change.own_policy or (change.place if change.pointer else "not given"),
        "how": "replace the Deny" if change.how == "except" else change.how,
        **was,
        "statement": statement,
        "who": owner_of(remedy, change.layer),
        "opens_besides": _opens_besides(change, comparison),
    }


def _opens_besides(change: Change, comparison: Comparison | str) -> str:
    if isinstance(comparison, str):
        return f"not compared: {comparison}"
    match comparison.relation:
        case "equal" if change.freed_from:
            keys = joined([quoted(key) for key in change.freed_from], shown=_MOST_KEYS)
            return f"the same request whatever the values of {keys} are"
        case "equal":
            return joined([row.what for row in change.left_open]) or "nothing"
        case "more":
            return "more, see opened_besides"
        case "unknown":
            why = [
                assumption
                for assumption in comparison.assuming
                if not assumption.startswith(_PREMISES)
            ]
            return "unknown: " + "; ".join(why)
        case other:
            return str(other)


def _outcomes(remedy: Remedy) -> dict[str, Any]:
    proof: dict[str, Any] = {
        "request_before": remedy.before.decision.outcome,
        "request_after": remedy.after.decision.outcome,
    }
    if remedy.identity_alone:
        proof["with_an_identity_policy_alone"] = remedy.identity_alone
    return {"proof": proof}


def _opened_requests(comparisons: Sequence[Comparison | str]) -> dict[str, Any]:
    rows = [
        {
            name: str(witness["request"].get(name, ""))
            for name in ("principal", "action", "resource")
        }
        for comparison in comparisons
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


def _new_problems(remedy: Remedy, changes: Sequence[Change]) -> tuple[Finding, ...]:
    """The errors of the changed policy that the old one did not have."""
    # Imported here: the other actions must not load the rules.
    from aws_iam.rules.policy.run import validate

    kind = kind_of(remedy.request, changes[-1].layer)
    old = {(f.code, f.message) for f in _errors(validate(dict(changes[0].before), kind))}
    new = _errors(validate(dict(changes[-1].after), kind))
    return tuple(finding for finding in new if (finding.code, finding.message) not in old)


def _errors(findings: Sequence[Finding]) -> Iterator[Finding]:
    return (finding for finding in findings if finding.severity is Severity.ERROR)


def _artifact(
    remedy: Remedy,
    changes: Sequence[Change],
    comparisons: Sequence[Comparison | str],
    *,
    sound: bool,
) -> Artifact:
    last = changes[-1]
    own = [
        comparison
        for change, comparison in zip(remedy.changes, comparisons, strict=True)
        if change in changes
    ]
    proofs = []
    if remedy.is_proved:
        proofs.append(
            "policy evaluate: Allowed"
            if len(remedy.changes) == 1
            else "policy evaluate: Allowed with all changes"
        )
    if all(
        not isinstance(comparison, str) and comparison.relation == "equal" for comparison in own
    ):
        freed = any(change.freed_from or change.left_open for change in changes)
        proofs.append(
            f"policy compare: {'only this request, in any context' if freed else 'nothing else'}"
        )
    if sound:
        proofs.append(f"policy validate: no error as {kind_of(remedy.request, last.layer).value}")
    return Artifact(
        name=_name(last),
        language="json",
        content=json.dumps(last.after, indent=2, ensure_ascii=False) + "\n",
        checked_by="; ".join(proofs) or None,
    )


def _name(change: Change) -> str:
    """`scp-0-1.json` for the policy at `/scp/0/1`; `LAYER-statement.json` for the new statement alone."""
    pointer_text = "-".join(part for part in change.pointer.split("/") if part)
    return f"{pointer_text or f'{change.layer}-statement'}.json"
