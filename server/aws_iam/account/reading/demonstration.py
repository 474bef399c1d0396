"""The demonstration account: a small company's, recorded as a snapshot that ships with the package.

It is judged as of the day of its record, so that its faults never change. `make demo-data` records it anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.account.reading.snapshot import load
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account

REGIONS = ("us-east-1", "eu-west-1")
"""The Regions that the account has enabled."""
WHOLE = "account"
"""The name of the record of all Regions; beside it lies, by its name, what a Region gives that is read alone."""


def demonstration(needs: Iterable[Fact[Any]], regions: Sequence[str]) -> Account:
    """The account as it is read with these facts, in these Regions; none: all of them."""
    for region in regions:
        if region not in REGIONS:
            raise InputError(
                f"the demonstration account has no Region {quoted(region)}",
                hint=f"it has {' and '.join(REGIONS)}",
            )
    asked = tuple(sorted(set(regions)))
    account = _recorded(WHOLE)
    if len(asked) == 1:
        account = _seen_from(asked[0], account)
    wanted = {fact.name for fact in needs}
    return replace(
        account,
        regions=replace(account.regions, asked=asked),
        facts={place: value for place, value in account.facts.items() if place[0] in wanted},
    )


def _seen_from(region: str, whole: Account) -> Account:
    """One Region's view of the account: a trail that the other keeps to itself, for one, is not in it."""
    alone = _recorded(region)
    facts = {place: value for place, value in whole.facts.items() if place[1] in {"", region}}
    return replace(alone, facts={**facts, **alone.facts})


def _recorded(name: str) -> Account:
    return load(resources.path(f"assets/demo/{name}.json"))
