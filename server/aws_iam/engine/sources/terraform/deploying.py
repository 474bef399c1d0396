"""Who deploys what Terraform's files describe: the blocks that say which role or profile is used for it.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs#assuming-an-iam-role
https://developer.hashicorp.com/terraform/language/backend/s3#assume-role-configuration
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.access_settings import subject_named
from aws_iam.engine.sources.terraform.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.terraform.folders import Folder
    from aws_iam.engine.sources.terraform.modules import Instance, Module
    from aws_iam.engine.sources.terraform.results import Results
    from aws_iam.engine.sources.terraform.syntax import Block

_OF_AWS = {"provider": frozenset({"aws", "awscc"}), "backend": frozenset({"s3"})}
_STATE_OF_OTHERS = "terraform_remote_state"


def deploying(folder: Folder) -> Iterator[Block]:
    """The providers of AWS, and where the state of the folder and those of others are."""
    yield from (block for block in folder.deploying if block.labels[0] in _OF_AWS[block.type])
    yield from (block for (type_, _), block in folder.data.items() if type_ == _STATE_OF_OTHERS)


def read_deploying(results: Results, module: Module, block: Block, instance: Instance) -> None:
    """Add the role that a provider, or a place of state, is used with."""
    evaluator = module.evaluator
    names = [block.type, *block.labels]
    alias = block.body.attribute("alias")
    if alias is not None:
        names.append(evaluator.value_or_hole(alias, instance.scope).text)
    address = f"{module.address}{'.'.join(names)}{instance.suffix}"
    results.exists(block, address)
    for own in settings(evaluator, results.shown, block, instance.scope, address, in_force=True):
        results.set_beside(block, replace(own, subject=subject_named("deployment_role")))
