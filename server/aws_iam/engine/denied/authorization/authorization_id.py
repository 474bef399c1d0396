"""The authorization ID in the text of a denial, and the Region where its record is kept.

    … Go to https://eu-west-1.console.aws.amazon.com/iam/home?region=eu-west-1#/authorization-details/1a2b… for complete
    details, or call the GetRequestAuthorizationDetails API with the following authorization id: 1a2b…

Source: IAM User Guide, troubleshoot_access-denied-authorization-id.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.engine.denied.pasted_text import plain_texts
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "troubleshoot_access-denied-authorization-id.html"
)
LONGEST = 256
_LONGEST_TEXT = 262_144
_MOST = 50
_END = r"(?![0-9A-Za-z_-])"
_LINK = re.compile(
    r"(?:[?&]region=(?P<region>[a-z]{2}[a-z0-9-]{3,30}))?#/authorization-details/"
    rf"(?P<id>[0-9A-Za-z]{{1,{LONGEST}}}){_END}"
)
_WORDS = re.compile(
    rf"authori[sz]ation ?id ?(?::|is)? ?[\"'`*]{{0,3}}(?P<id>[0-9A-Za-z]{{8,{LONGEST}}}){_END}",
    re.IGNORECASE,
)
_SENT = re.compile(rf"[0-9a-z]{{1,{LONGEST}}}")


@slotted
class AuthorizationId:
    """The ID of one record; `region` is empty where no link tells it."""

    text: str
    region: str = ""

    @property
    def is_well_formed(self) -> bool:
        """Whether AWS takes such an ID: digits and lower-case letters."""
        return _SENT.fullmatch(self.text) is not None


def authorization_ids(message: object) -> tuple[AuthorizationId, ...]:
    """The IDs in a message, text or JSON value, in their order; a link tells the Region of its ID."""
    text = message if isinstance(message, str) else _as_text(message)
    if "uthori" not in text or len(text) > _LONGEST_TEXT:
        return ()
    found: dict[str, str] = {}
    for name, region in _found(text):
        found[name] = found.get(name) or region
    return tuple(AuthorizationId(text=name, region=region) for name, region in found.items())[
        :_MOST
    ]


def _found(text: str) -> Iterator[tuple[str, str]]:
    # The first reading has the breaks of lines as spaces, which cut an ID in two; a later one has them removed.
    readings = [list(_in(plain)) for plain in plain_texts(text)]
    whole = [{name for name, _ in reading if not _is_cut(name, readings)} for reading in readings]
    for reading, names in zip(readings, whole, strict=True):
        yield from ((name, region) for name, region in reading if name in names)


def _is_cut(name: str, readings: list[list[tuple[str, str]]]) -> bool:
    """Whether another reading has a longer ID that begins so."""
    return any(
        other != name and other.startswith(name) for reading in readings for other, _ in reading
    )


def _in(plain: str) -> Iterator[tuple[str, str]]:
    links = [(match["id"], match["region"] or "") for match in _LINK.finditer(plain)]
    yield from links
    yield from ((match["id"], "") for match in _WORDS.finditer(plain))


def _as_text(message: object) -> str:
    try:
        return json.dumps(message)
    except (ValueError, TypeError, RecursionError):
        return ""
