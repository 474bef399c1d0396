"""What the collectors of secrets leave out, put together and pace."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.account.collect.compute.functions import FUNCTIONS, ROTATION_FUNCTIONS
from aws_iam.account.collect.compute.task_definitions import MOST_FAMILIES, TASK_DEFINITIONS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.secrets.parameters import PARAMETERS, PLAIN_VALUES
from aws_iam.account.collect.secrets.secret_policies import NAMED_POLICIES
from aws_iam.account.collect.secrets.secrets import PENDING_VERSIONS
from aws_iam.account.names.sensitive import ValueKind
from helpers.rich_account import RICH
from helpers.rich_secrets import SECRET
from helpers.scripted_aws import Refusal, Script

REGION = "us-east-1"


def read(fact: Any, **changed: Any) -> Any:
    changes = {name.replace("__", ":"): answer for name, answer in changed.items()}
    aws = Script(RICH | changes).aws()
    value = aws.fact_or_miss(fact, REGION)
    aws.close()
    return value


def test_many_parameters_are_listed_slowly_enough_for_the_quota() -> None:
    def page(given: dict[str, Any], _region: str) -> dict[str, Any]:
        number = int(given.get("NextToken", "1"))
        more = {"NextToken": str(number + 1)} if number < 4 else {}
        assert given["MaxResults"] == 50
        return {"Parameters": [{"Name": f"/p/{number}", "Type": "String"}], **more}

    slept: list[float] = []
    aws = Script(RICH | {"ssm:DescribeParameters": page}).aws()
    aws.sleep = slept.append
    listed = aws.fact_or_miss(PARAMETERS, REGION)
    aws.close()
    assert [parameter.name for parameter in listed] == ["/p/1", "/p/2", "/p/3", "/p/4"]
    assert len(slept) == 3
    assert all(pause > 1 / 3 for pause in slept)


def test_every_page_of_a_secrets_versions_is_read() -> None:
    def page(given: dict[str, Any], _region: str) -> dict[str, Any]:
        number = int(given.get("NextToken", "1"))
        version = {"VersionId": f"{number:032}", "VersionStages": ["AWSPENDING"]}
        more = {"NextToken": str(number + 1)} if number < 3 else {}
        return {"Versions": [version], **more}

    (secret,) = read(PENDING_VERSIONS, secretsmanager__ListSecretVersionIds=page)
    assert [int(labelled.id) for labelled in secret.versions] == [1, 2, 3]


def test_a_variable_that_holds_the_name_of_a_secret_is_a_reference() -> None:
    app, hidden = read(FUNCTIONS)
    kinds = {variable.name: variable.kind for variable in app.variables}
    assert kinds["APP_SECRET"] is ValueKind.REFERENCE
    assert kinds["DB_PASSWORD"] is ValueKind.TEXT
    assert (hidden.variables, hidden.hidden) == ((), "AccessDeniedException")


def test_the_policies_of_a_secret_are_read_by_their_names() -> None:
    (secret,) = read(NAMED_POLICIES)
    assert [policy.name for policy in secret.policies] == ["default", "partner"]
    assert "444455556666" in secret.policies[0].document
    assert secret.listed is None


def test_where_the_list_of_policies_is_unknown_the_default_one_is_read() -> None:
    (secret,) = read(NAMED_POLICIES, secretsmanager__ListResourcePolicies=Refusal())
    assert [policy.name for policy in secret.policies] == ["default"]
    assert secret.listed.permission == "secretsmanager:ListResourcePolicies"


def test_versions_are_read_only_for_a_secret_with_a_pending_one() -> None:
    (waiting,) = read(PENDING_VERSIONS)
    assert [version.labels for version in waiting.versions] == [("AWSPENDING",)]
    done = {
        "SecretList": [
            {"ARN": SECRET, "Name": "s", "SecretVersionsToStages": {"c" * 32: ["AWSCURRENT"]}}
        ]
    }
    assert read(PENDING_VERSIONS, secretsmanager__ListSecrets=done) == ()


def test_a_function_keeps_the_role_that_it_runs_with() -> None:
    assert [function.role for function in read(FUNCTIONS)] == [
        "arn:aws:iam::111122223333:role/app",
        "",
    ]


def test_a_rotation_function_that_does_not_exist_is_an_answer() -> None:
    gone = Refusal("ResourceNotFoundException", "", 404)
    (function,) = read(ROTATION_FUNCTIONS, lambda__GetFunctionConfiguration=gone)
    assert (function.state, function.policy) == (None, None)
    (function,) = read(ROTATION_FUNCTIONS, lambda__GetPolicy=gone)
    assert (function.state, function.policy) == ("Active", None)


def test_a_service_in_deployment_runs_two_task_definitions() -> None:
    service = {
        "serviceArn": "arn:aws:ecs:us-east-1:111122223333:service/prod/app",
        "taskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/app:4",
        "deployments": [
            {"taskDefinition": "arn:aws:ecs:us-east-1:111122223333:task-definition/app:3"}
        ],
    }
    found = read(TASK_DEFINITIONS, ecs__DescribeServices={"services": [service]})
    assert [secret.arn.rpartition(":")[2] for secret in found] == ["3", "4"]


@pytest.mark.parametrize(
    ("container", "found"),
    [
        ({"command": ["--api-key=x9!Kq2#Lm", "--stage=prod"]}, ["api-key"]),
        ({"entryPoint": ["sh", "-c"], "command": ["export DB_PASS=x9!Kq2#Lm; app"]}, ["DB_PASS"]),
        ({"healthCheck": {"command": ["CMD", "redis-cli", "-a", "x9Kq2Lm4"]}}, ["command with a password"]),
        ({"command": ["--api-key=$API_KEY", "--token-file=/run/token"]}, []),
    ],
)  # fmt: skip
def test_the_command_of_a_container_is_looked_into(
    container: dict[str, Any], found: list[str]
) -> None:
    definition = {"containerDefinitions": [{"name": "app", **container}]}
    (task, *_) = read(TASK_DEFINITIONS, ecs__DescribeTaskDefinition={"taskDefinition": definition})
    assert [exposed.name or exposed.format for exposed in task.containers[0].in_command] == found
    assert "x9" not in str(task)


def test_the_latest_definition_of_a_family_without_a_service_is_read() -> None:
    families = {"families": ["app", "nightly"]}
    arn = "arn:aws:ecs:us-east-1:111122223333:task-definition/nightly:7"
    definition = {"taskDefinition": {"taskDefinitionArn": arn, "containerDefinitions": []}}
    found = read(
        TASK_DEFINITIONS,
        ecs__ListTaskDefinitionFamilies=families,
        ecs__DescribeTaskDefinition=definition,
    )
    assert [(task.arn.rpartition("/")[2], bool(task.services)) for task in found] == [
        ("app:3", True),
        ("nightly:7", False),
    ]
    many = {"families": [f"family-{number:03}" for number in range(MOST_FAMILIES + 9)]}
    assert len(read(TASK_DEFINITIONS, ecs__ListTaskDefinitionFamilies=many)) == MOST_FAMILIES + 1


def test_a_cluster_whose_services_cannot_be_listed_makes_the_fact_a_miss() -> None:
    found = read(TASK_DEFINITIONS, ecs__ListServices=Refusal())
    assert isinstance(found, Miss)
    assert found.permission == "ecs:ListServices"


def test_a_parameter_that_became_a_secure_string_is_skipped() -> None:
    answer = {"Parameters": [{"Name": "/prod/app/url", "Type": "SecureString", "Value": "x" * 40}]}
    assert read(PLAIN_VALUES, ssm__GetParameters=answer) == ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Attributes": {"Timestamp": "soon"}}'])
def test_an_expiration_that_cannot_be_read_is_ignored(text: str) -> None:
    policies = [{"PolicyType": "Expiration", "PolicyText": text}]
    listed = {"Parameters": [{"Name": "/p", "Type": "SecureString", "Policies": policies}]}
    (parameter,) = read(PARAMETERS, ssm__DescribeParameters=listed)
    assert parameter.expires == ()
