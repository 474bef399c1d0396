"""Actions: does the service exist, and does it have the action."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Policy, Statement, Text
from aws_iam.engine.language.memo import memo_by_text, memo_on_subject
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow, policy_with
from aws_iam.rules.gates import at_action
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
# Looking for the near miss of a name takes a millisecond or more: a document of nothing but unknown names gets
# suggestions for the first ones.
_SUGGESTED = 20


def _parts(entry: Text) -> tuple[str, str] | None:
    """Prefix and name of an entry; None for `*` alone and for one with a variable."""
    if "${" in entry.value or (entry.value and not entry.value.strip("*")):
        return None
    prefix, _, name = entry.value.partition(":")
    return prefix, name


def _with_hints(
    wrong: Iterable[tuple[Text, str]], suggest: Callable[[str], tuple[str, ...]]
) -> Iterator[Fail]:
    """A problem for each entry, with the near miss for the first ones."""
    unknown = iter(wrong)
    for entry, message in islice(unknown, _SUGGESTED):
        near = suggest(entry.value)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        yield Fail(entry.where, f"{message}{hint}")
    for entry, message in unknown:
        yield Fail(entry.where, message)


@memo_by_text
def _is_strange(entry: str) -> bool:
    """Whether it is neither a current action nor a pattern of some."""
    if is_literal(entry):
        return catalog().tier(entry) != "known" or ":" not in entry
    prefix, colon, name = entry.partition(":")
    if not colon or not is_literal(prefix) or catalog().tier(prefix) != "known":
        return bool(entry.strip("*"))
    return not _exists(prefix, name)


_STRANGE = (at_action(_is_strange),)


@check(
    "INVALID_SERVICE_IN_ACTION",
    on=Policy,
    when=_STRANGE,
    severity=Severity.ERROR,
    title="There is no service with the prefix of this action",
    fix="Write the prefix that the service has in IAM: `aws-iam policy lookup` finds it.",
    bad=[policy_with(allow("s33:GetObject")), policy_with(allow("stepfunctions:StartExecution"))],
    good=[policy_with(allow("s3:GetObject")), policy_with(allow("states:StartExecution"))],
)
def unknown_service(policy: Policy) -> Iterator[Fail]:
    """An action of no service matches no request, so the statement does not do what it says."""
    yield from _with_hints(_of_no_service(policy), _services)


@memo_on_subject
def _strange(statement: Statement) -> tuple[Text, ...]:
    """The entries that are not plainly the name of a known action: of a long list patterns are looked at one by one."""
    tier = catalog().tier
    entries = (*statement.actions, *statement.not_actions)
    return tuple([e for e in entries if ":" not in e.value or tier(e.value) != "known"])


def _of_no_service(policy: Policy) -> Iterator[tuple[Text, str]]:
    for statement in policy.statements:
        for entry in _strange(statement):
            parts = _parts(entry)
            if (
                parts
                and ":" in entry.value
                and is_literal(parts[0])
                and _unknown_service(parts[0])
            ):
                yield entry, f"{quoted(entry.value)}: there is no service {quoted(parts[0])}"


def _unknown_service(prefix: str) -> bool:
    return catalog().tier(prefix) == "unknown"


def _services(action: str) -> tuple[str, ...]:
    prefix, _, name = action.partition(":")
    near = catalog().suggest_service(prefix) or _alike(prefix)
    return (
        tuple(
            f"{service}:{name[:60]}" for service in near if catalog().expand(f"{service}:{name}")
        )
        or near
    )


def _alike(prefix: str) -> tuple[str, ...]:
    near = closest(prefix, catalog().services)
    return (near,) if near else ()


@check(
    "INVALID_ACTION",
    on=Policy,
    when=_STRANGE,
    severity=Severity.ERROR,
    title="The service has no action with this name",
    fix="Correct the name: `aws-iam policy lookup` lists the actions of a service.",
    bad=[
        policy_with(allow("s3:GetObjectt")),
        policy_with(allow("s3:Fetch*")),
        policy_with(allow("GetObject")),
        policy_with(allow("s3.GetObject")),
        policy_with(allow("")),
    ],
    good=[policy_with(allow(["s3:GetObject", "s3:get*", "*"]))],
)
def unknown_action(policy: Policy) -> Iterator[Fail]:
    """An action that does not exist matches no request, so the statement does not do what it says."""
    yield from _with_hints(_of_no_action(policy), _near_actions)


def _of_no_action(policy: Policy) -> Iterator[tuple[Text, str]]:
    for statement in policy.statements:
        excluded = frozenset(map(id, statement.not_actions))
        for entry in _strange(statement):
            known = id(entry) in excluded or not _is_strange(entry.value)
            reason = "" if known else _why_no_action(entry)
            if reason:
                yield entry, reason


def _why_no_action(entry: Text) -> str:
    parts = _parts(entry)
    if parts is None:
        return ""
    prefix, name = parts
    if ":" not in entry.value:
        return f"{quoted(entry.value)} has no service: an action is written `service:Name`"
    if not is_literal(prefix) or catalog().tier(prefix) != "known" or _exists(prefix, name):
        return ""
    if is_literal(name):
        return f"{quoted(entry.value)} is no action of {prefix}"
    return f"{quoted(entry.value)} matches no action of {prefix}"


def _exists(prefix: str, name: str) -> bool:
    """Whether some action, be it retired or undocumented, has the name or matches the pattern."""
    if is_literal(name):
        return catalog().tier(f"{prefix}:{name}") != "unknown"
    service = catalog().service(prefix)
    return service is not None and any(
        matches(name, existing, ignore_case=True)
        for existing in (*service.action_names, *service.retired, *service.undocumented)
    )


# Whose action a bare name means when several services have one: the services that policies are mostly about.
_USUAL = (
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
# A name that more services have, such as TagResource, points to none of them.
_MOST_OWNERS = 8
_OTHER_SEPARATOR = re.compile(r"([A-Za-z0-9-]+)\s*[./;,\s]\s*([A-Za-z0-9]+)")


def _near_actions(action: str) -> tuple[str, ...]:
    if ":" in action:
        return catalog().suggest_action(action) if is_literal(action) else ()
    parts = _OTHER_SEPARATOR.fullmatch(action)
    if parts:
        meant = catalog().action(f"{parts[1]}:{parts[2]}")
        return (meant.full_name,) if meant else ()
    found = catalog().having(action)
    if len(found) > _MOST_OWNERS:
        return ()
    usual = [f"{service}:" for service in _USUAL]
    likely = [name for prefix in usual for name in found if name.startswith(prefix)]
    return tuple(likely[:1]) or (found if len(found) == 1 else ())


@check(
    "UNKNOWN_ACTION_IN_NOT_ACTION",
    on=Policy,
    when=_STRANGE,
    severity=Severity.WARNING,
    title="NotAction excludes an action that does not exist",
    fix="Correct the name: as it is, the action that was meant is not excluded.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
    bad=[policy_with({"Effect": "Deny", "NotAction": ["iam:ListUser"], "Resource": "*"})],
    good=[policy_with({"Effect": "Deny", "NotAction": ["iam:ListUsers"], "Resource": "*"})],
)
def unknown_exclusion(policy: Policy) -> Iterator[Fail]:
    """A misspelled exclusion excludes nothing, so the statement also covers what it was meant to spare."""
    wrong = (
        (entry, reason)
        for statement in policy.statements
        for entry in statement.not_actions
        if (reason := _why_no_action(entry))
    )
    yield from _with_hints(wrong, _near_actions)


@check(
    "RETIRED_ACTION",
    on=Statement,
    when=_STRANGE,
    severity=Severity.SUGGESTION,
    title="AWS no longer lists this action",
    fix="Remove the action, or look up what took its place.",
    source=_REFERENCE,
    bad=[allow("codestar:CreateProject")],
    good=[allow("s3:CreateBucket")],
)
def retired_action(statement: Statement) -> Iterator[Fail]:
    """An action that left AWS's reference is most likely called by nothing any more.

    Wrong where AWS still accepts the action although its reference no longer lists it.
    """
    by_service: dict[str, list[Text]] = {}
    for entry in _strange(statement):
        if is_literal(entry.value) and catalog().tier(entry.value) == "retired":
            by_service.setdefault(entry.value.partition(":")[0].lower(), []).append(entry)
    for service, entries in by_service.items():
        more = f"; so it is with {len(entries) - 1} more of {service}" if entries[1:] else ""
        yield Fail(
            entries[0].where,
            f"{quoted(entries[0].value)} is no longer in AWS's service authorization reference{more}",
        )
