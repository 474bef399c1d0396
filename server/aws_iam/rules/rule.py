"""A rule: one question with its words, its examples and its proof in one place.

    @rule("SERVICE_WILDCARD", on=Statement, severity=…, title=…, fix=…, source=…, bad=[…], good=[…])
    def service_wildcard(statement: Statement) -> Iterator[Problem]:
        \"\"\"Why it matters.\"\"\"
        yield Problem(where, "what is wrong, with the value")

The decorator returns a `Rule` value; `rules_in` picks the values of a family up, so nothing happens at import.
"""

from __future__ import annotations

from dataclasses import field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.rules.declared import declared_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    from aws_iam.rules.gates import Both, Gate

S = TypeVar("S")


@positional
class Problem:
    """One place where the rule is broken; `severity` only where the rule's own does not fit this case."""

    where: Where
    message: str
    severity: Severity | None = field(default=None, kw_only=True)
    low_confidence: bool = field(default=False, kw_only=True)


@slotted
class Rule(Generic[S]):
    """A declared rule; calling `check` on a subject gives one finding for each problem."""

    code: str
    on: type[S]
    severity: Severity
    title: str
    fix: str
    source: str
    why: str
    bad: tuple[Any, ...]
    good: tuple[Any, ...]
    kinds: frozenset[str]
    # What the policies of the examples are attached to, where the rule needs to be told.
    resource_type: str | None
    problems: Callable[[S], Iterator[Problem]]
    # Where it is worth running; None means everywhere.
    gates: tuple[Gate | Both, ...] | None = None

    def check(self, subject: S, *, at_most: int | None = None) -> tuple[Finding, ...]:
        """The findings on this subject; none when it keeps the rule."""
        return self._findings(self.problems(subject), at_most)

    def check_each(
        self, subjects: Iterable[S], *, at_most: int | None = None
    ) -> tuple[Finding, ...]:
        """The findings on all of these subjects, in their order."""
        return self._findings(chain.from_iterable(map(self.problems, subjects)), at_most)

    def _findings(self, problems: Iterator[Problem], at_most: int | None) -> tuple[Finding, ...]:
        # Nearly every rule is kept, so that is answered first.
        first = next(problems, None)
        if first is None:
            return ()
        return tuple(map(self._finding, islice(chain((first,), problems), at_most)))

    def _finding(self, problem: Problem) -> Finding:
        return Finding(
            code=self.code,
            title=self.title,
            severity=problem.severity or self.severity,
            status=Status.FAIL,
            message=problem.message,
            where=problem.where,
            fix=self.fix,
            source=self.source,
            confidence="low" if problem.low_confidence else None,
        )


def rule(  # noqa: PLR0913 - a declaration: every word of a rule stands here
    code: str,
    *,
    on: type[S],
    severity: Severity,
    title: str,
    fix: str,
    source: str = "",
    bad: Sequence[Any],
    good: Sequence[Any],
    kinds: Iterable[str] = (),
    resource_type: str | None = None,
    when: Iterable[Gate | Both] | None = None,
) -> Callable[[Callable[[S], Iterator[Problem]]], Rule[S]]:
    """Declare a rule over subjects of type `on`; `kinds` limits it to kinds of policy, none means all.

    `when` are the gates one of which is open wherever the rule may be broken; None for a rule that is to run always.

    `bad` and `good` are the rule's first tests and its documentation: statements for a rule on statements, else
    whole policies (or texts), attached to a `resource_type` where one is named. Without `source` the code is one of AWS's own, and its page is the source.
    """

    def declare(problems: Callable[[S], Iterator[Problem]]) -> Rule[S]:
        page = source or _aws_page(code, severity)
        if not (problems.__doc__ and bad and good and page.startswith("https://")):
            message = (
                f"rule {code} needs a docstring, a bad and a good example and an https source"
            )
            raise TypeError(message)
        return Rule(
            code=code,
            on=on,
            severity=severity,
            title=title,
            fix=fix,
            source=page,
            why=problems.__doc__.strip(),
            bad=tuple(bad),
            good=tuple(good),
            kinds=frozenset(kinds),
            resource_type=resource_type,
            problems=problems,
            gates=None if when is None else tuple(when),
        )

    return declare


_AWS_CHECKS = "access-analyzer-reference-policy-checks"
_AWS_WORDS = {Severity.WARNING: "general-warning"}


def _aws_page(code: str, severity: Severity) -> str:
    """Where AWS explains an issue code of its ValidatePolicy."""
    word = _AWS_WORDS.get(severity) or severity.lower().replace("_", "-")
    anchor = f"{_AWS_CHECKS}-{word}-{code.lower().replace('_', '-')}"
    return f"https://docs.aws.amazon.com/IAM/latest/UserGuide/{_AWS_CHECKS}.html#{anchor}"


def rules_in(*modules: ModuleType) -> tuple[Rule[Any], ...]:
    """Every rule of the modules, in order of declaration; refuses a code declared twice."""
    return declared_in(Rule, modules)


__all__ = ["Problem", "Rule", "Where", "rule", "rules_in"]
