"""Whether one document allows more than another, what it gains and loses, policy by policy.

compare(document, baseline)             →  Comparison: more | less | equal | incomparable | unknown
compare_documents(document, baseline)   →  ComparedDocuments: each pair, and the changes that no search covers
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.answer import Comparison, with_texts
from aws_iam.engine.comparison.affected_principals import EVERYONE
from aws_iam.engine.comparison.compared_policy import MOST_WITNESSES, compared_policy
from aws_iam.engine.comparison.sides.alternative_changes import alternative_changes
from aws_iam.engine.comparison.sides.attachment_changes import attachment_changes
from aws_iam.engine.comparison.sides.boundaries import with_limits
from aws_iam.engine.comparison.sides.kinds_alike import with_boundaries_alike, with_kinds_alike
from aws_iam.engine.comparison.sides.moved_policies import moved_policies
from aws_iam.engine.comparison.sides.named_sides import SidesInForce, named_side
from aws_iam.engine.comparison.sides.policies_of_resources import doubled_policies
from aws_iam.engine.comparison.sides.policies_of_targets import by_target
from aws_iam.engine.comparison.sides.policy_pairs import is_called, policy_pairs
from aws_iam.engine.comparison.sides.principals_together import by_principal
from aws_iam.engine.comparison.sides.removed_policies import opening_removals
from aws_iam.engine.comparison.sides.renamed_policies import Sides
from aws_iam.engine.comparison.sides.root_folders import with_roots_alike
from aws_iam.engine.comparison.sides.setting_changes import setting_changes
from aws_iam.engine.comparison.sides.several_roots import changes_together, pairs_together
from aws_iam.engine.comparison.sides.unknown_accounts import filled, with_accounts_as_written
from aws_iam.engine.comparison.sides.unknown_documents import without_unknown
from aws_iam.engine.comparison.sides.unreadable_files import readable_before, with_readable
from aws_iam.engine.comparison.sides.unresolved_changes import (
    unresolved_changes,
)
from aws_iam.engine.comparison.sides.unusable_policies import without_unusable
from aws_iam.engine.comparison.sides.workload_roles import with_workloads
from aws_iam.engine.comparison.unchanged_statements import reusable_nodes, share_derived
from aws_iam.engine.language.document import Policy
from aws_iam.engine.sources.boundaries import with_boundaries
from aws_iam.engine.sources.containers.cloudformation_permissions import OF_PERMISSIONS
from aws_iam.engine.sources.gather import as_written
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compared_policy import ComparedPolicy, Relation
    from aws_iam.engine.comparison.sides.moved_policies import MovedPolicy
    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.gathered import Gathered, Unread

_CALL_OF_URL = "lambda:InvokeFunctionUrl"


def compare(document: object, baseline: object) -> Comparison:
    """How the document's access relates to the baseline's.

    Several policies on one side count as their union; the policies of templates and other larger files are compared by
    name.
    """
    found = compare_documents(document, baseline)
    comparison = found.comparison
    return with_texts(comparison, found.as_written) if found.made_up else comparison


@slotted
class ComparedDocuments:
    """All that two documents were compared by, and the comparison of both."""

    policies: tuple[ComparedPolicy, ...]
    comparison: Comparison
    inputs: tuple[Gathered, Gathered]
    # What changes and cannot be compared: attachments, boundaries, settings, values that are known later.
    unjudged: tuple[UnjudgedChange, ...] = ()
    # The policies that are attached to something else.
    moved: tuple[MovedPolicy, ...] = ()
    # The former names of resources and of policies, each with the name that it has now.
    renamed: tuple[tuple[str, str], ...] = ()
    # The resources that have no instance any more, and those that had none.
    switched_off: tuple[str, ...] = ()
    switched_on: tuple[str, ...] = ()
    # The policies of the document and of the baseline that were compared, and those of them that stand there in full.
    sources: tuple[tuple[Source, ...], tuple[Source, ...]] = ((), ())
    written: tuple[tuple[Source, ...], tuple[Source, ...]] = ((), ())
    # The files by the names of policies, resources and attachments; where a name is in both, that of now.
    files: Mapping[str, str] = field(default_factory=dict)
    # What the files have in the place of each account that was made up to compare them.
    made_up: Mapping[str, str] = field(default_factory=dict)

    def as_written(self, text: str) -> str:
        """A text about the comparison, with accounts as the files have them."""
        return with_accounts_as_written(text, self.made_up)

    @property
    def broken(self) -> tuple[Unread, ...]:
        """The files of both sides that cannot be read."""
        return _broken(self.inputs)

    def relation_of(self, policy: ComparedPolicy) -> Relation:
        """The relation of one of the policies, which is unknown where a change of it could not be compared."""
        names = policy.names
        if not policy.name:
            names |= {source.name for side in self.sources for source in side}
        own = [change for change in self.unjudged if not names.isdisjoint(change.places)]
        unread = {place.file for place in self.broken}
        is_unread = not unread.isdisjoint(map(self.files.get, names))
        return _undoubted(policy.comparison, own, may_widen=is_unread)

    def without(self, told: Container[UnjudgedChange]) -> ComparedDocuments:
        """The same without changes that were judged after all."""
        unjudged = tuple(own for own in self.unjudged if own not in told)
        comparison = _judged(self.policies, unjudged, self.inputs)
        return replace(self, unjudged=unjudged, comparison=comparison)

    @property
    def gained(self) -> tuple[AccessChange, ...]:
        """What any of the policies gains, riskiest first."""
        return _together(self.policies, [compared.gained for compared in self.policies])

    @property
    def lost(self) -> tuple[AccessChange, ...]:
        """What any of the policies loses, riskiest first."""
        return _together(self.policies, [compared.lost for compared in self.policies])


def compare_documents(
    document: object,
    baseline: object,
    policy: str | None = None,
    *,
    per_principal: bool = False,
    partly: bool = False,
) -> ComparedDocuments:
    """The comparison policy by policy; `policy` picks one by its logical id, address or name.

    With `per_principal` the policies of a principal are one. With `partly` a policy that cannot be used is named, though it
    may be the only one.
    """
    document, baseline = with_roots_alike(document, baseline)
    new = as_written(document)
    parsed = _policies(new)
    old = as_written(baseline, known=reusable_nodes(document, parsed, baseline))
    share_derived(parsed, _policies(old))
    new, old = with_readable(document, new, baseline, old)
    new, old, unknown_documents = without_unknown(document, new, baseline, old)
    made_up: dict[str, str] = {}
    new, old = _with_unknown_values(new, made_up), _with_unknown_values(old, made_up)
    workloads = with_workloads(named_side(document, new), named_side(baseline, old))
    held = SidesInForce.of(workloads.new, workloads.old)
    limiting = map(_with_boundaries, with_kinds_alike(held.new, held.old))
    sides = with_boundaries_alike(Sides.of(*limiting))
    sides, unusable = without_unusable(sides, even_alone=partly)
    shared = sides.new.roots & sides.old.roots
    pairs = policy_pairs(sides.document, sides.baseline, policy, sides.former_names, shared)
    if per_principal:
        pairs = with_limits(by_target(by_principal(pairs, sides), sides), sides)
    roots = sides.new.roots | sides.old.roots
    pairs = pairs_together(pairs, roots)
    before = tuple(own for pair in pairs for own in pair.baseline)
    managed = {own.name for own in sides.new.attachments if own.managed}
    compared = tuple(
        own
        for own in (compared_policy(pair, before) for pair in pairs)
        # One more thing with a role that was there is news where that role is a powerful one.
        if workloads.started.isdisjoint(own.names) or own.is_powerful
    )
    values = tuple(unresolved_changes(sides.document, sides.baseline))
    perhaps = {own.place for own in held.unjudged if own.widens}
    values += tuple(alternative_changes(sides, {own.place for own in values} | perhaps))
    # What AWS wrote without effect is nobody's mistake, and a value that is known later may have one.
    unknown = {own.place for own in values} | ({""} if values else set())
    compared = tuple(
        p
        if (managed | unknown).isdisjoint(p.names)
        else replace(p, ineffective=(), ineffective_before=())
        for p in compared
    )
    # What it says may be the same, and what it stands for another thing.
    compared = tuple(
        replace(p, change="changed")
        if p.change == "same" and not unknown.isdisjoint(p.names)
        else p
        for p in compared
    )
    changes = (
        own
        for own in (
            *attachment_changes(sides.new, sides.old, sides.document, sides.baseline),
            *held.unjudged,
            *values,
            *unusable,
            *unknown_documents,
            *opening_removals(sides.new, sides.old),
            *doubled_policies(sides.new, sides.old),
        )
        if is_called(own.place, policy)
    )
    called_urls = frozenset(_called_urls(compared, sides))
    unjudged = (
        *changes_together(changes, roots),
        *setting_changes(sides.new, sides.old, called_urls, policy),
    )
    return ComparedDocuments(
        policies=compared,
        comparison=_judged(compared, unjudged, (new, old)),
        inputs=(new, old),
        unjudged=unjudged,
        moved=tuple(
            own for own in moved_policies(sides.new, sides.old) if is_called(own.name, policy)
        ),
        renamed=tuple(own for own in sides.renamed if is_called(own[1], policy)),
        switched_off=tuple(own for own in held.switched_off if is_called(own, policy)),
        switched_on=tuple(own for own in held.switched_on if is_called(own, policy)),
        sources=(sides.document, sides.baseline),
        written=(sides.new.sources, readable_before(old, sides.old.sources)),
        files={**sides.old.files, **sides.new.files},
        made_up=made_up,
    )


def _policies(side: Gathered) -> tuple[Policy, ...]:
    return tuple([own.content for own in side.sources if isinstance(own.content, Policy)])


def _with_boundaries(side: NamedSide) -> NamedSide:
    if not side.attachments and side.is_bare:
        return side
    return replace(side, sources=with_boundaries(side.sources, side.attachments))


def _broken(inputs: Sequence[Gathered]) -> tuple[Unread, ...]:
    return tuple(place for side in inputs for place in side.unread if place.broken)


def _judged(
    policies: Sequence[ComparedPolicy],
    unjudged: Sequence[UnjudgedChange],
    inputs: Sequence[Gathered],
) -> Comparison:
    """The comparison of all policies, with the relation that what was not judged or read leaves."""
    comparison = _of_all(policies)
    relation = _undoubted(comparison, unjudged, may_widen=bool(_broken(inputs)))
    return (
        comparison if relation == comparison.relation else replace(comparison, relation=relation)
    )


def _undoubted(
    comparison: Comparison, unjudged: Sequence[UnjudgedChange], *, may_widen: bool = False
) -> Relation:
    """The relation, unless what was not judged may make it another one."""
    widens = may_widen or any(change.widens for change in unjudged)
    # A setting takes no access away that a policy grants.
    narrows = any(change.narrows and not change.is_setting for change in unjudged)
    doubted = {
        *(("equal", "less") if widens else ()),
        *(("equal", "more") if narrows else ()),
    }
    relation = comparison.relation or "unknown"
    return "unknown" if relation in doubted else relation


def _called_urls(compared: Iterable[ComparedPolicy], sides: Sides) -> Iterator[str]:
    """The policies of functions by which everyone gains or loses calls of their URLs, and the functions, as those are named."""
    # A policy that is compared alone has no name.
    alone = [own.name for own in sides.document]
    for own in compared:
        for change in (*own.gained, *own.lost):
            if _CALL_OF_URL in change.names and EVERYONE in change.principals:
                for name in [own.name] if own.name else alone:
                    yield name
                    start = name.removesuffix(OF_PERMISSIONS).rpartition(" ")[0]
                    shorts = (arn.rpartition(":")[2] for arn in change.resources)
                    yield from (f"{start} {short}{OF_PERMISSIONS}".strip() for short in shorts)


def _filled_in_roots(source: Source) -> tuple[Source, Mapping[str, str]]:
    """The policy, and what it is in each root folder, with something for what is not known."""
    found, accounts = filled(source)
    if not source.roots:
        return found, accounts
    roots: list[Source] = []
    for own in source.roots:
        if own.content is not source.content:
            known, more = filled(own)
            accounts = {**accounts, **more}
        elif found is source:
            known = own
        else:
            known = replace(own, content=found.content, unresolved=found.unresolved)
        roots.append(known)
    changed = any(new is not old for new, old in zip(roots, source.roots, strict=True))
    return (replace(found, roots=tuple(roots)) if changed else found), accounts


def _with_unknown_values(side: Gathered, made_up: dict[str, str]) -> Gathered:
    found = [_filled_in_roots(own) for own in side.sources]
    for _, accounts in found:
        made_up |= accounts
    sources = tuple(own for own, _ in found)
    changed = any(new is not old for new, old in zip(sources, side.sources, strict=True))
    return replace(side, sources=sources) if changed else side


def _together(
    policies: Sequence[ComparedPolicy], changes: Sequence[Iterable[AccessChange]]
) -> tuple[AccessChange, ...]:
    named = (
        change.of(compared.name, is_limit=compared.is_limit)
        for compared, own in zip(policies, changes, strict=True)
        for change in own
    )
    return tuple(sorted(named, key=lambda change: change.order))


def _of_all(compared: Sequence[ComparedPolicy]) -> Comparison:
    return compared[0].comparison if len(compared) == 1 else _combined(compared)


def _combined(compared: Sequence[ComparedPolicy]) -> Comparison:
    """One comparison of several pairs of policies."""
    relations = {policy.comparison.relation for policy in compared}
    gained, lost = (
        _together(compared, [policy.gained for policy in compared]),
        _together(compared, [policy.lost for policy in compared]),
    )
    witnesses = [
        {"policy": policy.name, **witness}
        for policy in compared
        for witness in policy.comparison.witnesses
    ]
    shown = [
        witness
        for side in ("document", "baseline")
        for witness in [w for w in witnesses if w["allowed_by"] == side][:MOST_WITNESSES]
    ]
    return Comparison(
        relation=_common_relation(relations),
        assuming=tuple(
            dict.fromkeys(text for policy in compared for text in policy.comparison.assuming)
        ),
        witnesses=tuple(shown),
        gained=tuple(change.row() for change in gained),
        lost=tuple(change.row() for change in lost),
    )


def _common_relation(relations: set[Relation | None]) -> Relation:
    more = bool(relations & {"more", "incomparable"})
    less = bool(relations & {"less", "incomparable"})
    if more and less:
        return "incomparable"
    if "unknown" in relations:
        return "unknown"
    return "more" if more else "less" if less else "equal"
