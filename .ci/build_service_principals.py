"""Build assets/data/service-principals.json from what AWS itself has published; `--check` only compares.

`seen` are the service principals in AWS's managed policies (as moto ships them), without `.amazonaws.com`. `names` are
further names of services, from botocore: whoever is called so may be a principal, too, so it is no misspelling.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import botocore
from moto.iam.aws_managed_policies import aws_managed_policies_data

ASSET = Path(__file__).parent.parent / "assets/data/service-principals.json"
DATA = Path(botocore.__file__).parent / "data"
PRINCIPAL = re.compile(r"\b([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.amazonaws\.com\b")
REGION = re.compile(r"\.[a-z]{2,4}(-[a-z]+)+-[0-9]+$")


def build() -> str:
    """The whole file as text, one name a line."""
    policies = json.loads(aws_managed_policies_data).values()
    documents = (json.dumps(policy["Document"]) for policy in policies)
    seen = {REGION.sub("", name) for text in documents for name in PRINCIPAL.findall(text)}
    facts = {
        "about": "service principals without `.amazonaws.com`: those of AWS's managed policies, and further names of services",
        "source": f"AWS managed policies in moto {metadata.version('moto')}; API models of botocore {botocore.__version__}",
        "seen": sorted(seen),
        "names": sorted(api_names() - seen),
    }
    return json.dumps(facts, indent=1) + "\n"


def api_names() -> set[str]:
    """What the API models call their services."""
    found = set()
    for folder in sorted(entry for entry in DATA.iterdir() if entry.is_dir()):
        for file in sorted(folder.glob("*/service-2.json*"))[-1:]:
            model = _read(file)["metadata"]
            found |= {folder.name, model["endpointPrefix"], model.get("signingName", folder.name)}
    return {name.lower() for name in found}


def _read(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)
    return found


def main() -> int:
    """Write the file, or compare it with the committed one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="compare with the committed file")
    given = options.parse_args()
    text = build()
    if not given.check:
        ASSET.write_text(text, encoding="utf-8")
    elif not ASSET.is_file() or text != ASSET.read_text(encoding="utf-8"):
        print("its sources give another assets/data/service-principals.json", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
