"""Build what a release consists of: `build_release.py FOLDER [TAG]`. It publishes nothing.

With a tag it refuses what could not be published under it.

FOLDER/index/      wheel and source distribution, for the package index
FOLDER/release/    bundle, SBOM (CycloneDX) of the locked environment with the wheel, checksums of everything
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import build_bundle
from lock import FOLDER as LOCKS
from manifests import NAME, PLACEHOLDER, ROOT, project

from aws_iam.version import __version__

# The build happens with nothing else than what is locked.
_LOCKED_BUILD = ("--build-constraints", LOCKS / "build.txt", "--require-hashes")


def build(folder: Path) -> Path:
    """Build everything into the folder, and return the wheel."""
    index, release = folder / "index", folder / "release"
    release.mkdir(parents=True)
    uv("build", "--quiet", "--no-create-gitignore", *_LOCKED_BUILD, "--out-dir", index, ROOT)
    (wheel,) = index.glob("*.whl")
    build_bundle.pack(wheel, release)
    with tempfile.TemporaryDirectory() as environment:
        uv("venv", "--quiet", environment)
        python = Path(environment) / "bin/python"
        into = ("pip", "install", "--quiet", "--python", python)
        uv(*into, "--require-hashes", "--requirements", LOCKS / "run.txt")
        uv(*into, "--no-deps", wheel)
        run(
            "cyclonedx-py", "environment", python,
            "--pyproject", ROOT / "pyproject.toml", "--output-reproducible", "--short-PURLs",
            "--output-file", release / f"{NAME}-{__version__}.cdx.json",
        )  # fmt: skip
    name_the_version(release / f"{NAME}-{__version__}.cdx.json")
    files = sorted([*index.iterdir(), *release.iterdir()], key=lambda path: path.name)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (release / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return wheel


def require_releasable(tag: str, *, owner: str) -> None:
    """Stop unless the tag is the version, and somebody owns the names in the manifests."""
    if owner == PLACEHOLDER:
        sys.exit("nobody owns the names yet: set `owner` in pyproject.toml, then `make docs`")
    if tag != f"v{__version__}":
        sys.exit(f"the tag of this version is v{__version__}, not {tag}")


def name_the_version(sbom: Path) -> None:
    """The maker reads pyproject.toml, which leaves the version to `version.py`."""
    content = json.loads(sbom.read_text(encoding="utf-8"))
    content["metadata"]["component"]["version"] = __version__
    sbom.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def uv(*words: object) -> None:
    """Run uv."""
    run("uv", *words)


def run(program: str, *words: object) -> None:
    """Run a program that lies beside this Python."""
    subprocess.run(
        [str(Path(sysconfig.get_path("scripts")) / program), *map(str, words)], check=True
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004 - FOLDER and TAG
        require_releasable(sys.argv[2], owner=project().owner)
    build(Path(sys.argv[1]))
    for path in sorted(Path(sys.argv[1]).glob("*/*")):
        print(path)
