"""Build the image with buildah where it runs, and use it as no one in particular on a file system that nobody can write.

Nothing is pulled: a Debian with Python, made by mmdebstrap, stands in for the base image, under its tag. Needs root.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from check_wheel import ROOT, TOOLS, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "docker.io/library/python:3.13-slim-trixie"
_USER = "65532:65532"
# What pip reads outside the image: the settings and certificates of whoever builds it.
_MOUNTED = ("/etc/pip.conf", "/etc/ssl/certs")


def main() -> None:
    """Build and use the image, or say why that is not possible here."""
    missing = [name for name in ("buildah", "mmdebstrap") if shutil.which(name) is None]
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
        self._run(
            "build", "--pull=never", "--isolation", "chroot", "--format", "docker",
            *self._limits(), *volumes, "--tag", "localhost/aws-iam", ROOT,
        )  # fmt: skip

    def mounted(self, image: str) -> str:
        """The folder with the files of an image."""
        return self._run("mount", self._run("from", "--pull=never", image))


def with_read_only_files(root: str, work: Path) -> None:
    """List the tools over standard input and output, and audit the demonstration account."""
    script = work / "in-image"
    script.write_text(
        "#!/bin/sh\n"
        f'mount --bind "{root}" "{root}" && mount --rbind /dev "{root}/dev" || exit 1\n'
        f'mount -o remount,ro,bind "{root}" || exit 1\n'
        f'exec chroot --userspec={_USER} "{root}" /usr/bin/env -i PATH=/opt/aws-iam/bin:/usr/bin '
        'HOME=/home/aws-iam PYTHONDONTWRITEBYTECODE=1 "$@"\n'
    )
    inside = ["unshare", "--mount", "sh", str(script)]
    written = subprocess.run(
        [*inside, "touch", "/opt/aws-iam/x"], capture_output=True, check=False
    )
    if written.returncode == 0:
        sys.exit("image: its files can be written")
    names = asyncio.run(listed([*inside, "aws-iam-mcp"], work, "auto"))
    if names != TOOLS:
        sys.exit(f"image: expected {TOOLS}, got {names}")
    audit = subprocess.run(
        [*inside, "aws-iam", "audit", "run", "--demo"], capture_output=True, text=True, check=False
    )
    # 1: it found something.
    if audit.returncode != 1:
        sys.exit(f"image: audit run --demo: {audit.returncode}\n{audit.stdout}{audit.stderr}")
    print(f"image, user {_USER}, files read-only: {', '.join(names)}")


if __name__ == "__main__":
    main()
