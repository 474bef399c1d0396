"""Global condition keys (`aws:…`), and when requests contain them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.reference.facts import ConditionKey, Templates

if TYPE_CHECKING:
    from collections.abc import Mapping


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("global-condition-keys.json")
    return data


@cache
def global_keys() -> Mapping[str, ConditionKey]:
    """All global keys, and session keys that one service sets and all may test, by lower-case name."""
    data = _data()
    return {
        row["name"].lower(): ConditionKey(
            name=row["name"],
            service=row["name"].partition(":")[0],
            type=row["type"],
            presence=data["rules"][row["present"]],
            presence_rule=row["present"],
            also=tuple(row.get("also", ())),
            sensitive=row.get("sensitive", False),
            caller_controlled=row.get("caller_controlled", False),
            source=data["source"],
        )
        for row in data["keys"]
    }


@cache
def legacy_keys() -> Mapping[str, str]:
    """Retired global keys by lower-case name, with what to use instead."""
    return {row["name"].lower(): row["use"] for row in _data()["legacy"]}


def supported_services(name: str) -> frozenset[str]:
    """The only services whose requests may contain a global key (in lower case); empty when all may."""
    return _supported().get(name, frozenset())


@cache
def _supported() -> Mapping[str, frozenset[str]]:
    return {name.lower(): frozenset(row) for name, row in _data()["services"].items()}


def find(name: str) -> ConditionKey | None:
    """The global key that a name in a policy means."""
    return next(_named().find(name), None)


@cache
def _named() -> Templates[ConditionKey]:
    return Templates((key.name, key) for key in global_keys().values())


def oidc_key(name: str) -> ConditionKey | None:
    """The key for a claim that IAM reads from the token of any OIDC provider, such as `HOST/PATH:sub`."""
    provider, _, claim = name.rpartition(":")
    oidc = _data()["oidc"]
    host = provider.partition("/")[0].lower()
    if claim.lower() not in oidc["claims"] or "." not in host or host in oidc["built_in"]:
        return None
    return ConditionKey(
        name=f"{provider}:{claim.lower()}",
        service="sts",
        type=oidc["claims"][claim.lower()],
        presence=oidc["presence"],
        source=oidc["source"],
    )


def with_presence(key: ConditionKey) -> ConditionKey:
    """The key of a service, with when requests contain it where that is known."""
    sts = _data()["sts"]
    words = sts["presence"].get(key.name, "")
    return replace(key, presence=words, source=sts["source"]) if words else key
