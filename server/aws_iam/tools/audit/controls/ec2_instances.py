"""CIS controls on EC2 instances."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.account.collect.compute.instances import Instance
    from aws_iam.account.reading.snapshot import Account

_GONE = frozenset({"terminated", "shutting-down"})


@control("imdsv2", needs=(INSTANCES,))
def metadata_service(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """The Region's defaults do not change existing instances; with the endpoint off there is no version 1 to misuse.

    False alarm when nothing on the instance can be made to fetch a URL.
    """

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        message = f"instance {quoted(instance.id)}"
        if instance.http_endpoint == "disabled":
            yield Pass(instance.arn, f"{message} has its metadata endpoint disabled", region)
        elif instance.options_state == "pending":
            raise _no_value(instance, region, "the result of the pending metadata options")
        elif instance.http_tokens == "optional":
            yield Fail(
                instance.arn, f"{message} accepts version 1 of the metadata service", region
            )
        elif instance.http_tokens == "required":
            yield Pass(
                instance.arn, f"{message} requires version 2 of the metadata service", region
            )
        else:
            raise _no_value(instance, region, "the metadata options")

    return _instances(account, test)


@control("instance_roles", needs=(INSTANCES, AUTHORIZATION))
def instance_profile(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """An instance profile without a role grants nothing.

    False alarm when the instance never calls AWS.
    """

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        message = f"instance {quoted(instance.id)}"
        profile = instance.profile_arn
        if not profile:
            unless = "mute this with a reason if it never calls AWS"
            yield Fail(instance.arn, f"{message} has no instance profile; {unless}", region)
        elif any(profile in role.profiles for role in account.require(AUTHORIZATION).roles):
            yield Pass(instance.arn, f"{message} has an instance profile with a role", region)
        else:
            name = quoted(profile.rpartition("/")[2])
            yield Fail(instance.arn, f"instance profile {name} of {message} has no role", region)

    return _instances(account, test)


def _instances(
    account: Account, test: Callable[[str, Instance], Iterable[Outcome]]
) -> Iterator[Outcome]:
    def in_one(region: str, instances: tuple[Instance, ...]) -> Iterator[Outcome]:
        present = [instance for instance in instances if instance.state not in _GONE]
        if not present:
            yield NotApplicable(None, "there is no instance", region)
        yield from for_each(
            present, partial(test, region), name=lambda instance: instance.arn, region=region
        )

    return in_regions(account, INSTANCES, in_one)


def _no_value(instance: Instance, region: str, what: str) -> NotCollected:
    return NotCollected(
        f"AWS did not return {what} of instance {quoted(instance.id)}",
        call="ec2:DescribeInstances",
        code=instance.options_state or "no value",
        region=region,
    )
