"""Every fact and its collector, picked up from the modules of this folder: a new fact is a new file."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aws_iam.account import collect
from aws_iam.account.collect.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import Fact


def _collectors() -> Iterator[Collector]:
    for package in pkgutil.iter_modules(collect.__path__, f"{collect.__name__}."):
        if package.ispkg:
            folder = import_module(package.name)
            for module in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."):
                declared = vars(import_module(module.name)).values()
                yield from (value for value in declared if isinstance(value, Collector))


def _by_fact(collectors: Iterator[Collector]) -> dict[str, Collector]:
    # The sort is stable: apart from the slow ones they keep the order of their files.
    ordered = sorted(collectors, key=lambda collector: not collector.slow)
    return {collector.fact.name: collector for collector in ordered}


COLLECTORS: dict[str, Collector] = _by_fact(_collectors())
"""Every collector by the name of its fact, in the order in which they start: the slow ones first."""

FACTS: dict[str, Fact[Any]] = {name: collector.fact for name, collector in COLLECTORS.items()}
"""Every fact by its name."""
