"""The smallest changes that allow a denied request, layer by layer, each with a proof.

    remedy(request, documents, named="resource")  →  Remedy: changes, assumptions, the decision before and after

Each change is applied before the next one is looked for, so together, in order, they are all that is needed. Two proofs: after
them `evaluate` allows the request; and with this one request denied on both sides, `compare` finds the new and the old
document equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.denied.policy_documents import DocumentPlace, PolicyDocuments
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER
from aws_iam.engine.evaluation.matching import Matcher
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.repair import grant_statement
from aws_iam.engine.repair.additions import add_cells, add_statements
from aws_iam.engine.repair.draft import EMPTY, Draft, condition_keys, statements_of
from aws_iam.engine.repair.judge import OLDEST_VERSION, Judge
from aws_iam.engine.repair.narrowed_deny import ExemptRequest, listed
from aws_iam.engine.repair.narrowest_deny import narrowest
from aws_iam.engine.repair.requirements import Cell, Effect, Requirement, cells_of, statement_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Because, Comparison
    from aws_iam.engine.evaluation.evaluate import Evaluation
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.repair.draft import Part
    from aws_iam.engine.repair.grant_statement import LeftOpen

_MOST_CHANGES = 12
_PRINCIPAL = "aws:PrincipalArn"
# A principal has one boundary, so another policy takes its place; elsewhere a policy can be attached beside it.
_ONLY_ONE = "boundary"
_OWN = frozenset({CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED})
_FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
# Layers whose policies belong to the caller: an exception there needs no condition on the caller.
_CALLERS_OWN = frozenset({"identity", "boundary", "session"})


@slotted
class Change:
    """One changed document. `pointer` is empty when it was not given, and `after` then has only the new statement."""

    spot: DocumentPlace
    how: Literal["add", "widen", "except"]
    pointer: str
    place: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    statements: tuple[Mapping[str, Any], ...]
    # A Deny of exactly this request: with it on both sides, the documents must be equal.
    exactly: Mapping[str, Any]
    # The statement as it was, where one is widened.
    was: Mapping[str, Any] | None = None
    # The keys on which the old document made this request depend; the new one allows it whatever their values are.
    freed_from: tuple[str, ...] = ()
    # What else the statement newly allows by what the request says beside caller, action and resource.
    left_open: tuple[LeftOpen, ...] = ()
    # The new document in words, where the given one is an AWS managed policy, which only AWS can change.
    own_policy: str = ""

    @property
    def layer(self) -> str:
        """The layer of the document."""
        return self.spot.layer

    def beyond(self) -> Comparison:
        """The new document compared with the old one, apart from this request; equal when nothing else is allowed."""
        around: list[Mapping[str, Any]] = [_policy(self.exactly)]
        if self.how == "except":
            principal = {"Principal": "*"} if "Principal" in self.exactly else {}
            around.append(_policy({**_FULL, **principal}))
        return compare([dict(self.after), *around], [dict(self.before), *around])


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
            documents = documents.with_layer(layer, _policy(statement))
            what = (
                "leaves the decision to the caller's account"
                if layer == "resource"
                else "allows it"
            )
            assumed[layer] = f"the {layer} layer, which was not given, {what}"
    return documents, assumed


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
        return _exception(request, documents, denies[0])
    blocked = sorted(now.decision.blocked_by, key=lambda layer: layer != named)
    if not blocked:
        return "the decision depends on what cannot be read"
    if named == "resource" and not _is_allowing(request, documents, named):
        # An alternative to the blocking layers, and AWS says that it was missing.
        blocked = [named]
    return _addition(request, documents, blocked[0])


def _is_allowing(request: Request, documents: PolicyDocuments, layer: str) -> bool:
    hits = Matcher(request, documents.layers).hits()
    return any(hit.placed.layer == layer and hit.statement.allows for hit in hits)


def _addition(request: Request, documents: PolicyDocuments, layer: str) -> Change | str:
    if layer in documents.unreadable:
        return f"the layer {layer} was given as null"
    if layer == "rcp":
        return "every RCP level has RCPFullAWSAccess, which cannot be detached, but a level given here lacks it"
    cell = _cell(request, layer)
    if cell is None:
        return grant_statement.why_no_statement(request)
    spot = _place_for(request, documents, layer)
    current = documents.document(spot)
    own_policy = _own_policy(documents, spot)
    draft = Draft.of(current.document)
    version = str(current.document.get("Version", OLDEST_VERSION))
    judge = Judge(kind=kind_of(request, layer), version=version, layer=layer)
    granted = _granted(draft, cell, judge, may_widen=not documents.are_cut)
    was = draft.original(granted)
    place = _place(spot, current.pointer)
    if was is not None:
        is_list = isinstance(current.document["Statement"], list)
        place += f"/Statement/{granted.origin}" if is_list else "/Statement"
    asked = statement_for(cell, judge.kind)
    tested = {key.lower() for key in condition_keys(granted.statement.get("Condition"))}
    unmet = _keys_of_unmet_allows(request, documents, layer)
    return Change(
        spot=spot,
        how="add" if was is None else "widen",
        pointer="" if own_policy else current.pointer,
        place=place,
        before=current.document,
        after=draft.document,
        statements=(granted.statement,),
        was=was,
        exactly={**asked, "Effect": "Deny"},
        freed_from=tuple(key for key in unmet if key.lower() not in tested),
        left_open=grant_statement.left_open(asked, tested),
        own_policy=own_policy,
    )


def _granted(draft: Draft, cell: Cell, judge: Judge, *, may_widen: bool) -> Part:
    """The statement that takes the request: one that was widened as `policy repair` does, else a new one."""
    if may_widen:
        add_cells(draft, Effect.ALLOW, (cell,), (cell,), judge)
    changed = [part for part in draft.parts if part.statement != draft.original(part)]
    if not changed:
        add_statements(draft, Effect.ALLOW, (cell,), judge.kind)
        changed = draft.parts[-1:]
    return changed[0]


def _cell(request: Request, layer: str) -> Cell | None:
    """The request as an entry for a policy of the layer; None where no statement can be for its caller alone."""
    asked = Requirement.allowed(request)
    if layer == "resource":
        if request.caller.kind is CallerKind.ANONYMOUS:
            return None
        cells = cells_of(asked, kind_of(request, layer))
        return cells[0] if isinstance(cells, tuple) else None
    statement = grant_statement.allow_statement(layer, request)
    who = {name: own for name, own in statement.items() if name in {"Principal", "Condition"}}
    return Cell(action=request.action, resource=statement["Resource"], who=who, requirement=asked)


def kind_of(request: Request, layer: str) -> Kind:
    """The kind of a policy of the layer that can concern the request."""
    return KIND_OF_LAYER[layer] or (Kind.TRUST if is_trust(request) else Kind.RESOURCE)


def is_trust(request: Request) -> bool:
    """Whether the resource's policy is a role's trust policy."""
    return request.service == "sts" and ":role/" in request.resource


def _own_policy(documents: PolicyDocuments, spot: DocumentPlace) -> str:
    """The policy at the place in words, if it is beside or in place of an AWS managed policy; else nothing."""
    current = documents.document(spot)
    if current.aws_managed:
        return f"a policy of your own in place of {current.pointer}, an AWS managed policy"
    last = replace(spot, number=spot.number - 1)
    if spot.number and not current.pointer and documents.document(last).aws_managed:
        return f"a policy of your own beside {documents.document(last).pointer}, an AWS managed policy"
    return ""


def _place(spot: DocumentPlace, pointer: str) -> str:
    return pointer or (f"/{spot.layer}/{spot.level}" if spot.layer == "scp" else f"/{spot.layer}")


def _place_for(request: Request, documents: PolicyDocuments, layer: str) -> DocumentPlace:
    """Where to add the statement: the first level that does not allow, and there the first policy about the service.

    Not to a policy that only AWS can change, unless there can be no other.
    """
    hits = Matcher(request, documents.layers).hits()
    passing = {hit.level for hit in hits if hit.placed.layer == layer and hit.statement.allows}
    count = len(documents.levels.get(layer, ((),)))
    level = next((number for number in range(count) if number not in passing), 0)
    spot = DocumentPlace(layer=layer, level=level, number=0)
    level_documents = documents.level(spot)
    own = [
        n
        for n, current in enumerate(level_documents)
        if layer == _ONLY_ONE or not current.aws_managed
    ]
    about = (n for n in own if _speaks_of(level_documents[n].document, request.service))
    return replace(spot, number=next(about, own[0] if own else len(level_documents)))


def _speaks_of(document: Mapping[str, Any], service: str) -> bool:
    return any(
        statement.get("Effect") == "Allow" and action.partition(":")[0].lower() == service
        for statement in statements_of(document)
        for action in listed(statement.get("Action"))
    )


def _exception(request: Request, documents: PolicyDocuments, because: Because) -> Change | str:
    spot = DocumentPlace.of(because.policy)
    current = documents.document(spot)
    if current.aws_managed:
        return (
            f"the Deny at {current.pointer}{because.pointer} is in an AWS managed policy, which only AWS can change: ask"
            " who attached it whether it can be detached"
        )
    number = int(because.pointer.rpartition("/")[2]) if because.pointer != "/Statement" else 0
    draft = Draft.of(current.document)
    deny = draft.parts[number]
    own = because.layer in _CALLERS_OWN
    arn = "" if own else principal_arn(request)
    if not own and not arn:
        return "the caller has no aws:PrincipalArn, so only the owner of the Deny can write an exception"
    target = grant_statement.target(because.layer, request)
    wanted = ExemptRequest(
        action=request.action, resource=target.get("Resource", "*"), principal=arn
    )
    left = narrowest(deny.statement, (wanted,), KIND_OF_LAYER[because.layer] or Kind.RESOURCE)
    if not left or not left.statements:
        way = (
            "check whether the request can avoid its condition, or ask its owner"
            if deny.statement.get("Condition")
            else "ask its owner whether it can be removed"
        )
        return f"the Deny at {current.pointer}{because.pointer} cannot be replaced by a narrower one: {way}"
    draft.replace(deny, left.statements)
    principal = {"Principal": "*"} if because.layer in {"rcp", "resource", "vpc_endpoint"} else {}
    exactly: dict[str, Any] = {
        "Effect": "Deny",
        **principal,
        "Action": request.action,
        **target,
    }
    if arn:
        exactly["Condition"] = {"ArnEquals": {"aws:PrincipalArn": arn}}
    return Change(
        spot=spot,
        how="except",
        pointer=current.pointer,
        place=f"{current.pointer}{because.pointer}",
        before=current.document,
        after=draft.document,
        statements=left.statements,
        exactly=exactly,
        freed_from=_keys_of_deny(deny.statement, pinned=_PRINCIPAL if arn else ""),
    )


def _keys_of_deny(statement: Mapping[str, Any], *, pinned: str) -> tuple[str, ...]:
    """The keys of a Deny's conditions, without the one that its exception names."""
    keys = dict.fromkeys(condition_keys(statement.get("Condition")))
    return tuple(key for key in keys if key.lower() != pinned.lower())


