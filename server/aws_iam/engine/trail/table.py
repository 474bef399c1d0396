"""How CloudTrail names services and calls: `monitoring.amazonaws.com` is cloudwatch, `CreateFunction20150331` CreateFunction.

What no rule gives stands in `assets/data/cloudtrail-events.json`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations, service_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 128
_DATE = 8
_HOSTS = (".amazonaws.com.cn", ".amazonaws.com")


@cache
def table() -> Mapping[str, Any]:
    """The file as it stands."""
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/cloudtrail-events.json"))
    return data


def prefix_of(source: str) -> str:
    """The prefix of the actions behind an event source; empty when no service is known by that name."""
    name = source.lower()
    for host in _HOSTS:
        name = name.removesuffix(host)
    listed: str = table()["services"].get(name, "")
    if listed:
        return listed
    return name if name in catalog().services else service_of(name)


def call_of(name: str) -> str:
    """The name of a call without the date of its API: `UpdateFunctionCode20150331v2`, `GetDistribution2020_05_31`."""
    if len(name) > _LONGEST:
        return ""
    head, version, number = name.rpartition("v")
    bare = head if version and number.isdecimal() and _ends_in_date(head) else name
    return _without_date(bare) if _ends_in_date(bare) else name


def _ends_in_date(name: str) -> bool:
    return name != _without_date(name)


def _without_date(name: str) -> str:
    for length in (_DATE + 2, _DATE):
        head, date = name[:-length], name[-length:]
        digits = date.replace("_", "")
        joined = length == _DATE or (date[4:5], date[7:8]) == ("_", "_")
        if (
            head
            and joined
            and digits.isdecimal()
            and len(digits) == _DATE
            and digits[:2] in {"19", "20"}
        ):
            return head.removesuffix("_")
    return name


@cache
def _events() -> Mapping[str, tuple[str, ...]]:
    return {
        f"{row['service']}:{name}".lower(): tuple(row["actions"])
        for row in table()["operations"]
        for name in row["events"]
    }


def actions_of(prefix: str, call: str) -> tuple[str, ...]:
    """The actions that authorise a call: those of the tables of exceptions, else the one of its name; none when unmapped."""
    full = f"{prefix}:{call}"
    known = catalog().action(full)
    if listed := _events().get(full.lower()):
        return listed
    if known:
        return (known.full_name,)
    operation = operations().get(full.lower())
    return operation.actions if operation else ()
