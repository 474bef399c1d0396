"""A process that imports jsonschema without what reads IRIs."""

from __future__ import annotations

import sys


def without_iris() -> None:
    """Building the grammar of IRIs takes a second or three in each process, and none of the schemas here has one."""
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
