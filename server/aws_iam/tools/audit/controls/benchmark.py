"""The CIS controls as values: one row per concept, and a view of the rows for each version of the benchmark.

A number is a label that moves with every version; the key is the control's identity. Everything here comes from
`assets/data/cis-controls.json`.
"""

from __future__ import annotations

import re
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.engine.reference.frameworks import FSBP, codes_with, ids_of
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.controls.by_words import about, named_by
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FILE = "cis-controls.json"
DATA = f"assets/data/{_FILE}"
Verdict = Literal["api", "partial", "manual"]


@slotted
class Code:
    """A fix as code, which sets up from scratch what the control requires."""

    language: Literal["cloudformation", "terraform"]
    text: str


@slotted
class Control:
    """One requirement, whatever its number: texts, labels, thresholds and the fix."""

    key: str
    title: str
    keywords: tuple[str, ...]
    why: str
    section: str
    scope: str
    regional: bool
    severity: Severity
    verdict: Verdict
    ids: Mapping[str, str]
    level: Mapping[str, int]
    assessment: Mapping[str, str]
    assessment_disputed: tuple[str, ...]
    level_disputed: tuple[str, ...]
    thresholds: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Any]
    condition: Mapping[str, str]
    notes: tuple[str, ...]
    question: str
    command: str
    fix: str
    code: Code | None
    source: str
    security_hub: tuple[str, ...]
    security_hub_note: str
    api: tuple[str, ...]
    iam: tuple[str, ...]
    witnesses: tuple[Mapping[str, Any], ...]
    pattern: str


@slotted
class Benchmark:
    """One version: its controls in its own order, with its numbers, levels and thresholds."""

    version: str
    full: str
    published: str
    is_published_confirmed: bool
    in_security_hub: bool
    sections: Mapping[str, str]
    controls: tuple[Control, ...]

    def id_of(self, control: Control) -> str:
        """The control's number in this version."""
        return control.ids[self.version]

    def section_of(self, control: Control) -> str:
        """The section's number and name, as `2 identity and access`."""
        number = self.id_of(control).split(".", 1)[0]
        return f"{number} {self.sections[number]}"

    def topics_of(self, control: Control) -> frozenset[str]:
        """The names under which people ask for a group of controls: the section's, and the topic of our own catalogue."""
        name = self.section_of(control).partition(" ")[2]
        short = ("iam",) if name.startswith("identity and access") else ()
        return frozenset({name, control.section, *short})

    def threshold(self, control: Control, name: str) -> Any:
        """A value that depends on the version, else the control's own parameter."""
        by_version = control.thresholds.get(name)
        return control.parameters[name] if by_version is None else by_version[self.version]

    def selected(self, names: Iterable[str]) -> tuple[Control, ...]:
        """The controls asked for by key, by number of this version, by Security Hub id, by topic or by words, in order."""
        wanted = {
            control.key
            for name in names
            for control in self._on(name) or self._by_words(name) or self.named(name)
        }
        return tuple(control for control in self.controls if control.key in wanted)

    def understood(self, names: Iterable[str]) -> list[str]:
        """How those names were understood that are words and not labels or topics."""
        found = {name: () if self._on(name) else self._by_words(name) for name in names}
        return [
            f"{quoted(name)} as {', '.join(f'`{control.key}`' for control in controls)}"
            for name, controls in found.items()
            if controls
        ]

    def _on(self, topic: str) -> tuple[Control, ...]:
        word = topic.strip().lower()
        names = {word, word.replace(" ", "_")}
        return tuple(control for control in self.controls if names & self.topics_of(control))

    def _by_words(self, name: str) -> tuple[Control, ...]:
        return () if known(name) else named_by(name, self.controls)

    def named(self, name: str) -> tuple[Control, ...]:
        """The controls with that key, number of this version or Security Hub id; InputError if there are none."""
        word = _word(name)
        matching = tuple(control for control in self.controls if word in self._labels(control))
        if matching:
            return matching
        elsewhere = meanings(name) if known(name) else ()
        if elsewhere:
            raise InputError(
                f"{quoted(name)} is not a control of benchmark {self.version}",
                hint="; ".join(map(str, elsewhere)),
            )
        raise InputError(f"no control is called {quoted(name)}", hint=_near(name))

    def _labels(self, control: Control) -> frozenset[str]:
        return frozenset({control.key, self.id_of(control), *_hub_labels(control.key)})


