"""`secrets rotation`: every target in every format, proved by its validator; the function's four steps on moto."""

from __future__ import annotations

import itertools
import json
import types
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

import aws_iam
from aws_iam.errors import InputError
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.rotation_schedule import parse_schedule
from helpers.secret_validators import VALIDATORS

pytestmark = pytest.mark.process

TARGETS = ("rds", "aurora", "documentdb", "redshift", "external", "custom")
FORMATS = ("cli", "cloudformation", "terraform")
SCHEDULES = (None, "30", "rate(10 days)", "cron(0 16 1,15 * ? *)")
ARN = "arn:aws:secretsmanager:eu-central-1:444455556666:secret:prod/app/db-a1B2c3"


def run(**arguments: Any) -> Any:
    return tool.run({"action": "rotation", **arguments})


ASKED = [
    {"target": target, "format": form, **({"schedule": when} if when else {})}
    for target, form, when in itertools.product(TARGETS, FORMATS, SCHEDULES)
    if (target, form) != ("documentdb", "cloudformation") or when is None
    if target == "custom" or when in (None, "rate(10 days)")
]
MORE = [
    {"target": "external", "format": form, "metadata": {"field": "text"}, "window": "3h"}
    for form in FORMATS
] + [{"target": "custom", "format": form, "secret": ARN, "function": "rotate"} for form in FORMATS]


