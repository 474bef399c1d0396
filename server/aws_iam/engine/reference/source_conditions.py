"""The services whose documentation asks for a source condition where they assume a role; from `assets/data/confused-deputy.json`.

source_page("scheduler.amazonaws.com")  →  the page that shows such a trust policy; empty for another service
"""

from __future__ import annotations

from functools import cache

from aws_iam import resources

_FILE = "confused-deputy.json"


def source_page(principal: str) -> str:
    """The page that asks for the condition in trust in the service; empty where none is known to."""
    return _pages().get(principal, "")


def source_note(principal: str) -> str:
    """For which roles of the service the page asks; empty where it is for all."""
    notes: dict[str, str] = resources.data(_FILE)["notes"]
    return notes.get(principal, "")


def as_of() -> str:
    """The day on which the pages were read."""
    return str(resources.data(_FILE)["as_of"])


@cache
def _pages() -> dict[str, str]:
    pages: dict[str, str] = resources.data(_FILE)["services"]
    return pages
