"""One account being read: one guarded session, one client for each service, threads, paging, misses."""

from __future__ import annotations

import contextvars
import platform
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from urllib.request import getproxies

import botocore
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, UnknownRegionError

from aws_iam.account.calls.circuit_breaker import Patience
from aws_iam.account.calls.connections import Connections, allow_many_connections
from aws_iam.account.calls.failures import FAILURES, Failure, calling, code_of
from aws_iam.account.calls.region_per_call import follow, going_to
from aws_iam.account.calls.retries import Slowing
from aws_iam.account.collect.fact import (
    AccountFact,
    Fact,
    Held,
    Miss,
    MissKind,
    RefusedError,
    RegionFact,
)
from aws_iam.account.names.iam_actions import action_of
from aws_iam.errors import AwsError, InputError, why_of
from aws_iam.escape import escaped
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    import boto3

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

WORKERS = 16
ATTEMPTS = 4
HEED_SECONDS = 1
"""How long a thread waits for others at a time; a Ctrl-C that comes just before a wait is heard after it."""
CONNECT_SECONDS = 5
READ_SECONDS = 20


def client_config(
    *,
    attempts: int = ATTEMPTS,
    connect: float = CONNECT_SECONDS,
    width: int = WORKERS,
    mode: Literal["adaptive", "standard"] = "adaptive",
    proxies: Mapping[str, str] | None = None,
) -> Config:
    """Bounded in every direction; the pool is as wide as the threads, or they would wait for each other unseen.

    `adaptive`: a client that AWS throttles sends slower until AWS takes it, besides trying again.
    """
    return Config(
        connect_timeout=connect,
        read_timeout=READ_SECONDS,
        retries={"mode": mode, "total_max_attempts": attempts},
        max_pool_connections=width,
        proxies=proxies,
        user_agent=_agent(),
    )


@cache
def _agent() -> str:
    """Who calls, as CloudTrail shows it. Given whole: the SDK would put its own together anew for each client and call."""
    system = f"{platform.system()}/{platform.release()}"
    python = f"Python/{platform.python_version()}"
    return f"aws-iam-mcp/{__version__} Botocore/{botocore.__version__} {python} {system}"


def make_client(session: boto3.Session, service: str, region: str, config: Config) -> Any:
    """A client; InputError when the configured endpoint is no URL."""
    make: Any = session.client
    try:
        return make(service, region_name=region, config=config)
    except ValueError as error:
        raise InputError(
            f"the endpoint cannot be used: {escaped(str(error))}",
            hint="AWS_ENDPOINT_URL (or `endpoint_url` of the profile) must be a URL such as http://localhost:4566",
        ) from None


class Clients:
    """The clients of one session: one for each service, which calls in whatever Region it is asked for.

    They are made under a lock: making them is not thread-safe, using them is.
    """

    def __init__(self, session: boto3.Session, width: int = WORKERS) -> None:
        self._session = session
        self._width = width
        self._proxied = bool(getproxies())
        # Which proxy leads to a host is settled when a client is made, and so is the host where the user's own file
        # (`endpoints.json` in `data_path`) says it: then each Region has clients of its own.
        core: Any = session._session  # noqa: SLF001 - boto3 shows its core nowhere else
        loader = core.get_component("data_loader")
        _, path = loader.load_data_with_path("endpoints")
        self._by_region = self._proxied or not loader.is_builtin_path(path)
        self._connections = Connections()
        allow_many_connections()
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, bool], Any] = {}
        self._found: dict[tuple[str, str], Any] = {}
        self._offering: dict[tuple[str, str], frozenset[str] | None] = {}
        self._slowed: list[Slowing] = []

    @contextmanager
    def at(self, service: str, region: str) -> Iterator[Any]:
        """The client of a service, whose calls in here go to the Region."""
        client = self._get(service, region)
        with going_to(region):
            yield client

    def _get(self, service: str, region: str) -> Any:
        # Without the lock, or who has a client would wait for each that is being made.
        client = self._found.get((service, region))
        if client is not None:
            return client
        try:
            with self._lock:
                offered = self.offered(service, region)
                place = (service, region if self._by_region else "", offered)
                if place not in self._made:
                    self._made[place] = self._make(service, region, offered=offered)
                self._found[service, region] = self._made[place]
                return self._made[place]
        except OSError as error:
            # The SDK reads its models from files, beside hundreds of connections.
            why = why_of(error)
            raise AwsError(
                f"no client for {service} can be made: {why}",
                hint="where too many files are open, allow more of them: `ulimit -n 4096`",
            ) from error

    def forget(self, who: str) -> None:
        """Drop what is remembered of whoever signed with this access key, and does no more."""
        with self._lock:
            slowed = tuple(self._slowed)
        for each in slowed:
            each.forget(who)

    def speak_of(self, field: object) -> bool:
        """Whether an answer of a service that was asked has such a field, by the SDK's models."""
        with self._lock:
            models = {
                service: each.meta.service_model for (service, *_), each in self._made.items()
            }
        return any(
            field
            in (shape.members if shape.type_name == "structure" else getattr(shape, "enum", ()))
            for model in models.values()
            for shape in map(model.shape_for, model.shape_names)
        )

    def _make(self, service: str, region: str, *, offered: bool) -> Any:
        config = client_config(
            # A service that the SDK does not know in this Region is tried once: its name will hardly resolve.
            attempts=ATTEMPTS if offered else 1,
            width=self._width,
            # The SDK's `adaptive` slows a client down, in all Regions and for all accounts that share it.
            mode="standard",
            # Without any proxy the SDK need not look for that of each host.
            proxies=None if self._proxied else {},
        )
        client = make_client(self._session, service, region, config)
        if not self._by_region:
            follow(client)
        self._slowed.append(Slowing(client))
        if not self._proxied:
            self._connections.give(client)
        return client

    def offered(self, service: str, region: str) -> bool:
        """Whether the SDK lists the service in the Region; of a Region that it does not know nothing is known."""
        try:
            partition = self._session.get_partition_for_region(region)
        except UnknownRegionError:
            return True
        offered = self._regions_of(service, partition)
        return offered is None or region in offered

    def _regions_of(self, service: str, partition: str) -> frozenset[str] | None:
        """The Regions of a partition that have the service; None for one with a single endpoint everywhere."""
        if (service, partition) not in self._offering:
            there = self._session.get_available_regions(service, partition_name=partition)
            # A service that has no Regions in any partition has one endpoint for all of them.
            somewhere = there or self._session.get_available_regions(service)
            self._offering[service, partition] = frozenset(there) if somewhere else None
        return self._offering[service, partition]


