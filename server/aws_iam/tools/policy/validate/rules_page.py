"""The rules of `policy validate` as the page `references/rules.md`, and one rule's entry for `guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.escape import quoted
from aws_iam.rules.check import checks_in
from aws_iam.rules.checks_page import anchor, check_named, entry, link, plain_code
from aws_iam.rules.checks_page import explained as explained_check
from aws_iam.rules.policy.catalogue import FAMILIES, NOT_OFFLINE, POLICY_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PAGE = "references/rules.md"


def page() -> Iterator[str]:
    """Contents, then every family with its rules, then the codes of AWS that no rule raises."""
    yield "## Contents\n"
    yield "| family | rules |"
    yield "| --- | --- |"
    for title, module in FAMILIES:
        codes = ", ".join(link(rule.code) for rule in checks_in(module))
        yield f"| [{title}](#{anchor(title)}) | {codes} |"
    yield f"| [Not raised offline](#not-raised-offline) | {len(NOT_OFFLINE)} codes |"
    for title, module in FAMILIES:
        yield f"\n## {title}\n"
        yield f"{_about(module)}\n"
        yield "\n".join(entry(rule) for rule in checks_in(module)).rstrip()
    yield from _not_offline()


def _not_offline() -> Iterator[str]:
    yield "\n## Not raised offline\n"
    yield "AWS codes that need facts outside the document, or that cannot be decided offline.\n"
    yield "| code | why |"
    yield "| --- | --- |"
    for code, why in NOT_OFFLINE.items():
        yield f"| `{code}` | {why.reason} ([source]({why.source})) |"


def explained(topic: str) -> Answer | None:
    """What a finding's code means; no section of the page is named like one."""
    rule = check_named(topic, POLICY_RULES)
    if rule:
        return explained_check(rule, f"{PAGE}#{anchor(rule.code)}")
    known = NOT_OFFLINE.get(plain_code(topic))
    if known is None:
        return None
    return Answer(
        summary=f"{quoted(topic)} is a code of AWS that is not raised offline: {known.reason}.",
        sources=(f"{PAGE}#not-raised-offline", known.source),
    )


def _about(module: ModuleType) -> str:
    """What the family is about: the first paragraph of its module."""
    return " ".join((module.__doc__ or "").strip().partition("\n\n")[0].split())
