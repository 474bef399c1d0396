"""Glue jobs: their arguments, which every run logs and everyone who may read the job can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_pairs
from aws_iam.account.collect.fact import many_in
from aws_iam.account.collect.secrets.parameters import STORES, stored_names

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

GLUE_JOBS = many_in("glue.jobs", TextHolder)
_LIST = "glue:GetJobs"


@collector_in(GLUE_JOBS, _LIST, after=STORES)
def glue_jobs(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in the arguments of each job."""
    listed = aws.items(_LIST, "Jobs", region=region)
    stored = stored_names(aws, region)
    prefix = f"arn:{aws.partition}:glue:{region}:{aws.account}:job"
    jobs = (_job(prefix, data, stored) for data in listed)
    return tuple(sorted(jobs, key=lambda job: job.name))


def _job(prefix: str, data: dict[str, Any], stored: frozenset[str]) -> TextHolder:
    arguments = {
        **data.get("DefaultArguments", {}),
        **data.get("NonOverridableArguments", {}),
    }
    pairs = ((name.lstrip("-"), value) for name, value in arguments.items())
    return TextHolder(
        arn=f"{prefix}/{data['Name']}",
        name=data["Name"],
        exposed=exposed_pairs(pairs, stored),
        role=data.get("Role", ""),
    )
