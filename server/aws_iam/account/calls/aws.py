"""One account being read: calls, pages, threads, facts that build on each other, misses."""

from __future__ import annotations

import contextvars
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import EndpointConnectionError

from aws_iam.account.calls.circuit_breaker import CircuitBreaker
from aws_iam.account.calls.clients import WORKERS, Clients
from aws_iam.account.calls.failures import FAILURES, Failure, calling, code_of
from aws_iam.account.collect.fact import (
    AccountFact,
    Fact,
    Held,
    Miss,
    MissKind,
    RefusedError,
    RegionFact,
    value_or_refused,
)
from aws_iam.account.names.iam_actions import action_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

WAIT_SECONDS = 1
"""How long a thread waits for others at a time; a Ctrl-C just before a wait takes effect after it."""


class FactReader(Protocol):
    """What is needed of a collector."""

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that it calls, as `service:Operation`."""

    @property
    def read(self) -> Callable[..., Any]:
        """The function that reads the fact."""


class Aws:
    """What a collector reads with. A failed call raises RefusedError, which becomes the miss of the fact."""

    def __init__(  # noqa: PLR0913 - who and where
        self,
        clients: Clients,
        *,
        account: str,
        partition: str,
        home: str,
        regions: tuple[str, ...],
        collectors: Mapping[str, FactReader],
        progress: Callable[[int, int, str], None],
        sleep: Callable[[float], None] = time.sleep,
        workers: int = WORKERS,
        stop: threading.Event | None = None,
        principal: str = "",
    ) -> None:
        self.account = account
        self.partition = partition
        self.home = home
        self.regions = regions
        # The one user or role that is asked about, where a fact costs calls for each; empty: all.
        self.principal = principal
        self.sleep = sleep
        self._clients = clients
        self._collectors = collectors
        # The threads inherit the context of the thread that reads the account: it has the credentials that sign.
        context = contextvars.copy_context()
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="aws", initializer=_copy_context, initargs=(context,)
        )
        self._lock = threading.Lock()
        self._cells: dict[tuple[str, str], _Cell] = {}
        self._report = progress
        self._done = self._planned = 0
        # Of this reading alone: `stop` belongs to the caller, who may read other accounts until it is set.
        self._stopped = threading.Event()
        self._stops = (self._stopped, *([stop] if stop else []))
        self._breaker = CircuitBreaker()

    def close(self) -> None:
        """End the threads; what has not started is cancelled."""
        # After a stop nobody waits for the answers that are still under way.
        self._pool.shutdown(wait=not self._is_over(), cancel_futures=True)

    def stop(self) -> dict[tuple[str, str], Any]:
        """Make no further call, and return the facts that were read so far."""
        self._stopped.set()
        with self._lock:
            return {place: cell.value for place, cell in self._cells.items() if cell.filled}

    def _is_over(self) -> bool:
        return any(stop.is_set() for stop in self._stops)

    def prefill(self, held: Iterable[Held]) -> None:
        """Facts that are known already and need not be read."""
        for entry in held:
            cell = self._cells.setdefault((entry.fact.name, entry.region), _Cell())
            cell.value, cell.filled = entry.value, True

    def get(
        self,
        operation: str,
        *,
        region: str = "",
        absent: tuple[str, ...] = (),
        owner: str = "",
        **arguments: Any,
    ) -> dict[str, Any] | None:
        """The answer of `service:Operation`; None when AWS answers `there is none` with one of the codes `absent`.

        An entry of `absent` may be `Code: text`, where only the text tells it from a refusal.
        """
        try:
            with self._client(operation, region) as client:
                call = getattr(client, _method(operation))
                with calling():
                    answer: dict[str, Any] = call(**arguments)
        except FAILURES as error:
            if not _means_absent(error, absent):
                raise self._failed(error, operation, region, owner) from None
            self._breaker.record_answer(operation, region)
            return None
        self._breaker.record_answer(operation, region)
        return answer

    def need(
        self, operation: str, *, region: str = "", owner: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """The answer of an operation that never answers `there is none`."""
        return self.get(operation, region=region, owner=owner, **arguments) or {}

    def items(
        self, operation: str, key: str, *, region: str = "", owner: str = "", **arguments: Any
    ) -> list[Any]:
        """The items under `key` of all pages."""
        pages = self.pages(operation, region=region, owner=owner, **arguments)
        return [item for page in pages for item in page.get(key, ())]

    def pages(
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
                    with calling():
                        pages = list(_pages_by_token(getattr(client, method), arguments))
        except FAILURES as error:
            raise self._failed(error, operation, region, owner) from None
        self._breaker.record_answer(operation, region)
        return pages

    def read_each(
        self, read: Callable[[I], T], items: Iterable[I], text: str | Callable[[I], str] = ""
    ) -> list[T | Miss]:
        """`read` of all items in parallel, in the order of the items, with the miss of an item that fails.

        `text` is shown as progress: the operation, or a function that names it for an item.
        """
        labelled = [(item, text if isinstance(text, str) else text(item)) for item in items]
        self._plan(len(labelled))
        submitted = [
            (self._pool.submit(self._attempt, read, item, label), item, label)
            for item, label in labelled
        ]
        return [self._result(future, read, item, label) for future, item, label in submitted]

    def value_or_miss(self, read: Callable[[], T]) -> T | Miss:
        """The value of one read, or its miss."""
        try:
            return read()
        except RefusedError as refused:
            return refused.miss

    def fact(self, fact: AccountFact[T]) -> T:
        """Another fact of the account, read once for all; raises RefusedError when it is a miss."""
        return value_or_refused(self.fact_or_miss(fact, ""))  # type: ignore[no-any-return]

    def fact_in(self, region: str, fact: RegionFact[T]) -> T:
        """Another fact of a Region, in the same way."""
        return value_or_refused(self.fact_or_miss(fact, region))  # type: ignore[no-any-return]

    def fact_or_miss(self, fact: Fact[Any], region: str) -> Any:
        """The value of a fact or its miss, read once."""
        with self._lock:
            cell = self._cells.setdefault((fact.name, region), _Cell())
        # INVARIANT: facts build on each other without a cycle, so that a thread that waits here waits for progress.
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
        """The miss for an answer without a field that AWS always sends; the other facts are still read."""
        (field,) = lacking.args
        if not self._clients.know_field(field):
            # No answer of AWS has such a field: the mistake is ours and must not look like one of AWS.
            raise lacking
        return Miss(
            kind=MissKind.BROKEN,
            call=operation,
            code="IncompleteAnswer",
            permission=action_of(operation),
            message=f"the answer lacks {field!r}",
            region=region,
        )

    def _result(
        self, future: Future[T | Miss], read: Callable[[I], T], item: I, text: str
    ) -> T | Miss:
        # The caller may be a thread of the pool: it does the work itself rather than wait for a free thread.
        if future.cancel():
            return self._attempt(read, item, text)
        while not wait((future,), WAIT_SECONDS).done:
            pass
        return future.result()

    def _failed(self, error: Failure, operation: str, region: str, owner: str) -> RefusedError:
        miss = self._breaker.record_failure(error, operation, region, owner)
        service = operation.partition(":")[0]
        if (
            region
            and isinstance(error, EndpointConnectionError)
            and not self._clients.offered(service, region)
        ):
            miss = replace(miss, kind=MissKind.NOWHERE)
        return RefusedError(miss)

    def _client(self, operation: str, region: str) -> AbstractContextManager[Any]:
        if self._is_over():
            raise CancelledError
        self._breaker.allow(operation, region)
        return self._clients.at(operation.partition(":")[0], region or self.home)

    def _plan(self, count: int) -> None:
        with self._lock:
            self._planned += count

    def _finish(self, text: str) -> None:
        with self._lock:
            self._done += 1
            self._report(self._done, self._planned, text)


class _Cell:
    """The value of one fact, and the lock of the thread that reads it."""

    __slots__ = ("filled", "lock", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.filled = False
        self.value: Any = None


def _copy_context(context: contextvars.Context) -> None:
    for variable, value in context.items():
        variable.set(value)


def _method(operation: str) -> str:
    from botocore import xform_name

    return xform_name(operation.partition(":")[2])


def _pages_by_token(
    call: Callable[..., dict[str, Any]], arguments: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The pages of an operation for which the SDK has no paginator."""
    token = None
    while True:
        page = call(**arguments, **({"NextToken": token} if token else {}))
        yield page
        if page.get("NextToken") in (None, "", token):
            return
        token = page["NextToken"]


def _means_absent(error: BaseException, absent: tuple[str, ...]) -> bool:
    code, text = code_of(error), str(error)
    pairs = (entry.partition(": ") for entry in absent)
    return any(code == wanted and words in text for wanted, _, words in pairs)
