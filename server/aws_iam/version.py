"""The version of this package; imported by whatever tells it, since the package itself stands above its modules."""

from __future__ import annotations

__version__ = "0.1.0"
