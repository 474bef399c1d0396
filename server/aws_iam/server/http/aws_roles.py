"""Which AWS role each user of a shared server reads under: from a file of whoever runs it, never from the caller.

    {"claim": "sub", "roles": {"0a1b2c": {"role_arn": "arn:aws:iam::111122223333:role/aws-iam-reader", "external_id": "…"}}}

`claim` is a claim of the verified token, a text or a list of texts: then the first entry of the file that is in the list
holds. `source_identity` and `tags`, true in an entry, are for roles whose trust policies allow sts:SetSourceIdentity and
sts:TagSession, without which AWS refuses the whole call.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.session.permitted import UserRole
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.server.http.users import User

_MOST_BYTES = 5_000_000
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,575}")
_ENTRY = {"role_arn": str, "external_id": str, "source_identity": bool, "tags": bool}
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_UNSAFE = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST_NAME = 64
_SHORTEST_NAME = 2
_LONGEST_TAG = 256
# Longer than the last part of a UUID, which many issuers have for a subject.
_HASH = 16
_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH}}}$")
_FORM = 'write {"claim": "sub", "roles": {"SUBJECT": {"role_arn": "arn:aws:iam::111122223333:role/NAME"}}}'


@dataclass(frozen=True, slots=True)
class AwsRoles:
    """The entries in their order, by value of the claim."""

    claim: str
    entries: Mapping[str, Mapping[str, Any]]

    def of(self, user: User) -> UserRole | None:
        """The role of the user; None if the file has none."""
        value = user.claims.get(self.claim)
        if self.claim == "email" and user.claims.get("email_verified") is not True:
            # Whoever may type any address could become anybody.
            return None
        values = value if isinstance(value, list) else [value]
        entry = next((self.entries[name] for name in self.entries if name in values), None)
        if entry is None:
            return None
        name = session_name(user.subject)
        return UserRole(
            role_arn=entry["role_arn"],
            session_name=name,
            external_id=entry.get("external_id"),
            source_identity=name if entry.get("source_identity") else None,
            tags=_tags(user) if entry.get("tags") else (),
        )


def session_name(subject: str) -> str:
    """The subject as name of a session: two subjects never have one name.

    Characters that AWS does not take are replaced; where something was replaced or cut, a hash of the subject is added.
    """
    name = _UNSAFE.sub("-", subject)
    fits = name == subject and _SHORTEST_NAME <= len(name) <= _LONGEST_NAME
    # Nobody takes another's name by being called as that one's ends.
    fits = fits and not _HASHED.search(name)
    # A source identity must not begin so.
    if fits and not name.startswith("aws:"):
        return name
    digest = hashlib.sha256(subject.encode(errors="backslashreplace")).hexdigest()[:_HASH]
    return f"{name[: _LONGEST_NAME - _HASH - 1]}-{digest}"


def _tags(user: User) -> tuple[tuple[str, str], ...]:
    """Who the session is for, in characters that a tag takes."""
    given = {"aws-iam:subject": user.subject, "aws-iam:client": user.client}
    cleaned = {
        key: re.sub(r"[^\w .:/=+@-]", "-", value)[:_LONGEST_TAG] for key, value in given.items()
    }
    return tuple((key, value) for key, value in cleaned.items() if value)


def load(path: str) -> AwsRoles:
    """The roles in the file; InputError, with the entry, for one that is no such file."""
    try:
        raw = read_regular(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        why = system_reason(error) if isinstance(error, OSError) else "it is not a file name"
        raise InputError(f"`--aws-roles` {quoted(path)} cannot be read: {why}") from None
    if len(raw) > _MOST_BYTES:
        raise InputError(f"`--aws-roles` {quoted(path)} has more than {_MOST_BYTES:,} bytes")
    try:
        data = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _DuplicateError) else "it is not JSON"
        raise InputError(f"`--aws-roles` {quoted(path)}: {why}", hint=_FORM) from None
    if not isinstance(data, dict) or set(data) != {"claim", "roles"}:
        raise InputError(
            f"`--aws-roles` {quoted(path)} needs `claim` and `roles` alone", hint=_FORM
        )
    claim, entries = data["claim"], data["roles"]
    if not isinstance(claim, str) or not claim or not isinstance(entries, dict):
        raise InputError(
            f"`--aws-roles` {quoted(path)}: `claim` is a text and `roles` an object", hint=_FORM
        )
    for name, entry in entries.items():
        _check(name, entry)
    return AwsRoles(claim, entries)


class _DuplicateError(ValueError):
    """A name stands twice: which of the two holds would be a guess."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    double = (
        next((name for name in names if names.count(name) > 1), None)
        if len(names) != len(set(names))
        else None
    )
    if double is not None:
        raise _DuplicateError(f"{quoted(double)} stands twice")
    return dict(pairs)


def _check(name: str, entry: object) -> None:
    where = f"`--aws-roles`: the entry {quoted(name)}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is not an object", hint=_FORM)
    for key, value in entry.items():
        if key not in _ENTRY:
            raise InputError(
                f"{where} has the unknown name {quoted(key)}",
                hint=f"it may have {', '.join(_ENTRY)}",
            )
        if not isinstance(value, _ENTRY[key]):
            kind = "true or false" if _ENTRY[key] is bool else "a text"
            raise InputError(f"{where}: `{key}` must be {kind}")
    if not _ROLE.fullmatch(str(entry.get("role_arn", ""))):
        raise InputError(
            f"{where}: `role_arn` is not the ARN of a role",
            hint="write arn:aws:iam::111122223333:role/NAME",
        )
