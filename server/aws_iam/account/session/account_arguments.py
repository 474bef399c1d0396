"""The arguments of a call that say which account is read, and as whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class AccountArguments(Protocol):
    """The arguments that say which account is read, and as whom."""

    @property
    def profile(self) -> str | None:
        """A profile of the AWS configuration files."""

    @property
    def regions(self) -> Sequence[str] | None:
        """The Regions to read; none: all enabled ones."""

    @property
    def role_arn(self) -> str | None:
        """A role to assume first."""

    @property
    def external_id(self) -> str | None:
        """The external id that the role's trust policy requires."""
