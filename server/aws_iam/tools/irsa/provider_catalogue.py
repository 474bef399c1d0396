"""The providers: one for each file in `providers/`, named like the file. And their issuers as Markdown."""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from aws_iam.engine.reference.issuers import issuers
from aws_iam.errors import InputError
from aws_iam.tools.irsa import providers
from aws_iam.tools.irsa.names import (
    refuse_misfits,
    renamed,
    with_bare_refs,
    with_namespace_apart,
    with_owner_apart,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.irsa.names import Names
    from aws_iam.tools.irsa.provider import Provider, Request, Workload

PROVIDERS: dict[str, Provider] = {
    module.name: import_module(f"{providers.__name__}.{module.name}").PROVIDER
    for module in pkgutil.iter_modules(providers.__path__)
}

_BY_SUBJECT = dict.fromkeys(
    (
        *("owner", "repository", "owner_id", "repository_id"),
        *("branch", "tag", "environment", "pull_request"),
    ),
    "`subject` is the whole subject: pass it alone, or these names without it",
)


def understood(names: Names, provider: Provider) -> Names:
    """The names as the provider uses them."""
    found = renamed(with_namespace_apart(with_bare_refs(names)), provider.aliases)
    known = (*provider.needs, *provider.takes)
    field_name = next((n for n in ("repository", "project", "application") if n in known), None)
    if "owner" not in known or field_name is None or found.subject:
        return found
    return with_owner_apart(found, field_name, provider.site)


def describe(name: str, request: Request, *, for_manifest: bool = False) -> Workload:
    """The workload that the request describes; an error for names that the provider does not take."""
    names = _checked(name, request.names, for_manifest=for_manifest)
    return PROVIDERS[name].workload(replace(request, names=names))


def lacking(name: str, names: Names) -> str:
    """What the provider needs and the names lack, in words; empty where they are complete."""
    try:
        _checked(name, names, for_manifest=False)
    except InputError as error:
        return error.message
    return ""


def _checked(name: str, given: Names, *, for_manifest: bool) -> Names:
    """The names as the provider uses them; an error for one that it does not take, and for all that it lacks."""
    provider = PROVIDERS[name]
    names = understood(given, provider)
    by_subject = provider.beside_subject is not None and names.subject
    needs = ("subject",) if by_subject else provider.needs
    takes = (provider.beside_subject or ()) if by_subject else provider.takes
    if for_manifest:
        takes = (*takes, *provider.only_in_trust)
        needs = tuple(need for need in needs if need not in provider.only_in_trust)
    reasons = _BY_SUBJECT if by_subject else provider.reasons
    one_of = () if by_subject else provider.one_of
    refuse_misfits(names, name, needs=needs, takes=takes, one_of=one_of, reasons=reasons)
    return names


def issuers_page() -> Iterator[str]:
    """Every known issuer, for `references/irsa-oidc.md`: what its tokens say, and what a trust policy must test."""
    yield "| `provider` | issuer | without `https://` | kind | must test | `aud` | `sub` |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for issuer in sorted(
        issuers(), key=lambda issuer: (issuer.provider == "generic", issuer.title)
    ):
        # `generic` refuses these.
        unsupported = issuer.provider == "generic" and (
            issuer.built_in or issuer.requires not in {None, "aud", "sub"}
        )
        cells = (
            "" if unsupported else f"`{issuer.provider}`",
            f"[{issuer.title}]({issuer.sources[-1]})",
            f"`{issuer.issuer}`",
            issuer.kind,
            _code((issuer.requires,) if issuer.requires else ()),
            _code(issuer.audience),
            _code(issuer.subject),
        )
        yield f"| {' | '.join(cells)} |"


def _code(texts: tuple[str, ...]) -> str:
    return ", ".join(f"`{text}`" for text in texts)
