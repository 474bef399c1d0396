"""Where the jobs of a run over many accounts are done: in threads here, or on the workers of a Dask cluster.

Both have the interface of `concurrent.futures`. Jobs are handed out as others come back, so that ten thousand accounts
wait in a list of names and not as tasks.
"""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from aws_iam.account.calls.aws import WAIT_SECONDS
from aws_iam.account.reading.many_accounts import AT_ONCE
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.audit.fleet import job as audit_job
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from aws_iam.tools.audit.fleet.job import Job

_CONNECT_SECONDS = 10
_PATIENCE_SECONDS = 120
_SAME_VERSION = (
    f"install aws-iam-mcp {__version__} where the scheduler and the workers run, as it is here"
)


class Pool(Protocol):
    """A place that takes jobs."""

    patience: float | None
    """How many seconds may pass without a result before it is asked whether it lives."""

    def width(self) -> int:
        """How many jobs it is given at a time."""

    def submit(self, job: Job) -> Future[str]:
        """Start a job."""

    def line(self, job: Job, future: Future[str]) -> str | None:
        """What came of it; None when that was lost and the job is to be done again."""

    def demand_life(self) -> None:
        """AwsError when no job can be done any more."""


def lines(pool: Pool, jobs: Iterable[Job]) -> Iterator[str]:
    """The line of every job, as they are done."""
    rest = iter(jobs)
    running: dict[Future[str], Job] = {}
    while True:
        # More than its width only where workers went away.
        for job in islice(rest, max(0, pool.width() - len(running))):
            running[pool.submit(job)] = job
        if not running:
            return
        done, _ = wait(running, timeout=pool.patience, return_when=FIRST_COMPLETED)
        if not done:
            pool.demand_life()
        for future in done:
            job = running.pop(future)
            line = pool.line(job, future)
            if line is None:
                running[pool.submit(job)] = job
            else:
                yield line


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

    # Python hears of Ctrl-C between two steps of its own: one that comes just before a wait is heard after it.
    patience: float | None = WAIT_SECONDS

    def __init__(self, executor: ThreadPoolExecutor, stop: threading.Event) -> None:
        self._executor = executor
        self._stop = stop

    def width(self) -> int:
        return AT_ONCE

    def submit(self, job: Job) -> Future[str]:
        return self._executor.submit(audit_job.run, job, self._stop)

    def line(self, _job: Job, future: Future[str]) -> str:
        return future.result()

    def demand_life(self) -> None:
        """Every call is bounded."""


@contextmanager
def _threads() -> Iterator[Pool]:
    stop = threading.Event()
    executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="account")
    try:
        yield _Threads(executor, stop)
    finally:
        # Whoever leaves early wants no further call, and does not wait for the answers that are still under way;
        # who leaves at the end has none.
        stop.set()
        executor.shutdown(wait=False, cancel_futures=True)


class _Workers:
    """A Dask cluster. Its scheduler gives a job to another worker when one dies."""

    def __init__(self, client: Any, scheduler: str) -> None:
        self.patience: float | None = _PATIENCE_SECONDS
        self._client = client
        self._scheduler = scheduler
        # Not pure: the same account audited twice is two audits.
        self._executor = client.get_executor(pure=False)

    def width(self) -> int:
        return max(2, 2 * sum(self._nthreads().values()))

    def submit(self, job: Job) -> Future[str]:
        future: Future[str] = self._executor.submit(audit_job.run, job)
        return future

    def line(self, job: Job, future: Future[str]) -> str | None:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return future.result()
        except KilledWorker as killed:
            # The scheduler's `allowed-failures` says how often it gives a job to another worker.
            died = killed.allowed_failures + 1
            return audit_job.closed(
                job.door.account, f"{died} workers died one after the other while reading it"
            )
        except ValueError as error:
            # Dask's executor takes a result that was lost with its worker, before it was fetched, for an exception.
            if traceback.extract_tb(error.__traceback__)[-1].name != "_cascade_future":
                raise
            return None
        except (CancelledError, CommClosedError) as error:
            raise _gone(self._scheduler, error) from error
        except RuntimeError as error:
            # The scheduler unpacks what it hands on.
            if "deserialization" not in str(error):
                raise
            raise InputError(
                f"the scheduler at {quoted(self._scheduler)} cannot load the job: {escaped(str(error.__cause__))}",
                hint=_SAME_VERSION,
            ) from error

    def demand_life(self) -> None:
        if not self._nthreads():
            raise AwsError(f"the Dask scheduler at {quoted(self._scheduler)} has no worker left")

    def demand_same_version(self) -> None:
        """InputError when a worker cannot do the job, before any gets one."""
        answers: dict[str, Any] = self._client.run(audit_job.version, on_error="return")
        for worker, answer in sorted(answers.items()):
            if answer == __version__:
                continue
            told = isinstance(answer, str)
            why = f"has version {answer}" if told else f"cannot load the job: {answer}"
            raise InputError(f"the Dask worker at {worker} {escaped(why)}", hint=_SAME_VERSION)

    def _nthreads(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self._client.nthreads()
        except OSError as error:
            raise _gone(self._scheduler, error) from error
        return found


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
        workers = _Workers(client, scheduler)
        workers.demand_same_version()
        yield workers
    finally:
        client.close()


def _gone(scheduler: str, error: BaseException) -> AwsError:
    return AwsError(
        f"the Dask scheduler at {quoted(scheduler)} went away ({type(error).__name__})"
    )
