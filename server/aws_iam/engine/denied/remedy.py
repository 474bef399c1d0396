"""The smallest changes that allow a denied request, layer by layer, each with a proof.

    remedy(request, documents, named="resource")  →  Remedy: changes, assumptions, the decision before and after

Each change is applied before the next one is looked for, so together, in order, they are all that is needed. Two proofs: after
them `evaluate` allows the request; and with this one request denied on both sides, `compare` finds the new and the old
document equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.change import addition, exception, policy_with
from aws_iam.engine.denied.policy_documents import PolicyDocument
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import LEVELLED
from aws_iam.engine.evaluation.matching import Matcher
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.reference.named_policies import FULL_ACCESS, policy_named
from aws_iam.engine.repair import grant_statement
from aws_iam.engine.repair.draft import statements_of
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.denied.change import Change
    from aws_iam.engine.denied.policy_documents import PolicyDocuments
    from aws_iam.engine.evaluation.evaluate import Evaluation

_MOST_CHANGES = 12
_OWN = frozenset({CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED})


@slotted
class Remedy:
    """The changes that lead to Allowed. `stuck` says why they do not, or is empty."""

    request: Request
    before: Evaluation
    after: Evaluation
    changes: tuple[Change, ...]
    # What is assumed of layers that were not given, by layer.
    assumed: Mapping[str, str]
    stuck: str = ""
    # The outcome with an identity policy alone, where the resource policy must allow, too.
    identity_alone: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether the changes lead to Allowed."""
        return self.after.decision.outcome == "Allowed"


def remedy(
    asked: Mapping[str, Any],
    documents: PolicyDocuments,
    *,
    named: str = "",
    explicit: bool = False,
) -> Remedy:
    """The changes for a request; `named` is the layer that AWS says denied it."""
    request = request_of(dict(asked))
    start, assumed = _with_needed_layers(request, documents, named, explicit=explicit)
    before = now = _decided(asked, start)
    here = start
    changes: list[Change] = []
    stuck = ""
    while now.decision.outcome != "Allowed" and not stuck:
        wanted = named if not any(change.layer == named for change in changes) else ""
        found = _next_change(request, here, now, wanted)
        if isinstance(found, str):
            stuck = found
        elif len(changes) == _MOST_CHANGES:
            stuck = "too many changes would be needed"
        else:
            changes.append(found)
            here = here.changed(found.spot, found.after)
            now = _decided(asked, here)
    return Remedy(
        request=request,
        before=before,
        after=now,
        changes=tuple(changes),
        assumed=assumed,
        stuck=stuck,
        identity_alone=_identity_alone(asked, start, changes),
    )


def _decided(asked: Mapping[str, Any], documents: PolicyDocuments) -> Evaluation:
    # A context records the keys that were looked at, so each decision gets a new one.
    return evaluate_request(request_of(dict(asked)), documents.layers)


def _with_needed_layers(
    request: Request, documents: PolicyDocuments, named: str, *, explicit: bool
) -> tuple[PolicyDocuments, Mapping[str, str]]:
    """The policies with all layers that the request needs: empty where the change goes, else assumed to allow."""
    assumed: dict[str, str] = {}
    if named and named not in documents and not explicit:
        documents = documents.with_layer(named)
    for layer in sorted(LEVELLED):
        if layer != named or explicit:
            documents = _beside_full_access(documents, layer, assumed)
    for layer in needed_layers(request):
        if layer in documents:
            continue
        # Within one account the resource policy may be enough, without assumptions about the caller's policies.
        if not named or (named == "resource" and not request.crosses_accounts):
            documents = documents.with_layer(layer)
            continue
        statement = (
            grant_statement.account_statement(request)
            if layer == "resource"
            else grant_statement.allow_statement("identity", request)
        )
        if statement:
            documents = documents.with_layer(layer, policy_with(statement))
            what = (
                "leaves the decision to the caller's account"
                if layer == "resource"
                else "allows it"
            )
            assumed[layer] = f"the {layer} layer, which was not given, {what}"
    return documents, assumed


def _beside_full_access(
    documents: PolicyDocuments, layer: str, assumed: dict[str, str]
) -> PolicyDocuments:
    """The policies with AWS's policy that allows everything at each level of a layer at which the given ones only deny."""
    levels = list(documents.levels.get(layer, ()))
    lacking = [
        number for number, level in enumerate(levels) if level and not any(map(_allows, level))
    ]
    if not lacking:
        return documents
    name = FULL_ACCESS[layer]
    full = PolicyDocument(document=policy_named(name))
    for number in lacking:
        levels[number] = (*levels[number], full)
    at = joined([f"/{layer}/{number}" for number in lacking])
    assumed[layer] = f"{name} is attached at {at}, where the given policies only deny"
    return replace(documents, levels={**documents.levels, layer: tuple(levels)})


def _allows(given: PolicyDocument) -> bool:
    return any(own.get("Effect") == "Allow" for own in statements_of(given.document))


def needed_layers(request: Request) -> tuple[str, ...]:
    """The layers that must be known to say that the request is allowed."""
    own = request.caller.kind in _OWN
    others = not own and request.caller.kind is not CallerKind.ROOT
    resource = request.crosses_accounts or needs_resource_policy(request) or others
    return (*(["identity"] if own else []), *(["resource"] if resource else []))


def _next_change(
    request: Request, documents: PolicyDocuments, now: Evaluation, named: str
) -> Change | str:
    """The change to the layer that AWS names, else to the first that blocks; or why there is none."""
    if now.reason:
        return now.reason
    if now.decision.outcome == "ExplicitlyDenied":
        denies = sorted(now.decision.because, key=lambda deny: deny.layer != named)
        return exception(request, documents, denies[0])
    blocked = sorted(now.decision.blocked_by, key=lambda layer: layer != named)
    if not blocked:
        return "the decision depends on what cannot be read"
    if named == "resource" and not _is_allowing(request, documents, named):
        # An alternative to the blocking layers, and AWS says that it was missing.
        blocked = [named]
    return addition(request, documents, blocked[0])


def _is_allowing(request: Request, documents: PolicyDocuments, layer: str) -> bool:
    hits = Matcher(request, documents.layers).hits()
    return any(hit.placed.layer == layer and hit.statement.allows for hit in hits)


def _identity_alone(
    asked: Mapping[str, Any], start: PolicyDocuments, changes: list[Change]
) -> str:
    """The outcome with an identity policy but without the change to the resource policy, where that must allow."""
    request = request_of(dict(asked))
    changed = any(change.layer == "resource" and change.how != "except" for change in changes)
    if not changed or request.caller.kind not in _OWN:
        return ""
    statement = grant_statement.allow_statement("identity", request)
    return _decided(asked, start.with_layer("identity", policy_with(statement))).decision.outcome
