"""The same run on a Dask cluster: two worker processes on loopback, one of them killed on the way."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dask
import pytest
from distributed import Client, LocalCluster

from aws_iam.account.reading.many_accounts import AccountRole
from aws_iam.answer import Status
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.fleet.job import Job, run_job
from helpers.caller import calls_to
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aws_iam.answer import Answer

pytestmark = pytest.mark.dask

ACCOUNTS = [f"2222333344{number:02}" for number in range(30)]
SHUT = ACCOUNTS[20]
FEW = ["root_mfa", "pw_length_14"]
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "secret-for-this-test"}


@pytest.fixture(scope="module", autouse=True)
def _endpoint() -> Iterator[None]:
    """Moto in a process of its own; the workers inherit the way to it."""
    command = [sys.executable, "-m", "helpers.estate_server", SHUT]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with (
        subprocess.Popen(
            command, cwd=TESTS, **pipes, stderr=subprocess.DEVNULL, text=True
        ) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert server.stdout
        assert server.stdin
        files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
        url = server.stdout.readline().strip()
        calls_to(url, patch, AWS_REGION="us-east-1", **files, **KEYS)
        yield
        server.stdin.close()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    make: Any = LocalCluster
    # The workers, and those that replace them, part from one process that has loaded Dask.
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        make(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as running,
    ):
        yield running


@contextmanager
def inside(cluster: Any) -> Iterator[Any]:
    """A client of the test's own."""
    connect: Any = Client
    with connect(cluster.scheduler_address, set_as_default=False) as client:
        yield client


def audited(
    cluster: Any, progress: Callable[[int, int, str], Any] = lambda *_: None, **arguments: Any
) -> Answer:
    given = {"accounts": ACCOUNTS, "role_arn": "audit", "controls": FEW, "regions": ["us-east-1"]}
    given["scheduler"] = cluster.scheduler_address
    return tool.run(given | arguments, cli=True, progress=progress)


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(
    cluster: Any, tmp_path: Path
) -> None:
    out = tmp_path / "r.jsonl"
    with inside(cluster) as client:
        before = client.run(os.getpid)
    assert len(before) == 2
    victim = min(before.values())
    told: list[str] = []

    def watch(done: int, _total: int, text: str) -> None:
        told.append(text)
        if done == 15:
            os.kill(victim, signal.SIGKILL)

    answer = audited(cluster, watch, out=str(out))
    lines = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    assert sorted(line["account"] for line in lines) == ACCOUNTS
    assert [line["account"] for line in lines if line["status"] != "read"] == [SHUT]
    assert len(told) == 31
    assert answer.facts["accounts"] == {"named": 30, "read": 29, "not_read": 1}
    (root,) = [finding for finding in answer.findings if finding.code == "root_mfa"]
    assert root.status is Status.FAIL
    assert "of 30 accounts: 29 fail, 1 not read" in root.message
    with inside(cluster) as client:
        assert victim not in client.run(os.getpid).values()


@pytest.mark.parametrize(
    ("change", "undo", "words"),
    [
        (
            "jobs.__version__ = '0.0.0'",
            "jobs.__version__ = aws_iam.__version__",
            r"worker at tcp://127.0.0.1:\d+ has version 0.0.0; install",
        ),
        (
            "sys.modules[name] = None",
            "del sys.modules[name]",
            r"worker at tcp://127.0.0.1:\d+ cannot load the job: .*Error",
        ),
    ],
)
def test_a_worker_that_cannot_do_the_job_is_named_before_any_account_is_read(
    cluster: Any, change: str, undo: str, words: str
) -> None:
    head = "import sys, aws_iam; name = 'aws_iam.tools.audit.fleet.job'; jobs = sys.modules.get(name); "
    with inside(cluster) as client:
        client.wait_for_workers(2)
        one = min(client.nthreads())
        client.run(exec, f"import aws_iam.tools.audit.fleet.job; {head}{change}", workers=[one])
        with pytest.raises(InputError, match=words):
            audited(cluster)
        client.run(exec, head + undo, workers=[one])


def test_a_cluster_that_loses_its_last_worker_ends_the_run(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.jsonl"
    monkeypatch.setattr("aws_iam.tools.audit.fleet.workers._SILENCE_SECONDS", 0.5)

    def watch(done: int, _total: int, _text: str) -> None:
        if done == 5:
            cluster.scale(0)

    with pytest.raises(AwsError, match=r"has no worker left; \d+ of 30 accounts were done"):
        audited(cluster, watch, out=str(out))
    assert len(out.read_text().splitlines()) > 5


def test_a_job_travels_without_a_secret_and_gives_the_same_line_here() -> None:
    role = f"arn:aws:iam::{ACCOUNTS[0]}:role/audit"
    job = Job(
        door=AccountRole(account=ACCOUNTS[0], role_arn=role, external_id="external-for-this-test"),
        run="this",
        regions=("us-east-1",),
        benchmark="7.0",
        controls=("root_mfa",),
    )
    travelled = pickle.dumps(job)
    assert b"secret-for-this-test" not in travelled
    assert b"boto" not in travelled
    # Dask shows and logs a job as its text.
    assert "external-for-this-test" not in repr(job)
    line = json.loads(run_job(pickle.loads(travelled)))  # noqa: S301 - just written
    assert (line["account"], line["controls"]) == (ACCOUNTS[0], {"root_mfa": "fail"})


def test_a_worker_of_another_version_is_refused() -> None:
    job = Job(door=AccountRole(account=ACCOUNTS[0]), run="this", benchmark="7.0", version="0.0.0")
    with pytest.raises(InputError, match="install the same version on every worker"):
        run_job(job)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at `tcp://127.0.0.1:1`"),
        ("carrier-pigeon://127.0.0.1", "no Dask scheduler answers at"),
        ("tls://192.0.2.1:8786", "no certificate to show"),
        ("tcp://192.0.2.1:8786", "reached without TLS"),
        ("192.0.2.1:8786", "reached without TLS"),
        ("ws://scheduler.example:8786", "reached without TLS"),
        ("tcp://127.0.0.1.example:8786", "reached without TLS"),
        ("tcp://[2001:db8::1]:8786", "--plain-scheduler"),
    ],
)
def test_an_address_where_no_scheduler_answers_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setattr("aws_iam.tools.audit.fleet.workers._CONNECT_SECONDS", 0.5)
    with pytest.raises(InputError, match=words):
        tool.run({"accounts": ACCOUNTS[:1], "role_arn": "audit", "scheduler": address}, cli=True)


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'aws-iam-mcp\[dask\]'"):
        tool.run(
            {"accounts": ACCOUNTS[:1], "role_arn": "audit", "scheduler": "tcp://127.0.0.1:1"},
            cli=True,
        )
