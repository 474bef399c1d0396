"""CIS: EC2 instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, each, in_regions
from aws_iam.tools.audit.controls.control import Terms, judges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.account.collect.compute.instances import Instance
    from aws_iam.account.reading.snapshot import Account

_GONE = frozenset({"terminated", "shutting-down"})


@judges("imdsv2", needs=(INSTANCES,))
def metadata_service(account: Account, _terms: Terms) -> Iterator[Outcome]:
    """Regional defaults are no substitute, and an endpoint that is off has no version 1 to misuse."""

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        told = f"instance {quoted(instance.id)}"
        if instance.http_endpoint == "disabled":
            yield Pass(instance.arn, f"{told} has no metadata endpoint", region)
        elif instance.options_state == "pending":
            raise _untold(instance, region, "whether its pending options apply")
        elif instance.http_tokens == "optional":
            yield Fail(instance.arn, f"{told} allows version 1 of the metadata service", region)
        elif instance.http_tokens == "required":
            yield Pass(instance.arn, f"{told} demands version 2 of the metadata service", region)
        else:
            raise _untold(instance, region, "its metadata options")

    return _instances(account, test)


@judges("instance_roles", needs=(INSTANCES, AUTHORIZATION))
def instance_profile(account: Account, _terms: Terms) -> Iterator[Outcome]:
    """A profile without a role gives nothing; an instance that never calls AWS is the owner's exception."""

    def test(region: str, instance: Instance) -> Iterator[Outcome]:
        told = f"instance {quoted(instance.id)}"
        profile = instance.profile_arn
        if not profile:
            never = "one that never calls AWS needs none: mute it with that reason"
            yield Fail(instance.arn, f"{told} has no instance profile; {never}", region)
        elif any(profile in role.profiles for role in account.require(AUTHORIZATION).roles):
            yield Pass(instance.arn, f"{told} has a profile with a role", region)
        else:
            empty = f"profile {quoted(profile.rpartition('/')[2])} of {told} has no role"
            yield Fail(instance.arn, empty, region)

    return _instances(account, test)


def _instances(
    account: Account, test: Callable[[str, Instance], Iterable[Outcome]]
) -> Iterator[Outcome]:
    def in_one(region: str, instances: tuple[Instance, ...]) -> Iterator[Outcome]:
        present = [each_one for each_one in instances if each_one.state not in _GONE]
        if not present:
            yield NotApplicable(None, "there is no instance", region)
        yield from each(
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
