"""The answers that the server keeps, so that a cursor goes on in what was computed and a link gives a whole file.

They are kept in memory, the newest first to stay, within a bound of bytes and number. Their ids cannot be guessed: whoever
has one got it in an answer.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from aws_iam.answer import Answer, Artifact, Finding, to_json
from aws_iam.errors import InputError
from aws_iam.report import page
from aws_iam.tools.playbooks import readable_source

_MOST_ANSWERS = 64
_MOST_BYTES = 64_000_000
RESULTS = "aws-iam://results/"
_MIME_TYPES = {
    "json": "application/json",
    "html": "text/html",
    "markdown": "text/markdown",
    "yaml": "application/yaml",
}


@dataclass(frozen=True, slots=True)
class _KeptAnswer:
    call: str
    answer: Answer
    bytes: int


@dataclass(slots=True)
class KeptAnswers:
    """The last answers by id."""

    answers: OrderedDict[str, _KeptAnswer] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def first_page(self, call: str, answer: Answer, limit: int) -> Answer:
        """Keep the answer to a call, and give its first page."""
        # Letters and digits alone: the address also stands in Markdown, where `_` at a word's edge is markup.
        name = secrets.token_hex(12)
        linked = replace(
            answer,
            artifacts=tuple(_linked(name, artifact) for artifact in answer.artifacts),
            findings=tuple(map(_with_readable_source, answer.findings)),
            sources=tuple(map(readable_source, answer.sources)),
        )
        self._keep(name, call, linked)
        return _with_cursor_of(name, page.page(linked, limit - len(name) - 1))

    def next_page(self, call: str, cursor: str, limit: int) -> Answer:
        """The page at a cursor; InputError if the answer is another call's or no longer kept."""
        name, _, place = cursor.rpartition(".")
        kept = self.answers.get(name)
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

    def file(self, uri: str) -> Artifact | None:
        """The file of a kept answer by its address; None if there is none."""
        name, _, file = uri.removeprefix(RESULTS).partition("/")
        kept = self.answers.get(name)
        wanted = unquote(file)
        artifacts = kept.answer.artifacts if kept else ()
        return next((artifact for artifact in artifacts if artifact.name == wanted), None)

    def _keep(self, name: str, call: str, answer: Answer) -> None:
        size = len(json.dumps(to_json(answer)))
        self.answers[name] = _KeptAnswer(call, answer, size)
        self._bytes += size
        while len(self.answers) > 1 and (
            len(self.answers) > _MOST_ANSWERS or self._bytes > _MOST_BYTES
        ):
            _, dropped = self.answers.popitem(last=False)
            self._bytes -= dropped.bytes


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
