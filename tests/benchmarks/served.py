"""An account behind an address, for benchmarks: the estate of the tests in a process of its own, and what a command costs on it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from tests.benchmarks.measure import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

REGIONS = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
]
"""The Regions that every account has enabled: 17."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds on the clock, of the processor, megabytes at most, calls to AWS."""

    wall: float
    cpu: float
    memory: float
    calls: int
    status: int


class Served:
    """The server, and the environment that leads to it."""

    def __init__(self, url: str, certificate: str) -> None:
        self.url = url
        self._certificate = certificate
        self.environment = environment() | {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CA_BUNDLE": certificate,
        }
        if not certificate:
            del self.environment["AWS_CA_BUNDLE"]

    def cost(self, command: Sequence[str], folder: Path, **more: str) -> Cost:
        """Run the command there and measure it."""
        before = self.calls()
        begun = time.perf_counter()
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, env=self.environment | more, cwd=folder, stdout=output, stderr=output
            )
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        # Linux counts kilobytes, macOS bytes.
        unit = 1024 if sys.platform != "darwin" else 1
        return Cost(
            wall=time.perf_counter() - begun,
            cpu=used.ru_utime + used.ru_stime,
            memory=used.ru_maxrss * unit / 1e6,
            calls=self.calls() - before,
            status=process.returncode,
        )

    def calls(self) -> int:
        """How many calls it has answered."""
        trusted = ssl.create_default_context(cafile=self._certificate or None)
        with urllib.request.urlopen(f"{self.url}/calls", context=trusted) as answer:  # noqa: S310 - our own server
            counted: Mapping[str, int] = json.load(answer)
        return sum(counted.values())

    def furnish(self) -> None:
        """Some of everything that an audit looks at, in the account that answers without a role."""
        session = boto3.Session("test", "test", region_name="us-east-1")

        def client(service: str, region: str = "us-east-1") -> Any:
            make: Any = session.client
            verify = self._certificate or None
            return make(service, region_name=region, endpoint_url=self.url, verify=verify)

        for number in range(5):
            client("iam").create_user(UserName=f"user-{number}")
            client("iam").create_access_key(UserName=f"user-{number}")
            client("s3").create_bucket(Bucket=f"bucket-{number}")
        client("cloudtrail").create_trail(
            Name="main", S3BucketName="bucket-0", IsMultiRegionTrail=True
        )
        client("cloudtrail").start_logging(Name="main")
        for region in REGIONS[:2]:
            client("kms", region).create_key()
            client("ec2", region).create_security_group(GroupName="open", Description="open")
        client("iam").update_account_password_policy(MinimumPasswordLength=8)


@contextmanager
def served(certificate: str = "") -> Iterator[Served]:
    """The server, until the block ends; over TLS with the file of a certificate and its key."""
    command = [sys.executable, "-m", "helpers.estate_server"]
    command += ["--certificate", certificate] if certificate else []
    with subprocess.Popen(
        command,
        cwd=ROOT / "tests",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        yield Served(process.stdout.readline().strip(), certificate)
        process.stdin.close()
