"""The facts a snapshot can hold, one module per subject; each ends with its facts in capitals."""

from __future__ import annotations

from typing import Any

from aws_iam.account.facts import (
    frontends,
    governance,
    identity,
    keys,
    network,
    secrets,
    sharing,
    storage,
    trails,
    usage,
    workload,
)
from aws_iam.account.facts.fact import Fact

MODULES = (
    identity,
    trails,
    storage,
    network,
    governance,
    frontends,
    sharing,
    usage,
    secrets,
    workload,
    keys,
)

FACTS: dict[str, Fact[Any]] = {
    value.name: value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, Fact)
}
"""Every fact by name, in order of declaration."""
