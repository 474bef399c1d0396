"""`audit access --format`: each of its questions as a file that says and draws what the answer does."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import InputError
from aws_iam.report.catalogue import access_formats
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot
from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

QUESTIONS: tuple[dict[str, Any], ...] = (
    {"who_can": ["s3:GetObject"], "on": "s3:bucket"},
    {"who_can": ["sts:AssumeRole"], "on": "iam:role"},
    {"to": "admin"},
    {"to": "helpdesk"},
    {"principal": "carol.lindqvist"},
)


def ask(**asked: Any) -> Any:
    return tool.run({"action": "access", "demo": True, **asked}, cli=True)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
@pytest.mark.parametrize("format_", access_formats())
def test_every_question_can_be_a_file(question: dict[str, Any], format_: str) -> None:
    whole = ask(**question)
    answer = ask(**question, format=format_)
    (file,) = answer.artifacts
    assert file.name.startswith("aws-iam-access")
    assert answer.summary == whole.summary
    assert not {"principals", "paths", "becomes"} & answer.facts.keys()
    if format_ == "json":
        assert json.loads(file.content)["facts"] == json.loads(json.dumps(whole.facts))


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_the_graph_has_whom_the_answer_names(question: dict[str, Any]) -> None:
    facts = ask(**question).facts
    (file,) = ask(**question, format="graphml").artifacts
    graph = nx.read_graphml(io.BytesIO(file.content.encode()))
    callers = (
        *facts.get("principals", ()),
        *facts.get("outsiders", ()),
        *facts.get("services", ()),
    )
    named = {
        row.get("principal") or row["from"]
        for row in callers
        if row.get("verdict") not in {"administrator", "already"} or "who_can" in facts
    }
    named |= {row["principal"] for row in facts.get("becomes", ())}
    assert named <= {*graph}
    for path in facts.get("paths", ()):
        end = path["hops"][-1]
        if end["from"] != end["to"]:
            assert nx.has_path(graph, path["from"], path["to"])


OLDER = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]
SWITCH = [{"Effect": "Allow", "Action": "iam:SetDefaultPolicyVersion", "Resource": "*"}]
JOIN = [{"Effect": "Allow", "Action": "iam:AddUserToGroup", "Resource": "*"}]
FULL = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
TRUST = [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]


def graph_of(case: dict[str, Any], folder: Path, **question: Any) -> Any:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_of(case)), file)
    asked = {"action": "access", "snapshot": str(file), "format": "graphml", **question}
    (made,) = tool.run(asked, cli=True).artifacts
    return nx.read_graphml(io.BytesIO(made.content.encode()))


def test_who_joins_a_group_gets_to_the_group_and_not_to_administrator_access(
    tmp_path: Path,
) -> None:
    case = {"users": [{"name": "ann", "inline": [JOIN]}], "groups": [{"name": "devs"}]}
    graph = graph_of(case, tmp_path, to=arn("group/devs"))
    assert {*graph.edges()} == {(arn("user/ann"), arn("group/devs"))}
    assert not any(own.get("administrator") for _, own in graph.nodes(data=True))


def test_who_changes_itself_on_the_way_goes_on_from_there(tmp_path: Path) -> None:
    case = {
        "users": [{"name": "ann", "attached": ["own"]}],
        "roles": [{"name": "adm", "inline": [FULL], "trust": TRUST}],
        "policies": {"own": SWITCH},
        "versions": {"own": [OLDER]},
    }
    ann, adm = arn("user/ann"), arn("role/adm")
    assert {*graph_of(case, tmp_path, to="admin").edges()} == {(ann, ann), (ann, adm)}
    asked = {"action": "access", "snapshot": str(tmp_path / "account.json"), "to": "admin"}
    assert (
        "`user/ann` gives itself more with `iam:SetDefaultPolicyVersion` through `policy/own`,"
        " and becomes `role/adm` with `sts:AssumeRole`."
    ) in tool.run(asked, cli=True).summary
    (page,) = tool.run(asked | {"format": "markdown"}, cli=True).artifacts
    assert page.content.endswith("of kinds that are not collected.\n")


def test_the_page_names_the_question_and_what_closes_most_paths() -> None:
    (page,) = ask(to="admin", format="html").artifacts
    assert "<h1>Who can become an administrator</h1>" in page.content
    assert "What closes most paths" in page.content
    (page,) = ask(principal="carol.lindqvist", format="html").artifacts
    assert "user/carol.lindqvist can become</h1>" in page.content
    (page,) = ask(to="arn:aws:s3:::larkspur-orders-111122223333/x", format="html").artifacts
    assert "<h1>Who can get to perform s3:GetObject on arn:aws:s3:::larkspur-" in page.content


LOADED = """
import sys
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from aws_iam.cli import command_line
for words in sys.argv[1:]:
    with redirect_stdout(TextIOWrapper(BytesIO())):
        command_line.main(words.split(), {})
    print("networkx" in sys.modules)
"""
ACCESS = "audit access --to admin --demo"


def test_networkx_is_imported_only_where_there_are_paths() -> None:
    without = ["audit run --demo", "audit access --who-can s3:GetObject --demo"]
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *without, ACCESS],
        env={"PYTHONPATH": str(ROOT / "server")},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == [*["False"] * len(without), "True"], done.stderr


def test_a_pipe_gets_the_file_alone_and_out_writes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["audit", "access", "--to", "admin", "--demo", "--format", "mermaid"]
    assert command_line.main(words, {}) in {exit_status.OK, exit_status.FOUND}
    assert capsys.readouterr().out.startswith("flowchart LR\n")
    written = tmp_path / "paths.html"
    words = ["audit", "access", "--to", "admin", "--demo", "--out", str(written)]
    assert command_line.main(words, {}) in {exit_status.OK, exit_status.FOUND}
    assert written.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("format_", ["csv", "terraform"])
def test_a_format_of_another_action_is_refused_with_what_there_is(format_: str) -> None:
    with pytest.raises(InputError, match=f"`graphml`, .*, not `{format_}`"):
        ask(to="admin", format=format_)
