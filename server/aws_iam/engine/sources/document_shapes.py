"""What a JSON value of the input is: a policy or an attempt at one, a list of them, a policy as text, an `Answer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.containers.embedded_documents import is_policy, looks_encoded

if TYPE_CHECKING:
    from collections.abc import Iterator


_POLICY_MEMBERS = frozenset({"version", "id", "statement"})


def is_policy_attempt(node: Node) -> bool:
    """Whether a file's object is a policy, or has only members that a policy has."""
    if node.form is not Form.OBJECT:
        return False
    names = {member.name.value.lower() for member in node.members}
    return node.member("Statement") is not None or (bool(names) and names <= _POLICY_MEMBERS)


def lists_policies(node: Node) -> bool:
    """Whether a file's value is a list with a policy in it."""
    return node.form is Form.ARRAY and any(
        is_policy(item) or is_document_as_text(item) for item in node.items
    )


def is_document_as_text(node: Node) -> bool:
    """Whether the value is a string that may hold a policy."""
    return node.form is Form.STRING and looks_encoded(node.text)


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
