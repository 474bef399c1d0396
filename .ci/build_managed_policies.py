"""Build assets/data/managed-policies.zip from the AWS managed policies that moto carries; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalog_sources import managed_policies

from aws_iam.engine.reference.archives import compact, packed

ASSET = Path(__file__).parent.parent / "assets/data/managed-policies.zip"
LARGEST = 1_000_000
# Policies of similar names share much text: larger members are smaller together, and slower to open.
IN_A_MEMBER = 30


def build() -> bytes:
    """The whole file; equal data gives equal bytes."""
    policies, source = managed_policies()
    names = sorted(policies)
    rows = {
        name: [
            policies[name]["Path"],
            policies[name]["DefaultVersionId"],
            policies[name]["UpdateDate"][:10],
            number // IN_A_MEMBER,
        ]
        for number, name in enumerate(names)
    }
    index = {
        "as_of": source["date"],
        "source": f"moto {source['version']}, moto/iam/aws_managed_policies.py",
        "policies": rows,
    }
    members: dict[str, object] = {"index.json": index}
    for start in range(0, len(names), IN_A_MEMBER):
        members[f"{start // IN_A_MEMBER}.json"] = {
            name: policies[name]["Document"] for name in names[start : start + IN_A_MEMBER]
        }
    return packed({name: compact(value) for name, value in members.items()})


def main() -> int:
    """Write the file, or compare it with the committed one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="compare with the committed file")
    arguments = options.parse_args()
    data = build()
    if len(data) > LARGEST:
        print(f"{len(data)} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    if not arguments.check:
        ASSET.write_bytes(data)
        print(f"{len(data)} bytes")
    elif ASSET.read_bytes() != data:
        print("moto gives another assets/data/managed-policies.zip", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
