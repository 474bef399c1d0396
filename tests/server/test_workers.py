"""Work over MCP can be stopped: calls run in processes that end when their client cancels or leaves, or when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.session.permitted import Permitted
from aws_iam.errors import AwsIamError
from aws_iam.server import workers
from aws_iam.server.tool_calls import reads_account
from aws_iam.server.worker_process import HEADER, Call, run_call
from aws_iam.server.workers import WorkerFailedError, Workers, in_a_thread
from helpers.estate_server import estate
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Started = Callable[[], list[int]]

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc"),
]

ADMIN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
}
NEEDS = {"action": "generate", "needs": [{"read": "arn:aws:s3:::example-bucket"}]}
CALLS = [
    ("policy", {"action": "validate", "document": ADMIN}),
    ("policy", {"action": "compare", "document": ADMIN, "baseline": READ}),
    ("policy", {"action": "explain", "document": READ}),
    ("policy", NEEDS),
    ("secrets", {"action": "check", "demo": True}),
    ("kms", {"action": "check", "demo": True}),
    ("irsa", {"action": "check", "demo": True}),
    ("audit", {"demo": True}),
    ("audit", {"action": "report", "demo": True, "format": "sarif"}),
    ("audit", {"action": "access", "demo": True, "to": "admin"}),
    ("audit", {"action": "rightsize", "demo": True}),
]


@pytest.fixture
def started() -> Started:
    """Gives the processes that a test started: servers of other tests may run beside them."""
    others = children(os.getpid())
    return lambda: [process for process in children(os.getpid()) if process not in others]


def silent(_done: int, _total: int, _text: str) -> None:
    """Report no progress."""


def call_of(tool: str, arguments: dict[str, Any], processor_seconds: float = 0.0) -> Call:
    return Call(
        tool=tool,
        arguments=arguments,
        permitted=Permitted(),
        processor_seconds=processor_seconds,
    )


def test_an_answer_is_the_same_from_a_process() -> None:
    async def both() -> None:
        async with Workers(1) as pool:
            for tool, arguments in CALLS:
                call = call_of(tool, arguments)
                here = await in_a_thread(call, silent, longest=60)
                assert await pool(call, silent, longest=60) == here, (tool, arguments)

    asyncio.run(both())


@pytest.fixture
def _readable_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with estate() as aws:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        yield


ONE_CONTROL = {"regions": ["us-east-1"], "controls": ["root_mfa", "alarm_root_use"]}


@pytest.mark.usefixtures("_readable_account")
def test_progress_comes_out_of_a_process() -> None:
    steps: list[tuple[int, int]] = []

    async def run() -> None:
        async with Workers(1) as pool:
            await pool(
                call_of("audit", ONE_CONTROL),
                lambda done, total, _text: steps.append((done, total)),
                longest=60,
            )

    asyncio.run(run())
    assert len(steps) > 1
    assert any(done == total for done, total in steps)


def test_a_call_has_so_much_processor_time_and_its_process_serves_no_other(
    started: Started,
) -> None:
    async def run() -> None:
        async with Workers(1) as pool:
            assert await pool(call_of(*CALLS[0]), silent, longest=60)
            (process,) = started()
            with pytest.raises(AwsIamError, match="processor time"):
                await pool(call_of("audit", {"demo": True}, 0.01), silent, longest=60)
            assert process not in started()
            assert await pool(call_of(*CALLS[0], 30.0), silent, longest=60)

    asyncio.run(run())


def test_a_process_whose_call_was_broken_off_answers_no_other(started: Started) -> None:
    async def run() -> None:
        async with Workers(1) as pool:
            with pytest.raises(AwsIamError, match="is not the ARN of a role"):
                await pool(call_of("audit", {"role_arn": "x"}), silent, longest=60)
            (process,) = started()
            with pytest.raises(AwsIamError, match="processor time"):
                await pool(call_of("audit", {"demo": True}, 0.01), silent, longest=60)
            assert process not in started()

    asyncio.run(run())


def test_a_refused_call_leaves_no_large_process_behind(
    monkeypatch: pytest.MonkeyPatch, started: Started
) -> None:
    monkeypatch.setattr(workers, "_MEMORY_TO_KEEP", 1)

    async def run() -> None:
        async with Workers(1) as pool:
            with pytest.raises(AwsIamError, match="is not the ARN of a role"):
                await pool(call_of("audit", {"role_arn": "x"}), silent, longest=60)
            assert not started()

    asyncio.run(run())


def test_the_collector_does_not_walk_the_service_data_again_and_again() -> None:
    script = """
