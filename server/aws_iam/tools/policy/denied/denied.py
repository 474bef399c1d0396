"""`policy denied`: what an AccessDenied message says and omits, and the smallest change that allows the request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, NextCall, next_call
from aws_iam.engine.denied.authorization.authorization_id import PAGE, authorization_ids
from aws_iam.engine.denied.authorization.record import record_of
from aws_iam.engine.denied.masks import with_placeholders
from aws_iam.engine.denied.message import denials
from aws_iam.engine.denied.other_texts import KUBERNETES
from aws_iam.engine.denied.policy_documents import PolicyDocuments
from aws_iam.engine.denied.remedy import remedy as find_remedy
from aws_iam.engine.denied.request import denied_request
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.policy_layers import by_layer
from aws_iam.tools.policy.denied import (
    proofs,
    record_reading,
    record_tables,
    recorded_denial,
    tables,
)
from aws_iam.tools.policy.denied.policy_types import policy_type_texts, service_remarks
from aws_iam.tools.policy.denied.uncovered_types import uncovered_types
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.denied.authorization.authorization_id import AuthorizationId
    from aws_iam.engine.denied.authorization.record import AuthorizationRecord
    from aws_iam.engine.denied.message import Denial
    from aws_iam.engine.denied.remedy import Remedy
    from aws_iam.engine.denied.request import DeniedRequest
    from aws_iam.tools.kit.parameters import Connection
    from aws_iam.tools.kit.tool import Progress
    from aws_iam.tools.policy.denied.proofs import Proof


_TROUBLESHOOTING = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
)
_SECTION = "references/policy-design.md#access-denied"
_DECODE_PAGE = (
    "https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"
)

_MORE = (
    "The body of the response tells more than its status, and so does the CloudTrail event of the call, which for calls on"
    " data is only there where data events are logged."
)


def denied(
    message: Any,
    policies: Any = None,
    authorization: Any = None,
    *,
    online: tuple[Connection, Progress] | None = None,
) -> Answer:
    """What the message says, what blocks according to the given policies or AWS's record, and the proved change."""
    if authorization is not None:
        message = message or None
    elif message is None:
        raise InputError(
            "`policy denied` needs `message` (the AccessDenied text: error, log line, CloudTrail event)",
            hint="add it and call again; AWS's record of a denial (`authorization`) is enough alone",
        )
    ids = () if message is None else authorization_ids(message)
    if authorization is None and online is None:
        return record_reading.with_how_to_read(_by_message(message, policies, ids), ids)
    _refuse_together(policies, authorization, online)
    found = _denials_beside(message, ids)
    if online is None:
        where = {"authorization_id": ids[0].text} if ids else {}
        return _by_record(record_of(authorization), where, found)
    resource = next((denial.resource for denial in found if denial.resource), "")
    read = record_reading.read_online(ids, resource, *online)
    if isinstance(read, record_reading.NotRead):
        if not found:
            raise AwsError(f"AWS's record was not read: {read.why}", hint=read.hint)
        return record_reading.with_not_read(_by_message(message, None, ids), read)
    return _by_record(*read, found)


def _denials_beside(message: Any, ids: Sequence[AuthorizationId]) -> tuple[Denial, ...]:
    """The denials of a message beside a record; none where it is an ID or a link alone."""
    if message is None:
        return ()
    try:
        return denials(message)
    except InputError:
        if ids:
            return ()
        raise


def _refuse_together(policies: Any, authorization: Any, online: object) -> None:
    if authorization is not None and online is not None:
        raise InputError(
            "`authorization` and `online` are two ways to the same record",
            hint="leave `online` out where the record is given",
        )
    if policies is not None:
        raise InputError(
            "`policies` cannot be given beside AWS's record, which has the policies as they were",
            hint="leave `policies` out, or ask by them alone",
        )


