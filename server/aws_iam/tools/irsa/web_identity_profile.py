"""The profile of the AWS CLI and the SDKs for a workload that has its token in a file, or gets it from a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest

if TYPE_CHECKING:
    from aws_iam.tools.irsa.asset_files import PlacedFile
    from aws_iam.tools.irsa.provider import ManifestRequest


_PROCESS = "aws-workload-credentials"


def _profile(asset: str, request: ManifestRequest) -> PlacedFile:
    return manifest_file(
        asset,
        "aws-config",
        "botocore's own reader of profiles",
        place="~/.aws/config, or what AWS_CONFIG_FILE names",
        values=request.values,
    )


def process_manifest(
    request: ManifestRequest,
    *notes: str,
    application: str | None = None,
    asked: str | None = None,
) -> Manifest:
    """A profile that runs a script, and the script, which asks the platform's command line for the token.

    Azure's command takes the `application` that the token is for, Google's the audience `asked` for.
    """
    script = manifest_file(
        "credentials.sh",
        _PROCESS,
        "awscli's parser, shellcheck",
        place=f"/usr/local/bin/{_PROCESS}, executable by the workload only (chmod 0750)",
        values={**request.values, "Application": application, "Asked": asked},
    )
    return Manifest(
        files=(_profile("aws-config-process.ini", request), script),
        source="https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html",
        placeholders=(request.written_region,),
        notes=notes,
    )


def profile_manifest(
    request: ManifestRequest, *notes: str, files: tuple[PlacedFile, ...] = ()
) -> Manifest:
    """A profile that exchanges the token in a file; the notes, and the files beside it, say how the token gets there."""
    return Manifest(
        files=(*files, _profile("aws-config.ini", request)),
        source="https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html",
        placeholders=(request.written_region, "/run/workload/token"),
        notes=notes,
    )
