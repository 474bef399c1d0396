"""What a file holds beside the policies that were read of it: statements, and AWS managed policies that something unknown attaches.

{"x": <policy>, "extra": [{"Effect": "Allow", …}]}   →   SkippedPlace(name="extra", …) and an AccessSetting for what it says
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.reference.managed_policies import is_policy_arn
from aws_iam.engine.sources.containers import aws_answers, cloudformation, serverless, terraform
from aws_iam.engine.sources.containers.access_settings import AccessSetting, canonical
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import is_policy
from aws_iam.engine.sources.containers.policy_places import SkippedPlace
from aws_iam.engine.sources.left_in_text import unread_setting
from aws_iam.engine.sources.policy_code import ATTACHED, COMMANDS, may_attach, why_in_code
from aws_iam.engine.sources.policy_signs import FRAGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.parsing.json_nodes import Node

# What of a template says what is attached is read with its resources; a parameter by itself attaches nothing.
_OF_TEMPLATE = "Resources"
_OF_ANSWER, _ATTACHED_IN_ANSWER = "Policies", "AttachedPolicies"
_OF_SERVERLESS = frozenset({"provider", "functions", "resources"})
_READ_TYPES = ("AWS::IAM::", "AWS::SSO::", "AWS::RolesAnywhere::", "AWS::Serverless::")


def left_beside(
    root: Node, container: ModuleType, sources: Sequence[Source], places: Sequence[object]
) -> Iterator[SkippedPlace | AccessSetting]:
    """Each place of a value with such a thing that none of the policies and places came from."""
    left: dict[tuple[str, str], list[str]] = {}
    if container is terraform:
        # A plan repeats in several sections what it makes.
        return
    read = {offset for source in sources for offset in _statements(source)}
    known = {own.name for own in sources}
    known |= {own.policy for own in places if isinstance(own, PolicyAttachment)}
    settings = [own.value for own in places if isinstance(own, AccessSetting)]
    for path, node in _outside(root, container):
        if node.form is Form.OBJECT:
            if node.at.offset not in read:
                left.setdefault((_holder(path), FRAGMENT), []).append(canonical(node))
        elif is_policy_arn(node.text):
            text = node.text.strip()
            if text not in known and not any(text in value for value in settings):
                left.setdefault((_holder(path), ATTACHED), []).append(text)
        elif why_in_code(node.text) == COMMANDS:
            left.setdefault((_holder(path), COMMANDS), []).append(node.text)
    for (name, why), values in left.items():
        yield SkippedPlace(name=name, why=why)
        yield unread_setting(name, values, None)


def _statements(source: Source) -> Iterator[int]:
    if isinstance(source.content, Policy):
        yield from (statement.node.at.offset for statement in source.content.statements)


def _outside(root: Node, container: ModuleType) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """The statements and texts outside of whole policies."""
    todo: list[tuple[tuple[str | int, ...], Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if is_policy(node) or _is_read(path, node, container):
            continue
        if node.form is Form.STRING:
            if may_attach(node.text):
                yield path, node
            continue
        if _is_statement(node):
            yield path, node
            continue
        children = [
            ((*path, own.key), own.value) for own in node.members if own.key != "Statement"
        ]
        children += [((*path, number), item) for number, item in enumerate(node.items)]
        todo += reversed(children)


def _is_read(path: tuple[str | int, ...], node: Node, container: ModuleType) -> bool:
    """Whether the reader of the format has a part of a file as a whole."""
    if container is serverless:
        return len(path) == 1 and path[0] in _OF_SERVERLESS
    if container is aws_answers:
        # The policies themselves and the answer that lists what is attached, not what attaches them in other answers.
        return path in {(_OF_ANSWER,), (_ATTACHED_IN_ANSWER,)}
    if container is not cloudformation:
        return False
    if len(path) == 1:
        return path[0] != _OF_TEMPLATE
    type_ = node.member("Type")
    if type_ is None or path[:-1] != (_OF_TEMPLATE,):
        return False
    return type_.text.startswith(_READ_TYPES)


def _is_statement(node: Node) -> bool:
    effect = node.member("Effect")
    return effect is not None and any(map(node.member, ("Action", "NotAction")))


def _holder(path: tuple[str | int, ...]) -> str:
    """Where a list or a value stands, as people write it; the numbers of a list's items change with those before them."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    parts = (f"[{own}]" if isinstance(own, int) else f".{own}" for own in path)
    return "".join(parts).removeprefix(".") or "the list"
