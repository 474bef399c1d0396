"""Statements against each other: what another statement of the policy makes superfluous or impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.statement_sets import Scope, limits_within, meaning, related, scope
from aws_iam.engine.algebra.text_sets import Effort, Texts, within
from aws_iam.engine.language.document import Policy, Statement
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import is_literal
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow, policy_with
from aws_iam.rules.gates import at_deny, at_policy
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Text

_LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"
_HOME = "arn:aws:s3:::amzn-s3-demo-bucket/home/*"

_MOST_STATEMENTS = 300
"""Further statements are not compared: the pairs grow with the square of their number."""
_EFFORT = 60_000
_PAIR = 2


def _statement(effect: str, action: object, resource: object = OBJECTS) -> Example:
    return allow(action, resource) | {"Effect": effect}


@slotted
class _Scoped:
    """A statement beside the requests that it applies to."""

    number: int
    statement: Statement
    scope: Scope

    @classmethod
    def of(cls, number: int, statement: Statement) -> _Scoped | None:
        known = scope(statement)
        if known is None or not (statement.allows or statement.denies):
            return None
        return cls(number=number, statement=statement, scope=known)

    @property
    def meaning(self) -> object:
        """Equal for statements that differ in spelling alone."""
        return meaning(self.statement)

    @property
    def limits(self) -> object:
        """Its resources and conditions, in any order."""
        whole = meaning(self.statement)
        return whole.resources, whole.not_resources, whole.conditions

    @property
    def name(self) -> str:
        """Its Sid, else its place."""
        sid = self.statement.sid
        return quoted(sid.value if sid and sid.value else self.statement.place().pointer)

    @property
    def verb(self) -> str:
        """What it does with a request."""
        return "denies" if self.statement.denies else "allows"

    def may_have(self, action: str) -> bool:
        """Whether an action entry, in lower case, can be among its actions."""
        own = self.scope.actions
        return own.inverted or bool(own.wild) or action in own.exact

    def has(self, action: Texts, effort: Effort) -> bool:
        """Whether an action entry is among its actions."""
        return within(action, self.scope.actions, effort)


class _Others:
    """The statements of a policy, found by the service of an action: most have nothing to do with each other."""

    def __init__(self, policy: Policy) -> None:
        self.every = _scoped(policy)
        self._effort = Effort(_EFFORT)
        self._by_service = _by_service(policy)
        self._limits = _limits(policy)

    def near(self, actions: Texts, *, denying: bool) -> Iterator[_Scoped]:
        """The statements of one effect that may contain these actions."""
        yield from self._of(
            "" if actions.inverted else _service(actions.entries[0]), denying=denying
        )

    def _of(self, service: str, *, denying: bool) -> Iterator[_Scoped]:
        if service:
            yield from self._by_service.get((denying, service), ())
        yield from self._by_service.get((denying, ""), ())

    def contains(self, wide: _Scoped, narrow: _Scoped) -> bool:
        """Whether every request of the one statement is one of the other."""
        inner, outer = narrow.scope.actions, wide.scope.actions
        # All actions but some are long to compare, and mostly under conditions that do not follow.
        if outer.inverted and not self._limited(narrow, wide):
            return False
        return within(inner, outer, self._effort) and self._limited(narrow, wide)

    def _limited(self, narrow: _Scoped, wide: _Scoped) -> bool:
        """Whether it is so but for the actions; asked for each of them and worked out once."""
        pair = narrow.number, wide.number
        if pair not in self._limits:
            self._limits[pair] = limits_within(narrow.scope, wide.scope, self._effort)
        return self._limits[pair]

    def wider(self, own: _Scoped) -> _Scoped | None:
        """The statement of the same effect that contains this one; of two that say the same, the first stays."""
        for other in self.near(own.scope.actions, denying=own.statement.denies):
            if other is own or not self.contains(other, own):
                continue
            # Two spellings of one statement have a code of their own.
            if other.meaning == own.meaning:
                continue
            later = other.number > own.number
            if not (later and self.contains(own, other)):
                return other
        return None

    def around(self, own: _Scoped, *, denying: bool) -> Iterator[tuple[Text, _Scoped]]:
        """The action entries of a statement that lie within a statement with other limits, with that one."""
        same_effect = denying is own.statement.denies
        for entry in own.statement.actions:
            action = entry.value.lower()
            near = self._of(_service(action), denying=denying)
            others = [
                candidate
                for candidate in near
                if candidate is not own
                and candidate.may_have(action)
                and self._limited(own, candidate)
            ]
            part = Texts((action,)) if others else None
            for other in others:
                if part is None or not other.has(part, self._effort):
                    continue
                # What is said twice limits nothing, and does not look as if: in the same words, or in others.
                if same_effect and (other.limits == own.limits or self._limited(other, own)):
                    continue
                yield entry, other
                break


@memo_on_subject
def _limits(_policy: Policy) -> dict[tuple[int, int], bool]:
    """By pair of statements: the rules ask the same of them."""
    return {}


@memo_on_subject
def _scoped(policy: Policy) -> tuple[_Scoped, ...]:
    """The first statements that can be compared and of which one may contain an action of the other."""
    first = policy.statements[:_MOST_STATEMENTS]
    if len(first) < _PAIR:
        return ()
    near = related(tuple(first))
    return tuple(filter(None, (_Scoped.of(at, first[at]) for at in near)))


def _relates_some(policy: Policy) -> bool:
    return bool(_scoped(policy))


_RELATED = at_policy(_relates_some)


@memo_on_subject
def _by_service(policy: Policy) -> Mapping[tuple[bool, str], Sequence[_Scoped]]:
    """The statements by whether they deny, and by service; under "" those that may be of any."""
    found: dict[tuple[bool, str], list[_Scoped]] = {}
    for scoped in _scoped(policy):
        actions = scoped.scope.actions
        services = {"" if actions.inverted else _service(entry) for entry in actions.entries}
        for service in {""} if "" in services else services:
            found.setdefault((scoped.statement.denies, service), []).append(scoped)
    return found


def _service(entry: str) -> str:
    """The service of an action entry; nothing when it has a wildcard."""
    service = entry.partition(":")[0]
    return service if is_literal(service) else ""


@check(
    "SHADOWED_STATEMENT",
    on=Policy,
    when=(_RELATED,),
    severity=Severity.SUGGESTION,
    title="Another statement already covers this one",
    fix="Remove it, or narrow the wider statement if this one was meant as the limit.",
    source=_LOGIC,
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
def shadowed(policy: Policy) -> Iterator[Fail]:
    """Statements of one effect add up: a narrower one next to a wider one limits nothing, though it looks as if it did.

    Harmless where it is kept for readers.
    """
    others = _Others(policy)
    for scoped in others.every:
        wider = others.wider(scoped)
        if wider:
            lost = scoped.statement.allows and scoped.scope.tests and not wider.scope.tests
            yield Fail(
                scoped.statement.place(),
                f"every request that it {scoped.verb}, {wider.name} {wider.verb} as well"
                + (", without its condition" if lost else ""),
                severity=Severity.WARNING if lost else None,
            )


@check(
    "SHADOWED_ACTION",
    on=Policy,
    when=(_RELATED,),
    severity=Severity.SUGGESTION,
    title="Another statement already covers this action",
    fix="Remove the action here, or narrow the wider statement if this one was meant as the limit.",
    source=_LOGIC,
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
def shadowed_action(policy: Policy) -> Iterator[Fail]:
    """Statements of one effect add up, so the narrower one does not limit the action."""
    others = _Others(policy)
    for scoped in others.every:
        found = list(others.around(scoped, denying=scoped.statement.denies))
        if found and not others.wider(scoped):
            entry, other = found[0]
            more = f"; so it is with {len(found) - 1} more of its entries" if found[1:] else ""
            yield Fail(
                entry.where,
                f"{other.name} {other.verb} {quoted(entry.value)} as well,"
                f" without the limits of this statement{more}",
            )


_DELETE = ["s3:PutObject", "s3:DeleteObject"]


@check(
    "UNREACHABLE_ALLOW",
    on=Policy,
    when=(at_deny(),),
    severity=Severity.WARNING,
    title="A Deny of the same policy takes away all that is allowed here",
    fix="Remove the entry, or add to the Deny the condition or exception that was meant.",
    source=_LOGIC,
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
def denied_anyway(policy: Policy) -> Iterator[Fail]:
    """An explicit Deny outweighs every Allow, whichever stands first."""
    others = _Others(policy)
    denials = any(scoped.statement.denies for scoped in others.every)
    for scoped in others.every if denials else ():
        if scoped.statement.allows:
            yield from _denied(scoped, others)


def _denied(scoped: _Scoped, others: _Others) -> Iterator[Fail]:
    for other in others.near(scoped.scope.actions, denying=True):
        if others.contains(other, scoped):
            yield Fail(
                scoped.statement.place(), f"{other.name} denies every request that it allows"
            )
            return
    for entry, other in others.around(scoped, denying=True):
        yield Fail(
            entry.where, f"{other.name} denies {quoted(entry.value)} wherever it is allowed here"
        )


def _is_beyond(policy: Policy) -> bool:
    return len(policy.statements) > _MOST_STATEMENTS


@check(
    "TOO_MANY_STATEMENTS_TO_COMPARE",
    on=Policy,
    when=(at_policy(_is_beyond),),
    severity=Severity.SUGGESTION,
    title="The policy has more statements than are compared with each other",
    fix="Split the policy, or merge statements that differ in one list only.",
    source=_LOGIC,
    bad=[
        policy_with(
            *(_statement("Allow", f"s3:GetObject{n}") for n in range(_MOST_STATEMENTS + 1))
        )
    ],
    good=[policy_with(_statement("Allow", "s3:GetObject"))],
)
def beyond_comparison(policy: Policy) -> Iterator[Fail]:
    """Which statement contains which is asked of the first ones only, so silence about the others proves nothing."""
    number = len(policy.statements)
    if _is_beyond(policy):
        yield Fail(
            policy.statements[_MOST_STATEMENTS].place(),
            f"of {number} statements the first {_MOST_STATEMENTS} were searched for ones that others contain",
        )
