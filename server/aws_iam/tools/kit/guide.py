"""A reference page, section by section: the tools quote the page, never a copy of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.argument_values import code_list
from aws_iam.tools.kit.excerpt import excerpt
from aws_iam.tools.kit.word_search import LONGEST_QUESTION, scored, stem, stems, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HEADING = re.compile(r"^## +(.+?) *$")
_ANY_HEADING = re.compile(r"^(##+) +(.+?) *$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@slotted
class Section:
    """One `##` section of a page: its title, its slug and its Markdown, heading included."""

    title: str
    slug: str
    markdown: str


def guide(
    page: str, topic: str | None, entry: Callable[[str], Answer | None] | None = None
) -> Answer:
    """The section of the page that the topic names, or the page's contents.

    `entry` answers for topics that are not sections, such as the code of a finding.
    """
    listed = sections(resources.text(f"references/{page}.md"))
    tool = TOOL_OF_PAGE[page]
    if topic is None:
        return _contents(page, listed)
    topic = topic[:LONGEST_QUESTION]
    found = entry(topic) if entry else None
    if found:
        return found
    about = _found(topic, listed)
    if not about:
        contents = _contents(page, listed)
        return replace(
            contents,
            summary=f"No section is called {quoted(topic)}, or about it. {contents.summary}",
        )
    section, *others = about
    if slug(topic) == section.slug:
        return _quoted(page, section, "")
    near = f"; near it: {code_list([other.slug for other in others[:3]])}" if others else ""
    answer = _quoted(page, section, topic)
    return replace(
        answer,
        summary=f"{answer.summary} {quoted(topic)} was taken as the topic `{section.slug}`{near}.",
        next=tuple(
            next_call(tool, "guide", other.title, topic=other.slug) for other in others[:3]
        ),
    )


def _contents(page: str, listed: tuple[Section, ...]) -> Answer:
    first = listed[0]
    return Answer(
        summary=f"references/{page}.md has {len(listed)} sections; ask for one by its topic.",
        facts={
            "sections": [{"topic": section.slug, "title": section.title} for section in listed]
        },
        sources=(f"references/{page}.md",),
        next=(next_call(TOOL_OF_PAGE[page], "guide", first.title, topic=first.slug),),
    )


_LONGEST_EXCERPT = 4_800
"""Bytes: what a concise page has room for, beside the summary and the next calls."""


def _quoted(page: str, section: Section, question: str) -> Answer:
    return Answer(
        summary=f"{section.title} (references/{page}.md).",
        artifacts=(
            Artifact(
                name=f"{section.slug}.md",
                language="markdown",
                content=section.markdown,
                excerpt=excerpt(section.markdown, question, _LONGEST_EXCERPT),
            ),
        ),
        sources=(f"references/{page}.md#{section.slug}",),
    )


TOOL_OF_PAGE = {
    "policy-design": "policy",
    "secrets-patterns": "secrets",
    "kms-patterns": "kms",
    "irsa-oidc": "irsa",
    "compliance-checklist": "audit",
}
"""The tool that quotes each page."""


def sections(markdown: str) -> tuple[Section, ...]:
    """The `##` sections of a page; headings inside code fences are code."""
    parts: list[list[str]] = []
    fenced = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        if not fenced and _HEADING.match(line):
            parts.append([])
        if parts:
            parts[-1].append(line)
    return tuple(map(_section, parts))


def passage(markdown: str, anchor: str) -> str | None:
    """The part of a page under the heading, of any level, that an anchor names; None if there is none."""
    wanted, level, fenced = slug(anchor), 0, False
    lines: list[str] = []
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _ANY_HEADING.match(line)
        if heading and level and len(heading[1]) <= level:
            break
        if heading and not level and slug(heading[2]) == wanted:
            level = len(heading[1])
        if level:
            lines.append(line)
    return "\n".join(lines).strip() + "\n" if lines else None


def slug(title: str) -> str:
    """A heading as a word for links: lower case, hyphens for everything else."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _section(lines: list[str]) -> Section:
    match = _HEADING.match(lines[0])
    title = match[1] if match else lines[0]
    return Section(title=title, slug=slug(title), markdown="\n".join(lines).strip() + "\n")


