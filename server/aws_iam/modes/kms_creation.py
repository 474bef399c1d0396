"""How a key is created with its policy: AWS CLI commands, CloudFormation or Terraform."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Artifact
from aws_iam.policy.key_policy import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.policy.key_policy import KeyWish

Format = Literal["cli", "cloudformation", "terraform"]


def created(wish: KeyWish, document: Mapping[str, Any], form: Format) -> Artifact:
    """How the key is created with this policy."""
    usage, spec = wish.usage.spec
    rotates = wish.usage is Usage.ENCRYPT
    match form:
        case "cloudformation":
            return Artifact(
                name="key.yaml",
                language="yaml",
                content=_cloudformation(document, usage, spec, rotates=rotates),
                checked_by="cfn-lint",
            )
        case "terraform":
            return Artifact(
                name="key.tf",
                language="terraform",
                content=_terraform(usage, spec, rotates=rotates),
                checked_by="python-hcl2",
            )
        case _:
            return Artifact(
                name="create-key.sh",
                language="bash",
                content=_commands(wish, usage, spec, rotates=rotates),
                checked_by="awscli's parser",
            )


def _commands(wish: KeyWish, usage: str, spec: str, *, rotates: bool) -> str:
    region = ["--region", wish.region] if wish.region else []
    make = ["aws", "kms", "create-key", *region, "--key-usage", usage, "--key-spec", spec]
    make += ["--policy", "file://key-policy.json", "--query", "KeyMetadata.KeyId"]
    alias = ["aws", "kms", "create-alias", *region, "--alias-name", "alias/my-key"]
    lines = [f"KEY_ID=$({shlex.join([*make, '--output', 'text'])})"]
    if rotates:
        turn = ["aws", "kms", "enable-key-rotation", *region]
        lines.append(f'{shlex.join(turn)} --key-id "$KEY_ID"')
    lines.append(f'{shlex.join(alias)} --target-key-id "$KEY_ID"')
    return "\n".join(lines) + "\n"


def _cloudformation(document: Mapping[str, Any], usage: str, spec: str, *, rotates: bool) -> str:
    policy = json.dumps(document, indent=2).replace("\n", "\n      ")
    rotation = "      EnableKeyRotation: true\n" if rotates else ""
    return (
        "AWSTemplateFormatVersion: '2010-09-09'\n"
        "Resources:\n"
        "  Key:\n"
        "    Type: AWS::KMS::Key\n"
        "    # A stack that is deleted or changed must not take the data with it.\n"
        "    DeletionPolicy: Retain\n"
        "    UpdateReplacePolicy: Retain\n"
        "    Properties:\n"
        f"      KeyUsage: {usage}\n"
        f"      KeySpec: {spec}\n"
        f"{rotation}"
        f"      KeyPolicy: {policy}\n"
        "  Alias:\n"
        "    Type: AWS::KMS::Alias\n"
        "    Properties:\n"
        "      AliasName: alias/my-key\n"
        "      TargetKeyId: !Ref Key\n"
        "Outputs:\n"
        "  KeyArn:\n"
        "    Value: !GetAtt Key.Arn\n"
    )


def _terraform(usage: str, spec: str, *, rotates: bool) -> str:
    rotation = "  enable_key_rotation      = true\n" if rotates else ""
    return (
        'resource "aws_kms_key" "key" {\n'
        f'  key_usage                = "{usage}"\n'
        f'  customer_master_key_spec = "{spec}"\n'
        f"{rotation}"
        "  deletion_window_in_days  = 30\n"
        '  policy                   = file("${path.module}/key-policy.json")\n'
        "}\n\n"
        'resource "aws_kms_alias" "key" {\n'
        '  name          = "alias/my-key"\n'
        "  target_key_id = aws_kms_key.key.key_id\n"
        "}\n"
    )
