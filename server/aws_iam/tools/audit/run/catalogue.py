"""The controls as a catalogue, offline: one control in every version, and the checklist of one version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.run.no_credentials import by_a_person, section_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control, Meaning

_PAGE = "references/compliance-checklist.md"
_CODE = {
    "cloudformation": ("yaml", "yaml", "cfn-lint"),
    "terraform": ("tf", "terraform", "python-hcl2"),
}
_DECIDED = {
    "api": "the audit decides",
    "partial": "the audit decides in part",
    "manual": "a person decides",
}


def control(name: str) -> Answer:
    """What a key, a number or a Security Hub id stands for, in whatever version."""
    found = catalogue.meanings(name)
    return _one(found[0].control) if len(found) == 1 else _several(name, found)


def checklist(version: str | None, section: str | None) -> Answer:
    """Every control of a version, or of one of its sections, manual ones too."""
    benchmark = catalogue.benchmark(version)
    chosen = benchmark.controls if section is None else _of_section(benchmark, section)
    by_hand = sum(map(by_a_person, chosen))
    scope = f"section {quoted(section)} of " if section else ""
    return Answer(
        summary=(
            f"{len(chosen)} controls in {scope}CIS AWS Foundations Benchmark {benchmark.version}: "
            f"`aws-iam audit run` decides {len(chosen) - by_hand} of them, wholly or in part; {by_hand} are a person's."
        ),
        facts={
            "benchmark": benchmark.version,
            "sections": section_sizes(benchmark),
            "controls": [_row(benchmark, each) for each in chosen],
        },
        sources=(f"{_PAGE}#versions", f"{_PAGE}#key-controls-and-their-remediation"),
        next=(
            f"aws-iam audit control --id {chosen[0].key}",
            f"aws-iam audit run --demo --benchmark {benchmark.version}",
        ),
        as_of=catalogue.as_of(),
    )


def _decided(each: Control) -> str:
    return _DECIDED["manual" if by_a_person(each) else each.verdict]


def _row(benchmark: Benchmark, each: Control) -> dict[str, Any]:
    return {
        "id": benchmark.id_of(each),
        "key": each.key,
        "title": each.title,
        "level": each.level[benchmark.version],
        "severity": each.severity.value,
        "decided": _decided(each),
    }


def _of_section(benchmark: Benchmark, section: str) -> tuple[Control, ...]:
    word = section.strip().lower()
    found = tuple(each for each in benchmark.controls if word in _section_names(benchmark, each))
    if found:
        return found
    names = [f"{number} {name}" for number, name in benchmark.sections.items()]
    topics = sorted({each.section for each in benchmark.controls})
    near = closest(word, [*benchmark.sections.values(), *topics])
    raise InputError(
        f"CIS {benchmark.version} has no section {quoted(section)}",
        hint=f"did you mean `{near}`?"
        if near
        else f"its sections are {', '.join(names)}; topics: {', '.join(topics)}",
    )


def _section_names(benchmark: Benchmark, each: Control) -> frozenset[str]:
    """The number at any depth (`2`, `2.1`), the name, both together, and our own topic."""
    parts = benchmark.id_of(each).split(".")
    numbers = {".".join(parts[:depth]) for depth in range(1, len(parts))}
    whole = benchmark.section_of(each)
    return frozenset({*numbers, whole, whole.partition(" ")[2], each.section})


def _one(each: Control) -> Answer:
    newest = next(version for version in reversed(catalogue.versions()) if version in each.ids)
    past = "" if newest == catalogue.benchmark().version else f" (gone after {newest})"
    return Answer(
        summary=(
            f"{each.title} (`{each.key}`, CIS {newest}: {each.ids[newest]}{past}, {each.severity.value}): "
            f"{_decided(each)}. {each.why}"
        ),
        facts={
            "benchmark": newest,
            "key": each.key,
            "severity": each.severity.value,
            "scope": f"{each.scope}, in each Region" if each.regional else each.scope,
            "how": list(each.api),
            "permissions": list(each.iam),
            **({"question": each.question} if each.question else {}),
            **({"look_at": each.command} if each.command else {}),
            "fix": each.fix,
            **({"parameters": dict(each.parameters)} if each.parameters else {}),
            "security_hub": list(each.security_hub),
            **({"security_hub_note": each.security_hub_note} if each.security_hub_note else {}),
            "decided_when": [
                {"status": status, "when": words} for status, words in each.condition.items()
            ],
            "versions": [_version_row(each, version) for version in each.ids],
            "notes": [{"note": note} for note in each.notes],
        },
        artifacts=_artifacts(each),
        sources=(each.source, f"{_PAGE}#what-moved-between-versions"),
        next=(f"aws-iam audit run --demo --controls {each.key} --benchmark {newest}",),
        as_of=catalogue.as_of(),
    )


def _artifacts(each: Control) -> tuple[Artifact, ...]:
    """The fix as code, where code helps."""
    if each.code is None:
        return ()
    ending, language, checked_by = _CODE[each.code.language]
    return (
        Artifact(
            name=f"{each.key}.{ending}",
            language=language,
            content=each.code.text,
            checked_by=checked_by,
        ),
    )


def _version_row(each: Control, version: str) -> dict[str, Any]:
    thresholds = {name: values[version] for name, values in each.thresholds.items()}
    disputed = [
        word
        for word, versions in (
            ("level", each.level_disputed),
            ("assessment", each.assessment_disputed),
        )
        if version in versions
    ]
    return {
        "version": version,
        "id": each.ids[version],
        "level": each.level[version],
        "assessment": each.assessment[version],
        **thresholds,
        "disputed": disputed,
    }


def _several(name: str, found: Sequence[Meaning]) -> Answer:
    return Answer(
        summary=(
            f"{quoted(name)} stands for {len(found)} controls, because numbers move between versions; "
            "ask again with a key."
        ),
        facts={
            "meanings": [
                {
                    "key": each.control.key,
                    "title": each.control.title,
                    "versions": list(each.versions),
                    "severity": each.control.severity.value,
                }
                for each in found
            ]
        },
        sources=(f"{_PAGE}#what-moved-between-versions",),
        next=tuple(f"aws-iam audit control --id {each.control.key}" for each in found),
        as_of=catalogue.as_of(),
    )
