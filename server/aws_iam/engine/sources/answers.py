"""The JSON of an `Answer` of this package as input: which object is one, and the artifacts that may hold policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_answer(node: Node) -> bool:
    """Whether it is the JSON of an `Answer`: it has artifacts, or a summary next to members that no policy has."""
    if node.member("Statement"):
        return False
    artifacts = node.member("artifacts")
    if artifacts is not None:
        return artifacts.form is Form.ARRAY
    summary = node.member("summary")
    has_others = any(
        node.member(name) for name in ("tool", "action", "findings", "counts", "facts")
    )
    return summary is not None and summary.form is Form.STRING and has_others


def json_artifacts(answer: Node) -> Iterator[tuple[str, str]]:
    """Name and content of each artifact that is JSON."""
    artifacts = answer.member("artifacts")
    for artifact in artifacts.items if artifacts else ():
        name, language, content = map(artifact.member, ("name", "language", "content"))
        if name is None or content is None or language is None or language.text != "json":
            continue
        yield name.text, content.text
