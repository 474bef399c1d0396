"""MiniStack on loopback, with IAM policies enforced: an emulator of AWS that evaluates trust policies.

It neither checks signatures nor the end of a token, and of the claims it maps aud, sub and amr alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = "000000000000"
REGION = "us-east-1"
_RUNNING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Its address; it ends with the block."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": "0",
        "IOT_MTLS_ENABLED": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-c", "from ministack.app import main; main()"],
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    said = []
    for line in process.stdout or ():
        said.append(line)
        found = _RUNNING.search(line)
        if found:
            return found[1]
    raise AssertionError("MiniStack did not start:\n" + "".join(said))


def client(url: str, service: str, *, signed: bool = True) -> Any:
    """A client of the emulator's; unsigned as a workload calls STS."""
    retries = {"total_max_attempts": 1}
    config = (
        Config(retries=retries) if signed else Config(signature_version=UNSIGNED, retries=retries)
    )  # type: ignore[arg-type]
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )  # type: ignore[call-overload]
