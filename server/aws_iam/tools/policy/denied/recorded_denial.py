"""`policy denied` with AWS's record: what AWS checked beside our decision, and the change proved on the captured policies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.authorization.captured_remedy import captured_remedy
from aws_iam.engine.denied.authorization.compared_record import compared_record
from aws_iam.engine.denied.authorization.recorded_request import (
    NamedCaller,
    caller_of_record,
    is_same_caller,
)
from aws_iam.engine.denied.message import Denial
from aws_iam.engine.denied.message_parts import MessageParts
from aws_iam.engine.denied.operation_context import action_of_operation
from aws_iam.engine.denied.request import DeniedRequest, denied_request
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.policy.denied.tables import GIVE_THE_POLICY, ON_EACH
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Artifact
    from aws_iam.engine.denied.authorization.captured_remedy import CapturedRemedy
    from aws_iam.engine.denied.authorization.compared_record import (
        EvaluationComparison,
        RecordComparison,
    )
    from aws_iam.engine.denied.authorization.record import AuthorizationRecord
    from aws_iam.engine.denied.change import Change
    from aws_iam.engine.denied.remedy import Remedy

_TYPES = {
    "scp": "service control policy",
    "rcp": "resource control policy",
    "vpc_endpoint": "vpc endpoint policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "resource": "resource-based policy",
    "identity": "identity-based policy",
}


@slotted
class RecordedDenial:
    """The record compared, the evaluation that the answer is about (None where nothing was denied), and the denial it is."""

    compared: RecordComparison
    row: EvaluationComparison | None
    denial: Denial | None
    request: DeniedRequest
    remedy: CapturedRemedy | None
    # The message's own denial, and what it says otherwise than the record.
    message: Denial | None = None
    notes: tuple[str, ...] = ()


def recorded_denial(
    record: AuthorizationRecord, denials_in_text: Sequence[Denial]
) -> RecordedDenial:
    """The denial of the record that the message is about; without a message the first one."""
    message = _message_of(record, denials_in_text)
    compared = compared_record(record, _named(message), _operation_service(message))
    row = _row_of(compared, message)
    if row is None:
        return RecordedDenial(
            compared=compared,
            row=None,
            denial=message,
            request=DeniedRequest(request=None),
            remedy=None,
        )
    denial = _denial(row, message)
    return RecordedDenial(
        compared=compared,
        row=row,
        denial=denial,
        request=DeniedRequest(request=row.request),
        remedy=captured_remedy(compared, row, denial.layer),
        message=message,
        notes=tuple(_against_message(message, denial)),
    )


def _message_of(record: AuthorizationRecord, denials_in_text: Sequence[Denial]) -> Denial | None:
    """The message's denial that the record is of; InputError where it is of none."""
    if not denials_in_text:
        return None
    actions = {evaluation.action.lower() for evaluation in record.evaluations}
    caller = caller_of_record(record)
    of_caller = [
        denial
        for denial in denials_in_text
        if not caller or not denial.principal or is_same_caller(denial.principal, caller)
    ]
    for denial in of_caller:
        if denial.action.lower() in actions:
            return denial
    unclear = [d for d in of_caller if not d.action or d.inferred or record.is_cut]
    if unclear:
        return unclear[0]
    first = denials_in_text[0]
    if not of_caller:
        raise InputError(
            f"the record is not of this denial: its caller is {quoted(caller)}, the message names {quoted(first.principal)}",
            hint="give the record of this message, or the record without a message",
        )
    named = [quoted(evaluation.action) for evaluation in record.evaluations]
    raise InputError(
        f"the record is not of this denial: it evaluates {joined(list(dict.fromkeys(named)), shown=3)}, the message names"
        f" {quoted(of_caller[0].action)}",
        hint="give the record of this message, or the record without a message",
    )


def _named(message: Denial | None) -> NamedCaller:
    if message is None or not message.principal:
        return NamedCaller()
    fields = denied_request(message).request or {}
    return NamedCaller(
        principal=fields.get("principal", message.principal),
        role=message.role or fields.get("principal_role", ""),
    )


def _operation_service(message: Denial | None) -> str:
    """The service of the operation that the message names; empty where it names none."""
    if message is None or not message.operation:
        return ""
    if message.service:
        return message.service
    call = MessageParts(form="short", operation=message.operation, code=message.code)
    return action_of_operation(call, "")[0].partition(":")[0].lower()


