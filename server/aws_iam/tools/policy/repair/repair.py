"""`policy repair`: the smallest edit of a policy after which requests are decided as asked, with the proof."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Severity, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.evaluation.layers import LEVELLED, layers_of
from aws_iam.engine.language.document import Kind, kind_named
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.policy_quotas import QUOTAS, RAISED_TRUST, characters, compact
from aws_iam.engine.repair.judge import (
    OLDEST_VERSION,
    Judge,
    beside,
    bucket_of,
    is_full_access_missing,
)
from aws_iam.engine.repair.repair import repair as repair_document
from aws_iam.engine.repair.requirements import Effect, layer_of
from aws_iam.engine.sources.gather import one_known, one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.policy_layers import by_layer
from aws_iam.tools.kit.tool import UNDERSTOOD
from aws_iam.tools.policy.evaluate.unnamed_caller import OWNER, assumes_owner
from aws_iam.tools.policy.repair.specification import specification_of
from aws_iam.tools.policy.repaired_in_words import (
    fields_of_arns,
    later_actions,
    names_a_resource,
    own_resources_only,
    taken_for_granted,
)
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Finding, NextCall
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.repair.repair import Repair
    from aws_iam.tools.policy.repair.specification import Specification

_PAGE = "references/policy-design.md#repairing-a-policy"
_MOST_STATEMENTS = 1_000
_MOST_WORK = 200_000
_SHOWN = 5
_TOO_LONG = "POLICY_SIZE_EXCEEDS"
# The keys that tell callers apart.
_OF_CALLER = ("aws:principal", "aws:user")


def repair_policy(
    document: Any, allow: Any, deny: Any, policies: Any = None, kind: Kind | None = None
) -> Answer:
    """The repaired policy with its edits and their proof, or the conflicts that keep it from being repaired."""
    policy, source = one_known(document, kind_named(kind))
    refuse_unusable(policy, "/", policy.kind)
    if unresolved := len(source.unresolved):
        verb = "is" if unresolved == 1 else "are"
        raise InputError(
            f"{counted(unresolved, 'value')} of the policy {verb} known only at deployment, so what it decides is not known",
            hint="give the policy as IAM has it: `aws iam get-policy-version` or `aws iam get-role-policy` prints it",
        )
    specification = specification_of(allow, deny, policy, is_alone=policies is None)
    _refuse_work(policy, specification)
    judge, understood = _judge(policy, policies)
    given = plain(policy)
    found = repair_document(given, specification.requirements, judge)
    findings = _new_errors(policy, found) if found.edits and not _is_nothing_left(found) else ()
    return Answer(
        summary=" ".join(
            filter(
                None,
                (
                    *_summary(found, specification, judge, findings),
                    later_actions(given, found.document),
                    taken_for_granted(_assumed(judge) if found.edits else ()),
                ),
            )
        ),
        findings=findings,
        artifacts=_artifacts(found, judge, findings),
        facts=_facts(found, specification, policy, judge, understood),
        sources=(EVALUATION_LOGIC, _PAGE),
        next=tuple(_next(found, judge, findings)),
        as_of=catalog().as_of,
    )


def _refuse_work(policy: Policy, specification: Specification) -> None:
    statements = len(policy.statements)
    if statements > _MOST_STATEMENTS or statements * len(specification.requirements) > _MOST_WORK:
        raise InputError(
            f"{statements:,} statements and {len(specification.requirements):,} requests are too many to repair at once",
            hint="give fewer requests, or the part of the policy that they are about",
        )


def _judge(policy: Policy, policies: Any) -> tuple[Judge, list[str]]:
    """Judges the document alone, or among the policies of a decision."""
    version = policy.version.value if policy.version else OLDEST_VERSION
    alone = is_full_access_missing(policy.kind, policy)
    own = bucket_of((policy,)) if policy.kind is Kind.RESOURCE else ()
    judge = Judge(kind=policy.kind, version=version, beside_full_access=alone, own_resources=own)
    if policies is None:
        return judge, []
    given, said = by_layer(policies)
    layers = layers_of(given)
    layer = layer_of(policy.kind)
    same = [
        (level, number)
        for level, own in enumerate(layers.levels.get(layer, ()))
        for number, placed in enumerate(own)
        if tuple(one.statement for one in placed.statements) == policy.statements
    ]
    understood = list(said.get(UNDERSTOOD, ()))
    if not same and layer in LEVELLED and len(layers.levels.get(layer, ())) > 1:
        raise InputError(
            f"`policies` has several levels of the layer `{layer}`, and none holds the document",
            hint="put the document as it is at its level",
        )
    place = same[0] if same else beside(layers, layer)
    if not same:
        understood.append(f"the document as one more policy of the layer `{layer}`")
    judge.others, judge.place = layers, place
    return judge, understood


def _is_nothing_left(found: Repair) -> bool:
    return bool(found.edits) and not found.document.get("Statement")


def _new_errors(policy: Policy, found: Repair) -> tuple[Finding, ...]:
    """The errors of the repaired policy that the given one does not have, and whether it is too long now."""
    # Imported here: the other actions must not load the rules.
    from aws_iam.rules.policy.run import policy_findings

    old = {(own.code, own.message) for own in policy_findings(policy)}
    new = policy_findings(one_policy(dict(found.document), policy.kind))
    return tuple(
        own
        for own in new
        if (own.severity is Severity.ERROR or own.code.startswith(_TOO_LONG))
        and (own.code, own.message) not in old
    )


def _artifacts(found: Repair, judge: Judge, findings: tuple[Finding, ...]) -> tuple[Artifact, ...]:
    if found.conflicts or _is_nothing_left(found):
        return ()
    checks = []
    if found.is_repaired:
        checks += [
            "policy evaluate: every request as asked",
            "policy compare: nothing else changes",
        ]
    if not findings:
        checks.append(f"policy validate: no new error as {judge.kind.value}")
    return (
        Artifact(
            name="policy.json",
            language="json",
            content=json.dumps(found.document, indent=2, ensure_ascii=False) + "\n",
            checked_by="; ".join(checks) or None,
        ),
    )


def _facts(
    found: Repair,
    specification: Specification,
    policy: Policy,
    judge: Judge,
    understood: list[str],
) -> dict[str, Any]:
    notes = [*understood, *specification.understood]
    if policy.kind_guessed:
        notes.append(f"the document as a policy of the kind `{policy.kind.value}`")
    facts: dict[str, Any] = {UNDERSTOOD: list(dict.fromkeys(notes))} if notes else {}
    facts["repaired"] = found.is_repaired
    facts["edits"] = [own.row() for own in found.edits]
    facts["conflicts"] = [own.row() for own in found.conflicts]
    if found.other_layers:
        facts["other_layers"] = [
            {
                "request": own.requirement.pointer,
                "layers": list(own.layers),
                **({"statements": list(own.statements)} if own.statements else {}),
            }
            for own in found.other_layers
        ]
    facts |= {name: list(keys) for name, keys in _keys_beside(found) if keys}
    if found.limited_by:
        facts["limited_by"] = list(found.limited_by)
    if found.unproved:
        facts["not_judged"] = list(found.unproved)
    facts["asked"] = {
        effect.value.lower(): len(specification.of(effect))
        for effect in Effect
        if specification.of(effect)
    }
    facts["judged"] = _how_judged(judge)
    if assumed := list(_assumed(judge)):
        facts["assuming"] = "; ".join(assumed)
    if specification.unknown_actions:
        facts["unknown_actions"] = list(specification.unknown_actions)
    if specification.unfit:
        facts["decided_by_text"] = specification.unfit
    return facts


def _keys_beside(found: Repair) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The condition keys on which what changes does not depend, or not as a request gives them."""
    yield "freed_from", found.freed_from
    yield "other_values", found.other_values
    yield "denied_whatever", found.denied_whatever


