"""How a key and its replicas are created with their policies: AWS CLI commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Artifact
from aws_iam.tools.kms.reasoning.model import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.kms.reasoning.model import KeyWish

Format = Literal["cli", "cloudformation", "terraform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The key in one Region, and the policy that it has there."""

    region: str
    file: str
    document: Mapping[str, Any]


def created(wish: KeyWish, copies: tuple[Copy, ...], form: Format) -> Iterator[Artifact]:
    """How the key is created: the primary first, then its replicas."""
    match form:
        case "cloudformation":
            yield from _templates(wish, copies)
        case "terraform":
            yield Artifact(
                name="key.tf",
                language="terraform",
                content=_terraform(wish, copies),
                checked_by="python-hcl2",
            )
        case _:
            yield Artifact(
                name="create-key.sh",
                language="bash",
                content=_commands(wish, copies),
                checked_by="awscli's parser",
            )


def _rotates(wish: KeyWish) -> bool:
    return wish.usage is Usage.ENCRYPT


def _commands(wish: KeyWish, copies: tuple[Copy, ...]) -> str:
    primary, *replicas = copies
    usage, spec = wish.usage.spec
    region = ["--region", primary.region] if primary.region else []
    make = ["aws", "kms", "create-key", *region, "--key-usage", usage, "--key-spec", spec]
    make += ["--multi-region"] if replicas else []
    make += ["--policy", f"file://{primary.file}", "--query", "KeyMetadata.KeyId"]
    lines = [f"KEY_ID=$({shlex.join([*make, '--output', 'text'])})"]
    if _rotates(wish):
        turn = ["aws", "kms", "enable-key-rotation", *region]
        lines.append(f'{shlex.join(turn)} --key-id "$KEY_ID"')
    lines.append(_alias(region))
    for replica in replicas:
        where = ["--replica-region", replica.region, "--policy", f"file://{replica.file}"]
        copy = shlex.join(["aws", "kms", "replicate-key", *region, *where])
        lines.append(f'{copy} --key-id "$KEY_ID"')
        lines.append(_alias(["--region", replica.region]))
    return "\n".join(lines) + "\n"


def _alias(region: list[str]) -> str:
    alias = ["aws", "kms", "create-alias", *region, "--alias-name", "alias/my-key"]
    return f'{shlex.join(alias)} --target-key-id "$KEY_ID"'


def _templates(wish: KeyWish, copies: tuple[Copy, ...]) -> Iterator[Artifact]:
    primary, *replicas = copies
    usage, spec = wish.usage.spec
    lines = [f"KeyUsage: {usage}", f"KeySpec: {spec}"]
    lines += ["EnableKeyRotation: true"] if _rotates(wish) else []
    lines += ["MultiRegion: true"] if replicas else []
    yield _template("key.yaml", "AWS::KMS::Key", lines, primary)
    # Replicas of one policy are made by one template, as a stack in each of their Regions.
    for copy in {replica.file: replica for replica in replicas}.values():
        name = copy.file.replace("key-policy", "replica-key").replace(".json", ".yaml")
        yield _template(name, "AWS::KMS::ReplicaKey", ["PrimaryKeyArn: !Ref PrimaryKeyArn"], copy)


def _template(name: str, kind: str, lines: list[str], copy: Copy) -> Artifact:
    parameters = (
        "Parameters:\n  PrimaryKeyArn:\n    Type: String\n"
        if kind == "AWS::KMS::ReplicaKey"
        else ""
    )
    policy = json.dumps(copy.document, indent=2).replace("\n", "\n      ")
    content = (
        "AWSTemplateFormatVersion: '2010-09-09'\n"
        f"{parameters}"
        "Resources:\n"
        "  Key:\n"
        f"    Type: {kind}\n"
        "    # A stack that is deleted or changed must not take the data with it.\n"
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


def _terraform(wish: KeyWish, copies: tuple[Copy, ...]) -> str:
    primary, *replicas = copies
    usage, spec = wish.usage.spec
    rotation = "  enable_key_rotation      = true\n" if _rotates(wish) else ""
    several = "  multi_region             = true\n" if replicas else ""
    key = (
        'resource "aws_kms_key" "key" {\n'
        f'  key_usage                = "{usage}"\n'
        f'  customer_master_key_spec = "{spec}"\n'
        f"{rotation}{several}"
        "  deletion_window_in_days  = 30\n"
        f'  policy                   = file("${{path.module}}/{primary.file}")\n'
        "}\n\n"
        'resource "aws_kms_alias" "key" {\n'
        '  name          = "alias/my-key"\n'
        "  target_key_id = aws_kms_key.key.key_id\n"
        "}\n"
    )
    return key + "".join(map(_replica, replicas))


def _replica(copy: Copy) -> str:
    name = copy.region.replace("-", "_")
    return (
        f'\nprovider "aws" {{\n  alias  = "{name}"\n  region = "{copy.region}"\n}}\n\n'
        f'resource "aws_kms_replica_key" "{name}" {{\n'
        f"  provider                = aws.{name}\n"
        "  primary_key_arn         = aws_kms_key.key.arn\n"
        "  deletion_window_in_days = 30\n"
        f'  policy                  = file("${{path.module}}/{copy.file}")\n'
        "}\n\n"
        f'resource "aws_kms_alias" "{name}" {{\n'
        f"  provider      = aws.{name}\n"
        '  name          = "alias/my-key"\n'
        f"  target_key_id = aws_kms_replica_key.{name}.key_id\n"
        "}\n"
    )
