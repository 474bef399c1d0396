"""Requests near those that are allowed, and denied: another action of a higher level, another resource, another caller or context."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.policy.cases.judged_case import weaknesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.tools.policy.cases.allowed_requests import AllowedRequests

    _Candidate = tuple[Mapping[str, Any], str]
    _Kind = Callable[[AllowedRequests], Iterator[_Candidate]]

WANTED = 3
_MOST_NEAR = 20
# Contexts that are not those of one request, and actions that begin as others do.
_MOST_CONTEXTS = 6
_MOST_VERBS = 10
# The service and the first word of an action's name.
_FIRST_WORD = re.compile(r"[a-z0-9-]+:[A-Z][a-z0-9]*(?=[A-Z])")
_NEXT_LEVELS = {
    "List": ("Read", "Write", "Permissions management", "Tagging"),
    "Read": ("Write", "Permissions management", "Tagging", "List"),
    "Tagging": ("Write", "Permissions management", "Read", "List"),
    "Write": ("Permissions management", "Tagging", "Read", "List"),
    "Permissions management": ("Write", "Tagging", "Read", "List"),
}
"""The levels whose actions would be told first as gained, for each level."""
# Of an action that is allowed, what a wider one would most likely be.
_VERBS = ("Put", "Delete", "Update", "Create", "Get")
_OTHER_ACCOUNT = "444455556666"
_REFUSED = frozenset({"ExplicitlyDenied", "ImplicitlyDenied"})
# Where everything of a service is allowed: what hardly any policy should allow beside it.
_ELSEWHERE = (
    ("iam:CreateAccessKey", "arn:aws:iam::111122223333:user/example"),
    ("iam:AttachRolePolicy", "arn:aws:iam::111122223333:role/example"),
    ("s3:DeleteBucket", "arn:aws:s3:::example"),
    ("kms:ScheduleKeyDeletion", "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("organizations:LeaveOrganization", "*"),
    ("ec2:TerminateInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"),
)  # fmt: skip


@slotted
class NearMiss:
    """A denied request, and what of it is not as in the allowed one."""

    request: Mapping[str, Any]
    what: str
    # The allowed request that it is near to.
    near: AllowedRequests
    # Further actions that are denied in the same way.
    more_actions: tuple[str, ...] = ()


def near_misses(allowed: Sequence[AllowedRequests]) -> tuple[NearMiss, ...]:
    """One near miss of each kind where there is one, and further ones up to three; and those that one request alone is near to."""
    found: list[NearMiss] = []
    kinds = (_other_actions, _other_resources, _other_senders)
    candidates = [_denied(kind, allowed) for kind in kinds]
    # One of each kind first; what a kind lacks the others give.
    while len(found) < WANTED and candidates:
        for own in tuple(candidates):
            miss = next((m for m in own if all(m.request != f.request for f in found)), None)
            if miss is None:
                candidates.remove(own)
            elif len(found) < WANTED:
                found.append(miss)
    # A condition, a resource or an action that is widened shows only where it stands.
    for kind, most in (
        (_other_contexts, _MOST_CONTEXTS),
        (_other_resources, 1),
        (_actions_beside, 1),
    ):
        of_each = (miss for one in allowed for miss in islice(_denied(kind, [one]), most))
        for miss in islice(of_each, _MOST_NEAR):
            if all(miss.request != own.request for own in found):
                found.append(miss)
    found += islice(filter(None, map(_of_the_same_verbs, allowed)), _MOST_NEAR)
    return tuple(found)


def _of_the_same_verbs(own: AllowedRequests) -> NearMiss | None:
    """Actions whose names begin as allowed ones do: a wildcard in the place of a name allows them, too."""
    service = catalog().service(own.service)
    begins = filter(None, map(_FIRST_WORD.match, own.actions))
    starts = tuple(dict.fromkeys(found[0] for found in begins))
    denied = (
        action.full_name
        for action in (service.actions.values() if service else ())
        if action.full_name.startswith(starts)
        and action.full_name not in own.actions
        and _is_denied(own.asked(action=action.full_name), own)
    )
    names = tuple(islice(denied, _MOST_VERBS))
    if not names:
        return None
    return NearMiss(
        request=own.asked(action=names[0]),
        what="actions that begin like allowed ones",
        near=own,
        more_actions=names[1:],
    )


def _denied(kind: _Kind, allowed: Sequence[AllowedRequests]) -> Iterator[NearMiss]:
    """The candidates of a kind that the policies themselves deny, and with which AWS's reference finds nothing wrong."""
    for own in allowed:
        told: set[str] = set()
        for asked, what in kind(own):
            if what not in told and _is_denied(asked, own):
                told.add(what)
                yield NearMiss(request=asked, what=what, near=own)


def _is_denied(asked: Mapping[str, Any], own: AllowedRequests) -> bool:
    try:
        request = request_of(asked)
    except InputError:
        return False
    decision = own.layers.evaluation(request).decision
    # What a policy of another account would have to allow says nothing about these.
    by_these = own.layers.names_of_layers.intersection(decision.blocked_by)
    is_denied = decision.outcome in _REFUSED and bool(by_these)
    return is_denied and not any(weaknesses(request, own.layers, decision))


