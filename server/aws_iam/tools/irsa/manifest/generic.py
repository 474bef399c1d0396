"""Jobs of the other CI systems that get a role, the settings of HCP Terraform, and a profile for any token."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from aws_iam.tools.irsa.manifest.parts import Ask, Manifest, file, pinned_image, versioned_image

if TYPE_CHECKING:
    from aws_iam.tools.irsa.providers.names import Names

_AWS_CLI = "public.ecr.aws/aws-cli/aws-cli"
_NEEDS_CLI = "the agent needs the AWS CLI"


def gitlab(ask: Ask) -> Manifest:
    """A job that runs on the branch or tag alone."""
    variables = {"branch": "CI_COMMIT_BRANCH", "tag": "CI_COMMIT_TAG"}
    rule = next(
        (f"${variables[variable]} == {json.dumps(_ref(ask.names, variable))}" for variable in variables if _ref(ask.names, variable)),
        None,
    )  # fmt: skip
    made = file(
        "gitlab.yml",
        ".gitlab-ci.yml",
        "check-jsonschema (GitLab CI)",
        place=".gitlab-ci.yml",
        values={**_values(ask), "Image": pinned_image(_AWS_CLI)},
        blocks={"Rules": f"rules:\n  - if: {json.dumps(rule)}" if rule else None},
    )
    return Manifest(
        files=(made,),
        source="https://docs.gitlab.com/ci/cloud_services/aws/",
        placeholders=(ask.written_region,),
        notes=(
            "protect the branch or tag: whoever may push it gets the role",
            *(() if rule else ("the subject does not tell when the job runs: give it rules",)),
        ),
    )


def _ref(names: Names, kind: str) -> str:
    return str(getattr(names, kind) or "")


def bitbucket(ask: Ask) -> Manifest:
    """A step that asks for the token; the audience is the workspace's own unless another was given."""
    usual = ask.audience.startswith("ari:cloud:bitbucket::workspace/")
    asked = f"oidc:\n  audiences: [{json.dumps(ask.audience)}]"
    environment = "production" if ask.names.environment else None
    made = file(
        "bitbucket.yml",
        "bitbucket-pipelines.yml",
        "check-jsonschema (Bitbucket Pipelines)",
        place="bitbucket-pipelines.yml",
        values={**_values(ask), "Image": versioned_image(_AWS_CLI), "Deployment": environment},
        blocks={"Oidc": "oidc: true" if usual else asked},
    )
    return Manifest(
        files=(made,),
        source="https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/",
        placeholders=(ask.written_region, *((environment,) if environment else ())),
        notes=() if usual else ("audiences of one's own: https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-oidc-now-supports-multiple-audiences",),
    )  # fmt: skip


def circleci(ask: Ask) -> Manifest:
    """A job that takes the token of its environment, or asks for one with another audience."""
    usual = ask.audience == ask.names.owner_id
    claims = shlex.quote(json.dumps({"aud": ask.audience}))
    written = '> "$AWS_WEB_IDENTITY_TOKEN_FILE"'
    token = (
        f"printf '%s' \"$CIRCLE_OIDC_TOKEN\" {written}"
        if usual
        else f"circleci run oidc get --claims {claims} {written}"
    )
    made = file(
        "circleci.yml",
        "config.yml",
        "check-jsonschema (CircleCI)",
        place=".circleci/config.yml",
        values={**_values(ask), "Image": versioned_image("cimg/aws")},
        blocks={"Token": token},
    )
    return Manifest(
        files=(made,),
        source="https://circleci.com/docs/openid-connect-tokens/",
        placeholders=(ask.written_region,),
        notes=("keep secrets from forked pull requests: with them goes the token",),
    )


def buildkite(ask: Ask) -> Manifest:
    """A step that runs on the branch or tag alone and asks the agent for the token."""
    kind = "branch" if ask.names.branch else "tag"
    condition = f"build.{kind} == {json.dumps(_ref(ask.names, kind))}"
    audience = shlex.quote(ask.audience)
    made = file(
        "buildkite.yml",
        "pipeline.yml",
        "check-jsonschema (Buildkite)",
        place=".buildkite/pipeline.yml",
        values=_values(ask),
        blocks={
            "Ref": f"if: {json.dumps(condition)}",
            "Token": f'buildkite-agent oidc request-token --audience {audience} > "$$AWS_WEB_IDENTITY_TOKEN_FILE"',
        },
    )
    return Manifest(
        files=(made,),
        source="https://buildkite.com/docs/pipelines/security/oidc/aws",
        placeholders=(ask.written_region,),
        notes=(_NEEDS_CLI, "$$ is one $ once the pipeline is uploaded"),
    )


def terraform_cloud(ask: Ask) -> Manifest:
    """The workspace's settings for one phase of its runs."""
    phase = (ask.names.run_phase or "").upper()
    made = file(
        "terraform.tf",
        "workspace.tf",
        "python-hcl2",
        place="where your HCP Terraform workspaces are configured (provider hashicorp/tfe)",
        values={
            **_values(ask),
            "Organization": ask.names.owner,
            "Workspace": ask.names.workspace,
            "Phase": phase,
            "OtherPhase": "APPLY" if phase == "PLAN" else "PLAN",
        },
    )
    return Manifest(
        files=(made,),
        source="https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration",
        notes=("leave AWS keys out of the workspace's variables, and the provider block without credentials",),
    )  # fmt: skip


def generic(ask: Ask) -> Manifest:
    """A profile of the AWS CLI and the SDKs."""
    made = file(
        "aws-config.ini",
        "aws-config",
        "botocore's own reader of profiles",
        place="~/.aws/config, or what AWS_CONFIG_FILE names",
        values=_values(ask),
    )
    return Manifest(
        files=(made,),
        source="https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html",
        placeholders=(ask.written_region, "/run/workload/token"),
        notes=(f"the token's aud is {ask.audience}: ask the issuer for it",),
    )


def _values(ask: Ask) -> dict[str, str | None]:
    return {"RoleArn": ask.role, "Region": ask.written_region, "Audience": ask.audience}