def principal_arn(request: Request) -> str:
    """The caller's aws:PrincipalArn; empty when it has none."""
    values = request.context.peek("aws:principalarn") or ()
    return values[0] if values else ""


def _identity_alone(
    asked: Mapping[str, Any], start: PolicyDocuments, changes: list[Change]
) -> str:
    """The outcome with an identity policy but without the change to the resource policy, where that must allow."""
    request = request_of(dict(asked))
    changed = any(change.layer == "resource" and change.how != "except" for change in changes)
    if not changed or request.caller.kind not in _OWN:
        return ""
    statement = grant_statement.allow_statement("identity", request)
    return _decided(asked, start.with_layer("identity", _policy(statement))).decision.outcome


def near_misses(
    request: Request, documents: PolicyDocuments, layer: str
) -> Iterator[dict[str, str]]:
    """The Allow statements of a layer for the action that still do not allow the request, and what does not match."""
    for placed, statement, keys in _unmet_allows(request, documents, layer):
        pointer = documents.document(DocumentPlace.of(placed)).pointer
        lacks = f"its condition on {', '.join(keys)}" if keys else _other_lack(layer)
        yield {
            "statement": f"{pointer}{statement.node.where.pointer}",
            "does_not_match": lacks,
        }


def _keys_of_unmet_allows(
    request: Request, documents: PolicyDocuments, layer: str
) -> tuple[str, ...]:
    """The keys of the conditions that alone keep Allow statements of the layer from allowing the request."""
    unmet = _unmet_allows(request, documents, layer)
    return tuple(dict.fromkeys(key for _, _, keys in unmet for key in keys))


