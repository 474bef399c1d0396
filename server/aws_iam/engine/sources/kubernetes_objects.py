"""Kubernetes service accounts, and the pods that use them, from manifests or answers of the Kubernetes API; and CI workflows.

    cluster_of(text | value | Files)  →  Cluster(service_accounts=(…), pods=(…), workflows=(…), unread=(…))

Only names, annotations, node selectors and the administrators of aws-auth are kept: a manifest may hold secrets.
"""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Text
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.engine.sources.files import MAX_FILE_CHARACTERS, File, Files
from aws_iam.engine.sources.github_workflows import workflow_of
from aws_iam.engine.sources.gitlab_pipelines import pipeline_of
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Where
    from aws_iam.engine.sources.ci_jobs import Workflow

PREFIX = "eks.amazonaws.com/"
ROLE = f"{PREFIX}role-arn"
ANNOTATIONS = (
    ROLE,
    f"{PREFIX}audience",
    f"{PREFIX}sts-regional-endpoints",
    f"{PREFIX}token-expiration",
)
"""The annotations that the pod identity webhook reads."""

_TEMPLATE = ("template", "spec")
# Where the pods of an object of Kubernetes itself are written, below its `spec`.
_POD_SPECS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController"),
        _TEMPLATE,
    ),
    "CronJob": ("jobTemplate", "spec", *_TEMPLATE),
}
# The second is the older name of the first.
_ACCOUNT_NAMES = ("serviceAccountName", "serviceAccount")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
_ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
# The groups of objects whose pods run as the account that they name outside of any template:
# https://argo-workflows.readthedocs.io/en/latest/service-accounts/
# https://tekton.dev/docs/pipelines/auth/
# https://www.kubeflow.org/docs/components/spark-operator/user-guide/writing-sparkapplication/
# https://prometheus-operator.dev/docs/api-reference/api/
_RUN_PODS = ("argoproj.io", "tekton.dev", "sparkoperator.k8s.io", "monitoring.coreos.com")
# Flux acts as the account when it applies the object: https://fluxcd.io/flux/components/kustomize/kustomizations/
_NO_PODS = ("toolkit.fluxcd.io",)
# A template lies a few levels down; hostile values lie in each other without end.
_DEEPEST = 8
_WANTED = "give manifests, GitHub workflows or GitLab CI files as YAML or JSON, or `kubectl get serviceaccounts -A -o json`"
_DEFAULT = "default"


@slotted
class Annotation:
    """One annotation of a service account; its value may have any type, though only text is valid."""

    key: Text
    value: Text | None


@slotted
class ServiceAccount:
    """A service account; `namespace` is empty where only the deployment decides it."""

    name: str
    namespace: str
    annotations: tuple[Annotation, ...]
    where: Where = field(compare=False)

    def annotation(self, key: str) -> Annotation | None:
        """The annotation with that key."""
        return next((found for found in self.annotations if found.key.value == key), None)

    @property
    def role(self) -> str:
        """The ARN of the role; empty when there is none."""
        found = self.annotation(ROLE)
        return found.value.value if found and found.value else ""

    @property
    def is_template(self) -> bool:
        """Whether the role is a placeholder that only the deployment fills in."""
        return any(mark in self.role for mark in ("${", "$(", "{{"))

    @property
    def title(self) -> str:
        """Namespace and name, as people write them."""
        return f"{self.namespace or '(namespace of the deployment)'}/{self.name}"


@slotted
class Pods:
    """The pods of one template, and their service account."""

    title: str
    namespace: str
    service_account: str
    windows: bool
    audiences: tuple[str, ...] = ()
    """The audiences of the tokens that its volumes project."""
    with_keys: tuple[str, ...] = ()
    """The containers whose environment has an access key, written or from a Secret; the key is not kept."""
    where: Where = field(compare=False)


@slotted
class Administrator:
    """A user or role of IAM that the ConfigMap aws-auth makes an administrator of the cluster."""

    arn: str
    where: Where = field(compare=False)


