"""The policies in any input: a policy, a list, an `Answer`, a file or a folder of files, a larger document.

gathered(document)      every policy with its place, and the places that should hold one and were not read
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import (
    Kind,
    Policy,
    Source,
    Syntax,
    kind_named,
)
from aws_iam.engine.parsing.json_nodes import MAX_CHARACTERS, Form, Node, rooted
from aws_iam.engine.parsing.json_text import scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.reference.managed_policies import (
    ManagedPolicy,
    is_policy_arn,
    managed_policy_of_arn,
)
from aws_iam.engine.sources.containers import container_of
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import (
    decoded,
    embedded,
    is_policy,
    looks_encoded,
)
from aws_iam.engine.sources.containers.policy_places import FoundPolicy, SkippedPlace
from aws_iam.engine.sources.document_shapes import (
    TERRAFORM_LANGUAGES,
    artifacts_of,
    is_answer,
    is_document_as_text,
    is_policy_attempt,
    is_terraform,
    lists_policies,
)
from aws_iam.engine.sources.files import MAX_FILE_CHARACTERS, File, Files
from aws_iam.engine.sources.gathered import Gathered, Unread, together, with_places
from aws_iam.engine.sources.requested import Requested, requested, source_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

YAML_ENDINGS = (".yaml", ".yml")
_SUPPORTED = (
    "a policy has a `Statement`; supported are policies, lists of policies, CloudFormation and SAM templates,"
    " Terraform sources and plans, Kubernetes manifests and answers of the AWS CLI"
)


def sources_of(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    known: Mapping[int, Node] | None = None,
) -> tuple[Source, ...]:
    """The policies of a document: one, a list, an `Answer`, files, or the policies inside a larger document.

    `known` has the nodes of objects that were read before, by `id` of the object.
    """
    return gathered(document, kind, resource_type, known).sources


def one_policy(document: object, kind: Kind | str | None = None) -> Policy:
    """The only policy of a document; raises InputError for text that is not JSON and for several policies."""
    found = sources_of(document, kind)
    if len(found) != 1:
        raise InputError(
            f"expected one policy, found {len(found)}", hint="give them one at a time"
        )
    content = found[0].content
    if isinstance(content, Syntax):
        raise InputError(
            f"the document is not JSON at line {content.where.line}:{content.where.column}:"
            f" {content.message}",
            hint=content.hint,
        )
    return content


def gathered(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    known: Mapping[int, Node] | None = None,
) -> Gathered:
    """The policies of a document in any supported shape; raises InputError where there is none.

    `known` has the nodes of objects that were read before, by `id` of the object.
    """
    wanted = requested(kind_named(kind), resource_type)
    if isinstance(document, Files):
        return _of_files(document, wanted)
    if isinstance(document, (bytes, bytearray)):
        raise InputError("the document is bytes", hint="decode it as UTF-8 text first")
    if not isinstance(document, str):
        return _of_root(from_value(document, known), None, wanted)
    return _of_text(document, wanted)


def _of_text(text: str, requested: Requested, at_most: int = MAX_CHARACTERS) -> Gathered:
    if is_policy_arn(text):
        return _managed(text, requested)
    node = _scanned(text, at_most)
    if not isinstance(node, Syntax):
        return _of_root(node, text, requested)
    if is_terraform(text):
        return _required(_of_terraform(Files(files=(File(name="", text=text),)), requested)[0])
    # IAM accepts JSON only, so YAML is read only as a larger document.
    larger = _of_larger(_larger_yaml(text), requested, required=False)
    if larger.sources or larger.unread or larger.formats:
        return _required(larger)
    return Gathered(sources=(Source(name="", content=node),))


def _managed(arn: str, requested: Requested) -> Gathered:
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


def _scanned(text: str, at_most: int) -> Node | Syntax:
    """The JSON value; a text that is URL-encoded as a whole becomes a string."""
    encoded = looks_encoded(text) and text.lstrip().startswith("%")
    return scan(json.dumps(text.strip()) if encoded else text, at_most)


def _larger_yaml(text: str) -> tuple[Node, ...]:
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    if text.lstrip()[:1] in {"", "{", "[", '"'} or not any(word in text for word in _POLICY_WORDS):
        return ()
    try:
        roots = scan_yaml(text)
    except InputError:
        return ()
    if isinstance(roots, Syntax) or any(map(is_policy, roots)):
        return ()
    return tuple(root for root in roots if root.form in {Form.OBJECT, Form.ARRAY})


def _of_root(node: Node, text: str | None, requested: Requested) -> Gathered:
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
        found = _of_larger((node,), requested, required=False)
        if found.sources or found.unread or found.formats:
            return _required(found)
    return _alone(node, text, requested)


def _of_list(node: Node, requested: Requested) -> Gathered:
    if not node.items:
        raise InputError("the list is empty", hint="give a policy or a list of policies")
    if not any(map(_may_be_policy, node.items)):
        found = _of_larger((node,), requested, required=False)
        if found.sources or found.unread:
            return found
    return Gathered(sources=tuple(_listed(node, requested)))


def _alone(node: Node, text: str | None, requested: Requested) -> Gathered:
    return Gathered(sources=(Source(name="", content=requested.policy(node, text)),))


def _in_string(node: Node, requested: Requested) -> Gathered:
    """The policy in a string of JSON, as `--query Policy` of the AWS CLI prints it."""
    inner = embedded(node) or node
    content = inner if isinstance(inner, Syntax) else requested.policy(inner, decoded(node.text))
    return Gathered(sources=(Source(name="", content=content),))


def _of_answer(node: Node, requested: Requested) -> Gathered:
    found = _artifacts(node, requested)
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


def _of_larger(
    roots: Sequence[Node], requested: Requested, *, file: str | None = None, required: bool = True
) -> Gathered:
    """The policies in the documents of a larger file."""
    from aws_iam.engine.sources.containers import generic_data

    sources: list[Source] = []
    places: list[object] = []
    formats: dict[str, None] = {}
    for number, root in enumerate(roots):
        if is_policy(root):
            name = f"/{number}" if len(roots) > 1 else ""
            content = requested.policy(rooted(root), None)
            sources.append(Source(name=name, content=content, file=file))
            continue
        container = container_of(root)
        inside = tuple(container.documents(root)) if container else ()
        if container and (inside or container is not generic_data):
            formats[container.NAME] = None
        sources += (
            source_of(found, requested, file) for found in inside if isinstance(found, FoundPolicy)
        )
        places += inside
    own = Gathered(
        sources=tuple(sources), formats=tuple((file or "", name) for name in formats), files=1
    )
    found = with_places(own, places, file)
    return _required(found) if required else found


def _required(found: Gathered, what: str = "the document") -> Gathered:
    if found.sources:
        return found
    described = (" and ".join(name for _, name in found.formats) or what).removeprefix("the ")
    places = [f"{unread.place}: {unread.why}" for unread in found.unread]
    places += [f"{own.name}: attached without its document" for own in found.attachments]
    left = "; ".join(places[:3])
    raise InputError(
        f"the {described} holds no policy that can be checked{f' ({left})' if left else ''}",
        hint=_SUPPORTED,
    )


def _artifacts(answer: Node, requested: Requested) -> Gathered:
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
        return _of_terraform(Files(files=(File(name=name, text=text),)), requested)[0]
    if language == "yaml":
        return _of_larger(_larger_yaml(text), requested, file=name, required=False)
    return _in_json(name, text, requested) if language == "json" else Gathered(sources=())


def _in_json(name: str, text: str, requested: Requested) -> Gathered:
    node = scan(text)
    if isinstance(node, Syntax):
        return Gathered(sources=(Source(name=name, content=node),))
    if not (node.member("Statement") or lists_policies(node)):
        return Gathered(sources=())
    found = _of_root(node, text, requested).sources
    return Gathered(sources=tuple(replace(own, name=f"{name}{own.name}") for own in found))


def _of_files(given: Files, requested: Requested) -> Gathered:
    """The policies of files: a single file must hold one, a folder must hold one in any of its files."""
    if len(given.files) == 1 and not given.folder:
        return _of_file(given, requested)
    parts: list[Gathered] = []
    without: list[str] = []
    unread: list[Unread] = []
    done: set[str] = set()
    if terraform := tuple(file for file in given.files if is_terraform("", file.name)):
        names = [file.name for file in given.files]
        in_terraform, named = _of_terraform(replace(given, files=terraform), requested, names)
        parts.append(in_terraform)
        without += in_terraform.without
        # What Terraform reads as a template or a document is a policy of the resource there.
        done = {file.name for file in terraform} | named
    for file in given.files:
        if file.name.replace("\\", "/") in done:
            continue
        if file.unreadable:
            unread.append(_unread(file, file.unreadable, broken=True))
            continue
        try:
            found = _in_folder(file, requested.of_file(file.name))
        except InputError as refused:
            unread.append(_unread(file, refused.message, broken=_mentions_policies(file.text)))
            continue
        if found is None:
            without.append(file.name)
        else:
            parts.append(found)
    gathered_ = replace(together(parts, unread), files=len(given.files), without=tuple(without))
    if not (gathered_.sources or given.chosen):
        what = f"folder {quoted(given.folder)}" if given.folder else "list of files"
        if not given.files:
            raise InputError(f"the {what} holds no JSON or YAML file", hint=_SUPPORTED)
        count = len(given.files)
        what = f"{what} ({count} files)" if count > 1 else what
        return _required(replace(gathered_, formats=()), what)
    return gathered_


def _in_folder(file: File, requested: Requested) -> Gathered | None:
    """The policies of one file among others, None where it holds none."""
    if not file.name and is_policy_arn(file.text):
        return _managed(file.text, requested)
    if not any(word in file.text for word in _POLICY_WORDS):
        return None
    roots = _roots(file)
    if isinstance(roots, Syntax):
        # Files that have nothing to do with policies need not be JSON.
        if _mentions_policies(file.text):
            source = Source(name="", content=roots, file=file.name)
            return Gathered(sources=(source,), files=1)
        return Gathered(sources=(), unread=(_unread(file, roots.message, broken=False),), files=1)
    found = _in_roots(roots, file, requested)
    return found if any((found.sources, found.unread, found.settings)) else None


# Every file with a policy, with a place for one or with a setting that decides about access contains one of these.
_POLICY_WORDS = ("Statement", "olicy", "olicies", "2012-10-17", "AWS::", "planned_values")
# A file that cannot be parsed probably holds policies when it contains one of these; "olicy" alone is also in `imagePullPolicy`.
_STRONG_POLICY_WORDS = (
    '"Statement"',
    "Statement:",
    "Effect",
    "2012-10-17",
    "PolicyDocument",
    "aws_iam_policy_document",
)


def _mentions_policies(text: str) -> bool:
    return any(word in text for word in _STRONG_POLICY_WORDS)


def _unread(file: File, why: str, *, broken: bool) -> Unread:
    return Unread(place=file.name, why=why, file=file.name, broken=broken)


def _of_terraform(
    given: Files, requested: Requested, names: Sequence[str] = ()
) -> tuple[Gathered, frozenset[str]]:
    """The policies of files in Terraform's own language, and the names of the files that their expressions read."""
    # Imported here because only Terraform's sources need it.
    from aws_iam.engine.sources.terraform.policies import NAME, terraform_policies

    found = terraform_policies(given.files, given.read, names)
    unread = [
        Unread(place=place.name, why=place.why, file=file or None)
        for file, place in found.places
        if isinstance(place, SkippedPlace)
    ]
    texts = {file.name: file.text for file in given.files}
    unread += (
        Unread(
            place=name or "the document",
            why=refused.message,
            file=name or None,
            broken=_mentions_policies(texts[name]),
        )
        for name, refused in found.refused.items()
    )
    own = {file for file, _ in found.places}
    gathered_ = Gathered(
        sources=tuple(
            source_of(place, requested.of_file(file), file or None)
            for file, place in found.places
            if isinstance(place, FoundPolicy)
        ),
        unread=tuple(unread),
        formats=tuple((file, NAME) for file in dict.fromkeys(file for file, _ in found.places)),
        files=len(given.files),
        without=tuple(name for name in texts if name not in own and name not in found.refused),
        attachments=tuple(
            replace(place, file=file or None)
            for file, place in found.places
            if isinstance(place, PolicyAttachment)
        ),
    )
    return gathered_, found.named


