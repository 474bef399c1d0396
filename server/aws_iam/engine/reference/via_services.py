"""The services that KMS names in `kms:ViaService`, and the words that people use for them.

    via_service("efs")  →  ViaService(name="elasticfilesystem", …)

The table is as old as its date: a name that is not in it is unconfirmed, not wrong.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.errors import nearest
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".amazonaws.com"
"""The end of every value of `kms:ViaService`, in China too: KMS Developer Guide, conditions-kms."""

_SEPARATORS = re.compile(r"[\s_]+")
_BRAND = re.compile(r"(?:amazon|aws)-(?=.)")


@slotted
class ViaService:
    """A service by its name in `kms:ViaService`; `source` is the page that has the name."""

    name: str
    services: tuple[str, ...]
    source: str
    note: str = ""
    confirmed: bool = True
    own_statements: bool = False
    """Whether the service also calls KMS as itself, so that the permissions of its callers are not enough."""


def via_service(word: str) -> ViaService | None:
    """The service with that name, or that people call so; None if the table has neither."""
    return _by_word().get(service_word(word))


def near_via_service(word: str) -> str | None:
    """The name that a misspelled one may mean; of another service, whose name is merely like it, there is none."""
    asked, known = service_word(word), _by_word()
    # `docdb` may be short for docdb-elastic.
    longer = (row.name for name, row in known.items() if asked and name.startswith(f"{asked}-"))
    return next(iter((*nearest(asked, known), *longer)), None)


def service_word(word: str) -> str:
    """A service's name as people write it, in the form of the tables: lower case, hyphens, no brand."""
    return _BRAND.sub("", _SEPARATORS.sub("-", word.strip().lower()), count=1)


@cache
def via_services() -> Mapping[str, ViaService]:
    """Every service by its name."""
    table = _table()
    return {
        row["name"]: ViaService(
            name=row["name"],
            services=tuple(row["for"]),
            source=row.get("source", table["source"]),
            note=row.get("note", ""),
            confirmed=row.get("confirmed", True),
            own_statements=row.get("own_statements", False),
        )
        for row in table["services"]
    }


@cache
def _by_word() -> Mapping[str, ViaService]:
    named = {
        service_word(full): known for known in via_services().values() for full in known.services
    }
    words = {word: via_services()[name] for word, name in _table()["words"].items()}
    return {**named, **words, **via_services()}


def words_for(name: str) -> tuple[str, ...]:
    """Other words that stand for the name."""
    return tuple(word for word, meant in _table()["words"].items() if meant == name)


def as_of() -> str:
    """The date of AWS's own list; some later names were added to it."""
    return str(_table()["as_of"])


def _table() -> dict[str, Any]:
    table: dict[str, Any] = resources.data("kms-via-services.json")
    return table
