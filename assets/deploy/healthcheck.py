"""Whether the server of a container answers: exit status 0 or 1.

The server is process 1. Without `--http` it speaks over standard input and output, and to be alive is to be healthy.
"""

import sys
import urllib.error
import urllib.request
from pathlib import Path

# Where a server that listens on every address is reached from inside.
_WITHIN = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - nothing listens here


def address(words: list[str]) -> str:
    """The HOST:PORT of `--http`, as seen from inside the container; empty without one."""
    for number, word in enumerate(words):
        if word.startswith("--http="):
            return _from_inside(word.removeprefix("--http="))
        if word == "--http":
            return _from_inside(words[number + 1])
    return ""


def _from_inside(listened: str) -> str:
    host, _, port = listened.rpartition(":")
    return f"{_WITHIN.get(host, host)}:{port}"


def answers(host_and_port: str) -> bool:
    """Whether the server answers at all: one that refuses this request is alive too."""
    # A proxy that the container was given is not on the way to itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host_and_port}/healthz", timeout=4):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500  # noqa: PLR2004 - the server's own failures
    except OSError:
        return False


if __name__ == "__main__":
    command = sys.argv[1:] or Path("/proc/1/cmdline").read_text(encoding="utf-8").split("\0")
    served = address(command)
    sys.exit(0 if not served or answers(served) else 1)