def _of_file(given: Files, requested: Requested) -> Gathered:
    (file,) = given.files
    if not file.unreadable and is_terraform(file.text, file.name):
        return _required(_of_terraform(given, requested)[0], _named(file))
    requested = requested.of_file(file.name)
    if file.unreadable:
        raise InputError(f"{quoted(file.name)}: {file.unreadable}")
    if not file.name:
        return _of_text(file.text, requested, MAX_FILE_CHARACTERS)
    roots = _roots(file)
    if isinstance(roots, Syntax):
        return Gathered(sources=(Source(name="", content=roots, file=file.name),), files=1)
    return _required(_in_roots(roots, file, requested), _named(file))


def _named(file: File) -> str:
    return f"file {quoted(file.name)}" if file.name else "the document"


def _in_roots(roots: tuple[Node, ...], file: File, requested: Requested) -> Gathered:
    if len(roots) == 1 and any(
        test(roots[0]) for test in (is_policy_attempt, lists_policies, is_document_as_text)
    ):
        found = _of_root(roots[0], file.text, requested)
    elif len(roots) == 1 and is_answer(roots[0]):
        found = _artifacts(roots[0], requested)
    else:
        return _of_larger(roots, requested, file=file.name, required=False)
    sources = tuple(replace(source, file=file.name) for source in found.sources)
    unread = tuple(replace(place, file=file.name) for place in found.unread)
    formats = tuple((file.name, name) for _, name in found.formats)
    return Gathered(sources=sources, unread=unread, formats=formats, files=1)


def _roots(file: File) -> tuple[Node, ...] | Syntax:
    """The values of a file: one of JSON, any number of YAML."""
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    name, begins_json = file.name.lower(), file.text.lstrip()[:1] in {"", "{", "[", '"'}
    node = _scanned(file.text, MAX_FILE_CHARACTERS)
    if not isinstance(node, Syntax):
        return (node,)
    if name.endswith(".json") or (begins_json and not name.endswith(YAML_ENDINGS)):
        return node
    roots = scan_yaml(file.text)
    if isinstance(roots, Syntax):
        place = f" line {roots.where.line}:{roots.where.column}:" if roots.where.line else ""
        raise InputError(f"{quoted(file.name)}:{place} {roots.message}", hint=roots.hint)
    return tuple(root for root in roots if root.form in {Form.OBJECT, Form.ARRAY})
