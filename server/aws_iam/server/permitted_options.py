"""The options of `aws-iam serve` that say what callers may name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.session.permitted import Permitted
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d{1,2}")
# Wildcards stand in labels of the host's beginning or in the path: `*` alone would be any server.
_ISSUER_PATTERN = re.compile(r"(?:[a-z0-9*-]+\.)*[a-z0-9-]+\.[a-z][a-z0-9-]*(?:/[\w.~*%/-]*)?")
_ROLE_PATTERN = re.compile(r"(?:\*|arn:[\w*-]+:iam::[\d*?]+:role/[\w+=,.@/*?-]+)")


def permitted_by(given: Namespace) -> Permitted:
    """What the options allow; InputError for what cannot work."""
    regions = tuple(_names("--regions", given.regions))
    for region in regions:
        if not _REGION.fullmatch(region):
            raise InputError(
                f"`--regions` {quoted(region)} is not an AWS Region", hint="such as eu-west-1"
            )
    roles = tuple(given.allow_role or ())
    for role in roles:
        if not _ROLE_PATTERN.fullmatch(role):
            raise InputError(
                f"`--allow-role` {quoted(role)} is not a pattern of role ARNs",
                hint="such as arn:aws:iam::111122223333:role/audit-*",
            )
    profiles = tuple(_names("--profile", given.profile))
    issuers = tuple(name.removeprefix("https://") for name in given.allow_issuer or ())
    for issuer in issuers:
        if not _ISSUER_PATTERN.fullmatch(issuer):
            raise InputError(
                f"`--allow-issuer` {quoted(issuer)} is not an issuer, or its host is not named",
                hint="such as gitlab.example.com or idp.example.com/realms/*",
            )
    return Permitted(profiles=profiles, roles=roles, regions=regions, issuers=issuers)


def _names(option: str, given: Iterable[str] | None) -> list[str]:
    """The names of an option that is given several times, or once with commas."""
    if given is None:
        return []
    names = [name.strip() for value in given for name in value.split(",")]
    if not all(names):
        raise InputError(
            f"`{option}` has an empty name", hint="write names with commas between them"
        )
    return names
