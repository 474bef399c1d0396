"""Wildcards: what grants more than it seems, and what is said twice."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from aws_iam.answer import Severity
from aws_iam.engine.algebra.statement_sets import action_names, action_patterns, meaning
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind, Policy, Statement, Text
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, allow
from aws_iam.rules.gates import at_action, at_policy, at_resource, at_statement, has
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_FEW = 20
_SEVERAL = 2
# Intricate patterns are slow to compare with each other. What AWS accepts is far below this limit; where a list exceeds
# it, LIST_TOO_LONG_TO_COMPARE says so.
_WORK = 2_000_000


_GET = "s3:GetObject"


def _is_service_open(entry: str) -> bool:
    """Whether there may be a wildcard in the service of an action or an ARN."""
    if entry.startswith("arn:"):
        arn = Arn.of(entry)
        return arn is not None and not is_literal(arn.service)
    service, colon, _ = entry.partition(":")
    return bool(colon) and not is_literal(service)


def _is_all(entry: str) -> bool:
    return entry in {"*", "*:*"} or covers(entry, "*:*")


@check(
    "FULL_ADMIN_ALLOWED",
    on=Statement,
    when=(at_action(_is_all),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows every action on every resource",
    fix="List the actions and resources that the work needs.",
    source=_BEST_PRACTICES,
    kinds=(Kind.IDENTITY,),
    bad=[allow("*"), allow("*:*")],
    good=[allow(_GET, OBJECTS), {"Effect": "Deny", "Action": "*", "Resource": "*"}],
)
def everything_allowed(statement: Statement) -> Iterator[Fail]:
    """Whoever has this policy is an administrator: nothing in the account is out of reach.

    Wrong for the few roles that are meant to administer the account.
    """
    anywhere = any(resource.value == "*" for resource in statement.resources)
    if not (anywhere and statement.allows) or statement.has("Condition"):
        return
    everything = next(filter(_is_every_action, statement.actions), None)
    if everything:
        yield Fail(everything.where, f"{quoted(everything.value)} on `*` allows everything")


def _is_every_action(action: Text) -> bool:
    return action.value in {"*", "*:*"} or covers(action.value, "*:*")


def _is_service_wildcard(action: str) -> bool:
    if not action.endswith("*"):
        return False
    service, colon, name = action.partition(":")
    return bool(colon and name) and not name.strip("*") and is_literal(service)


@check(
    "SERVICE_WILDCARD_ALLOWED",
    on=Statement,
    when=(at_action(_is_service_wildcard),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows every action of a service",
    fix="List the actions that the work needs.",
    source=_BEST_PRACTICES,
    kinds=(Kind.IDENTITY,),
    bad=[allow("s3:*"), allow("s3:*", "arn:aws:s3:::amzn-s3-demo-bucket/home/*")],
    good=[allow("s3:Get*"), {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
)
def service_wildcard(statement: Statement) -> Iterator[Fail]:
    """A service wildcard grows by itself: every action that AWS adds later is allowed, too.

    Wrong where the principal is meant to administer the whole service.
    """
    found = [action for action in statement.actions if _is_service_wildcard(action.value)]
    if statement.allows and found:
        prefix_only = _is_below_prefixes(statement)
        limited = prefix_only or statement.has("Condition")
        where = " on part of a bucket" if prefix_only else ""
        more = f"; so it is with {len(found) - 1} more of its entries" if found[1:] else ""
        first = found[0].value
        yield Fail(
            found[0].where,
            f"{quoted(first)} allows every action of {quoted(first.partition(':')[0])}{where}{more}",
            severity=Severity.WARNING if limited else None,
        )


@memo_on_subject
def _is_below_prefixes(statement: Statement) -> bool:
    """Whether all resources are objects of one bucket each, below a prefix: no bucket can be changed there."""
    return bool(statement.resources) and all(
        _is_below_prefix(resource.value) for resource in statement.resources
    )


def _is_below_prefix(resource: str) -> bool:
    arn = Arn.of(resource)
    if arn is None or arn.service != "s3":
        return False
    bucket, _, key = arn.resource.partition("/")
    return is_literal(bucket) and bool(key) and not key.startswith(("*", "?"))


@check(
    "ALLOW_WITH_NOT_ACTION",
    on=Statement,
    when=(has("NotAction"),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows everything except a list of actions",
    fix="List what is allowed in Action, or put the exceptions into a Deny.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
    kinds=(Kind.IDENTITY, Kind.SESSION, Kind.RESOURCE),
    bad=[{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    good=[{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
)
def all_but_some_actions(statement: Statement) -> Iterator[Fail]:
    """Every service and action that AWS adds later is allowed, too, and so is whatever the list forgot.

    Wrong for administrators from whom only a few actions are kept.
    """
    if statement.allows and statement.not_actions:
        listed = quoted(statement.not_actions[0].value)
        more = len(statement.not_actions) - 1
        rest = f" and {more} more" if more else ""
        yield Fail(statement.place("NotAction"), f"everything but {listed}{rest} is allowed")


@check(
    "ALLOW_WITH_NOT_RESOURCE",
    on=Statement,
    when=(has("NotResource"),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows every resource except a list",
    fix="List the resources in Resource, or put the exceptions into a Deny.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html",
    kinds=(Kind.IDENTITY,),
    bad=[{"Effect": "Allow", "Action": _GET, "NotResource": OBJECTS}],
    good=[allow(_GET, OBJECTS)],
)
def all_but_some_resources(statement: Statement) -> Iterator[Fail]:
    """Every resource that is created later is allowed, too, in other accounts as well as in this one."""
    if statement.allows and statement.not_resources:
        listed = quoted(statement.not_resources[0].value)
        yield Fail(
            statement.place("NotResource"),
            f"every resource but {listed} and what is listed with it",
        )


@check(
    "WILDCARD_IN_SERVICE_NAME",
    on=Statement,
    when=(at_action(_is_service_open), at_resource(_is_service_open)),
    severity=Severity.SUGGESTION,
    title="The name of a service has a wildcard",
    fix="Write the service's prefix in full.",
    bad=[allow("s3*:GetObject"), allow(_GET, "arn:aws:s?:::amzn-s3-demo-bucket/*")],
    good=[allow("*"), allow("s3:*", OBJECTS)],
)
def wildcard_service(statement: Statement) -> Iterator[Fail]:
    """It also matches services that nobody thought of, and those that AWS adds later."""
    for action in (*statement.actions, *statement.not_actions):
        service, colon, _ = action.value.partition(":")
        if colon and not is_literal(service):
            yield Fail(action.where, f"{quoted(action.value)} has a wildcard in its service")
    for resource in (*statement.resources, *statement.not_resources):
        arn = Arn.of(resource.value)
        if arn and not is_literal(arn.service):
            yield Fail(resource.where, f"{quoted(resource.value)} has a wildcard in its service")


_Compared: TypeAlias = "tuple[list[tuple[Text, Text]], Text | None]"


def _covered(entries: Sequence[Text], *, ignore_case: bool) -> _Compared:
    """The entries that another of the list makes superfluous, each with that other; the first that was not compared."""
    words = [entry.value.lower() if ignore_case else entry.value for entry in entries]
    patterns = [at for at, word in enumerate(words) if _has_wildcard(word)]
    first: dict[str, int] = {}
    pairs = []
    work = _WORK
    wider = _by_head(words, patterns)
    for at, word in enumerate(words):
        earlier = first.setdefault(word, at)
        if earlier != at:
            pairs.append((entries[at], entries[earlier]))
            continue
        for other in wider(word):
            work -= _cost(words[other], word)
            if work < 0:
                return pairs, entries[at]
            if words[other] != word and _includes(words, other, at):
                pairs.append((entries[at], entries[other]))
                break
    return pairs, None


def _may_cover(words: Iterable[str], patterns: Sequence[str]) -> bool:
    """Whether a word begins as a pattern among the others does and has a further part of it."""
    if not patterns or len(patterns) > _FEW:
        return bool(patterns)
    text = "\n".join(("", *words))
    return any(
        text.count(begin) > 1 and text.count(_longest_part(pattern)) > 1
        for pattern in patterns
        if (begin := f"\n{_head(pattern)}")
    )


def _by_head(words: Sequence[str], patterns: Sequence[int]) -> Callable[[str], Iterator[int]]:
    """The patterns that may match a word: it begins as they do, and has what they spell out between wildcards."""
    heads: dict[str, list[tuple[str, int]]] = {}
    for at in patterns:
        heads.setdefault(_head(words[at]), []).append((_longest_part(words[at]), at))
    lengths = sorted(set(map(len, heads)))

    def wider(word: str) -> Iterator[int]:
        for part, at in chain.from_iterable(heads.get(word[:length], ()) for length in lengths):
            if part in word:
                yield at

    return wider


_WILDCARDS = re.compile(r"[*?]+")


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _head(pattern: str) -> str:
    return pattern.split("*", 1)[0].split("?", 1)[0]


def _longest_part(pattern: str) -> str:
    """Of what a pattern spells out after its first wildcard the longest; nothing where it ends there."""
    return max(_WILDCARDS.split(pattern)[1:], key=len, default="")


def _cost(wide: str, narrow: str) -> int:
    """What comparing the two costs at most, in steps."""
    return (len(wide) + len(narrow)) * (1 + wide.count("*") + wide.count("?"))


def _includes(words: Sequence[str], other: int, at: int) -> bool:
    wide, narrow = words[other], words[at]
    # Of two spellings of one pattern the later is superfluous.
    return covers(wide, narrow) and (other < at or not covers(narrow, wide))


@memo_on_subject
def _compared(statement: Statement) -> tuple[_Compared, _Compared]:
    """The comparison of its actions, and of its resources; three rules ask for it."""
    return (
        _covered(statement.actions or statement.not_actions, ignore_case=True),
        _covered(statement.resources or statement.not_resources, ignore_case=False),
    )


def _redundant(pairs: Sequence[tuple[Text, Text]]) -> Iterator[Fail]:
    if pairs:
        entry, other = pairs[0]
        more = f"; {len(pairs)} entries are superfluous" if len(pairs) > 1 else ""
        same = entry.value == other.value
        how = (
            f"is already at `{other.where.pointer}`"
            if same
            else f"is contained in {quoted(other.value)}"
        )
        yield Fail(entry.where, f"{quoted(entry.value)} {how}{more}")


def _may_repeat_action(statement: Statement) -> bool:
    # An Action and a NotAction are never both there in a statement that is written as usual.
    if statement.not_action:
        return statement.not_action.count > 1
    words = action_names(statement)
    return len(words) < len(statement.action_words) or (
        len(words) > 1 and _may_cover(words, action_patterns(statement))
    )


def _may_repeat_resource(statement: Statement) -> bool:
    entries = statement.resource_words or statement.not_resource_words
    if len(entries) < _SEVERAL:
        return False
    words = set(entries)
    return len(words) < len(entries) or _may_cover(words, list(filter(_has_wildcard, words)))


@check(
    "REDUNDANT_ACTION",
    on=Statement,
    when=(at_statement(_may_repeat_action),),
    severity=Severity.SUGGESTION,
    title="An action is already covered by another of the list",
    fix="Remove it, or remove the wildcard that is wider than meant.",
    bad=[allow(["s3:Get*", _GET]), allow([_GET, "s3:getobject"])],
    good=[allow(["s3:Get*", "s3:PutObject"])],
)
def repeated_action(statement: Statement) -> Iterator[Fail]:
    """The longer list looks more exact than it is.

    Harmless where the list is kept for readers.
    """
    actions, _ = _compared(statement)
    yield from _redundant(actions[0])


@check(
    "REDUNDANT_RESOURCE",
    on=Statement,
    when=(at_statement(_may_repeat_resource),),
    severity=Severity.SUGGESTION,
    title="A resource is already covered by another of the list",
    fix="Remove it, or remove the wildcard that is wider than meant.",
    bad=[allow(_GET, [OBJECTS, "arn:aws:s3:::amzn-s3-demo-bucket/home/*"])],
    good=[allow(_GET, ["arn:aws:s3:::amzn-s3-demo-bucket", OBJECTS])],
)
def repeated_resource(statement: Statement) -> Iterator[Fail]:
    """The longer list looks more exact than it is."""
    _, resources = _compared(statement)
    yield from _redundant(resources[0])


@check(
    "LIST_TOO_LONG_TO_COMPARE",
    on=Statement,
    when=(at_statement(_may_repeat_action), at_statement(_may_repeat_resource)),
    severity=Severity.SUGGESTION,
    title="A list has too many intricate wildcards to compare its entries with each other",
    fix="Shorten the list, or write fewer wildcards into its entries.",
    source=_BEST_PRACTICES,
    bad=[allow([f"s3:*Version{'*e' * 20}*{n:02}" for n in range(60)])],
    good=[allow(["s3:Get*", "s3:PutObject"])],
)
def list_not_compared(statement: Statement) -> Iterator[Fail]:
    """Which entries are redundant was asked of the first ones only: silence about the others proves nothing."""
    for _, stopped in _compared(statement):
        if stopped:
            yield Fail(
                stopped.where,
                "entries from here on were not compared with the others: comparing their wildcards takes too long",
            )


def _has_same_actions_twice(policy: Policy) -> bool:
    return len(set(map(action_names, policy.statements))) < len(policy.statements)


@check(
    "REDUNDANT_STATEMENT",
    on=Policy,
    when=(at_policy(_has_same_actions_twice),),
    severity=Severity.SUGGESTION,
    title="Two statements are the same",
    fix="Remove one of them.",
    bad=[{"Version": "2012-10-17", "Statement": [allow(_GET, OBJECTS), allow([_GET], OBJECTS)]}],
    good=[
        {
            "Version": "2012-10-17",
            "Statement": [allow(_GET, OBJECTS), allow("s3:PutObject", OBJECTS)],
        }
    ],
)
def repeated_statement(policy: Policy) -> Iterator[Fail]:
    """The second has no effect of its own; often one of the two was meant to be changed."""
    alike: dict[frozenset[str], list[Statement]] = {}
    for statement in policy.statements:
        alike.setdefault(action_names(statement), []).append(statement)
    # Few statements have the same actions, so the whole of them need not be read.
    for statements in alike.values():
        if len(statements) > 1:
            yield from _said_again(statements)


def _said_again(statements: Sequence[Statement]) -> Iterator[Fail]:
    seen: dict[object, Statement] = {}
    for statement in statements:
        first = seen.setdefault(meaning(statement), statement)
        if first is not statement:
            said = f"the statement says what `{first.place().pointer}` says"
            yield Fail(statement.place(), said)
