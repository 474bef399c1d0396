"""The same run on a Dask cluster: two worker processes on loopback, one of them killed on the way."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, LocalCluster

from aws_iam.account.fleet import Door, forget
from aws_iam.answer import Status
from aws_iam.errors import InputError
from aws_iam.modes.audit import tool
from aws_iam.modes.audit_job import Job, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTS = [f"2222333344{number:02}" for number in range(50)]
SHUT = ACCOUNTS[20]
FEW = ["root_mfa", "pw_length_14"]
SERVER = Path(__file__).parents[1] / "estate_server.py"


@pytest.fixture(scope="module", autouse=True)
def _endpoint() -> Iterator[None]:
    """Moto in a process of its own; the workers inherit the way to it."""
    command = [sys.executable, str(SERVER), SHUT]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with (
        subprocess.Popen(command, **pipes, stderr=subprocess.DEVNULL, text=True) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert server.stdout
        assert server.stdin
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ENDPOINT_URL", server.stdout.readline().strip())
        patch.setenv("AWS_REGION", "us-east-1")
        yield
        server.stdin.close()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    forget()


@pytest.fixture
def cluster() -> Iterator[Any]:
    make: Any = LocalCluster
    with make(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
    ) as running:
        yield running


def workers(address: str) -> dict[str, int]:
    connect: Any = Client
    with connect(address, set_as_default=False) as client:
        found: dict[str, int] = client.run(os.getpid)
        return found


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(
    cluster: Any, tmp_path: Path
) -> None:
    out = tmp_path / "r.jsonl"
    before = workers(cluster.scheduler_address)
    assert len(before) == 2
    victim = min(before.values())
    told: list[str] = []

    def watch(done: int, _total: int, text: str) -> None:
        told.append(text)
        if done == 15:
            os.kill(victim, signal.SIGKILL)

    answer = tool.run(
        {
            "accounts": ACCOUNTS,
            "role_arn": "audit",
            "controls": FEW,
            "regions": ["us-east-1"],
            "out": str(out),
            "scheduler": cluster.scheduler_address,
        },
        cli=True,
        progress=watch,
    )
    lines = [json.loads(each) for each in out.read_text().splitlines()[1:]]
    assert sorted(each["account"] for each in lines) == ACCOUNTS
    assert [each["account"] for each in lines if each["status"] != "read"] == [SHUT]
    assert len(told) == 51
    assert answer.facts["accounts"] == {"named": 50, "read": 49, "not_read": 1}
    (root,) = [each for each in answer.findings if each.code == "root_mfa"]
    assert root.status is Status.FAIL
    assert "of 50 accounts: 49 fail, 1 not read" in root.message
    assert victim not in workers(cluster.scheduler_address).values()


def test_a_job_travels_without_a_secret_and_gives_the_same_line_here() -> None:
    job = Job(
        door=Door(account=ACCOUNTS[0], role_arn=f"arn:aws:iam::{ACCOUNTS[0]}:role/audit"),
        regions=("us-east-1",),
        benchmark="7.0",
        controls=("root_mfa",),
    )
    travelled = pickle.dumps(job)
    assert b"test" not in travelled
    assert b"boto" not in travelled
    line = json.loads(run(pickle.loads(travelled)))  # noqa: S301 - just written
    assert (line["account"], line["controls"]) == (ACCOUNTS[0], {"root_mfa": "fail"})


def test_a_worker_of_another_version_is_refused() -> None:
    job = Job(door=Door(account=ACCOUNTS[0]), benchmark="7.0", version="0.0.0")
    with pytest.raises(InputError, match="install the same version on every worker"):
        run(job)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at `tcp://127.0.0.1:1`"),
        ("carrier-pigeon://x", "no Dask scheduler answers at"),
    ],
)
def test_an_address_where_no_scheduler_answers_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setattr("aws_iam.modes.audit_pool._CONNECT_SECONDS", 0.5)
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
