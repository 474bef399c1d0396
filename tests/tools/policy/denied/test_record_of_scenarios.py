"""AWS's own examples of decisions, written as the records that AWS would keep of them, are decided as AWS decides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.request import request_of
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.answer import Answer

SCENARIOS = [
    scenario
    for scenario in json.loads((TESTS / "cases/evaluate/scenarios.json").read_text("utf-8"))
    # The record does not tell which account manages the organization, nor who is behind a federated session.
    if not {"management_account", "federated_by"} & scenario["request"].keys()
]
TYPES = {
    "rcp": ("RESOURCE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"),
    "scp": ("SERVICE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"),
    "vpc_endpoint": ("VPC_ENDPOINT_POLICY", "VPC_ENDPOINT"),
    "resource": ("RESOURCE_BASED_POLICY", "RESOURCE"),
    "identity": ("IDENTITY_BASED_POLICY", "PRINCIPAL"),
    "boundary": ("PERMISSIONS_BOUNDARY", "PERMISSIONS_BOUNDARY"),
    "session": ("SESSION_POLICY", "SESSION"),
}
EFFECTS = {
    "Allowed": "ALLOW",
    "ImplicitlyDenied": "IMPLICIT_DENY",
    "ExplicitlyDenied": "EXPLICIT_DENY",
}
KINDS = ("root", "ou", "account")


def _target(number: int) -> str:
    kind = KINDS[min(number, 2)]
    return f"arn:aws:organizations::999988887777:{kind}/o-abcde12345/x-{number}"


def _levels(layer: str, value: Any) -> list[list[Any]]:
    rows = value if isinstance(value, list) else [value]
    if layer not in {"scp", "rcp"}:
        return [rows]
    return [row if isinstance(row, list) else [row] for row in rows]


def _caller(request: dict[str, Any]) -> dict[str, Any]:
    """The context keys by which a record names the caller."""
    asked = request_of(request)
    caller = asked.caller
    if caller.arn == "*":
        return {"aws:PrincipalType": "Anonymous"}
    if ":oidc-provider/" in caller.arn or ":saml-provider/" in caller.arn:
        return {"aws:FederatedProvider": caller.arn}
    if not caller.account:
        return {"aws:PrincipalIsAWSService": True, "aws:PrincipalServiceName": caller.arn}
    session = {"aws:userid": f"AROAEXAMPLE:{caller.arn.rpartition('/')[2]}"} if caller.role else {}
    return {"aws:PrincipalArn": caller.role or caller.arn, **session}


def _record(scenario: dict[str, Any]) -> dict[str, Any]:
    request, layers = scenario["request"], scenario["policies"]
    asked = request_of(request)
    asks_owner = asked.crosses_accounts or needs_resource_policy(asked) or not asked.caller.account
    policies: list[dict[str, Any]] = []
    documents: dict[str, Any] = {}
    checks: list[dict[str, Any]] = []
    for layer, (type_, check) in TYPES.items():
        if layer not in layers:
            continue
        for level, row in enumerate(_levels(layer, layers[layer])):
            target = {"targetArn": _target(level)} if layer in {"scp", "rcp"} else {}
            named = []
            for number, document in enumerate(row):
                uri = f"{layer}/{level}/{number}"
                attached = {"attachedTo": [{"arn": _target(level)}]} if target else {}
                policies.append({"type": type_, "uri": uri, **attached})
                documents[uri] = document
                named.append({"uri": uri, "matchedStatements": []})
            if layer != "resource" or asks_owner:
                checks.append(
                    {
                        "checkType": check,
                        "evaluatedEffect": "NO_IMPACT",
                        "matchedPolicies": named,
                        **target,
                    }
                )
    checks += [
        {"checkType": "PRINCIPAL", "evaluatedEffect": "NO_IMPACT"}
        for _ in range("identity" not in layers)
    ]
    own = {name.lower() for name in request.get("context", {})}
    context = {
        name: value
        for name, value in {
            **_caller(request),
            "aws:ResourceAccount": asked.resource_account,
        }.items()
        if name.lower() not in own
    }
    evaluation = {
        "action": request["action"],
        "resource": "" if request["resource"] == "*" else request["resource"],
        "evaluatedEffect": EFFECTS[scenario["expect"]["outcome"]],
        "context": request.get("context", {}),
        "checks": checks,
    }
    details = {"requestContext": context, "evaluations": [evaluation], "policies": policies}
    return {"details": details, "policies": documents}


@asked_once
def denied(scenario: dict[str, Any]) -> Answer:
    return tool.run({"action": "denied", "authorization": _record(scenario)})


@for_each(SCENARIOS, name=lambda scenario: scenario["name"])
def test_a_record_is_decided_as_aws_decides(scenario: dict[str, Any]) -> None:
    answer = denied(scenario)
    (row,) = answer.facts["evaluations"]
    assert (row["our_outcome"], row["agrees"]) == (scenario["expect"]["outcome"], True), row.get(
        "why"
    )


# AWS makes no check of what does not bind the caller, or cannot refuse the call.
UNCHECKED = {
    "scp-not-service-linked-role",
    "rcp-not-service-linked-role",
    "sts-get-caller-identity",
}
CHECKED = [
    scenario
    for scenario in SCENARIOS
    if scenario["name"] not in UNCHECKED
    and (
        scenario["expect"]["outcome"] == "Allowed"
        or scenario["policies"].keys() >= set(scenario["expect"]["decided_by"])
    )
]


@for_each(CHECKED, name=lambda scenario: scenario["name"])
def test_the_check_of_the_layer_that_decides_has_the_effect_of_the_decision(
    scenario: dict[str, Any],
) -> None:
    answer = denied(scenario)
    (row,) = answer.facts["evaluations"]
    ours = {(check["check"], check["our_effect"]) for check in row["checks"]}
    effect = EFFECTS[scenario["expect"]["outcome"]]
    if effect == "ALLOW":
        assert {effect for _, effect in ours} <= {"ALLOW", "NO_IMPACT"}
        return
    checked = {check for check, _ in ours}
    for layer in scenario["expect"]["decided_by"]:
        _, name = TYPES[layer]
        # Within one account the resource's own policy is part of the caller's check.
        assert (name if name in checked else "PRINCIPAL", effect) in ours
