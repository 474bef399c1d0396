"""Where the jobs of a run over many accounts are done: in threads here, or on the workers of a Dask cluster.

Both have the interface of `concurrent.futures`. Jobs are handed out as others come back, so that ten thousand accounts
wait in a list of names and not as tasks.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from aws_iam.account.fleet import AT_ONCE
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import escaped, quoted
from aws_iam.modes import audit_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from aws_iam.modes.audit_job import Job

DEATHS = 3
"""How often an account is given to another worker because its own died."""
_CONNECT_SECONDS = 10
_AGAIN = "the same command with `--out` continues where this one ended"


class Pool(Protocol):
    """A place that takes jobs."""

    def width(self) -> int:
        """How many jobs it is given at a time."""

    def submit(self, job: Job) -> Future[str]:
        """Start a job."""

    def line(self, job: Job, future: Future[str]) -> str:
        """What came of it."""


def lines(pool: Pool, jobs: Iterable[Job]) -> Iterator[str]:
    """The line of every job, as they are done."""
    rest = iter(jobs)
    running: dict[Future[str], Job] = {}
    while True:
        for job in rest:
            running[pool.submit(job)] = job
            if len(running) >= pool.width():
                break
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield pool.line(running.pop(future), future)


@contextmanager
def pool(scheduler: str | None) -> Iterator[Pool]:
    """Threads of this process, or the workers of the scheduler at this address."""
    if scheduler is None:
        with _threads() as here:
            yield here
    else:
        with _workers(scheduler) as there:
            yield there


class _Threads:
    """This process: latency is waited for in threads, and one set of clients serves them all."""

    def __init__(self, executor: ThreadPoolExecutor, stop: threading.Event) -> None:
        self._executor = executor
        self._stop = stop

    def width(self) -> int:
        return AT_ONCE

    def submit(self, job: Job) -> Future[str]:
        return self._executor.submit(audit_job.run, job, self._stop)

    def line(self, _job: Job, future: Future[str]) -> str:
        return future.result()


@contextmanager
def _threads() -> Iterator[Pool]:
    stop = threading.Event()
    executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="account")
    try:
        yield _Threads(executor, stop)
    finally:
        # Whoever leaves early wants no further call; who leaves at the end has none under way.
        stop.set()
        executor.shutdown(cancel_futures=True)


class _Workers:
    """A Dask cluster. Its scheduler gives a job to another worker when one dies."""

    def __init__(self, client: Any, scheduler: str) -> None:
        self._client = client
        self._scheduler = scheduler
        # Not pure: the same account audited twice is two audits.
        self._executor = client.get_executor(pure=False)

    def width(self) -> int:
        threads: dict[str, int] = self._client.nthreads()
        return max(2, 2 * sum(threads.values()))

    def submit(self, job: Job) -> Future[str]:
        future: Future[str] = self._executor.submit(audit_job.run, job)
        return future

    def line(self, job: Job, future: Future[str]) -> str:
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker:
            return audit_job.closed(
                job.door.account, f"{DEATHS + 1} workers died one after the other while reading it"
            )
        except (CancelledError, OSError) as error:
            raise _gone(self._scheduler, error) from error
        except (ImportError, AttributeError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "deserializ" not in str(error):
                raise
            raise InputError(
                f"the cluster at {quoted(self._scheduler)} cannot load the job: {escaped(str(error))}",
                hint="install the same version of aws-iam-mcp where the scheduler and the workers run",
            ) from error


@contextmanager
def _workers(scheduler: str) -> Iterator[Pool]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "`scheduler` needs the extra `dask`, which is not installed",
            hint="install it: `pip install 'aws-iam-mcp[dask]'`",
        ) from None
    try:
        # Its methods have no types.
        make: Any = Client
        client = make(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {quoted(scheduler)}: {escaped(str(error))}",
            hint="write its address as `dask scheduler` shows it, such as tcp://127.0.0.1:8786",
        ) from None
    try:
        if not client.nthreads():
            raise InputError(
                f"the Dask scheduler at {quoted(scheduler)} has no worker",
                hint=f"start one: `dask worker {scheduler}`",
            )
        yield _Workers(client, scheduler)
    finally:
        client.close()


def _gone(scheduler: str, error: BaseException) -> AwsError:
    return AwsError(
        f"the Dask scheduler at {quoted(scheduler)} went away ({type(error).__name__})",
        hint=_AGAIN,
    )
