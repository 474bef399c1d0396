"""The checks of an account as Markdown: a generated part of a reference page, and one check's entry for `guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.guard.allowlist import actions_of
from aws_iam.answer import Answer, Artifact, Status
from aws_iam.tools.secrets.checks.catalogue import CHECKS, ON_REQUEST
from aws_iam.tools.secrets.checks.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.account_check import Check

PAGE = "references/secrets-patterns.md"
# One check asks for nothing unless the caller does.
_LIMITS = Limits(customer_key=True)


def page() -> Iterator[str]:
    """A table of all checks, then each with why, how to mend it, what it reads, and what it says of its bad example."""
    yield "| check | severity | finds |"
    yield "| --- | --- | --- |"
    for check in CHECKS.values():
        yield f"| [{check.code}](#{check.code.lower()}) | {check.severity.value} | {_cell(check.title)} |"
    for check in CHECKS.values():
        yield f"\n{entry(check)}".rstrip()


def check_named(topic: str) -> Check[Any] | None:
    """The check whose code is meant; case and the kind of hyphen do not count."""
    return CHECKS.get(topic.strip().upper().replace("_", "-"))


def entry(check: Check[Any]) -> str:
    """One check: what it says, why, how to mend it, where AWS says so, what it reads, and an example."""
    asked = ", only when asked for (`plaintext_values`)" if check.code in ON_REQUEST else ""
    said = next(
        finding.message
        for finding in check.findings(check.bad[0], _LIMITS)
        if finding.status is Status.FAIL
    )
    actions = dict.fromkeys(action for fact in check.needs for action in actions_of(fact.name))
    return "\n".join(
        [
            f"### {check.code}\n",
            f"{_cell(check.title)}. *{check.severity.value}*{asked}.\n",
            f"{' '.join(check.why.split())}\n",
            f"**Fix**: {_cell(check.fix)} ([source]({check.source}))\n",
            f"**Says**: {_cell(said)}\n",
            f"**Reads with**: {', '.join(f'`{each}`' for each in actions)}\n",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("\n", " ")


def explained(topic: str) -> Answer | None:
    """What a check of secrets finds, and why."""
    check = check_named(topic)
    if check is None:
        return None
    content = entry(check)
    return Answer(
        summary=f"{check.code}: {check.title}.",
        artifacts=(Artifact(name=f"{check.code}.md", language="markdown", content=content),),
        sources=(f"{PAGE}#{check.code.lower()}", check.source),
    )
