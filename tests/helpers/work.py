"""Work counted in calls, so that growth is asserted without a clock."""

from __future__ import annotations

import gc
from cProfile import Profile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def calls(run: Callable[[], object]) -> int:
    """How many functions, Python's own included, are called while it runs."""
    # What other tests left behind may end in functions, too, when the collector finds it.
    collects = gc.isenabled()
    gc.disable()
    try:
        # A function that counts would be called at each call and each return, and double the time.
        with Profile(subcalls=False) as counted:
            run()
    finally:
        if collects:
            gc.enable()
    return sum(entry.callcount for entry in counted.getstats())
