"""The controls as a catalogue, offline: one control in every version, and the checklist of one version."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.engine.reference import frameworks
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.by_words import About, about, named_by
from aws_iam.tools.audit.controls.judge import CHECKS
from aws_iam.tools.audit.controls.written_ids import written_id
from aws_iam.tools.kit.tool import with_understood
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.reference.frameworks import Framework
    from aws_iam.tools.audit.controls.benchmark import Benchmark, Control, Meaning
    from aws_iam.tools.audit.controls.written_ids import WrittenId

_PAGE = "references/compliance-checklist.md"
_CODE = {
    "cloudformation": ("yaml", "yaml", "cfn-lint"),
    "terraform": ("tf", "terraform", "python-hcl2"),
}
_OF_ANY_SECTION = frozenset({"section", "and", "of", "the", "management", "controls"})
_DECIDED = {
    "api": "the audit decides",
    "partial": "the audit decides in part",
    "manual": "needs manual review",
}


def control_answer(name: str, version: str | None = None) -> Answer:
    """The control that a key, a CIS number or a Security Hub id names in any version, or in one."""
    written = written_id(name)
    if written:
        return _as_written(name, written, version)
    short = None if version is None else catalogue.benchmark(version).version
    words: About[Control] = (
        About(()) if catalogue.known(name) else about(name, catalogue.controls().values())
    )
    meanings = tuple(map(catalogue.meaning, words.meant)) or catalogue.meanings(name)
    found = tuple(match for match in meanings if short is None or short in match.versions)
    if not found:
        raise InputError(
            f"{quoted(name)} is not a control of benchmark {short}",
            hint="; ".join(map(str, meanings)),
        )
    if len(found) > 1:
        return _several_controls(name, found, short, by_words=bool(words.meant))
    answer = _one_control(found[0].control, short)
    return _taken_as(answer, name, found[0].control, words.near) if words.meant else answer


def _as_written(name: str, written: WrittenId, version: str | None) -> Answer:
    """The control of an id that stands with its version."""
    named = written.version
    if version is not None and named not in {None, catalogue.benchmark(version).version}:
        raise InputError(
            f"{quoted(name)} names CIS {named}, and `benchmark` {quoted(version)}",
            hint="leave one of them out",
        )
    of = f" of CIS {named}" if named else ""
    answer = control_answer(written.id, named or version)
    return with_understood(answer, [f"`id` {quoted(name)} as `{written.id}`{of}"])


def _taken_as(answer: Answer, question: str, control: Control, near: Sequence[Control]) -> Answer:
    """The answer on the control that the words of a question are about, with the next best."""
    names = ", ".join(f"`{other.key}`" for other in near)
    also = f"; near it: {names}" if names else ""
    return replace(
        answer,
        summary=f"{answer.summary} {quoted(question)} was taken as `{control.key}`{also}.",
        next=tuple(next_call("audit", "control", other.title, id=other.key) for other in near),
    )


class _Listed(NamedTuple):
    """The controls of a checklist, which they are in words, and how the words of the caller were understood."""

    controls: tuple[Control, ...]
    scope: str
    understood: list[str]


def checklist_answer(
    version: str | None, section: str | None, framework: str | None = None
) -> Answer:
    """Every control of a version or of one of its sections, including manual ones; of a framework those that have ids in it."""
    benchmark = catalogue.benchmark(version)
    shown = frameworks.framework(framework, benchmark.version)
    whole = _Listed(benchmark.controls, "in", [])
    listed, scope, understood = whole if section is None else _of_section(benchmark, section)
    chosen = _with_ids(listed, shown) or listed
    of_framework: dict[str, Any] = (
        {} if shown.name == frameworks.CIS else {"framework": shown.name}
    )
    with_ids, left_out = _left_out(listed, shown)
    manual = sum(map(needs_manual_review, chosen))
    answer = Answer(
        summary=(
            f"{counted(len(chosen), 'control')} {scope} CIS AWS Foundations Benchmark {benchmark.version}{with_ids}: "
            f"`audit run` decides {len(chosen) - manual} of them, wholly or in part; {manual} {'needs' if manual == 1 else 'need'} manual review.{left_out}"
        ),
        facts={
            "benchmark": benchmark.version,
            **shown.facts(),
            "sections": section_sizes(benchmark),
            "controls": [_row(benchmark, control, shown) for control in chosen],
        },
        sources=(f"{_PAGE}#versions", f"{_PAGE}#key-controls-and-their-remediation"),
        next=(
            next_call("audit", "control", "one control in detail", id=chosen[0].key),
            next_call(
                "audit",
                "run",
                "the controls on the demonstration account",
                demo=True,
                benchmark=benchmark.version,
                **of_framework,
            ),
        ),
        as_of=catalogue.as_of(),
    )
    return with_understood(answer, understood)


def needs_manual_review(control: Control) -> bool:
    """Whether no run can judge any of it."""
    return control.verdict == "manual" or control.key not in CHECKS


def section_sizes(benchmark: Benchmark) -> list[dict[str, Any]]:
    """How many controls each section of a version has, and how many of them need manual review."""
    rows: dict[str, dict[str, Any]] = {}
    for control in benchmark.controls:
        name = benchmark.section_of(control)
        row = rows.setdefault(name, {"section": name, "controls": 0, "decided_by_a_person": 0})
        row["controls"] += 1
        row["decided_by_a_person"] += needs_manual_review(control)
    return list(rows.values())


def _decided(control: Control) -> str:
    return _DECIDED["manual" if needs_manual_review(control) else control.verdict]


def _with_ids(listed: Sequence[Control], framework: Framework) -> tuple[Control, ...]:
    """The controls that have ids in the framework; those of CIS all have."""
    return tuple(
        control
        for control in listed
        if framework.name == frameworks.CIS or framework.name in frameworks.ids_of(control.key)
    )


def _left_out(listed: Sequence[Control], framework: Framework) -> tuple[str, str]:
    """What the summary says of a framework other than CIS: whose ids the controls have, and how many have none."""
    if framework.name == frameworks.CIS:
        return "", ""
    without = len(listed) - len(_with_ids(listed, framework))
    if without == len(listed):
        return "", f" None of them has an id in {framework.title}."
    others = (
        f" The other {without} of {len(listed)} have none and are left out." if without else ""
    )
    return f" with ids in {framework.title}", others


def _row(benchmark: Benchmark, control: Control, framework: Framework) -> dict[str, Any]:
    ids = frameworks.with_cis(control.key, benchmark.id_of(control))
    return {
        "id": ", ".join(ids.get(framework.name, ())),
        "key": control.key,
        "title": control.title,
        "level": control.level[benchmark.version],
        "severity": control.severity.value,
        "decided": _decided(control),
    }


def _of_section(benchmark: Benchmark, section: str) -> _Listed:
    """The controls of a section by number, name, topic or words."""
    word = section.strip().lower()
    sections = [*benchmark.sections, *benchmark.sections.values()]
    meant = [name for name in sections if _words(word) and _words(word) <= _words(name)]
    for name in (word, word.replace(" ", "_"), *(meant if len(meant) == 1 else ())):
        if found := _in(benchmark, name):
            taken = [] if name == word else [f"`section` {quoted(section)} as `{name}`"]
            return _Listed(found, f"in section {quoted(section)} of", taken)
    if about_it := named_by(section, benchmark.controls):
        keys = ", ".join(f"`{control.key}`" for control in about_it)
        taken = [f"`section` {quoted(section)} as {keys}"]
        return _Listed(about_it, f"about {quoted(section)} in", taken)
    topics = sorted({control.section for control in benchmark.controls})
    near = closest(word, [*sections, *topics])
    names = [f"{number} {name}" for number, name in benchmark.sections.items()]
    raise InputError(
        f"CIS {benchmark.version} has no section {quoted(section)}",
        hint=f"did you mean `{near}`?"
        if near
        else f"its sections are {', '.join(names)}; topics: {', '.join(topics)}",
    )


def _in(benchmark: Benchmark, name: str) -> tuple[Control, ...]:
    return tuple(
        control for control in benchmark.controls if name in _section_names(benchmark, control)
    )


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall("[a-z0-9]+", name)) - _OF_ANY_SECTION


def _section_names(benchmark: Benchmark, control: Control) -> frozenset[str]:
    """The number at any depth (`2`, `2.1`), the name, both together, and the topic of our own catalogue."""
    parts = benchmark.id_of(control).split(".")
    numbers = {".".join(parts[:depth]) for depth in range(1, len(parts))}
    section = benchmark.section_of(control)
    return frozenset({*numbers, section, *benchmark.topics_of(control)})


def _one_control(control: Control, version: str | None = None) -> Answer:
    """The control with its number in the version that was asked for, else in the newest that has it."""
    newest = next(version for version in reversed(catalogue.versions()) if version in control.ids)
    shown = version or newest
    removed = "" if newest == catalogue.benchmark().version else f" (removed after {newest})"
    return Answer(
        summary=(
            f"{control.title} (`{control.key}`, CIS {shown}: {control.ids[shown]}{removed}, {control.severity.value}): "
            f"{_decided(control)}. {control.why}"
        ),
        facts={
            "benchmark": shown,
            "key": control.key,
            "severity": control.severity.value,
            "scope": f"{control.scope}, in each Region" if control.regional else control.scope,
            "how": list(control.api),
            "permissions": list(control.iam),
            **({"question": control.question} if control.question else {}),
            **({"look_at": control.command} if control.command else {}),
            "fix": control.fix,
            **({"parameters": dict(control.parameters)} if control.parameters else {}),
            "security_hub": list(control.security_hub),
            **(
                {"security_hub_note": control.security_hub_note}
                if control.security_hub_note
                else {}
            ),
            "decided_when": [
                {"status": status, "when": words} for status, words in control.condition.items()
            ],
            "frameworks": {
                name: list(ids) for name, ids in frameworks.ids_of(control.key).items()
            },
            "versions": [_version_row(control, version) for version in control.ids],
            "notes": [{"note": note} for note in control.notes],
        },
        artifacts=_artifacts(control),
        sources=(control.source, f"{_PAGE}#what-moved-between-versions"),
        next=(
            next_call(
                "audit",
                "run",
                "the control on the demonstration account",
                demo=True,
                controls=[control.key],
                benchmark=shown,
            ),
        ),
        as_of=catalogue.as_of(),
    )


def _artifacts(control: Control) -> tuple[Artifact, ...]:
    """The fix as code, if the control has one."""
    if control.code is None:
        return ()
    ending, language, checked_by = _CODE[control.code.language]
    return (
        Artifact(
            name=f"{control.key}.{ending}",
            language=language,
            content=control.code.text,
            checked_by=checked_by,
        ),
    )


def _version_row(control: Control, version: str) -> dict[str, Any]:
    thresholds = {name: values[version] for name, values in control.thresholds.items()}
    disputed = [
        word
        for word, versions in (
            ("level", control.level_disputed),
            ("assessment", control.assessment_disputed),
        )
        if version in versions
    ]
    return {
        "version": version,
        "id": control.ids[version],
        "level": control.level[version],
        "assessment": control.assessment[version],
        **thresholds,
        "disputed": disputed,
    }


def _several_controls(
    name: str, found: Sequence[Meaning], version: str | None, *, by_words: bool
) -> Answer:
    moved = "" if by_words else ", because numbers move between versions"
    named = "is about" if by_words else "names"
    keys = ", ".join(f"`{match.control.key}`" for match in found)
    asked: dict[str, Any] = {} if version is None else {"benchmark": version}
    return Answer(
        summary=f"{quoted(name)} {named} {len(found)} controls{moved}: {keys}; ask again with a key.",
        facts={
            "meanings": [
                {
                    "key": match.control.key,
                    "title": match.control.title,
                    "versions": list(match.versions),
                    "severity": match.control.severity.value,
                }
                for match in found
            ]
        },
        sources=(f"{_PAGE}#what-moved-between-versions",),
        next=tuple(
            next_call("audit", "control", match.control.title, id=match.control.key, **asked)
            for match in found
        ),
        as_of=catalogue.as_of(),
    )
