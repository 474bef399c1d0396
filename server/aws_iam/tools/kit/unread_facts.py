"""What could not be read, and why: no answer may let a refused call look like a safe account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import AccountFact, Miss, MissKind, RegionFact
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.answer import Artifact, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding

_NAMED = 3
_FEWER = "saved for fewer controls"


def misses_of(account: Account, facts: Iterable[Fact[Any]]) -> tuple[Miss, ...]:
    """Every failed call behind these facts, those inside their values too, each once."""
    wanted = tuple(facts)
    found = (
        miss for fact in wanted for value in _values(account, fact) for miss in _misses(value)
    )
    unlisted = account.regions.unlisted if any(map(_of_regions, wanted)) else None
    return tuple(dict.fromkeys((*_misses(unlisted), *found)))


def rows(misses: Iterable[Miss]) -> list[dict[str, Any]]:
    """The table of what could not be read, with the IAM action that reading it takes."""
    return [
        {
            "call": "not asked" if miss.kind is MissKind.UNASKED else miss.call,
            "region": miss.region or None,
            "why": miss.kind.value,
            "needs": miss.permission or None,
        }
        for miss in misses
    ]


def reasons(misses: Iterable[Miss]) -> str:
    """Why, in a few words: what was refused by its actions, the rest by the first failed call."""
    listed = tuple(misses)
    refused = sorted({each.permission for each in listed if each.kind is MissKind.DENIED})
    fewer = [each for each in listed if _FEWER in str(each)]
    others = [each for each in listed if each.kind is not MissKind.DENIED and each not in fewer]
    parts = [f"refused: {_some(refused)}"] if refused else []
    parts += [f"the snapshot was {_FEWER}"] if fewer else []
    parts += [f"{others[0]}{_more(len(others) - 1)}"] if others else []
    return "; ".join(parts)


def lead(account: Account, found: Sequence[Finding], unknown: int, controls: int) -> str:
    """How many controls could not be judged, and why; empty when all were."""
    if not unknown:
        return ""
    told = _told(found)
    refused = sorted({m.permission for m in _every_miss(account) if m.kind is MissKind.DENIED})
    named = [action for action in refused if action and action in told]
    parts = [f"refused: {_some(named)}"] if named else []
    parts += [f"the snapshot was {_FEWER}"] if _FEWER in told else []
    if not parts:
        parts = [f"for example {_reasons(found)[0]}"]
    return f"{unknown} of {controls} controls could not be judged ({'; '.join(parts)})"


def missing_permissions(account: Account, found: Sequence[Finding]) -> tuple[Artifact, ...]:
    """The policy to add, when findings are unknown for lack of a permission."""
    told = _told(found)
    refused = {miss.permission for miss in _every_miss(account) if _would_help(miss)}
    actions = sorted(each for each in refused if each and each in told)
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
    return [each.reason or "" for each in found if each.status is Status.UNKNOWN]


def _told(found: Sequence[Finding]) -> str:
    return " ".join(_reasons(found))


def _some(actions: Sequence[str]) -> str:
    return f"{', '.join(actions[:_NAMED])}{_more(len(actions) - _NAMED)}"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _of_regions(fact: Fact[Any]) -> bool:
    """Whether the Regions are asked for it; trails are one fact of the account, and each may show in one Region alone."""
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
    """Every miss in the value, those inside its parts too."""
    if isinstance(value, Miss):
        yield value
    elif isinstance(value, Mapping):
        yield from (miss for each in value.values() for miss in _misses(each))
    elif isinstance(value, tuple):
        yield from (miss for each in value for miss in _misses(each))
    elif is_dataclass(value):
        yield from (
            miss for field in fields(value) for miss in _misses(getattr(value, field.name))
        )


def _would_help(miss: Miss) -> bool:
    """Whether an Allow for the caller could open it: not where another layer refuses."""
    words = miss.message
    elsewhere = "because no " in words and "because no identity-based" not in words
    return miss.kind is MissKind.DENIED and "explicit deny" not in words and not elsewhere
