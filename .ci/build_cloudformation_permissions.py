"""Build assets/data/cloudformation-permissions.zip: which actions the handlers of CloudFormation's resource types need.

They stand in the schemas of AWS's registry, which the installed cfn-lint carries with the day on which it fetched them.
Names that the catalogue does not know are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]
import permissions_file
from permissions_file import KnownNames

from aws_iam.engine.reference.catalog import Catalog, shipped

ASSET = Path(__file__).parent.parent / "assets/data/cloudformation-permissions.zip"
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas"
HANDLERS = ("create", "update", "delete", "read", "list")


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each type that AWS publishes, of any Region."""
    files: dict[str, str] = {}
    for listed in sorted((SCHEMAS / "providers").glob("*.json")):
        found: dict[str, str] = json.loads(listed.read_text(encoding="utf-8"))
        # Regions have older schemas for a while; this one has the newest of each type.
        files = {**found, **files} if listed.stem != "us-east-1" else {**files, **found}
    return {
        type_: json.loads((SCHEMAS / f"resources/{file}.json").read_text(encoding="utf-8"))
        for type_, file in sorted(files.items())
        # What a transform makes of its own types is in other types; cfn-lint has schemas for these, the registry none.
        if type_.startswith("AWS::") and not type_.startswith(("AWS::Serverless::", "AWS::CDK::"))
    }


def rows_of(known: Catalog) -> tuple[dict[str, dict[str, list[str]]], int]:
    """The actions of each type by handler, and how many names were left out."""
    actions = KnownNames(known)
    rows = {}
    for type_, schema in schemas().items():
        handlers = {
            name: actions.of(schema.get("handlers", {}).get(name, {}).get("permissions", []))
            for name in HANDLERS
        }
        rows[type_] = {name: needed for name, needed in handlers.items() if needed}
    return rows, len(actions.left_out)


def main() -> int:
    """Write the file."""
    rows, left_out = rows_of(shipped())
    version = json.loads((SCHEMAS / "version.json").read_text(encoding="utf-8"))
    content = {
        "about": "actions that the handlers of each CloudFormation resource type need, after its schema in the registry; a type without"
        " handlers has none there",
        "source": "https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html",
        "as_of": version["schema_date"][:10],
        "left_out": left_out,
        "types": rows,
    }
    without = sum(1 for handlers in rows.values() if not handlers)
    told = f"{len(rows)} types, {without} without actions, {left_out} names left out"
    return permissions_file.write(ASSET, content, told)


if __name__ == "__main__":
    raise SystemExit(main())
