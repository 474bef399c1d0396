"""The checks of `irsa check` as Markdown, for the page `references/irsa-oidc.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.rules.document_check import checks_in
from aws_iam.tools.irsa.checks.catalogue import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator


def page() -> Iterator[str]:
    """Every family as a table: code, grade, what is wrong and why, how to mend it."""
    for title, module in FAMILIES:
        yield f"### {title}\n"
        yield "| code | grade | fails when | why | fix |"
        yield "| --- | --- | --- | --- | --- |"
        for check in checks_in(module):
            yield (
                f"| [`{check.code}`]({check.source}) | {check.severity.value} | {_cell(check.title)} "
                f"| {_cell(check.why)} | {_cell(check.fix)} |"
            )
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