import gc
from aws_iam.account.session.permitted import Permitted
from aws_iam.server.worker_process import Call, run_call, spare_collector

everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
call = Call(tool="policy", arguments={"action": "explain", "document": everything}, permitted=Permitted())
for _ in range(3):
    run_call(call, lambda *_: None)
    spare_collector()
    print(gc.get_freeze_count() > 70_000, len(gc.get_objects()) < 20_000)
class Pair: pass
held = [Pair() for _ in range(30_000)]
one, other = Pair(), Pair()
one.other, other.one = other, one
spare_collector()
del one, other
held.extend(Pair() for _ in range(30_000))
spare_collector()
held.clear()
gc.unfreeze()
print(sum(isinstance(own, Pair) for own in gc.get_objects()))
"""
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "server",
    )
    # What was left out is freed when nothing holds it, in pairs that hold each other too.
    assert said.stdout.split("\n")[:-1] == ["True True"] * 3 + ["0"]


# A text in which every pattern has something to find, as long as a message may be.
LONG = "a-b_c. " * 550_000
LIGHT = [
    ({"action": LONG}, "policy"),
    ({"action": "lookup", LONG: 1}, "policy"),
    ({"action": "lookup", **{f"name{number}": 1 for number in range(100_000)}}, "policy"),
    ({f"name{number}": 1 for number in range(100_000)}, "audit"),
    ({"action": "guide", "topic": LONG}, "irsa"),
    ({"action": "run", "demo": LONG}, "audit"),
]


@pytest.mark.parametrize(("arguments", "tool"), LIGHT)
def test_names_of_any_length_and_number_are_read_at_once(
    arguments: dict[str, Any], tool: str
) -> None:
    with suppress(AwsIamError):
        run_call(call_of(tool, {"action": "guide"}), silent)  # what is read once
    before = time.process_time()
    with suppress(AwsIamError):
        assert not reads_account(tool, arguments)
        run_call(call_of(tool, arguments), silent)
    assert time.process_time() - before < 0.5


def test_a_call_that_waits_too_long_is_ended_with_its_process(started: Started) -> None:
    async def run() -> None:
        async with Workers(1) as pool:
            assert await pool(call_of(*CALLS[0]), silent, longest=60)
            (process,) = started()
            with pytest.raises(AwsIamError, match="took longer than"):
                await pool(call_of("audit", {"demo": True}), silent, longest=0.0)
            assert process not in started()

    asyncio.run(run())


@pytest.mark.usefixtures("_readable_account")
def test_a_process_that_the_system_ends_costs_one_call(started: Started) -> None:
    async def run() -> None:
        async with Workers(1) as pool:
            assert await pool(call_of(*CALLS[0]), silent, longest=60)

            def end(_done: int, _total: int, _text: str) -> None:
                for process in started():
                    os.kill(process, signal.SIGKILL)

            with pytest.raises(WorkerFailedError):
                await pool(call_of("audit", ONE_CONTROL), end, longest=60)
            assert await pool(call_of(*CALLS[0]), silent, longest=60)

    asyncio.run(run())


def test_more_calls_than_can_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_WAITING", 2)

    async def run() -> list[Any]:
        async with Workers(1) as pool:
            tasks = [pool(call_of(*CALLS[0], 30.0), silent, longest=60) for _ in range(6)]
            return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = asyncio.run(run())
    refused = [one for one in outcomes if isinstance(one, AwsIamError)]
    assert len(refused) == 3
    assert "busy" in str(refused[0])
    assert "call again" in str(refused[0])


@contextmanager
def hanging_aws() -> Iterator[str]:
    """An endpoint that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class Server:
    """A server over standard input and output whose AWS hangs."""

    def __init__(self, aws: str, *options: str) -> None:
        environment = {
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "PYTHONPATH": str(ROOT / "server"),
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": aws,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aws_iam", "serve", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.send("initialize", 0, protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"})  # fmt: skip
        self.answer()
        self.notify("notifications/initialized")

    def send(self, method: str, number: int, **params: Any) -> None:
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def notify(self, method: str, **params: Any) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def call(self, number: int, tool: str, **arguments: Any) -> None:
        self.send("tools/call", number, name=tool, arguments=arguments)

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def worker(self) -> int:
        """The process that runs a call, once there is one."""
        until = time.monotonic() + 60
        while not (found := children(self.process.pid)):
            assert time.monotonic() < until
            time.sleep(0.02)
        return found[0]

    def end(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()


@contextmanager
def server_with_hanging_aws(*options: str) -> Iterator[Server]:
    with hanging_aws() as aws:
        server = Server(aws, *options)
        try:
            yield server
        finally:
            server.end()


def children(process: int) -> list[int]:
    while True:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        try:
            found = [(task / "children").read_text() for task in tasks]
        except FileNotFoundError:
            # A thread ended meanwhile, and another one has its children now.
            continue
        return sorted({int(child) for line in found for child in line.split()})


def is_gone(process: int) -> bool:
    """Whether the process ends within a minute; it ends in a moment or never."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:
            return True
        if state.split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_cancelling_ends_the_process_and_the_server_goes_on() -> None:
    with server_with_hanging_aws() as server:
        server.call(1, "audit", regions=["us-east-1"])
        worker = server.worker()
        server.notify("notifications/cancelled", requestId=1)
        assert is_gone(worker)
        server.call(2, "policy", action="lookup", query="s3:GetObject")
        assert server.answer()["id"] == 2


def test_what_is_long_is_read_in_a_process_whatever_the_action() -> None:
    with server_with_hanging_aws() as server:
        server.call(1, "audit", action="control", id="root_mfa")
        assert server.answer()["id"] == 1
        assert not children(server.process.pid)
        server.call(2, "audit", action="control", id=LONG)
        assert server.worker()
        server.call(3, "policy", action="lookup", query="s3:GetObject")
        assert server.answer()["id"] == 3


def test_the_end_of_the_input_ends_everything() -> None:
    with server_with_hanging_aws() as server:
        server.call(1, "audit", regions=["us-east-1"])
        worker = server.worker()
        assert server.process.stdin
        server.process.stdin.close()
        server.process.wait(60)
        assert is_gone(worker)


def test_a_server_that_is_killed_leaves_no_process_behind() -> None:
    with server_with_hanging_aws() as server:
        server.call(1, "audit", regions=["us-east-1"])
        worker = server.worker()
        server.process.kill()
        assert is_gone(worker)


def test_what_waits_for_aws_leaves_room_for_documents() -> None:
    """Two audits of an AWS that hangs, as many as there are processors, and a policy beside them."""
    with server_with_hanging_aws() as server:
        for number in range(max(2, os.cpu_count() or 1)):
            server.call(number + 1, "audit", regions=["us-east-1"])
        server.worker()
        server.call(99, "policy", action="validate", document=ADMIN)
        assert server.answer()["id"] == 99


@pytest.mark.parametrize("sent", [b"", b"\0\0", HEADER.pack(100), HEADER.pack(100) + b"\x80\x05"])
def test_a_server_that_ends_within_a_message_leaves_no_process_behind(sent: bytes) -> None:
    program = "from aws_iam.server.worker_process import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT / "server")},
    ) as worker:
        assert worker.stdin
        worker.stdin.write(sent)
        worker.stdin.close()
        try:
            assert worker.wait(60) == 0
        finally:
            worker.kill()
