"""The policies of one value of JSON or YAML: a policy, a list, an `Answer`, a larger document."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind, Policy, Source, Syntax
from aws_iam.engine.parsing.json_nodes import Form, Node, rooted
from aws_iam.engine.parsing.json_text import scan
from aws_iam.engine.reference.managed_policies import (
    ManagedPolicy,
    is_policy_arn,
    managed_policy_of_arn,
)
from aws_iam.engine.sources.containers import container_of, documents_in
from aws_iam.engine.sources.containers.access_settings import AccessSetting
from aws_iam.engine.sources.containers.attached_by_tools import place_in_task
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import (
    STACK_POLICY,
    decoded,
    embedded,
    is_policy,
    is_stack_policy,
    looks_encoded,
)
from aws_iam.engine.sources.containers.other_files import TakenFile
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    SkippedPlace,
)
from aws_iam.engine.sources.document_shapes import (
    TERRAFORM_LANGUAGES,
    artifacts_of,
    is_answer,
    is_document_as_text,
    lists_policies,
)
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gathered import Gathered, Unread, together, with_places
from aws_iam.engine.sources.policy_signs import looks_like_policy, may_hold_policy, why_unread
from aws_iam.engine.sources.requested import Requested, source_of
from aws_iam.engine.sources.terraform_sources import of_terraform
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

MOST_IN_A_LIST = 20_000
"""Policies that one list may hold; files of a folder count by themselves."""
_STACK_POLICY = "the stack policy"
_TAKEN_AWAY = "the task takes the policy away (`state: absent`)"
SUPPORTED = (
    "a policy has a `Statement`; supported are policies, lists of policies, JSON lines, CloudFormation and SAM templates,"
    " Serverless Framework files, Terraform sources and plans, Kubernetes manifests, templates of Helm and Jinja, policies"
    " in fences of Markdown, and answers of the AWS CLI"
)


def managed(arn: str, requested: Requested) -> Gathered:
    """The document of an AWS managed policy, which its ARN stands for."""
    policy = managed_policy_of_arn(arn)
    content = _managed_content(policy, requested)
    return Gathered(
        sources=(Source(name=policy.arn, content=content),), formats=(("", policy.title),)
    )


def _managed_content(policy: ManagedPolicy, requested: Requested) -> Policy | Syntax:
    node = scan(policy.document)
    if isinstance(node, Syntax):
        return node
    identity = requested if requested.kind else replace(requested, kind=Kind.IDENTITY)
    return identity.policy(node, policy.document)


def scanned(text: str, at_most: int) -> Node | Syntax:
    """The JSON value; a text that is URL-encoded as a whole becomes a string."""
    encoded = looks_encoded(text) and text.lstrip().startswith("%")
    return scan(json.dumps(text.strip()) if encoded else text, at_most)


def larger_yaml(text: str) -> tuple[Node, ...]:
    """The values of a text in YAML that may hold policies; none where it is itself a policy, which IAM takes as JSON only."""
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    if text.lstrip()[:1] in {"", "{", "[", '"'} or not may_hold_policy(text):
        return ()
    try:
        roots = scan_yaml(text)
    except InputError:
        return ()
    if isinstance(roots, Syntax) or any(map(is_policy, roots)):
        return ()
    return tuple(root for root in roots if root.form in {Form.OBJECT, Form.ARRAY})


def of_root(node: Node, text: str | None, requested: Requested) -> Gathered:
    """The policies of one JSON value; a value that holds none is taken as a broken policy."""
    if node.form is Form.OBJECT and node.member("Statement"):
        return _alone(node, text, requested)
    if node.form is Form.ARRAY:
        return _of_list(node, requested)
    if is_document_as_text(node):
        return _in_string(node, requested)
    if is_answer(node):
        return _of_answer(node, requested)
    if node.form is Form.OBJECT:
        found = of_larger((node,), requested, required=False)
        if found.sources or found.unread or found.formats:
            return required_policies(found)
    return _alone(node, text, requested)


def _of_list(node: Node, requested: Requested) -> Gathered:
    if not node.items:
        raise InputError("the list is empty", hint="give a policy or a list of policies")
    if len(node.items) > MOST_IN_A_LIST:
        raise InputError(
            f"the list has {len(node.items):,} entries, of which at most {MOST_IN_A_LIST:,} are judged at once",
            hint="split it",
        )
    if not any(map(_may_be_policy, node.items)):
        found = of_larger((node,), requested, required=False)
        if found.sources or found.unread:
            return found
    return Gathered(sources=tuple(_listed(node, requested)))


def _alone(node: Node, text: str | None, requested: Requested) -> Gathered:
    policy = requested.policy(node, text)
    if _may_be_of_updates(policy) and is_stack_policy(node):
        place = Unread(place=_STACK_POLICY, why=STACK_POLICY, is_none=True)
        return Gathered(sources=(), unread=(place,))
    return Gathered(sources=(Source(name="", content=policy),))


def _may_be_of_updates(policy: Policy) -> bool:
    """Whether the first action may be one of a stack policy: of nearly every policy it is not."""
    for own in policy.statements[:1]:
        words = own.action_words or own.not_action_words
        return bool(words) and words[0].lower().startswith("update:")
    return False


def _in_string(node: Node, requested: Requested) -> Gathered:
    """The policy in a string of JSON, as `--query Policy` of the AWS CLI prints it."""
    inner = embedded(node) or node
    content = inner if isinstance(inner, Syntax) else requested.policy(inner, decoded(node.text))
    return Gathered(sources=(Source(name="", content=content),))


def _of_answer(node: Node, requested: Requested) -> Gathered:
    found = of_artifacts(node, requested)
    if not found.sources:
        left = "; ".join(f"{unread.place}: {unread.why}" for unread in found.unread[:3])
        raise InputError(
            "the answer holds no policy" + (f" that can be read ({left})" if left else ""),
            hint="give the answer of an action that writes policies or CloudFormation templates, such as `policy template`",
        )
    return found


def _may_be_policy(node: Node) -> bool:
    return node.form is Form.STRING or node.member("Statement") is not None


def _listed(node: Node, requested: Requested) -> Iterator[Source]:
    for number, item in enumerate(node.items):
        is_arn = item.form is Form.STRING and is_policy_arn(item.text)
        name = item.text.strip() if is_arn else f"/{number}"
        yield Source(name=name, content=_item(item, requested))


def _item(item: Node, requested: Requested) -> Policy | Syntax:
    if item.form is Form.STRING and is_policy_arn(item.text):
        return _managed_content(managed_policy_of_arn(item.text), requested)
    if item.form is Form.STRING:
        node = scan(item.text)
        return node if isinstance(node, Syntax) else requested.policy(node, item.text)
    return requested.policy(rooted(item), None)


def of_larger(
    roots: Sequence[Node], requested: Requested, *, file: str | None = None, required: bool = True
) -> Gathered:
    """The policies in the documents of a larger file."""
    from aws_iam.engine.sources.containers import generic_data
    from aws_iam.engine.sources.left_beside import left_beside

    sources: list[Source] = []
    places: list[object] = []
    formats: dict[str, None] = {}
    holes = requested.placeholders
    taken: set[str] = set()
    parts: dict[str, list[int]] = {}
    beside: list[tuple[Node, ModuleType | None]] = []
    for number, root in enumerate(roots):
        if is_stack_policy(root):
            places.append(SkippedPlace(name=_STACK_POLICY, why=STACK_POLICY, is_none=True))
            continue
        if is_policy(root):
            name = f"/{number}" if len(roots) > 1 else ""
            if holes:
                found = FoundPolicy(name=name, content=rooted(root))
                sources.append(source_of(found, requested, file))
            else:
                content = requested.policy(rooted(root), None)
                sources.append(Source(name=name, content=content, file=file))
            continue
        container = container_of(root)
        others = requested.others
        inside = (
            tuple(documents_in(root, container, holes, others, requested.choices))
            if container
            else ()
        )
        if container is generic_data:
            inside = tuple(_as_the_task_says(own, root) for own in inside)
        taken |= {own.name for own in inside if isinstance(own, TakenFile)}
        has_place = any(not isinstance(own, AccessSetting | TakenFile) for own in inside)
        if container and (has_place or container is not generic_data):
            formats[container.NAME] = None
        sources += (
            source_of(found, requested, file) for found in inside if isinstance(found, FoundPolicy)
        )
        places += (_in_part(own, number, parts) for own in inside)
        beside.append((root, container))
    if any(not isinstance(own, TakenFile | FoundResource) for own in places) or sources:
        for root, container in beside:
            if container:
                places += left_beside(root, container, sources, places)
    own = Gathered(
        sources=tuple(sources),
        formats=tuple((file or "", name) for name in formats),
        files=1,
        read_files=frozenset(taken),
    )
    gathered = with_places(own, places, file)
    return required_policies(gathered) if required else gathered


def _as_the_task_says(own: object, root: Node) -> object:
    """What was found; a policy that a task of Ansible takes away is none."""
    if not (isinstance(own, FoundPolicy) and own.name.startswith("/")):
        return own
    task: Node | None = root
    path = own.name[1:].split("/")
    for step in path[:-1]:
        if task is not None and task.form is Form.ARRAY and step.isdecimal():
            task = task.items[int(step)]
        else:
            task = task.member(step) if task is not None else None
    state = task.member("state") if task is not None else None
    if state is None or state.text != "absent" or place_in_task(path) is None:
        return own
    return SkippedPlace(name=own.name, why=_TAKEN_AWAY, is_none=True)


def _in_part(own: object, number: int, parts: dict[str, list[int]]) -> object:
    """What a part of a file holds; two objects of the same name attach what each of them says."""
    if not isinstance(own, PolicyAttachment):
        return own
    seen = parts.setdefault(own.holder, [])
    if number not in seen:
        seen.append(number)
    return replace(own, part=seen.index(number)) if len(seen) > 1 else own


def required_policies(found: Gathered, what: str = "the document", text: str = "") -> Gathered:
    """What was found, if it has a policy, or attaches one of AWS; InputError says why there is none.

    It says too whether the `text` looks as if there were one.
    """
    if found.sources or any(own.managed and not own.is_boundary for own in found.attachments):
        return found
    described = (" and ".join(name for _, name in found.formats) or what).removeprefix("the ")
    places = [f"{unread.place}: {unread.why}" for unread in found.unread]
    places += [f"{own.name}: attached without its document" for own in found.attachments]
    left = "; ".join(places[:3])
    is_none = bool(found.unread) and all(own.is_none for own in found.unread)
    if not (found.formats or is_none) and looks_like_policy(text):
        raise InputError(
            f"the {described} looks as if it held a policy, but none could be read: {left or why_unread(text, is_data=True)}",
            hint=SUPPORTED,
        )
    raise InputError(
        f"the {described} holds no policy that can be checked{f' ({left})' if left else ''}",
        hint=SUPPORTED,
    )


def of_artifacts(answer: Node, requested: Requested) -> Gathered:
    """The policies in the files of an answer: alone, in a list, or in a template."""
    return together(
        [
            _artifact(name, language, text, requested)
            for name, language, text in artifacts_of(answer)
        ]
    )


def _artifact(name: str, language: str, text: str, requested: Requested) -> Gathered:
    terraform = language in TERRAFORM_LANGUAGES
    if not text and (terraform or language in {"json", "yaml"}):
        why = "the answer leaves it out"
        return Gathered(sources=(), unread=(Unread(place=name, why=why),))
    if terraform:
        return of_terraform(Files(files=(File(name=name, text=text),)), requested)
    if language == "yaml":
        return of_larger(larger_yaml(text), requested, file=name, required=False)
    return _in_json(name, text, requested) if language == "json" else Gathered(sources=())


def _in_json(name: str, text: str, requested: Requested) -> Gathered:
    node = scan(text)
    if isinstance(node, Syntax):
        return Gathered(sources=(Source(name=name, content=node),))
    if not (node.member("Statement") or lists_policies(node)):
        return Gathered(sources=())
    found = of_root(node, text, requested).sources
    return Gathered(sources=tuple(replace(own, name=f"{name}{own.name}") for own in found))
