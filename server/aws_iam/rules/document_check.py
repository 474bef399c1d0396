"""Checks of workload identity: what they judge, how they are declared, and what becomes of missing data.

    @check("OIDC-NO-TENANT", on=Trust, severity=…, title=…, fix=…, source=…, bad=[…], good=[…])
    def any_customer(trust: Trust) -> Iterator[Flaw]:
        \"\"\"Why it matters.\"\"\"
        yield Flaw("what is wrong, with the value", where=…, fix="exactly what to write")

`Trust` is one trust policy, from a document or of a role; `Workloads` is an account with the service accounts of its
clusters. A check that meets a missing fact (`NotCollected`) answers `unknown`, never a pass.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.errors import NotCollected
from aws_iam.escape import escaped
from aws_iam.rules.declared import declared_in
from aws_iam.rules.outcomes import Unknown, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.sources.kubernetes_objects import Pods, ServiceAccount
    from aws_iam.rules.rule import Problem

S = TypeVar("S")
T = TypeVar("T")

_MESSAGE = 2_000
AT_MOST = 200
"""Findings of one check on one subject."""


@slotted
class Trust:
    """One trust policy. What is None nobody looked at: a document alone tells nothing of its role.

    `writes` is whether the role may change anything, `is_powerful` whether it is an administrator or can become one;
    `client_ids` are those of the account's providers by issuer, `tags` whether pods come with session tags.
    `stands_for_any` says that its values stand for ones that only the deployment knows.
    """

    policy: Policy
    role: str = ""
    writes: bool | None = None
    is_powerful: bool | None = None
    client_ids: Mapping[str, tuple[str, ...]] | None = None
    tags: bool | None = None
    stands_for_any: bool = False


@slotted
class Workloads:
    """An account, and the service accounts of its clusters where somebody gave them (None: nobody did).

    `complete` says that they are every one of a cluster, as its API lists them; `pods` are those of manifests.
    """

    account: Account
    service_accounts: tuple[ServiceAccount, ...] | None = None
    complete: bool = False
    pods: tuple[Pods, ...] = ()
    derived: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def once(self, name: str, made: Callable[[], T]) -> T:
        """A value that several checks need, made by the first."""
        if name not in self.derived:
            self.derived[name] = made()
        found: T = self.derived[name]
        return found


@positional
class Flaw:
    """One place where a check fails; `severity` and `fix` where this case has its own."""

    message: str
    where: Where | None = field(default=None, kw_only=True)
    resource: str | None = field(default=None, kw_only=True)
    region: str | None = field(default=None, kw_only=True)
    severity: Severity | None = field(default=None, kw_only=True)
    fix: str | None = field(default=None, kw_only=True)
    low_confidence: bool = field(default=False, kw_only=True)


def flaw_of(problem: Problem, severity: Severity | None = None, fix: str | None = None) -> Flaw:
    """A problem that a rule of policy validation found, under another grade."""
    return Flaw(
        problem.message,
        where=problem.where,
        severity=severity,
        fix=fix,
        low_confidence=problem.low_confidence,
    )


@slotted
class Check(Generic[S]):
    """A declared check; `findings` on a subject gives one finding for each flaw, and one for what could not be read."""

    code: str
    on: type[S]
    severity: Severity
    title: str
    fix: str
    source: str
    why: str
    bad: tuple[Any, ...]
    good: tuple[Any, ...]
    test: Callable[[S], Iterator[Flaw | Unknown]]

    def findings(self, subject: S) -> tuple[Finding, ...]:
        """The findings on this subject; none when it keeps the check."""
        found: list[Finding] = []
        try:
            for each in self.test(subject):
                found.append(self._finding(each))
                if len(found) == AT_MOST:
                    break
        except NotCollected as missing:
            found.append(self._finding(unread(missing)))
        return tuple(found)

    def _finding(self, outcome: Flaw | Unknown) -> Finding:
        base = Finding(
            code=self.code,
            title=self.title,
            severity=self.severity,
            status=Status.FAIL,
            message=escaped(outcome.message, _MESSAGE),
            resource=escaped(outcome.resource, 2048) if outcome.resource else None,
            region=outcome.region,
            fix=self.fix,
            source=self.source,
        )
        if isinstance(outcome, Unknown):
            return replace(base, status=Status.UNKNOWN, reason=escaped(outcome.reason, _MESSAGE))
        return replace(
            base,
            where=outcome.where,
            severity=outcome.severity or self.severity,
            fix=escaped(outcome.fix, _MESSAGE) if outcome.fix else self.fix,
            confidence="low" if outcome.low_confidence else None,
        )


def check(  # noqa: PLR0913 - a declaration: every word of a check stands here
    code: str,
    *,
    on: type[S],
    severity: Severity,
    title: str,
    fix: str,
    source: str,
    bad: Sequence[Any],
    good: Sequence[Any],
) -> Callable[[Callable[[S], Iterator[Flaw | Unknown]]], Check[S]]:
    """Declare a check; `bad` and `good` are its first tests: statements or whole policies for `Trust`, else `Workloads`."""

    def declare(test: Callable[[S], Iterator[Flaw | Unknown]]) -> Check[S]:
        if not (test.__doc__ and bad and good and source.startswith("https://")):
            message = f"check {code} needs a docstring, a bad and a good example and a source"
            raise TypeError(message)
        return Check(
            code=code,
            on=on,
            severity=severity,
            title=title,
            fix=fix,
            source=source,
            why=test.__doc__.strip(),
            bad=tuple(bad),
            good=tuple(good),
            test=test,
        )

    return declare


def checks_in(*modules: ModuleType) -> tuple[Check[Any], ...]:
    """Every check of the modules, in order of declaration; refuses a code declared twice."""
    return declared_in(Check, modules)


def each(
    items: Iterable[T], test: Callable[[T], Iterable[Flaw | Unknown]], name: Callable[[T], str]
) -> Iterator[Flaw | Unknown]:
    """The outcomes of every item; one that cannot be read is unknown by its name, and the others keep theirs."""
    for item in items:
        try:
            yield from test(item)
        except NotCollected as missing:
            yield unread(missing, name(item))
