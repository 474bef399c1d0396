"""A reference page, section by section: the tools quote the page, never a copy of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADING = re.compile(r"^## +(.+?) *$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One `##` section of a page: its title, its slug and its Markdown, heading included."""

    title: str
    slug: str
    markdown: str


def guide(page: str, topic: str | None) -> Answer:
    """The section of the page that the topic names, or the page's contents."""
    listed = sections(resources.text(f"references/{page}.md"))
    tool = _TOOL_OF_PAGE[page]
    if topic is None:
        return Answer(
            summary=f"references/{page}.md has {len(listed)} sections; ask for one by its topic.",
            facts={"sections": [{"topic": each.slug, "title": each.title} for each in listed]},
            sources=(f"references/{page}.md",),
            next=(f"aws-iam {tool} guide --topic {listed[0].slug}",),
        )
    about_rule = _ABOUT_RULES[page](topic) if page in _ABOUT_RULES else None
    if about_rule:
        return about_rule
    section = _named(topic, listed)
    return Answer(
        summary=f"{section.title} (references/{page}.md).",
        artifacts=(
            Artifact(name=f"{section.slug}.md", language="markdown", content=section.markdown),
        ),
        sources=(f"references/{page}.md#{section.slug}",),
    )


def _of_rule(topic: str) -> Answer | None:
    """What a finding's code means; no section of a page is named as one."""
    from aws_iam.tools.policy.validate import rules_page

    rule = rules_page.rule_named(topic)
    if rule:
        content = rules_page.entry(rule)
        return Answer(
            summary=f"{rule.code}: {rule.title}.",
            artifacts=(Artifact(name=f"{rule.code}.md", language="markdown", content=content),),
            sources=(rules_page.place(rule.code), rule.source),
        )
    known = rules_page.not_offline(topic)
    if known is None:
        return None
    return Answer(
        summary=f"{quoted(topic)} is a code of AWS that is not raised offline: {known.reason}.",
        sources=(f"{rules_page.PAGE}#not-raised-offline", known.source),
        next=("aws-iam policy validate --document FILE --online",),
    )


def _of_check(topic: str) -> Answer | None:
    """What a check of secrets finds, and why."""
    from aws_iam.tools.secrets import checks_page

    check = checks_page.check_named(topic)
    if check is None:
        return None
    content = checks_page.entry(check)
    return Answer(
        summary=f"{check.code}: {check.title}.",
        artifacts=(Artifact(name=f"{check.code}.md", language="markdown", content=content),),
        sources=(f"{checks_page.PAGE}#{check.code.lower()}", check.source),
    )


def _of_key_check(topic: str) -> Answer | None:
    """What a check of keys finds, and why."""
    from aws_iam.tools.kms import checks_page

    check = checks_page.check_named(topic)
    if check is None:
        return None
    content = checks_page.entry(check)
    return Answer(
        summary=f"{check.code}: {check.title}.",
        artifacts=(Artifact(name=f"{check.code}.md", language="markdown", content=content),),
        sources=(f"{checks_page.PAGE}#checks", check.source),
    )


_ABOUT_RULES: dict[str, Callable[[str], Answer | None]] = {
    "policy-design": _of_rule,
    "secrets-patterns": _of_check,
    "kms-patterns": _of_key_check,
}

_TOOL_OF_PAGE = {
    "policy-design": "policy",
    "secrets-patterns": "secrets",
    "kms-patterns": "kms",
    "irsa-oidc": "irsa",
    "compliance-checklist": "audit",
}


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


def slug(title: str) -> str:
    """A heading as a word for links: lower case, hyphens for everything else."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _section(lines: list[str]) -> Section:
    match = _HEADING.match(lines[0])
    title = match[1] if match else lines[0]
    return Section(title=title, slug=slug(title), markdown="\n".join(lines).strip() + "\n")


def _named(topic: str, listed: tuple[Section, ...]) -> Section:
    wanted = slug(topic)
    by_slug = {each.slug: each for each in listed}
    if wanted in by_slug:
        return by_slug[wanted]
    partly = [each for each in listed if wanted and wanted in each.slug]
    if len(partly) == 1:
        return partly[0]
    near = closest(wanted, by_slug)
    choices = ", ".join(f"`{each.slug}`" for each in (partly or listed))
    raise InputError(
        f"no section is called {quoted(topic)}",
        hint=f"did you mean `{near}`?" if near and not partly else f"the sections are {choices}",
    )
