"""The checks of `kms check` as Markdown: tables for the page `references/kms-patterns.md`, and one check's entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.guard.allowlist import actions_of
from aws_iam.answer import Answer, Artifact
from aws_iam.rules import account_check as account_checks
from aws_iam.rules import document_check
from aws_iam.tools.kms.checks.catalogue import (
    ACCOUNT_FAMILIES,
    ON_ACCOUNT,
    ON_POLICY,
    POLICY_FAMILIES,
    POLICY_NEEDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "references/kms-patterns.md"


def page() -> Iterator[str]:
    """Every family as a table: code, grade, what is wrong and why, how to mend it."""
    for title, module in POLICY_FAMILIES:
        yield from _table(title, document_check.checks_in(module))
    for title, module in ACCOUNT_FAMILIES:
        yield from _table(title, account_checks.checks_in(module))


def _table(title: str, checks: tuple[Any, ...]) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| code | grade | fails when | why | fix |"
    yield "| --- | --- | --- | --- | --- |"
    for check in checks:
        yield (
            f"| [`{check.code}`]({check.source}) | {check.severity.value} | {_cell(check.title)} "
            f"| {_cell(check.why)} | {_cell(check.fix)} |"
        )
    yield ""


def check_named(topic: str) -> Any | None:
    """The check whose code is meant; case and the kind of hyphen do not count."""
    code = topic.strip().upper().replace("_", "-")
    return ON_POLICY.get(code) or ON_ACCOUNT.get(code)


def entry(check: Any) -> str:
    """One check: what it says, why, how to mend it, where AWS says so, and what it reads of an account."""
    facts = POLICY_NEEDS if check.code in ON_POLICY else check.needs
    actions = dict.fromkeys(action for fact in facts for action in actions_of(fact.name))
    return "\n".join(
        [
            f"### {check.code}\n",
            f"{_cell(check.title)}. *{check.severity.value}*.\n",
            f"{' '.join(check.why.split())}\n",
            f"**Fix**: {_cell(check.fix)} ([source]({check.source}))\n",
            f"**Reads with**: {', '.join(f'`{each}`' for each in actions)}\n",
        ]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def explained(topic: str) -> Answer | None:
    """What a check of keys finds, and why."""
    check = check_named(topic)
    if check is None:
        return None
    content = entry(check)
    return Answer(
        summary=f"{check.code}: {check.title}.",
        artifacts=(Artifact(name=f"{check.code}.md", language="markdown", content=content),),
        sources=(f"{PAGE}#checks", check.source),
    )
