"""Build the image with buildah where it runs, and use it as no one in particular on a file system that nobody can write.

Nothing is pulled: a Debian with Python, made by mmdebstrap, stands in for the base image, under its tag and without its
digest. Needs root.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from check_wheel import ROOT, TOOLS, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BASE = "docker.io/library/python:3.13-slim-trixie"
_USER = "65532:65532"
# What pip reads outside the image: the settings and certificates of whoever builds it.
_MOUNTED = ("/etc/pip.conf", "/etc/ssl/certs")
_SHELLS = ("sh", "bash", "dash")


def main() -> None:
    """Build and use the image, or say why that is not possible here."""
    where = f"{os.environ['PATH']}:/usr/lib/podman"
    needed = ("buildah", "netavark", "mmdebstrap")
    missing = [name for name in needed if shutil.which(name, path=where) is None]
    missing += ["root"] * (os.geteuid() != 0)
    if missing:
        print(f"image: not built: needs {' and '.join(missing)}")
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        buildah = Buildah(work)
        if not buildah.runs():
            print("image: not built: buildah cannot run a command here")
            return
        buildah.build()
        with_read_only_files(buildah.mounted("localhost/aws-iam"), work)


class Buildah:
    """buildah with a store of its own, without a daemon and without namespaces that a sandbox may refuse."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._base = work / "base.tar"
        self._store = (
            "--storage-driver", "vfs", "--root", work / "store", "--runroot", work / "run",
        )  # fmt: skip

    def _run(self, *words: object) -> str:
        command = ["buildah", *map(str, self._store), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()

    @staticmethod
    def _limits() -> Iterator[str]:
        """Those of this process: to raise them, as buildah would, needs more rights."""
        for name, of in (("nproc", resource.RLIMIT_NPROC), ("nofile", resource.RLIMIT_NOFILE)):
            _, most = resource.getrlimit(of)
            yield from ("--ulimit", f"{name}={most}:{most}")

    def runs(self) -> bool:
        """Whether it can put the base together and run a command in it."""
        made = ["mmdebstrap", "--quiet", "--variant=minbase"]
        made.append("--include=python3,python3-venv,python3-pip,ca-certificates")
        made.append('--customize-hook=ln -s python3 "$1/usr/bin/python"')
        subprocess.run([*made, "trixie", self._base], check=True)
        container = self._run("from", *self._limits(), "scratch")
        root = self._run("mount", container)
        # The devices are those of whoever runs it.
        subprocess.run(["tar", "-xf", self._base, "-C", root, "--exclude", "./dev/*"], check=True)
        self._run("umount", container)
        self._run("commit", "--quiet", container, BASE)
        words = ["buildah", *map(str, self._store), "run", "--isolation", "chroot", container]
        done = subprocess.run([*words, "--", "true"], capture_output=True, check=False)
        return done.returncode == 0

    def build(self) -> None:
        """The image of the Dockerfile."""
        volumes = [
            word
            for path in _MOUNTED
            if Path(path).exists()
            for word in ("--volume", f"{path}:{path}:ro")
        ]
        by_tag = self._work / "Dockerfile"
        pinned = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        by_tag.write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", pinned), encoding="utf-8")
        self._run(
            "build", "--pull=never", "--isolation", "chroot", "--format", "docker", "--file", by_tag,
            *self._limits(), *volumes, "--tag", "localhost/aws-iam", ROOT,
        )  # fmt: skip

    def mounted(self, image: str) -> str:
        """The folder with the files of an image."""
        return self._run("mount", self._run("from", "--pull=never", image))


def with_read_only_files(root: str, work: Path) -> None:
    """List the tools over standard input and output, audit the demonstration account, and ask for health over HTTP."""
    script = work / "in-image"
    script.write_text(
        "#!/bin/sh\n"
        f'mount --bind "{root}" "{root}" && mount --rbind /dev "{root}/dev" || exit 1\n'
        # The base has a shell; nothing of ours may need it.
        f"for shell in {' '.join(_SHELLS)}; do\n"
        f'  [ ! -e "{root}/usr/bin/$shell" ] || mount --bind /dev/null "{root}/usr/bin/$shell" || exit 1\n'
        "done\n"
        f'mount -o remount,ro,bind "{root}" || exit 1\n'
        f'exec chroot --userspec={_USER} "{root}" /usr/bin/env -i PATH=/opt/aws-iam/bin:/usr/bin '
        'HOME=/home/aws-iam PYTHONDONTWRITEBYTECODE=1 "$@"\n'
    )
    inside = ["unshare", "--mount", "sh", str(script)]
    for refused in (
        ["touch", "/opt/aws-iam/x"],
        ["sh", "-c", "true"],
        ["python", "-m", "pip", "--version"],
    ):
        if subprocess.run([*inside, *refused], capture_output=True, check=False).returncode == 0:
            sys.exit(f"image: `{' '.join(refused)}` succeeds")
    names = asyncio.run(listed([*inside, "aws-iam-mcp"], work, "auto"))
    if names != TOOLS:
        sys.exit(f"image: expected {TOOLS}, got {names}")
    audit = subprocess.run(
        [*inside, "aws-iam", "audit", "run", "--demo"], capture_output=True, text=True, check=False
    )
    # 1: it found something.
    if audit.returncode != 1:
        sys.exit(f"image: audit run --demo: {audit.returncode}\n{audit.stdout}{audit.stderr}")
    is_healthy_while_it_serves(inside)
    print(f"image, user {_USER}, files read-only, without a shell: {', '.join(names)}")


def is_healthy_while_it_serves(inside: Sequence[str]) -> None:
    """The health check, as in the image, says so of a server over HTTP, and not of one that is gone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        served = f"127.0.0.1:{free.getsockname()[1]}"
    words = ["aws-iam-mcp", "--http", served]
    check = [*inside, "python", "/opt/aws-iam/healthcheck.py", *words]
    with subprocess.Popen([*inside, *words], stderr=subprocess.PIPE, text=True) as server:
        for _ in range(40):
            healthy = subprocess.run(check, check=False).returncode == 0
            if healthy or server.poll() is not None:
                break
            time.sleep(0.5)
        server.terminate()
        _, said = server.communicate(timeout=30)
    if not healthy:
        sys.exit(f"image: not healthy while it serves: {said}")
    if subprocess.run(check, check=False).returncode == 0:
        sys.exit("image: healthy without a server")


if __name__ == "__main__":
    main()
