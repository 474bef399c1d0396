"""Build assets/data/boto3-resources.json from the resource models of boto3, which no longer change, and botocore's waiters.

.ci/build_boto3_resources.py --date 2026-10-27      the day of boto3's release: the files of its wheel bear it
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders

TARGET = Path(__file__).parent.parent / "assets/data/boto3-resources.json"
SOURCE = "https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html"
ABOUT = (
    "The API operation behind each method and collection of boto3's resources, such as `dynamodb.Table.query`, where boto3's"
    " models have one; of `load` the operation that reads the attributes, and of `objects.delete` the one that acts on a whole collection. `waiters`: the operation that each waiter of a client of botocore repeats."
)


def methods(resource: dict[str, Any], others: dict[str, Any]) -> dict[str, str]:
    """The operation of each method of a resource and of its collections, by the method's name in Python."""
    found = {_python(name): row for name, row in resource.get("actions", {}).items()}
    found |= {_python(name): row for name, row in resource.get("hasMany", {}).items()}
    if "load" in resource:
        found["load"] = resource["load"]
    for collection, row in resource.get("hasMany", {}).items():
        acts = others[row["resource"]["type"]].get("batchActions", {})
        found |= {f"{_python(collection)}.{_python(name)}": act for name, act in acts.items()}
    return {
        name: row["request"]["operation"]
        for name, row in sorted(found.items())
        if "operation" in row.get("request", {})
    }


def _python(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def built() -> dict[str, dict[str, dict[str, str]]]:
    """The methods by service and resource; the service itself is the resource ``."""
    services = {}
    folder = Path(boto3.__file__).parent / "data"
    for service in sorted(boto3.Session().get_available_resources()):
        newest = max((folder / service).iterdir())
        model = json.loads((newest / "resources-1.json").read_text(encoding="utf-8"))
        others = model["resources"]
        resources = {"": methods(model["service"], others)}
        resources |= {name: methods(row, others) for name, row in sorted(others.items())}
        services[service] = {name: rows for name, rows in resources.items() if rows}
    return services


def waiters() -> dict[str, dict[str, str]]:
    """The operation that each waiter repeats, by client and the waiter's name."""
    loader = botocore.loaders.create_loader()
    return {
        service: {
            name: row["operation"]
            for name, row in sorted(
                loader.load_service_model(service, "waiters-2")["waiters"].items()
            )
        }
        for service in loader.list_available_services("waiters-2")
    }


def main() -> None:
    """Write the file, one line for each resource."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--date", required=True, help="when this boto3 was released")
    facts = {"about": ABOUT, "as_of": options.parse_args().date, "source": SOURCE}
    head = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in facts.items())
    services = ",\n".join(
        f"    {json.dumps(service)}: {{\n"
        + ",\n".join(
            f"      {json.dumps(name)}: {json.dumps(rows)}" for name, rows in found.items()
        )
        + "\n    }"
        for service, found in built().items()
    )
    waits = ",\n".join(
        f"    {json.dumps(service)}: {json.dumps(rows)}"
        for service, rows in waiters().items()
        if rows
    )
    TARGET.write_text(
        f'{{\n{head}  "resources": {{\n{services}\n  }},\n  "waiters": {{\n{waits}\n  }}\n}}\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
