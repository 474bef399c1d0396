"""Files that create a key and its replicas with their policies: AWS CLI commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Artifact
from aws_iam.tools.kit.terraform_json import terraform_json
from aws_iam.tools.kms.reasoning.key_access import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.kms.reasoning.key_access import KeyAccess

Format = Literal["cli", "cloudformation", "terraform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionalKey:
    """The key in one Region, with its policy there."""

    region: str
    file: str
    document: Mapping[str, Any]


def creation_files(
    access: KeyAccess, keys: tuple[RegionalKey, ...], form: Format
) -> Iterator[Artifact]:
    """The files that create the key: the primary first, then its replicas."""
    match form:
        case "cloudformation":
            yield from _templates(access, keys)
        case "terraform":
            yield Artifact(
                name="key.tf",
                language="terraform",
                content=_terraform(access, keys),
                checked_by="python-hcl2",
            )
        case _:
            yield Artifact(
                name="create-key.sh",
                language="bash",
                content=_cli_commands(access, keys),
                checked_by="awscli's parser",
            )


def _rotates(access: KeyAccess) -> bool:
    return access.usage is Usage.ENCRYPT


def _cli_commands(access: KeyAccess, keys: tuple[RegionalKey, ...]) -> str:
    primary, *replicas = keys
    usage, spec = access.usage.spec
    region = ["--region", primary.region] if primary.region else []
    make = ["aws", "kms", "create-key", *region, "--key-usage", usage, "--key-spec", spec]
    make += ["--multi-region"] if replicas else []
    make += ["--policy", f"file://{primary.file}", "--query", "KeyMetadata.KeyId"]
    lines = ["#!/usr/bin/env bash", "set -euo pipefail"]
    lines += [f"KEY_ID=$({shlex.join([*make, '--output', 'text'])})"]
    if _rotates(access):
        turn = ["aws", "kms", "enable-key-rotation", *region]
        lines.append(f'{shlex.join(turn)} --key-id "$KEY_ID"')
    lines.append(_alias(region))
    for replica in replicas:
        where = ["--replica-region", replica.region, "--policy", f"file://{replica.file}"]
        key = shlex.join(["aws", "kms", "replicate-key", *region, *where])
        lines.append(f'{key} --key-id "$KEY_ID"')
        lines.append(_alias(["--region", replica.region]))
    return "\n".join(lines) + "\n"


def _alias(region: list[str]) -> str:
    alias = ["aws", "kms", "create-alias", *region, "--alias-name", "alias/my-key"]
    return f'{shlex.join(alias)} --target-key-id "$KEY_ID"'


def _templates(access: KeyAccess, keys: tuple[RegionalKey, ...]) -> Iterator[Artifact]:
    primary, *replicas = keys
    usage, spec = access.usage.spec
    lines = [f"KeyUsage: {usage}", f"KeySpec: {spec}"]
    lines += ["EnableKeyRotation: true"] if _rotates(access) else []
    lines += ["MultiRegion: true"] if replicas else []
    yield _template("key.yaml", "AWS::KMS::Key", lines, primary)
    # Replicas with the same policy share a template: one stack in each of their Regions.
    for key in {replica.file: replica for replica in replicas}.values():
        name = key.file.replace("key-policy", "replica-key").replace(".json", ".yaml")
        yield _template(name, "AWS::KMS::ReplicaKey", ["PrimaryKeyArn: !Ref PrimaryKeyArn"], key)


def _template(name: str, kind: str, lines: list[str], key: RegionalKey) -> Artifact:
    parameters = (
        "Parameters:\n  PrimaryKeyArn:\n    Type: String\n"
        if kind == "AWS::KMS::ReplicaKey"
        else ""
    )
    policy = json.dumps(key.document, indent=2).replace("\n", "\n      ")
    content = (
        "AWSTemplateFormatVersion: '2010-09-09'\n"
        f"{parameters}"
        "Resources:\n"
        "  Key:\n"
        f"    Type: {kind}\n"
        "    # Keep the key, and so the data, if the stack is deleted or changed.\n"
        "    DeletionPolicy: Retain\n"
        "    UpdateReplacePolicy: Retain\n"
        "    Properties:\n"
        + "".join(f"      {line}\n" for line in lines)
        + f"      KeyPolicy: {policy}\n"
        "  Alias:\n"
        "    Type: AWS::KMS::Alias\n"
        "    Properties:\n"
        "      AliasName: alias/my-key\n"
        "      TargetKeyId: !Ref Key\n"
        "Outputs:\n"
        "  KeyArn:\n"
        "    Value: !GetAtt Key.Arn\n"
    )
    return Artifact(name=name, language="yaml", content=content, checked_by="cfn-lint")


def _terraform(access: KeyAccess, keys: tuple[RegionalKey, ...]) -> str:
    primary, *replicas = keys
    usage, spec = access.usage.spec
    rotation = "  enable_key_rotation      = true\n" if _rotates(access) else ""
    several = "  multi_region             = true\n" if replicas else ""
    key = (
        'resource "aws_kms_key" "key" {\n'
        f'  key_usage                = "{usage}"\n'
        f'  customer_master_key_spec = "{spec}"\n'
        f"{rotation}{several}"
        "  deletion_window_in_days  = 30\n"
        f"  policy                   = {_jsonencode(primary)}\n"
        "}\n\n"
        'resource "aws_kms_alias" "key" {\n'
        '  name          = "alias/my-key"\n'
        "  target_key_id = aws_kms_key.key.key_id\n"
        "}\n"
    )
    return key + "".join(_replica(replica, primary) for replica in replicas)


def _jsonencode(key: RegionalKey) -> str:
    """The policy as a Terraform expression."""
    text = terraform_json(key.document).replace("\n", "\n  ")
    return f"jsonencode({text})"


def _replica(key: RegionalKey, primary: RegionalKey) -> str:
    name = key.region.replace("-", "_")
    policy = "aws_kms_key.key.policy" if key.file == primary.file else _jsonencode(key)
    return (
        f'\nprovider "aws" {{\n  alias  = "{name}"\n  region = "{key.region}"\n}}\n\n'
        f'resource "aws_kms_replica_key" "{name}" {{\n'
        f"  provider                = aws.{name}\n"
        "  primary_key_arn         = aws_kms_key.key.arn\n"
        "  deletion_window_in_days = 30\n"
        f"  policy                  = {policy}\n"
        "}\n\n"
        f'resource "aws_kms_alias" "{name}" {{\n'
        f"  provider      = aws.{name}\n"
        '  name          = "alias/my-key"\n'
        f"  target_key_id = aws_kms_replica_key.{name}.key_id\n"
        "}\n"
    )
