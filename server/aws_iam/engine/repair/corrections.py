"""Edits that correct what `validate` finds, where one edit is what the finding asks for.

    corrections(findings, policy, judged)   →   a row for each edit; one after the other they leave none of these findings

An action without a resource that it works on gets one by a repair, which proves that nothing else changes; the other edits
correct an entry that matches nothing, or a condition that also holds without its key. The repair is made to corrected entries.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair import correctable
from aws_iam.engine.repair.draft import statements_of
from aws_iam.engine.repair.edits import Edit, replayed
from aws_iam.engine.repair.judge import Judge
from aws_iam.engine.repair.repair import repair
from aws_iam.engine.repair.requirements import OF_RESOURCES, Effect, Requirement, listed
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Policy

    # A document as a policy of the same kind, with its findings.
    Judged = Callable[[Mapping[str, Any]], tuple[Policy, Iterable[Finding]]]

_BUCKET, _OBJECTS = "bucket", "/*"
_SERVICE, _REGION, _ACCOUNT = 2, 3, 4
# Beyond so many findings a reader wants another policy, not edits.
_MOST = 20
# A service in upper case hides a Region or an account, and those hide which resources there are.
_MOST_ROUNDS = 4
_NOTHING = {"Effect": "Deny", "Action": "none:None", "Resource": "*"}
_IF_EXISTS = "IfExists"


def corrections(
    findings: Iterable[Finding], policy: Policy, judged: Judged
) -> list[dict[str, Any]]:
    """A row for each edit that corrects one of the findings, each made to the policy as those before it leave it.

    What an edit brings to light (an ARN whose service is read now) is corrected as well. Edits of one place are one row, whose
    `code` names every finding that it corrects.
    """
    if not _is_usable(policy):
        return []
    rows: list[_Row] = []
    for _ in range(_MOST_ROUNDS):
        made = _corrected(_first(findings, rows), plain(policy), policy)
        if not made:
            break
        document = replayed(plain(policy), [own.edit for own in made])
        for row in made:
            _append(rows, row)
        policy, findings = judged(document)
    return [own.shown for own in rows]


@slotted
class _Row:
    """An edit and the codes of the findings that it corrects."""

    codes: tuple[str, ...]
    edit: Edit

    @property
    def shown(self) -> dict[str, Any]:
        """The row of the answer."""
        edit = {name: own for name, own in self.edit.row().items() if name != "requests"}
        return {"code": ", ".join(self.codes), **edit}


def _append(rows: list[_Row], row: _Row) -> None:
    """Put a row after the others, or make one of it and an earlier one of the same place."""
    for at in reversed(range(len(rows))):
        earlier = rows[at]
        if earlier.edit.pointer == row.edit.pointer:
            if {earlier.edit.change, row.edit.change} == {"replaced"}:
                edit = replace(earlier.edit, after=row.edit.after)
                codes = tuple(dict.fromkeys((*earlier.codes, *row.codes)))
                rows[at] = _Row(codes=codes, edit=edit)
                return
            break
        if _is_nested(earlier.edit.pointer, row.edit.pointer):
            # It is made to a part of the same place: its turn stays.
            break
    rows.append(row)


def _first(findings: Iterable[Finding], rows: Sequence[_Row]) -> list[Finding]:
    """The findings that get edits: all of a place that has one, and others while they are few."""
    found = [own for own in findings if own.where and own.code in correctable.CORRECTABLE]
    begun = {row.edit.pointer for row in rows}
    here = [own for own in found if own.where and own.where.pointer in begun]
    others = [own for own in found if own not in here]
    return [*here, *others[: max(0, _MOST - len(rows))]]


def _is_nested(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _corrected(
    findings: Sequence[Finding], document: Mapping[str, Any], policy: Policy
) -> list[_Row]:
    """Edits of single entries; where there are none, those that add a bucket or its objects, which take the entries as they are."""
    rows: list[_Row] = []
    now: Mapping[str, Any] = document
    without_resource = []
    for own in findings:
        pointer = own.where.pointer if own.where else ""
        if own.code == correctable.BUCKET_OR_OBJECT:
            without_resource.append(pointer)
            continue
        edit = _IN_PLACE[own.code](pointer, now)
        if edit:
            rows.append(_Row(codes=(own.code,), edit=edit))
            now = replayed(now, [edit])
    if rows:
        return rows
    edits = _with_buckets(without_resource, document, policy)
    return [_Row(codes=(correctable.BUCKET_OR_OBJECT,), edit=own) for own in edits]


def _is_usable(policy: Policy) -> bool:
    try:
        refuse_unusable(policy, "/")
    except InputError:
        return False
    return True


@slotted
class _Lacking:
    """An entry of Action whose statement has no resource for it, by the place of the statement."""

    statement: str
    action: str
    requirement: Requirement


def _with_buckets(
    pointers: Iterable[str], document: Mapping[str, Any], policy: Policy
) -> tuple[Edit, ...]:
    """The bucket for each action on buckets that only has its objects, and the other way round, by one repair."""
    if policy.kind in OF_RESOURCES:
        return ()
    lacking = [own for pointer in pointers if (own := _lacking(pointer, document))]
    repaired = _repaired(lacking, document, policy)
    if not repaired:
        # One that cannot be had keeps none of the others from it.
        able: list[_Lacking] = []
        for own in lacking if len(lacking) > 1 else ():
            if _repaired([*able, own], document, policy):
                able.append(own)
        lacking, repaired = able, _repaired(able, document, policy)
    if not repaired:
        return ()
    # Where another statement has the action now, it still matches nothing in its own.
    moved = _without_moved(lacking, document, replayed(document, repaired))
    again = _repaired(lacking, replayed(document, moved), policy) if moved else ()
    return (*moved, *again) if again else repaired


def _lacking(pointer: str, document: Mapping[str, Any]) -> _Lacking | None:
    statement_at = pointer.partition("/Action")[0]
    statement, action = _at(document, statement_at), _at(document, pointer)
    if not isinstance(action, str) or statement["Effect"] != "Allow":
        return None
    known = catalog().action(action)
    of_bucket = known is not None and _BUCKET in known.resource_types
    resources = tuple(
        dict.fromkeys(
            own.partition("/")[0] if of_bucket else f"{own.rstrip('/')}{_OBJECTS}"
            for own in listed(statement.get("Resource"))
        )
    )
    requirement = Requirement(
        pointer=pointer,
        effect=Effect.ALLOW,
        actions=(action,),
        resources=resources,
        request=None,
        given={"action": action, "resource": list(resources)},
        is_pattern=True,
        # What is limited stays so.
        elements={"Condition": statement["Condition"]} if "Condition" in statement else None,
    )
    return _Lacking(statement=statement_at, action=action, requirement=requirement)


def _repaired(
    lacking: Sequence[_Lacking], document: Mapping[str, Any], policy: Policy
) -> tuple[Edit, ...]:
    """The edits after which each action is allowed on its resources; none where there are no such edits."""
    if not lacking:
        return ()
    version = policy.version.value if policy.version else ""
    asked = [own.requirement for own in lacking]
    found = repair(_idle(document), asked, Judge(kind=policy.kind, version=version))
    return found.edits if found.is_repaired else ()


def _without_moved(
    lacking: Iterable[_Lacking], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Edit]:
    """The statements whose resources stay, without those of their actions that match none of them."""
    moved: dict[str, list[str]] = {}
    # A single statement becomes the first of a list where another one is added.
    is_list_now = isinstance(after["Statement"], list) and not isinstance(
        before["Statement"], list
    )
    for own in lacking:
        now = _at(after, f"{own.statement}/0" if is_list_now else own.statement)
        if now.get("Resource") == _at(before, own.statement).get("Resource"):
            moved.setdefault(own.statement, []).append(own.action)
    edits = []
    for at, gone in moved.items():
        actions = _at(before, at)["Action"]
        kept = [action for action in listed(actions) if action not in gone]
        if kept:
            edits.append(
                Edit(pointer=f"{at}/Action", change="replaced", before=actions, after=kept)
            )
    return edits


def _idle(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with Denies of nothing in the places of its own: what they deny, they deny on purpose."""
    found = [
        {"Sid": own.get("Sid", ""), **_NOTHING} if own["Effect"] == "Deny" else own
        for own in statements_of(document)
    ]
    return (
        {**document, "Statement": found}
        if isinstance(document["Statement"], list)
        else dict(document)
    )


