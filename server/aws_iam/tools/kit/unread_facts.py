"""What could not be read, and why: a refused call must never look like a safe account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from aws_iam.account.collect.fact import AccountFact, Miss, MissKind, RegionFact
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.answer import Artifact, Status
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding

_NAMED = 3
_PLAIN = (str, int, type(None))
_FEWER = "saved for fewer controls"


def misses_of(account: Account, facts: Iterable[Fact[Any]]) -> tuple[Miss, ...]:
    """Every failed call behind these facts, including those inside their values, each once."""
    needed = tuple(facts)
    found = (
        miss for fact in needed for value in _values(account, fact) for miss in _misses(value)
    )
    unlisted = account.regions.unlisted if any(map(_is_regional, needed)) else None
    return tuple(dict.fromkeys((*_misses(unlisted), *found)))


def unread_table(misses: Iterable[Miss]) -> list[dict[str, Any]]:
    """A table of what could not be read, with the IAM action that would allow it."""
    return [
        {
            "call": "not asked" if miss.kind is MissKind.UNASKED else miss.call,
            "region": miss.region or None,
            "why": miss.kind.value,
            "needs": miss.permission or None,
        }
        for miss in misses
    ]


def unread_reasons(misses: Iterable[Miss]) -> str:
    """Why, in a few words: the refused actions, and the first of the other failures."""
    listed = tuple(misses)
    refused = sorted({miss.permission for miss in listed if miss.kind is MissKind.DENIED})
    fewer = [miss for miss in listed if _FEWER in str(miss)]
    others = [miss for miss in listed if miss.kind is not MissKind.DENIED and miss not in fewer]
    parts = [f"refused: {joined(refused, shown=_NAMED)}"] if refused else []
    parts += [f"the snapshot was {_FEWER}"] if fewer else []
    parts += [f"{others[0]}{_more(len(others) - 1)}"] if others else []
    return "; ".join(parts)


def not_judged_summary(
    account: Account, found: Sequence[Finding], unknown: int, controls: int
) -> str:
    """How many controls could not be judged, and why; empty when all could."""
    if not unknown:
        return ""
    text = _all_reasons(found)
    missed = tuple(_every_miss(account))
    refused = sorted({miss.permission for miss in missed if miss.kind is MissKind.DENIED})
    named = [action for action in refused if action and action in text]
    expired = next((miss.code for miss in missed if miss.kind is MissKind.EXPIRED), None)
    parts = [f"the session expired on the way: {expired}"] if expired else []
    parts += [f"refused: {joined(named, shown=_NAMED)}"] if named else []
    parts += [f"the snapshot was {_FEWER}"] if _FEWER in text else []
    if not parts:
        parts = [f"for example {_reasons(found)[0]}"]
    return f"{unknown} of {controls} controls could not be judged ({'; '.join(parts)})"


def evaluation_facts(account: Account, found: Iterable[Finding]) -> dict[str, bool]:
    """`nothing_evaluated`, which decides the exit status, where no check of the account could be judged.

    `found` has at least one finding for each check, also for one that passes.
    """
    statuses = {finding.status for finding in found}
    if not is_unjudged(statuses):
        return {}
    # What a check says without reading anything, such as of a service that the partition lacks, is no evaluation.
    answered = statuses != {Status.UNKNOWN} and _has_read(account)
    return {} if answered else {"nothing_evaluated": True}


def reading_facts(account: Account, found: Iterable[Finding]) -> dict[str, bool]:
    """The same, where `found` does not have the checks that pass: nothing at all was read."""
    unjudged = is_unjudged({finding.status for finding in found}) and not _has_read(account)
    return {"nothing_evaluated": True} if unjudged else {}


def is_unjudged(statuses: AbstractSet[Status]) -> bool:
    """Whether something is unknown, and nothing is known to pass or fail."""
    return Status.UNKNOWN in statuses and not statuses & {Status.PASS, Status.FAIL}


def _has_read(account: Account) -> bool:
    return any(not isinstance(value, Miss) for value in account.facts.values())


def missing_permissions(account: Account, found: Sequence[Finding]) -> tuple[Artifact, ...]:
    """The policy to add, when findings are unknown because permissions are missing."""
    text = _all_reasons(found)
    refused = {miss.permission for miss in _every_miss(account) if _would_help(miss)}
    actions = sorted(action for action in refused if action and action in text)
    if not actions:
        return ()
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return (
        Artifact(
            name="missing-permissions.json",
            language="json",
            content=json.dumps(policy, indent=2) + "\n",
        ),
    )


def _reasons(found: Sequence[Finding]) -> list[str]:
    return [finding.reason or "" for finding in found if finding.status is Status.UNKNOWN]


def _all_reasons(found: Sequence[Finding]) -> str:
    return " ".join(_reasons(found))


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _is_regional(fact: Fact[Any]) -> bool:
    """Whether the fact is read in each Region; trails are a fact of the account, but some show in one Region only."""
    return isinstance(fact, RegionFact) or fact == TRAILS


def _every_miss(account: Account) -> Iterator[Miss]:
    yield from _misses(account.regions.unlisted)
    yield from _misses(account.facts)


def _values(account: Account, fact: Fact[Any]) -> Iterator[Any]:
    if isinstance(fact, AccountFact):
        yield account.get(fact)
    elif isinstance(fact, RegionFact):
        yield from (value for _, value in account.in_each(fact))


def _misses(value: Any) -> Iterator[Miss]:
    """Every miss in the value and in its parts, in their order."""
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, Miss):
            yield part
            continue
        if isinstance(part, tuple):
            parts: Iterable[Any] = part
        elif isinstance(part, Mapping):
            parts = part.values()
        else:
            parts = [getattr(part, name) for name in _fields_with_misses(part.__class__)]
        left += [inner for inner in parts if not isinstance(inner, _PLAIN)][::-1]


@cache
def _fields_with_misses(of: Any) -> tuple[str, ...]:
    """The fields of a class in which a miss can be: most facts are of thousands of values without any."""
    if not is_dataclass(of):
        return ()
    return tuple(name for name, own in get_type_hints(of).items() if _may_hold_miss(own))


def _may_hold_miss(of: Any) -> bool:
    return of is Miss or any(map(_may_hold_miss, get_args(of))) or bool(_fields_with_misses(of))


def _would_help(miss: Miss) -> bool:
    """Whether an Allow for the caller would help: not when another kind of policy refuses the call."""
    text = miss.message
    other_policy = "because no " in text and "because no identity-based" not in text
    return miss.kind is MissKind.DENIED and "explicit deny" not in text and not other_policy
