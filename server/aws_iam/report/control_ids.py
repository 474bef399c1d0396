"""A control's ids in words: in the versions of the benchmark, and in the other frameworks."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aws_iam.engine.reference.frameworks import CIS, framework

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding


def cis_ids(finding: Finding) -> str:
    """The control's ids with the versions that use them: `6.7 in 6.0 to 7.0`."""
    by_number: dict[str, list[str]] = defaultdict(list)
    for version, number in (finding.controls or {}).items():
        by_number[number].append(version)
    return "; ".join(f"{number} in {_span(versions)}" for number, versions in by_number.items())


def other_ids(finding: Finding) -> str:
    """The ids in the frameworks beside CIS: `PCI: 8.4.2; NIST: AC-2(1), IA-2(1)`."""
    return "; ".join(
        f"{framework(name, '').short}: {', '.join(ids)}"
        for name, ids in (finding.frameworks or {}).items()
        if name != CIS
    )


def _span(versions: Sequence[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
