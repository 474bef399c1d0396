"""The project's own policy templates by cases: what each must and must not allow, and that the cases notice a weaker template."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam import templates
from aws_iam.engine.sources.files import File, Files
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

FOLDER = TESTS / "cases/test/templates"
EVERY = templates.listed()
UNNOTICED = {
    # Only the requests of services have aws:SourceAccount, which the statement asks for too: the Bool changes nothing.
    "rcp-data-perimeter": [
        "ServicesOnBehalfOfOrganizationOnly without Bool aws:PrincipalIsAWSService"
    ],
    # The service data lacks the actions of this preview, so that a case on them would prove little.
    "audit-read-only": ["without ReadDenialsOnRequest"],
}


def answer_of(name: str, policy: str) -> Answer:
    """The cases of a template, which name it as a file beside them."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")

    def beside(_: str, path: str) -> Files | None:
        assert path == f"{name}.json"
        return Files(files=(File(name=path, text=policy),))

    files = Files(files=(File(name=f"{name}.yaml", text=text),), beside=beside)
    return tool.run({"action": "test", "cases": files}, cli=True)


def filled(template: templates.Template) -> str:
    return templates.fill(template, template.samples)


def test_every_template_has_cases() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {template.name for template in EVERY}


@pytest.mark.parametrize("template", EVERY, ids=lambda own: own.name)
def test_a_template_allows_what_it_must_and_nothing_that_it_must_not(
    template: templates.Template,
) -> None:
    answer = answer_of(template.name, filled(template))
    assert [finding.message for finding in answer.findings] == []
    outcomes = {row["decided"] for row in answer.facts["cases"]}
    assert "Allowed" in outcomes
    assert outcomes & {"ExplicitlyDenied", "ImplicitlyDenied"}


def weakened(policy: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policy without one of its statements or conditions, and with more actions or resources in one."""
    for number, statement in enumerate(policy["Statement"]):
        sid = statement.get("Sid", number)

        def changed(number: int = number, **fields: Any) -> dict[str, Any]:
            other = copy.deepcopy(policy)
            own = {k: v for k, v in {**other["Statement"][number], **fields}.items() if v}
            other["Statement"][number] = own
            return other

        without = copy.deepcopy(policy)
        del without["Statement"][number]
        yield f"without {sid}", without
        for operator, keys in statement.get("Condition", {}).items():
            for key in keys:
                rest = copy.deepcopy(statement["Condition"])
                del rest[operator][key]
                kept = {name: own for name, own in rest.items() if own}
                yield f"{sid} without {operator} {key}", changed(Condition=kept)
        # In the policy of a resource both stand for what its service can be asked.
        for field in ("Action", "Resource") if "Principal" not in statement else ():
            if statement["Effect"] == "Allow" and statement[field] != "*":
                yield f"{sid} with {field} *", changed(**{field: "*"})


@pytest.mark.parametrize("template", EVERY, ids=lambda own: own.name)
def test_the_cases_of_a_template_notice_a_weaker_one(template: templates.Template) -> None:
    unnoticed = [
        what
        for what, policy in weakened(json.loads(filled(template)))
        if answer_of(template.name, json.dumps(policy)).facts["failed"] == 0
    ]
    assert unnoticed == UNNOTICED.get(template.name, [])
