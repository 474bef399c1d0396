"""Whether one policy allows more than another, what it gains and loses, with requests that show the difference.

    compare(document, baseline)              →  Comparison: more | less | equal | incomparable | unknown
    forbidden_requests(document, forbidden)  →  requests for the forbidden access that the document allows
    public_requests(document)                →  requests of strangers that the document allows

"more" comes with a request that `evaluate` confirmed; "equal" means that a search over everything the policies can
distinguish found nothing. Where the search ran out of its budget the relation is unknown, never equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Comparison
from aws_iam.engine.comparison import variable_values
from aws_iam.engine.comparison.access_changes import access_changes
from aws_iam.engine.comparison.actions import names_of
from aws_iam.engine.comparison.attached_policies import attached_policies
from aws_iam.engine.comparison.attachment_changes import attachment_changes
from aws_iam.engine.comparison.change_risks import ChangeRisks
from aws_iam.engine.comparison.clauses import Atoms, is_principaled, principals_of
from aws_iam.engine.comparison.ineffective_additions import ineffective_additions, misspelt_keys
from aws_iam.engine.comparison.misspelt_names import is_misspelt_action, misspelt_keys_of
from aws_iam.engine.comparison.moved_policies import moved_policies
from aws_iam.engine.comparison.named_accounts import accounts_of, likely_owners
from aws_iam.engine.comparison.named_sides import SidesInForce, named_side
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SearchResult, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all, with_public_principal
from aws_iam.engine.comparison.policy_pairs import (
    is_called,
    policies_of,
    policy_pairs,
    separate_policies,
)
from aws_iam.engine.comparison.principals_together import by_principal
from aws_iam.engine.comparison.renamed_policies import Sides
from aws_iam.engine.comparison.setting_changes import setting_changes
from aws_iam.engine.comparison.unchanged_statements import (
    changed_statements,
    reusable_nodes,
    share_derived,
)
from aws_iam.engine.comparison.unresolved_changes import unresolved_changes, with_unknown_values
from aws_iam.engine.comparison.unusable_policies import without_unusable
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import gathered, sources_of
from aws_iam.engine.tokens.oidc_provider import provider_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.moved_policies import MovedPolicy
    from aws_iam.engine.comparison.policy_pairs import Change, JudgedPolicies, PolicyPair
    from aws_iam.engine.comparison.unjudged_changes import UnjudgedChange
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.gathered import Gathered, Unread

    Relation = Literal["more", "less", "equal", "incomparable", "unknown"]

_SHOWN = 3
MOST_WITNESSES = 3
"""Requests shown for each direction."""


def compare(document: object, baseline: object) -> Comparison:
    """How the document's access relates to the baseline's.

    Several policies on one side count as their union; the policies of templates and other larger files are compared by
    name.
    """
    return compare_documents(document, baseline).comparison


@slotted
class ComparedPolicy:
    """The policies of a name, or all of both documents, with the searches in both directions and what they found."""

    name: str
    change: Change
    was: str
    # Whether it is a permissions boundary.
    is_limit: bool
    # The names of all policies of a principal, where these are they, and the name is the principal's.
    parts: tuple[str, ...]
    comparison: Comparison
    beyond: SearchResult
    short: SearchResult
    gained: tuple[AccessChange, ...]
    lost: tuple[AccessChange, ...]
    # What the document adds without effect.
    ineffective: tuple[Mapping[str, str], ...]
    misspelt_keys: tuple[Mapping[str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Its name, and those of the policies that it is made of."""
        return frozenset((self.name, *self.parts))


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

    @property
    def broken(self) -> tuple[Unread, ...]:
        """The files of both sides that cannot be read."""
        return tuple(place for side in self.inputs for place in side.unread if place.broken)

    def relation_of(self, policy: ComparedPolicy) -> Relation:
        """The relation of one of the policies, which is unknown where a change of it could not be compared."""
        own = [change for change in self.unjudged if change.place in policy.names]
        return _undoubted(policy.comparison, own)

    @property
    def gained(self) -> tuple[AccessChange, ...]:
        """What any of the policies gains, riskiest first."""
        return _together(self.policies, [compared.gained for compared in self.policies])

    @property
    def lost(self) -> tuple[AccessChange, ...]:
        """What any of the policies loses, riskiest first."""
        return _together(self.policies, [compared.lost for compared in self.policies])


