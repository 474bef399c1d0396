"""The tables of services on the page `references/kms-patterns.md`: uses with a statement, and names of kms:ViaService."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.reference.key_services import key_services
from aws_iam.engine.reference.via_services import via_services, words_for
from aws_iam.report.markup import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.key_services import KeyService
    from aws_iam.engine.reference.via_services import ViaService


def uses() -> Iterator[str]:
    """Each use of a key by a service itself, its condition and its page."""
    yield from table(
        ("`services`", "for", "principal", "condition", "source"),
        (
            (
                f"`{use.name}`",
                use.purpose,
                _principal(use),
                _condition(use),
                f"[page]({use.source})",
            )
            for use in key_services().values()
        ),
    )


def _principal(use: KeyService) -> str:
    words = use.principal_words()
    return words if use.caller or use.for_others else f"`{words}`"


def _condition(use: KeyService) -> str:
    if use.caller:
        return "no statement: name the principal in `users`"
    guard = ", ".join(f"`{key}`" for key in use.guard.split(", ") if key)
    if not guard:
        in_account = use.principal.startswith("arn:")
        return "none needed: a role of the account" if in_account else "**none is supported**"
    if use.for_others:
        return guard
    open_actions = ", ".join(f"`{action}`" for action in use.unguarded())
    return f"{guard}; none for {open_actions}" if open_actions else guard


def via() -> Iterator[str]:
    """Each name of kms:ViaService, what it stands for, and other words for it."""
    yield from table(
        ("name", "service", "also called", "note"),
        (
            (
                f"`{service.name}`",
                ", ".join(service.services),
                ", ".join(f"`{word}`" for word in words_for(service.name)),
                _note(service),
            )
            for service in via_services().values()
        ),
    )


def _note(service: ViaService) -> str:
    own = "" if "/kms/" in service.source else f"[source]({service.source})"
    note = f"*unconfirmed*: {service.note}" if not service.confirmed else service.note
    return "; ".join(filter(None, (note, own)))
