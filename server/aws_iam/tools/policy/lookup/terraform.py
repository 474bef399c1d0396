"""`policy lookup` of a Terraform resource or data source: the actions that its provider calls."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.reference.cloudformation_permissions import published_types
from aws_iam.engine.reference.terraform_permissions import (
    TerraformPermissions,
    near_terraform_names,
    service_of_terraform_name,
    terraform_permissions,
    terraform_permissions_as_of,
    terraform_permissions_source,
)
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer
from aws_iam.tools.policy.lookup.cloudformation import cloudformation_type
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

# `resource "aws_s3_bucket" "logs"`, or an address such as `data.aws_iam_role.app[0]`.
_BLOCK = re.compile(
    r'(resource|data)\s+"?(aws(?:cc)?_[a-z0-9_]+)"?(?:\s+"?[\w-]+"?)?\s*(?:\{.*)?',
    re.ASCII | re.DOTALL,
)
_STEP = r"\.[\w-]+(?:\[[^\]]*\])?"
_ADDRESS = re.compile(
    rf"(?:module{_STEP}\.)*(data\.)?(aws(?:cc)?_[a-z0-9_]+)(?:{_STEP})*", re.ASCII
)
_CLOUD_CONTROL = "awscc_"


def terraform_name(known: Catalog, query: str) -> Answer | None:
    """`aws_s3_bucket`, `terraform aws_s3_bucket`, `data.aws_iam_role`, an address or the first line of a block."""
    name = query.removeprefix("terraform ").strip()
    match = _BLOCK.fullmatch(name) or _ADDRESS.fullmatch(name)
    if match is None:
        return None
    is_data = match[1] in {"data", "data."}
    name = f"{'data.' if is_data else ''}{match[2]}"
    if match[2].startswith(_CLOUD_CONTROL):
        return _of_cloud_control(known, match[2])
    # What is no resource but a data source, such as `aws_caller_identity`, is often named without `data.`
    permissions = terraform_permissions(name) or terraform_permissions(f"data.{match[2]}")
    return _of_name(known, query, permissions) if permissions else _unlisted(known, query, name)


def _of_cloud_control(known: Catalog, name: str) -> Answer | None:
    """`awscc_s3_bucket`: the provider lets Cloud Control run the handlers of its CloudFormation type."""
    bare = name.removeprefix(_CLOUD_CONTROL).replace("_", "")
    named = (type_ for plain, type_ in published_types().items() if _joined(plain) == bare)
    type_ = next(named, "")
    answer = cloudformation_type(known, type_) if type_ else None
    if answer is None:
        return None
    calls = "`cloudformation:CreateResource`, `GetResource`, `UpdateResource`, `DeleteResource` and `GetResourceRequestStatus`"
    return replace(
        answer,
        summary=f"{quoted(name)} is a resource of Terraform's AWS Cloud Control provider, which calls {calls}; the handlers"
        f" of its type call the rest. {answer.summary}",
        sources=(*answer.sources, *known.sources("cloudformation")),
    )


def _joined(type_: str) -> str:
    return type_.partition("::")[2].replace("::", "")


def _of_name(known: Catalog, query: str, permissions: TerraformPermissions) -> Answer:
    names = _expanded(known, permissions.phases.values())
    further = _expanded(known, permissions.attributes.values()) - names
    kind = "data source" if permissions.name.startswith("data.") else "resource"
    use = "read" if kind == "data source" else "manage"
    as_of = terraform_permissions_as_of()
    if names or further:
        few = f": {quoted_names(sorted(names))}" if 0 < len(names) <= _FEW else ""
        calls = f"To {use} it, the provider calls {counted(len(names), 'action')}{_more(len(further))}{few}, according to"
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
# Actions that the summary names.
_FEW = 5


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
