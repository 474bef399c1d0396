"""Build assets/data/terraform-permissions.zip from a checkout of Pike: which actions Terraform's AWS provider calls.

    .ci/build_terraform_permissions.py CHECKOUT --commit COMMIT --date 2026-08-21

Pike (https://github.com/JamesWoolfenden/pike, Apache-2.0) is a community project that lists them by resource and data source.
Names that the catalogue does not know are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import permissions_file
from permissions_file import KnownNames

from aws_iam.engine.reference.catalog import Catalog, shipped

ASSET = Path(__file__).parent.parent / "assets/data/terraform-permissions.zip"
MAPPING = "src/mapping/aws"
PHASES = ("plan", "apply", "modify", "destroy")


def rows_of(checkout: Path, known: Catalog) -> tuple[dict[str, Any], int]:
    """The actions of each resource and data source by phase and attribute, and how many names were left out."""
    rows: dict[str, Any] = {}
    actions = KnownNames(known)
    for folder, prefix in (("resource", ""), ("data", "data.")):
        for file in sorted((checkout / MAPPING / folder).rglob("aws_*.json")):
            row: dict[str, Any] = rows.setdefault(prefix + file.stem, {})
            for entry in json.loads(file.read_text(encoding="utf-8")):
                for phase in PHASES:
                    row[phase] = sorted({*row.get(phase, ()), *actions.of(entry.get(phase) or ())})
                for attribute, names in (entry.get("attributes") or {}).items():
                    of_attribute = row.setdefault("attributes", {})
                    of_attribute[attribute] = sorted(
                        {*of_attribute.get(attribute, ()), *actions.of(names or ())}
                    )
    for row in rows.values():
        row["attributes"] = {
            name: names for name, names in row.get("attributes", {}).items() if names
        }
    trimmed = {
        name: {key: value for key, value in row.items() if value} for name, row in rows.items()
    }
    return dict(sorted(trimmed.items())), len(actions.left_out)


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
    told = f"{len(rows)} resources and data sources, {left_out} names left out"
    return permissions_file.write(ASSET, content, told)


if __name__ == "__main__":
    raise SystemExit(main())
