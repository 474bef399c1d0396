"""What runs at the demonstration company: containers, builds, jobs and scripts, with secrets written into some of them.

Beside each fault stands a decoy: the same thing done right, which no check may report.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from demo_account.call import HOME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo_account.call import Call

# Not a word, so that its shape counts; the record must hold no part of it.
SECRET = "Vault7!demonstration-only"
_STORED = "payments/api-key"
_STARTED = f"""#!/bin/bash
export LEDGER_PASSWORD='{SECRET}'
exec /opt/larkspur/ledger
"""
_READS_SECRET = f"""#!/bin/bash
export LEDGER_PASSWORD="$(aws secretsmanager get-secret-value --secret-id {_STORED} --query SecretString --output text)"
exec /opt/larkspur/ledger
"""


def user_data(*, fault: bool) -> str:
    """The script that a server starts with: it holds a password, or reads it where it belongs."""
    return _STARTED if fault else _READS_SECRET


def seed_workloads(call: Call) -> None:
    """Create what runs code beside servers and functions."""
    _seed_launch_templates(call)
    _seed_containers(call)
    _seed_builds(call)
    _seed_documents(call)
    _seed_stacks(call)
    _seed_state_machines(call)
    _seed_jobs(call)


def _secret_arn(call: Call) -> str:
    return call.arn("secretsmanager", f"secret:{_STORED}", HOME)


def _seed_launch_templates(call: Call) -> None:
    for name, fault in (("ledger", True), ("shop-web", False)):
        script = base64.b64encode(user_data(fault=fault).encode()).decode()
        call(
            "ec2",
            "create_launch_template",
            LaunchTemplateName=name,
            LaunchTemplateData={"InstanceType": "t3.small", "UserData": script},
        )


def _seed_containers(call: Call) -> None:
    call("ecs", "create_cluster", clusterName="shop")
    arn = _secret_arn(call)
    for name, settings, secrets in (
        ("basket", {"REDIS_PASSWORD": SECRET, "REDIS_HOST": "redis.internal"}, {}),
        ("search", {"TOKEN_TTL": "3600", "LOG_LEVEL": "info"}, {"PAYMENT_KEY": arn}),
    ):
        _seed_container(call, name, settings, secrets)


def _seed_container(
    call: Call, name: str, settings: Mapping[str, str], secrets: Mapping[str, str]
) -> None:
    container = {
        "name": name,
        "image": f"larkspur/{name}:1",
        "memory": 256,
        "environment": [{"name": key, "value": text} for key, text in settings.items()],
        "secrets": [{"name": key, "valueFrom": arn} for key, arn in secrets.items()],
    }
    made = call(
        "ecs",
        "register_task_definition",
        family=name,
        executionRoleArn=call.arn("iam", "role/task-execution"),
        containerDefinitions=[container],
    )
    call(
        "ecs",
        "create_service",
        cluster="shop",
        serviceName=name,
        taskDefinition=made["taskDefinition"]["taskDefinitionArn"],
        desiredCount=1,
    )


def _seed_builds(call: Call) -> None:
    for name, variable in (
        ("shop-image", {"name": "NPM_TOKEN", "value": SECRET, "type": "PLAINTEXT"}),
        ("press-site", {"name": "NPM_TOKEN", "value": _STORED, "type": "SECRETS_MANAGER"}),
    ):
        call(
            "codebuild",
            "create_project",
            name=name,
            source={"type": "GITHUB", "location": f"https://github.com/larkspur/{name}"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": [variable],
            },
            serviceRole=call.arn("iam", "role/build-runner"),
        )


def _seed_documents(call: Call) -> None:
    for name, fault in (("restart-ledger", True), ("restart-shop", False)):
        step = {
            "action": "aws:runShellScript",
            "name": "restart",
            "inputs": {"runCommand": user_data(fault=fault).splitlines()},
        }
        content = {"schemaVersion": "2.2", "description": name, "mainSteps": [step]}
        call(
            "ssm",
            "create_document",
            Name=name,
            DocumentType="Command",
            Content=json.dumps(content),
        )


def _seed_stacks(call: Call) -> None:
    for name, outputs in (
        ("reporting", {"WarehousePassword": SECRET}),
        ("newsletter", {"MailSecretArn": _secret_arn(call), "MailHost": "smtp.larkspur.example"}),
    ):
        template = {
            "Resources": {
                "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}}
            },
            "Outputs": {key: {"Value": text} for key, text in outputs.items()},
        }
        call("cloudformation", "create_stack", StackName=name, TemplateBody=json.dumps(template))


def _seed_state_machines(call: Call) -> None:
    for name, password in (
        ("order-workflow", SECRET),
        # A path into the input of the execution, which the caller fills.
        ("returns-workflow", "$.password"),
    ):
        key = "password.$" if password.startswith("$") else "password"
        task: dict[str, Any] = {
            "Type": "Task",
            "Resource": call.arn("lambda", "function:order-export", HOME),
            "Parameters": {"user": "larkspur", key: password},
            "End": True,
        }
        call(
            "stepfunctions",
            "create_state_machine",
            name=name,
            definition=json.dumps({"StartAt": "Export", "States": {"Export": task}}),
            roleArn=call.arn("iam", "role/order-workflow"),
        )


def _seed_jobs(call: Call) -> None:
    for name, arguments in (
        ("sales-import", {"--DB_PASSWORD": SECRET}),
        ("stock-import", {"--DB_SECRET_ID": _STORED, "--TempDir": "s3://larkspur-orders/tmp/"}),
    ):
        call(
            "glue",
            "create_job",
            Name=name,
            Role=call.arn("iam", "role/data-import"),
            Command={"Name": "glueetl", "ScriptLocation": f"s3://larkspur-orders/{name}.py"},
            DefaultArguments=arguments,
        )