def _by_message(message: Any, policies: Any, ids: Sequence[AuthorizationId]) -> Answer:
    denials_found = _denials_beside(message, ids)
    if not denials_found:
        raise InputError(
            "`message` has an authorization ID and no AccessDenied error",
            hint="give the whole message, or read AWS's record under that ID with `online`",
        )
    policies, understood = by_layer(policies)
    documents = PolicyDocuments() if policies is None else PolicyDocuments.of(policies)
    denial = next(
        (denial for denial in denials_found if denial.action and denial.principal),
        denials_found[0],
    )
    request = denied_request(denial)
    if request.request is None or denial.mended_by:
        answer = _answer(denial, denials_found, request)
        lack = "" if denial.mended_by else uncovered_types(denial, documents)
        answer = replace(answer, summary=f"{answer.summary} {lack}" if lack else answer.summary)
        return _shown(replace(answer, facts={**understood, **answer.facts}), request)
    remedy = find_remedy(
        request.request, documents, named=denial.layer, explicit=denial.explicit is True
    )
    by_policies = tables.decision_by_policies(request.request, policies)
    proof = None if tables.is_deny_unseen(denial, remedy) else proofs.proof_of(remedy)
    answer = _answer(
        denial,
        denials_found,
        request,
        remedy=remedy,
        by_policies=by_policies,
        proof=proof,
        documents=documents,
    )
    return _shown(replace(answer, facts={**understood, **answer.facts}), request)


def _by_record(
    record: AuthorizationRecord, where: dict[str, Any], in_text: Sequence[Denial]
) -> Answer:
    """The answer by AWS's record: agreement first, then the denial and the change proved on the captured policies."""
    found = recorded_denial.recorded_denial(record, in_text)
    facts = record_tables.record_facts(found.compared, where)
    findings = tuple(record_tables.findings(found.compared))
    agreement = record_tables.agreement(found.compared)
    if found.row is None or found.denial is None:
        pages = " on the pages that are here" if record.is_cut else ""
        though = ", though the message reports a denial" if in_text else ""
        none = f"The record has no denied evaluation{pages}{though}."
        return Answer(
            summary=f"{agreement} {none}",
            findings=findings,
            facts=facts,
            sources=(PAGE, _TROUBLESHOOTING),
            as_of=catalog().as_of,
        )
    facts |= record_tables.long_checks(found.row)
    denial, documents = found.denial, found.row.policies.documents()
    remedy = found.remedy.remedy if found.remedy else None
    by_policies = None
    if found.row.request is not None:
        by_policies = tables.decision_by_layers(found.row.request, documents.layers)
    proof = None
    if remedy and not tables.is_deny_unseen(denial, remedy):
        proof = proofs.proof_of(remedy)
        sentence = proof.sentence
        if remedy.is_proved and not remedy.changes:
            sentence = "No change is proposed: by our reading the captured policies allow it."
        proof = replace(
            proof,
            sentence=recorded_denial.change_sentence(found, sentence),
            artifacts=recorded_denial.statement_files(found, remedy, proof.artifacts),
            facts=recorded_denial.with_policies(found, proof.facts),
        )
    answer = _answer(
        denial,
        [other for other in in_text if other is not found.message],
        found.request,
        remedy=remedy,
        by_policies=by_policies,
        proof=proof,
        documents=documents,
    )
    differs = recorded_denial.message_sentence(found)
    summary = [
        agreement,
        differs,
        answer.summary,
        recorded_denial.proof_sentence(found) if proof else "",
    ]
    return replace(
        answer,
        summary=" ".join(filter(None, summary)),
        findings=(*findings, *answer.findings),
        decision=found.row.decision if found.row.request is not None else None,
        facts=facts | recorded_denial.without_the_message(found, answer.facts),
        sources=tuple(dict.fromkeys((PAGE, *answer.sources))),
    )


def _shown(answer: Answer, request: DeniedRequest) -> Answer:
    """The answer with placeholders for what the message masks."""
    if not request.placeholders:
        return answer
    parts = {
        name: with_placeholders(getattr(answer, name), request.placeholders)
        for name in ("summary", "findings", "artifacts", "facts", "next")
    }
    shown = replace(answer, **parts)
    to_replace = [
        quoted(own)
        for own in dict.fromkeys(request.placeholders.values())
        if own.startswith("<") and any(own in file.content for file in shown.artifacts)
    ]
    if not to_replace:
        return shown
    return replace(shown, summary=f"{shown.summary} Replace {joined(to_replace)} before use.")


