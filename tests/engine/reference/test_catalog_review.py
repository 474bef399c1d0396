"""The reviewed differences between the sources of the catalogue are those that the catalogue was built with."""

from __future__ import annotations

import importlib
import json

import pytest

from aws_iam import resources
from aws_iam.engine.reference.catalog import Catalog, shipped
from aws_iam.engine.reference.catalog_rows import ActionRow, ServiceRow
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


def test_an_action_with_fewer_types_than_a_source_gives_it_fails_the_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / ".ci")
    fewer_types = importlib.import_module("catalog_checks").fewer_types

    def with_types(*types: str) -> dict[str, ServiceRow]:
        return {"elb": ServiceRow(actions={"AddTags": ActionRow(level="Tagging", types=[*types])})}

    one, both = with_types("loadbalancer"), with_types("loadbalancer", "loadbalancer/app/")
    sources = [(both, "the second page"), (one, "the newest source")]
    assert list(fewer_types(both, sources, {})) == []
    (lost,) = fewer_types(one, sources, {})
    assert lost.startswith(
        "elb:AddTags lacks the resource type loadbalancer/app/, which the second page gives"
    )
    removed = [{"type": "loadbalancer/app/", "actions": ["AddTags"]}]
    assert list(fewer_types(one, sources, {"elb": removed})) == []
    needless = [*removed, {"type": "listener", "actions": ["AddTags"]}]
    (problem,) = fewer_types(one, sources, {"elb": needless})
    assert problem.startswith("no source gives elb:AddTags the type listener")


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
