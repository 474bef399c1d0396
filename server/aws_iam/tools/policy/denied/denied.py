"""`policy denied`: what an AccessDenied message says and hides, and the smallest change that lets the request pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer
from aws_iam.engine.denied.message import denials
from aws_iam.engine.denied.remedy import remedy
from aws_iam.engine.denied.request import asked
from aws_iam.engine.denied.shelf import Shelf
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.tools.policy.denied import proofs, tables
from aws_iam.tools.policy.denied.layer_words import (
    DECODE,
    DECODE_CALL,
    PAGE,
    REMARKS,
    SECTION,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.denied.message import Denial
    from aws_iam.engine.denied.remedy import Remedy
    from aws_iam.engine.denied.request import Asked
    from aws_iam.tools.policy.denied.proofs import Proof


def denied(message: Any, policies: Any = None) -> Answer:
    """The denial taken apart, what blocks by the policies at hand, and the change with its proof."""
    found = denials(message)
    shelf = Shelf() if policies is None else Shelf.of(policies)
    denial = next((denial for denial in found if denial.action and denial.principal), found[0])
    request = asked(denial)
    if request.request is None:
        return _answer(denial, found, request)
    way = remedy(request.request, shelf, named=denial.layer, explicit=denial.explicit is True)
    here = tables.decided(request.request, policies)
    proof = None if tables.is_unseen(denial, way) else proofs.of(way)
    return _answer(denial, found, request, way=way, here=here, proof=proof, shelf=shelf)


def _answer(
    denial: Denial,
    every: Sequence[Denial],
    request: Asked,
    *,
    way: Remedy | None = None,
    here: tables.Here | None = None,
    proof: Proof | None = None,
    shelf: Shelf | None = None,
) -> Answer:
    facts = tables.told(denial)
    if way and shelf is not None:
        facts |= tables.judged(denial, way, here, shelf)
    facts |= proof.facts if proof else {}
    facts |= tables.left(denial, every, request, way, shelf)
    return Answer(
        summary=_summary(denial, request, proof),
        findings=proof.findings if proof else (),
        decision=here.evaluation.decision if here else None,
        artifacts=proof.artifacts if proof else (),
        facts=facts,
        sources=tuple(_sources(denial)),
        next=tuple(_next(denial, request, shelf, proof)),
        as_of=catalog().as_of,
    )


def _summary(denial: Denial, request: Asked, proof: Proof | None) -> str:
    parts = [_refused(denial)]
    if proof:
        parts.append(proof.said)
    elif denial.explicit and request.request:
        owner = WORDS[denial.policy_type].owner if denial.policy_type else "its owner"
        parts.append(
            f"No Deny of the policies given matches, and no Allow helps against one: ask {owner} for an exception."
        )
    elif request.lacks:
        parts.append(
            f"The message does not tell the {_and(request.lacks)}, so no change can be proved."
        )
    elif request.request is None and request.concluded:
        parts.append(f"No request can be made of it: {request.concluded[-1]}.")
    return " ".join(parts)


def _refused(denial: Denial) -> str:
    what = quoted(denial.action) if denial.action else _operation(denial)
    on = f" on {quoted(denial.resource)}" if denial.resource else ""
    by = f" to {quoted(denial.principal)}" if denial.principal else ""
    if denial.principal == "*":
        by = " to an anonymous caller"
    subject = f"AWS refused {what}{on}{by}"
    if not denial.policy_type:
        return f"{subject} and names no layer{': a Deny matched' if denial.explicit else ''}."
    words = WORDS[denial.policy_type]
    if denial.explicit is None:
        return f"{subject}: {denial.remark}."
    why = words.explicit if denial.explicit else words.implicit
    return f"{subject} in the layer {denial.layer}: {why}."


def _operation(denial: Denial) -> str:
    return f"the operation {quoted(denial.operation)}" if denial.operation else "a request"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _sources(denial: Denial) -> Iterator[str]:
    yield PAGE
    if denial.policy_type:
        yield WORDS[denial.policy_type].source
    if denial.encoded or denial.form == "decoded":
        yield DECODE
    service = tables.service_of(denial)
    if service in REMARKS:
        yield REMARKS[service][1]
    yield SECTION


def _next(
    denial: Denial, request: Asked, shelf: Shelf | None, proof: Proof | None
) -> Iterator[str]:
    if denial.encoded:
        yield DECODE_CALL
        yield "aws-iam policy denied --message DECODED"
    if request.lacks and denial.action:
        yield f"aws-iam policy lookup --query {denial.action}"
    if request.request and not (shelf and shelf.levels):
        yield "aws-iam policy denied --message TEXT --policies LAYERS"
    if proof and proof.artifacts:
        name = proof.artifacts[0].name
        if shelf and shelf.levels:
            yield f"aws-iam policy compare --document {name} --baseline OLD"
        yield f"aws-iam policy explain --document {name}"
    if denial.action.lower() == "sts:assumerolewithwebidentity":
        yield "aws-iam policy guide --topic workloads-outside-aws"
