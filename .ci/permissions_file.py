"""What the builders of `assets/data/*-permissions.zip` share: names as the catalogue has them, and writing the file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.archives import compact, packed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aws_iam.engine.reference.catalog import Catalog

LARGEST = 150_000


class KnownNames:
    """Picks the actions that the catalogue knows; `left_out` collects the other names."""

    def __init__(self, known: Catalog) -> None:
        """`known` is the catalogue."""
        self._known = known
        self.left_out: set[str] = set()

    def of(self, names: Iterable[str]) -> list[str]:
        """Known names in AWS's spelling, sorted; a wildcard stays one."""
        good: set[str] = set()
        for name in names:
            actions = self._known.expand(name) if ":" in name else ()
            good |= {name} if actions and not is_literal(name) else set(actions)
            self.left_out.update(() if actions else (name,))
        return sorted(good)


def write(asset: Path, content: dict[str, object], told: str) -> int:
    """Write the file and say what is in it; the exit status is 1 where it is too large."""
    data = packed({"permissions.json": compact(content)})
    if len(data) > LARGEST:
        print(f"{len(data)} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    asset.write_bytes(data)
    print(f"{len(data)} bytes, {told}")
    return 0
