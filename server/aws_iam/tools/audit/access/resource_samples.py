"""Sample resources of a pattern: one for each set of a policy's resource patterns that a resource can match together.

    ResourceSamples().of("arn:aws:s3:::books/*", formats, [("arn:aws:s3:::books/x*",)])   →   books/z, which no other pattern
    matches, and books/x

Where all sets are found, what holds for none of the samples holds for no resource of the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.arn_formats import format_pattern
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.pattern_combinations import (
    Region,
    group_combinations,
    resource_pattern,
)
from aws_iam.engine.evaluation.context import without_stand_ins
from aws_iam.engine.language.arn import of_requested_api
from aws_iam.engine.language.pattern import covers, intersects, matches
from aws_iam.engine.language.variables import variables
from aws_iam.frozen import positional
from aws_iam.tools.audit.access.partial_evaluation import known_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement

# Steps of one search, and of all searches of a question.
_MOST_STEPS = 20_000
_MOST_IN_ALL = 2_000_000
_MOST_ALONE = 2_000
_MOST_SAMPLES = 60
_FILLER = "x"

Group = tuple[str, ...]
"""The resource patterns of one statement."""


@positional
class Samples:
    """Resources of a pattern; where they are not `complete`, a set of patterns may have none."""

    arns: tuple[str, ...]
    complete: bool = True


def pattern_groups(
    statements: Iterable[tuple[Statement, bool]], request: Request, is_open: Callable[[str], bool]
) -> tuple[tuple[Group, ...], bool]:
    """The patterns of each statement that some of the asked resources match and others do not; and whether all are known.

    A statement comes with whether `${…}` is a variable in it.
    """
    listed = list(statements)
    groups: dict[Group, None] = {}
    exact = True
    for statement, has_variables in listed:
        words = (*statement.resource_words, *statement.not_resource_words)
        entries = [(of_requested_api(word, request.resource), True) for word in words]
        if has_variables:
            entries = [
                (text, known)
                for word, _ in entries
                for text, known in [known_pattern(word, request.context, is_open)]
                if text is not None
            ]
            narrower = chain.from_iterable(_with_named_values(word, listed) for word in words)
            groups |= {
                (text,): None
                for word in narrower
                for text, _ in [known_pattern(word, request.context, is_open)]
                if text is not None and intersects(text, request.resource)
            }
        exact = exact and all(known for _, known in entries)
        if any(known and covers(text, request.resource) for text, known in entries):
            continue
        group = tuple(text for text, _ in entries if intersects(text, request.resource))
        if group:
            groups[group] = None
    return tuple(groups), exact


def _with_named_values(word: str, statements: Iterable[tuple[Statement, bool]]) -> Iterator[str]:
    """A resource with the values that conditions on the key of one of its variables name."""
    for variable in variables(word):
        for statement, _ in statements:
            for condition in statement.conditions_on(variable.name.lower()):
                for value in condition.values:
                    if "${" not in value.value:
                        yield word.replace(variable.text, value.value)


@dataclass(slots=True)
class ResourceSamples:
    """Finds samples; equal questions, such as of principals with the same policies, are answered once."""

    _budget: Budget = field(default_factory=lambda: Budget(_MOST_IN_ALL))
    _known: dict[tuple[str, tuple[str, ...], tuple[Group, ...]], Samples] = field(
        default_factory=dict
    )

    def of(self, pattern: str, formats: tuple[str, ...], groups: tuple[Group, ...]) -> Samples:
        """The samples of a pattern that have one of the ARN formats."""
        key = (pattern, formats, groups)
        if key not in self._known:
            self._known[key] = self._found(*key)
        return self._known[key]

    def _found(self, pattern: str, formats: tuple[str, ...], groups: tuple[Group, ...]) -> Samples:
        regions = [_region(pattern, template) for template in formats or ("",)]
        try:
            found = [
                arn for region in regions for arn in self._combined(groups, region, _MOST_STEPS)
            ]
        except OverBudget:
            return Samples(tuple(dict.fromkeys(self._alone(groups, regions))), complete=False)
        readable = tuple(dict.fromkeys(_named(arn, pattern, groups) for arn in found))
        return Samples(readable[:_MOST_SAMPLES], complete=len(readable) <= _MOST_SAMPLES)

    def _alone(self, groups: tuple[Group, ...], regions: list[Region]) -> Iterator[str]:
        """A resource for each statement alone, where there are too many combinations."""
        for group in groups[:_MOST_SAMPLES]:
            for region in regions:
                try:
                    yield from self._combined((group,), region, _MOST_ALONE)
                except OverBudget:
                    continue

    def _combined(self, groups: tuple[Group, ...], region: Region, steps: int) -> Iterator[str]:
        budget = Budget(min(steps, self._budget.left))
        given = budget.left
        patterns = [tuple(map(resource_pattern, group)) for group in groups]
        try:
            found = group_combinations(patterns, region, budget)
        finally:
            self._budget.left -= given - max(0, budget.left)
        yield from map(without_stand_ins, sorted(found.values(), key=len))


def _region(pattern: str, template: str) -> Region:
    within = resource_pattern(pattern)
    return Region((within, format_pattern(template)) if template else (within,))


def _named(arn: str, pattern: str, groups: tuple[Group, ...]) -> str:
    """The sample with a letter beside the sign at the end of its name, where the same patterns match that.

    A name rarely is empty, or all after its dot.
    """
    for at in (len(arn), arn.rfind("/") + 1):
        longer = f"{arn[:at]}{_FILLER}{arn[at:]}"
        beside = arn[-1] if at == len(arn) else arn[at]
        texts = (pattern, *(text for group in groups for text in group))
        if not beside.isalnum() and all(matches(t, arn) is matches(t, longer) for t in texts):
            arn = longer
    return arn
