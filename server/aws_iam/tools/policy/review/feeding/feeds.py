"""Which files take something from one that a change touches, and what to say where that is not judged.

FEEDS                                       →   the ways in which files do
fed_by(changed, Readers(texts))             →   ("values of Helm's, …",)
set_by(changed, files, texts)               →   the same for variables of Terraform, found by reading its files twice
may_be_set_by(changed, texts)               →   without reading them, where too many files change
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.policy.review.feeding import (
    ansible_variables,
    cdk_context,
    deployment_settings,
    helm_values,
    pulumi_config,
    serverless_files,
    stack_parameters,
    template_files,
    terragrunt_files,
    variable_files,
)
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.sources.files import Files
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Feed:
    """One way: which file may feed others, which may read it (those have a `mark` in their text), and which of these do."""

    may_feed: Callable[[str], bool]
    may_read: Callable[[str], bool]
    readers: Callable[[ChangedFile, Mapping[str, str]], Iterator[str]]
    why: str
    mark: str


FEEDS = tuple(
    Feed(own.may_feed, own.may_read, own.readers, own.WHY, own.MARK)
    for own in (
        ansible_variables,
        cdk_context,
        helm_values,
        pulumi_config,
        stack_parameters,
        serverless_files,
        template_files,
        terragrunt_files,
    )
)


@dataclass(frozen=True)
class Readers:
    """The files that may read others, by the feed; each changed file is looked for in those alone."""

    texts: Mapping[str, str]

    @cached_property
    def by_feed(self) -> tuple[tuple[Feed, Mapping[str, str]], ...]:
        """Each feed with the files that have its mark."""
        return tuple(
            (
                feed,
                {
                    path: text
                    for path, text in self.texts.items()
                    if feed.may_read(path) and any(own in text for own in feed.mark.splitlines())
                },
            )
            for feed in FEEDS
        )


def fed_by(changed: ChangedFile, others: Readers) -> Iterator[str]:
    """Why the file matters to policies of others."""
    yield from deployment_settings.deploys_with(changed)
    for feed, texts in others.by_feed:
        if texts and feed.may_feed(changed.path):
            yield from _said(feed.why, list(feed.readers(changed, texts)))


def fills_itself(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """Why a file that is read matters beside its policies: to its own, or to those of tasks that take its variables."""
    yield from _said(ansible_variables.WHY, list(ansible_variables.given_by_play(changed, texts)))
    if ansible_variables.fills_itself(changed):
        yield from _said(ansible_variables.WHY, [changed.path])
    yield from set_elsewhere(changed, texts)


def set_elsewhere(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """Why the values of variables that the file is read with may be others."""
    for name, paths in ansible_variables.set_elsewhere(changed, texts).items():
        listed = joined(list(map(quoted, paths)), shown=_SHOWN)
        yield ansible_variables.ELSEWHERE.format(quoted(name), listed)


def set_by(changed: ChangedFile, files: Files, texts: Mapping[str, str]) -> Iterator[str]:
    """Why the values of variables in the file matter."""
    found = list(variable_files.readers(changed, files, texts))
    yield from _said(variable_files.WHY, found)


def may_be_set_by(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """Why they may matter."""
    found = sorted(variable_files.folders_with_variables(changed, texts))
    yield from _said(variable_files.MAY, [folder or "." for folder in found])


def _said(why: str, readers: list[str]) -> Iterator[str]:
    if readers:
        yield why.format(joined(list(map(quoted, readers)), shown=_SHOWN))
