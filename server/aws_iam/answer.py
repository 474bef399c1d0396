"""The answer of every action. Fields are named as in the JSON, which omits the ones that do not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations for the schema
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


_OWN = "own"
"""The mark of a field that is no part of the JSON."""


class Severity(StrEnum):
    """How bad a finding is: AWS's four types for policy validation, five levels for everything else."""

    ERROR = "ERROR"
    SECURITY_WARNING = "SECURITY_WARNING"
    WARNING = "WARNING"
    SUGGESTION = "SUGGESTION"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """From 0 (worst) to 4, both sets on one scale."""
        return _RANK[self]


_RANK = {
    Severity.CRITICAL: 0,
    Severity.ERROR: 1,
    Severity.SECURITY_WARNING: 1,
    Severity.HIGH: 1,
    Severity.WARNING: 2,
    Severity.MEDIUM: 2,
    Severity.SUGGESTION: 3,
    Severity.LOW: 3,
    Severity.INFO: 4,
}


class Status(StrEnum):
    """The outcome of a check; the first in this order decides when a control has several."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    MANUAL = "manual"
    PASS = "pass"  # noqa: S105 - an outcome, not a password
    NOT_APPLICABLE = "not_applicable"

    @property
    def rank(self) -> int:
        """From 0 (decides) to 4."""
        return list(Status).index(self)


@slotted
class Where:
    """A place in a document: JSON pointer (RFC 6901), and line and column from 1 when the text is known.

    `file` is the file that line and column refer to, if any.
    """

    pointer: str = ""
    line: int | None = None
    column: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        at = f" (line {self.line}:{self.column})" if self.line else ""
        file = f"{self.file} " if self.file else ""
        return f"{file}{self.pointer or '/'}{at}"


@slotted
class Finding:
    """One problem, or the outcome of one check."""

    code: str
    title: str
    severity: Severity
    status: Status
    message: str = ""
    reason: str | None = None
    where: Where | None = None
    resource: str | None = None
    region: str | None = None
    account: str | None = None
    fix: str | None = None
    source: str | None = None
    controls: Mapping[str, str] | None = None
    frameworks: Mapping[str, tuple[str, ...]] | None = None
    confidence: Literal["low"] | None = None
    muted: str | None = None
    change: Literal["new", "fixed", "gone", "changed", "same", "unreadable"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One statement that decided: its layer, the pointers of its policy and itself, and its effect."""

    layer: str
    policy: str
    pointer: str
    effect: Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on a request, the statements behind it, and the context keys that were missing."""

    outcome: Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied", "Unknown"]
    decided_by: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()
    consulted_keys: tuple[str, ...] = ()
    missing_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the access of a document relates to that of a baseline, with requests that show differences.

    `gained` and `lost` have every action, riskiest first. Without a baseline there are only violations.
    """

    relation: Literal["more", "less", "equal", "incomparable", "unknown"] | None = None
    assuming: tuple[str, ...] = ()
    witnesses: tuple[Mapping[str, Any], ...] = ()
    violations: tuple[Mapping[str, Any], ...] = ()
    gained: tuple[Mapping[str, Any], ...] = ()
    lost: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A generated file; `checked_by` says what verified it.

    In a page of an answer `content` is the whole file, or empty if it was withheld; `bytes` is the file's length and
    `uri` is where a client of the server reads it.
    """

    name: str
    language: str
    content: str
    checked_by: str | None = None
    bytes: int | None = None
    uri: str | None = None
    excerpt: str = field(default="", metadata={_OWN: True})
    """What a page quotes of a text that does not fit; nothing else shows it."""
    file: str | None = None
    """Where the content is, if it may be too large for memory: a temporary file, on the command line only."""

    @property
    def is_withheld(self) -> bool:
        """Whether the page does not have the content."""
        return bool(self.bytes) and not self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCall:
    """A call that is worth making next, with arguments that can be sent as they are, the action among them.

    `same` names arguments of the answered call to repeat unchanged; those that it did not have are dropped.
    """

    tool: str
    arguments: Mapping[str, Any]
    same: tuple[str, ...] = ()
    why: str = ""


def next_call(
    tool: str, action: str, why: str, same: tuple[str, ...] = (), **arguments: Any
) -> NextCall:
    """A call of an action."""
    return NextCall(tool=tool, arguments={"action": action, **arguments}, same=same, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The number of all findings by status, and of the failed ones by severity.

    Muted findings are counted separately; `muted` is absent when there are none.
    """

    status: Mapping[str, int] = field(default_factory=dict)
    severity: Mapping[str, int] = field(default_factory=dict)
    muted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of any tool; `as_of` is the date of the data that it relies on."""

    summary: str
    tool: str = ""
    action: str = ""
    findings: tuple[Finding, ...] = ()
    counts: Counts | None = None
    decision: Decision | None = None
    comparison: Comparison | None = None
    artifacts: tuple[Artifact, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    next: tuple[NextCall, ...] = ()
    as_of: str | None = None
    next_cursor: str | None = None


def counts(findings: Iterable[Finding]) -> Counts:
    """The counts of the findings, sorted by rank."""
    every = tuple(findings)
    listed = tuple(finding for finding in every if finding.muted is None)
    status = Counter(finding.status.value for finding in listed)
    severity = Counter(f.severity.value for f in listed if f.status is Status.FAIL)
    return _by_rank(status, severity, len(every) - len(listed))


def summed(first: Counts, second: Counts) -> Counts:
    """The counts of the findings of both."""
    status = Counter(first.status) + Counter(second.status)
    severity = Counter(first.severity) + Counter(second.severity)
    return _by_rank(status, severity, (first.muted or 0) + (second.muted or 0))


def _by_rank(status: Counter[str], severity: Counter[str], muted: int) -> Counts:
    return Counts(
        status={name.value: status[name] for name in Status if status[name]},
        severity={name.value: severity[name] for name in Severity if severity[name]},
        muted=muted or None,
    )


def with_texts(value: T, change: Callable[[str], str]) -> T:
    """The value with all its texts changed, those of its fields and entries too."""
    return cast("T", _with_texts(value, change))


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    if type(value) is str:
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_with_texts(item, change) for item in value)
    if isinstance(value, dict):
        return {change(str(key)): _with_texts(item, change) for key, item in value.items()}
    names = _names_of(value.__class__)
    texts = {name: _with_texts(getattr(value, name), change) for name in names}
    return replace(value, **texts) if texts else value


_PLAIN = frozenset({str, int, float, bool, type(None)})


# Converting answers takes 1.9 times as long without this memo.
@lru_cache(maxsize=256)
def _names_of(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's fields; empty for other classes."""
    if not is_dataclass(kind):
        return ()
    return tuple(field_.name for field_ in fields(kind) if _OWN not in field_.metadata)


def to_json(value: Any) -> Any:
    """The value as JSON data, without empty fields."""
    if type(value) in _PLAIN:
        return value
    if names := _names_of(value.__class__):
        pairs = [(name, getattr(value, name)) for name in names]
        return {name: to_json(item) for name, item in pairs if item not in (None, "", (), {})}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value