def _row_of(compared: RecordComparison, message: Denial | None) -> EvaluationComparison | None:
    denied = [row for row in compared.evaluations if row.is_denied]
    if message is None:
        return denied[0] if denied else None
    same = [row for row in denied if row.evaluation.action.lower() == message.action.lower()]
    exact = [row for row in same if row.evaluation.resource == message.resource]
    return next(iter((*exact, *same, *denied)), None)


def _denial(row: EvaluationComparison, message: Denial | None) -> Denial:
    """The denial as the record has it, with what only the message says."""
    evaluation = row.evaluation
    fields = row.request or {}
    layer = _layer(row)
    kind = _TYPES.get(layer, "")
    if layer == "resource" and evaluation.action.lower().startswith("sts:"):
        kind = "role trust policy"
    return replace(
        message or Denial(form="standard"),
        principal=str(fields.get("principal", message.principal if message else "")),
        role=str(fields.get("principal_role", "")),
        action=evaluation.action,
        resource=evaluation.resource,
        policy_type=kind or (message.policy_type if message else ""),
        explicit=evaluation.effect == "EXPLICIT_DENY",
        policy_arn=_denying_policy(row) or (message.policy_arn if message else ""),
        context=tuple(_values(fields.get("context"))),
        # What was concluded from a message that says little is known now.
        remark="",
        inferred=(),
        cause="",
        mended_by="",
        policy_may_help=False,
    )


