"""A catalogue that another process refreshed is used by every answer from then on, with nothing kept from the old one."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.engine.reference import catalog_rows
from aws_iam.engine.reference.catalog import catalog, forget, shipped, user_file
from aws_iam.errors import InputError
from aws_iam.tools.registry import tools
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aws_iam.answer import Answer

NEW = "sqs:FrobnicateQueue"
FROB = "arn:aws:sqs:eu-west-1:111122223333:frob/a"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": NEW,
            "Resource": FROB,
            "Condition": {"StringEquals": {"sqs:Frobs": "a"}},
        }
    ],
}
PATTERN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sqs:Frob*", "Resource": FROB}],
}
NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield
    forget()


def run(**arguments: Any) -> Answer:
    return next(tool for tool in tools() if tool.name == "policy").run(arguments)


def codes(answer: Answer) -> list[str]:
    return sorted(finding.code for finding in answer.findings)


def write_newer() -> None:
    """The file that `aws-iam catalog refresh` writes in another process."""
    services = dict(shipped().rows())
    row = services["sqs"]
    row.actions["FrobnicateQueue"] = catalog_rows.ActionRow(
        level="Write", types=["frob"], keys={"sqs:Frobs"}
    )
    row.types["frob"] = catalog_rows.TypeRow(
        formats=["arn:${Partition}:sqs:${Region}:${Account}:frob/${Frob}"]
    )
    row.keys["sqs:Frobs"] = "String"
    file = user_file()
    assert file is not None
    file.parent.mkdir(parents=True)
    known = shipped().provenance
    provenance = {"as_of": "2999-01-01", "sources": [], "dependents": known["dependents"]}
    file.write_bytes(catalog_rows.pack(services, shipped().rcp_services, provenance))


ANSWERS: dict[str, Callable[[], Any]] = {
    "validate": lambda: codes(run(action="validate", document=POLICY)),
    "validate a pattern": lambda: codes(run(action="validate", document=PATTERN)),
    "explain": lambda: dict(run(action="explain", document=POLICY).facts).get("actions_allowed"),
    "explain a pattern": lambda: dict(run(action="explain", document=PATTERN).facts).get(
        "actions_allowed"
    ),
    "lookup": lambda: dict(run(action="lookup", query=NEW).facts)["known"],
    "lookup of a key": lambda: dict(run(action="lookup", query="sqs:Frobs").facts)["known"],
    "lookup of an ARN": lambda: dict(run(action="lookup", query=FROB).facts).get("resource_types"),
    "compare": lambda: run(action="compare", document=PATTERN, baseline=NOTHING).comparison,
    "generate": lambda: [
        artifact.content for artifact in run(action="generate", needs={NEW: [FROB]}).artifacts
    ],
}


def answered() -> dict[str, str]:
    def text(work: Callable[[], Any]) -> str:
        try:
            return json.dumps(work(), default=str)
        except InputError as refused:
            return str(refused)

    return {name: text(work) for name, work in ANSWERS.items()}


@pytest.mark.usefixtures("own_cache")
def test_a_running_server_follows_a_refresh() -> None:
    before = answered()
    write_newer()
    after = answered()
    assert {name for name in ANSWERS if before[name] == after[name]} == set()
    assert after["validate"] == after["validate a pattern"] == "[]"
    assert catalog().as_of == "2999-01-01"
    file = user_file()
    assert file is not None
    file.unlink()
    assert answered() == before


def test_no_plain_cache_keeps_what_comes_from_the_catalogue() -> None:
    stale = [
        f"{path.relative_to(ROOT)}: {function.name}"
        for path in (ROOT / "server").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and function.name != "catalog"
        and any(
            "cache" in ast.unparse(decorator).split("(")[0]
            for decorator in function.decorator_list
        )
        and not any(
            ast.unparse(decorator) == "cached_property" for decorator in function.decorator_list
        )
        and any(
            isinstance(call, ast.Call) and ast.unparse(call.func) == "catalog"
            for call in ast.walk(function)
        )
    ]
    assert stale == []
