"""Names of actions: whether the service exists, and whether it has the action."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind, Policy, Statement, Text
from aws_iam.engine.language.memo import ByWord, memo_by_text, memo_on_subject
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.placeholders import is_known_later
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, policy_with
from aws_iam.rules.gates import at_action
from aws_iam.rules.newer_names import possibly_new, refreshing
from aws_iam.rules.outcomes import Fail
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PREFIX_FIX = "Write the service prefix that IAM uses; `policy lookup` finds it."
_NAME_FIX = "Correct the name; `policy lookup` lists the actions of a service."
_EXCLUSION_FIX = "Correct the name; as written, the intended action is not excluded."
_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"


def _split(entry: Text) -> tuple[str, str] | None:
    """Prefix and name of an entry; None for `*` alone and for an entry with a variable or a placeholder."""
    if is_known_later(entry.value) or (entry.value and not entry.value.strip("*")):
        return None
    prefix, _, name = entry.value.partition(":")
    return prefix, name


def _with_suggestions(
    problems: Iterable[tuple[Text, str]],
    suggest: Callable[[str], tuple[str, ...]],
    fix: str,
    *,
    of_others: bool = True,
) -> Iterator[Fail]:
    """One failure for each problem, with a similar name if there is one; without `of_others` only one of the same service."""
    for entry, message in problems:
        near = suggest(entry.value)
        if near and not (of_others or _prefix(near[0]) == _prefix(entry.value)):
            yield Fail(entry.where, message)
        elif near:
            newer = f" {refreshing()}" if _may_be_new(entry.value) else ""
            yield Fail(entry.where, f"{message}; did you mean `{near[0]}`?", fix=f"{fix}{newer}")
        else:
            yield (
                possibly_new(entry.where, message)
                if _may_be_new(entry.value)
                else Fail(entry.where, message)
            )


def _prefix(action: str) -> str:
    return action.partition(":")[0].lower()


def _may_be_new(entry: str) -> bool:
    """Whether AWS may have added the name after the date of the data: it has the right form and was never listed."""
    prefix, colon, name = entry.partition(":")
    if not (prefix and colon and name):
        return False
    retired = catalog().retired_actions(prefix)
    return not any(matches(name, former, ignore_case=True) for former in retired)


@memo_by_text
def _is_unrecognized(entry: str) -> bool:
    """Whether the entry is neither a current action nor a pattern that matches one."""
    if is_literal(entry):
        return catalog().tier(entry) != "known" or ":" not in entry
    prefix, colon, name = entry.partition(":")
    if not colon or not is_literal(prefix) or catalog().tier(prefix) != "known":
        return bool(entry.strip("*"))
    return not _exists(prefix, name)


_UNRECOGNIZED = (at_action(_is_unrecognized),)


@check(
    "INVALID_SERVICE_IN_ACTION",
    on=Policy,
    when=_UNRECOGNIZED,
    severity=Severity.ERROR,
    title="The action has the prefix of a service that does not exist",
    fix=_PREFIX_FIX,
    bad=[policy_with(allow("s33:GetObject")), policy_with(allow("stepfunctions:StartExecution"))],
    good=[policy_with(allow("s3:GetObject")), policy_with(allow("states:StartExecution"))],
)
def unknown_service(policy: Policy) -> Iterator[Fail]:
    """An action of a service that does not exist matches no request, so the statement does not do what it says.

    False alarm when AWS added the service after the date of the service data.
    """
    yield from _with_suggestions(_of_unknown_service(policy), _near_services, _PREFIX_FIX)


@memo_on_subject
def _unrecognized(statement: Statement) -> tuple[Text, ...]:
    """The entries that are not simply the name of a known action."""
    # The entries have places, which the words of most statements make unnecessary.
    if all(map(_IS_KNOWN.__getitem__, (*statement.action_words, *statement.not_action_words))):
        return ()
    entries = (*statement.actions, *statement.not_actions)
    return tuple([entry for entry in entries if not _IS_KNOWN[entry.value]])


_IS_KNOWN = ByWord(lambda word: ":" in word and catalog().tier(word) == "known")


def _of_unknown_service(policy: Policy) -> Iterator[tuple[Text, str]]:
    for statement in policy.statements:
        for entry in _unrecognized(statement):
            parts = _split(entry)
            if (
                parts
                and ":" in entry.value
                and is_literal(parts[0])
                and _is_unknown_service(parts[0])
            ):
                yield (
                    entry,
                    f"{quoted(entry.value)}: AWS has no service with the prefix {quoted(parts[0])}",
                )


def _is_unknown_service(prefix: str) -> bool:
    return catalog().tier(prefix) == "unknown"


def _near_services(action: str) -> tuple[str, ...]:
    prefix, _, name = action.partition(":")
    near = catalog().suggest_service(prefix)
    return (
        tuple(
            f"{service}:{name[:60]}" for service in near if catalog().expand(f"{service}:{name}")
        )
        or near
    )


@check(
    "INVALID_ACTION",
    on=Policy,
    when=_UNRECOGNIZED,
    severity=Severity.ERROR,
    title="The action does not exist",
    fix=_NAME_FIX,
    bad=[
        policy_with(allow("s3:GetObjectt")),
        policy_with(allow("s3:Gte*")),
        policy_with(allow("GetObject")),
        policy_with(allow("s3.GetObject")),
        policy_with(allow("")),
    ],
    good=[policy_with(allow(["s3:GetObject", "s3:get*", "*"]))],
)
def unknown_action(policy: Policy) -> Iterator[Fail]:
    """An action that does not exist matches no request, so the statement does not do what it says.

    False alarm when AWS added the action after the date of the service data.
    """
    # The policy of a resource is about one service.
    of_others = policy.kind is not Kind.RESOURCE
    yield from _with_suggestions(
        _of_unknown_action(policy), _near_actions, _NAME_FIX, of_others=of_others
    )


def _of_unknown_action(policy: Policy) -> Iterator[tuple[Text, str]]:
    for statement in policy.statements:
        excluded = frozenset(map(id, statement.not_actions))
        for entry in _unrecognized(statement):
            is_skipped = id(entry) in excluded or not _is_unrecognized(entry.value)
            reason = "" if is_skipped else _why_invalid(entry)
            if reason:
                yield entry, reason


def _why_invalid(entry: Text) -> str:
    parts = _split(entry)
    if parts is None:
        return ""
    prefix, name = parts
    if ":" not in entry.value:
        return f"{quoted(entry.value)} has no service prefix; write an action as `service:Name`"
    if not is_literal(prefix) or catalog().tier(prefix) != "known" or _exists(prefix, name):
        return ""
    if seen := catalog().last_listed(entry.value):
        return f"{quoted(entry.value)} is no longer an action of {prefix}: AWS's reference still listed it on {seen}"
    if is_literal(name):
        return f"{quoted(entry.value)} is not an action of {prefix}"
    return f"{quoted(entry.value)} matches no action of {prefix}"


def _exists(prefix: str, name: str) -> bool:
    """Whether an action has this name or matches this pattern, be it undocumented or retired within the last months.

    AWS's validator follows its reference of the day, so it reports what was retired before.
    """
    full_name = f"{prefix}:{name}"
    if is_literal(name):
        tier = catalog().tier(full_name)
        return catalog().left_recently(full_name) if tier == "retired" else tier != "unknown"
    service = catalog().service(prefix)
    if service is None:
        return False
    recent = (
        former for former in service.retired if catalog().left_recently(f"{prefix}:{former}")
    )
    return bool(catalog().expand(full_name)) or any(
        matches(name, existing, ignore_case=True) for existing in (*service.undocumented, *recent)
    )


# When several services have an action of a name without prefix, the first of these is suggested: most policies are
# about them.
_COMMON_SERVICES = (
    "s3",
    "ec2",
    "iam",
    "sts",
    "lambda",
    "dynamodb",
    "kms",
    "sqs",
    "sns",
    "secretsmanager",
    "logs",
    "ssm",
)
# A name that more services share, such as TagResource, gives no suggestion.
_MOST_SERVICES = 8
_OTHER_SEPARATOR = re.compile(r"([A-Za-z0-9-]+)\s*[./;,\s]\s*([A-Za-z0-9]+)")


def _near_actions(action: str) -> tuple[str, ...]:
    known = catalog()
    if known.last_listed(action):
        return ()
    if ":" in action:
        return (known.suggest_action if is_literal(action) else known.suggest_pattern)(action)
    parts = _OTHER_SEPARATOR.fullmatch(action)
    if parts:
        intended = catalog().action(f"{parts[1]}:{parts[2]}")
        return (intended.full_name,) if intended else ()
    namesakes = catalog().having(action)
    if len(namesakes) > _MOST_SERVICES:
        return ()
    likely = [
        name
        for service in _COMMON_SERVICES
        for name in namesakes
        if name.startswith(f"{service}:")
    ]
    return tuple(likely[:1]) or (namesakes if len(namesakes) == 1 else ())


@check(
    "UNKNOWN_ACTION_IN_NOT_ACTION",
    on=Policy,
    when=_UNRECOGNIZED,
    severity=Severity.WARNING,
    title="NotAction excludes an action that does not exist",
    fix=_EXCLUSION_FIX,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
    bad=[policy_with({"Effect": "Deny", "NotAction": ["iam:ListUser"], "Resource": "*"})],
    good=[policy_with({"Effect": "Deny", "NotAction": ["iam:ListUsers"], "Resource": "*"})],
)
def unknown_exclusion(policy: Policy) -> Iterator[Fail]:
    """A misspelled entry of NotAction excludes nothing, so the statement also covers the action that it should leave out.

    False alarm when AWS added the action after the date of the service data.
    """
    problems = (
        (entry, reason)
        for statement in policy.statements
        for entry in statement.not_actions
        if (reason := _why_invalid(entry))
    )
    yield from _with_suggestions(problems, _near_actions, _EXCLUSION_FIX)


@check(
    "RETIRED_ACTION",
    on=Statement,
    when=_UNRECOGNIZED,
    severity=Severity.SUGGESTION,
    title="AWS no longer lists this action",
    fix="Remove the action, or replace it with the action that succeeded it.",
    source=_REFERENCE,
    bad=[allow("codestar:CreateProject")],
    good=[allow("s3:CreateBucket")],
)
def retired_action(statement: Statement) -> Iterator[Fail]:
    """An action that AWS removed from its service authorization reference is most likely no longer in use.

    False alarm when AWS still accepts the action although its reference no longer lists it.
    """
    by_service: dict[str, list[Text]] = {}
    for entry in _unrecognized(statement):
        if _is_retired(entry.value):
            by_service.setdefault(entry.value.partition(":")[0].lower(), []).append(entry)
    for service, entries in by_service.items():
        others = counted(len(entries) - 1, "more action")
        more = f"; the same applies to {others} of {service}" if entries[1:] else ""
        seen = catalog().last_listed(entries[0].value)
        day = f", which still listed it on {seen}" if seen else ""
        yield Fail(
            entries[0].where,
            f"{quoted(entries[0].value)} is no longer in AWS's service authorization reference{day}{more}",
        )


def _is_retired(entry: str) -> bool:
    """Whether it is an action of a retired service, or one that left a current service within the last months."""
    if not is_literal(entry) or catalog().tier(entry) != "retired":
        return False
    is_current = catalog().tier(entry.partition(":")[0]) == "known"
    return not is_current or catalog().left_recently(entry)
