"""The checks of `secrets check` on the page `references/secrets-patterns.md`, and one check's entry for `guide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.rules import checks_page
from aws_iam.tools.secrets.checks.catalogue import CHECKS, ON_REQUEST
from aws_iam.tools.secrets.terms import SecretTerms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer
    from aws_iam.rules.check import Check

_PAGE = "references/secrets-patterns.md"
# One check asks for nothing unless the caller does.
_TERMS = SecretTerms(customer_key=True)


def page() -> Iterator[str]:
    """A table of all checks, then each with why, how to fix it and what it reads."""
    yield from checks_page.overview(CHECKS.values())
    for check in CHECKS.values():
        yield f"\n{checks_page.entry(check, _TERMS, _note(check))}".rstrip()


def explained(topic: str) -> Answer | None:
    """What a check of secrets finds, and why."""
    check = checks_page.check_named(topic, CHECKS.values())
    if check is None:
        return None
    place = f"{_PAGE}#{checks_page.anchor(check.code)}"
    return checks_page.explained(check, place, _TERMS, _note(check))


def _note(check: Check[Any]) -> str:
    return "only when asked for (`plaintext_values`)" if check.code in ON_REQUEST else ""
