"""Paths through pods whose association has a session policy: they go on with what it allows, and no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, snapshot
from helpers.folders import TESTS
from helpers.policies.limited_sessions import CLUSTER, facts_with_sessions, short
from helpers.tables.told_paths import first_paths

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "paths-sessions.json").read_text("utf-8")
)


def ask(case: dict[str, Any], folder: Path, **asked: Any) -> Answer:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_with_sessions(case)), file)
    return tool.run({"action": "access", "snapshot": str(file), **asked}, cli=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_who_enters_pods_has_what_their_session_policy_leaves(
    case: dict[str, Any], tmp_path: Path
) -> None:
    asked = {"who_can": case["who_can"]} if "who_can" in case else {}
    answer = ask(case, tmp_path, to=case.get("to", "admin"), **asked)
    found = {short(row["principal"]): row["verdict"] for row in answer.facts["principals"]}
    assert found == case["finds"]
    shortest = first_paths(answer, short)
    assert shortest.items() >= case.get("hops", {}).items()
    for words in case.get("says", ()):
        assert words in answer.summary


def test_a_principal_becomes_a_session_that_names_its_role(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"] == "who reads a bucket by a session")
    answer = ask(case, tmp_path, principal="ann")
    (row,) = answer.facts["becomes"]
    assert (short(row["principal"]), row["verdict"]) == ("a", "can_become")
    assert row["hops"][0]["through"] == [CLUSTER, arn("role/app")]
    assert "a session of `role/app` limited by `podidentityassociation/shop/a`" in answer.summary


def test_what_the_pods_of_an_association_can_do_is_a_question_too(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"] == "what the session policy leaves goes on")
    role = ask(case, tmp_path, principal="adm").facts
    assert role["administrator"] is True
    (named,) = role["sessions"]
    assert short(named["session"]) == "a"
    assert named["whose"] == "pods of service account `shop/a` in EKS cluster `shop`"
    answer = ask(case, tmp_path, principal=named["session"])
    assert (answer.facts["principal"], answer.facts["role"]) == (named["session"], arn("role/adm"))
    assert answer.facts["administrator"] is False
    (service,) = answer.facts["access"]
    assert (service["service"], service["actions"]) == ("iam", ["iam:PutUserPolicy"])
    assert answer.summary.startswith(
        "A session of `role/adm` limited by `podidentityassociation/shop/a` has access to 1 service"
    )
    for start, become in (("a role that trusts the role", ["role/adm"]), ("and not where", [])):
        assumes = next(own for own in CASES if own["name"].startswith(start))
        answer = ask(assumes, tmp_path, principal=named["session"])
        assert [short(row["principal"]) for row in answer.facts["becomes"]] == become
    unread = next(own for own in CASES if own["name"].startswith("a policy that is not known"))
    answer = ask(unread, tmp_path, principal=named["session"])
    assert answer.facts["administrator"] is None
    assert short(answer.facts["not_judged"][0]["place"]) == "a"


def test_a_session_that_nobody_is_handed_out_is_told_as_such(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"].startswith("nor within a policy"))
    why = "`pods.eks.amazonaws.com` cannot assume `arn:aws:iam::111122223333:role/adm`"
    (named,) = ask(case, tmp_path, principal="adm").facts["sessions"]
    assert named["nobody_has_it"] == why
    answer = ask(case, tmp_path, principal=named["session"])
    assert answer.summary.startswith(f"Nobody has such a session: {why}. ")
    let_in = next(own for own in CASES if own["name"].startswith("to which a session policy"))
    (named,) = ask(let_in, tmp_path, principal="adm").facts["sessions"]
    assert "nobody_has_it" not in named
    answer = ask(let_in, tmp_path, principal=named["session"])
    assert "Nobody has such a session" not in answer.summary


def test_a_drawing_says_that_a_session_has_less_than_its_role(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"] == "what the session policy leaves goes on")
    name = "session of role/adm limited by podidentityassociation/shop/a"
    for asked in ({"to": "admin"}, {"principal": "ann"}):
        drawn = {
            format_: ask(case, tmp_path, format=format_, **asked).artifacts[0].content
            for format_ in ("mermaid", "graphml", "html", "markdown")
        }
        assert f'[["{name}"]]' in drawn["mermaid"]
        assert (
            f'<data key="name">{name}</data>\n      <data key="kind">session</data>'
            in drawn["graphml"]
        )
        assert '<g class="box session">' in drawn["html"]
        assert all(f">{name}" in drawn[format_] for format_ in ("graphml", "html"))
        assert name in drawn["markdown"]
    case = next(own for own in CASES if own["name"].startswith("a role that trusts the role"))
    (named,) = ask(case, tmp_path, principal="app").facts["sessions"]
    (file,) = ask(case, tmp_path, principal=named["session"], format="mermaid").artifacts
    assert f'[["{name.replace("adm", "app")}"]]' in file.content


def test_the_view_of_principals_tells_what_a_session_policy_leaves(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    by_name = {own["name"]: own for own in CASES}
    limited = by_name["a session policy for a bucket ends the way to an administrator's role"]
    (pod,) = limited["pods"]
    nothing = {**limited, "pods": [{**pod, "policy": [{**pod["policy"][0], "Effect": "Deny"}]}]}
    for case, told in (
        (by_name["one that allows everything does not"], "so becomes an administrator"),
        (limited, "can act as others who have more, such as a session of `role/adm`"),
        (nothing, ""),
    ):
        snapshots.save(snapshot(facts_with_sessions(case)), file)
        answer = tool.run({"action": "principals", "snapshot": str(file)}, cli=True)
        messages = [
            own.message
            for own in answer.findings
            if (own.code, own.resource) == ("PRIVILEGE_ESCALATION", arn("user/ann"))
        ]
        assert len(messages) == bool(told)
        assert all(told in own for own in messages)
