"""Policies in Kubernetes manifests: ACK and Crossplane resources, config maps, annotations; named by the object.

The role of a service account stands beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.document import Kind
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.service_accounts import role_of_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.policy_places import FoundPolicy, SkippedPlace

NAME = "Kubernetes manifest"
_DATA = "kubernetes-resources.json"


def fits(root: Node) -> bool:
    """Whether it is an object, or a list of objects, with an API version and a kind."""
    return root.form is Form.OBJECT and all(
        (value := root.member(name)) is not None and value.form is Form.STRING
        for name in ("apiVersion", "kind")
    )


def documents(root: Node) -> Iterator[FoundPolicy | SkippedPlace | AccessSetting]:
    """The policies of the manifest; each object of a `List` counts by itself."""
    items = root.member("items")
    if _member(root, "kind").endswith("List") and items and items.form is Form.ARRAY:
        for manifest in items.items:
            yield from _in_object(manifest)
    else:
        yield from _in_object(root)


def _in_object(manifest: Node) -> Iterator[FoundPolicy | SkippedPlace | AccessSetting]:
    kind, resource_type = _policy_of_resource(manifest)
    name = _name(manifest)
    for policy in policies_in(manifest):
        yield policy.named(f"{name} {policy.dotted_path}", kind, resource_type)
    if _member(manifest, "kind") == "ServiceAccount":
        yield from role_of_account(manifest, name)


def _policy_of_resource(manifest: Node) -> tuple[Kind | None, str | None]:
    """The kind of policy that a resource of ACK or Crossplane holds, and what it is attached to."""
    data = resources.data(_DATA)
    group, kind = _member(manifest, "apiVersion").partition("/")[0], _member(manifest, "kind")
    service = next((group.removesuffix(end) for end in data["groups"] if group.endswith(end)), "")
    for row in data["policies"]:
        if (row["service"], row["kind"]) == (service, kind):
            return Kind(row["policy"]), row.get("resource_type")
    return None, None


def _name(manifest: Node) -> str:
    metadata = manifest.member("metadata")
    parts = [_member(metadata, key) for key in ("namespace", "name")] if metadata else []
    return "/".join(filter(None, [_member(manifest, "kind"), *parts]))


def _member(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value else ""
