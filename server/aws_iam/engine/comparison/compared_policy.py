"""What one policy allows beyond another one and the other way round, with requests that show it and the risks of what is gained.

    compared_policy(pair, before)   →   ComparedPolicy, with the Comparison: more | less | equal | incomparable | unknown

"more" comes with a request that `evaluate` confirmed; "equal" means that a search over everything the policies can
distinguish found nothing. Where the search ran out of its budget the relation is unknown, never equal.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Comparison, Severity
from aws_iam.engine.comparison.access_changes import access_changes
from aws_iam.engine.comparison.actions import names_of
from aws_iam.engine.comparison.affected_principals import is_of_root_user
from aws_iam.engine.comparison.assumptions import assumptions_of
from aws_iam.engine.comparison.change_risks import ChangeRisks
from aws_iam.engine.comparison.clauses import Atoms, is_principaled, principals_of
from aws_iam.engine.comparison.ineffective_additions import (
    ineffective_additions,
    ineffective_removals,
    misspelt_keys,
)
from aws_iam.engine.comparison.misspelt_names import is_misspelt_action
from aws_iam.engine.comparison.named_accounts import accounts_of, likely_owners
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SearchResult, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all
from aws_iam.engine.comparison.unchanged_statements import changed_statements
from aws_iam.engine.comparison.within_limits import (
    judged_by_limited,
    perhaps_stopped,
    stopped_actions,
)
from aws_iam.engine.language.document import Kind
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.sides.policy_pairs import Change, PolicyPair
    from aws_iam.engine.language.document import Policy

    Relation = Literal["more", "less", "equal", "incomparable", "unknown"]

_SHOWN = 3
MOST_WITNESSES = 3
"""Requests shown for each direction."""


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
    # The names in each of several root folders of Terraform, where the same changes there.
    namesakes: tuple[str, ...]
    comparison: Comparison
    beyond: SearchResult
    short: SearchResult
    gained: tuple[AccessChange, ...]
    lost: tuple[AccessChange, ...]
    # What the document adds without effect.
    ineffective: tuple[Mapping[str, str], ...]
    # What it no longer has and that had none, where that is the whole change.
    ineffective_before: tuple[Mapping[str, str], ...]
    misspelt_keys: tuple[Mapping[str, str], ...]
    # The actions that it newly allows and that permissions boundaries stop, and these.
    stopped: tuple[str, ...] = ()
    stopped_by: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Its name, and those of the policies that it is made of."""
        return frozenset((self.name, *self.parts, *self.namesakes))

    @property
    def is_powerful(self) -> bool:
        """Whether it gains what makes an administrator, or leads to one."""
        return any(change.risk.severity is Severity.CRITICAL for change in self.gained)


def compared_policy(pair: PolicyPair, baseline: tuple[Policy, ...]) -> ComparedPolicy:
    """The comparison of a pair; `baseline` are the policies of all pairs before the change."""
    new, old = pair.document, pair.baseline
    _refuse_mixture(new, old)
    atoms = Atoms()
    beside, notes = _beside_rcps(new, old)
    new_beside, old_beside = (*new, *beside), (*old, *beside)
    decisive = changed_statements(new_beside, old_beside)
    ours, theirs = (
        SideStatements.of(policies, atoms, decisive) for policies in (new_beside, old_beside)
    )
    within, former = (
        _side(own.policies if own else (), atoms) for own in (pair.limit, pair.former_limit)
    )
    whole = OneWaySearch(atoms=atoms, policies=ours, without=theirs)
    forward = replace(whole, within=within)
    backward = OneWaySearch(atoms=atoms, policies=theirs, without=ours, within=former)
    beyond, short = (_without_misspelt(own.search()) for own in (forward, backward))
    risks = replace(
        _risks(beyond, forward, baseline), within=within.policies, formerly_within=former.policies
    )
    some = partial(access_changes, beyond, risks, decisive)
    if pair.limit and pair.limit.why:
        gained = tuple(perhaps_stopped(change, pair.limit) for change in some())
    elif pair.limited and beyond.differences:
        allowed = replace(whole, within=_side(pair.limited, atoms)).search()
        gained = tuple(judged_by_limited(some, allowed))
    else:
        gained = some()
    stopped = stopped_actions(_without_misspelt(whole.search()), beyond) if within.policies else ()
    # What is lost completes no path.
    lost = access_changes(short, ChangeRisks(policies=(), before=(), of_loss=True), decisive)
    notes = (
        *notes,
        *_other_policies(beyond, short),
        *_limits_root((*new, *old), beyond, short),
        *_owner_in_words(new, old, beyond, short),
    )
    assuming = dict.fromkeys((*assumptions_of((*new, *old)), *notes, *beyond.open, *short.open))
    return ComparedPolicy(
        name=pair.name,
        change=pair.change,
        was=pair.was,
        is_limit=pair.is_limit,
        parts=pair.parts,
        namesakes=pair.namesakes,
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
            frozenset(stopped).union(*[change.names for change in (*gained, *lost)]),
            is_complete=not any(found.open or found.cut for found in (beyond, short)),
        ),
        ineffective_before=() if gained or lost else ineffective_removals(new, old, decisive),
        misspelt_keys=misspelt_keys(new, old, decisive),
        stopped=stopped,
        stopped_by=pair.limit.names if pair.limit and stopped else (),
    )


def _side(policies: tuple[Policy, ...], atoms: Atoms) -> SideStatements:
    return SideStatements.of(tuple(replace(own, kind=Kind.IDENTITY) for own in policies), atoms)


def _without_misspelt(found: SearchResult) -> SearchResult:
    """Without the actions that do not exist and are spelled almost like one that does."""
    kept = tuple(
        d for d in found.differences if not all(map(is_misspelt_action, names_of([d.group])))
    )
    if len(kept) == len(found.differences):
        return found
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


def _limits_root(policies: Sequence[Policy], *searches: SearchResult) -> Iterator[str]:
    """What is assumed of policies that say nothing of their kind, where the root user gains or loses."""
    requests = (difference.request for found in searches for difference in found.differences)
    names_root = any(is_of_root_user(own["request"]["principal"]) for own in requests)
    is_guessed = any(own.kind_guessed for own in policies if own.statements)
    if is_guessed and not is_principaled(policies) and names_root:
        yield "the policy is read as a service control policy, which limits the root user: no identity policy does"


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
