"""Spawn to `tools/list`: aws-iam beside the least server that the SDK allows, and what the start imports.

python -m tests.benchmarks.startup [RUNS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.measure import ROOT, against, environment, machine, say, spread

OURS = ("-m", "aws_iam", "serve")
# A benchmark beside it has the name of a standard module: `-P` keeps their folder out of the path.
MINIMAL = (
    "-P",
    str(Path(__file__).with_name("minimal_server.py")),
)
MOST_RATIO = 1.25
MOST_BYTES = 16_384
FORBIDDEN = ("boto3", "botocore", "moto", "jsonschema", "httpx", "networkx")

_HANDSHAKE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}
_STAMP = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start: until the list was there, its size on the line, and the memory held then."""

    milliseconds: float
    line_bytes: int
    tools: int
    megabytes: float | None
    errors: str


def start(server: tuple[str, ...], *, modern: bool, options: tuple[str, ...] = ()) -> Start:
    """Spawn the server, ask for its tools in one of the protocol eras, and let it end."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *options, *server],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("the pipes were asked for")
        line = _asked(process.stdin, process.stdout, modern=modern)
        took = (time.perf_counter() - begun) * 1000
        memory = _resident(process.pid)
        process.stdin.close()
        errors = process.stderr.read().decode(errors="replace")
    if not line:
        raise SystemExit(f"{' '.join(server)} ended before it answered:\n{errors[-2000:]}")
    answer = json.loads(line)
    return Start(
        milliseconds=took,
        line_bytes=len(line),
        tools=len(answer["result"]["tools"]),
        megabytes=memory,
        errors=errors,
    )


def _asked(stdin: IO[bytes], stdout: IO[bytes], *, modern: bool) -> bytes:
    """The response line to `tools/list`: asked at once in the modern era, after a handshake before."""
    if modern:
        _send(stdin, {"id": 1, "method": "tools/list", "params": {"_meta": _STAMP}})
        return stdout.readline()
    _send(stdin, {"id": 0, "method": "initialize", "params": _HANDSHAKE})
    if not stdout.readline():
        return b""
    _send(stdin, {"method": "notifications/initialized"})
    _send(stdin, {"id": 1, "method": "tools/list", "params": {}})
    return stdout.readline()


def _send(stdin: IO[bytes], message: dict[str, Any]) -> None:
    stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    stdin.flush()


def _resident(pid: int) -> float | None:
    """Megabytes that the process holds; None where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    lines = status.read_text(encoding="utf-8").splitlines()
    # One that has ended holds nothing.
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmRSS:")), None)
    return int(kilobytes) / 1024 if kilobytes else None


def imported(errors: str) -> set[str]:
    """The top-level packages that a start under `-X importtime` loaded."""
    rows = [line for line in errors.splitlines() if line.startswith("import time:")]
    return {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}


def main() -> None:
    """Both servers by turns, so that a busy machine slows both."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    say(machine())
    start(OURS, modern=False), start(MINIMAL, modern=False)
    pairs = [(start(OURS, modern=False), start(MINIMAL, modern=False)) for _ in range(runs)]
    ours, minimal = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    say(f"aws-iam  spawn to tools/list: {spread([s.milliseconds for s in ours], 'ms')}")
    say(f"minimal  spawn to tools/list: {spread([s.milliseconds for s in minimal], 'ms')}")
    ratio = statistics.median(a.milliseconds / b.milliseconds for a, b in pairs)
    against("ratio, median of the pairs", ratio, MOST_RATIO, "x")
    for name, starts in (("aws-iam", ours), ("minimal", minimal)):
        held = [s.megabytes for s in starts if s.megabytes is not None]
        say(f"{name}  memory after tools/list: {spread(held, 'MB') if held else 'not known here'}")
    for modern in (False, True):
        era = "2026-07-28" if modern else "2025-11-25"
        one = start(OURS, modern=modern)
        against(f"tools/list of {one.tools} tools, {era}", one.line_bytes, MOST_BYTES, "bytes")
    loaded = imported(start(OURS, modern=False, options=("-X", "importtime")).errors)
    found = [name for name in FORBIDDEN if name in loaded]
    say(f"imported by then, of {', '.join(FORBIDDEN)}: {', '.join(found) or 'none'}")


if __name__ == "__main__":
    main()
