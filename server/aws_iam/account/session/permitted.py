"""What a caller over MCP may name of this machine's AWS configuration, and the role that its calls are made under.

An assistant that has read a hostile text may name any profile or role of the machine. So over MCP only what the person
who started the server allowed is taken. The command line is that person's own: there `PERMITTED` is unset.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from aws_iam.engine.language import pattern
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.session.account_arguments import AccountArguments

EVERY = "*"
"""In the place of a profile's name: every profile."""


@slotted
class UserRole:
    """The role of one user of a shared server, and how the user's name goes into its session."""

    role_arn: str
    session_name: str
    external_id: str | None = None
    source_identity: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@slotted
class Permitted:
    """The profiles, roles (patterns with `*` and `?`) and Regions that may be named; by default no profile and no role.

    `issuers` are patterns of further issuers, without https://, whose keys may be fetched.

    `regions` are those that are read where a call names none; empty: no limit. On a shared server `user_role` is
    assumed for the user, or `refusal` says why this user reads no account.
    """

    profiles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    user_role: UserRole | None = None
    refusal: InputError | None = None


PERMITTED: ContextVar[Permitted | None] = ContextVar("permitted", default=None)
"""What the call that runs may name; None: anything."""


def regions_of(source: AccountArguments) -> Sequence[str]:
    """The Regions that the call names, else those that the server is limited to; empty: all enabled ones."""
    permitted = PERMITTED.get()
    return source.regions or (permitted.regions if permitted else ())


def user_role() -> UserRole | None:
    """The role that the call is made under, whatever it names; None: as it names."""
    permitted = PERMITTED.get()
    return permitted.user_role if permitted else None


def refuse_what_is_not_permitted(source: AccountArguments) -> None:
    """InputError for what the call names and may not."""
    permitted = PERMITTED.get()
    if permitted is None:
        return
    if permitted.refusal is not None:
        raise permitted.refusal
    for problem, hint in _problems(source, permitted):
        raise InputError(problem, hint=hint)


def _problems(source: AccountArguments, permitted: Permitted) -> Iterator[tuple[str, str]]:
    own = permitted.user_role
    if own is not None:
        others = {"profile": source.profile, "external_id": source.external_id}
        if source.role_arn != own.role_arn:
            others["role_arn"] = source.role_arn
        named = [f"`{name}`" for name, value in others.items() if value is not None]
        if named:
            yield (
                f"{joined(named)} cannot be named here: each user reads under a role of their own",
                f"leave it out to read as {quoted(own.role_arn)}",
            )
    elif source.profile is not None and not {EVERY, source.profile} & {*permitted.profiles}:
        yield _not_allowed("profile", source.profile, permitted.profiles, "--profile")
    elif source.role_arn is not None and not any(
        pattern.matches(role, source.role_arn) for role in permitted.roles
    ):
        yield _not_allowed("role_arn", source.role_arn, permitted.roles, "--allow-role")
    outside = [
        region for region in source.regions or () if region not in (permitted.regions or (region,))
    ]
    if outside:
        yield _not_allowed("regions", outside[0], permitted.regions, "--regions")


def _not_allowed(name: str, value: str, allowed: Sequence[str], option: str) -> tuple[str, str]:
    among = f"; allowed: {joined([quoted(one) for one in allowed], shown=10)}" if allowed else ""
    command = f"aws-iam serve {option} {_shell_word(value)}"
    return (
        f"`{name}` {quoted(value)} is not one that this server may use{among}",
        f"leave it out to read as the server itself does; whoever starts the server can allow it: `{command}`",
    )


def _shell_word(value: str) -> str:
    """The value where it is a plain word, else its place: nobody shall paste a hostile one into a shell."""
    plain = value.replace("-", "").replace("_", "").replace(":", "").replace("/", "")
    return value if plain.isascii() and plain.isalnum() else "NAME"
