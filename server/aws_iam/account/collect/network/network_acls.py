"""Network ACLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class AclEntry:
    """One entry of a network ACL; protocol `-1` is all, `6` TCP, `17` UDP; no ports means all of them."""

    number: int
    protocol: str
    allow: bool
    egress: bool = False
    ipv4: str | None = None
    ipv6: str | None = None
    from_port: int | None = None
    to_port: int | None = None


@slotted
class NetworkAcl:
    """A network ACL, its entries by direction and number."""

    id: str
    vpc: str | None = None
    default: bool = False
    owner: str | None = None
    entries: tuple[AclEntry, ...] = ()


NETWORK_ACLS = many_in("ec2.network_acls", NetworkAcl)


@collector_in(NETWORK_ACLS, "ec2:DescribeNetworkAcls")
def network_acls(aws: Aws, region: str) -> tuple[NetworkAcl, ...]:
    """The network ACLs, entries in the order in which they are evaluated."""
    listed = aws.items("ec2:DescribeNetworkAcls", "NetworkAcls", region=region)
    acls = (
        NetworkAcl(
            id=data["NetworkAclId"],
            vpc=data.get("VpcId"),
            default=data.get("IsDefault", False),
            owner=data.get("OwnerId"),
            entries=tuple(
                sorted(
                    map(_entry, data.get("Entries", ())),
                    key=lambda entry: (entry.egress, entry.number, entry.ipv6 or ""),
                )
            ),
        )
        for data in listed
    )
    return tuple(sorted(acls, key=lambda acl: acl.id))


def _entry(data: dict[str, Any]) -> AclEntry:
    ports = data.get("PortRange", {})
    return AclEntry(
        number=data["RuleNumber"],
        protocol=data.get("Protocol", ""),
        allow=data.get("RuleAction") == "allow",
        egress=data.get("Egress", False),
        ipv4=data.get("CidrBlock"),
        ipv6=data.get("Ipv6CidrBlock"),
        from_port=ports.get("From"),
        to_port=ports.get("To"),
    )