def _other_actions(own: AllowedRequests) -> Iterator[_Candidate]:
    """Actions on the same resource, of the next higher access levels, then of any; at last of another service."""
    yield from _actions_beside(own)
    # The policy of a resource says nothing of other services.
    for name, resource in () if "resource" in own.layers.names_of_layers else _ELSEWHERE:
        yield (
            own.asked(action=name, resource=resource),
            f"{name.partition(':')[0]} beside {own.service}",
        )


def _actions_beside(own: AllowedRequests) -> Iterator[_Candidate]:
    """Actions of the service on the same resource, of the next higher access levels, then of any."""
    known = catalog().action(own.actions[0])
    service = catalog().service(own.service)
    if known is None or service is None:
        return
    types = set(known.resource_types)
    levels = (*_NEXT_LEVELS[known.level], known.level)
    others = sorted(
        (
            action
            for action in service.actions.values()
            if action.full_name not in own.actions
            and (types & set(action.resource_types) if types else not action.resource_types)
        ),
        key=lambda action: (levels.index(action.level), _verb(action.name), action.name),
    )
    for action in others:
        what = f"{action.level.lower()} access to the same resource"
        yield own.asked(action=action.full_name), what


def _verb(name: str) -> int:
    return next((n for n, verb in enumerate(_VERBS) if name.startswith(verb)), len(_VERBS))


def _other_resources(own: AllowedRequests) -> Iterator[_Candidate]:
    """The same action on a resource with a longer name, on one beside it, and on one of another account or Region."""
    text = own.resources[-1]
    arn = Arn.of(text)
    if arn is None:
        return
    head = text[: len(text) - len(arn.resource)]
    kind, slash, rest = arn.resource.partition("/")
    name, colon, _ = arn.resource.rpartition(":")
    changed = []
    if own.service == "s3":
        changed += [f"{kind}-other{slash}{rest}", f"other{slash}{rest}", f"other{slash}other"]
    elif slash:
        first, more, tail = rest.partition("/")
        changed += [f"{kind}/{first}-other{more}{tail}", f"{kind}/other{more}{tail}"]
    elif colon:
        first, _, tail = name.partition(":")
        changed += [
            f"{name}:other",
            *([f"{first}:other:log-stream:other"] if "log-stream" in tail else []),
        ]
    changed += [f"{arn.resource}-other", f"other-{arn.resource}"]
    for resource in changed:
        request = own.asked(resource=f"{head}{resource}")
        yield request, "the same action on another resource"
    if arn.region:
        region = "eu-west-3" if arn.region != "eu-west-3" else "us-west-1"
        other = text.replace(f":{arn.region}:", f":{region}:", 1)
        yield own.asked(resource=other), "the same in another Region"
    # Of another account most resources stay denied, whatever the policy says: theirs has to allow it, too.
    if arn.account and arn.account.isdigit():
        other = text.replace(f":{arn.account}:", f":{_OTHER_ACCOUNT}:", 1)
        yield own.asked(resource=other), "the same in another account"


def _other_contexts(own: AllowedRequests) -> Iterator[_Candidate]:
    """The same request with another value of a key of its context, or without it."""
    context = own.request.get("context", {})
    for key, value in context.items():
        rest = {name: kept for name, kept in context.items() if name != key}
        yield own.asked(context={**rest, key: _changed(value)}), f"another value of {key}"
        yield own.asked(context=rest), f"without {key}"


def _other_senders(own: AllowedRequests) -> Iterator[_Candidate]:
    """The same request in another context, and from another caller."""
    yield from _other_contexts(own)
    context = own.request.get("context", {})
    given = {name.lower() for name in context}
    for key, value in _SENT:
        if key.lower() not in given:
            yield own.asked(context={**context, key: value}), f"{key} {value}"
    principal = str(own.request.get("principal", ""))
    arn = Arn.of(principal)
    if arn is not None and arn.account:
        other = principal.replace(f":{arn.account}:", f":{_OTHER_ACCOUNT}:", 1)
        yield own.asked(principal=f"{principal}-other"), "another caller of the account"
        yield own.asked(principal=other), "a caller of another account"
    if principal.endswith(".amazonaws.com"):
        yield own.asked(principal="example.amazonaws.com"), "another service as the caller"


_SENT = (("aws:SecureTransport", "false"), ("aws:MultiFactorAuthPresent", "false"))


def _changed(value: Any) -> Any:
    if isinstance(value, list):
        return [_changed(own) for own in value]
    if value in {"true", "false"}:
        return "false" if value == "true" else "true"
    text = str(value)
    return (
        f"{_OTHER_ACCOUNT if text != _OTHER_ACCOUNT else '777788889999'}"
        if text.isdigit()
        else f"other-{text}"
    )
