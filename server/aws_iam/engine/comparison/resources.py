"""The resources to search: one ARN for each set of statements that can apply to it together.

    axis.cells(question)   yields   ("arn:aws:s3:::b/x", {ids of the statements that apply to it})

Resource patterns are combined within the ARN formats that an action is authorized on, so each combination is a resource
that can exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.arn_formats import (
    ACCOUNT_DIGITS,
    EXAMPLE_REGION,
    by_length,
    example_arn,
    format_pattern,
    formats_for,
    may_match_format,
    shortest_arn,
)
from aws_iam.engine.comparison.nearby_patterns import NearbyPatterns
from aws_iam.engine.comparison.pattern_combinations import (
    Region,
    arn_pattern,
    group_combinations,
    resource_pattern,
)
from aws_iam.engine.evaluation.conditions import arn_like
from aws_iam.engine.evaluation.context import with_stand_ins, without_stand_ins
from aws_iam.engine.evaluation.fixed_outcomes import closed_resources
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import regions
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.clauses import Clause

# Up to this many resource patterns are combined at once when a resource need not match any of them.
_FEW = 4
# Resource patterns that are compared with a format in one step of the budget.
_FILTERED = 8
# Up to this many groups all combinations are checked for new ones.
_MOST_COMBINED = 4
_FIELDS = 6
_REGION, _ACCOUNT = 3, 4


@slotted
class ResourceQuestion:
    """The statements that apply to an action and a caller, and which of its resources to search.

    Those to which one of `uncovered` applies, and none of `excluding`, by identity.
    """

    action: str
    clauses: Sequence[Clause]
    uncovered: Sequence[Clause]
    excluding: frozenset[int]
    # Patterns one of which a wanted resource matches besides; None when it need not match any.
    within: tuple[str, ...] | None
    # Whether the caller is from another account.
    is_foreign: bool

    @property
    def required(self) -> tuple[str, ...] | None:
        """The patterns one of which a wanted resource must match; None when it need not match any."""
        known = [] if self.within is None else [self.within]
        if not any(clause.is_anywhere or clause.not_resources for clause in self.uncovered):
            known.append(
                tuple(dict.fromkeys(t for c in self.uncovered for t in c.resources or ()))
            )
        return min(known, key=len, default=None)

    @property
    def anywhere(self) -> frozenset[int]:
        """The statements that apply to every resource, by identity."""
        return frozenset(id(clause) for clause in self.clauses if clause.is_anywhere)

    @property
    def limited(self) -> list[Clause]:
        """The statements that apply to some resources only."""
        return [clause for clause in self.clauses if not clause.is_anywhere]


@positional
class _Combination:
    """Which combinations of `groups` of patterns ARNs of a format can match.

    The ARNs match `text`, if there is one, and none of `without`, nor of `closed`, which is matched field by field.
    """

    template: str
    text: str
    groups: tuple[tuple[str, ...], ...]
    without: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ResourceAxis:
    """The resources of one search; combinations are computed once for all actions with the same resource types.

    `account` is used in ARNs where no statement asks for another.
    """

    account: str
    budget: Budget
    _found: dict[_Combination, Mapping[int, str]] = field(default_factory=dict)
    _patterns: dict[tuple[tuple[str, ...] | None, str], NearbyPatterns] = field(
        default_factory=dict
    )

    def cells(self, question: ResourceQuestion) -> Iterator[tuple[str, frozenset[int]]]:
        """Resources of the action, one for each set of statements that apply to it: (ARN, ids of statements)."""
        anywhere, limited = question.anywhere, question.limited
        templates = formats_for(question.action, limited)
        if not templates:
            yield from _on_everything(question)
            return
        if not limited and not question.is_foreign:
            yield example_arn(by_length(templates)[0], self.account), anywhere
            return
        seen: set[frozenset[int]] = set()
        for template in by_length(templates):
            for arn, met in self._of_format(template, question, seen):
                if anywhere | met not in seen:
                    seen.add(anywhere | met)
                    readable = (
                        _readable(without_stand_ins(arn), limited, self.account) if arn else ""
                    )
                    yield readable or example_arn(template, self.account), anywhere | met
        known = catalog().action(question.action)
        if known and not known.required:
            # No resource type is required in every call: some calls are authorized on `*`.
            yield from (row for row in _on_everything(question) if row[1] not in seen)

    def _of_format(
        self, template: str, question: ResourceQuestion, seen: set[frozenset[int]]
    ) -> Iterator[tuple[str, frozenset[int]]]:
        """ARNs of one format, "" for any of them, with the limited statements that apply to each.

        Leaves out sets of statements that are `seen` already. Few of many patterns overlap, so each is combined only with
        those that overlap it.
        """
        required = self._required(question, template)
        if required is not None and not required:
            return
        limited, closed = (
            question.limited,
            closed_resources(question.action, foreign=question.is_foreign),
        )
        near = {id(clause): self._near(clause.resources, template) for clause in limited}
        texts = tuple(
            dict.fromkeys(text for patterns in near.values() for text in patterns.ordered)
        )
        among = None if required is None else required.intersection(texts)
        if among is None and not texts and not closed:
            yield "", frozenset(id(clause) for clause in limited if clause.not_resources)
            return
        for text in _split(texts, among):
            nearby = _NearbyStatements.of(
                text, near, question, self.budget, many=len(texts) > _FEW
            )
            if nearby is None or nearby.all_seen(seen, question.anywhere):
                continue
            key = _Combination(template, text, nearby.groups, nearby.without, closed)
            for cell, arn in sorted(self._arns(key).items(), key=lambda item: len(item[1])):
                yield arn, nearby.met(cell)

    def _required(self, question: ResourceQuestion, template: str) -> frozenset[str] | None:
        """The patterns of the format one of which a wanted resource must match; None when it need not match any."""
        required = question.required
        return None if required is None else self._near(required, template).texts

    def _near(self, resources: tuple[str, ...] | None, template: str) -> NearbyPatterns:
        """The resources of a statement that can have the format."""
        key = (resources, template)
        patterns = self._patterns.get(key)
        if patterns is None:
            self.budget.spend(1 + len(resources or ()) // _FILTERED)
            patterns = self._patterns[key] = NearbyPatterns(
                [t for t in resources or () if t and may_match_format(t, template)]
            )
        return patterns

    def _arns(self, key: _Combination) -> Mapping[int, str]:
        found = self._found.get(key)
        if found is None and (arn := _at_once(key)):
            found = self._found[key] = {0: arn}
        if found is None:
            texts = (key.text,) if key.text else ()
            region = Region(
                (format_pattern(key.template), *map(_pattern, texts)),
                (*map(_pattern, key.without), *map(arn_pattern, key.closed)),
            )
            groups = [tuple(map(_pattern, group)) for group in key.groups]
            found = self._found[key] = group_combinations(groups, region, self.budget)
        return found


def _at_once(key: _Combination) -> str | None:
    """The ARN, where there is one combination that can be found without a search."""
    if key.groups or not key.text:
        return None
    arn = shortest_arn(key.template, key.text)
    if arn is None or any(matches(text, arn) for text in key.without):
        return None
    return None if any(arn_like(text, arn) for text in key.closed) else arn


def _split(texts: tuple[str, ...], among: frozenset[str] | None) -> tuple[str, ...]:
    """The patterns to search one by one; "" for all at once, or for resources that match none of many patterns."""
    if among is not None:
        return tuple(text for text in texts if text in among)
    return ("",) if len(texts) <= _FEW else ("", *texts)


@positional
class _NearbyStatements:
    """The statements whose patterns overlap one resource pattern, grouped by those patterns.

    `always` apply to every resource of the pattern, the `owners` of a group to resources that match one of its patterns;
    `negated` apply to resources that theirs do not match.
    """

    groups: tuple[tuple[str, ...], ...]
    owners: tuple[frozenset[int], ...]
    without: tuple[str, ...]
    always: frozenset[int]
    negated: frozenset[int]

    @classmethod
    def of(
        cls,
        text: str,
        near: Mapping[int, NearbyPatterns],
        question: ResourceQuestion,
        budget: Budget,
        *,
        many: bool,
    ) -> _NearbyStatements | None:
        """The statements near a pattern, or near none (""); None when no wanted resource matches the pattern."""
        negated = frozenset(id(clause) for clause in question.limited if clause.not_resources)
        groups: dict[tuple[str, ...], list[int]] = {}
        without: dict[str, None] = {}
        always = []
        for number, patterns in near.items():
            excluded = number in question.excluding and number not in negated
            if text in patterns.texts:
                if excluded:
                    return None
                always.append(number)
                continue
            met = patterns.overlapping(text, budget)
            if excluded or (not text and many):
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
        """The statements that apply to the resources of a combination of groups."""
        listed = self.always.union(*(o for at, o in enumerate(self.owners) if cell >> at & 1))
        return listed ^ self.negated

    def all_seen(self, seen: set[frozenset[int]], anywhere: frozenset[int]) -> bool:
        """Whether every combination of groups was seen."""
        if len(self.groups) > _MOST_COMBINED:
            return False
        return all(anywhere | self.met(cell) in seen for cell in range(1 << len(self.groups)))


# Without the memo a comparison takes 1.2 times as long.
_pattern = lru_cache(maxsize=20_000)(resource_pattern)


def _on_everything(question: ResourceQuestion) -> Iterator[tuple[str, frozenset[int]]]:
    """The request on `*`."""
    yield (
        "*",
        question.anywhere
        | {id(clause) for clause in question.limited if _applies_to(clause, "*")},
    )


def _applies_to(clause: Clause, resource: str) -> bool:
    text = with_stand_ins(resource) if resource != "*" else "*"
    listed = any(matches(entry, text) for entry in clause.resources or ())
    return listed is not clause.not_resources


def _readable(arn: str, limited: Sequence[Clause], account: str) -> str:
    """The ARN with an existing Region and the example account, as far as the same statements apply to it."""
    fields = arn.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return arn
    if len(set(fields[_ACCOUNT])) == 1 and len(fields[_ACCOUNT]) == ACCOUNT_DIGITS:
        arn = _with_field(fields, _ACCOUNT, (account,), limited)
        fields = arn.split(":", _FIELDS - 1)
    if fields[_REGION] and regions().partition(fields[_REGION]) is None:
        own = (r for r, partition in regions().partitions.items() if partition == fields[1])
        arn = _with_field(fields, _REGION, (EXAMPLE_REGION, *own), limited)
    return arn


def _with_field(
    fields: Sequence[str], at: int, values: Iterable[str], limited: Sequence[Clause]
) -> str:
    """The ARN with the first value to which the same statements apply, else as it is."""
    arn = ":".join(fields)
    for value in values:
        other = ":".join((*fields[:at], value, *fields[at + 1 :]))
        if all(_applies_to(clause, other) is _applies_to(clause, arn) for clause in limited):
            return other
    return arn