def compare_documents(
    document: object, baseline: object, policy: str | None = None, *, per_principal: bool = False
) -> ComparedDocuments:
    """The comparison policy by policy; `policy` picks one by its logical id, address or name.

    With `per_principal` the policies of a principal are one.
    """
    new = gathered(document)
    parsed = tuple(s.content for s in new.sources if isinstance(s.content, Policy))
    old = gathered(baseline, known=reusable_nodes(document, parsed, baseline))
    new, old = _with_unknown_values(new), _with_unknown_values(old)
    held = SidesInForce.of(named_side(document, new), named_side(baseline, old))
    sides = Sides.of(held.new, held.old)
    sides, unusable = without_unusable(sides)
    pairs = policy_pairs(sides.document, sides.baseline, policy, sides.former_names)
    if per_principal:
        pairs = by_principal(pairs, sides)
    before = tuple(own for pair in pairs for own in pair.baseline)
    managed = {own.name for own in sides.new.attachments if own.managed}
    compared = tuple(_compared(pair, before) for pair in pairs)
    values = tuple(unresolved_changes(sides.document, sides.baseline))
    # What AWS wrote without effect is nobody's mistake, and a value that is known later may have one.
    unjudged = managed.union(own.place for own in values) | ({""} if values else set())
    compared = tuple(
        p if unjudged.isdisjoint(p.names) else replace(p, ineffective=()) for p in compared
    )
    comparison = compared[0].comparison if len(compared) == 1 else _combined(compared)
    changes = (
        own
        for own in (
            *attachment_changes(sides.new, sides.old),
            *held.unjudged,
            *values,
            *unusable,
        )
        if is_called(own.place, policy)
    )
    found = ComparedDocuments(
        policies=compared,
        comparison=comparison,
        inputs=(new, old),
        unjudged=(*changes, *setting_changes(sides.new, sides.old, policy)),
        moved=tuple(
            own for own in moved_policies(sides.new, sides.old) if is_called(own.name, policy)
        ),
        renamed=tuple(own for own in sides.renamed if is_called(own[1], policy)),
        switched_off=tuple(own for own in held.switched_off if is_called(own, policy)),
        switched_on=tuple(own for own in held.switched_on if is_called(own, policy)),
        sources=(sides.document, sides.baseline),
        written=(sides.new.sources, sides.old.sources),
    )
    relation = _undoubted(comparison, found.unjudged, may_widen=bool(found.broken))
    return replace(found, comparison=replace(comparison, relation=relation))


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


def _with_unknown_values(side: Gathered) -> Gathered:
    sources = tuple(map(with_unknown_values, side.sources))
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


def _compared(pair: PolicyPair, baseline: tuple[Policy, ...]) -> ComparedPolicy:
    new, old = pair.document, pair.baseline
    share_derived(new, old)
    _refuse_mixture(new, old)
    atoms = Atoms()
    beside, notes = _beside_rcps(new, old)
    new_beside, old_beside = (*new, *beside), (*old, *beside)
    decisive = changed_statements(new_beside, old_beside)
    ours, theirs = (
        SideStatements.of(policies, atoms, decisive) for policies in (new_beside, old_beside)
    )
    forward = OneWaySearch(atoms=atoms, policies=ours, without=theirs)
    beyond = _without_misspelt(forward.search())
    short = _without_misspelt(OneWaySearch(atoms=atoms, policies=theirs, without=ours).search())
    gained = access_changes(beyond, _risks(beyond, forward, baseline), decisive)
    # What is lost completes no path.
    lost = access_changes(short, ChangeRisks(policies=(), before=(), of_loss=True), decisive)
    notes = (*notes, *_other_policies(beyond, short), *_owner_in_words(new, old, beyond, short))
    assuming = dict.fromkeys((*_assumptions((*new, *old)), *notes, *beyond.open, *short.open))
    return ComparedPolicy(
        name=pair.name,
        change=pair.change,
        was=pair.was,
        is_limit=pair.is_limit,
        parts=pair.parts,
        comparison=Comparison(
            relation=_relation(beyond, short),
            assuming=tuple(assuming),
            witnesses=(*_witnesses("document", beyond), *_witnesses("baseline", short)),
            gained=tuple(change.row() for change in gained),
            lost=tuple(change.row() for change in lost),
        ),
        beyond=beyond,
        short=short,
        gained=gained,
        lost=lost,
        ineffective=ineffective_additions(
            new,
            old,
            decisive,
            frozenset(name for change in (*gained, *lost) for name in change.names),
            is_complete=not any(found.open or found.cut for found in (beyond, short)),
        ),
        misspelt_keys=misspelt_keys(new, old, decisive),
    )


