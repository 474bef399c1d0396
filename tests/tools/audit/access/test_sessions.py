"""What sessions of roles can do that settings of the account give a session policy, beside what their roles can."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot
from helpers.folders import TESTS
from helpers.policies.limited_sessions import facts_with_sessions, short

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "access-sessions.json").read_text("utf-8")
)


def ask(case: dict[str, Any], folder: Path, **more: Any) -> Answer:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_with_sessions(case)), file)
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    return tool.run({**asked, **more, "snapshot": str(file)}, cli=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_sessions_are_told_beside_their_roles(case: dict[str, Any], tmp_path: Path) -> None:
    answer = ask(case, tmp_path)
    rows = {short(row["principal"]): row for row in answer.facts["principals"]}
    sessions = {
        (role, short(own["session"])): own
        for role, row in rows.items()
        for own in row.get("sessions", ())
    }
    found: dict[str, dict[str, str]] = {role: {} for role in rows}
    for (role, name), own in sessions.items():
        found[role][name] = own["verdict"]
    assert found == case["sessions"]
    # The role keeps what it may do.
    assert {row["verdict"] for row in rows.values()} <= {"can"}
    alone = [role for role, row in rows.items() if row.get("only_by_sessions")]
    assert alone == case.get("only_by_sessions", [])
    for (_, name), own in sessions.items():
        assert own.get("conditions", []) == case.get("conditions", {}).get(name, [])
        assert own.get("partly", False) is (name in case.get("partly", ()))
        is_refused = own["verdict"] == "cannot"
        told = case.get("nobodys", {}).get(name, "") if is_refused else ""
        why = own.get("why", "") if is_refused else ""
        assert (why.startswith(told), bool(why)) == (True, bool(told))
        if own["verdict"] == "can":
            layers = {row["layer"] for row in own["proof"]["because"] if row["effect"] == "Allow"}
            # What names the session, or everyone, is not limited by its session policy.
            assert "session" in layers or own["proof"]["decided_by"] == ["resource"]
    unknown = {short(row["place"]) for row in answer.facts.get("not_judged", ())}
    assert unknown == {name for (_, name), own in sessions.items() if own["verdict"] == "unknown"}
    for words in case.get("says", ()):
        assert words in answer.summary


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_drawing_has_the_sessions_that_can_beside_their_role(
    case: dict[str, Any], tmp_path: Path
) -> None:
    answer = ask(case, tmp_path)
    (file,) = ask(case, tmp_path, format="graphml").artifacts
    graph = nx.parse_graphml(file.content, force_multigraph=True)
    drawn = Counter(
        node["name"] for _, node in graph.nodes(data=True) if node["kind"] == "session"
    )
    named: Counter[str] = Counter()
    for row in answer.facts["principals"]:
        role = row["principal"].split(":", 5)[5]
        named += Counter([role] if "assumed-role/" in role else [])
        for own in row.get("sessions", ()):
            named += Counter(
                [f"session of {role}: {own['whose']}"] if own["verdict"] != "cannot" else []
            )
        conditions = [
            step.get("conditions", "") for *_, step in graph.out_edges(row["principal"], data=True)
        ]
        is_alone = ["nobody has the role today" in told for told in conditions]
        assert is_alone == [row.get("only_by_sessions", False)] * len(is_alone)
    assert drawn == named


@pytest.mark.parametrize("fact", ["eks.clusters", "rolesanywhere.profiles", "emr.studios"])
def test_settings_that_were_refused_are_told_where_a_role_trusts_their_service(
    fact: str, tmp_path: Path
) -> None:
    case = next(own for own in CASES if own["name"].startswith("a Deny of the session policy"))
    (role,) = case["roles"]
    prefix = fact.partition(".")[0]
    service = {"eks": "pods.eks", "emr": "elasticmapreduce"}.get(prefix, prefix)
    refused = {
        **case,
        "facts": {fact: {"us-east-1": {"denied": f"{prefix}:Read"}}},
    }
    for trusted, is_told in ((service, True), ("ec2", False)):
        principal = {"Service": f"{trusted}.amazonaws.com"}
        trust = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
        answer = ask({**refused, "roles": [{**role, "trust": trust}]}, tmp_path)
        (row,) = answer.facts["principals"]
        assert row["verdict"] == "can"
        assert "only_by_sessions" not in row
        needs = {own["needs"] for own in answer.facts["not_read"]}
        assert (f"{prefix}:Read" in needs) is is_told


def test_a_snapshot_of_an_earlier_version_says_only_that_there_is_a_policy(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"].startswith("a Deny of the session policy"))
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_with_sessions(case)), file)
    data = json.loads(file.read_text("utf-8"))
    (cluster,) = data["facts"]["eks.clusters"]["us-east-1"]
    assert cluster["associations"][0].pop("policy")
    for fact in ("rolesanywhere.profiles", "transfer.servers", "emr.studios"):
        del data["facts"][fact]
    file.write_text(json.dumps(data), "utf-8")
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    (row,) = tool.run({**asked, "snapshot": str(file)}, cli=True).facts["principals"]
    assert row["verdict"] == "can"
    (session,) = row["sessions"]
    assert session["verdict"] == "unknown"
    assert "could not be read" in session["why"]


def test_a_policy_limits_a_target_role_of_another_account(tmp_path: Path) -> None:
    far = "444455556666"
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    case = {"pods": [{"id": "far", "role": "near", "target": "app", "policy": [{**statement, "Action": "s3:ListBucket"}]}]}  # fmt: skip
    here = facts_with_sessions(case)
    ((cluster,),) = here["eks.clusters"].values()
    details = cluster["associations"][0]["details"]
    details["target_role"] = details["target_role"].replace(ACCOUNT, far)
    here["s3.bucket_policies"] = []
    snapshots.save(snapshot(here), tmp_path / "here.json")
    there = facts_of({"roles": [{"name": "app", "inline": [[statement]]}]}, far)
    there["s3.bucket_policies"] = [{"bucket": "books", "document": None}]
    snapshots.save(snapshot(there, id=far), tmp_path / "there.json")
    asked = {"who_can": ["s3:GetObject"], "on": "arn:aws:s3:::books/x", "snapshot": str(tmp_path)}
    (row,) = tool.run({"action": "access", **asked}, cli=True).facts["principals"]
    assert (row["principal"], row["verdict"]) == (arn("role/app", far), "can")
    (session,) = row["sessions"]
    assert (short(session["session"]), session["verdict"]) == ("far", "cannot")
