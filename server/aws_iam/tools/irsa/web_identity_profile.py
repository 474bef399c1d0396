"""The profile of the AWS CLI and the SDKs for a workload that has its token in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest

if TYPE_CHECKING:
    from aws_iam.tools.irsa.provider import ManifestRequest


def profile_manifest(request: ManifestRequest, *notes: str) -> Manifest:
    """A profile that exchanges the token in a file; the notes say how the token gets there."""
    file = manifest_file(
        "aws-config.ini",
        "aws-config",
        "botocore's own reader of profiles",
        place="~/.aws/config, or what AWS_CONFIG_FILE names",
        values=request.values,
    )
    return Manifest(
        files=(file,),
        source="https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html",
        placeholders=(request.written_region, "/run/workload/token"),
        notes=notes,
    )
