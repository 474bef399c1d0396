"""What a file in `providers/` declares: a provider, which turns a request into a workload and a workload into files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.tokens.role_trust import PodCaller
    from aws_iam.tools.irsa.asset_files import PlacedFile
    from aws_iam.tools.irsa.names import Names

_PROVIDER_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>[0-9]{12}):oidc-provider/(?P<host>.+)")
# For files that name a Region where the caller gives none: one of the partition's, to be replaced.
_SAMPLE_REGIONS = {
    "aws": "eu-west-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the caller gave: the names, the role's account, and audience and partition if unusual."""

    names: Names
    account: str
    audience: str | None = None
    partition: str | None = None

    def issuer_host(self, form: str = "issuer") -> str | None:
        """The issuer's host and path, from its URL, its bare host or its provider's ARN; None when not given.

        A slash at the end belongs to the issuer: it stays, unless the issuer is known to have none, and is added to one
        that is known to have it.
        """
        given = self.names.issuer
        if not given:
            return None
        by_arn = _PROVIDER_ARN.fullmatch(given)
        if by_arn and by_arn["account"] != self.account:
            raise InputError(
                f"`issuer` {quoted(given)} is a provider in another account than `{self.account}`",
                hint="a role can only trust providers in its own account: create one for the same issuer there",
            )
        site, slash, path = (
            by_arn["host"] if by_arn else given.removeprefix("https://")
        ).partition("/")
        bare = f"{site.lower()}{slash}{path}"
        without = bare.rstrip("/")
        written = (bare, without, f"{without}/")
        # Known issuers are in lower case where case does not matter.
        lower = tuple(host.lower() for host in written)
        exact = next(filter(issuer_of, (*written, *lower)), bare)
        return checked_name("issuer", exact, form)

    def server_host(self) -> str | None:
        """The host of a self-managed server whose issuer never ends in a slash."""
        host = self.issuer_host("issuer")
        return host.rstrip("/") if host else None

    def audience_or(self, default: str) -> str:
        """The audience to test: the caller's, else the provider's usual one."""
        return checked_name("audience", self.audience or default, "audience")


def slash_note(host: str) -> tuple[str, ...]:
    """A reminder that AWS compares an issuer that is not known here character by character."""
    ends = "ends in a slash" if host.endswith("/") else "has no slash at its end"
    return (
        f"the issuer {ends}: if the `iss` of the token differs in that, no token matches; pass `issuer` exactly as `iss`",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The workload that a request describes: `caller` writes its trust policy, `description` says who it is."""

    caller: TokenCaller | PodCaller
    description: str
    partition: str | None = None
    region: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRequest:
    """A workload and the role that its manifest is to use."""

    role: str
    names: Names
    workload: Workload

    @property
    def partition(self) -> str:
        """The role's partition."""
        return self.role.split(":")[1]

    @property
    def written_region(self) -> str:
        """The Region that the files name: the workload's, else a sample to replace."""
        return self.workload.region or _SAMPLE_REGIONS.get(self.partition, "REGION")

    @property
    def audience(self) -> str:
        """The audience that the role's trust policy tests; empty for pods without a token."""
        caller = self.workload.caller
        return caller.audience if isinstance(caller, TokenCaller) else ""

    @property
    def claims(self) -> Mapping[str, str]:
        """The further claims that the role's trust policy tests."""
        caller = self.workload.caller
        return caller.claims if isinstance(caller, TokenCaller) else {}

    @property
    def values(self) -> dict[str, str | None]:
        """What nearly every file needs."""
        return {"RoleArn": self.role, "Region": self.written_region, "Audience": self.audience}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files that make a workload use its role; `placeholders` are the values in them to replace."""

    files: tuple[PlacedFile, ...]
    placeholders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str | None = None
    """The page to cite where it is another than the provider's."""


def one_column(name: str, column: str, texts: tuple[str, ...]) -> dict[str, list[dict[str, str]]]:
    """A table of one column for the facts; nothing where it would be empty."""
    return {name: [{column: text} for text in texts]} if texts else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider of workload identity. The facts on its issuers are in `assets/data/oidc-issuers/`, under the same name.

    `needs` and `takes` are fields of `Names`; `section` is the provider's place in `references/irsa-oidc.md`.
    """

    title: str
    source: str
    section: str
    needs: tuple[str, ...]
    workload: Callable[[Request], Workload]
    manifest: Callable[[ManifestRequest], Manifest]
    takes: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Of what it takes, the names of which it needs exactly one."""
    beside_subject: tuple[str, ...] | None = None
    """What it takes beside a complete `subject`, which then stands for all other names; None: it takes no `subject`."""
    only_in_trust: tuple[str, ...] = ()
    """What the trust policy needs and a manifest does not."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """By name: where to find it, or why this provider does not take it."""
    site: str = ""
    """The host of its repositories' URLs."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names that callers use for another one of this provider: its project is what others call the repository."""
