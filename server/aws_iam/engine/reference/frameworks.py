"""The frameworks whose ids controls and checks carry, and those ids.

The ids of CIS are in the controls' own data; those of the others come from `assets/data/frameworks.json`, which names its
sources and their dates. A control or a check that no source maps has no id: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Finding

CIS, FSBP = "cis", "fsbp"
_FILE = "frameworks.json"
_IN_SHORT = 3


@slotted
class Framework:
    """A framework in one version: its name as an argument, and how it is written."""

    name: str
    title: str
    """With the version: `PCI DSS 4.0`."""
    short: str
    """In few letters: `PCI`, `CIS 7.0`."""
    benchmark: str
    """The version of CIS in which controls are numbered."""

    def ids(self, finding: Finding) -> tuple[str, ...]:
        """The finding's ids in it."""
        if self.name == CIS:
            number = (finding.controls or {}).get(self.benchmark)
            return (number,) if number else ()
        return tuple((finding.frameworks or {}).get(self.name, ()))

    def facts(self) -> dict[str, Any]:
        """What an answer says of the framework whose ids it shows; CIS goes without saying."""
        if self.name == CIS:
            return {}
        return {"framework": {"name": self.name, "title": self.title, "as_of": as_of()}}


def names() -> tuple[str, ...]:
    """The names of all, as an argument takes them."""
    return (*_data()["frameworks"], CIS)


def framework(name: str | None, benchmark: str) -> Framework:
    """The framework with that name; without one CIS, in that version of the benchmark."""
    if name is None or name == CIS:
        title = f"CIS AWS Foundations Benchmark {benchmark}"
        return Framework(name=CIS, title=title, short=f"CIS {benchmark}", benchmark=benchmark)
    row = _data()["frameworks"][name]
    return Framework(name=name, title=row["title"], short=row["short"], benchmark=benchmark)


@cache
def ids_of(code: str) -> Mapping[str, tuple[str, ...]]:
    """The ids of a control or a check by framework, without CIS."""
    data = _data()
    row = data["controls"].get(code) or data["checks"].get(code, {})
    return MappingProxyType({name: tuple(ids) for name, ids in row.items()})


def codes_with(framework_: str, id_: str) -> tuple[str, ...]:
    """The codes of the checks, without the controls, that carry an id in a framework."""
    wanted = id_.lower()
    return tuple(
        code
        for code, row in _data()["checks"].items()
        if wanted in map(str.lower, row.get(framework_, ()))
    )


def with_cis(code: str, number: str | None) -> dict[str, tuple[str, ...]]:
    """The ids of a control, that of CIS in a version among them."""
    return {**({CIS: (number,)} if number else {}), **ids_of(code)}


def with_frameworks(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each with the ids of its code if it has none of its own."""
    for finding in findings:
        ids = finding.frameworks or ids_of(finding.code)
        yield replace(finding, frameworks=dict(ids)) if ids else finding


def as_of() -> str:
    """The date of the older source."""
    return str(_data()["as_of"])


def in_short(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = len(ids) - _IN_SHORT
    return ", ".join((*ids[:_IN_SHORT], *([f"+{more}"] if more > 0 else [])))


def _data() -> Any:
    return resources.data(_FILE)
