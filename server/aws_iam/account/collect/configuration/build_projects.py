"""CodeBuild projects: variables in plain text, and buildspecs that stand in the project itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import (
    TextHolder,
    exposed_pairs,
    exposed_text,
)
from aws_iam.account.collect.fact import many_in, value_or_refused
from aws_iam.account.collect.secrets.parameters import STORES, stored_names

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

BUILD_PROJECTS = many_in("codebuild.projects", TextHolder)
_LIST = "codebuild:ListProjects"
_GET = "codebuild:BatchGetProjects"
_AT_ONCE = 100


@collector_in(BUILD_PROJECTS, _LIST, _GET, after=STORES)
def build_projects(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in each project."""
    names = sorted(aws.items(_LIST, "projects", region=region))
    groups = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    read = aws.read_each(
        lambda group: aws.need(_GET, region=region, names=group)["projects"], groups, _GET
    )
    stored = stored_names(aws, region)
    projects = (project for group in read for project in value_or_refused(group))
    return tuple(
        sorted(
            (
                TextHolder(
                    arn=data["arn"],
                    name=data["name"],
                    exposed=aws.value_or_miss(partial(_exposed, data, stored, region)),
                    role=data.get("serviceRole", ""),
                )
                for data in projects
            ),
            key=lambda project: project.arn,
        )
    )


def _exposed(data: dict[str, Any], stored: frozenset[str], region: str) -> tuple[Variable, ...]:
    listed = data.get("environment", {}).get("environmentVariables", ())
    # The other types name a parameter or a secret.
    plain = [
        (entry["name"], entry.get("value", ""))
        for entry in listed
        if entry.get("type", "PLAINTEXT") == "PLAINTEXT"
    ]
    sources = (data.get("source", {}), *data.get("secondarySources", ()))
    found = dict.fromkeys(exposed_pairs(plain, stored))
    for source in sources:
        found |= dict.fromkeys(exposed_text(source.get("buildspec", ""), _GET, region))
    return tuple(found)
