"""Wildcards that grant more than they seem to, and entries or statements that repeat others."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from aws_iam.answer import Severity
from aws_iam.engine.algebra.statement_sets import action_names, action_patterns, meaning
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind, Policy, Statement, Text
from aws_iam.engine.language.memo import ByWord, memo_by_text, memo_on_subject
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, allow
from aws_iam.rules.gates import at_action, at_policy, at_resource, at_statement, has
from aws_iam.rules.outcomes import Fail
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_FEW = 20
_PAIR = 2
# Patterns with many wildcards are slow to compare. Policies that AWS accepts are far below this limit; where a list exceeds
# it, LIST_TOO_LONG_TO_COMPARE says so.
_WORK = 2_000_000


_GET = "s3:GetObject"


def _has_service_wildcard(entry: str) -> bool:
    """Whether the service of an action or an ARN has a wildcard."""
    if entry.startswith("arn:"):
        arn = Arn.of(entry)
        return arn is not None and not is_literal(arn.service)
    service, colon, _ = entry.partition(":")
    return bool(colon) and not is_literal(service)


def _is_every_action(entry: str) -> bool:
    return entry in {"*", "*:*"} or covers(entry, "*:*")


@check(
    "FULL_ADMIN_ALLOWED",
    on=Statement,
    when=(at_action(_is_every_action),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows every action on every resource",
    fix="List the actions and resources that the principal needs.",
    source=_BEST_PRACTICES,
    kinds=(Kind.IDENTITY,),
    bad=[allow("*"), allow("*:*")],
    good=[allow(_GET, OBJECTS), {"Effect": "Deny", "Action": "*", "Resource": "*"}],
)
def everything_allowed(statement: Statement) -> Iterator[Fail]:
    """Every principal with this policy is an administrator of the account.

    False alarm when the principal is meant to administer the account.
    """
    anywhere = any(resource.value == "*" for resource in statement.resources)
    if not (anywhere and statement.allows) or statement.has("Condition"):
        return
    everything = next(
        (action for action in statement.actions if _is_every_action(action.value)), None
    )
    if everything:
        yield Fail(everything.where, f"{quoted(everything.value)} on `*` allows everything")


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
    fix="List the actions that the principal needs.",
    source=_BEST_PRACTICES,
    kinds=(Kind.IDENTITY,),
    bad=[allow("s3:*"), allow("s3:*", "arn:aws:s3:::amzn-s3-demo-bucket/home/*")],
    good=[allow("s3:Get*"), {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
)
def service_wildcard(statement: Statement) -> Iterator[Fail]:
    """A service wildcard also allows every action that AWS adds to the service later.

    False alarm when the principal is meant to administer the service.
    """
    words = statement.action_words
    wildcards = [at for at, word in enumerate(words) if _is_service_wildcard(word)]
    if statement.allows and wildcards:
        # Every one of a bucket's objects below a prefix, so that no bucket itself can be changed.
        prefix_only = _are_all(_BELOW_PREFIX, statement.resource_words)
        of_agent = all(_service(words[at]) in _OF_AGENT for at in wildcards)
        # An action without a resource type is not allowed by resources of a name.
        named = not prefix_only and _are_all(_NAMED, statement.resource_words)
        limited = prefix_only or named or of_agent or statement.has("Condition")
        where = " on part of a bucket" if prefix_only else " on named resources" if named else ""
        others = counted(len(wildcards) - 1, "more service wildcard")
        more = f"; the statement has {others}" if wildcards[1:] else ""
        first = statement.actions[wildcards[0]]
        yield Fail(
            first.where,
            f"{quoted(first.value)} allows every action of {quoted(first.value.partition(':')[0])}{where}{more}",
            severity=Severity.WARNING if limited else None,
        )


# What the agent of Systems Manager talks through: AWS's own policy for instances allows every action of both.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
_OF_AGENT = frozenset({"ec2messages", "ssmmessages"})


def _service(action: str) -> str:
    return action.partition(":")[0].lower()


# Every action on a role is a way to more access, and every one on a bucket opens it.
_NEVER_NARROW = frozenset({"iam", "s3"})
_OF_A_NAME = 2


def _are_all(test: ByWord[bool], words: Sequence[str]) -> bool:
    return bool(words) and all(map(test.__getitem__, words))


def _is_named(resource: str) -> bool:
    """Whether the resource is one of a name, with what is below it."""
    arn = Arn.of(resource)
    if arn is None or arn.service in _NEVER_NARROW:
        return False
    # The type and the name, or a name alone.
    parts = re.split("[/:]", arn.resource)[:_OF_A_NAME]
    return is_literal(arn.service) and all(part and is_literal(part) for part in parts)


def _is_below_prefix(resource: str) -> bool:
    """Whether the resource is a prefix of objects in a named bucket."""
    arn = Arn.of(resource)
    if arn is None or arn.service != "s3":
        return False
    bucket, _, key = arn.resource.partition("/")
    return is_literal(bucket) and bool(key) and not key.startswith(("*", "?"))


_NAMED = ByWord(_is_named, of_reference=False)
_BELOW_PREFIX = ByWord(_is_below_prefix, of_reference=False)


@check(
    "ALLOW_WITH_NOT_ACTION",
    on=Statement,
    when=(has("NotAction"),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows every action except those in NotAction",
    fix="List the allowed actions in Action, or move the exceptions to a Deny.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
    kinds=(Kind.IDENTITY, Kind.SESSION, Kind.RESOURCE),
    bad=[{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
    good=[{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}],
)
def all_but_some_actions(statement: Statement) -> Iterator[Fail]:
    """NotAction also allows every action that its list forgets, and every service and action that AWS adds later.

    False alarm when the principal is meant to have every action except these.
    """
    if statement.allows and statement.not_actions:
        excluded = quoted(statement.not_actions[0].value)
        others = len(statement.not_actions) - 1
        more = f" and {others} more" if others else ""
        yield Fail(
            statement.place("NotAction"),
            f"the statement allows every action except {excluded}{more}",
        )


@check(
    "ALLOW_WITH_NOT_RESOURCE",
    on=Statement,
    when=(has("NotResource"),),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows its actions on every resource except those in NotResource",
    fix="List the allowed resources in Resource, or move the exceptions to a Deny.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html",
    kinds=(Kind.IDENTITY,),
    bad=[{"Effect": "Allow", "Action": _GET, "NotResource": OBJECTS}],
    good=[allow(_GET, OBJECTS)],
)
def all_but_some_resources(statement: Statement) -> Iterator[Fail]:
    """NotResource also allows resources that are created later, and resources of other accounts.

    False alarm when the principal is meant to use every resource except these.
    """
    if statement.allows and statement.not_resources:
        excluded = quoted(statement.not_resources[0].value)
        others = len(statement.not_resources) - 1
        more = f" and {others} more" if others else ""
        yield Fail(
            statement.place("NotResource"),
            f"the statement applies to every resource except {excluded}{more}",
        )


@check(
    "WILDCARD_IN_SERVICE_NAME",
    on=Statement,
    when=(at_action(_has_service_wildcard), at_resource(_has_service_wildcard)),
    severity=Severity.SUGGESTION,
    title="The service name has a wildcard",
    fix="Write the service prefix in full.",
    bad=[allow("s3*:GetObject"), allow(_GET, "arn:aws:s?:::amzn-s3-demo-bucket/*")],
    good=[allow("*"), allow("s3:*", OBJECTS)],
)
def wildcard_service(statement: Statement) -> Iterator[Fail]:
    """The wildcard also matches services that you did not think of, and services that AWS adds later.

    False alarm when every service that the wildcard matches, now and later, is meant.
    """
    for action in (*statement.actions, *statement.not_actions):
        service, colon, _ = action.value.partition(":")
        if colon and not is_literal(service):
            yield Fail(action.where, f"{quoted(action.value)} has a wildcard in its service name")
    for resource in (*statement.resources, *statement.not_resources):
        arn = Arn.of(resource.value)
        if arn and not is_literal(arn.service):
            yield Fail(
                resource.where, f"{quoted(resource.value)} has a wildcard in its service name"
            )


_Compared: TypeAlias = "tuple[list[tuple[Text, Text]], Text | None]"


def _redundant_entries(entries: Sequence[Text], *, ignore_case: bool) -> _Compared:
    """The entries that another entry makes redundant, each with that other entry; the first that was not compared."""
    words = [entry.value.lower() if ignore_case else entry.value for entry in entries]
    patterns = [at for at, word in enumerate(words) if _has_wildcard(word)]
    first: dict[str, int] = {}
    redundant = []
    work = _WORK
    patterns_like = _pattern_finder(words, patterns)
    for at, word in enumerate(words):
        earlier = first.setdefault(word, at)
        if earlier != at:
            redundant.append((entries[at], entries[earlier]))
            continue
        for other in patterns_like(word):
            work -= _cost(words[other], word)
            if work < 0:
                return redundant, entries[at]
            if words[other] != word and _includes(words, other, at):
                redundant.append((entries[at], entries[other]))
                break
    return redundant, None


def _may_overlap(words: Iterable[str], patterns: Sequence[str]) -> bool:
    """Whether a word may match a pattern of another: it begins like the pattern, and its longest part occurs again."""
    if not patterns or len(patterns) > _FEW:
        return bool(patterns)
    text = "\n".join(("", *words))
    for pattern in patterns:
        head, part = _literal_parts(pattern)
        if text.count(f"\n{head}") > 1 and text.count(part) > 1:
            return True
    return False


@memo_by_text
def _literal_parts(pattern: str) -> tuple[str, str]:
    """What a pattern begins with, and its longest literal part after its first wildcard."""
    return _head(pattern), _longest_part(pattern)


def _pattern_finder(
    words: Sequence[str], patterns: Sequence[int]
) -> Callable[[str], Iterator[int]]:
    """A function that gives the patterns that may match a word: those whose literal parts it contains."""
    heads: dict[str, list[tuple[str, int]]] = {}
    # By service, for few patterns of a long list are of that of a word; nothing stands for any.
    lengths: dict[str, set[int]] = {}
    for at in patterns:
        head = _head(words[at])
        heads.setdefault(head, []).append((_longest_part(words[at]), at))
        service, colon, _ = head.partition(":")
        lengths.setdefault(service if colon else "", set()).add(len(head))
    in_order = {service: sorted(own | lengths.get("", set())) for service, own in lengths.items()}

    def patterns_like(word: str) -> Iterator[int]:
        own = in_order.get(word.partition(":")[0]) or in_order.get("", [])
        for part, at in chain.from_iterable(heads.get(word[:length], ()) for length in own):
            if part in word:
                yield at

    return patterns_like


_WILDCARDS = re.compile(r"[*?]+")


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


def _head(pattern: str) -> str:
    return pattern.split("*", 1)[0].split("?", 1)[0]


def _longest_part(pattern: str) -> str:
    """The longest literal part of a pattern after its first wildcard; nothing when no literal part follows."""
    return max(_WILDCARDS.split(pattern)[1:], key=len, default="")


def _cost(wide: str, narrow: str) -> int:
    """The most steps that comparing the two takes."""
    return (len(wide) + len(narrow)) * (1 + wide.count("*") + wide.count("?"))


def _includes(words: Sequence[str], other: int, at: int) -> bool:
    wide, narrow = words[other], words[at]
    # Of two patterns that match the same, the later one is redundant.
    return covers(wide, narrow) and (other < at or not covers(narrow, wide))


@memo_on_subject
def _compared(statement: Statement) -> tuple[_Compared, _Compared]:
    """The comparison of its actions, and of its resources; three rules ask for it."""
    return (
        _redundant_entries(statement.actions or statement.not_actions, ignore_case=True),
        _redundant_entries(statement.resources or statement.not_resources, ignore_case=False),
    )


def _redundancy(redundant: Sequence[tuple[Text, Text]]) -> Iterator[Fail]:
    if redundant:
        entry, other = redundant[0]
        more = f"; the list has {len(redundant)} redundant entries" if len(redundant) > 1 else ""
        reason = (
            f"is already listed at `{other.where.pointer}`"
            if entry.value == other.value
            else f"is already covered by {quoted(other.value)}"
        )
        yield Fail(entry.where, f"{quoted(entry.value)} {reason}{more}")


def _may_repeat_action(statement: Statement) -> bool:
    # A valid statement has either Action or NotAction.
    if statement.not_action:
        return statement.not_action.count > 1
    words = action_names(statement)
    return len(words) < len(statement.action_words) or (
        len(words) > 1 and _may_overlap(words, action_patterns(statement))
    )


def _may_repeat_resource(statement: Statement) -> bool:
    entries = statement.resource_words or statement.not_resource_words
    if len(entries) < _PAIR:
        return False
    words = set(entries)
    return len(words) < len(entries) or _may_overlap(words, list(filter(_has_wildcard, words)))


@check(
    "REDUNDANT_ACTION",
    on=Statement,
    when=(at_statement(_may_repeat_action),),
    severity=Severity.SUGGESTION,
    title="The list has another entry that already covers this action",
    fix="Remove the action, or narrow the other entry if its wildcard is too wide.",
    bad=[allow(["s3:Get*", _GET]), allow([_GET, "s3:getobject"])],
    good=[allow(["s3:Get*", "s3:PutObject"])],
)
def repeated_action(statement: Statement) -> Iterator[Fail]:
    """The redundant entry has no effect, but makes the list look more specific than it is.

    False alarm when the entry is kept on purpose, for readers.
    """
    actions, _ = _compared(statement)
    yield from _redundancy(actions[0])


@check(
    "REDUNDANT_RESOURCE",
    on=Statement,
    when=(at_statement(_may_repeat_resource),),
    severity=Severity.SUGGESTION,
    title="The list has another entry that already covers this resource",
    fix="Remove the resource, or narrow the other entry if its wildcard is too wide.",
    bad=[allow(_GET, [OBJECTS, "arn:aws:s3:::amzn-s3-demo-bucket/home/*"])],
    good=[allow(_GET, ["arn:aws:s3:::amzn-s3-demo-bucket", OBJECTS])],
)
def repeated_resource(statement: Statement) -> Iterator[Fail]:
    """The redundant entry has no effect, but makes the list look more specific than it is.

    False alarm when the entry is kept on purpose, for readers.
    """
    _, resources = _compared(statement)
    yield from _redundancy(resources[0])


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
    """Only the first entries were searched for redundant ones, so silence about the others proves nothing.

    No false alarms: the search ended there.
    """
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
    fix="Remove one of them, or change the one that was meant to differ.",
    bad=[{"Version": "2012-10-17", "Statement": [allow(_GET, OBJECTS), allow([_GET], OBJECTS)]}],
    good=[
        {
            "Version": "2012-10-17",
            "Statement": [allow(_GET, OBJECTS), allow("s3:PutObject", OBJECTS)],
        }
    ],
)
def repeated_statement(policy: Policy) -> Iterator[Fail]:
    """The second statement has no effect of its own, and often one of the two was meant to be different.

    False alarm when a tool generates the policy and repeats statements.
    """
    by_actions: dict[frozenset[str], list[Statement]] = {}
    for statement in policy.statements:
        by_actions.setdefault(action_names(statement), []).append(statement)
    # Few statements share their actions, so only those are compared in full.
    for statements in by_actions.values():
        if len(statements) > 1:
            yield from _repeats(statements)


def _repeats(statements: Sequence[Statement]) -> Iterator[Fail]:
    seen: dict[object, Statement] = {}
    for statement in statements:
        first = seen.setdefault(meaning(statement), statement)
        if first is not statement:
            yield Fail(
                statement.place(), f"the statement is the same as `{first.place().pointer}`"
            )
