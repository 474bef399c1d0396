"""The policies of one principal as one: a statement that goes from one of them to another changes nothing.

by_principal(pairs, sides)   →   the pairs, with those of one role, user or group joined
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.permissive_policies import empty_policy
from aws_iam.engine.comparison.sides.root_names import module_of
from aws_iam.engine.language import cases
from aws_iam.engine.language.document import Kind, Policy

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair
    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide, Sides
    from aws_iam.engine.language.cases import Case

# Policies of a principal that differ in more cases are compared by themselves.
_MOST_CASES = 64
# What policies stand in that are its own; SAM writes a role for each function and state machine.
_PRINCIPALS = (
    *("::Role", "::User", "::Group", "::PermissionSet", "_role", "_user"),
    *("AWS::Serverless::Function", "AWS::Serverless::StateMachine"),
)
_KNOWN_BY_NAME = ("aws_iam_role", "aws_iam_user", "aws_iam_group")
# What Terraform names a principal of one type in.
_ATTACHES = re.compile(
    r"(aws_iam_(?:role|user|group))_polic(?:y|ies)(?:_|\.)|(aws_iam_user)_group_membership\."
)
# A principal is a name within a file, or within the folder of a module.
_Principal = tuple[str, str]


def by_principal(pairs: Sequence[PolicyPair], sides: Sides) -> tuple[PolicyPair, ...]:
    """The pairs, those of a principal with several changed policies joined under its name."""
    held = frozenset((*_holding(sides.new), *_holding(sides.old)))
    now, before = (principals_by_policy(side, held) for side in (sides.new, sides.old))
    alone: dict[_Principal, list[PolicyPair]] = {}
    shared: dict[_Principal, list[PolicyPair]] = {}
    for pair in pairs:
        if not pair.is_limit and grants(pair):
            owners = _kept_owners(pair, now, before)
            is_shared = len(owners) > 1
            for owner in owners if pair.change == "same" or not is_shared else ():
                (shared if is_shared else alone).setdefault(owner, []).append(pair)
    joined: dict[str, list[PolicyPair]] = {}
    for owner, own in alone.items():
        changed = [pair for pair in own if pair.change != "same"]
        if len(changed) > 1:
            joined |= {pair.name: [] for pair in own}
            joined[own[0].name] = list(_in_cases(owner[1], own, shared.get(owner, ())))
        elif changed:
            joined[changed[0].name] = [beside(changed[0], (*own, *shared.get(owner, ())))]
    return tuple(found for pair in pairs for found in joined.get(pair.name, (pair,)))


def beside(pair: PolicyPair, others: Sequence[PolicyPair]) -> PolicyPair:
    """The only policy of a principal, or of a target, that changes; what the others say all along changes nothing."""
    same = [
        policy
        for own in others
        if own.change == "same" and all(map(own.cases.covers, pair.cases.own or (frozenset(),)))
        for policy in own.document
        if policy.statements
    ]
    return replace(pair, document=(*pair.document, *same), baseline=(*pair.baseline, *same))


def _in_cases(
    owner: str, own: Sequence[PolicyPair], shared: Sequence[PolicyPair]
) -> Iterator[PolicyPair]:
    """The policies of a principal as one, apart in each case in which others of the changed ones are there."""
    changed = [pair for pair in own if pair.change != "same"]
    cells = _cells(changed)
    if cells is None:
        yield from own
        return
    parts: dict[tuple[str, ...], Case] = {}
    for cell in cells:
        there = tuple(pair.name for pair in changed if pair.cases.covers(cell))
        parts.setdefault(there, cell)
    several = sum(map(bool, parts)) > 1
    done: set[str] = set()
    for number, (names, cell) in enumerate(parts.items(), start=1):
        there_too = [p for p in own if p.change == "same" and p.cases.covers(cell)]
        found = [*(pair for pair in changed if pair.name in names), *there_too]
        if len(names) > 1:
            label = (cases.in_words(cell) or f"conditions, case {number}") if several else ""
            beside = [pair for pair in shared if pair.cases.covers(cell)]
            yield together(f"{owner} ({label})" if label else owner, found, beside)
            done |= {pair.name for pair in found}
        else:
            yield from (pair for pair in found if pair.name in names)
            done |= set(names)
    yield from (pair for pair in own if pair.name not in done)


def _cells(pairs: Sequence[PolicyPair]) -> list[Case] | None:
    """The cases of several policies at once, as far as they can meet; None where these are too many."""
    cells: dict[Case, None] = {frozenset(): None}
    for every in dict.fromkeys(pair.cases.every for pair in pairs if pair.cases):
        found: dict[Case, None] = {}
        for cell in cells:
            met = [both for case in every if (both := cases.together(cell, case)) is not None]
            found |= dict.fromkeys(cases.in_order(met) or (cell,))
        if len(found) > _MOST_CASES:
            return None
        cells = found
    return list(cells)


def _kept_owners(
    pair: PolicyPair,
    now: Mapping[str, tuple[_Principal, ...]],
    before: Mapping[str, tuple[_Principal, ...]],
) -> tuple[_Principal, ...]:
    """The principals that have the policy wherever it exists; none if a changed policy has others on one side.

    Whoever gets or loses a policy of the file has a pair of its own for that; the policy itself counts on neither side.
    """
    if pair.change in {"added", "removed"}:
        return (now if pair.change == "added" else before).get(pair.name, ())
    mine = now.get(pair.name, ())
    # A policy of a list may have had another number.
    theirs = before.get(pair.name, mine)
    if pair.change != "same" and set(mine) != set(theirs):
        return ()
    return tuple(own for own in mine if own in theirs)


def grants(pair: PolicyPair) -> bool:
    """Whether it is about policies that grant something to whoever has them."""
    return all(p.kind is Kind.IDENTITY for p in (*pair.document, *pair.baseline) if p.statements)


def together(name: str, pairs: Sequence[PolicyPair], shared: Sequence[PolicyPair]) -> PolicyPair:
    """The policies of a principal, or of a target, as one; what stays the same decides, too, whether anything is gained."""
    every = (*pairs, *shared)
    document, baseline = (
        tuple(policy for own in side for policy in own if policy.statements)
        for side in ([pair.document for pair in every], [pair.baseline for pair in every])
    )
    return replace(
        pairs[0],
        name=name,
        change="changed" if document and baseline else "added" if document else "removed",
        document=document or (empty_policy(),),
        baseline=baseline or (empty_policy(),),
        was="",
        parts=tuple(pair.name for pair in pairs),
    )


def principals_by_policy(
    side: NamedSide, held: Container[str]
) -> dict[str, tuple[_Principal, ...]]:
    """The principals that have each policy, by the policy's name; those `held` have policies by their addresses."""
    found: dict[str, tuple[_Principal, ...]] = {}
    resources = side.resources
    by_own_name = _by_own_name(side, held)
    for name, place, targets, kind in _attached(side):
        start, _, address = place.rpartition(" ")
        # A policy of a task, or of data, has no holder: its own name begins with the file.
        file = start if place else name.rpartition(" ")[0]
        full = (
            by_own_name.get((start, *_named_by(address, kind), target))
            or _full_name(file, target, resources, side.roots, place)
            for target in targets
        )
        own = ((start if one in resources else start + module_of(address), one) for one in full)
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *own)))
    return found


