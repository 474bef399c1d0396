"""The clients of a session: their settings, and one client for each service that calls all Regions."""

from __future__ import annotations

import platform
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import getproxies

import botocore
from botocore.config import Config
from botocore.exceptions import UnknownRegionError

from aws_iam.account.calls.connections import Connections, raise_open_file_limit
from aws_iam.account.calls.region_per_call import calls_to, choose_region_per_call
from aws_iam.account.calls.retries import RetryStates
from aws_iam.errors import AwsError, InputError, system_reason
from aws_iam.escape import escaped
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

WORKERS = 16
"""Calls in flight for one account."""
ATTEMPTS = 4
CONNECT_SECONDS = 5
READ_SECONDS = 20


def client_config(
    *,
    attempts: int = ATTEMPTS,
    connect: float = CONNECT_SECONDS,
    connections: int = WORKERS,
    mode: Literal["adaptive", "standard"] = "adaptive",
) -> Config:
    """Every wait is bounded, and the pool has a connection for each thread, or threads would wait for each other.

    `adaptive`: a client that AWS throttles slows down, besides retrying.
    """
    return Config(
        connect_timeout=connect,
        read_timeout=READ_SECONDS,
        retries={"mode": mode, "total_max_attempts": attempts},
        max_pool_connections=connections,
        user_agent=_user_agent(),
    )


def _user_agent() -> str:
    """Who calls, as CloudTrail shows it. Complete, or the SDK would build its own for each client and call."""
    system = f"{platform.system()}/{platform.release()}"
    python = f"Python/{platform.python_version()}"
    return f"aws-iam-mcp/{__version__} Botocore/{botocore.__version__} {python} {system}"


def make_client(session: boto3.Session, service: str, region: str, config: Config) -> Any:
    """A client; InputError when the configured endpoint is not a URL."""
    make: Any = session.client
    try:
        return make(service, region_name=region, config=config)
    except ValueError as error:
        raise InputError(
            f"the endpoint cannot be used: {escaped(str(error))}",
            hint="AWS_ENDPOINT_URL (or `endpoint_url` of the profile) must be a URL such as http://localhost:4566",
        ) from None


class Clients:
    """The clients of one session, one for each service.

    They are made under a lock, because making them is not thread-safe; using them is.
    """

    def __init__(self, session: boto3.Session, connections: int = WORKERS) -> None:
        self._session = session
        self._max_connections = connections
        self._has_proxy = bool(getproxies())
        # A client settles which proxy leads to a host when it is made: then each Region needs clients of its own.
        self._client_per_region = self._has_proxy
        self._connections = Connections()
        raise_open_file_limit()
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, bool], Any] = {}
        self._by_place: dict[tuple[str, str], Any] = {}
        self._regions: dict[tuple[str, str], frozenset[str] | None] = {}
        self._retry_states: list[RetryStates] = []

    @contextmanager
    def at(self, service: str, region: str) -> Iterator[Any]:
        """The client of a service, whose calls in here go to the Region."""
        client = self._get(service, region)
        with calls_to(region):
            yield client

    def _get(self, service: str, region: str) -> Any:
        # Without the lock, or a thread whose client exists would wait for all that are being made.
        client = self._by_place.get((service, region))
        if client is not None:
            return client
        try:
            with self._lock:
                offered = self.offered(service, region)
                key = (service, region if self._client_per_region else "", offered)
                if key not in self._made:
                    self._made[key] = self._make(service, region, offered=offered)
                self._by_place[service, region] = self._made[key]
                return self._made[key]
        except OSError as error:
            # The SDK opens the files of its models while hundreds of connections are open.
            why = system_reason(error)
            raise AwsError(
                f"no client for {service} can be made: {why}",
                hint="where too many files are open, allow more of them: `ulimit -n 4096`",
            ) from error

    def forget(self, access_key: str) -> None:
        """Drop what is kept for an access key that signs no more calls."""
        with self._lock:
            states = tuple(self._retry_states)
        for retry_states in states:
            retry_states.forget(access_key)

    def know_field(self, field: object) -> bool:
        """Whether answers of a service that was called can have such a field, by the SDK's models."""
        with self._lock:
            models = {
                service: client.meta.service_model for (service, *_), client in self._made.items()
            }
        return any(
            field
            in (shape.members if shape.type_name == "structure" else getattr(shape, "enum", ()))
            for model in models.values()
            for shape in map(model.shape_for, model.shape_names)
        )

    def _make(self, service: str, region: str, *, offered: bool) -> Any:
        config = client_config(
            # A service that the SDK does not list in this Region is tried once: its host will hardly resolve.
            attempts=ATTEMPTS if offered else 1,
            connections=self._max_connections,
            # `adaptive` would slow the client down in all Regions and for all accounts: see `retries.py`.
            mode="standard",
        )
        client = make_client(self._session, service, region, config)
        if not self._client_per_region:
            choose_region_per_call(client)
        self._retry_states.append(RetryStates(client))
        if not self._has_proxy:
            self._connections.install(client)
        return client

    def offered(self, service: str, region: str) -> bool:
        """Whether the SDK lists the service in the Region; true for a Region that the SDK does not know."""
        try:
            partition = self._session.get_partition_for_region(region)
        except UnknownRegionError:
            return True
        regions = self._regions_of(service, partition)
        return regions is None or region in regions

    def _regions_of(self, service: str, partition: str) -> frozenset[str] | None:
        """The Regions of a partition that have the service; None for a service with one endpoint for all."""
        if (service, partition) not in self._regions:
            listed = self._session.get_available_regions(service, partition_name=partition)
            # A service without Regions in any partition has one endpoint for all of them.
            anywhere = listed or self._session.get_available_regions(service)
            self._regions[service, partition] = frozenset(listed) if anywhere else None
        return self._regions[service, partition]