def _without_misspelt(found: SearchResult) -> SearchResult:
    """Without the actions that do not exist and are spelled almost like one that does."""
    kept = tuple(
        d for d in found.differences if not all(map(is_misspelt_action, names_of([d.group])))
    )
    if kept or not found.cut:
        return replace(found, differences=kept)
    return replace(found, differences=kept, open=found.cut, cut=())


def _witnesses(allowed_by: str, found: SearchResult) -> Iterator[Mapping[str, Any]]:
    for request in found.requests[:MOST_WITNESSES]:
        yield {"allowed_by": allowed_by, **request}


def _risks(
    beyond: SearchResult, search: OneWaySearch, baseline: tuple[Policy, ...]
) -> ChangeRisks:
    """The judge of what is gained; for policies of resources it knows what strangers gain."""
    new, old = search.policies.policies, search.without.policies
    if not beyond.differences or not is_principaled(new):
        return ChangeRisks(policies=new, before=old)
    strangers = replace(search, strangers=True).search()
    exposed: dict[int, set[str]] = {}
    for difference in strangers.differences:
        for clause in difference.clauses:
            exposed.setdefault(id(clause.statement), set()).update(names_of([difference.group]))
    return ChangeRisks(
        policies=new,
        before=old,
        exposed={statement: frozenset(names) for statement, names in exposed.items()},
        baseline=baseline,
    )


def _beside_rcps(
    new: tuple[Policy, ...], old: tuple[Policy, ...]
) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """An Allow of everything, if RCPs only deny, and the assumption to report."""
    policies = (*new, *old)
    statements = [statement for policy in policies for statement in policy.statements]
    if all(p.kind is not Kind.RCP for p in policies) or any(s.allows for s in statements):
        return (), ()
    return (allow_all(principaled=True),), (
        "neither side allows anything, so both are compared as RCPs: together with RCPFullAWSAccess",
    )


def _other_policies(*searches: SearchResult) -> Iterator[str]:
    """What is assumed of policies that are not compared, where a Deny differs."""
    changed = [clause for found in searches for clause in found.changed if not clause.allows]
    if any(not clause.has_principals for clause in changed):
        yield "other policies of the principal may allow anything: a Deny limits them, too"


def _owner_in_words(
    new: Sequence[Policy], old: Sequence[Policy], *searches: SearchResult
) -> Iterator[str]:
    """Whose the resource is taken to be, where changed principals name accounts that may own it."""
    if not any(found.assumes_owner for found in searches):
        return
    likely = likely_owners(new, old)
    named = accounts_of(principals_of((*new, *old)))
    if likely is None or not named - likely:
        return
    others = joined(sorted(named - likely), "or", shown=_SHOWN)
    yield f"the resource is taken to belong to another account than {others}, which only a change names"


def forbidden_requests(
    document: object, forbidden: object, policy: str | None = None
) -> SearchResult:
    """Requests for the forbidden access, given as statements without principals, that any policy allows, of every action."""
    kept_out = policies_of(sources_of(forbidden), "forbidden")
    return _joined(
        (judged, _forbidden_search(judged.policies, kept_out))
        for judged in _separate(document, policy)
    )


def _forbidden_search(new: tuple[Policy, ...], kept_out: tuple[Policy, ...]) -> SearchResult:
    if is_principaled(new):
        kept_out = tuple(map(with_public_principal, kept_out))
    atoms = Atoms()
    ours, theirs = SideStatements.of(new, atoms), SideStatements.of(kept_out, atoms)
    return OneWaySearch(atoms=atoms, policies=ours, within=theirs).search()


