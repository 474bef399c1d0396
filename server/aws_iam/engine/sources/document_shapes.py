"""What an input is: a policy or an attempt at one, a list of them, a policy as text, an `Answer`, Terraform's own language."""

from __future__ import annotations

import re
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


def artifacts_of(answer: Node) -> Iterator[tuple[str, str, str]]:
    """Name, language and content of each artifact; the content is empty where it was too long for the answer."""
    artifacts = answer.member("artifacts")
    for artifact in artifacts.items if artifacts else ():
        name, language, content = map(artifact.member, ("name", "language", "content"))
        if name is not None and language is not None:
            yield name.text, language.text, content.text if content else ""


TERRAFORM_LANGUAGES = frozenset({"hcl", "terraform"})
TERRAFORM_ENDINGS = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".tfvars.json")
"""Of the files of a module, which is a folder: an address stands in it once, in whatever file."""
# At the start of a line: in YAML a text that quotes Terraform is indented.
_TERRAFORM = re.compile(
    r'^(?:(?:resource|data)[ \t]+"[^"\n]*"[ \t]+"[^"\n]*"|(?:module|variable|output|provider)[ \t]+"[^"\n]*"|terraform|locals)[ \t]*\{',
    re.MULTILINE,
)


def is_terraform(text: str, name: str = "") -> bool:
    """Whether the file, or a text that is no JSON, is in Terraform's own language."""
    lower = name.lower()
    if lower.endswith((".json", ".yaml", ".yml")):
        text = ""
    return lower.endswith(TERRAFORM_ENDINGS) or _TERRAFORM.search(text) is not None
