"""Record the demonstration account: what the ordinary reading finds at it, at a time that stands still.

    python -m demo_account.record [FOLDER]       # default: assets/demo

The same seed and the same clock give the same files, to the byte.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import time_machine

from aws_iam import resources
from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.reading import demonstration
from aws_iam.account.reading.collect_account import collect
from aws_iam.account.reading.snapshot import Account, dumps
from aws_iam.tools.kit.parameters import Source
from demo_account.server import serving

MOMENT = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""The record's own day, as of which it is judged."""


def record(folder: Path) -> None:
    """Write the whole account, and what is otherwise where one Region alone is read."""
    with time_machine.travel(MOMENT, tick=False), serving() as settings:
        os.environ |= settings
        whole = _read()
        parts = {region: _otherwise(_read(region), whole) for region in demonstration.REGIONS}
    folder.mkdir(parents=True, exist_ok=True)
    for name, account in {demonstration.WHOLE: whole, **parts}.items():
        (folder / f"{name}.json").write_text(dumps(account), encoding="utf-8")


def _read(*regions: str) -> Account:
    account = collect(FACTS.values(), Source(regions=list(regions)))
    if missed := account.misses():
        sys.exit(
            "the demonstration account does not answer everything:\n" + "\n".join(map(str, missed))
        )
    return account


def _otherwise(part: Account, whole: Account) -> Account:
    kept = {place: value for place, value in part.facts.items() if whole.facts[place] != value}
    return replace(part, facts=kept)


if __name__ == "__main__":
    record(Path(sys.argv[1]) if len(sys.argv) > 1 else resources.path("assets/demo"))
