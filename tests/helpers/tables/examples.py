"""How many examples a property draws: in `make test` half of what it names, in `.ci/run` all."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "suite")
"""`suite`: half of the examples, the same each time; `ci`: all of these; `search`: as many, new ones each time."""
IS_WHOLE = PROFILE != "suite"
"""Whether tests that try each of many alike try all of them."""


def examples(number: int) -> int:
    """This many, or half of them in the profile `suite`."""
    return (number + 1) // 2 if PROFILE == "suite" else number
