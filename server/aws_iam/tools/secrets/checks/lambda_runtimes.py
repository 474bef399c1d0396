"""Which Lambda runtimes are deprecated, and since when."""

from __future__ import annotations

import json
from datetime import date
from functools import cache

from aws_iam import resources


@cache
def deprecated() -> dict[str, date]:
    """By runtime, the day from which it is deprecated."""
    data = json.loads(resources.text("assets/data/lambda-runtimes.json"))
    return {name: date.fromisoformat(day) for name, day in data["deprecated"].items()}
