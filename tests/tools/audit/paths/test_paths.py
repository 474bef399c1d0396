"""Who can become an administrator, or whom else: every step is proved on what the account has, and nothing else is told."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.engine.effective.escalation import (
    EXISTING_COMPUTE,
    NEW_COMPUTE,
    ORGANIZATION_WIDE,
    escalation_paths,
    known_paths,
)
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.paths.assuming import UPDATE_SAML
from aws_iam.tools.audit.paths.compute import FACTS
from aws_iam.tools.audit.paths.credentials import (
    CREATE_KEY,
    CREATE_LOGIN,
    DELETE_KEY,
    UPDATE_LOGIN,
)
from aws_iam.tools.audit.paths.identity_edits import (
    ATTACHES,
    BOUNDS,
    CREATE_VERSION,
    SET_VERSION,
    WRITES,
)
from aws_iam.tools.audit.paths.trusts import ASSUME
from helpers.cis_snapshots import ACCOUNT, facts_of, snapshot
from helpers.folders import TESTS
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each
from helpers.tables.told_paths import first_paths

if TYPE_CHECKING:
    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "paths.json").read_text("utf-8")
)


@asked_once
def ask(case: dict[str, Any]) -> Answer:
    asked = {"action": "access", "to": case.get("to", "admin")}
    asked |= {"who_can": case["who_can"]} if "who_can" in case else {}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_of(case)), file)
        return tool.run({**asked, "snapshot": str(file)}, cli=True)


def short(arn: str) -> str:
    return arn.removeprefix(f"arn:aws:iam::{ACCOUNT}:")


@for_each(CASES, name=lambda case: case["name"])
def test_everybody_who_gets_there_is_told_and_nobody_else(case: dict[str, Any]) -> None:
    answer = ask(case)
    found = {short(row["principal"]): row["verdict"] for row in answer.facts["principals"]}
    assert found == case["finds"]
    shortest = first_paths(answer, short)
    assert shortest.items() >= case.get("hops", {}).items()
    reaching = {name for name, verdict in found.items() if verdict == "can_become"}
    assert shortest.keys() >= reaching
    told = {short(row["principal"]): row.get("hops") for row in answer.facts["principals"]}
    assert all(told[name] == len(shortest[name]) for name in reaching)
    if "left_out" in case:
        assert answer.facts.get("paths_left_out", 0) == case["left_out"]
    for words in case.get("says", ()):
        assert words in answer.summary


@for_each(CASES, name=lambda case: case["name"])
def test_outsiders_are_told_once_on_the_role(case: dict[str, Any]) -> None:
    answer = ask(case)
    told = {
        row["from"]: [
            short(row["hops"][0]["to"]),
            next(
                own.severity.value
                for own in answer.findings
                if own.resource == row["hops"][0]["to"]
            ),
        ]
        for row in answer.facts["outsiders"]
    }
    assert told == case.get("outsiders", {})
    hops = {row["principal"]: row.get("hops", 0) for row in answer.facts["principals"]}
    for row in answer.facts["outsiders"]:
        # In, and on by the role's shortest path; who is there already is no row of a resource.
        assert len(row["hops"]) == 1 + hops.get(row["hops"][0]["to"], 0)


def test_every_action_of_iam_in_the_catalogue_is_one_that_the_search_knows() -> None:
    known = {
        *(*WRITES, *ATTACHES, *BOUNDS, CREATE_VERSION, SET_VERSION),
        *(CREATE_KEY, DELETE_KEY, CREATE_LOGIN, UPDATE_LOGIN, ASSUME, UPDATE_SAML),
        # With a policy for what they create: `new_identities`.
        *("iam:CreateRole", "iam:CreateUser"),
    }
    listed = {
        action
        for path in escalation_paths()
        for action in path.actions
        if path.family not in {NEW_COMPUTE, EXISTING_COMPUTE, ORGANIZATION_WIDE}
        and action.startswith(("iam:", "sts:"))
    }
    assert listed == known


def test_every_kind_of_resource_that_holds_a_role_has_a_fact() -> None:
    assert {path.held_by for path in known_paths()} - {""} == FACTS.keys()
