"""What the server shows besides its tools: documents to read and playbooks as prompts.

And the tools' answers as a client without a terminal gets them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.errors import AwsError
from aws_iam.escape import escaped
from aws_iam.tools.kit import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.answer import Answer
    from aws_iam.tools.kit.tool import Progress, Tool

SHELVES = {"references": "text/markdown", "templates": "application/json"}
_REQUEST_LIMIT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """A readable document: its address, where it stands, and how to read it."""

    shelf: str
    name: str
    title: str
    mime_type: str
    read: Callable[[], str]

    @property
    def uri(self) -> str:
        """The address: aws-iam://SHELF/NAME."""
        return f"aws-iam://{self.shelf}/{self.name}"


def documents() -> tuple[Readable, ...]:
    """Every document, pages first."""
    return (*_pages(), *_templates(), _answer_schema())


def _pages() -> Iterator[Readable]:
    for path in resources.listing("references", ".md"):
        yield Readable(
            shelf="references",
            name=path.stem,
            title=path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "),
            mime_type=SHELVES["references"],
            read=partial(path.read_text, encoding="utf-8"),
        )


def _templates() -> Iterator[Readable]:
    for path in resources.listing("assets/policy-templates", ".json"):
        if path.stem == "index":
            continue
        yield Readable(
            shelf="templates",
            name=path.stem,
            title=path.stem.replace("-", " "),
            mime_type=SHELVES["templates"],
            read=partial(path.read_text, encoding="utf-8"),
        )


def _answer_schema() -> Readable:
    return Readable(
        shelf="schemas",
        name="answer",
        title="JSON schema of every tool's answer",
        mime_type="application/schema+json",
        read=lambda: json.dumps(schemas.answer(), indent=2),
    )


def prompt(mode: str, request: str) -> str:
    """The mode's playbook with the caller's request."""
    body = resources.text(f"skills/{mode}/SKILL.md").split("---\n", 2)[2].strip()
    wanted = (
        escaped(request, _REQUEST_LIMIT)
        or "not given: ask, or show what the tool does without arguments"
    )
    return f"Use the `{mode}` tool of the aws-iam server.\n\nRequest: {wanted}\n\n{body}\n"


def answered(
    tool: Tool, arguments: Mapping[str, Any], *, progress: Progress | None = None
) -> Answer:
    """The tool's answer; an audit asked for nothing special still answers where no account can be read."""
    try:
        return tool.run(arguments, progress=progress)
    except AwsError as error:
        if (
            tool.name != "audit"
            or set(arguments) - {"action"}
            or arguments.get("action", "run") != "run"
        ):
            raise
        from aws_iam.tools.audit.run.no_credentials import without_credentials

        return without_credentials(error)
