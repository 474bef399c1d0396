"""Build assets/data/terraform-permissions.zip from a checkout of Pike: which actions Terraform's AWS provider calls.

    .ci/build_terraform_permissions.py CHECKOUT --commit COMMIT --date 2026-08-21

Pike (https://github.com/JamesWoolfenden/pike, Apache-2.0) is a community project that lists them by resource and data source.
Names that the catalogue does not know are left out.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import Catalog, shipped

ASSET = Path(__file__).parent.parent / "assets/data/terraform-permissions.zip"
MAPPING = "src/mapping/aws"
PHASES = ("plan", "apply", "modify", "destroy")
LARGEST = 150_000
TIME = (2020, 1, 1, 0, 0, 0)


def rows_of(checkout: Path, known: Catalog) -> tuple[dict[str, Any], int]:
    """The actions of each resource and data source by phase and attribute, and how many names were left out."""
    rows: dict[str, Any] = {}
    left_out: set[str] = set()

    def kept(names: list[str] | None) -> list[str]:
        good: set[str] = set()
        for name in names or ():
            actions = known.expand(name)
            # A wildcard stays one; a name gets AWS's spelling.
            good |= {name} if actions and not is_literal(name) else set(actions)
            left_out.update(() if actions else (name,))
        return sorted(good)

    for folder, prefix in (("resource", ""), ("data", "data.")):
        for file in sorted((checkout / MAPPING / folder).rglob("aws_*.json")):
            row: dict[str, Any] = rows.setdefault(prefix + file.stem, {})
            for entry in json.loads(file.read_text(encoding="utf-8")):
                for phase in PHASES:
                    row[phase] = sorted({*row.get(phase, ()), *kept(entry.get(phase))})
                for attribute, names in (entry.get("attributes") or {}).items():
                    of_attribute = row.setdefault("attributes", {})
                    of_attribute[attribute] = sorted(
                        {*of_attribute.get(attribute, ()), *kept(names)}
                    )
    for row in rows.values():
        row["attributes"] = {
            name: names for name, names in row.get("attributes", {}).items() if names
        }
    trimmed = {
        name: {key: value for key, value in row.items() if value} for name, row in rows.items()
    }
    return dict(sorted(trimmed.items())), len(left_out)


def main() -> int:
    """Write the file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("checkout", type=Path)
    options.add_argument("--commit", required=True)
    options.add_argument("--date", required=True, help="the day of the commit")
    arguments = options.parse_args()
    rows, left_out = rows_of(arguments.checkout, shipped())
    content = {
        "about": "actions that Terraform's AWS provider calls for each resource and data source, by phase, and further ones by attribute",
        "source": "https://github.com/JamesWoolfenden/pike",
        "commit": arguments.commit,
        "licence": "Apache-2.0",
        "as_of": arguments.date,
        "left_out": left_out,
        "resources": rows,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        info = zipfile.ZipInfo("permissions.json", TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3
        file.writestr(info, json.dumps(content, separators=(",", ":")), compresslevel=9)
    data = out.getvalue()
    if len(data) > LARGEST:
        print(f"{len(data)} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    ASSET.write_bytes(data)
    print(f"{len(data)} bytes, {len(rows)} resources and data sources, {left_out} names left out")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
