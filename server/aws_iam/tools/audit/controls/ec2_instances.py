"""CIS: EC2 instances."""

from __future__ import annotations

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
    """Regional defaults do not count for existing instances; with the endpoint off there is no version 1 to misuse.

    Wrong where nothing on the instance can be made to fetch a URL.
    """

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        message = f"instance {quoted(instance.id)}"
        if instance.http_endpoint == "disabled":
            yield Pass(instance.arn, f"{message} has no metadata endpoint", region)
        elif instance.options_state == "pending":
            raise _untold(instance, region, "whether its pending options apply")
        elif instance.http_tokens == "optional":
            yield Fail(instance.arn, f"{message} allows version 1 of the metadata service", region)
        elif instance.http_tokens == "required":
            yield Pass(
                instance.arn, f"{message} demands version 2 of the metadata service", region
            )
        else:
            raise _untold(instance, region, "its metadata options")

    return _instances(account, test)


@control("instance_roles", needs=(INSTANCES, AUTHORIZATION))
def instance_profile(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """A profile without a role grants nothing.

    Wrong for an instance that never calls AWS.
    """

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        message = f"instance {quoted(instance.id)}"
        profile = instance.profile_arn
        if not profile:
            never = "one that never calls AWS needs none: mute it with that reason"
            yield Fail(instance.arn, f"{message} has no instance profile; {never}", region)
        elif any(profile in role.profiles for role in account.require(AUTHORIZATION).roles):
            yield Pass(instance.arn, f"{message} has a profile with a role", region)
        else:
            empty = f"profile {quoted(profile.rpartition('/')[2])} of {message} has no role"
            yield Fail(instance.arn, empty, region)

    return _instances(account, test)


def _instances(
    account: Account, test: Callable[[str, Instance], Iterable[Outcome]]
) -> Iterator[Outcome]:
    def in_one(region: str, instances: tuple[Instance, ...]) -> Iterator[Outcome]:
        present = [each_one for each_one in instances if each_one.state not in _GONE]
        if not present:
            yield NotApplicable(None, "there is no instance", region)
        yield from for_each(
            present, lambda one: test(region, one), name=lambda one: one.arn, region=region
        )

    return in_regions(account, INSTANCES, in_one)


def _untold(instance: Instance, region: str, what: str) -> NotCollected:
    return NotCollected(
        f"instance {quoted(instance.id)} does not tell {what}",
        call="ec2:DescribeInstances",
        code=instance.options_state or "no value",
        region=region,
    )
