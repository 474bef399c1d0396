"""`policy validate --online`: Access Analyzer's findings, merged with the offline ones by code and place.

Each policy is sent to AWS as compact JSON, and nothing else. If AWS does not answer, a finding of status `unknown` says
why, and the offline findings are kept unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.language.document import Form, Kind, Policy, dump
from aws_iam.engine.language.document import Source as Document
from aws_iam.errors import AwsError
from aws_iam.rules.document_findings import is_unresolved
from aws_iam.rules.policy.catalogue import POLICY_RULES
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.reading.validate_policy import PolicyFinding, ValidationRequest
    from aws_iam.engine.language.document import Node
    from aws_iam.rules.check import Check
    from aws_iam.tools.kit.parameters import Connection
    from aws_iam.tools.kit.tool import Progress

    DocumentFindings = tuple[Document, tuple[Finding, ...]]
    Ask = Callable[[ValidationRequest], tuple[PolicyFinding, ...] | Miss]

MOST_BYTES = 102_400
"""The longest policy that any service is known to accept; AWS states no limit for the call itself.
https://docs.aws.amazon.com/cloudsearch/latest/developerguide/API_AccessPoliciesStatus.html"""

CODE = "ONLINE_VALIDATION"
PERMISSION = "access-analyzer:ValidatePolicy"
PAGE = "https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html"
_CHECKS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
)
_TYPES = {
    Kind.IDENTITY: "IDENTITY_POLICY",
    Kind.BOUNDARY: "IDENTITY_POLICY",
    Kind.SESSION: "IDENTITY_POLICY",
    Kind.RESOURCE: "RESOURCE_POLICY",
    Kind.TRUST: "RESOURCE_POLICY",
    Kind.SCP: "SERVICE_CONTROL_POLICY",
    Kind.RCP: "RESOURCE_CONTROL_POLICY",
}
_SEVERITIES = {
    code.value: code
    for code in (
        Severity.ERROR,
        Severity.SECURITY_WARNING,
        Severity.WARNING,
        Severity.SUGGESTION,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzedPolicies:
    """The policies with offline and online findings, and a summary of both."""

    by_document: tuple[DocumentFindings, ...]
    unknown: tuple[Finding, ...] = ()
    sentence: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def with_access_analyzer(
    by_document: Sequence[DocumentFindings], connection: Connection, progress: Progress
) -> AnalyzedPolicies:
    """Ask Access Analyzer about every policy and merge what it finds."""
    # Importing boto3 takes a third of a second: only online validation needs it.
    from aws_iam.account.reading.validate_policy import policy_validator

    analysis = _Analysis(lambda: policy_validator(connection).ask)
    both = []
    for number, (source, found) in enumerate(by_document):
        progress(number, len(by_document), "asking Access Analyzer")
        both.append((source, analysis.both(source, found)))
    return AnalyzedPolicies(
        by_document=tuple(both),
        unknown=tuple(analysis.unknown),
        sentence=_sentence(analysis),
        facts=_facts(analysis),
    )


class _Analysis:
    """The analysis of one policy after the other, until AWS is known not to answer any more."""

    def __init__(self, connect: Callable[[], Ask]) -> None:
        self.answered = 0
        self.unanswered = 0
        self.rows: list[dict[str, Any]] = []
        self.unknown: list[Finding] = []
        self.out_of_reach = False
        self._connect = connect
        self._ask: Ask | None = None
        self._ended = False

    def both(self, source: Document, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The offline and online findings on a policy; only the offline ones if AWS does not answer."""
        policy = source.content
        if not isinstance(policy, Policy):
            return found
        if self._ended:
            self.unanswered += 1
            return found
        answer = _ask_analyzer(policy, self._answer)
        if isinstance(answer, _NoAnswer):
            self._ended = answer.for_all
            self.out_of_reach |= answer.out_of_reach
            self.unanswered += 1
            self.unknown.append(_unknown(None if answer.for_all else source, answer.reason))
            return found
        self.answered += 1
        sides = _BothSides(source, policy, found, answer)
        self.rows += sides.rows()
        return sides.findings()

    def _answer(self, question: ValidationRequest) -> tuple[PolicyFinding, ...] | Miss:
        self._ask = self._ask or self._connect()
        return self._ask(question)


@dataclass(frozen=True, slots=True, kw_only=True)
class _NoAnswer:
    """Why AWS did not answer about a policy.

    `for_all`: it would not answer about the others either. `out_of_reach`: AWS could not be reached at all.
    """

    reason: str
    for_all: bool = False
    out_of_reach: bool = False


def _ask_analyzer(policy: Policy, ask: Ask) -> tuple[PolicyFinding, ...] | _NoAnswer:
    from aws_iam.account.collect.fact import Miss, MissKind

    question = _analyzer_question(policy)
    size = len(question.document.encode(errors="replace"))
    if size > MOST_BYTES:
        return _NoAnswer(
            reason=f"not sent: the policy has {size:,} bytes, and no service is known to accept more than {MOST_BYTES:,}"
        )
    try:
        answer = ask(question)
    except AwsError as error:
        reason = _reason(error.message, error.hint)
        return _NoAnswer(reason=reason, for_all=True, out_of_reach=True)
    if isinstance(answer, Miss):
        out_of_reach = answer.is_out_of_reach
        # A malformed answer may be due to this policy; a refusal or a failed connection affects all of them.
        for_all = out_of_reach or answer.kind is not MissKind.BROKEN
        return _NoAnswer(reason=_reason(str(answer)), for_all=for_all, out_of_reach=out_of_reach)
    return answer


def _analyzer_question(policy: Policy) -> ValidationRequest:
    from aws_iam.account.reading.validate_policy import RESOURCE_TYPES, ValidationRequest

    kind = policy.kind
    attached = "AWS::IAM::AssumeRolePolicyDocument" if kind is Kind.TRUST else policy.resource_type
    known = kind in {Kind.TRUST, Kind.RESOURCE} and attached in RESOURCE_TYPES
    return ValidationRequest(
        document=dump(policy),
        policy_type=_TYPES[kind],
        resource_type=attached if known and attached else "",
    )


def _reason(why: str, hint: str = "") -> str:
    needed = [] if PERMISSION in why else [f"the call needs {PERMISSION}"]
    # The demonstration account cannot replace Access Analyzer, so its hint is left out.
    how = [part for part in hint.split("; ") if part and "demo: true" not in part]
    return "; ".join([why, *needed, *how])


def _unknown(source: Document | None, reason: str) -> Finding:
    where = Where(file=source.file) if source and source.file else None
    return Finding(
        code=CODE,
        title="Access Analyzer did not answer",
        severity=Severity.WARNING,
        status=Status.UNKNOWN,
        message="the findings of AWS are unknown; only the offline findings are reported",
        reason=reason,
        where=where,
        resource=(source.name or None) if source else None,
        fix=f"Allow the caller {PERMISSION}, or leave `online` out.",
        source=PAGE,
    )


class _BothSides:
    """The offline and online findings on one policy, and which of them are the same."""

    def __init__(
        self,
        source: Document,
        policy: Policy,
        ours: tuple[Finding, ...],
        theirs: tuple[PolicyFinding, ...],
    ) -> None:
        self._source = source
        self._policy = policy
        self._ours = ours
        self._seen: set[int] = set()
        self._only_theirs = tuple(
            self._finding(their)
            for their in theirs
            # For a value known only at deployment AWS has read a sample value: its findings there do not count.
            if not self._known(their) and not is_unresolved(self._place(their), source.unresolved)
        )

    def findings(self) -> tuple[Finding, ...]:
        """The offline findings, and those that only AWS reports."""
        return (*self._ours, *self._only_theirs)

    def rows(self) -> list[dict[str, Any]]:
        """Which side reported each finding."""
        ours = (
            (finding, self._side(number, finding)) for number, finding in enumerate(self._ours)
        )
        theirs = ((their, "Access Analyzer") for their in self._only_theirs)
        place = " ".join(filter(None, (self._source.file, self._source.name)))
        name = {"policy": place} if place else {}
        return [
            {**name, "code": finding.code, "pointer": _pointer(finding) or "/", "found_by": side}
            for finding, side in (*ours, *theirs)
        ]

    def _side(self, number: int, finding: Finding) -> str:
        if number in self._seen:
            return "both"
        return "here" if (finding.source or "").startswith(_CHECKS) else "here (own code)"

    def _known(self, remark: PolicyFinding) -> bool:
        """Whether an offline finding has the same code at one of the same places, or at an overlapping one."""
        places = [self._node(place).at.pointer for place in remark.places] or [""]
        same = {
            number
            for number, finding in enumerate(self._ours)
            if finding.code == remark.code
            and any(_overlap(_pointer(finding), place) for place in places)
        }
        self._seen |= same
        return bool(same)

    def _finding(self, remark: PolicyFinding) -> Finding:
        rule = _rules().get(remark.code)
        return Finding(
            code=remark.code,
            title=rule.title if rule else "Access Analyzer reports a problem",
            severity=_SEVERITIES.get(remark.type, Severity.WARNING),
            status=Status.FAIL,
            message=remark.details,
            where=self._where(remark),
            resource=self._source.name or None,
            fix=rule.fix if rule else None,
            source=remark.link if remark.link.startswith("https://") else _CHECKS,
        )

    def _place(self, remark: PolicyFinding) -> str:
        return self._where(remark).pointer

    def _where(self, remark: PolicyFinding) -> Where:
        where = self._node(remark.places[0] if remark.places else ()).where
        return replace(where, file=self._source.file)

    def _node(self, path: Iterable[str | int]) -> Node:
        """The deepest existing node on the path: AWS indexes single values like lists, and names missing members."""
        node = self._policy.node
        for step in path:
            if isinstance(step, int):
                below = node.items[step] if 0 <= step < len(node.items) else None
                if node.form is not Form.ARRAY:
                    continue
            else:
                below = node.member(step)
            if below is None:
                break
            node = below
        return node


@cache
def _rules() -> dict[str, Check[Any]]:
    return {rule.code: rule for rule in POLICY_RULES}


def _pointer(finding: Finding) -> str:
    return finding.where.pointer if finding.where else ""


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _sentence(analysis: _Analysis) -> str:
    if not analysis.answered:
        return "Access Analyzer did not answer; only the offline findings are reported."
    found = _counts(analysis.rows)
    here = found["here"] + found["here (own code)"]
    silent = f"; no answer about {analysis.unanswered}" if analysis.unanswered else ""
    policies = counted(analysis.answered, "policy")
    return (
        f"Access Analyzer answered about {policies}{silent}: {found['both']} found by both, {here} only offline,"
        f" {found['Access Analyzer']} only by Access Analyzer."
    )


def _facts(analysis: _Analysis) -> dict[str, Any]:
    if not analysis.answered:
        online = {"policies_answered": 0, "policies_not_answered": analysis.unanswered}
        return {"online": online | ({"aws_read": False} if analysis.out_of_reach else {})}
    found = _counts(analysis.rows)
    online = {
        "policies_answered": analysis.answered,
        "policies_not_answered": analysis.unanswered,
        "found_by_both": found["both"],
        "found_only_here": found["here"] + found["here (own code)"],
        "of_these_own_codes": found["here (own code)"],
        "found_only_by_access_analyzer": found["Access Analyzer"],
    }
    return {"online": online} | ({"found_by": analysis.rows} if analysis.rows else {})


def _counts(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    found = {"both": 0, "here": 0, "here (own code)": 0, "Access Analyzer": 0}
    for row in rows:
        found[row["found_by"]] += 1
    return found
