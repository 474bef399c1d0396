"""The answers that the server keeps, so that a cursor goes on in what was computed and a link gives a whole file.

They are kept in memory, the newest first to stay, within a bound of bytes and number for each client, so that none pushes
out what another still needs, and one for all together. The answers of a session are given to that session alone. Where the
protocol has no sessions, the id of an answer says who may read it: it cannot be guessed, so whoever has one got it in an answer.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from aws_iam.answer import Answer, Artifact, Finding, to_json
from aws_iam.errors import InputError
from aws_iam.report import page
from aws_iam.server.http.users import user_of
from aws_iam.tools.playbooks import readable_source

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULTS = "aws-iam://results/"
_SESSION_HEADER = "mcp-session-id"
_MIME_TYPES = {
    "json": "application/json",
    "html": "text/html",
    "markdown": "text/markdown",
    "yaml": "application/yaml",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """How much is kept."""

    answers: int
    bytes: int

    def is_exceeded(self, kept: Iterable[_KeptAnswer]) -> bool:
        """Whether this is more."""
        sizes = [one.bytes for one in kept]
        return len(sizes) > self.answers or sum(sizes) > self.bytes


OF_ONE_CLIENT = Bound(64, 64_000_000)
OF_ALL_CLIENTS = Bound(1024, 256_000_000)


@dataclass(frozen=True, slots=True)
class ClientId:
    """Whose answers are kept: of a session, of a connection without one, or of the only client over standard input."""

    name: str = ""
    is_session: bool = False
    user: str = ""
    """The user of a shared server: what is kept for one is given to nobody else, whoever has the link."""


def client_of(request: Any) -> ClientId:
    """Who makes a call; over standard input there is no request."""
    if request is None:
        return ClientId()
    user = user_of(request)
    key = user.key if user else ""
    if session := request.headers.get(_SESSION_HEADER):
        return ClientId(session, is_session=True, user=key)
    host, port = request.client or ("", 0)
    # A user is one client, through whichever connections a balancer makes.
    return ClientId(key or f"{host}:{port}", user=key)


@dataclass(frozen=True, slots=True)
class _KeptAnswer:
    client: ClientId
    call: str
    answer: Answer
    bytes: int


@dataclass(slots=True)
class KeptAnswers:
    """The last answers by id, the oldest first."""

    answers: OrderedDict[str, _KeptAnswer] = field(default_factory=OrderedDict)

    def first_page(self, client: ClientId, call: str, answer: Answer, limit: int) -> Answer:
        """Keep the answer to a call, and give its first page."""
        # Letters and digits alone: the address also stands in Markdown, where `_` at a word's edge is markup.
        name = secrets.token_hex(12)
        linked = replace(
            answer,
            artifacts=tuple(_linked(name, artifact) for artifact in answer.artifacts),
            findings=tuple(map(_with_readable_source, answer.findings)),
            sources=tuple(map(readable_source, answer.sources)),
        )
        self.answers[name] = _KeptAnswer(client, call, linked, len(json.dumps(to_json(linked))))
        self._make_room(client)
        return _with_cursor_of(name, page.page(linked, limit - len(name) - 1))

    def next_page(self, client: ClientId, call: str, cursor: str, limit: int) -> Answer:
        """The page at a cursor; InputError if the answer is another call's or no longer kept."""
        name, _, place = cursor.rpartition(".")
        kept = self._readable(client, name)
        if kept is None:
            raise InputError(
                "`cursor` is the `next_cursor` of no answer that is still kept",
                hint="call again without `cursor`, or with `detail`: `full`",
            )
        if kept.call != call:
            raise InputError(
                "`cursor` belongs to a call with other arguments",
                hint="repeat the arguments of the call that gave it",
            )
        self.answers.move_to_end(name)
        return _with_cursor_of(name, page.page(kept.answer, limit - len(name) - 1, place))

    def file(self, client: ClientId, uri: str) -> Artifact | None:
        """The file of a kept answer by its address; None if there is none."""
        name, _, file = uri.removeprefix(RESULTS).partition("/")
        kept = self._readable(client, name)
        wanted = unquote(file)
        artifacts = kept.answer.artifacts if kept else ()
        return next((artifact for artifact in artifacts if artifact.name == wanted), None)

    def _readable(self, client: ClientId, name: str) -> _KeptAnswer | None:
        kept = self.answers.get(name)
        if kept is None or kept.client.user != client.user:
            return None
        return None if kept.client.is_session and kept.client != client else kept

    def _make_room(self, client: ClientId) -> None:
        """Drop the oldest answers of the client, then the oldest of all, but never the newest."""
        own = [name for name, kept in self.answers.items() if kept.client == client]
        while len(own) > 1 and OF_ONE_CLIENT.is_exceeded(self.answers[name] for name in own):
            del self.answers[own.pop(0)]
        while len(self.answers) > 1 and OF_ALL_CLIENTS.is_exceeded(self.answers.values()):
            self.answers.popitem(last=False)


def mime_type(artifact: Artifact) -> str:
    """The media type of a file."""
    return _MIME_TYPES.get(artifact.language, "text/plain")


def _linked(name: str, artifact: Artifact) -> Artifact:
    length = len(artifact.content.encode(errors="replace"))
    uri = f"{RESULTS}{name}/{quote(artifact.name, safe='')}"
    return replace(artifact, uri=uri, bytes=length)


def _with_readable_source(finding: Finding) -> Finding:
    return replace(finding, source=readable_source(finding.source)) if finding.source else finding


def _with_cursor_of(name: str, answer: Answer) -> Answer:
    if answer.next_cursor is None:
        return answer
    return replace(answer, next_cursor=f"{name}.{answer.next_cursor}")
