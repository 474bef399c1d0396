"""The reviewed differences between the sources of the catalogue are those that the catalogue was built with."""

from __future__ import annotations

import json

import pytest

from aws_iam import resources
from aws_iam.engine.reference.catalog import Catalog, shipped
from helpers.folders import ROOT

REVIEW = json.loads((ROOT / ".ci/catalog_review.json").read_text(encoding="utf-8"))
CORRECTIONS = json.loads(resources.text("assets/data/catalog-corrections.json"))


@pytest.fixture(scope="module")
def known() -> Catalog:
    return shipped()


def test_a_service_with_several_pages_is_a_current_one(known: Catalog) -> None:
    assert set(REVIEW["several_pages"]) <= known.services
    for prefix, pages in REVIEW["several_pages"].items():
        assert [page.rpartition("/")[2] for page in known.sources(prefix)[1:]] == pages


def test_a_removed_type_is_removed_with_a_day_or_a_reason(known: Catalog) -> None:
    for prefix, rows in REVIEW["removed_types"].items():
        for row in rows:
            assert row.get("last_listed", "") < known.as_of
            assert ("last_listed" in row) != ("why" in row)
            for name in row["actions"]:
                action = known.action(f"{prefix}:{name}")
                assert action is not None
                assert action.name == name
                assert row["type"] not in action.resource_types


def test_every_correction_holds_and_has_its_source(known: Catalog) -> None:
    for row in CORRECTIONS["resource_types"]:
        for name in row["actions"]:
            action = known.action(name)
            assert action is not None
            assert set(row["types"]) <= set(action.resource_types)
    for row in CORRECTIONS["key_types"]:
        key = known.condition_key(row["key"])
        assert key is not None
        assert key.type == row["type"]
    for row in CORRECTIONS["titles"]:
        for prefix, named in row["services"].items():
            assert known.service(prefix).title == named["title"]
            pages = [page.rpartition("/")[2] for page in known.sources(prefix)]
            assert pages == named.get("pages", pages)
    for row in CORRECTIONS["rejected_services"]:
        assert known.tier(row["service"]) == "unknown"
        assert known.retired_actions(row["service"])
    for rows in (
        CORRECTIONS[name]
        for name in ("resource_types", "key_types", "titles", "rejected_services")
    ):
        assert all(
            row["why"] and all(page.startswith("https://") for page in row["sources"])
            for row in rows
        )
