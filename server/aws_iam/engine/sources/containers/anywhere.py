"""Policies in any tree: objects with statements, and texts that decode to one, named by their JSON pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional
from aws_iam.engine.language.json_nodes import Form, Node, pointer_token, rooted
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.found import (
    Found,
    Note,
    decoded,
    embedded,
    is_policy,
    looks_encoded,
)
from aws_iam.engine.sources.json_scan import Syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "policies in other data"
_TRUST = ("assumerolepolicy", "assume_role_policy", "trustpolicy", "trust_policy")


def fits(root: Node) -> bool:
    """Whether it is an object or a list, which may hold anything."""
    return root.form in {Form.OBJECT, Form.ARRAY}


def documents(root: Node) -> Iterator[Found | Note]:
    """Every policy below the root."""
    for policy in policies_in(root):
        yield policy.judged("".join(f"/{pointer_token(token)}" for token in policy.path))


@positional
class Stray:
    """A policy found by its looks; `content` is a `Syntax` for text that looks like one and is no JSON."""

    path: tuple[str | int, ...]
    content: Node | Syntax
    text: str | None = None

    @property
    def trust(self) -> bool:
        """Whether the member that holds it is named after a role's trust policy; no other kind is told by a name."""
        names = [each for each in self.path if isinstance(each, str)]
        return bool(names) and names[-1].lower().startswith(_TRUST)

    @property
    def spelled(self) -> str:
        """The path as people write it: `Policies[0].PolicyDocument`."""
        parts = (f"[{each}]" if isinstance(each, int) else f".{each}" for each in self.path)
        return "".join(parts).removeprefix(".")

    def judged(
        self, name: str, kind: Kind | None = None, resource_type: str | None = None
    ) -> Found | Note:
        """It under a name; text that is no JSON may be a template of something else, so it is only named."""
        if isinstance(self.content, Syntax):
            return Note(
                name=name, why=f"it looks like a policy and is no JSON: {self.content.message}"
            )
        return Found(
            name=name,
            content=self.content,
            kind=Kind.TRUST if self.trust else kind,
            resource_type=None if self.trust else resource_type,
            text=self.text,
        )


def policies_in(root: Node, done: frozenset[int] = frozenset()) -> Iterator[Stray]:
    """Each policy below a node, but for nodes that are done already."""
    todo: list[tuple[tuple[str | int, ...], Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if id(node) in done:
            continue
        if is_policy(node):
            yield Stray(path, rooted(node))
        elif node.form is Form.STRING:
            found = _in_text(node)
            if found:
                yield Stray(path, found, decoded(node.text))
        else:
            children = [((*path, member.name.value), member.value) for member in node.members]
            children += [((*path, number), each) for number, each in enumerate(node.items)]
            todo += reversed(children)


def _in_text(node: Node) -> Node | Syntax | None:
    if "Statement" not in node.text or not looks_encoded(node.text):
        return None
    found = embedded(node)
    if isinstance(found, Syntax):
        return found if '"Effect"' in node.text else None
    return found if found and is_policy(found) else None