@slotted
class Cluster:
    """What the manifests contain; `unread` has the files and objects that were not understood, with the reason."""

    service_accounts: tuple[ServiceAccount, ...] = ()
    pods: tuple[Pods, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    workflows: tuple[Workflow, ...] = ()
    administrators: tuple[Administrator, ...] = ()
    complete: bool = False
    """Whether these are all service accounts of a cluster, as its API listed them."""
    checkout: str = ""
    """Host, owner and name of the repository whose checkout the files lie in; empty where that is not known."""


def cluster_of(given: object) -> Cluster:
    """The service accounts and pods in manifests; InputError when there are none."""
    files = given if isinstance(given, Files) else _as_files(given)
    found: list[Cluster] = []
    unread: list[tuple[str, str]] = []
    for file in files.files:
        roots = _roots(file)
        if isinstance(roots, str):
            unread.append((file.name or "manifests", roots))
        else:
            found.append(_of_roots(roots, file.name))
            unread += found[-1].unread
    together = Cluster(
        service_accounts=tuple(account for part in found for account in part.service_accounts),
        pods=tuple(pod for part in found for pod in part.pods),
        workflows=tuple(workflow for part in found for workflow in part.workflows),
        administrators=tuple(admin for part in found for admin in part.administrators),
        unread=tuple(unread),
        complete=any(part.complete for part in found),
        checkout=files.checkout,
    )
    known = (
        together.service_accounts,
        together.pods,
        together.workflows,
        together.administrators,
    )
    if not (any(known) or together.complete):
        why = f": {unread[0][1]}" if unread else ""
        raise InputError(
            f"`manifests` contain no ServiceAccount, no pod, no GitHub workflow and no GitLab CI job{why}",
            hint=_WANTED,
        )
    return together


def _as_files(given: object) -> Files:
    if isinstance(given, str):
        return Files(files=(File(name="", text=given),))
    return Files(files=(File(name="", text=""),)) if given is None else _of_value(given)


def _of_value(given: object) -> Files:
    # A parsed value is written out, so that there is one way in.
    from aws_iam.engine.parsing.json_nodes import dump

    return Files(files=(File(name="", text=dump(from_value(given))),))


def _roots(file: File) -> tuple[Node, ...] | str:
    """The documents of a file, or why they cannot be read."""
    if file.unreadable:
        return file.unreadable
    if file.text.lstrip().startswith(("{", "[")):
        found = scan(file.text, MAX_FILE_CHARACTERS)
        if isinstance(found, Node):
            return (found,)
    try:
        documents = scan_yaml(file.text)
    except InputError as refused:
        return refused.message
    return documents.message if isinstance(documents, Syntax) else documents


def _of_roots(roots: tuple[Node, ...], file: str) -> Cluster:
    accounts: list[ServiceAccount] = []
    pods: list[Pods] = []
    unknown: list[tuple[str, str]] = []
    administrators: list[Administrator] = []
    complete = False
    workflows = [
        found for root in roots if (found := workflow_of(root, file) or pipeline_of(root, file))
    ]
    for kind, node in (pair for root in roots for pair in _objects(root)):
        if kind == "ServiceAccount":
            accounts.extend(_account(node, file))
        elif kind == "ConfigMap":
            administrators.extend(_administrators(node, file))
        elif kind:
            pods.extend(_pods(kind, node, file))
            if why := _unknown_pods(kind, node):
                unknown.append((file or "manifests", why))
        complete |= kind == "ServiceAccountList"
    return Cluster(
        service_accounts=tuple(accounts),
        pods=tuple(pods),
        workflows=tuple(workflows),
        administrators=tuple(administrators),
        unread=tuple(unknown),
        complete=complete,
    )


def _objects(root: Node) -> Iterator[tuple[str, Node]]:
    """Each object with its kind; items of a list without a kind get it from the list's."""
    if root.form is Form.ARRAY:
        for item in root.items:
            yield from _objects(item)
        return
    kind, items = _text(root, "kind"), root.member("items")
    if items is None or not kind.endswith("List"):
        yield kind, root
        return
    if kind == "ServiceAccountList":
        yield kind, root
    for item in items.items:
        yield _text(item, "kind") or kind.removesuffix("List"), item


def _account(node: Node, file: str) -> Iterator[ServiceAccount]:
    metadata = node.member("metadata")
    if metadata is None or not _text(metadata, "name"):
        return
    annotations = metadata.member("annotations")
    yield ServiceAccount(
        name=_text(metadata, "name"),
        namespace=_text(metadata, "namespace"),
        annotations=tuple(
            Annotation(key=member.name, value=member.value.scalar())
            for member in (annotations.members if annotations else ())
            if "amazonaws.com" in member.name.value or "amazon.com" in member.name.value
        ),
        where=_where(metadata, file),
    )


def _administrators(node: Node, file: str) -> Iterator[Administrator]:
    """The principals that aws-auth puts into the group system:masters."""
    metadata, data = node.member("metadata"), node.member("data")
    if metadata is None or data is None or _text(metadata, "name") != "aws-auth":
        return
    for entries, name in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
        documents = _scanned(_text(data, entries))
        for entry in (item for document in documents for item in document.items):
            groups = entry.member("groups")
            listed = [group.text for group in groups.items] if groups else []
            if "system:masters" in listed and _text(entry, name):
                yield Administrator(arn=_text(entry, name), where=_where(metadata, file))


def _scanned(text: str) -> tuple[Node, ...]:
    """The documents of a text within a manifest; none where it is not YAML."""
    try:
        documents = scan_yaml(text[:MAX_FILE_CHARACTERS])
    except InputError:
        return ()
    return () if isinstance(documents, Syntax) else documents


def _pods(kind: str, node: Node, file: str) -> Iterator[Pods]:
    """The pods that an object makes."""
    for inner in _pod_specs(kind, node):
        yield _of_spec(kind, node, inner, file)


def _pod_specs(kind: str, node: Node) -> Iterator[Node]:
    spec = node.member("spec")
    known = _POD_SPECS.get(kind)
    if known is not None:
        found = _path(spec, *known)
        yield from (found,) if found else ()
        return
    templates = tuple(_templates(spec, _DEEPEST)) if spec else ()
    yield from templates
    named = _with_account(spec, _DEEPEST) if spec and not templates else None
    if named and _group(node).endswith(_RUN_PODS):
        yield named


def _templates(node: Node, levels: int) -> Iterator[Node]:
    """The pods of templates in an object of any kind, as Argo's Rollout and Knative's Service have them.

    What lies in a list is a schema or a rule, as those of CustomResourceDefinitions and of Kyverno, and no template.
    """
    for member in node.members:
        spec = member.value.member("spec")
        containers = spec.member("containers") if spec else None
        if spec and containers and any(_text(one, "image") for one in containers.items):
            yield spec
        elif levels:
            yield from _templates(member.value, levels - 1)


def _with_account(node: Node, levels: int) -> Node | None:
    """The first mapping that names a service account."""
    if any(_ACCOUNT.fullmatch(_text(node, name)) for name in _ACCOUNT_NAMES):
        return node
    inner = (member.value for member in node.members if levels)
    return next((found for value in inner if (found := _with_account(value, levels - 1))), None)


def _group(node: Node) -> str:
    """The API group of an object; empty for the core group."""
    group, slash, _ = _text(node, "apiVersion").partition("/")
    return group if slash else ""


def _unknown_pods(kind: str, node: Node) -> str:
    """Why an object is not judged that names a service account in a form that is not known here; empty where it does not."""
    spec = node.member("spec")
    group = _group(node)
    if spec is None or not group or kind in _POD_SPECS or group.endswith((*_RUN_PODS, *_NO_PODS)):
        return ""
    named = None if any(_templates(spec, _DEEPEST)) else _with_account(spec, _DEEPEST)
    if named is None:
        return ""
    metadata = node.member("metadata")
    name = _text(metadata, "name") if metadata else ""
    account = next(text for own in _ACCOUNT_NAMES if (text := _text(named, own)))
    return f"whether pods of {kind} {name} run as the service account {account} is not known here"


def _of_spec(kind: str, node: Node, inner: Node, file: str) -> Pods:
    metadata = node.member("metadata")
    selector = inner.member("nodeSelector")
    return Pods(
        title=f"{kind} {_text(metadata, 'name') if metadata else ''}",
        namespace=_text(metadata, "namespace") if metadata else "",
        service_account=next(
            (text for name in _ACCOUNT_NAMES if (text := _text(inner, name))), _DEFAULT
        ),
        windows=bool(selector and _text(selector, "kubernetes.io/os") == "windows")
        or _text(_path(inner, "os") or inner, "name") == "windows",
        audiences=tuple(_audiences(inner)),
        with_keys=tuple(_containers_with_keys(inner)),
        where=_where(inner, file),
    )


def _audiences(pod: Node) -> Iterator[str]:
    volumes = pod.member("volumes")
    for volume in volumes.items if volumes else ():
        sources = _path(volume, "projected", "sources")
        for source in sources.items if sources else ():
            token = source.member("serviceAccountToken")
            if token and _text(token, "audience"):
                yield _text(token, "audience")


_OF_A_KEY = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})


def _containers_with_keys(pod: Node) -> Iterator[str]:
    containers = pod.member("containers")
    for container in containers.items if containers else ():
        variables = container.member("env")
        set_ = {
            _text(variable, "name")
            for variable in (variables.items if variables else ())
            if _text(variable, "value") or variable.member("valueFrom")
        }
        if set_ >= _OF_A_KEY:
            yield _text(container, "name")


def _path(node: Node | None, *names: str) -> Node | None:
    for name in names:
        node = node.member(name) if node else None
    return node


def _text(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value and value.form is Form.STRING else ""


def _where(node: Node, file: str) -> Where:
    return replace(node.where, file=file) if file else node.where
