"""Statements compared with each other: those that another statement of the policy makes redundant or ineffective."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.statement_sets import Scope, limits_within, meaning, related, scope
from aws_iam.engine.algebra.text_sets import Effort, Texts, within
from aws_iam.engine.language.document import Policy, Statement
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import is_literal
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow, policy_with
from aws_iam.rules.gates import at_deny, at_policy
from aws_iam.rules.outcomes import Fail, ended_early
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.rules.outcomes import Outcome, Unknown

_EVALUATION_LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"
_HOME = "arn:aws:s3:::amzn-s3-demo-bucket/home/*"

_MOST_COMPARED = 300
"""Statements after these are not compared: the work grows with the square of their number."""
_EFFORT = 60_000
_CANDIDATES_FOR_ONE = 32
_LEAST_COMPARED = 2


def _statement(effect: str, action: object, resource: object = OBJECTS) -> Example:
    return allow(action, resource) | {"Effect": effect}


@slotted
class _Scoped:
    """A statement with the set of requests that it applies to."""

    number: int
    statement: Statement
    scope: Scope

    @classmethod
    def of(cls, number: int, statement: Statement) -> _Scoped | None:
        requests = scope(statement)
        if requests is None or not (statement.allows or statement.denies):
            return None
        return cls(number=number, statement=statement, scope=requests)

    @property
    def meaning(self) -> object:
        """Equal for statements that differ only in how they are written."""
        return meaning(self.statement)

    @property
    def limits(self) -> object:
        """Its resources and conditions, in any order."""
        own = meaning(self.statement)
        return own.resources, own.not_resources, own.conditions

    @property
    def name(self) -> str:
        """Its Sid, else its JSON pointer."""
        sid = self.statement.sid
        return quoted(sid.value if sid and sid.value else self.statement.place().pointer)

    @property
    def verb(self) -> str:
        """What it does to a request: `denies` or `allows`."""
        return "denies" if self.statement.denies else "allows"

    def may_have(self, action: str) -> bool:
        """Whether its actions may contain an action entry, which is in lower case."""
        own = self.scope.actions
        return own.inverted or bool(own.wild) or action in own.exact

    def has(self, action: Texts, effort: Effort) -> bool:
        """Whether its actions contain an action entry."""
        return within(action, self.scope.actions, effort)


class _Comparison:
    """Compares the statements of a policy; only those that share a service can contain each other."""

    def __init__(self, policy: Policy) -> None:
        self.statements = _scoped(policy)
        self._effort = Effort(_EFFORT)
        self._by_service = _by_service(policy)
        self._known_limits = _known_limits(policy)

    def ended_early(self) -> Iterator[Unknown]:
        """An Unknown when the effort was used up."""
        if self.statements:
            yield from ended_early(
                self._effort,
                self.statements[0].statement,
                "some statements were not compared with the others",
            )

    def candidates(self, actions: Texts, *, denying: bool) -> Iterator[_Scoped]:
        """The statements that deny, or those that allow, and may contain these actions."""
        yield from self._with_service(
            "" if actions.inverted else _service(actions.entries[0]), denying=denying
        )

    def _with_service(self, service: str, *, denying: bool) -> Iterator[_Scoped]:
        if service:
            yield from self._by_service.get((denying, service), ())
        yield from self._by_service.get((denying, ""), ())

    def contains(self, wide: _Scoped, narrow: _Scoped) -> bool:
        """Whether the wide statement applies to every request of the narrow one."""
        inner, outer = narrow.scope.actions, wide.scope.actions
        # NotAction takes long to compare, and its statement mostly has conditions that the narrow one does not imply.
        if outer.inverted and not self._is_within_limits(narrow, wide):
            return False
        return within(inner, outer, self._effort) and self._is_within_limits(narrow, wide)

    def _is_within_limits(self, narrow: _Scoped, wide: _Scoped) -> bool:
        """Whether the narrow statement is within the wide one, ignoring actions; worked out once for each pair."""
        pair = narrow.number, wide.number
        if pair not in self._known_limits:
            self._known_limits[pair] = limits_within(narrow.scope, wide.scope, self._effort)
        return self._known_limits[pair]

    def wider(self, own: _Scoped) -> _Scoped | None:
        """The statement of the same effect that contains this one; of two equal ones, the later is contained."""
        for other in self.candidates(own.scope.actions, denying=own.statement.denies):
            if self._effort.is_spent:
                return None
            if other is own or not self.contains(other, own):
                continue
            # Statements that are the same have their own code.
            if other.meaning == own.meaning:
                continue
            later = other.number > own.number
            if not (later and self.contains(own, other)):
                return other
        return None

    def entries_within(self, own: _Scoped, *, denying: bool) -> Iterator[tuple[Text, _Scoped]]:
        """The action entries of a statement that another statement with other limits contains, with that statement."""
        same_effect = denying is own.statement.denies
        near: dict[str, tuple[_Scoped, ...]] = {}
        for number, word in enumerate(own.statement.action_words):
            action = word.lower()
            service = _service(action)
            if service not in near:
                near[service] = tuple(self._with_service(service, denying=denying))
            candidates = near[service]
            # Equal entries are found without effort, and in long lists too often.
            if not self._effort.spend(len(candidates) // _CANDIDATES_FOR_ONE):
                return
            others = [
                candidate
                for candidate in candidates
                if candidate is not own
                and candidate.may_have(action)
                and self._is_within_limits(own, candidate)
            ]
            actions = Texts((action,)) if others else None
            for other in others:
                if actions is None or not other.has(actions, self._effort):
                    continue
                # Equal limits do not make the entry look narrower than it is.
                if same_effect and (
                    other.limits == own.limits or self._is_within_limits(other, own)
                ):
                    continue
                yield own.statement.actions[number], other
                break


@memo_on_subject
def _known_limits(_policy: Policy) -> dict[tuple[int, int], bool]:
    """Whether one statement is within the other, by pair of numbers; the rules share it."""
    return {}


@memo_on_subject
def _scoped(policy: Policy) -> tuple[_Scoped, ...]:
    """Those of the first statements that can be compared and may share an action with another."""
    first = policy.statements[:_MOST_COMPARED]
    if len(first) < _LEAST_COMPARED:
        return ()
    numbers = related(tuple(first))
    return tuple(filter(None, (_Scoped.of(number, first[number]) for number in numbers)))


def _relates_some(policy: Policy) -> bool:
    return bool(_scoped(policy))


_RELATED = at_policy(_relates_some)


@memo_on_subject
def _by_service(policy: Policy) -> Mapping[tuple[bool, str], Sequence[_Scoped]]:
    """The statements by whether they deny, and by service; "" for those that may be about any service."""
    by_service: dict[tuple[bool, str], list[_Scoped]] = {}
    for scoped in _scoped(policy):
        actions = scoped.scope.actions
        services = {"" if actions.inverted else _service(entry) for entry in actions.entries}
        for service in {""} if "" in services else services:
            by_service.setdefault((scoped.statement.denies, service), []).append(scoped)
    return by_service


def _service(entry: str) -> str:
    """The service of an action entry; nothing when the service has a wildcard."""
    service = entry.partition(":")[0]
    return service if is_literal(service) else ""


@check(
    "SHADOWED_STATEMENT",
    on=Policy,
    when=(_RELATED,),
    severity=Severity.SUGGESTION,
    title="Another statement already covers this one",
    fix="Remove it, or narrow the wider statement if this one was meant as a limit.",
    source=_EVALUATION_LOGIC,
    bad=[
        policy_with(_statement("Allow", "s3:GetObject", _HOME), _statement("Allow", "s3:Get*")),
        policy_with(_statement("Deny", "s3:*"), _statement("Deny", "s3:DeleteObject")),
    ],
    good=[
        policy_with(_statement("Allow", "s3:GetObject", _HOME), _statement("Deny", "s3:Get*")),
        policy_with(
            _statement("Allow", "s3:GetObject"),
            {
                **_statement("Allow", "s3:*"),
                "Condition": {"Bool": {"aws:SecureTransport": "true"}},
            },
        ),
    ],
)
def shadowed(policy: Policy) -> Iterator[Outcome]:
    """Statements with the same effect add up, so a narrower one limits nothing, although it looks as if it did.

    False alarm when the statement is kept on purpose, for readers.
    """
    comparison = _Comparison(policy)
    for scoped in comparison.statements:
        wider = comparison.wider(scoped)
        if wider:
            loses_condition = (
                scoped.statement.allows and scoped.scope.tests and not wider.scope.tests
            )
            yield Fail(
                scoped.statement.place(),
                f"{wider.name} already {wider.verb} every request that this statement {scoped.verb}"
                + (", without its condition" if loses_condition else ""),
                severity=Severity.WARNING if loses_condition else None,
            )
    yield from comparison.ended_early()


@check(
    "SHADOWED_ACTION",
    on=Policy,
    when=(_RELATED,),
    severity=Severity.SUGGESTION,
    title="Another statement already covers this action",
    fix="Remove the action here, or narrow the wider statement if this one was meant as a limit.",
    source=_EVALUATION_LOGIC,
    bad=[
        policy_with(
            _statement("Allow", ["s3:GetObject", "s3:PutObject"], _HOME),
            _statement("Allow", "s3:Get*"),
        )
    ],
    good=[
        policy_with(
            _statement("Allow", ["s3:GetObject", "s3:PutObject"]),
            _statement("Allow", "s3:Get*", _HOME),
        )
    ],
)
def shadowed_action(policy: Policy) -> Iterator[Outcome]:
    """Statements with the same effect add up, so the narrower one does not limit the action.

    False alarm when the action is listed here on purpose, for readers.
    """
    comparison = _Comparison(policy)
    for scoped in comparison.statements:
        shadowed_entries = list(comparison.entries_within(scoped, denying=scoped.statement.denies))
        if shadowed_entries and not comparison.wider(scoped):
            entry, other = shadowed_entries[0]
            others = counted(len(shadowed_entries) - 1, "more action")
            more = f"; the same applies to {others} here" if shadowed_entries[1:] else ""
            yield Fail(
                entry.where,
                f"{other.name} already {other.verb} {quoted(entry.value)},"
                f" without the limits of this statement{more}",
            )
    yield from comparison.ended_early()


_DELETE = ["s3:PutObject", "s3:DeleteObject"]


@check(
    "UNREACHABLE_ALLOW",
    on=Policy,
    when=(at_deny(),),
    severity=Severity.WARNING,
    title="A Deny in the same policy cancels everything that is allowed here",
    fix="Remove what is denied anyway, or add the intended condition or exception to the Deny.",
    source=_EVALUATION_LOGIC,
    bad=[
        policy_with(_statement("Allow", "s3:GetObject", _HOME), _statement("Deny", "s3:*")),
        policy_with(_statement("Allow", _DELETE), _statement("Deny", "s3:Delete*", "*")),
    ],
    good=[
        policy_with(_statement("Allow", "s3:*"), _statement("Deny", "s3:GetObject", _HOME)),
        policy_with(
            _statement("Allow", "s3:GetObject"),
            {
                **_statement("Deny", "s3:*"),
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
    ],
)
def denied_anyway(policy: Policy) -> Iterator[Outcome]:
    """An explicit Deny overrides every Allow, in whatever order they are written.

    False alarm when the Deny is temporary and the Allow is kept for later.
    """
    comparison = _Comparison(policy)
    has_deny = any(scoped.statement.denies for scoped in comparison.statements)
    for scoped in comparison.statements if has_deny else ():
        if scoped.statement.allows:
            yield from _denied(scoped, comparison)
    yield from comparison.ended_early()


def _denied(scoped: _Scoped, comparison: _Comparison) -> Iterator[Fail]:
    for other in comparison.candidates(scoped.scope.actions, denying=True):
        if comparison.contains(other, scoped):
            yield Fail(
                scoped.statement.place(),
                f"{other.name} denies every request that this statement allows",
            )
            return
    for entry, other in comparison.entries_within(scoped, denying=True):
        yield Fail(
            entry.where,
            f"{other.name} denies {quoted(entry.value)} wherever this statement allows it",
        )


def _is_too_long(policy: Policy) -> bool:
    return len(policy.statements) > _MOST_COMPARED


@check(
    "TOO_MANY_STATEMENTS_TO_COMPARE",
    on=Policy,
    when=(at_policy(_is_too_long),),
    severity=Severity.SUGGESTION,
    title="The policy has too many statements to compare all of them",
    fix="Split the policy, or merge statements that differ in only one list.",
    source=_EVALUATION_LOGIC,
    bad=[
        policy_with(*(_statement("Allow", f"s3:GetObject{n}") for n in range(_MOST_COMPARED + 1)))
    ],
    good=[policy_with(_statement("Allow", "s3:GetObject"))],
)
def beyond_comparison(policy: Policy) -> Iterator[Fail]:
    """Only the first statements are searched for redundant and ineffective ones; the others may have such problems, too.

    No false alarms: the statements after the first ones were not compared.
    """
    if _is_too_long(policy):
        yield Fail(
            policy.statements[_MOST_COMPARED].place(),
            f"only the first {_MOST_COMPARED} of {len(policy.statements)} statements were compared with each other",
        )