@pytest.mark.parametrize(
    "asked", [*ASKED, *MORE], ids=lambda case: "-".join(map(str, case.values()))
)
def test_every_file_is_taken_by_its_validator(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    assert answer.artifacts
    for artifact in answer.artifacts:
        assert "{{" not in artifact.content
        VALIDATORS[artifact.checked_by or ""](artifact.content)


@pytest.mark.parametrize("asked", ASKED, ids=lambda case: "-".join(map(str, case.values())))
def test_nothing_rotates_at_once_but_what_is_said_to(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    content = answer.artifacts[0].content
    rotating = content.count("rotate-secret --region")
    assert content.count("--no-rotate-immediately") == rotating
    assert content.count("RotateImmediatelyOnUpdate: false") == content.count("RotationSchedule")
    blocks = content.count('resource "aws_secretsmanager_secret_rotation"')
    assert content.count("rotate_immediately") == blocks
    assert answer.facts["rotates_at_once"]


def test_the_kinds_are_told_apart() -> None:
    kinds = {target: run(target=target).facts["kind"] for target in TARGETS}
    assert kinds == {
        "rds": "managed",
        "aurora": "managed",
        "documentdb": "managed",
        "redshift": "managed",
        "external": "managed external",
        "custom": "lambda",
    }
    for target in ("rds", "aurora", "documentdb", "redshift"):
        assert "lambda" not in run(target=target).artifacts[0].content.replace(
            "no Lambda function", ""
        )


@pytest.mark.parametrize("form", FORMATS)
def test_only_secrets_manager_may_call_the_function_and_for_one_account(form: str) -> None:
    content = run(target="custom", format=form).artifacts[0].content
    assert "secretsmanager.amazonaws.com" in content
    assert any(
        word in content for word in ("--source-account", "SourceAccount:", "source_account ")
    )


def document(answer: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        next(artifact.content for artifact in answer.artifacts if artifact.name == name)
    )
    return found


REQUEST = {"principal": "arn:aws:iam::444455556666:role/rotate-role"}


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [(ARN, "Allowed"), (ARN.replace("db-a1B2c3", "db-other-a1B2c3"), "ImplicitlyDenied")],
)
def test_the_functions_role_changes_one_secret_alone(resource: str, outcome: str) -> None:
    role = document(run(target="custom", secret=ARN, function="rotate"), "rotation-role.json")
    function = "arn:aws:lambda:eu-central-1:444455556666:function:rotate"
    context = {"secretsmanager:resource/AllowRotationLambdaArn": function}
    request = {**REQUEST, "action": "secretsmanager:PutSecretValue", "resource": resource}
    decision = aws_iam.evaluate({**request, "context": context}, {"identity": role})
    assert decision.outcome == outcome
    other = {
        **request,
        "context": {"secretsmanager:resource/AllowRotationLambdaArn": f"{function}2"},
    }
    assert aws_iam.evaluate(other, {"identity": role}).outcome == "ImplicitlyDenied"


@pytest.mark.parametrize(
    ("account", "outcome"), [("111122223333", "Allowed"), ("999999999999", "ImplicitlyDenied")]
)
def test_the_partners_role_is_taken_for_one_account_alone(account: str, outcome: str) -> None:
    trust = document(run(target="external"), "external-trust.json")
    decision = aws_iam.evaluate(
        {
            "principal": "secretsmanager.amazonaws.com",
            "action": "sts:AssumeRole",
            "resource": "arn:aws:iam::111122223333:role/RotatePartnerSecret",
            "context": {
                "aws:SourceAccount": account,
                "aws:SourceArn": f"arn:aws:secretsmanager:eu-west-1:{account}:secret:prod/partner/token-a1B2c3",
            },
        },
        {"resource": trust},
    )
    assert decision.outcome == outcome


def test_a_type_that_is_not_listed_is_taken_and_said_to_be_unknown() -> None:
    answer = run(target="external", partner="NewPartnerToken")
    assert answer.facts["partner"] == "unknown"
    assert "a type that is not in the list of 2026-11-26" in answer.summary
    assert {"type": "SonarQubeToken", "partner": "SonarQube"} in answer.facts["types"]


REFUSED = (
    ({"target": "rds", "secret": "x"}, "does not apply to the target `rds`"),
    ({"target": "custom", "database": "x"}, "does not apply to the target `custom`"),
    ({"target": "rds", "window": "3h"}, "`window` needs `schedule`"),
    (
        {"target": "documentdb", "format": "cloudformation", "schedule": "30"},
        "does not return the ARN",
    ),
    ({"target": "rds", "database": "a; rm -rf /"}, "is not a database identifier"),
    ({"target": "custom", "function": "$(id)"}, "is not a function name"),
    ({"target": "custom", "secret": "prod/`id`"}, "`secret` is not well formed"),
    ({"target": "custom", "secret": "arn:aws:s3:::b"}, "is not an ARN of this store"),
    ({"target": "external", "partner": "a b"}, "is not a secret type"),
    ({"target": "external", "metadata": {"a": "x'; id; '"}}, "`metadata` must be an object"),
    ({"target": "external", "metadata": "[" * 100_000}, "`metadata` holds a number or a nesting"),
    ({"target": "custom", "schedule": "0"}, "must be 1 to 1,000 days"),
    ({"target": "custom", "schedule": "rate(3 hours)"}, "more often than every 4 hours"),
    ({"target": "custom", "schedule": "cron(0 */2 * * ? *)"}, "more often than every 4 hours"),
    ({"target": "custom", "schedule": "cron(0 1,3 * * ? *)"}, "more often than every 4 hours"),
    ({"target": "custom", "schedule": "cron(5 1 * * ? *)"}, "minutes must be `0`"),
    ({"target": "custom", "schedule": "cron(0 1 1 * 1 *)"}, "the week must be `?`"),
    ({"target": "custom", "schedule": "cron(0 1 * *)"}, "six fields"),
    ({"target": "custom", "schedule": "daily\x1b[2J"}, "`daily\\u001b[2J` is not valid"),
    (
        {"target": "custom", "schedule": "rate(12 hours)", "window": "13h"},
        "extends into the next rotation",
    ),
    ({"target": "custom", "window": "3 hours"}, "`3 hours` is not valid"),
)


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_would_not_work_is_refused_with_what_would(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        run(**arguments)
    assert message in refused.value.message
    assert refused.value.hint or "1,000" in message
    assert "\x1b" not in str(refused.value)


@given(st.integers(1, 1000))
def test_days_are_days(days: int) -> None:
    assert parse_schedule(str(days)).rules == {"AutomaticallyAfterDays": days}


@given(st.integers(4, 9999), st.integers(1, 99))
def test_a_window_never_reaches_the_next_rotation(hours: int, window: int) -> None:
    try:
        found = parse_schedule(f"rate({hours} hours)", f"{window}h")
    except InputError:
        assert window > min(hours, 24)
    else:
        assert window <= min(hours, 24)
        assert "AutomaticallyAfterDays" not in found.rules


class System:
    """What takes the credential, as a rotation function meets it."""

    def __init__(self) -> None:
        self.password = "old"
        self.changes = 0

    def accepts(self, credential: dict[str, str]) -> bool:
        return credential["password"] == self.password

    def change(self, current: dict[str, str], pending: dict[str, str]) -> None:
        assert self.accepts(current)
        self.changes += 1
        self.password = pending["password"]


VERSION = "0" * 31 + "1"


@pytest.fixture
def rotating(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client: Any = boto3.client("secretsmanager")
        made = client.create_secret(
            Name="prod/app/db", SecretString=json.dumps({"username": "app", "password": "old"})
        )
        arn, old = made["ARN"], made["VersionId"]
        # Moto makes the new version current by itself; as AWS has it, it waits without a value.
        client.rotate_secret(
            SecretId=arn,
            ClientRequestToken=VERSION,
            RotationRules={"AutomaticallyAfterDays": 30},
        )
        client.update_secret_version_stage(
            SecretId=arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=old,
            RemoveFromVersionId=VERSION,
        )
        client.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSPENDING", MoveToVersionId=VERSION
        )
        code = next(
            artifact.content
            for artifact in run(target="custom").artifacts
            if artifact.name == "rotation_function.py"
        )
        module: Any = types.ModuleType("rotation_function")
        exec(compile(code, "rotation_function.py", "exec"), module.__dict__)  # noqa: S102 - our own asset
        system = System()
        module.accepts, module.change = system.accepts, system.change

        def step(name: str, version: str = VERSION) -> None:
            event = {"SecretId": arn, "ClientRequestToken": version, "Step": name}
            module.lambda_handler(event, None)

        yield types.SimpleNamespace(
            client=client, arn=arn, old=old, module=module, system=system, step=step
        )


def value(at: Any, **of: str) -> dict[str, str]:
    # Moto takes its own idea of the current version where no label is named.
    wanted = of or {"VersionStage": "AWSCURRENT"}
    found: dict[str, str] = json.loads(
        at.client.get_secret_value(SecretId=at.arn, **wanted)["SecretString"]
    )
    return found


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def test_the_four_steps_rotate_the_secret(rotating: Any, caplog: pytest.LogCaptureFixture) -> None:
    rotating.step("createSecret")
    pending = value(rotating, VersionId=VERSION)
    assert pending["username"] == "app"
    assert len(pending["password"]) == 32
    assert value(rotating)["password"] == "old"
    rotating.step("setSecret")
    assert rotating.system.password == pending["password"]
    rotating.step("testSecret")
    rotating.step("finishSecret")
    assert value(rotating) == pending
    labels = rotating.client.describe_secret(SecretId=rotating.arn)["VersionIdsToStages"]
    assert "AWSCURRENT" in labels[VERSION]
    assert labels[rotating.old] == ["AWSPREVIOUS"]
    assert pending["password"] not in caplog.text


def test_every_step_may_be_called_twice(rotating: Any) -> None:
    rotating.step("createSecret")
    pending = value(rotating, VersionId=VERSION)
    for name in STEPS:
        rotating.step(name)
        rotating.step(name)
    assert value(rotating) == pending
    assert rotating.system.changes == 1


def test_a_value_that_the_system_refuses_never_becomes_current(rotating: Any) -> None:
    rotating.step("createSecret")
    with pytest.raises(ValueError, match="does not accept the pending value"):
        rotating.step("testSecret")
    assert value(rotating)["password"] == "old"


@pytest.mark.parametrize(
    ("name", "version", "message"),
    [("dropSecret", VERSION, "unknown step"), ("setSecret", "9" * 32, "no such version")],
)
def test_a_call_that_fits_nothing_is_refused(
    rotating: Any, name: str, version: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        rotating.step(name, version)


def test_a_secret_that_does_not_rotate_is_left_alone(rotating: Any) -> None:
    other = rotating.client.create_secret(Name="other", SecretString="{}")["ARN"]
    event = {"SecretId": other, "ClientRequestToken": VERSION, "Step": "createSecret"}
    with pytest.raises(ValueError, match="not enabled"):
        rotating.module.lambda_handler(event, None)


def test_without_the_systems_part_the_skeleton_changes_nothing() -> None:
    code = run(target="custom").artifacts[1].content
    assert code.count("raise NotImplementedError") == 2
