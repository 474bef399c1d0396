"""One change of a policy document that lets a denied request through: a repair with that one request.

    addition(request, documents, layer)     →   an Allow widened, or added
    exception(request, documents, because)  →   a Deny narrowed

Both are what `policy repair` would write. Where a Deny cannot be narrowed to exactly this request, the exception is wider, and
says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from aws_iam.engine.comparison.compare import compare
from aws_iam.engine.denied.near_misses import keys_of_unmet_allows
from aws_iam.engine.denied.policy_documents import DocumentPlace
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER
from aws_iam.engine.evaluation.matching import Matcher
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind
from aws_iam.engine.repair import grant_statement
from aws_iam.engine.repair.additions import add_cells, add_statements
from aws_iam.engine.repair.contested import Contested
from aws_iam.engine.repair.draft import EMPTY, Draft, condition_keys, statements_of
from aws_iam.engine.repair.exemption import exemption
from aws_iam.engine.repair.judge import OLDEST_VERSION, Judge, bucket_of, elsewhere, without_arn
from aws_iam.engine.repair.requirements import (
    OF_RESOURCES,
    PRINCIPAL_KEY,
    CannotBeWritten,
    Effect,
    Requirement,
    cells_of,
    entries_of,
    listed,
    statement_for,
    statement_of,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Because, Comparison
    from aws_iam.engine.denied.policy_documents import PolicyDocuments
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.repair.draft import Part
    from aws_iam.engine.repair.exemption import Exemption
    from aws_iam.engine.repair.grant_statement import LeftOpen
    from aws_iam.engine.repair.requirements import Cell

# A principal has one boundary, so another policy takes its place; elsewhere a policy can be attached beside it.
_ONLY_ONE = "boundary"
_EVERYTHING: Final[Mapping[str, Any]] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


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
    # Why the exception is wider than the request, and the patterns on which it allows the action as well; empty if it is not.
    why_wider: str = ""
    wider: tuple[str, ...] = ()
    # Patterns for all that the document can be about, where it is proved for that only; None where for all that there is.
    within: tuple[str, ...] | None = None
    # The actions of which it is proved for requests that name a resource.
    on_arns_only: tuple[str, ...] = ()
    # Denies of the requests without which it is proved, as they are taken not to exist.
    taken_apart: tuple[Mapping[str, Any], ...] = ()

    @property
    def layer(self) -> str:
        """The layer of the document."""
        return self.spot.layer

    def beyond(self) -> Comparison:
        """The new document compared with the old one, apart from this request and what is `wider`; equal when nothing else is allowed."""
        around: list[Mapping[str, Any]] = [policy_with(self.exactly)]
        principal = {"Principal": "*"} if "Principal" in self.exactly else {}
        if self.within is not None:
            around.append(policy_with({**elsewhere(self.within), **principal}))
        if self.on_arns_only:
            around.append(policy_with({**without_arn(self.on_arns_only), **principal}))
        around += (policy_with({**own, **principal}) for own in self.taken_apart)
        if self.how == "except":
            around.append(policy_with({**_EVERYTHING, **principal}))
        return compare([dict(self.after), *around], [dict(self.before), *around])


def addition(request: Request, documents: PolicyDocuments, layer: str) -> Change | str:
    """The statement that allows the request in a layer; or why there is none."""
    if layer in documents.unreadable:
        return f"the layer {layer} was given as null"
    if layer == "rcp":
        return "every RCP level has RCPFullAWSAccess, which cannot be detached, but a level given here lacks it"
    asked = _asked(request, layer)
    cells = cells_of(asked, kind_of(request, layer))
    if request.caller.kind is CallerKind.ANONYMOUS and layer == "resource":
        return grant_statement.why_no_statement(request)
    if isinstance(cells, CannotBeWritten):
        return cells.why
    (cell,) = cells
    spot = _place_for(request, documents, layer)
    current = documents.document(spot)
    own_policy = _own_policy(documents, spot)
    draft = Draft.of(current.document)
    judge = _judge(request, layer, current.document)
    granted = _granted(draft, cell, judge, may_widen=not documents.are_cut)
    was = draft.original(granted)
    place = _place(spot, current.pointer)
    if was is not None:
        is_list = isinstance(current.document["Statement"], list)
        place += f"/Statement/{granted.origin}" if is_list else "/Statement"
    statement = statement_for(cell, judge.kind)
    tested = {key.lower() for key in condition_keys(granted.statement.get("Condition"))}
    unmet = keys_of_unmet_allows(request, documents, layer)
    return Change(
        spot=spot,
        how="add" if was is None else "widen",
        pointer="" if own_policy else current.pointer,
        place=place,
        before=current.document,
        after=draft.document,
        statements=(granted.statement,),
        was=was,
        exactly={**statement, "Effect": "Deny"},
        freed_from=tuple(key for key in unmet if key.lower() not in tested),
        left_open=grant_statement.left_open(statement, tested),
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


def _asked(request: Request, layer: str) -> Requirement:
    """The request as what a policy of the layer has to allow."""
    if layer == "resource":
        return Requirement.allowed(request)
    return Requirement.allowed(request, grant_statement.allow_statement(layer, request))


def _judge(request: Request, layer: str, document: Mapping[str, Any]) -> Judge:
    kind = kind_of(request, layer)
    version = str(document.get("Version", OLDEST_VERSION))
    judge = Judge(kind=kind, version=version, layer=layer)
    if layer == "resource" and kind is Kind.RESOURCE:
        judge.own_resources = bucket_of((judge.policy(statements_of(document)),))
    return judge


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


def exception(request: Request, documents: PolicyDocuments, because: Because) -> Change | str:
    """The Deny narrowed, for this request alone where that can be written; or why it cannot be."""
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
    asked = _asked(request, because.layer)
    judge = _judge(request, because.layer, current.document)
    found = exemption(deny.statement, (asked,), judge, Contested((asked,), judge))
    place = f"{current.pointer}{because.pointer}"
    if found.left is None:
        return f"the Deny at {place} {found.why_not}: {_way_around(deny.statement)}"
    draft.replace(deny, found.left.statements)
    if not draft.parts:
        return f"the policy at {current.pointer} only denies this request: ask who attached it whether it can be detached"
    left = found.left
    return Change(
        spot=spot,
        how="except",
        pointer=current.pointer,
        place=place,
        before=current.document,
        after=draft.document,
        statements=left.statements,
        exactly=_deny_of_exempt_requests(asked, judge.kind, found),
        freed_from=_freed_from(deny.statement, found, asked, judge),
        why_wider=found.why_not,
        wider=left.beyond,
        within=judge.own_resources if left.of_own_resources else None,
        on_arns_only=() if judge.own_resources else left.on_arns_only,
        taken_apart=left.taken_apart,
    )


def _way_around(deny: Mapping[str, Any]) -> str:
    if deny.get("Condition"):
        return "check whether the request can avoid its condition, or ask its owner"
    return "ask its owner whether it can be removed"


def _deny_of_exempt_requests(asked: Requirement, kind: Kind, found: Exemption) -> dict[str, Any]:
    """A Deny of all that an exemption takes out of a Deny."""
    principal = "" if kind in IDENTITY_KINDS else asked.principal_arn
    condition = dict(found.condition or {})
    if principal:
        condition["ArnEquals"] = {**condition.get("ArnEquals", {}), PRINCIPAL_KEY: principal}
    everyone = {"Principal": "*"} if kind in {Kind.RCP, *OF_RESOURCES} else {}
    beyond = found.left.beyond if found.left else ()
    resources = () if kind is Kind.TRUST else (*entries_of(asked, kind), *beyond)
    who = {**everyone, "Condition": condition}
    return statement_of(Effect.DENY, who, asked.actions, resources)


def _freed_from(
    deny: Mapping[str, Any], found: Exemption, asked: Requirement, judge: Judge
) -> tuple[str, ...]:
    """The keys of a Deny's conditions on which the exemption does not depend."""
    kept = {key.lower() for own in found.kept for key in own}
    if judge.kind not in IDENTITY_KINDS and asked.principal_arn:
        kept.add(PRINCIPAL_KEY.lower())
    keys = dict.fromkeys(condition_keys(deny.get("Condition")))
    return tuple(key for key in keys if key.lower() not in kept)


def principal_arn(request: Request) -> str:
    """The caller's aws:PrincipalArn; empty when it has none."""
    values = request.context.peek("aws:principalarn") or ()
    return values[0] if values else ""


def policy_with(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A document with these statements."""
    return {**EMPTY, "Statement": [dict(statement) for statement in statements]}