def _assumed(judge: Judge) -> Iterator[str]:
    if judge.is_of_own_resources:
        yield own_resources_only(judge.own_resources)
    if judge.on_arns_only:
        yield names_a_resource(judge.on_arns_only)
    yield from fields_of_arns(judge.taken_apart)


def _how_judged(judge: Judge) -> str:
    if judge.others is not None:
        return f"with all the policies given; patterns by those beside the document in the layer `{judge.layer}`"
    if judge.beside_full_access:
        return "the document alone, beside the policy of AWS that allows everything"
    if judge.layer == "resource":
        return "the document alone: policies of the caller in the same account may allow more"
    return "the document alone: the other layers of a decision are taken to allow everything"


def _summary(
    found: Repair, specification: Specification, judge: Judge, findings: tuple[Finding, ...]
) -> Iterator[str]:
    if found.conflicts:
        yield f"Not repaired: {_conflict_in_words(found.conflicts[0].row())}"
        if more := len(found.conflicts) - 1:
            yield f"{counted(more, 'more conflict')} in the facts."
        return
    yield from _outcome_in_words(found, counted(len(specification.requirements), "request"))
    if found.edits:
        places = [quoted(own.pointer) for own in found.edits]
        yield f"Changed: {joined(places, shown=_SHOWN)}."
    if _is_nothing_left(found):
        yield "No statement is left of the policy: detach it, as AWS takes none without statements."
    for keys, sentence in (
        (found.freed_from, "What is newly allowed does not depend on {}."),
        (found.other_values, "Conditions of what was widened take other values of {}, too."),
        (found.denied_whatever, "What is newly denied does not depend on {}."),
    ):
        if keys:
            yield sentence.format(joined([quoted(own) for own in keys], shown=_SHOWN))
    if found.limited_by:
        denies = joined([quoted(own) for own in found.limited_by], shown=_SHOWN)
        yield f"The allowed patterns stay subject to the conditions of the Deny at {denies}."
    yield from _errors_in_words(found, judge, findings)
    yield from _doubts_in_words(specification)
    yield from _caller_in_words(specification)
    if judge.others is not None and any(own.is_pattern for own in specification.requirements):
        yield (
            f"Patterns are judged by the document and the policies beside it in the layer `{judge.layer}` alone: the others may refuse"
            " what is allowed there, and a resource's own policy may allow what is not."
        )
    if judge.others is None and judge.layer == "resource" and specification.of(Effect.DENY):
        yield "A policy of the caller's own may still allow what this one no longer grants: give `policies` to judge both."


