"""The axis of resources: one ARN for each set of statements that can speak of it together.

    axis.cells(group, clauses, asked, foreign=False)   yields   ("arn:aws:s3:::b/x", {ids of the statements that speak of it})

Resource patterns are laid beside each other within the ARN formats of what an action is authorised on, so that each cell of
their Venn diagram is a resource that can exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.policy.catalog import catalog
from aws_iam.policy.comparison import venn
from aws_iam.policy.comparison.actions import LISTING_BUCKETS
from aws_iam.policy.comparison.formats import (
    ACCOUNT_DIGITS,
    EXAMPLE_REGION,
    example,
    formats,
    may_meet,
    possible,
)
from aws_iam.policy.evaluation.beyond import closed_to
from aws_iam.policy.evaluation.substitution import literal, spelled
from aws_iam.policy.pattern import intersects, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.policy.comparison.actions import Group
    from aws_iam.policy.comparison.clauses import Clause

# Patterns that one diagram holds at once when all its cells are wanted.
_FEW = 4
_FIELDS = 6
_REGION, _ACCOUNT = 3, 4
# In doubt for the listing of buckets, and told by the evaluator to be so: `matching` says why.
_ALL_BUCKETS = "arn:aws:s3:::*"


@dataclass(frozen=True, slots=True)
class _Plot:
    """Resource patterns to be laid beside each other within one ARN format.

    Those of `closed`, read field by field, are ARNs on which no policy opens the action.
    """

    texts: tuple[str, ...]
    template: str
    closed: tuple[str, ...]

    def near(self, text: str) -> _Plot:
        """With those patterns alone that have something in common with one of them."""
        near = tuple(each for each in self.texts if _intersecting(text, each))
        return _Plot(near, self.template, self.closed)


@dataclass(slots=True, kw_only=True)
class ResourceAxis:
    """The resources of one question; each diagram is made once for all actions that are authorised on the same.

    `account` is the one that ARNs are given where nothing else is asked for.
    """

    account: str
    budget: venn.Budget
    _diagrams: dict[tuple[_Plot, str | None], Mapping[int, str]] = field(default_factory=dict)

    def cells(
        self, group: Group, clauses: Sequence[Clause], asked: Sequence[Clause], *, foreign: bool
    ) -> Iterator[tuple[str, frozenset[int]]]:
        """Resources of the group's actions, one for each set of statements that speak of it: (ARN, ids of statements).

        Only resources that one of `asked` speaks of are wanted; `foreign` says that the caller is of another account.
        """
        anywhere = frozenset(id(each) for each in clauses if each.is_anywhere)
        picky = [each for each in clauses if not each.is_anywhere]
        templates = formats(group.action, picky)
        if not templates:
            yield from _on_everything(group.action, anywhere, picky)
            return
        if not picky and not foreign:
            yield example(min(templates, key=len), self.account), anywhere
            return
        every = tuple(dict.fromkeys(text for each in picky for text in each.resources or ()))
        among = _among(asked, every)
        closed = closed_to(group.action, foreign=foreign)
        seen = set()
        for template in sorted(templates, key=len):
            near = tuple(text for text in every if may_meet(text, template))
            for listed, text in self._plotted(_Plot(near, template, closed), among):
                met = anywhere | {
                    id(each)
                    for each in picky
                    if listed.isdisjoint(each.resources or ()) is each.not_resources
                }
                if met not in seen:
                    seen.add(met)
                    arn = _readable(spelled(text), picky, self.account) if text else ""
                    yield arn or example(template, self.account), met
        known = catalog().action(group.action)
        if known and not known.required:
            # No resource of its types takes part in every call: some calls are authorised on `*`.
            yield from (
                each
                for each in _on_everything(group.action, anywhere, picky)
                if each[1] not in seen
            )

    def _plotted(
        self, plot: _Plot, among: frozenset[str] | None
    ) -> Iterator[tuple[frozenset[str], str]]:
        """The combinations of patterns that ARNs meet, each with a shortest one; "" stands for any.

        With `among` one of those must be met. Of many patterns few meet: each that is asked for is laid beside those
        alone that meet it.
        """
        if among is None and not plot.texts and not plot.closed:
            yield frozenset(), ""
            return
        if among is None and len(plot.texts) <= _FEW:
            yield from _listed(plot.texts, self._diagram(plot))
            return
        if among is None and (far := self._outside(plot)):
            yield frozenset(), far
        for text in plot.texts:
            if among is None or text in among:
                near = plot.near(text)
                yield from _listed(near.texts, self._diagram(near, text))

    def _diagram(self, plot: _Plot, among: str | None = None) -> Mapping[int, str]:
        """The cells of the patterns, then of the closed ones; only those within one of them, if given."""
        found = self._diagrams.get((plot, among))
        if found is None:
            found = venn.cells(
                _patterns(plot),
                inside=(possible(plot.template),),
                among=None if among is None else (plot.texts.index(among),),
                budget=self.budget,
            )
            self._diagrams[plot, among] = found
        return found

    def _outside(self, plot: _Plot) -> str | None:
        """An ARN that none of the patterns has."""
        found = self._diagrams.get((plot, ""))
        if found is None:
            text = venn.outside(_patterns(plot), possible(plot.template), self.budget)
            found = {} if text is None else {0: text}
            self._diagrams[plot, ""] = found
        return found.get(0)


def _patterns(plot: _Plot) -> list[venn.Pattern]:
    return [*map(_pattern, plot.texts), *map(venn.arn_pattern, plot.closed)]


_pattern = lru_cache(maxsize=20_000)(venn.pattern)
_intersecting = lru_cache(maxsize=100_000)(intersects)


def _listed(
    texts: tuple[str, ...], found: Mapping[int, str]
) -> Iterator[tuple[frozenset[str], str]]:
    """The patterns of each cell, shortest text first, but for what is closed."""
    for cell, text in sorted(found.items(), key=lambda item: len(item[1])):
        if not cell >> len(texts):
            yield frozenset(each for at, each in enumerate(texts) if cell >> at & 1), text


def _among(asked: Sequence[Clause], texts: Sequence[str]) -> frozenset[str] | None:
    """The texts one of which a wanted resource matches; None when it need not match any."""
    if any(each.is_anywhere or each.not_resources for each in asked):
        return None
    return frozenset(texts).intersection(text for each in asked for text in each.resources or ())


def _on_everything(
    action: str, anywhere: frozenset[int], picky: Sequence[Clause]
) -> Iterator[tuple[str, frozenset[int]]]:
    """The request on `*`, twice where AWS leaves open whether a statement speaks of it."""
    met = anywhere | {id(each) for each in picky if _speaks_of(each, "*")}
    yield "*", met
    if action.lower() == LISTING_BUCKETS:
        doubted = {id(each) for each in picky if _ALL_BUCKETS in (each.resources or ())}
        if doubted:
            yield "*", met ^ doubted


def _speaks_of(clause: Clause, resource: str) -> bool:
    text = literal(resource) if resource != "*" else "*"
    listed = any(matches(each, text) for each in clause.resources or ())
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
    same = all(_speaks_of(each, nicer) is _speaks_of(each, arn) for each in picky)
    return nicer if same else arn
