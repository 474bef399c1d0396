"""The profiles of IAM Roles Anywhere: which roles workloads outside AWS get, and the session policies that limit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class AnywhereProfile:
    """A profile that is on: its sessions have one of the roles, limited by `policy` (JSON text) and by `managed`, the ARNs of policies."""

    arn: str
    name: str
    roles: tuple[str, ...]
    policy: str | None = None
    managed: tuple[str, ...] = ()


ANYWHERE_PROFILES = many_in("rolesanywhere.profiles", AnywhereProfile)


@collector_in(ANYWHERE_PROFILES, "rolesanywhere:ListProfiles")
def anywhere_profiles(aws: Aws, region: str) -> tuple[AnywhereProfile, ...]:
    """The profiles from which sessions can be created."""
    found = (
        AnywhereProfile(
            arn=data["profileArn"],
            name=data.get("name", ""),
            roles=tuple(sorted(data.get("roleArns", ()))),
            policy=data.get("sessionPolicy") or None,
            managed=tuple(sorted(data.get("managedPolicyArns", ()))),
        )
        for data in aws.items("rolesanywhere:ListProfiles", "profiles", region=region)
        if data.get("enabled")
    )
    return tuple(sorted(found, key=lambda own: own.arn))
