"""The authorization ID in the text of a denial, and the Region where its record is kept.

    … Go to https://eu-west-1.console.aws.amazon.com/iam/home?region=eu-west-1#/authorization-details/1a2b… for complete
    details, or call the GetRequestAuthorizationDetails API with the following authorization id: 1a2b…

Source: IAM User Guide, troubleshoot_access-denied-authorization-id.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.engine.denied.pasted_text import plain_texts
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

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
# An ID without any message.
_ALONE = re.compile(rf"(?=[a-z]*[0-9])(?=[0-9]*[a-z])[0-9a-z]{{10,{LONGEST}}}")
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
    if _ALONE.fullmatch(text.strip()):
        return (AuthorizationId(text=text.strip()),)
    if "uthori" not in text or len(text) > _LONGEST_TEXT:
        return ()
    # A tag of a pasted page has the link inside, which is removed with the tag.
    spaced, *unbroken = plain_texts(text)
    as_pasted = [_found(spaced), _found(text)]
    with_joined_lines = [_found(plain) for plain in unbroken]
    names = dict.fromkeys(name for ids, _ in as_pasted for name in ids)
    twice = [name for ids, _ in with_joined_lines for name, n in Counter(ids).items() if n > 1]
    whole = dict.fromkeys(_whole(name, (*names, *twice)) for name in names)
    linked = [pair for _, pairs in (*as_pasted, *with_joined_lines) for pair in pairs]
    return tuple(
        AuthorizationId(
            text=name, region=next((region for cut, region in linked if name.startswith(cut)), "")
        )
        for name in whole
    )[:_MOST]


def _whole(name: str, others: Iterable[str]) -> str:
    """The ID of which a broken line has left the beginning: a message has it twice, in its link and in its words."""
    return max((other for other in others if other.startswith(name)), key=len)


def _found(plain: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Every ID in the text, once for each place, and those of links with their Region."""
    links = [(match["id"], match["region"]) for match in islice(_LINK.finditer(plain), _MOST)]
    words = [match["id"] for match in islice(_WORDS.finditer(plain), _MOST)]
    ids = [*(name for name, _ in links), *words]
    return ids, [(name, region) for name, region in links if region]


def _as_text(message: object) -> str:
    try:
        return json.dumps(message)
    except (ValueError, TypeError, RecursionError):
        return ""
