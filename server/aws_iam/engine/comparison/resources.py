"""The axis of resources: one ARN for each set of statements that can speak of it together.

    axis.cells(ground)   yields   ("arn:aws:s3:::b/x", {ids of the statements that speak of it})

Resource patterns are laid beside each other within the ARN formats of what an action is authorised on, so that each cell of
their Venn diagram is a resource that can exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.actions import LISTING_BUCKETS
from aws_iam.engine.comparison.arn_formats import (
    ACCOUNT_DIGITS,
    EXAMPLE_REGION,
    example_arn,
    format_pattern,
    formats_for,
    may_match_format,
    shortest_arn,
)
from aws_iam.engine.comparison.pattern_combinations import (
    Region,
    arn_pattern,
    group_combinations,
    wildcard_pattern,
)
from aws_iam.engine.evaluation.beyond import closed_resources
from aws_iam.engine.evaluation.conditions import arn_like
from aws_iam.engine.evaluation.context import with_stand_ins, without_stand_ins
from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.engine.language.pattern import intersects, matches
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.clauses import Clause

# Resource patterns that are laid beside each other at once when a resource need not match any of them.
_FEW = 4
# Statements that are told apart whatever their number of combinations.
_MOST_COMBINED = 4
_FIELDS = 6
_REGION, _ACCOUNT = 3, 4
# In doubt for the listing of buckets, and told by the evaluator to be so: `matching` says why.
_ALL_BUCKETS = "arn:aws:s3:::*"


@slotted
class ResourceQuestion:
    """The statements that speak of an action and a caller, and what is wanted of its resources.

    Only resources are wanted that one of `asked` speaks of, and none that one of `excluding`, by identity, speaks of.
    """

    action: str
    clauses: Sequence[Clause]
    asked: Sequence[Clause]
    excluding: frozenset[int]
    # Whether the caller is of another account.
    is_foreign: bool

    @property
    def anywhere(self) -> frozenset[int]:
        """The statements that speak of every resource, by identity."""
        return frozenset(id(clause) for clause in self.clauses if clause.is_anywhere)

    @property
    def picky(self) -> list[Clause]:
        """The other statements."""
        return [clause for clause in self.clauses if not clause.is_anywhere]


@positional
class _DiagramKey:
    """Resource patterns laid beside each other: a diagram of which `groups` ARNs of a format can meet.

    The ARNs match `text`, if there is one, and none of `without`, nor of `closed`, which is read field by field.
    """

    template: str
    text: str
    groups: tuple[tuple[str, ...], ...]
    without: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ResourceAxis:
    """The resources of one question; each diagram is made once for all actions that are authorised on the same.

    `account` is the one that ARNs are given where nothing else is asked for.
    """

    account: str
    budget: Budget
    _diagrams: dict[_DiagramKey, Mapping[int, str]] = field(default_factory=dict)

    def cells(self, ground: ResourceQuestion) -> Iterator[tuple[str, frozenset[int]]]:
        """Resources of the action, one for each set of statements that speak of it: (ARN, ids of statements)."""
        anywhere, picky = ground.anywhere, ground.picky
        templates = formats_for(ground.action, picky)
        if not templates:
            yield from _on_everything(ground)
            return
        if not picky and not ground.is_foreign:
            yield example_arn(min(templates, key=len), self.account), anywhere
            return
        seen: set[frozenset[int]] = set()
        for template in sorted(templates, key=len):
            for arn, met in self._of_format(template, ground, seen):
                if anywhere | met not in seen:
                    seen.add(anywhere | met)
                    readable = (
                        _readable(without_stand_ins(arn), picky, self.account) if arn else ""
                    )
                    yield readable or example_arn(template, self.account), anywhere | met
        known = catalog().action(ground.action)
        if known and not known.required:
            # No resource of its types takes part in every call: some calls are authorised on `*`.
            yield from (row for row in _on_everything(ground) if row[1] not in seen)

    def _of_format(
        self, template: str, ground: ResourceQuestion, seen: set[frozenset[int]]
    ) -> Iterator[tuple[str, frozenset[int]]]:
        """ARNs of one format, "" for any of them, with the picky statements that speak of each.

        Those are left out that are `seen` already. Of many patterns few meet: each that is asked for is laid beside
        those alone that meet it.
        """
        picky, closed = ground.picky, closed_resources(ground.action, foreign=ground.is_foreign)
        near = {
            id(clause): tuple(
                t for t in clause.resources or () if t and may_match_format(t, template)
            )
            for clause in picky
        }
        texts = tuple(dict.fromkeys(text for listed in near.values() for text in listed))
        among = _among(ground.asked, texts)
        if among is None and not texts and not closed:
            yield "", frozenset(id(clause) for clause in picky if clause.not_resources)
            return
        for text in _split(texts, among):
            beside = _NearbyStatements.of(text, near, ground)
            if beside is None or beside.all_seen(seen, ground.anywhere):
                continue
            plot = _DiagramKey(template, text, beside.groups, beside.without, closed)
            for cell, arn in sorted(self._diagram(plot).items(), key=lambda item: len(item[1])):
                yield arn, beside.met(cell)

    def _diagram(self, plot: _DiagramKey) -> Mapping[int, str]:
        found = self._diagrams.get(plot)
        if found is None and (arn := _at_once(plot)):
            found = self._diagrams[plot] = {0: arn}
        if found is None:
            texts = (plot.text,) if plot.text else ()
            region = Region(
                (format_pattern(plot.template), *map(_pattern, texts)),
                (*map(_pattern, plot.without), *map(_arn_pattern, plot.closed)),
            )
            groups = [tuple(map(_pattern, group)) for group in plot.groups]
            found = self._diagrams[plot] = group_combinations(groups, region, self.budget)
        return found


def _at_once(plot: _DiagramKey) -> str | None:
    """The whole diagram, one ARN, where it can be had without a search."""
    if plot.groups or not plot.text:
        return None
    arn = shortest_arn(plot.template, plot.text)
    if arn is None or any(matches(text, arn) for text in plot.without):
        return None
    return None if any(arn_like(text, arn) for text in plot.closed) else arn


def _split(texts: tuple[str, ...], among: frozenset[str] | None) -> tuple[str, ...]:
    """The patterns that are searched one by one; "" for what is searched whole, or for what none of many has."""
    if among is not None:
        return tuple(text for text in texts if text in among)
    return ("",) if len(texts) <= _FEW else ("", *texts)


@positional
class _NearbyStatements:
    """The statements beside one resource pattern: those with the same patterns near it stand together.

    `always` speak of whatever the pattern has, `owners` of a group of what its patterns have; `negated` speak of what
    theirs do not have.
    """

    groups: tuple[tuple[str, ...], ...]
    owners: tuple[frozenset[int], ...]
    without: tuple[str, ...]
    always: frozenset[int]
    negated: frozenset[int]

    @classmethod
    def of(
        cls, text: str, near: Mapping[int, tuple[str, ...]], ground: ResourceQuestion
    ) -> _NearbyStatements | None:
        """Beside a pattern, or beside none (""); None when nothing that is wanted matches the pattern."""
        negated = frozenset(id(clause) for clause in ground.picky if clause.not_resources)
        count = len({entry for listed in near.values() for entry in listed})
        groups: dict[tuple[str, ...], list[int]] = {}
        without: dict[str, None] = {}
        always = []
        for number, listed in near.items():
            shut = number in ground.excluding and number not in negated
            met = tuple(entry for entry in listed if not text or _intersecting(text, entry))
            if text in met:
                if shut:
                    return None
                always.append(number)
            elif shut or (not text and count > _FEW):
                without |= dict.fromkeys(met)
            elif met:
                groups.setdefault(met, []).append(number)
        return cls(
            groups=tuple(groups),
            owners=tuple(map(frozenset, groups.values())),
            without=tuple(without),
            always=frozenset(always),
            negated=negated,
        )

    def met(self, cell: int) -> frozenset[int]:
        """The statements that speak of what lies in a cell of the groups."""
        listed = self.always.union(*(o for at, o in enumerate(self.owners) if cell >> at & 1))
        return listed ^ self.negated

    def all_seen(self, seen: set[frozenset[int]], anywhere: frozenset[int]) -> bool:
        """Whether no cell could be a new one."""
        if len(self.groups) > _MOST_COMBINED:
            return False
        return all(anywhere | self.met(cell) in seen for cell in range(1 << len(self.groups)))


_pattern = lru_cache(maxsize=20_000)(wildcard_pattern)
_arn_pattern = lru_cache(maxsize=1_000)(arn_pattern)
_intersecting = lru_cache(maxsize=100_000)(intersects)


def _among(asked: Sequence[Clause], texts: Sequence[str]) -> frozenset[str] | None:
    """The texts one of which a wanted resource matches; None when it need not match any."""
    if any(clause.is_anywhere or clause.not_resources for clause in asked):
        return None
    return frozenset(texts).intersection(
        text for clause in asked for text in clause.resources or ()
    )


def _on_everything(ground: ResourceQuestion) -> Iterator[tuple[str, frozenset[int]]]:
    """The request on `*`, twice where AWS leaves open whether a statement speaks of it."""
    met = ground.anywhere | {id(clause) for clause in ground.picky if _speaks_of(clause, "*")}
    yield "*", met
    if ground.action.lower() == LISTING_BUCKETS:
        doubted = {
            id(clause) for clause in ground.picky if _ALL_BUCKETS in (clause.resources or ())
        }
        if doubted:
            yield "*", met ^ doubted


def _speaks_of(clause: Clause, resource: str) -> bool:
    text = with_stand_ins(resource) if resource != "*" else "*"
    listed = any(matches(entry, text) for entry in clause.resources or ())
    return listed is not clause.not_resources


def _readable(arn: str, picky: Sequence[Clause], account: str) -> str:
    """The ARN with a Region and an account that look like some, if the same statements speak of it."""
    fields = arn.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return arn
    better = list(fields)
    if better[_REGION] and len(better[_REGION]) == 1:
        better[_REGION] = EXAMPLE_REGION
    if len(set(better[_ACCOUNT])) == 1 and len(better[_ACCOUNT]) == ACCOUNT_DIGITS:
        better[_ACCOUNT] = account
    nicer = ":".join(better)
    same = all(_speaks_of(clause, nicer) is _speaks_of(clause, arn) for clause in picky)
    return nicer if same else arn