def _errors_in_words(found: Repair, judge: Judge, findings: tuple[Finding, ...]) -> Iterator[str]:
    size = _too_long(findings)
    if size is None:
        if findings:
            yield f"But the new policy has {counted(len(findings), 'new error')}: {findings[0].message}."
    elif judge.kind is Kind.TRUST and _characters(found.document) <= RAISED_TRUST:
        yield (
            f"It is longer than the default quota now ({size.message}), which AWS raises on request to up to"
            f" {RAISED_TRUST:,}: ask for that, or make it shorter with `policy shrink`."
        )
    else:
        yield f"It is too long for AWS now ({size.message}): make it shorter with `policy shrink`."


def _characters(document: Mapping[str, Any]) -> int:
    return characters(compact(document), QUOTAS[Kind.TRUST])


def _too_long(findings: tuple[Finding, ...]) -> Finding | None:
    return next((own for own in findings if own.code.startswith(_TOO_LONG)), None)


def _next(found: Repair, judge: Judge, findings: tuple[Finding, ...]) -> Iterator[NextCall]:
    if _too_long(findings):
        why = "the repaired policy in fewer characters, or in several policies"
        yield next_call("policy", "shrink", why, document=found.document, kind=judge.kind.value)


def _outcome_in_words(found: Repair, asked: str) -> Iterator[str]:
    if found.is_repaired and not found.edits:
        yield f"Nothing to repair: the policy decides {asked} as asked."
    elif found.is_repaired:
        keys = dict.fromkeys(map(quoted, (*found.freed_from, *found.denied_whatever)))
        also = f"so those with another {joined(list(keys), 'or', shown=_SHOWN)}; " if keys else ""
        yield (
            f"{counted(len(found.edits), 'edit')}: the policy then decides {asked} as asked, and {also}nothing else changes (proved"
            " by comparison)."
        )
    if found.unproved:
        yield f"Not proved: {found.unproved[0]}."
    if found.other_layers:
        yield _others_in_words(found)


def _doubts_in_words(specification: Specification) -> Iterator[str]:
    if specification.unknown_actions:
        names = [quoted(own) for own in specification.unknown_actions]
        yield f"Unknown to the data, decided by the text alone: {joined(names, shown=_SHOWN)}."
    if specification.unfit:
        yield (
            f"{counted(len(specification.unfit), 'request')} cannot exist as asked, because the action does not work on such"
            " a resource: decided by the text alone."
        )


def _caller_in_words(specification: Specification) -> Iterator[str]:
    """For whom requests without a caller were judged, where a policy looks at the caller."""
    judged = [
        (own.given, own.request)
        for own in specification.requirements
        if own.request and not own.names_caller
    ]
    keys = {
        name: None
        for given, request in judged
        for key, name in request.context.asked.items()
        if key.startswith(_OF_CALLER) or (key == OWNER and assumes_owner(given, request))
    }
    if keys:
        callers = dict.fromkeys(quoted(request.caller.arn) for _, request in judged)
        yield (
            f"A policy looks at {joined([quoted(key) for key in keys], shown=_SHOWN)}: what names no `principal` was judged"
            f" for {joined(list(callers), shown=_SHOWN)} only."
        )


def _conflict_in_words(row: Mapping[str, Any]) -> str:
    sides = [
        f"{quoted(row[name]['pointer'])} must {word}"
        for name, word in (("allowed", "be allowed"), ("denied", "not be allowed"))
        if name in row
    ]
    return f"{' and '.join(sides)}, but {row['why']}."


def _others_in_words(found: Repair) -> str:
    layers = dict.fromkeys(layer for own in found.other_layers for layer in own.layers)
    count = counted(len(found.other_layers), "request")
    named = joined([quoted(layer) for layer in layers])
    denies = dict.fromkeys(quoted(place) for own in found.other_layers for place in own.statements)
    by = f" with the Deny at {joined(list(denies), shown=_SHOWN)}" if denies else ""
    return f"Not repaired by this document alone: {count} must be allowed by the layer {named}, too, which refuses{by}."
