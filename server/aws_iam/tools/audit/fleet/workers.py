"""Runs the jobs of a run over many accounts: in threads here, or on the workers of a Dask cluster.

Both have the interface of `concurrent.futures`. A job is submitted when another is done, so that ten thousand accounts wait as
names in a list and not as tasks.
"""

from __future__ import annotations

import ipaddress
import threading
import traceback
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aws_iam.account.calls.aws import WAIT_SECONDS
from aws_iam.account.reading.many_accounts import ACCOUNTS_AT_ONCE
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.audit.fleet import job as audit_job
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from aws_iam.tools.audit.fleet.job import Job

_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 120
_WITH_TLS = ("tls://", "wss://")
_SAME_VERSION = (
    f"install aws-iam-mcp {__version__}, the version used here, on the scheduler and the workers"
)


class Pool(Protocol):
    """Something that runs jobs."""

    silence_seconds: float | None
    """How many seconds without a result before `require_worker` is called."""

    def width(self) -> int:
        """How many jobs it takes at a time."""

    def submit(self, job: Job) -> Future[str]:
        """Start a job."""

    def line(self, job: Job, future: Future[str]) -> str | None:
        """The job's line of results; None if it was lost and the job must run again."""

    def require_worker(self) -> None:
        """AwsError if nothing is left to run jobs."""


def completed_lines(pool: Pool, jobs: Iterable[Job]) -> Iterator[str]:
    """The line of every job, in the order in which they are done."""
    waiting = iter(jobs)
    running: dict[Future[str], Job] = {}
    while True:
        # More jobs run than the width when workers have left.
        for job in islice(waiting, max(0, pool.width() - len(running))):
            running[pool.submit(job)] = job
        if not running:
            return
        done, _ = wait(running, timeout=pool.silence_seconds, return_when=FIRST_COMPLETED)
        if not done:
            pool.require_worker()
        for future in done:
            job = running.pop(future)
            line = pool.line(job, future)
            if line is None:
                running[pool.submit(job)] = job
            else:
                yield line


@contextmanager
def worker_pool(scheduler: str | None, *, plain: bool = False) -> Iterator[Pool]:
    """Threads of this process, or the workers of the Dask scheduler at this address; `plain` allows one without TLS."""
    if scheduler is None:
        with _threads() as threads:
            yield threads
    else:
        if not plain:
            _refuse_plain(scheduler)
        with _workers(scheduler) as dask:
            yield dask


class _Threads:
    """Threads of this process, which share one set of clients."""

    # Python handles Ctrl-C between bytecodes: one that comes just before a wait is handled after it.
    silence_seconds: float | None = WAIT_SECONDS

    def __init__(self, executor: ThreadPoolExecutor, stop: threading.Event) -> None:
        self._executor = executor
        self._stop = stop

    def width(self) -> int:
        return ACCOUNTS_AT_ONCE

    def submit(self, job: Job) -> Future[str]:
        return self._executor.submit(audit_job.run_job, job, self._stop)

    def line(self, _job: Job, future: Future[str]) -> str:
        return future.result()

    def require_worker(self) -> None:
        """Nothing to check: every AWS call has a timeout."""


@contextmanager
def _threads() -> Iterator[Pool]:
    stop = threading.Event()
    executor = ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="account")
    try:
        yield _Threads(executor, stop)
    finally:
        # After an early exit no further call is made, and nobody waits for those under way; after the last job
        # there are none.
        stop.set()
        executor.shutdown(wait=False, cancel_futures=True)


class _Workers:
    """A Dask cluster; when a worker dies, the scheduler gives its job to another."""

    def __init__(self, client: Any, scheduler: str) -> None:
        self.silence_seconds: float | None = _SILENCE_SECONDS
        self._client = client
        self._scheduler = scheduler
        # Not pure: auditing the same account again must not return the earlier result.
        self._executor = client.get_executor(pure=False)

    def width(self) -> int:
        return max(2, 2 * sum(self._nthreads().values()))

    def submit(self, job: Job) -> Future[str]:
        future: Future[str] = self._executor.submit(audit_job.run_job, job)
        return future

    def line(self, job: Job, future: Future[str]) -> str | None:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return future.result()
        except KilledWorker as killed:
            # The scheduler's `allowed-failures` limits how often it gives a job to another worker.
            died = killed.allowed_failures + 1
            return audit_job.unreadable_line(
                job.door.account, f"{died} workers died one after another while reading it"
            )
        except ValueError as error:
            # When a worker dies before its result was fetched, Dask's executor takes the lost result for an exception.
            if traceback.extract_tb(error.__traceback__)[-1].name != "_cascade_future":
                raise
            return None
        except (CancelledError, CommClosedError) as error:
            raise _scheduler_gone(self._scheduler, error) from error
        except RuntimeError as error:
            # The scheduler deserializes the jobs that it passes on.
            if "deserialization" not in str(error):
                raise
            raise InputError(
                f"the scheduler at {quoted(self._scheduler)} cannot load the job: {escaped(str(error.__cause__))}",
                hint=_SAME_VERSION,
            ) from error

    def require_worker(self) -> None:
        if not self._nthreads():
            raise AwsError(f"the Dask scheduler at {quoted(self._scheduler)} has no worker left")

    def require_same_version(self) -> None:
        """InputError if some worker cannot run the jobs, before any gets one."""
        answers: dict[str, Any] = self._client.run(audit_job.worker_version, on_error="return")
        for worker, answer in sorted(answers.items()):
            if answer == __version__:
                continue
            is_version = isinstance(answer, str)
            why = f"has version {answer}" if is_version else f"cannot load the job: {answer}"
            raise InputError(f"the Dask worker at {worker} {escaped(why)}", hint=_SAME_VERSION)

    def _nthreads(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self._client.nthreads()
        except OSError as error:
            raise _scheduler_gone(self._scheduler, error) from error
        return found


def _refuse_plain(scheduler: str) -> None:
    """Dask knows who calls by TLS certificates alone: https://distributed.dask.org/en/stable/tls.html."""
    host = urlsplit(f"//{scheduler.rpartition('://')[2]}").hostname or ""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if is_here or scheduler.startswith(_WITH_TLS):
        return
    raise InputError(
        f"the scheduler at {quoted(scheduler)} is reached without TLS: whoever reaches it too runs code with the workers' credentials",
        hint="run it with TLS and write tls://HOST:PORT, or add `--plain-scheduler` where the network keeps others out",
    )


@contextmanager
def _workers(scheduler: str) -> Iterator[Pool]:
    try:
        from distributed import Client, Security
    except ImportError:
        raise InputError(
            "`scheduler` needs the extra `dask`, which is not installed",
            hint="install it: `pip install 'aws-iam-mcp[dask]'`",
        ) from None
    try:
        # distributed has no types.
        make: Any = Client
        make_security: Any = Security
        security = make_security()
        if scheduler.startswith(_WITH_TLS) and not security.get_connection_args("client").get(
            "ssl_context"
        ):
            raise InputError(
                f"there is no certificate to show to the scheduler at {quoted(scheduler)}",
                hint="set distributed.comm.tls in Dask's configuration: https://distributed.dask.org/en/stable/tls.html",
            )
        client = make(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, security=security)
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
        workers = _Workers(client, scheduler)
        workers.require_same_version()
        yield workers
    finally:
        client.close()


def _scheduler_gone(scheduler: str, error: BaseException) -> AwsError:
    return AwsError(
        f"the Dask scheduler at {quoted(scheduler)} went away ({type(error).__name__})"
    )
