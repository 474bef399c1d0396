"""The names of the arguments that say which role something runs under, against all resources of CloudFormation and Terraform."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from aws_iam import resources
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.containers.access_settings import access_settings, role_settings
from helpers.folders import TESTS
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN = json.loads((TESTS / "cases/role_arguments.json").read_text(encoding="utf-8"))
NAMES = resources.data("workload-roles.json")
SAYS_ROLE = re.compile("role|instanceprofile", re.IGNORECASE)
ALL_TYPES = PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")


def nested(path: str, value: str) -> Any:
    head, _, rest = path.partition(".")
    inner = nested(rest, value) if rest else value
    if head == "*":
        return {"key": inner}
    for _ in range(head.count("[]")):
        inner = [inner]
    return {head.replace("[]", ""): inner}


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The path and the name of each property that holds a text or a list of texts."""
    computed = {path.rpartition("/")[2] for path in schema.get("readOnlyProperties", ())}
    todo: list[tuple[dict[str, Any], tuple[str, ...], frozenset[str]]] = [
        (own, (name,), frozenset())
        for name, own in schema.get("properties", {}).items()
        if name not in computed
    ]
    while todo:
        node, path, seen = todo.pop()
        if reference := node.get("$ref"):
            if reference not in seen:
                target: Any = schema
                for step in reference.removeprefix("#/").split("/"):
                    target = target[step]
                todo.append((target, path, seen | {reference}))
            continue
        for word in ("allOf", "anyOf", "oneOf"):
            todo += ((own, path, seen) for own in node.get(word, ()))
        for name, own in node.get("properties", {}).items():
            todo.append((own, (*path, name), seen))
        todo += ((own, (*path, "*"), seen) for own in node.get("patternProperties", {}).values())
        if isinstance(items := node.get("items"), dict):
            todo.append((items, (*path[:-1], f"{path[-1]}[]"), seen))
        if node.get("type") == "string":
            yield ".".join(path), path[-1].replace("[]", "")


def left_out(type_: str, name: str) -> bool:
    plain, own = (re.sub("[^a-z0-9]", "", text.lower()) for text in (type_, name))
    plain = plain.removeprefix("aws")
    return any(
        plain.startswith(row["type"]) and (not row["names"] or own in row["names"])
        for row in NAMES["left_out"]
    )


def test_each_role_of_a_template_is_known_or_left_out_for_a_reason() -> None:
    unknown = []
    for type_ in ALL_TYPES:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
        for path, name in properties(schema):
            own = from_value(nested(path, "x"))
            if SAYS_ROLE.search(name) and not any(
                access_settings("cloudformation", type_, own, "Own")
            ):
                unknown.append((type_, path, name))
    left = [
        (type_, path)
        for type_, path, name in unknown
        if name.lower() not in KNOWN["other_names"] and not left_out(type_, name)
    ]
    assert left == []
    # A name that is never met says nothing.
    met = {name.lower() for _, _, name in unknown}
    assert len(met & KNOWN["other_names"].keys()) > 20


@for_each(KNOWN["terraform"])
def test_each_role_of_the_provider_is_known(type_: str) -> None:
    for path in KNOWN["terraform"][type_]:
        found = access_settings("terraform", type_, from_value(nested(path, "x")), "own")
        assert any("x" in own.value for own in found), path


def test_nothing_is_left_out_that_has_no_such_argument() -> None:
    plain = {re.sub("[^a-z0-9]", "", type_.lower()).removeprefix("aws") for type_ in ALL_TYPES}
    plain |= {type_.replace("_", "").removeprefix("aws") for type_ in KNOWN["terraform"]}
    others = {"bedrockagentprompt", "inspector2filter", "v1configmap", "v1secret"}
    for row in NAMES["left_out"]:
        assert row["type"] in others or any(own.startswith(row["type"]) for own in plain), row


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"assume_role": [{"role_arn": "a", "session_name": "s"}]}, "own.assume_role[].role_arn"),
        ({"iam_instance_profile": [{"name": "a"}]}, "own.iam_instance_profile"),
        ({"parameters": {"AutomationAssumeRole": {"default": "a"}}}, "own.parameters.AutomationAssumeRole"),
    ],
)  # fmt: skip
def test_what_stands_beside_a_role_is_none_of_it(values: Any, place: str) -> None:
    (own,) = role_settings("aws_x", from_value(values), "own")
    assert own.place == place
    assert "session" not in own.value
