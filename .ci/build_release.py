"""Build what a release consists of: `build_release.py FOLDER [TAG]`. It publishes nothing.

With a tag it refuses what could not be published under it.

FOLDER/index/      wheel and source distribution, for the package index
FOLDER/release/    bundle, SBOM (CycloneDX) of an environment with the wheel, checksums of everything
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
from manifests import NAME, PLACEHOLDER, ROOT, project

from aws_iam.version import __version__

_SBOM_MAKER = "cyclonedx-bom>=7.5,<8"


def build(folder: Path) -> Path:
    """Build everything into the folder, and return the wheel."""
    index, release = folder / "index", folder / "release"
    release.mkdir(parents=True)
    uv("build", "--quiet", "--no-create-gitignore", "--out-dir", index, ROOT)
    (wheel,) = index.glob("*.whl")
    build_bundle.pack(wheel, release)
    with tempfile.TemporaryDirectory() as environment:
        uv("venv", "--quiet", environment)
        python = Path(environment) / "bin/python"
        uv("pip", "install", "--quiet", "--python", python, wheel)
        uv(
            "tool", "run", "--quiet", "--from", _SBOM_MAKER,
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
    """Run uv, which lies beside this Python."""
    program = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([str(program), *map(str, words)], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:  # noqa: PLR2004 - FOLDER and TAG
        require_releasable(sys.argv[2], owner=project().owner)
    build(Path(sys.argv[1]))
    for path in sorted(Path(sys.argv[1]).glob("*/*")):
        print(path)
