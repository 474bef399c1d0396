"""The version of this package, for what an account and its files are told of it."""

from __future__ import annotations

import sys


def own_version() -> str:
    """The version, such as `0.1.0`."""
    # The package itself stands above everything that it holds: it is asked, not imported.
    return str(vars(sys.modules["aws_iam"])["__version__"])