def _found(topic: str, listed: tuple[Section, ...]) -> list[Section]:
    """The section called like the topic, else those that its words are about, the best first."""
    wanted = slug(topic)
    by_slug = {section.slug: section for section in listed}
    if wanted in by_slug:
        return [by_slug[wanted]]
    near = nearest(wanted, by_slug)
    partly = [section.slug for section in listed if wanted and wanted in section.slug]
    # Capitals with hyphens are the code of a check, not words.
    is_code = topic.isupper() and not topic.replace(" ", "").isalpha()
    by_words = () if is_code else _by_words(topic, listed)
    names = dict.fromkeys(
        (*_compared(topic, by_slug), *near[:1], *(partly if len(partly) == 1 else ()), *by_words)
    )
    if is_code and not names:
        raise InputError(
            f"no section is called {quoted(topic)}, or about it",
            hint=f"the sections are {code_list(by_slug)}",
        )
    return [by_slug[name] for name in names]


_GENERATED = re.compile(r"<!-- generated: .*?<!-- end generated -->", re.DOTALL)
_TABLES = 0.5


def _by_words(topic: str, listed: tuple[Section, ...]) -> list[str]:
    """The sections that have words of the topic: tables that list everything have every word, so prose counts more."""
    texts = {
        section.slug: (f"{section.title} {_ALSO.get(section.slug, '')}", section.markdown)
        for section in listed
    }
    weight = {
        section.slug: _TABLES
        if len(_GENERATED.sub("", section.markdown)) < len(section.markdown) / 2
        else 1.0
        for section in listed
    }
    found = [(score * weight[name], name) for name, score in scored(topic, texts)]
    return [name for _, name in sorted(found, key=lambda pair: -pair[0])]


# What people call the subject of a section, where its title has other words.
_ALSO = {
    "which-one-to-use": "versus, vs, difference, compare, choose, better",
    "account-statement-and-lockout": "root removed, locked out, who can administer or administrate, unmanageable key",
    "service-control-policies": "SCP",
    "resource-control-policies": "RCP, data perimeter",
    "policy-structure": "variables, elements",
    "evaluation-logic": "session policies, order, precedence, evaluates, explicit and implicit deny",
    "condition-keys": "organization",
    "cross-account-trust": "account A and account B, another account",
    "size-quotas": "how many, number, most, limit, length, characters",
    "common-mistakes": "PassRole, NotPrincipal, wildcards, pitfalls",
    "prices-and-quotas": "cost",
    "refused-with-assumerolewithwebidentity": "InvalidIdentityToken, ExpiredToken, error, AccessDenied",
}
# Subjects that people compare: each of these names means its section.
_SUBJECTS = {
    "SCP": "service-control-policies",
    "service control policy": "service-control-policies",
    "RCP": "resource-control-policies",
    "resource control policy": "resource-control-policies",
    "permissions boundary": "permission-boundaries",
    "IRSA": "irsa-in-four-steps",
    "Pod Identity": "eks-pod-identity",
    "Roles Anywhere": "roles-anywhere",
}
_COMPARES = {"which-one-to-use": frozenset({"irsa-in-four-steps", "eks-pod-identity"})}


def _compared(topic: str, known: Iterable[str]) -> list[str]:
    """The sections of two subjects that the topic names, in its order; first the one that compares them."""
    asked = [stem(word) for word in words(topic)]
    places = {
        section: min(asked.index(part) for part in stems(name))
        for name, section in _SUBJECTS.items()
        if section in known and stems(name) <= set(asked)
    }
    if len(places) < 2:  # noqa: PLR2004
        return []
    both = [name for name, compared in _COMPARES.items() if compared <= places.keys()]
    return [*both, *sorted(places, key=lambda section: places[section])]