def _by_own_name(side: NamedSide, held: Container[str]) -> dict[tuple[str, ...], str]:
    """The only principal of a root folder's module that AWS knows by a name, with its type."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, own in side.found_resources.items():
        type_, _, own_name = own.own_name.partition(" ")
        if own_name and type_ in _KNOWN_BY_NAME:
            start, _, address = name.rpartition(" ")
            found.setdefault((start, module_of(address), type_, own_name), []).append(name)
    return {key: names[0] for key, names in found.items() if len(names) == 1 and names[0] in held}


def _holding(side: NamedSide) -> Iterator[str]:
    """The principals that have policies of their own, or attach some."""
    for own in side.sources:
        if isinstance(own.content, Policy) and own.content.kind is Kind.IDENTITY:
            yield own.holder.name
    yield from (own.holder for own in side.attachments if not own.target)


def _named_by(address: str, kind: str) -> tuple[str, str]:
    """The module of what attaches a policy, and the type of the principal that it names."""
    module = module_of(address)
    if kind:
        return module, f"aws_iam_{kind}"
    found = _ATTACHES.match(address.removeprefix(module))
    return module, (found[1] or found[2]) if found else ""


def _attached(side: NamedSide) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Each policy with what attaches it and the principals that have it, and the kind of these if it is named."""
    by_document: dict[str, list[tuple[str, str, str]]] = {}
    for attached in side.attachments:
        if attached.is_boundary:
            # It grants nothing.
            continue
        target = attached.target or attached.holder
        if attached.document:
            own = (attached.holder, target, attached.target_kind)
            by_document.setdefault(attached.document, []).append(own)
        yield attached.name, attached.holder, (target,), attached.target_kind
    for source in side.sources:
        holder = source.holder
        if isinstance(source.content, Policy) and source.content.kind is Kind.IDENTITY:
            elsewhere = by_document.get(source.name, ())
            is_own = holder.type.endswith(_PRINCIPALS) and not elsewhere
            targets = holder.attached_to or ((holder.name,) if is_own else ())
            yield source.name, holder.name, targets, ""
            for target in holder.attached_to:
                yield f"{source.name} of {target}", holder.name, (target,), ""
            for place, target, kind in elsewhere:
                yield source.name, place, (target,), kind
                yield f"{source.name} of {target}", place, (target,), kind


def _full_name(
    start: str, target: str, resources: Container[str], roots: Container[str], place: str
) -> str:
    """The resource that is the principal, or the part of what has the policy, where the file has it, else its name."""
    if f"{place}/{target}" in resources:
        return f"{place}/{target}"
    full = f"{start} {target}".strip()
    return full if full in resources or start in roots else target