@slotted
class Meaning:
    """What an id stands for: a control, and in which versions."""

    control: Control
    label: str
    versions: tuple[str, ...]

    def __str__(self) -> str:
        key, versions = f"`{self.control.key}`", ", ".join(self.versions)
        is_key = self.label == self.control.key
        return f"{key} is in {versions}" if is_key else f"{self.label} is {key} in {versions}"


_NEWEST = ("latest", "newest", "current", "default")


@cache
def benchmark(version: str | None = None) -> Benchmark:
    """The controls of a version; of the newest if none is named."""
    meta = _data()["meta"]
    is_newest = version is None or version.strip().lower() in _NEWEST
    short = meta["default_benchmark"] if is_newest else _short(str(version))
    of_version = meta["versions"][short]
    included = (control for control in controls().values() if short in control.ids)
    return Benchmark(
        version=short,
        full=of_version["full"],
        published=of_version["published"],
        is_published_confirmed=of_version["published_checked"],
        in_security_hub=of_version["security_hub_standard"] is not None,
        sections=MappingProxyType(of_version["sections"]),
        controls=tuple(sorted(included, key=lambda control: order(control.ids[short]))),
    )


def versions() -> tuple[str, ...]:
    """The versions, oldest first."""
    return tuple(_data()["meta"]["versions"])


def as_of() -> str:
    """The date of the data."""
    return str(_data()["meta"]["as_of"])


def seed_numbers() -> Mapping[str, tuple[str, ...]]:
    """The numbers of the first skill text, kept as history; they mix versions and are never resolved."""
    return {number: tuple(keys) for number, keys in _data()["meta"]["seed_numbers"].items()}


# 0.2 ms to build, and judging an account asks for them 60 times.
@cache
def controls() -> Mapping[str, Control]:
    """Every control by key, of whatever version."""
    rows = _data()["controls"]
    return MappingProxyType({key: _control(key, row) for key, row in rows.items()})


def meanings(name: str) -> tuple[Meaning, ...]:
    """The controls that a key, a number of any version or a Security Hub id stands for."""
    word = _word(name)
    label = _bare(name) if word == _bare(name).lower() else word
    named = tuple(
        Meaning(control=control, label=label, versions=in_versions)
        for control in controls().values()
        if (in_versions := _versions_with(control, word))
    )
    if not named:
        raise InputError(f"no control is called {quoted(name)}", hint=_near(name))
    return named


def meaning(control: Control) -> Meaning:
    """What the control's own key stands for."""
    return Meaning(control=control, label=control.key, versions=tuple(control.ids))


def known(name: str) -> bool:
    """Whether the name stands for a control in some version."""
    word = _word(name)
    return any(_versions_with(control, word) for control in controls().values())


def order(number: str) -> tuple[int, ...]:
    """The sort key of an id: 2.10 comes after 2.9."""
    return tuple(int(part) for part in number.split("."))


def _versions_with(control: Control, word: str) -> tuple[str, ...]:
    if word == control.key or word in _hub_labels(control.key):
        return tuple(control.ids)
    return tuple(version for version, number in control.ids.items() if number == word)


def _hub_ids(key: str) -> tuple[str, ...]:
    """The ids of Security Hub for a control, those of its CIS standards and of the foundational one."""
    return (*controls()[key].security_hub, *ids_of(key).get(FSBP, ()))


@cache
def _hub_labels(key: str) -> frozenset[str]:
    return frozenset(map(str.lower, _hub_ids(key)))


def _near(name: str) -> str:
    hub_id = _bare(name)
    if checks := codes_with(FSBP, hub_id):
        told = [
            f"`{code}` of `{_TOOLS.get(code.partition('-')[0], 'audit principals')}`"
            for code in checks
        ]
        return f"it is the finding {joined(told)}"
    if found := about(name, controls().values()).meant:
        return f"about it: {', '.join(f'`{control.key}`' for control in found)}"
    hub_ids = sorted({hub_id for key in controls() for hub_id in _hub_ids(key)})
    if written := _HUB_ID.fullmatch(name.strip()):
        return _near_hub_id(written[1], written[2], hub_ids)
    near = closest(name, [*controls(), *hub_ids])
    return f"did you mean `{near}`?" if near else _FORMS