def _values(context: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, value in context.items() if isinstance(context, dict) else ():
        listed = value if isinstance(value, list) else [value]
        yield name, tuple(str(entry) for entry in listed)


def _layer(row: EvaluationComparison) -> str:
    """The layer that denied; a Deny of the resource's own policy may stand in the check of the principal."""
    layer = row.denying_layer
    denying = {because.layer for because in row.alone.because if because.effect == "Deny"}
    if (
        row.evaluation.effect == "EXPLICIT_DENY"
        and layer == "identity"
        and denying == {"resource"}
    ):
        return "resource"
    return layer


def _denying_policy(row: EvaluationComparison) -> str:
    """The ARN of the policy whose Deny matched by AWS's word, if there is one."""
    uris = [
        matched.uri
        for check in row.evaluation.checks or ()
        if check.effect == "EXPLICIT_DENY"
        for matched in check.matched
        if any(statement.effect == "DENY" for statement in matched.statements)
    ]
    return uris[0] if uris and uris[0].startswith("arn:") else ""


def _against_message(message: Denial | None, denial: Denial) -> list[str]:
    """Where the message and the record say different things."""
    if message is None:
        return []
    found = []
    if message.explicit is not None and message.explicit is not denial.explicit:
        said = "an explicit deny" if message.explicit else "a missing Allow"
        found.append(f"the message reports {said}, the record does not")
    if message.layer and denial.layer and message.layer != denial.layer:
        found.append(f"the message names the layer {message.layer}, the record {denial.layer}")
    is_other = message.resource.startswith("arn:") and not _may_be(
        message.resource, denial.resource
    )
    if denial.resource and is_other:
        found.append(
            f"the message names the resource {quoted(message.resource)}, the record {quoted(denial.resource)}: is it the record"
            " of this denial?"
        )
    return found


def _may_be(one: str, other: str) -> bool:
    """Whether two resources can be the same: a pattern, and what it matches, or what is masked, can."""
    return any("*" in text for text in (one, other)) or one == other


def message_sentence(found: RecordedDenial) -> str:
    """Where the message and the record differ, in words; empty where they do not."""
    return f"The message and the record differ: {'; '.join(found.notes)}." if found.notes else ""


def change_sentence(found: RecordedDenial, sentence: str) -> str:
    """What the change does, as far as the record shows what decides."""
    row, captured = found.row, found.remedy
    if row is None or captured is None or not captured.remedy.changes or not row.lacks:
        return sentence
    condition = "If nothing that the record lacks refuses it too,"
    if not _has_captured(row):
        condition = (
            "No policy was captured, so no change is proved. If nothing else refuses the request,"
        )
    return f"{condition} {sentence[:1].lower()}{sentence[1:]}"


def _has_captured(row: EvaluationComparison) -> bool:
    """Whether the record has any policy of the evaluation, apart from AWS's own that allow everything."""
    return any(
        own.document is not None and not own.is_known
        for levels in row.policies.places.values()
        for level in levels
        for own in level
    )


def proof_sentence(found: RecordedDenial) -> str:
    """What the proposed change is proved on, and what not."""
    row, captured = found.row, found.remedy
    if row is None or captured is None or not captured.remedy.changes:
        return ""
    parts = []
    if captured.remedy.is_proved and (_has_captured(row) or not row.lacks):
        rest = ""
        if captured.unchanged:
            stay = "stays as it is" if captured.unchanged == 1 else "stay as they are"
            rest = f", where {counted(captured.unchanged, 'other evaluation')} {stay}"
        parts.append(f"That is proved on the captured policies{rest}.")
    if captured.changed:
        what = [_pair(other) for other in captured.changed]
        parts.append(f"It changes the decision of {joined(what, shown=3)} as well.")
    others = [
        other for other in found.compared.evaluations if other.is_denied and other is not row
    ]
    if others:
        what = list(dict.fromkeys(_pair(other) for other in others))
        parts.append(
            f"The call is refused for {joined(what, shown=3)} too, until that is allowed as well."
        )
    if row.lacks:
        says = (
            "It is not proved for what is missing"
            if _has_captured(row)
            else "The record is not whole"
        )
        parts.append(f"{says}: {joined(row.lacks, shown=3)}.")
    return " ".join(parts)


def _pair(row: EvaluationComparison) -> str:
    return f"{quoted(row.evaluation.action)} on {quoted(row.evaluation.resource or '*')}"


def statement_files(
    found: RecordedDenial, changed: Remedy, artifacts: Sequence[Artifact]
) -> tuple[Artifact, ...]:
    """The new statements alone: a captured document may leave out others, so it must not replace the policy in effect."""
    by_document: dict[object, list[Change]] = {}
    for change in changed.changes:
        by_document.setdefault(change.spot, []).append(change)
    files: list[Artifact] = []
    for artifact, changes in zip(artifacts, by_document.values(), strict=True):
        statements = [dict(statement) for change in changes for statement in change.statements]
        if not statements:
            # A Deny that goes as a whole leaves nothing to put in its place.
            continue
        layer = changes[-1].layer
        verb = "replacing" if any(change.how == "except" for change in changes) else "new"
        name = f"{verb}-statements-{layer}.json"
        if any(file.name == name for file in files):
            name = f"{len(files) + 1}-{name}"
        content = {"Version": "2012-10-17", "Statement": statements}
        checked = _checked(found, artifact.checked_by or "")
        files.append(
            replace(
                artifact,
                name=name,
                content=json.dumps(content, indent=2, ensure_ascii=False) + "\n",
                checked_by=checked or None,
            )
        )
    return tuple(files)


def _checked(found: RecordedDenial, checks: str) -> str:
    """The checks of a file that are any on the policies of AWS."""
    row = found.row
    if row and row.lacks and not _has_captured(row):
        return "; ".join(own for own in checks.split("; ") if own.startswith("policy validate"))
    return f"{checks} (on the captured policies)" if checks else ""


def with_policies(found: RecordedDenial, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the proof, with the URI of the policy that each change is in, and the other evaluations."""
    row, captured = found.row, found.remedy
    if row is None or captured is None:
        return dict(facts)
    by_pointer = row.policies.by_pointer()
    rows = []
    for fact, change in zip(facts.get("changes", ()), captured.remedy.changes, strict=True):
        policy = by_pointer.get(change.pointer)
        rows.append({**fact, **({"policy_uri": policy.uri} if policy else {})})
    others = {
        "other_evaluations_as_before": captured.unchanged,
        "other_evaluations_changed": [
            {"action": other.evaluation.action, "resource": other.evaluation.resource}
            for other in captured.changed
        ],
    }
    return {**facts, **({"changes": rows} if rows else {}), "proof": {**facts["proof"], **others}}


def without_the_message(found: RecordedDenial, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of the answer without what speaks of a message where the record tells it."""
    shown = dict(facts)
    # The evaluations say where AWS and the policies differ, and which statements matched.
    shown.pop("aws_and_these_policies_differ", None)
    shown.pop("aws_did_not_tell", None)
    if "fix" in shown:
        shown["fix"] = [way.removesuffix(f"; {GIVE_THE_POLICY}") for way in shown["fix"]]
    if found.row and found.row.evaluation.checks is not None:
        # AWS's checks are all that applied.
        shown.pop("not_given_and_may_block_next", None)
    # The evaluations are the resources of the call.
    notes = [*(note for note in shown.get("notes", ()) if ON_EACH not in note)]
    if found.remedy and found.remedy.remedy.changes and found.remedy.assumed:
        shown["assumed"] = [*found.remedy.assumed, *shown.get("assumed", ())]
    if found.remedy and found.remedy.remedy.changes:
        notes.append(
            "a captured document may leave out actions of other services: put the statements into the policy in effect, and"
            " never the document in its place"
        )
    shown.pop("notes", None)
    return shown | ({"notes": notes} if notes else {})