def _without_region(pointer: str, document: Mapping[str, Any]) -> Edit | None:
    """The ARN with an empty Region."""
    return _replaced_field(pointer, document, _REGION, lambda _: "")


def _without_account(pointer: str, document: Mapping[str, Any]) -> Edit | None:
    """The ARN with an empty account."""
    return _replaced_field(pointer, document, _ACCOUNT, lambda _: "")


def _with_small_service(pointer: str, document: Mapping[str, Any]) -> Edit | None:
    """The ARN with its service in lower case."""
    return _replaced_field(pointer, document, _SERVICE, str.lower)


def _replaced_field(
    pointer: str, document: Mapping[str, Any], number: int, change: Callable[[str], str]
) -> Edit | None:
    before = _at(document, pointer)
    if not isinstance(before, str) or Arn.of(before) is None:
        return None
    fields = before.split(":", 5)
    fields[number] = change(fields[number])
    return Edit(pointer=pointer, change="replaced", before=before, after=":".join(fields))


def _demanded(pointer: str, document: Mapping[str, Any]) -> Edit | None:
    """The condition under the same operator without IfExists."""
    block, _, operator = pointer.rpartition("/")
    before = _at(document, block)
    plainer = operator.removesuffix(_IF_EXISTS)
    if not isinstance(before, dict) or plainer == operator or plainer in before:
        return None
    after = {plainer if name == operator else name: keys for name, keys in before.items()}
    keys = before.get(operator)
    if not isinstance(keys, dict) or len(keys) > 1:
        return None
    return Edit(pointer=block, change="replaced", before=before, after=after)


_IN_PLACE: Mapping[str, Callable[[str, Mapping[str, Any]], Edit | None]] = {
    correctable.WITH_REGION: _without_region,
    correctable.WITH_ACCOUNT: _without_account,
    correctable.SERVICE_CASE: _with_small_service,
    correctable.SERVICE_OPTIONAL: _demanded,
}


def _at(document: Any, pointer: str) -> Any:
    for token in pointer.strip("/").split("/"):
        document = document[int(token) if isinstance(document, list) else token]
    return document