# Which action has a check, by how its code begins.
_TOOLS = {"EKS": "irsa check", "ENV": "secrets check", "KMS": "kms check", "SEC": "secrets check"}
_HUB_ID = re.compile(r"\[?([A-Za-z][A-Za-z0-9]*)\.(\d+)\]?")
_FORMS = "a control is named by its key (`root_mfa`), a CIS number (`1.5`) or a Security Hub id (`IAM.9`)"


def _near_hub_id(written: str, number: str, hub_ids: Sequence[str]) -> str:
    """The id with the service's name put right; another number is another control, however alike."""
    service = closest(written, [hub_id.partition(".")[0] for hub_id in hub_ids])
    if service is None:
        return _FORMS
    if f"{service}.{number}" in hub_ids:
        return f"did you mean `{service}.{number}`?"
    own = sorted({int(n) for name, _, n in (i.partition(".") for i in hub_ids) if name == service})
    listed = ", ".join(f"{service}.{n}" for n in own)
    return f"of Security Hub's {service} ids the controls have {listed}"


def _short(version: str) -> str:
    """The short form of `7.0`, `v7.0.0`, or of `7` alone where that version exists."""
    match = re.fullmatch(
        r"(?:cis[ a-z_.-]{0,40}?)?[vV]?(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?",
        version.strip(),
        re.IGNORECASE,
    )
    by_short = _data()["meta"]["versions"]
    short = f"{match[1]}.{match[2] or 0}" if match else ""
    if match and short in by_short:
        full = by_short[short]["full"]
        if match[3] in {None, "0"} or full == f"{short}.{match[3]}":
            return short
    raise InputError(
        f"{quoted(version)} is not a version of the CIS AWS Foundations Benchmark",
        hint=f"use one of {', '.join(by_short)}",
    )


def _bare(name: str) -> str:
    """A name without the brackets in which Security Hub writes its ids."""
    return name.strip().strip("[]")


def _word(name: str) -> str:
    """A name in the form of the labels: `CIS.1.4`, `CIS 1.4` and `cis-1.4` become 1.4, `[IAM.6]` iam.6."""
    word = _bare(name).lower()
    number = re.fullmatch(r"cis[ ._-]{0,3}v?(\d[\d.]{0,20})", word)
    key = re.sub(r"[\s-]+", "_", word)
    return number[1] if number else key if key in controls() else word


def _data() -> Any:
    return resources.data(_FILE)


def _control(key: str, row: Any) -> Control:
    check = row.get("check", {})
    return Control(
        key=key,
        title=row["title"],
        keywords=tuple(row["keywords"]),
        why=row["why"],
        section=row["section"],
        scope=row["scope"],
        regional=row["regional"],
        severity=Severity(row["severity"]),
        verdict=row["verdict"],
        ids=MappingProxyType(row["ids"]),
        level=MappingProxyType(row["level"]),
        assessment=MappingProxyType(row["assessment"]),
        assessment_disputed=tuple(row.get("assessment_disputed", ())),
        level_disputed=tuple(row.get("level_disputed", ())),
        thresholds=MappingProxyType(row.get("thresholds", {})),
        parameters=MappingProxyType(row.get("parameters", {})),
        condition=MappingProxyType(row["condition"]),
        notes=tuple(row.get("notes", ())),
        question=check.get("question", ""),
        command=check.get("command", ""),
        fix=row["remediation"],
        code=_code(key, row),
        source=row["source"],
        security_hub=tuple(row["security_hub"]),
        security_hub_note=row.get("security_hub_note", ""),
        api=tuple(row["api"]),
        iam=tuple(row["iam"]),
        witnesses=_witnesses(row),
        pattern=row.get("pattern", ""),
    )


def _code(key: str, row: Any) -> Code | None:
    """The snippet that the row names, filled for this control."""
    if "code" not in row:
        return None
    snippet = _data()["meta"]["code"][row["code"]]
    lines = "\n".join([*snippet["lines"], ""])
    text = lines.replace("{{Key}}", key).replace("{{Pattern}}", row.get("pattern", ""))
    return Code(language=snippet["language"], text=text)


def _witnesses(row: Any) -> tuple[Mapping[str, Any], ...]:
    events = row.get("events")
    if not events:
        return tuple(row.get("witnesses", ()))
    return tuple(
        {"eventSource": events["eventSource"], "eventName": name, "eventType": "AwsApiCall"}
        for name in events["eventName"]
    )
