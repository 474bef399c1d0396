"""The shipped price list, with a source and a date for each price, and amounts as text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable

_SMALLEST = Decimal("0.0001")


@slotted
class Price:
    """The price of `per` units a month, its source, and whether it was confirmed there."""

    name: str
    of: str
    usd: Decimal
    per: int
    free: int
    source: str
    as_of: str
    confirmed: bool
    note: str

    def times(self, units: int) -> Decimal:
        """The price of `units`, less the free ones."""
        return self.usd * max(0, units - self.free) / self.per


@slotted
class PriceList:
    """The prices of one Region by name, and their date."""

    region: str
    as_of: str
    by_name: dict[str, Price]

    def times(self, name: str, units: int) -> Decimal:
        """The price of `units` at the named price."""
        return self.by_name[name].times(units)


def prices() -> PriceList:
    """The shipped price list."""
    data = resources.data("prices.json")
    return PriceList(
        region=data["region"],
        as_of=data["as_of"],
        by_name={name: _price(name, entry) for name, entry in data["prices"].items()},
    )


def usd(amount: Decimal) -> float:
    """An amount as a number, rounded to a hundredth of a cent."""
    return float(amount.quantize(_SMALLEST, rounding=ROUND_HALF_UP))


def usd_text(amount: Decimal) -> str:
    """An amount as text, rounded to the cent: `1,234.50 USD`."""
    return f"{amount.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP):,} USD"


def price_table(names: Iterable[str]) -> list[dict[str, Any]]:
    """The named prices as a table with source and date."""
    return [_row(prices().by_name[name]) for name in dict.fromkeys(names)]


def unconfirmed_prices(names: Iterable[str]) -> list[dict[str, str]]:
    """The unconfirmed ones of the named prices, as a table."""
    chosen = (prices().by_name[name] for name in dict.fromkeys(names))
    return [
        unconfirmed_row(f"price `{price.name}`", price.note)
        for price in chosen
        if not price.confirmed
    ]


def unconfirmed_row(what: str, why: str = "not found in a primary source") -> dict[str, str]:
    """A row of what could not be confirmed."""
    return {"what": what, "why": why}


def _row(price: Price) -> dict[str, Any]:
    return {
        "price": price.name,
        "of": price.of,
        "usd": float(price.usd),
        "per": price.per,
        "source": price.source,
        "as_of": price.as_of,
        "confirmed": price.confirmed,
    }


def _price(name: str, entry: dict[str, Any]) -> Price:
    return Price(
        name=name,
        of=entry["of"],
        usd=Decimal(entry["usd"]),
        per=entry["per"],
        free=entry.get("free", 0),
        source=entry["source"],
        as_of=entry["as_of"],
        confirmed=entry["confirmed"],
        note=entry.get("note", ""),
    )
