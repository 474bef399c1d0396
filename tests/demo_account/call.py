"""Calling the demonstration account while it is seeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.reading.demonstration import REGIONS

if TYPE_CHECKING:
    import boto3

ACCOUNT = "111122223333"
# Two Regions, so that an audit of the account stays short.
HOME, AWAY = REGIONS


class Call:
    """`call("s3", "create_bucket", Bucket=…)`: one client per service and Region of the session."""

    def __init__(self, session: boto3.Session, url: str) -> None:
        self.account = ACCOUNT
        self._session = session
        self._url = url
        self._clients: dict[tuple[str, str], Any] = {}

    def __call__(
        self, service: str, operation: str, *, region: str = HOME, **arguments: Any
    ) -> dict[str, Any]:
        """The answer of an operation, named as boto3's clients name it."""
        key = service, region
        if key not in self._clients:
            client: Any = self._session.client(service, region_name=region, endpoint_url=self._url)  # type: ignore[call-overload]
            self._clients[key] = client
        answer: dict[str, Any] = getattr(self._clients[key], operation)(**arguments)
        return answer

    def arn(self, service: str, resource: str, region: str = "") -> str:
        """The ARN of a resource of this account."""
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"
