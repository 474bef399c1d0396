"""The user data of launch templates: their default and their latest version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder
from aws_iam.account.collect.configuration.user_data import exposed_user_data
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

LAUNCH_TEMPLATES = many_in("ec2.launch_templates", TextHolder)
_LIST = "ec2:DescribeLaunchTemplates"
_VERSIONS = "ec2:DescribeLaunchTemplateVersions"


@collector_in(LAUNCH_TEMPLATES, _LIST, _VERSIONS)
def launch_templates(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in the user data of each template."""
    listed = aws.items(_LIST, "LaunchTemplates", region=region)
    names = {data["LaunchTemplateId"]: data.get("LaunchTemplateName", "") for data in listed}
    ids = sorted(names)
    read = aws.read_each(lambda template: _exposed(aws, region, template), ids, _VERSIONS)
    prefix = f"arn:{aws.partition}:ec2:{region}:{aws.account}:launch-template"
    return tuple(
        TextHolder(arn=f"{prefix}/{template}", name=names[template], exposed=exposed)
        for template, exposed in zip(ids, read, strict=True)
    )


def _exposed(aws: Aws, region: str, template: str) -> tuple[Variable, ...]:
    versions = aws.items(
        _VERSIONS,
        "LaunchTemplateVersions",
        region=region,
        LaunchTemplateId=template,
        Versions=["$Default", "$Latest"],
    )
    found: dict[Variable, None] = {}
    for version in versions:
        value = version.get("LaunchTemplateData", {}).get("UserData")
        found |= dict.fromkeys(exposed_user_data(value, _VERSIONS, region) if value else ())
    return tuple(found)
