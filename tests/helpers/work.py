"""Work counted in calls, so that growth is asserted without a clock."""

from __future__ import annotations

from cProfile import Profile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def calls(run: Callable[[], object]) -> int:
    """How many functions, Python's own included, are called while it runs."""
    # A function that counts would be called at each call and each return, and double the time.
    with Profile(subcalls=False) as counted:
        run()
    return sum(entry.callcount for entry in counted.getstats())
