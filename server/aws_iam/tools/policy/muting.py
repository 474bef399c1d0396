"""What an answer says about problems that are muted, and the list of today's problems with which a project begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.answer import Answer, Artifact, Finding
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.settings_file import SETTINGS
from aws_iam.rules.ignores import Ignores, as_baseline, is_muted_by_change
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class BegunList:
    """The document under settings that list today's problems, and the file with these."""

    document: object
    file: Artifact


def begun_list(document: object, ignores: Ignores, findings: Iterable[Finding]) -> BegunList:
    """The settings as they are, and an entry for each problem that is not muted yet."""
    given = document if isinstance(document, Files) else Files(files=())
    was = given.settings or File(name=SETTINGS)
    entries = as_baseline(ignores.muted(findings), ignores.folder, ignores.today)
    text = "\n".join(filter(None, (was.text, entries)))
    return BegunList(
        document=replace(given, settings=File(name=was.name, text=text)),
        file=Artifact(name=SETTINGS, language="toml", content=text),
    )


def with_ignores(answer: Answer, ignores: Ignores, begun: BegunList | None = None) -> Answer:
    """The answer with the number of muted problems, and the entries that do nothing."""
    muted = sum(finding.muted is not None for finding in answer.findings)
    added = sum(map(is_muted_by_change, answer.findings))
    by_change = f", {added:,} of them by this change itself" if added else ""
    sentences = (
        [f"{counted(muted, 'problem')} muted, each with its reason{by_change}."] if muted else []
    )
    if ignores.number_added:
        sentences.append(f"This change adds {counted(ignores.number_added, 'ignore')}.")
    sentences += [note] if (note := ignores.note()) else []
    sentences += [f"Today's problems are listed in `{SETTINGS}`."] if begun else []
    idle = ignores.rows()
    return replace(
        answer,
        summary=" ".join((answer.summary, *sentences)),
        facts={**answer.facts, **({"ignores_not_in_use": idle} if idle else {})},
        artifacts=(begun.file,) if begun else answer.artifacts,
    )
