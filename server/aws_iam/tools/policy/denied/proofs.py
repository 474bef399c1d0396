"""The policy changes that `policy denied` proposes, as files with their proofs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, Severity
from aws_iam.engine.denied.change import is_trust, kind_of
from aws_iam.engine.repair.requirements import PRINCIPAL_KEY
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.denied.policy_types import policy_type_texts
from aws_iam.tools.policy.repaired_in_words import (
    fields_of_arns,
    later_actions,
    names_a_resource,
    own_resources_only,
    taken_for_granted,
)
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Comparison, Finding
    from aws_iam.engine.denied.change import Change
    from aws_iam.engine.denied.remedy import Remedy

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
    later = (
        later_actions(changes[0].before, changes[-1].after)
        for changes in _by_document(remedy.changes)
    )
    granted = taken_for_granted(assumed_by(remedy.changes))
    return Proof(
        sentence=" ".join(filter(None, (_change_sentence(remedy, comparisons), *later, granted))),
        artifacts=tuple(artifacts),
        findings=tuple(findings),
        facts={"changes": rows, **_outcomes(remedy), **_opened_requests(remedy, comparisons)},
    )


def assumed_by(changes: Sequence[Change]) -> Iterator[str]:
    """What the proof of changes takes for granted."""
    within = (change.within for change in changes)
    yield from dict.fromkeys(own_resources_only(own) for own in within if own is not None)
    if actions := [own for change in changes for own in change.on_arns_only]:
        yield names_a_resource(actions)
    yield from fields_of_arns(own for change in changes for own in change.taken_apart)


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
    if not equal:
        unknown = any(
            isinstance(comparison, str) or comparison.relation == "unknown"
            for comparison in comparisons
        )
        end = (
            "but what else it allows is unknown"
            if unknown
            else "and more requests, as the facts show"
        )
        return f"{first} {verb} this request, {end}."
    freed = _whatever(remedy.changes)
    more = list(dict.fromkeys(way for change in remedy.changes for way in _more(change)))
    exactly = "" if freed or more else "exactly "
    end = f"and more: {joined(more)}" if more else "and nothing else"
    wider = [
        f"No narrower exception can be written: the Deny at {quoted(change.place)} {change.why_wider}."
        for change in remedy.changes
        if change.why_wider
    ]
    return " ".join((f"{first} {verb} {exactly}this request{freed}, {end}.", *wider))


def _whatever(changes: Sequence[Change]) -> str:
    """That a request is allowed whatever the values of some keys are; empty where it depends on all."""
    keys = list(dict.fromkeys(quoted(key) for change in changes for key in change.freed_from))
    return f" whatever the values of {joined(keys, shown=_MOST_KEYS)} are" if keys else ""


def _more(change: Change) -> Iterator[str]:
    """What a change allows beside the request, where that is known."""
    for row in change.left_open:
        yield f"{row.what} (limit it with {joined(row.keys, last='or')})"
    yield from _wider(change)


def _wider(change: Change) -> Iterator[str]:
    for row in _wider_requests(change):
        by = f" to {quoted(row['principal'])}" if row["principal"] else ""
        yield f"{quoted(row['action'])} on all of {quoted(row['resource'])}{by}"


def _wider_requests(change: Change) -> Iterator[dict[str, str]]:
    for pattern in change.wider:
        condition = change.exactly.get("Condition", {})
        yield {
            "principal": condition.get("ArnEquals", {}).get(PRINCIPAL_KEY, ""),
            "action": str(change.exactly["Action"]),
            "resource": pattern,
        }


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
    if not change.statements:
        statement = "none: the Deny is about nothing else"
    if change.how != "except":
        statement = json.dumps(change.statements[0], ensure_ascii=False)
    was = {"was": json.dumps(change.was, ensure_ascii=False)} if change.was else {}
    return {
        "policy": policy_name(remedy, change.layer),
        "where": change.own_policy or (change.place if change.pointer else "not given"),
        "how": _how(change),
        **was,
        "statement": statement,
        "who": owner_of(remedy, change.layer),
        "opens_besides": _opens_besides(change, comparison),
    }


def _how(change: Change) -> str:
    if change.how != "except":
        return change.how
    return "replace the Deny" if change.statements else "remove the Deny"


def _opens_besides(change: Change, comparison: Comparison | str) -> str:
    if isinstance(comparison, str):
        return f"not compared: {comparison}"
    match comparison.relation:
        case "equal":
            freed = [f"the same request{own}" for own in (_whatever((change,)),) if own]
            left = [row.what for row in change.left_open]
            return joined([*freed, *left, *_wider(change)]) or "nothing"
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


def _opened_requests(remedy: Remedy, comparisons: Sequence[Comparison | str]) -> dict[str, Any]:
    rows = [row for change in remedy.changes for row in _wider_requests(change)]
    rows += [
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
        only = "only this request, in any context" if freed else "nothing else"
        if any(change.wider for change in changes):
            only = "only what the answer says"
        proofs.append(f"policy compare: {only}")
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