def _unmet_allows(
    request: Request, documents: PolicyDocuments, layer: str
) -> Iterator[tuple[str, Statement, tuple[str, ...]]]:
    """The place of each such statement, and the keys of its conditions if nothing else keeps it from applying."""
    layers = documents.layers
    forced = {
        condition.name: True
        for placed in layers.all()
        for statement in placed.statements
        for condition in statement.statement.conditions
    }
    met = _places(Matcher(request, layers).hits())
    but_for_conditions = _places(Matcher(request, layers, forced).hits())
    action = request.action.lower()
    for placed in layers.all():
        for statement in placed.statements:
            at = (placed.pointer, statement.statement.node.where.pointer)
            if (
                placed.layer != layer
                or not statement.statement.allows
                or at in met
                or not statement.takes(action)
            ):
                continue
            keys = (condition.key.value for condition in statement.statement.conditions)
            yield (
                placed.pointer,
                statement.statement,
                tuple(keys) if at in but_for_conditions else (),
            )


def _other_lack(layer: str) -> str:
    return "the resource" if layer in {*_CALLERS_OWN, "scp"} else "the principal or the resource"


def _places(hits: Any) -> set[tuple[str, str]]:
    return {(hit.placed.pointer, hit.statement.node.where.pointer) for hit in hits}


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {**EMPTY, "Statement": [dict(statement) for statement in statements]}
