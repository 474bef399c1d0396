"""Build assets/data/cloudformation-permissions.zip: which actions the handlers of CloudFormation's resource types need.

They stand in the schemas of AWS's registry, which the installed cfn-lint carries with the day on which it fetched them.
Names that the catalogue does not know are left out.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import Catalog, shipped

ASSET = Path(__file__).parent.parent / "assets/data/cloudformation-permissions.zip"
SCHEMAS = Path(cfnlint.__file__).parent / "data/schemas"
HANDLERS = ("create", "update", "delete", "read", "list")
LARGEST = 150_000
TIME = (2020, 1, 1, 0, 0, 0)


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
    left_out: set[str] = set()

    def kept(names: list[str]) -> list[str]:
        good: set[str] = set()
        for name in names:
            actions = known.expand(name) if ":" in name else ()
            # A wildcard stays one; a name gets AWS's spelling.
            good |= {name} if actions and not is_literal(name) else set(actions)
            left_out.update(() if actions else (name,))
        return sorted(good)

    rows = {}
    for type_, schema in schemas().items():
        handlers = {
            name: kept(schema.get("handlers", {}).get(name, {}).get("permissions", []))
            for name in HANDLERS
        }
        rows[type_] = {name: actions for name, actions in handlers.items() if actions}
    return rows, len(left_out)


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
    without = sum(1 for handlers in rows.values() if not handlers)
    print(
        f"{len(data)} bytes, {len(rows)} types, {without} without actions, {left_out} names left out"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
