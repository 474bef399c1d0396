"""The users of AWS Transfer Family servers that a session policy limits in Amazon S3: several of them may share one role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.calls.aws import Aws


@slotted
class TransferUser:
    """A user of a server, or a group of its directory, which has the server's ARN.

    `policy` is the session policy as JSON text; `home` is the directory in Amazon S3 that its variables name, None where it
    has logical directories.
    """

    arn: str
    name: str
    role: str
    home: str | None = None
    policy: str | Miss | None = None


@slotted
class TransferServer:
    """A server for Amazon S3 whose users AWS knows: those of other identity providers get their policies when they log in."""

    arn: str
    users: tuple[TransferUser, ...] | Miss


TRANSFER_SERVERS = many_in("transfer.servers", TransferServer)
_LIST_USERS, _DESCRIBE_USER = "transfer:ListUsers", "transfer:DescribeUser"
_LIST_ACCESSES, _DESCRIBE_ACCESS = "transfer:ListAccesses", "transfer:DescribeAccess"
_WITH_USERS, _WITH_GROUPS = "SERVICE_MANAGED", "AWS_DIRECTORY_SERVICE"


@collector_in(
    TRANSFER_SERVERS,
    "transfer:ListServers",
    _LIST_USERS,
    _DESCRIBE_USER,
    _LIST_ACCESSES,
    _DESCRIBE_ACCESS,
)
def transfer_servers(aws: Aws, region: str) -> tuple[TransferServer, ...]:
    """The servers with their users. The list of users leaves out the policies, so each user is described."""
    listed = aws.items("transfer:ListServers", "Servers", region=region)
    found = (
        _server(aws, region, data)
        for data in sorted(listed, key=lambda own: str(own["Arn"]))
        # In Amazon EFS a session policy says nothing.
        if data.get("Domain", "S3") == "S3"
        and data.get("IdentityProviderType", _WITH_USERS) in {_WITH_USERS, _WITH_GROUPS}
    )
    return tuple(found)


def _server(aws: Aws, region: str, data: dict[str, Any]) -> TransferServer:
    has_groups = data.get("IdentityProviderType") == _WITH_GROUPS
    listing = (_LIST_ACCESSES, "Accesses") if has_groups else (_LIST_USERS, "Users")
    server = {"ServerId": data["ServerId"]}

    def read(user: dict[str, Any]) -> TransferUser:
        if has_groups:
            own = {**server, "ExternalId": user["ExternalId"]}
            policy = aws.value_or_miss(
                lambda: _policy(aws.need(_DESCRIBE_ACCESS, region=region, **own)["Access"])
            )
        else:
            own = {**server, "UserName": user["UserName"]}
            policy = aws.value_or_miss(
                lambda: _policy(aws.need(_DESCRIBE_USER, region=region, **own)["User"])
            )
        in_bucket = user.get("HomeDirectoryType", "PATH") == "PATH"
        return TransferUser(
            arn=user.get("Arn", data["Arn"]),
            name=user["ExternalId"] if has_groups else user["UserName"],
            role=user.get("Role", ""),
            home=user.get("HomeDirectory") if in_bucket else None,
            policy=policy,
        )

    def users() -> tuple[TransferUser, ...]:
        named = aws.items(*listing, region=region, **server)
        found = aws.read_each(read, named, _DESCRIBE_ACCESS if has_groups else _DESCRIBE_USER)
        return _sorted(own for own in found if isinstance(own, TransferUser))

    return TransferServer(arn=data["Arn"], users=aws.value_or_miss(users))


def _sorted(users: Iterable[TransferUser]) -> tuple[TransferUser, ...]:
    return tuple(sorted(users, key=lambda own: own.name))


def _policy(data: dict[str, Any]) -> str | None:
    return data.get("Policy") or None