def public_requests(
    document: object, most: int | None = MOST_WITNESSES, policy: str | None = None
) -> SearchResult:
    """The requests of strangers that the policies of resources and roles allow, or without a number of every action."""
    judged = [own for own in _separate(document, policy) if is_principaled(own.policies)]
    if not judged:
        raise InputError(
            "`public` reads who can use a resource, but this policy has no principals",
            hint="give a resource policy or a trust policy",
        )
    return _joined((own, _public_search(own.policies, most)) for own in judged)


def _public_search(policies: tuple[Policy, ...], most: int | None) -> SearchResult:
    atoms = Atoms()
    written = SideStatements.of(policies, atoms)
    return OneWaySearch(atoms=atoms, policies=written, strangers=True).search(most)


def without_principals(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The names of the policies of a document that cannot be public."""
    return tuple(
        own.name for own in _separate(document, policy) if not is_principaled(own.policies)
    )


def _joined(searches: Iterable[tuple[JudgedPolicies, SearchResult]]) -> SearchResult:
    """The results for several policies as one; each request names its policy."""
    found = tuple(searches)
    if len(found) == 1 and not found[0][0].name:
        return found[0][1]
    differences = tuple(
        replace(difference, request={"policy": judged.name, **difference.request})
        for judged, search in found
        for difference in search.differences
    )
    cut = [f"{quoted(own.name)}: {why}" for own, search in found for why in search.cut]
    open_ = [f"{quoted(own.name)}: {why}" for own, search in found for why in search.open]
    return SearchResult(
        differences=differences,
        open=() if differences else tuple(open_),
        cut=(*cut, *open_) if differences else (),
    )


def unknown_issuers(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The issuers of tokens that the policies trust and that nothing is known about, such as one's own."""
    providers = map(provider_of, principals_of(_policies(document, policy)))
    return tuple(
        dict.fromkeys(p.host for p in providers if p and not (p.issuer or p.is_kubernetes))
    )


def assumptions(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The assumptions of a search over the document."""
    return tuple(_assumptions(_policies(document, policy)))


def _separate(document: object, policy: str | None) -> tuple[JudgedPolicies, ...]:
    found = gathered(document)
    side = named_side(document, found)
    attached = attached_policies(side.attachments, side.attachments, side.sources)
    return separate_policies((*side.sources, *attached), policy)


def _policies(document: object, policy: str | None) -> tuple[Policy, ...]:
    return tuple(own for judged in _separate(document, policy) for own in judged.policies)


def _refuse_mixture(new: Sequence[Policy], old: Sequence[Policy]) -> None:
    named = {is_principaled((policy,)) for policy in (*new, *old) if policy.statements}
    if len(named) > 1:
        raise InputError(
            "a policy with principals cannot be compared with one without",
            hint="compare resource policies with resource policies, identity policies with identity policies",
        )


def _relation(beyond: SearchResult, short: SearchResult) -> Relation:
    if beyond.requests and short.requests:
        return "incomparable"
    if beyond.requests and short.is_none:
        return "more"
    if short.requests and beyond.is_none:
        return "less"
    return "equal" if beyond.is_none and short.is_none else "unknown"


def _assumptions(policies: Sequence[Policy]) -> Iterator[str]:
    as_of = catalog().as_of
    yield f"actions and ARN formats as of {as_of}: actions that AWS adds after {as_of} are not compared"
    if any(statement.conditions for policy in policies for statement in policy.statements):
        yield "any request may carry any condition key, and the values of its keys are independent of each other"
    for key in dict.fromkeys(misspelt_keys_of(policies)):
        yield f"no request carries {quoted(key)}, which is no known condition key as of {as_of}"
    names = variable_values.variable_names(policies)
    if names:
        listed = ", ".join(f"`${{{name}}}`" for name in names)
        yield f"the values of {listed} contain no `*`, `?`, `:` or `/` and are the same on both sides"
    if is_principaled(policies):
        yield "callers in the resource's account have either no other permissions or all; all resources belong to one account"
