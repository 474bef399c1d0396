"""Who issues web identity tokens, and what of a token reaches a trust policy; facts from `assets/data/oidc-issuers.json`."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Literal

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted

_DATA = "assets/data/oidc-issuers.json"


@slotted
class Issuer:
    """One issuer, or one family of them.

    `kind` is shared when all customers have one URL; `requires` names the claim that AWS wants tested then, `claims`
    what becomes a condition key. A built-in issuer is a principal by its host, without a provider in IAM.
    """

    id: str
    title: str
    issuer: str
    pattern: re.Pattern[str]
    kind: Literal["shared", "private"]
    audience: tuple[str, ...]
    requires: str | None
    claims: tuple[str, ...]
    subject: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    built_in: bool = False


@cache
def issuers() -> tuple[Issuer, ...]:
    """Every known issuer."""
    return tuple(map(_issuer, _data()["issuers"]))


def issuer_of(host: str) -> Issuer | None:
    """The known issuer with this host and path (without https://), None for any other: a private one."""
    return next((each for each in issuers() if each.pattern.fullmatch(host)), None)


def issuer(name: str) -> Issuer:
    """The issuer with that id."""
    return next(each for each in issuers() if each.id == name)


def mapped_claims(host: str) -> frozenset[str]:
    """The claims of this issuer that become condition keys; every other one is dead in a condition."""
    known = issuer_of(host)
    return frozenset(known.claims if known else _data()["default_claims"])


def as_of() -> str:
    """The date of the facts."""
    return str(_data()["as_of"])


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(resources.text(_DATA))
    return data


def _issuer(row: dict[str, Any]) -> Issuer:
    defaults = () if row.get("only_these_claims") else _data()["default_claims"]
    return Issuer(
        id=row["id"],
        title=row["title"],
        issuer=row["issuer"],
        pattern=re.compile(row["pattern"]),
        kind=row["kind"],
        audience=tuple(row["audience"]),
        requires=row["requires"],
        claims=(*defaults, *row["claims"]),
        subject=tuple(row["subject"]),
        sources=tuple(row["sources"]),
        notes=tuple(row.get("notes", ())),
        built_in=row.get("built_in", False),
    )
