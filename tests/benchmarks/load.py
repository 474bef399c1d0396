"""A shared server under mixed load: light calls beside heavy ones, each by a user with a token, and what memory is left.

    python -m tests.benchmarks.load [--seconds 30]

Figures are ratios of the same run: the lookup's time at the 95th percentile under load against that of the idle server.
It ends with 1 where a ratio or the memory is above its limit. The callers share the processors with the server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import ROOT, environment, machine, say

sys.path.insert(0, str(ROOT / "tests"))
from helpers.protocol.issuer import AUDIENCE, Issuer, free_port, issuing
from helpers.protocol.over_http import request

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TIMES_SLOWER = 20
MOST_MEGABYTES = 400
IDLE_SECONDS = 5.0
PAUSE = 0.05
ADMIN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
POWER = "arn:aws:iam::aws:policy/PowerUserAccess"
LIGHT: list[tuple[str, dict[str, Any]]] = [
    ("policy", {"action": "lookup", "query": "s3:GetObject"}),
    ("policy", {"action": "lookup", "query": "iam:PassRole"}),
    ("kms", {"action": "guide", "topic": "grants"}),
]
HEAVY: list[tuple[str, dict[str, Any]]] = [
    ("policy", {"action": "compare", "document": POWER, "baseline": ADMIN}),
    ("policy", {"action": "validate", "document": POWER}),
    ("audit", {"action": "report", "demo": True, "format": "html"}),
    ("audit", {"action": "access", "demo": True, "to": "admin"}),
    ("audit", {"action": "rightsize", "demo": True}),
]


@dataclass
class Caller:
    """A user who makes calls one after the other until told to stop."""

    port: int
    token: str
    calls: list[tuple[str, dict[str, Any]]]
    pause: float = 0.0
    seconds: list[float] = field(default_factory=list)
    refused: int = 0

    def run(self, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        number = 0
        while not stop.is_set():
            tool, arguments = self.calls[number % len(self.calls)]
            number += 1
            body, headers = request("tools/call", name=tool, arguments=arguments)
            started = time.monotonic()
            connection.request(
                "POST",
                "/mcp",
                body,
                {
                    **headers,
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                },
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 200 and not answer["result"].get("isError"):
                self.seconds.append(time.monotonic() - started)
            else:
                self.refused += 1
            time.sleep(self.pause)
        connection.close()


def together(seconds: float, *callers: Caller) -> None:
    """Let the callers run for so long."""
    stop = threading.Event()
    threads = [threading.Thread(target=caller.run, args=(stop,)) for caller in callers]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()


@contextmanager
def server() -> Iterator[tuple[int, Issuer, subprocess.Popen[bytes]]]:
    port = free_port()
    with issuing() as issuer, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        env = {**environment(), "AWS_IAM_ALLOW_HTTP_ISSUER": "1"}
        options = ("--auth-issuer", issuer.url, "--auth-audience", AUDIENCE)
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "aws_iam",
                    "serve",
                    "--http",
                    f"127.0.0.1:{port}",
                    *options,
                ],
                env=env,
                stderr=stderr,
            )
            try:
                _await(port)
                yield port, issuer, process
            finally:
                process.terminate()
                process.wait(60)


def _await(port: int) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def megabytes(process: int) -> float:
    """What the server and its processes hold, each shared page counted once among its sharers."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    found = [process, *(int(child) for task in tasks for child in task.read_text().split())]
    total = 0
    for one in found:
        text = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        total += next(
            int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")
        )
    return total / 1024


def percentile(seconds: list[float], of: float) -> float:
    return 1000 * statistics.quantiles(seconds, n=100, method="inclusive")[round(of) - 1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    seconds = parser.parse_args().seconds
    say(machine())
    with server() as (port, issuer, process):

        def caller(name: str, calls: Any, pause: float = 0.0) -> Caller:
            return Caller(port, issuer.token(sub=name), calls, pause)

        # Loads what the first calls load.
        together(1.0, caller("first", LIGHT), caller("second", HEAVY))
        idle = caller("idle", LIGHT, PAUSE)
        together(IDLE_SECONDS, idle)
        before = megabytes(process.pid)
        light = [caller(f"light{n}", LIGHT, PAUSE) for n in range(2)]
        heavy = [caller(f"heavy{n}", HEAVY) for n in range(6)]
        together(seconds, *light, *heavy)
        time.sleep(2)
        after = megabytes(process.pid)
    loaded = [second for one in light for second in one.seconds]
    done = sum(len(one.seconds) for one in heavy)
    refused = sum(one.refused for one in (*light, *heavy))
    ratio = percentile(loaded, 95) / percentile(idle.seconds, 95)
    say(f"lookup, idle:       {len(idle.seconds)} calls, p50 {percentile(idle.seconds, 50):.1f} ms, p95 {percentile(idle.seconds, 95):.1f} ms")  # fmt: skip
    say(f"lookup, under load: {len(loaded)} calls, p50 {percentile(loaded, 50):.1f} ms, p95 {percentile(loaded, 95):.1f} ms")  # fmt: skip
    say(f"p95 under load is {ratio:.1f} times the idle one (at most {MOST_TIMES_SLOWER})")
    say(f"heavy calls: {done} in {seconds:g} s by 6 users, {refused} refused")
    say(f"memory: {before:.0f} MB idle, {after:.0f} MB after the load (at most {MOST_MEGABYTES})")
    return int(ratio > MOST_TIMES_SLOWER or after > MOST_MEGABYTES or not done)


if __name__ == "__main__":
    sys.exit(main())
