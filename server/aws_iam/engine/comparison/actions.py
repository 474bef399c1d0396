"""The actions to search: one for each set of statements that apply to it, and for each way in which AWS authorizes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.clauses import Clause

LISTING_BUCKETS = "s3:listallmybuckets"
"""The one action whose resource AWS does not document."""

# Patterns that an action is matched with in one step of the budget.
_PATTERNS = 8
# Steps that it costs to expand a pattern with a wildcard in its service.
_EXPANSION = 10_000
_SERVICE = 2
_WELL_KNOWN = ("s3", "ec2", "sqs", "iam")
_EVERY = frozenset({"*", "*:*"})
_ACTION = re.compile(r"[a-z0-9-]+:[a-z0-9_-]+", re.IGNORECASE)
_ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity"})
# One action for each way in which the resource's own policy must allow.
_STRICT = (
    "kms:Decrypt",
    "kms:PutKeyPolicy",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
)
_ROLE_ACTIONS = frozenset(
    {
        "iam:createservicelinkedrole",
        "iam:deleteservicelinkedrole",
        "iam:passrole",
        "iam:updateroledescription",
    }
)


@slotted
class ActionGroup:
    """Actions to which the same statements apply, represented by one of them."""

    action: str
    clauses: tuple[Clause, ...]


def action_groups(
    uncovered: Sequence[Clause], clauses: Sequence[Clause], budget: Budget
) -> list[ActionGroup]:
    """Known actions to which an uncovered statement applies, one for each set of statements that apply.

    Where a statement names resources, actions that are authorized on different resource types count as different.
    """
    if not uncovered:
        return []
    by_place = any(not clause.is_anywhere for clause in clauses)
    principaled = any(clause.has_principals for clause in clauses)
    found: dict[tuple[object, ...], ActionGroup] = {}
    compared = len(clauses) + sum(len(c.ready.anywhere) for c in clauses)
    speakers = _ClausesByAction(clauses)
    # Candidates come from the uncovered statements, unless these are open-ended.
    askers = _ClausesByAction(uncovered) if _is_open_ended(uncovered) else None
    for name in _candidates(
        uncovered, clauses, budget, by_place=by_place, principaled=principaled
    ):
        lower = name.lower()
        budget.spend(1 + compared // _PATTERNS)
        speaking = speakers.of(lower)
        if not speaking or (askers and not askers.of(lower)):
            continue
        named = any(not c.is_anywhere for c in speaking)
        apart = decided_by_aws_rule(name) if named or principaled else ""
        sign = (tuple(map(id, speaking)), _types(name) if named else (), apart)
        if sign not in found:
            found[sign] = ActionGroup(action=name, clauses=speaking)
    return list(found.values())


class _ClausesByAction:
    """Finds the clauses that apply to an action; most clauses list plain names."""

    __slots__ = ("_listing", "_others")

    def __init__(self, clauses: Sequence[Clause]) -> None:
        plain = [c for c in clauses if not (c.ready.patterns or c.ready.negated)]
        self._listing = [(clause, clause.ready.names) for clause in plain]
        self._others = [c for c in clauses if c.ready.patterns or c.ready.negated]

    def of(self, action: str) -> tuple[Clause, ...]:
        """The clauses that apply to an action, given in lower case."""
        listing = [clause for clause, names in self._listing if action in names]
        return (*listing, *[clause for clause in self._others if clause.ready.takes(action)])


def _types(action: str) -> tuple[object, ...]:
    known = catalog().action(action)
    return (known.service, *known.resource_types, bool(known.required)) if known else ()


def _candidates(
    uncovered: Sequence[Clause],
    clauses: Sequence[Clause],
    budget: Budget,
    *,
    by_place: bool,
    principaled: bool,
) -> Iterator[str]:
    """Known actions that represent all others: any set of statements that applies to some action applies to one of them."""
    open_ended = _is_open_ended(uncovered)
    mentioned: dict[str, None] = {}
    for clause in clauses if open_ended else uncovered:
        statement = clause.statement
        left = {*clause.ready.names, *clause.ready.patterns} - _EVERY
        for word in statement.not_action_words or statement.action_words:
            if (entry := word.lower()) in left:
                if entry in clause.ready.anywhere:
                    budget.spend(_EXPANSION)
                mentioned |= dict.fromkeys(matching_actions(entry))
    # Allowed to everyone, whatever the policies say.
    mentioned.pop("sts:GetCallerIdentity", None)
    yield from mentioned
    if not open_ended:
        return
    if principaled:
        yield from (name for name in _STRICT if name not in mentioned)
    yield from _unmentioned_actions(_services_named(clauses) if by_place else set(), mentioned)


def _is_open_ended(uncovered: Sequence[Clause]) -> bool:
    return any(c.ready.negated or not _EVERY.isdisjoint(c.ready.patterns) for c in uncovered)


def _unmentioned_actions(named: set[str], mentioned: Mapping[str, None]) -> Iterator[str]:
    """Actions that no statement mentions: they differ only in their resource types and in who must allow them."""
    for prefix in sorted(named):
        yield from _unmentioned(prefix, mentioned)
    # One service represents all others: the same statements apply to their resources.
    kinds: set[bool] = set()
    for prefix in (*_WELL_KNOWN, *sorted(catalog().services)):
        if prefix in named:
            continue
        for name in _unmentioned(prefix, mentioned):
            yield name
            known = catalog().action(name)
            kinds.add(bool(known and known.resource_types))
        if len(kinds) > 1:
            return


def _services_named(clauses: Sequence[Clause]) -> set[str]:
    """The services whose resources the statements name."""
    texts = dict.fromkeys(
        resource for c in clauses for resource in c.resources or () if resource != "*"
    )
    parts = (text.split(":", 3) for text in texts)
    fields = {part[2] if len(part) > _SERVICE else "*" for part in parts}
    return {prefix for field in fields for prefix in catalog().naming(field)}


def _unmentioned(prefix: str, mentioned: Mapping[str, None]) -> Iterator[str]:
    service = catalog().service(prefix)
    seen = set()
    for action in service.actions.values() if service else ():
        kind = (
            action.resource_types,
            bool(action.required),
            decided_by_aws_rule(action.full_name),
        )
        if action.full_name in mentioned or action.full_name in _ALWAYS_ALLOWED or kind in seen:
            continue
        seen.add(kind)
        yield action.full_name


def is_kms_or_sts(action: str) -> bool:
    """Whether the action belongs to KMS or STS, whose resource policies must allow even callers of the same account."""
    return action.lower().startswith(("kms:", "sts:"))


# Without the memo a comparison takes 1.1 times as long.
@memo_of_reference(20_000)
def decided_by_aws_rule(action: str) -> str:
    """Which of AWS's own rules, apart from policies, decide on the action; the same text for actions under the same rules."""
    service = action.partition(":")[0].lower()
    if service == "sts":
        return action.lower()
    if service == "kms":
        across = "across" if works_across_accounts(action) else "within"
        return action.lower() if "alias" in action.lower() else across
    if service == "iam":
        known = catalog().action(action)
        plain = known is not None and action.lower() not in _ROLE_ACTIONS
        return known.level if known and plain else action.lower()
    return action.lower() if action.lower() == LISTING_BUCKETS else ""


def matching_actions(entry: str) -> tuple[str, ...]:
    """The known actions that an entry of Action matches, in AWS's spelling."""
    if "*" in entry or "?" in entry:
        return catalog().expand(entry)
    known = catalog().action(entry)
    if known is None and not _ACTION.fullmatch(entry):
        # Not the form of an action: no request has it.
        return ()
    # A name that the reference lacks may still be an action: it is kept as written, on any resource.
    return (known.full_name if known else entry,)