class Reader(Protocol):
    """How a fact is read: what a collector declares."""

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that it calls, as `service:Operation`."""

    @property
    def read(self) -> Callable[..., Any]:
        """The function that calls them."""


class Aws:
    """What a collector reads with. A call that fails raises; the planner turns that into the fact's miss."""

    def __init__(  # noqa: PLR0913 - who and where
        self,
        clients: Clients,
        *,
        account: str,
        partition: str,
        home: str,
        regions: tuple[str, ...],
        collectors: Mapping[str, Reader],
        progress: Callable[[int, int, str], None],
        sleep: Callable[[float], None] = time.sleep,
        workers: int = WORKERS,
        stop: threading.Event | None = None,
    ) -> None:
        self.account = account
        self.partition = partition
        self.home = home
        self.regions = regions
        self.sleep = sleep
        self._clients = clients
        self._collectors = collectors
        # The threads work in the context of whoever reads the account: it says whose credentials sign.
        context = contextvars.copy_context()
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="aws", initializer=_enter, initargs=(context,)
        )
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, str], _Cell] = {}
        self._report = progress
        self._done = self._planned = 0
        self._stop = stop or threading.Event()
        self._patience = Patience()

    def close(self) -> None:
        """End the threads; what has not started never will."""
        # Who stopped the reading does not wait for answers that are still under way.
        self._pool.shutdown(wait=not self._stop.is_set(), cancel_futures=True)

    def stop(self) -> dict[tuple[str, str], Any]:
        """Make no further call; the facts that were read by now."""
        self._stop.set()
        with self._lock:
            return {place: cell.value for place, cell in self._cells.items() if cell.filled}

    def give(self, held: Iterable[Held]) -> None:
        """Facts that are known already: they are not read again."""
        for each in held:
            cell = self._cells.setdefault((each.fact.name, each.region), _Cell())
            cell.value, cell.filled = each.value, True

    def get(
        self,
        operation: str,
        *,
        region: str = "",
        absent: tuple[str, ...] = (),
        owner: str = "",
        **arguments: Any,
    ) -> dict[str, Any] | None:
        """The answer of `service:Operation`; None when AWS says `there is none` with one of the codes `absent`.

        An entry of `absent` may be `Code: text`, where only the text tells an answer from a refusal.
        """
        try:
            with self._client(operation, region) as client:
                call = getattr(client, _method(operation))
                with calling():
                    answer: dict[str, Any] = call(**arguments)
        except FAILURES as error:
            if not _says(error, absent):
                raise self._failed(error, operation, region, owner) from None
            self._patience.answered(operation, region)
            return None
        self._patience.answered(operation, region)
        return answer

    def need(
        self, operation: str, *, region: str = "", owner: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """The answer of an operation that has no `there is none`."""
        return self.get(operation, region=region, owner=owner, **arguments) or {}

    def pages(
        self, operation: str, key: str, *, region: str = "", owner: str = "", **arguments: Any
    ) -> list[Any]:
        """The items under `key` of all pages."""
        pages = self.whole_pages(operation, region=region, owner=owner, **arguments)
        return [item for page in pages for item in page.get(key, ())]

    def whole_pages(
        self, operation: str, *, region: str = "", owner: str = "", **arguments: Any
    ) -> list[dict[str, Any]]:
        """All pages, for answers that hold several lists."""
        try:
            method = _method(operation)
            with self._client(operation, region) as client:
                if client.can_paginate(method):
                    listed = client.get_paginator(method).paginate(**arguments)
                    with calling():
                        pages = list(listed)
                else:
                    call = getattr(client, method)
                    with calling():
                        pages = [call(**arguments)]
        except FAILURES as error:
            raise self._failed(error, operation, region, owner) from None
        self._patience.answered(operation, region)
        return pages

    def each(
        self, read: Callable[[I], T], items: Iterable[I], text: str | Callable[[I], str] = ""
    ) -> list[T | Miss]:
        """`read` of every item at the same time, in the order of the items; an item that fails gives its miss.

        `text` tells who watches what is done, for each item where it is a function.
        """
        told = [(item, text if isinstance(text, str) else text(item)) for item in items]
        self._plan(len(told))
        waiting = [
            (self._pool.submit(self._attempt, read, item, words), item, words)
            for item, words in told
        ]
        return [self._settled(future, read, item, words) for future, item, words in waiting]

    def tried(self, read: Callable[[], T]) -> T | Miss:
        """The value of one read, or its miss."""
        try:
            return read()
        except RefusedError as refused:
            return refused.miss

    def fact(self, fact: AccountFact[T]) -> T:
        """Another fact of the account, read once whoever asks first; its miss is the asker's too."""
        return _value(self.settle(fact, ""))  # type: ignore[no-any-return]

    def fact_in(self, region: str, fact: RegionFact[T]) -> T:
        """Another fact of a Region."""
        return _value(self.settle(fact, region))  # type: ignore[no-any-return]

    def settle(self, fact: Fact[Any], region: str) -> Any:
        """The value of a fact or its miss, read once."""
        with self._lock:
            cell = self._cells.setdefault((fact.name, region), _Cell())
        # INVARIANT: facts build on each other without a cycle, so that whoever waits here waits for progress.
        with cell.lock:
            if not cell.filled:
                cell.value = self._collected(fact, region)
                cell.filled = True
        return cell.value

    def _collected(self, fact: Fact[Any], region: str) -> Any:
        collector = self._collectors[fact.name]
        try:
            return collector.read(self, region) if region else collector.read(self)
        except RefusedError as refused:
            return refused.miss
        except KeyError as lacking:
            return self._lacking(lacking, collector.operations[0], region)

    def _attempt(self, read: Callable[[I], T], item: I, text: str) -> T | Miss:
        try:
            return read(item)
        except RefusedError as refused:
            return refused.miss
        except KeyError as lacking:
            return self._lacking(lacking, text, "")
        finally:
            self._finish(text)

    def _lacking(self, lacking: KeyError, operation: str, region: str) -> Miss:
        """An answer without a field that AWS always sends: not readable, and no reason to lose the other facts."""
        (field,) = lacking.args
        if not self._clients.speak_of(field):
            # No answer of AWS has it: a mistake of ours, which must not look like one of AWS.
            raise lacking
        return Miss(
            kind=MissKind.BROKEN,
            call=operation,
            code="IncompleteAnswer",
            permission=action_of(operation),
            message=f"the answer lacks {field!r}",
            region=region,
        )

    def _settled(
        self, future: Future[T | Miss], read: Callable[[I], T], item: I, text: str
    ) -> T | Miss:
        # A thread of the pool may stand here: it does the work itself rather than wait for a free thread.
        if future.cancel():
            return self._attempt(read, item, text)
        while not wait((future,), HEED_SECONDS).done:
            pass
        return future.result()

    def _failed(self, error: Failure, operation: str, region: str, owner: str) -> RefusedError:
        miss = self._patience.failed(error, operation, region, owner)
        service = operation.partition(":")[0]
        if (
            region
            and isinstance(error, EndpointConnectionError)
            and not self._clients.offered(service, region)
        ):
            miss = replace(miss, kind=MissKind.NOWHERE)
        return RefusedError(miss)

    def _client(self, operation: str, region: str) -> AbstractContextManager[Any]:
        if self._stop.is_set():
            raise CancelledError
        self._patience.demand(operation, region)
        return self._clients.at(operation.partition(":")[0], region or self.home)

    def _plan(self, count: int) -> None:
        with self._lock:
            self._planned += count

    def _finish(self, text: str) -> None:
        with self._lock:
            self._done += 1
            self._report(self._done, self._planned, text)


class _Cell:
    """A place for one fact, and the lock of whoever fills it."""

    __slots__ = ("filled", "lock", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.filled = False
        self.value: Any = None


def _enter(context: contextvars.Context) -> None:
    for variable, value in context.items():
        variable.set(value)


def _value(value: Any) -> Any:
    if isinstance(value, Miss):
        raise RefusedError(value)
    return value


def _method(operation: str) -> str:
    from botocore import xform_name

    return xform_name(operation.partition(":")[2])


def _says(error: BaseException, absent: tuple[str, ...]) -> bool:
    code, text = code_of(error), str(error)
    pairs = (each.partition(": ") for each in absent)
    return any(code == wanted and words in text for wanted, _, words in pairs)
