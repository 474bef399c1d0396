"""How CloudTrail names services and calls: `monitoring.amazonaws.com` is cloudwatch, `CreateFunction20150331` CreateFunction.

Names that follow no rule are listed in `assets/data/cloudtrail-events.json`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations, service_of_client

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 128
_HOSTS = (".amazonaws.com.cn", ".amazonaws.com")
# The version of an API at the end of a call: `20150331`, `20150331v2`, `2020_05_31`.
_API_VERSION = re.compile(r"_?(?:19|20)(?:\d{6}|\d{2}_\d{2}_\d{2})(?:v\d+)?$", re.ASCII)


def event_tables() -> Mapping[str, Any]:
    """The content of the data file."""
    data: Mapping[str, Any] = resources.data("cloudtrail-events.json")
    return data


def prefix_of(source: str) -> str:
    """The prefix of the actions behind an event source; empty when no service is known by that name."""
    name = source.lower()
    for host in _HOSTS:
        name = name.removesuffix(host)
    listed: str = event_tables()["services"].get(name, "")
    if listed:
        return listed
    return name if name in catalog().services else service_of_client(name)


def call_of(name: str) -> str:
    """The name of a call without the version of its API: `UpdateFunctionCode20150331v2`, `GetDistribution2020_05_31`."""
    if len(name) > _LONGEST:
        return ""
    return _API_VERSION.sub("", name) or name


# 0.1 ms to build, and each event looks one up.
@cache
def _listed_events() -> Mapping[str, tuple[str, ...]]:
    return {
        f"{row['service']}:{name}".lower(): tuple(row["actions"])
        for row in event_tables()["operations"]
        for name in row["events"]
    }


def actions_of(prefix: str, call: str) -> tuple[str, ...]:
    """The actions that authorise a call: those that the data file lists, else the one with its name; may be empty."""
    full_name = f"{prefix}:{call}"
    if listed := _listed_events().get(full_name.lower()):
        return listed
    if known := catalog().action(full_name):
        return (known.full_name,)
    operation = operations().get(full_name.lower())
    return operation.actions if operation and not operation.is_by_content else ()