def _answer(
    denial: Denial,
    denials_in_text: Sequence[Denial],
    request: DeniedRequest,
    *,
    remedy: Remedy | None = None,
    by_policies: tables.DecisionByPolicies | None = None,
    proof: Proof | None = None,
    documents: PolicyDocuments | None = None,
) -> Answer:
    facts = tables.message_facts(denial)
    if remedy and documents is not None:
        facts |= tables.blocking_facts(denial, remedy, by_policies, documents)
    facts |= proof.facts if proof else {}
    facts |= tables.open_facts(denial, denials_in_text, request, remedy, documents)
    return Answer(
        summary=_summary(denial, request, documents, proof, by_policies),
        findings=proof.findings if proof else (),
        decision=by_policies.evaluation.decision if by_policies else None,
        artifacts=proof.artifacts if proof else (),
        facts=facts,
        sources=tuple(_sources(denial)),
        next=tuple(_next(denial, request)),
        as_of=catalog().as_of,
    )


def _summary(
    denial: Denial,
    request: DeniedRequest,
    documents: PolicyDocuments | None,
    proof: Proof | None,
    by_policies: tables.DecisionByPolicies | None,
) -> str:
    parts = [_refusal(denial)]
    places = tables.denies_not_reported(denial, by_policies) if by_policies else []
    if places:
        verb = "matches" if len(places) == 1 else "match"
        but = "But in" if denial.explicit is False else "In"
        parts.append(
            f"{but} the given policies, the Deny at {joined(places)} {verb} this request."
        )
    if denial.policy_may_help:
        parts.append(
            f"A permission may be missing, or something else: {denial.cause}. {denial.mended_by}"
        )
    elif denial.mended_by:
        parts.append(f"No change of an IAM policy helps: {denial.cause}. {denial.mended_by}")
    elif proof:
        parts.append(proof.sentence)
    elif denial.explicit and request.request:
        owner = (
            policy_type_texts()[denial.policy_type].owner if denial.policy_type else "its owner"
        )
        unseen = "An"
        if places:
            unseen = "They do not contain the Deny that AWS reports, and an"
        elif documents and documents.levels:
            unseen = "No Deny in the given policies matches, and an"
        parts.append(f"{unseen} Allow cannot override a Deny: ask {owner} for an exception.")
    elif request.lacks:
        parts.append(_lacking(denial, request))
    elif request.request is None and request.concluded:
        parts.append(f"The message does not describe a complete request: {request.concluded[-1]}.")
    return " ".join(parts)


def _lacking(denial: Denial, request: DeniedRequest) -> str:
    lacks = (
        f"The message does not include the {joined(request.lacks)}, so no change can be proved."
    )
    return lacks if denial.action or denial.operation else f"{lacks} {_MORE}"


def _refusal(denial: Denial) -> str:
    what = quoted(denial.action) if denial.action else _operation(denial)
    if denial.inferred and denial.operation and denial.action:
        what = f"{_operation(denial)} ({quoted(denial.action)})"
    on = f" on {quoted(denial.resource)}" if denial.resource else ""
    by = f" to {quoted(denial.principal)}" if denial.principal else ""
    if denial.principal == "*":
        by = " to an anonymous caller"
    if denial.service == KUBERNETES:
        return f"Kubernetes (RBAC), not IAM, refused {quoted(denial.operation)}{on}{by}."
    subject = f"AWS refused {what}{on}{by}"
    if not denial.policy_type:
        return (
            f"{subject} and does not name a layer{': a Deny matched' if denial.explicit else ''}."
        )
    texts = policy_type_texts()[denial.policy_type]
    if denial.explicit is None:
        return f"{subject}: {denial.remark}."
    why = texts.explicit_deny if denial.explicit else texts.no_allow
    return f"{subject} in the layer {denial.layer}: {why}."


def _operation(denial: Denial) -> str:
    return f"the operation {quoted(denial.operation)}" if denial.operation else "a request"


def _sources(denial: Denial) -> Iterator[str]:
    yield _TROUBLESHOOTING
    if denial.source:
        yield denial.source
    if denial.policy_type:
        yield policy_type_texts()[denial.policy_type].source
    if denial.encoded or denial.form == "decoded":
        yield _DECODE_PAGE
    service = tables.service_of(denial)
    if service in service_remarks():
        yield service_remarks()[service].source
    yield _SECTION


def _next(denial: Denial, request: DeniedRequest) -> Iterator[NextCall]:
    if request.lacks and denial.action:
        why = "its resource types and condition keys"
        yield next_call("policy", "lookup", why, query=denial.action)
    if denial.action.lower() == "sts:assumerolewithwebidentity":
        why = "how a trust policy and a token are compared: `irsa denied` does it"
        yield next_call("irsa", "guide", why, topic="refused-with-assumerolewithwebidentity")
