"""`policy lookup` of a Terraform resource or data source: the actions that its provider calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.terraform_permissions import (
    TerraformPermissions,
    near_terraform_names,
    service_of_terraform_name,
    terraform_permissions,
    terraform_permissions_as_of,
    terraform_permissions_source,
)
from aws_iam.escape import escaped
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, unknown_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

# `resource "aws_s3_bucket" "logs"`, or an address such as `data.aws_iam_role.app[0]`.
_BLOCK = re.compile(r'(resource|data)\s+"?(aws_[a-z0-9_]+)"?(?:\s+"?[\w-]+"?)?\s*\{?', re.ASCII)
_ADDRESS = re.compile(r"(data\.)?(aws_[a-z0-9_]+)(?:\.[\w-]+(?:\[[^\]]*\])?)?", re.ASCII)


def terraform_name(known: Catalog, query: str) -> Answer | None:
    """`aws_s3_bucket`, `terraform aws_s3_bucket`, `data.aws_iam_role`, an address or the first line of a block."""
    name = query.removeprefix("terraform ").strip()
    match = _BLOCK.fullmatch(name) or _ADDRESS.fullmatch(name)
    if match is None:
        return None
    is_data = match[1] in {"data", "data."}
    name = f"{'data.' if is_data else ''}{match[2]}"
    permissions = terraform_permissions(name)
    return _of_name(known, query, permissions) if permissions else _unlisted(known, query, name)


def _of_name(known: Catalog, query: str, permissions: TerraformPermissions) -> Answer:
    names = _expanded(known, permissions.phases.values())
    further = _expanded(known, permissions.attributes.values()) - names
    kind = "data source" if permissions.name.startswith("data.") else "resource"
    use = "read" if kind == "data source" else "manage"
    as_of = terraform_permissions_as_of()
    if names or further:
        calls = f"To {use} it, the provider calls {counted(len(names), 'action')}{_more(len(further))}, according to"
        sentence = f"{calls} Pike's list of {as_of}, which may lack some."
    else:
        sentence = f"Pike's list of {as_of} has no action for it: the provider calls none, or the list lacks them."
    return facts_answer(
        known,
        f"`{permissions.name}` is a Terraform {kind}. {sentence} Pike is a community project, not AWS's or HashiCorp's.",
        {
            "known": True,
            "kind": f"terraform_{kind.replace(' ', '_')}",
            "query": escaped(query),
            "name": permissions.name,
            "listed_by": terraform_permissions_source(),
            "listed_as_of": as_of,
            "phases": [
                {"phase": phase, "actions": list(actions)}
                for phase, actions in permissions.phases.items()
            ],
            "attributes": [
                {"attribute": attribute, "actions": list(actions)}
                for attribute, actions in permissions.attributes.items()
            ],
            "actions": tables.action_rows(known, sorted(names)),
        },
        sources=(terraform_permissions_source(),),
        services=sorted({name.partition(":")[0] for name in names})[:_MOST_PAGES],
    )


def _more(further: int) -> str:
    return f", and {further} more for some of its attributes" if further else ""


_MOST_PAGES = 3


def _expanded(known: Catalog, groups: Iterable[Iterable[str]]) -> set[str]:
    return {name for group in groups for entry in group for name in known.expand(entry)}


def _unlisted(known: Catalog, query: str, name: str) -> Answer:
    service = known.service(service_of_terraform_name(name))
    what = f"is not in Pike's list of {terraform_permissions_as_of()}, so no source here says which actions it needs"
    fields: dict[str, object] = {}
    if service:
        names = [f"{service.prefix}:{action}" for action in service.action_names]
        what += f"; the names most like it are of `{service.prefix}`, whose {counted(len(names), 'action')} follow"
        fields = {
            "service": service.prefix,
            "levels": tables.level_counts(known, names),
            "actions": tables.action_rows(known, names),
        }
    return unknown_answer(
        known,
        query,
        kind="terraform_resource",
        what=what,
        options=near_terraform_names(name),
        fields=fields,
        service=service.prefix if service else "",
        sources=(terraform_permissions_source(),),
    )
