"""Pack an MCP Bundle: `build_bundle.py WHEEL FOLDER` writes FOLDER/aws-iam-VERSION.mcpb.

A bundle is a zip file with a manifest. Ours holds the wheel, and uv installs it with what it needs: no file is built for
one platform, and the wheel in it is the one that is published. The same wheel gives the same bytes.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from manifests import NAME, ROOT, manifests, project

from aws_iam.version import __version__

_DEPLOY = "assets/deploy/mcpb"
# The first day that a zip file can name.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(wheel: Path, folder: Path) -> Path:
    """The bundle of the wheel."""
    if wheel.name != project().wheel:
        sys.exit(f"expected the wheel {project().wheel}, not {wheel.name}")
    written = manifests()
    files = {
        "manifest.json": written[f"{_DEPLOY}/manifest.json"].encode(),
        "pyproject.toml": written[f"{_DEPLOY}/pyproject.toml"].encode(),
        "serve.py": (ROOT / _DEPLOY / "serve.py").read_bytes(),
        "README.md": (ROOT / "README.md").read_bytes(),
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        wheel.name: wheel.read_bytes(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"{NAME}-{__version__}.mcpb"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return bundle


def read(bundle: Path) -> dict[str, bytes]:
    """The files of a bundle by name."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


if __name__ == "__main__":
    print(pack(Path(sys.argv[1]), Path(sys.argv[2])))
