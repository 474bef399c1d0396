"""Policies in data of no known format: objects with statements, and texts that hold one, named by their JSON pointer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind
from aws_iam.engine.parsing.json_nodes import Form, Node, pointer_token, rooted
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.sources.containers.ansible_values import with_variables
from aws_iam.engine.sources.containers.attached_by_tools import (
    attached_by_tools,
    holder_in_tools,
    place_in_task,
)
from aws_iam.engine.sources.containers.embedded_documents import (
    STACK_POLICY,
    decoded,
    embedded,
    is_policy,
    is_stack_policy,
    looks_encoded,
)
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    PolicyPlace,
    SkippedPlace,
)
from aws_iam.engine.sources.containers.pulumi_config import with_configuration
from aws_iam.engine.sources.containers.pulumi_documents import pulumi_documents
from aws_iam.engine.sources.containers.role_documents import roles_in_document
from aws_iam.engine.sources.containers.service_accounts import annotated_roles
from aws_iam.engine.sources.policy_signs import NOT_JSON
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.containers.other_files import OtherFiles
    from aws_iam.engine.sources.containers.placeholders import Placeholders

NAME = "policies in other data"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/openapi-extensions-policy.html
_OF_AN_API, _API = "x-amazon-apigateway-policy", "AWS::ApiGateway::RestApi"
_CONSTRUCT_TREE = "the AWS CDK notes there again what its templates have, which are beside it"
_TRUST_NAMES = ("assumerolepolicy", "assume_role_policy", "trustpolicy", "trust_policy")


def fits(root: Node) -> bool:
    """Whether it is an object or a list, which may hold anything."""
    return root.form in {Form.OBJECT, Form.ARRAY}


def documents_beside(
    root: Node, placeholders: Placeholders | None, others: OtherFiles, choices: Mapping[str, str]
) -> Iterator[FoundPolicy | SkippedPlace | AccessSetting | PolicyAttachment | FoundResource]:
    """The same with the variables of Ansible that stand in the file or beside it."""
    del choices
    yield from documents(root if placeholders else with_variables(root, others))


def documents(
    root: Node,
) -> Iterator[FoundPolicy | SkippedPlace | AccessSetting | PolicyAttachment | FoundResource]:
    """Every policy below the root, every one that is attached, and every role of a service account or of a document."""
    if _is_construct_tree(root):
        yield SkippedPlace(name="tree", why=_CONSTRUCT_TREE, is_none=True)
        return
    names: list[str] = []
    for policy in policies_in(root):
        names.append("".join(f"/{pointer_token(token)}" for token in policy.path))
        yield with_configuration(_held(policy.named(names[-1]), root, policy.path), root)
    for written in pulumi_documents(root):
        names.append(written.name)
        path = tuple(_tokens(root, written.name))
        yield with_configuration(_held(written, root, path), root)
    yield from attached_by_tools(root, names)
    yield from annotated_roles(root)
    yield from roles_in_document(root)


def _held(
    found: FoundPolicy | SkippedPlace, root: Node, path: tuple[str | int, ...]
) -> FoundPolicy | SkippedPlace:
    """The policy with what has it, where a task or a resource around it says so."""
    if isinstance(found, SkippedPlace):
        return found
    holder = holder_in_tools(root, path)
    return replace(found, holder=holder) if holder.attached_to else found


def _tokens(root: Node, pointer: str) -> Iterator[str | int]:
    """The tokens of a JSON pointer below a root: numbers for the items of lists."""
    node: Node | None = root
    for part in pointer.split("/")[1:] if pointer != "/" else ():
        text = part.replace("~1", "/").replace("~0", "~")
        is_item = node is not None and node.form is Form.ARRAY and text.isdecimal()
        token: str | int = int(text) if is_item else text
        yield token
        if node is not None:
            node = node.items[token] if isinstance(token, int) else node.member(token)


def _is_construct_tree(root: Node) -> bool:
    """Whether it is the `tree.json` that the AWS CDK writes beside its templates."""
    version = root.member("version")
    return root.member("tree") is not None and version is not None and version.text == "tree-0.1"


@positional
class PolicyByLooks:
    """Data that looks like a policy; `content` is a `Syntax` for text that does and is not JSON."""

    path: tuple[str | int, ...]
    content: Node | Syntax
    text: str | None = None

    @property
    def place(self) -> PolicyPlace:
        """What the name of the member that holds it says: whose policy it is in a task of Ansible, that it is a role's trust policy, or an API's in OpenAPI."""
        if task := place_in_task(self.path):
            return task
        names = [token for token in self.path if isinstance(token, str)]
        if not names:
            return PolicyPlace(path="")
        if names[-1] == _OF_AN_API:
            return PolicyPlace(path="", kind=Kind.RESOURCE, resource_type=_API)
        is_trust = names[-1].lower().startswith(_TRUST_NAMES)
        return PolicyPlace(path="", kind=Kind.TRUST if is_trust else None)

    @property
    def dotted_path(self) -> str:
        """The path as people write it: `Policies[0].PolicyDocument`."""
        parts = (f"[{token}]" if isinstance(token, int) else f".{token}" for token in self.path)
        return "".join(parts).removeprefix(".")

    def named(
        self, name: str, kind: Kind | None = None, resource_type: str | None = None
    ) -> FoundPolicy | SkippedPlace:
        """The policy under a name. Text that is not JSON may be a template of something else: it is skipped."""
        if isinstance(self.content, Syntax):
            why = f"{NOT_JSON}: {self.content.message}"
            return SkippedPlace(name=name, why=why, unreadable=True)
        if is_stack_policy(self.content):
            return SkippedPlace(name=name, why=STACK_POLICY, is_none=True)
        place = self.place
        return FoundPolicy(
            name=name,
            content=self.content,
            kind=place.kind or kind,
            resource_type=place.resource_type if place.kind else resource_type,
            text=self.text,
        )


def policies_in(root: Node, done: frozenset[int] = frozenset()) -> Iterator[PolicyByLooks]:
    """Each policy below a node; the nodes with an id in `done` are left out."""
    todo: list[tuple[tuple[str | int, ...], Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if id(node) in done:
            continue
        if is_policy(node):
            yield PolicyByLooks(path, rooted(node))
        elif node.form is Form.STRING:
            found = _policy_in_text(node)
            if found:
                yield PolicyByLooks(path, found, decoded(node.text))
        else:
            children = [((*path, member.name.value), member.value) for member in node.members]
            children += [((*path, number), item) for number, item in enumerate(node.items)]
            todo += reversed(children)


def _policy_in_text(node: Node) -> Node | Syntax | None:
    if "Statement" not in node.text or not looks_encoded(node.text):
        return None
    found = embedded(node)
    if isinstance(found, Syntax):
        return found if '"Effect"' in node.text else None
    return found if found and is_policy(found) else None
