"""One decorator for everything that judges: policy rules; checks of secrets, keys and workloads; CIS controls.

    @check(
        "SERVICE_WILDCARD",
        on=Statement,
        severity=Severity.SECURITY_WARNING,
        title="Statement allows every action of a service",
        fix="List the actions that the workload calls.",
        source="https://docs.aws.amazon.com/…",
        bad=[allow("s3:*")],
        good=[deny("s3:*")],
    )
    def service_wildcard(statement: Statement) -> Iterator[Outcome]:
        \"\"\"Why it matters, and when the alarm would be wrong.\"\"\"
        yield Fail(statement.place("Action"), "what is wrong, with the value")

A test is a generator of outcomes over one subject: a Statement, a Policy, the text of one (Syntax), a trust policy, a
key policy, an Account. A test on an account takes the terms as its second argument: thresholds and trusted accounts. A
fact that could not be read becomes an Unknown outcome here, so that no author can forget it.

The decorator returns a `Check` value, and `checks_in` collects the values of modules: importing one changes nothing.
The examples are the first tests of a check and its documentation: `bad` must fail, `good` must pass, and `trap` looks
bad but must pass. Gates (`when`) only save time and may be left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, Generic, TypeVar

from aws_iam.answer import Finding, Severity
from aws_iam.engine.reference.frameworks import ids_of
from aws_iam.errors import NotCollected
from aws_iam.escape import LONGEST_SENTENCE, escaped
from aws_iam.frozen import slotted
from aws_iam.rules.fix_placeholders import fill_placeholders
from aws_iam.rules.outcomes import STATUS, Fail, Outcome, Unknown, guarded, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.rules.gates import Both, Gate

S = TypeVar("S")

AT_MOST = 200
"""The most findings of one check on one document; the answer says when there may be more."""
# The longest ARN has 2,048 characters.
_LONGEST_RESOURCE = 2_048


@slotted
class Check(Generic[S]):
    """A declared check: its words, its examples and its test."""

    code: str
    on: type[S]
    severity: Severity
    title: str
    fix: str
    source: str
    why: str
    test: Callable[..., Iterable[Outcome]]
    needs: tuple[Fact[Any], ...] = ()
    bad: tuple[Any, ...] = ()
    good: tuple[Any, ...] = ()
    trap: tuple[Any, ...] = ()
    # The kinds of policy that it applies to; empty means all.
    kinds: frozenset[str] = frozenset()
    # The type of resource that the example policies are attached to, if the check needs it.
    resource_type: str | None = None
    # Where the check can find something; None means everywhere.
    gates: tuple[Gate | Both, ...] | None = None

    def outcomes(self, subject: S, terms: object) -> Iterator[Outcome]:
        """The outcomes of the test on an account under these terms; a fact that could not be read ends them with an Unknown."""
        return guarded(lambda: self.test(subject, terms))

    def findings(self, *subjects: S, at_most: int = AT_MOST) -> tuple[Finding, ...]:
        """One finding for each Fail and each Unknown on these documents, in order."""
        findings: list[Finding] = []
        for subject in subjects:
            try:
                for outcome in self.test(subject):
                    findings.append(self.finding(outcome))
                    if len(findings) == at_most:
                        return tuple(findings)
            except NotCollected as missing:
                findings.append(self.finding(unread(missing)))
        return tuple(findings)

    def failures(self, subject: S) -> Iterator[Fail]:
        """The failures on one document, for a check that builds on this one."""
        return (outcome for outcome in self.test(subject) if isinstance(outcome, Fail))

    def finding(self, outcome: Outcome, account: Account | None = None) -> Finding:
        """The finding for an outcome; on an account the fix of a failure names the resource."""
        failed = outcome if isinstance(outcome, Fail) else None
        resource = _resource(outcome)
        return Finding(
            code=self.code,
            title=self.title,
            severity=(failed and failed.severity) or self.severity,
            status=STATUS[type(outcome)],
            message=escaped(outcome.message, LONGEST_SENTENCE),
            reason=escaped(outcome.reason, LONGEST_SENTENCE)
            if isinstance(outcome, Unknown)
            else None,
            where=outcome.where,
            resource=escaped(resource, _LONGEST_RESOURCE) if resource else None,
            region=outcome.region,
            account=account.id if account else None,
            fix=self.fix_for(outcome, account) if failed else None,
            source=self.source,
            frameworks=dict(ids_of(self.code)) or None,
            confidence="low" if failed and failed.low_confidence else None,
        )

    def fix_for(self, outcome: Outcome, account: Account | None) -> str:
        """The fix for this outcome; on an account its placeholders are filled with the names that are known."""
        failed = outcome if isinstance(outcome, Fail) else None
        fix = escaped(failed.fix, LONGEST_SENTENCE) if failed and failed.fix else self.fix
        if account is None:
            return fix
        return fill_placeholders(
            fix,
            resource=_resource(outcome),
            region=outcome.region,
            account=account.id,
            partition=account.partition,
            more=failed.names if failed else (),
        )


def _resource(outcome: Outcome) -> str | None:
    """The resource of the outcome; a bare Region is not a resource and is only in the finding's `region`."""
    return None if outcome.resource == outcome.region else outcome.resource


