"""What a provider of workload identity is asked, and what it answers: the values that its entry is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.tokens.role_trust import PodCaller, TokenCaller
    from aws_iam.tools.irsa.providers.names import Names

_PROVIDER_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>[0-9]{12}):oidc-provider/(?P<host>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for: the names, and audience and partition where the caller chose them."""

    names: Names
    account: str
    audience: str | None = None
    partition: str | None = None

    def host(self, form: str = "issuer") -> str | None:
        """The issuer's host and path, from its URL, its bare host or its provider's ARN; None when not given."""
        given = self.names.issuer
        if not given:
            return None
        by_arn = _PROVIDER_ARN.fullmatch(given)
        if by_arn and by_arn["account"] != self.account:
            raise InputError(
                f"`issuer` {quoted(given)} is a provider of another account than `{self.account}`",
                hint="a role trusts providers of its own account: create one for the same issuer there",
            )
        bare = by_arn["host"] if by_arn else given.removeprefix("https://").rstrip("/")
        return checked("issuer", bare, form)

    def heard(self, default: str) -> str:
        """The audience to test."""
        return checked("audience", self.audience or default, "audience")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The caller that a request describes, in words too."""

    caller: TokenCaller | PodCaller
    words: str
    partition: str | None = None
    region: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """How one provider says who a workload is; `section` is its place in the reference."""

    title: str
    source: str
    section: str
    needs: tuple[str, ...]
    workload: Callable[[Request], Workload]
    takes: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def rows(name: str, column: str, texts: tuple[str, ...]) -> dict[str, list[dict[str, str]]]:
    """A table of one column for the facts; nothing where it would be empty."""
    return {name: [{column: text} for text in texts]} if texts else {}


def bare_ref(names: Names, name: str) -> str:
    """The branch or tag of that name, without refs/heads/ or refs/tags/."""
    ref = names.need(name, "git_ref")
    if ref.startswith("refs/"):
        raise InputError(
            f"`{name}` is the bare name, not {quoted(ref)}",
            hint="leave refs/heads/ or refs/tags/ out",
        )
    return ref
