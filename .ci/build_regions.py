"""Build assets/data/regions.json from the partition data of botocore; `--check` only compares.

    .ci/build_regions.py --date 2026-11-20      the day of botocore's release: the files of its wheel bear it

Which service is in which Region is left out on purpose: botocore's `endpoints.json` learns of it late and in part (it has
no endpoint for some Regions of `partitions.json` at all), so that what it lacks proves nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import botocore

ASSET = Path(__file__).parent.parent / "assets/data/regions.json"
PARTITIONS = Path(botocore.__file__).parent / "data/partitions.json"
SOURCE = f"botocore {botocore.__version__}, data/partitions.json"
# Without `aws-global` and the like, which are endpoints and no Regions.
REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+")


def build(date: str) -> str:
    """The whole file as text, one line for each partition."""
    facts = {
        "about": "the Regions of each AWS partition",
        "source": SOURCE,
        "as_of": date,
    }
    rows = {
        partition["id"]: sorted(filter(REGION.fullmatch, partition["regions"]))
        for partition in json.loads(PARTITIONS.read_bytes())["partitions"]
    }
    head = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
    body = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items())
    return f'{{\n{head}  "partitions": {{\n{body}\n  }}\n}}\n'


def main() -> int:
    """Write the file, or compare it with the committed one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="compare with the committed file")
    options.add_argument("--date", help="when this botocore was released")
    given = options.parse_args()
    committed = ASSET.read_text(encoding="utf-8") if ASSET.is_file() else "{}"
    known = json.loads(committed)
    if not given.date and known.get("source") != SOURCE:
        options.error(f"--date is needed: the committed file is not of {SOURCE}")
    text = build(given.date or known["as_of"])
    if not given.check:
        ASSET.write_text(text, encoding="utf-8")
    elif text != committed:
        print("botocore gives another assets/data/regions.json", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