def check(  # noqa: PLR0913 - a declaration takes all that a check consists of
    code: str,
    *,
    on: type[S],
    severity: Severity,
    title: str,
    fix: str,
    source: str = "",
    bad: Sequence[Any],
    good: Sequence[Any],
    trap: Sequence[Any] = (),
    needs: Iterable[Fact[Any]] = (),
    kinds: Iterable[str] = (),
    resource_type: str | None = None,
    when: Iterable[Gate | Both] | None = None,
) -> Callable[[Callable[Concatenate[S, ...], Iterable[Outcome]]], Check[S]]:
    """Declare a check of subjects of type `on`; `needs` are the facts of an account that it reads.

    `kinds` limits it to kinds of policy. `when` lists gates, of which at least one is open wherever the check may fail.
    Without `source` the code is one of ValidatePolicy, and the source is its page.
    """

    def declare(test: Callable[Concatenate[S, ...], Iterable[Outcome]]) -> Check[S]:
        page = source or _aws_page(code, severity)
        if not (test.__doc__ and bad and good and page.startswith("https://")):
            message = (
                f"check {code} needs a docstring, a bad and a good example, and an https source"
            )
            raise TypeError(message)
        return Check(
            code=code,
            on=on,
            severity=severity,
            title=title,
            fix=fix,
            source=page,
            why=test.__doc__.strip(),
            test=test,
            needs=tuple(needs),
            bad=tuple(bad),
            good=tuple(good),
            trap=tuple(trap),
            kinds=frozenset(kinds),
            resource_type=resource_type,
            gates=None if when is None else tuple(when),
        )

    return declare


_AWS_CHECKS = "access-analyzer-reference-policy-checks"
_AWS_LEVELS = {Severity.WARNING: "general-warning"}


def _aws_page(code: str, severity: Severity) -> str:
    """The page on which AWS explains an issue code of ValidatePolicy."""
    level = _AWS_LEVELS.get(severity) or severity.lower().replace("_", "-")
    anchor = f"{_AWS_CHECKS}-{level}-{code.lower().replace('_', '-')}"
    return f"https://docs.aws.amazon.com/IAM/latest/UserGuide/{_AWS_CHECKS}.html#{anchor}"


def checks_in(*modules: ModuleType) -> tuple[Check[Any], ...]:
    """Every check of the modules, in order of declaration; a code that is declared twice is an error."""
    by_code: dict[str, Check[Any]] = {}
    for module in modules:
        for value in vars(module).values():
            # One test can decide several CIS controls.
            for declared in value if isinstance(value, tuple) else (value,):
                if not isinstance(declared, Check):
                    continue
                if declared.code in by_code:
                    message = f"check {declared.code} is declared twice"
                    raise TypeError(message)
                by_code[declared.code] = declared
    return tuple(by_code.values())


def needs_of(checks: Iterable[Check[Any]]) -> tuple[Fact[Any], ...]:
    """The facts that these checks read, each once."""
    return tuple({fact.name: fact for declared in checks for fact in declared.needs}.values())
