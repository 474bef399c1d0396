"""`secrets rotation`: every target in every format, proved by its validator."""

from __future__ import annotations

import itertools
import json
import re
import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aws_iam
from aws_iam.errors import InputError
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.hosted_rotation import engines
from aws_iam.tools.secrets.rotation_function import function_code, systems
from aws_iam.tools.secrets.rotation_schedule import parse_schedule
from helpers.secret_validators import VALIDATORS
from helpers.tables.each import for_each

pytestmark = pytest.mark.process

TARGETS = ("rds", "aurora", "documentdb", "redshift", "external", "custom")
FORMATS = ("cli", "cloudformation", "terraform")
SCHEDULES = (None, "30", "rate(10 days)", "cron(0 16 1,15 * ? *)")
SUPERUSER = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rds!db-0a1b-AbCdEf"
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
] + [
    {"target": "custom", "format": form, "secret": ARN, "function": "rotate", "partner": partner}
    for form in FORMATS
    for partner in ("http", "gitlab", "sendgrid", "grafana")
]
HOSTED = [
    {"target": target, "engine": name, "format": form, **asked}
    for name, engine in engines().items()
    for target in engine.targets
    for form in FORMATS
    for asked in (
        {
            "user": "application",
            "superuser_secret": SUPERUSER if engine.superuser_always else None,
        },
        {"strategy": "alternating", "superuser_secret": SUPERUSER, "schedule": "rate(10 days)"},
    )
]


@pytest.mark.parametrize(
    "asked", [*ASKED, *MORE, *HOSTED], ids=lambda case: "-".join(map(str, case.values()))
)
def test_every_file_is_taken_by_its_validator(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    assert answer.artifacts
    for artifact in answer.artifacts:
        assert "{{" not in artifact.content
        VALIDATORS[artifact.checked_by or ""](artifact.content)


@for_each([*ASKED, *HOSTED], name=lambda case: "-".join(map(str, case.values())))
def test_nothing_rotates_at_once_but_what_is_said_to(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    content = "".join(artifact.content for artifact in answer.artifacts)
    rotating = content.count("rotate-secret --region")
    assert content.count("--no-rotate-immediately") == rotating
    assert content.count("RotateImmediatelyOnUpdate: false") == content.count("RotationSchedule")
    blocks = content.count('resource "aws_secretsmanager_secret_rotation"')
    assert content.count("rotate_immediately") == blocks
    assert answer.facts["rotates_at_once"]


@for_each([*ASKED, *HOSTED[:2]], name=lambda case: "-".join(map(str, case.values())))  # fmt: skip
def test_a_template_and_a_configuration_are_deployed_as_they_lie(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    content = "".join(artifact.content for artifact in answer.artifacts)
    given = ("111122223333", "eu-west-1") if asked.get("superuser_secret") else ()
    assumed = {"111122223333", "eu-west-1", "app-database"} - {*given}
    samples = {sample for sample in assumed if sample in content}
    if asked["format"] != "cli":
        assert not samples - {"app-database"}
    if "placeholders" in answer.facts:
        assert {row["replace"] for row in answer.facts["placeholders"]} == samples


@pytest.mark.parametrize(
    ("asked", "replace", "region"),
    [
        ({"secret": "shop/mysql"}, ["app-database"], "us-east-2"),
        ({"secret": "shop/mysql", "format": "cli"}, ["app-database"], "us-east-2"),
        ({"database": "shop"}, [], "us-east-2"),
        ({"database": "shop", "secret": ARN}, [], "eu-central-1"),
    ],
)
def test_account_and_region_are_those_of_the_superuser_s_secret(
    asked: dict[str, str], replace: list[str], region: str
) -> None:
    superuser = "arn:aws:secretsmanager:us-east-2:222233334444:secret:shop/admin-Xy12Zz"
    defaults = {"engine": "mysql", "format": "cloudformation", "superuser_secret": superuser}
    answer = run(target="rds", **(defaults | asked))
    assert [row["replace"] for row in answer.facts["placeholders"]] == replace
    assert f"com.amazonaws.{region}.secretsmanager" in answer.facts["network"]
    content = "".join(artifact.content for artifact in answer.artifacts)
    assert f'TargetId: "{asked.get("database", "app-database")}"' in content


def test_a_region_that_nobody_named_is_not_made_up() -> None:
    answer = run(target="rds", engine="mysql", format="cloudformation", user="application")
    assert "com.amazonaws.REGION.secretsmanager" in answer.facts["network"]
    managed = run(target="rds")
    assert [row["replace"] for row in managed.facts["placeholders"]] == [
        "app-database",
        "eu-west-1",
    ]


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


@pytest.mark.parametrize("system", systems())
def test_the_template_holds_the_function_itself(system: str) -> None:
    answer = run(target="custom", partner=system, format="cloudformation")
    (template,) = answer.artifacts
    _, _, rest = template.content.partition("        ZipFile: |\n")
    code, _, _ = rest.partition("\n  SecretsManagerMayRotate:")
    assert textwrap.dedent(code).strip() == function_code(system).strip()
    # CloudFormation names the inline file so.
    assert "Handler: index.lambda_handler" in template.content


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
    ({"target": "rds", "partner": "http"}, "does not apply to the target `rds`"),
    ({"target": "custom", "engine": "mysql"}, "does not apply to the target `custom`"),
    ({"target": "external", "function": "f"}, "does not apply to the target `external`"),
    (
        {"target": "custom", "partner": "github"},
        "is not a system that the function knows; give `",
    ),
    ({"target": "custom", "partner": "gitlub"}, "is not a system that the function knows"),
    ({"target": "rds", "user": "application"}, "`engine` is missing"),
    ({"target": "aurora", "engine": "oracle"}, "not one of aurora"),
    (
        {"target": "rds", "user": "master", "strategy": "single"},
        "does not apply to the master user",
    ),
    (
        {"target": "rds", "engine": "mysql", "strategy": "alternating"},
        "`superuser_secret` is missing",
    ),
    ({"target": "rds", "engine": "db2", "strategy": "single"}, "`superuser_secret` is missing"),
    (
        {"target": "rds", "engine": "mysql", "strategy": "single", "superuser_secret": SUPERUSER},
        "does not apply to the strategy `single`",
    ),
    ({"target": "redshift", "superuser_secret": "prod/admin"}, "is not a full ARN"),
    ({"target": "redshift", "superuser_secret": SUPERUSER + "$(id)"}, "is not a full ARN"),
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
    assert message in str(refused.value)
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


@for_each(HOSTED, name=lambda case: "-".join(map(str, case.values())))
def test_hosted_rotation_names_awss_function_and_what_it_needs(asked: dict[str, Any]) -> None:
    answer = run(**asked)
    engine = engines()[asked["engine"]]
    alternating = asked.get("strategy") == "alternating"
    ending = "MultiUser" if alternating else "SingleUser"
    text = "".join(artifact.content for artifact in answer.artifacts)
    named = (
        f"{engine.application}{ending}"
        if asked["format"] == "terraform"
        else f"{engine.type}{ending}"
    )
    assert named in text
    assert (SUPERUSER in text) is (alternating or engine.superuser_always)
    assert text.count("masterarn") == text.lower().count("superusersecretarn")
    facts = answer.facts
    assert ("masterSecretArn" in facts.get("unconfirmed", "")) is (
        asked["format"] == "terraform" and SUPERUSER in text
    )
    assert str(engine.port) in facts["network"]
    assert (engine.removal in facts["cleaning_up"]) is alternating
    assert engine.before in facts["before"]
    note = facts.get("engine_note", "")
    assert engine.note in note
    assert (bool(engine.clone_note) and engine.clone_note in note) is (
        alternating and bool(engine.clone_note)
    )


@pytest.mark.parametrize(
    ("engine", "type_"),
    [
        ("Postgres", "PostgreSQLSingleUser"),
        ("mssql", "SQLServerSingleUser"),
        ("pg", "PostgreSQLSingleUser"),
        ("SQL Server", "SQLServerSingleUser"),
    ],
)
def test_an_engine_is_known_by_its_other_names(engine: str, type_: str) -> None:
    assert run(target="rds", engine=engine).facts["rotation_type"] == type_


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
def test_another_partition_has_its_own_repository(partition: str) -> None:
    region = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}[partition]
    secret = f"arn:{partition}:secretsmanager:{region}:444455556666:secret:prod/app/db-a1B2c3"
    asked = {"target": "rds", "engine": "mysql", "format": "terraform", "secret": secret}
    assert f"arn:{partition}:serverlessrepo:{region}:" in run(**asked).artifacts[0].content


def test_without_an_argument_for_a_user_the_master_user_is_meant() -> None:
    assert run(target="rds").facts["kind"] == "managed"
    assert run(target="rds", user="master").facts["kind"] == "managed"
    assert run(target="redshift", user="application").facts["kind"] == "hosted"


def test_every_function_of_awss_repository_is_taken() -> None:
    engines_by_type = {engine.type for engine in engines().values()}
    assert engines_by_type == {
        "PostgreSQL", "MySQL", "MariaDB", "Oracle", "SQLServer", "Db2", "MongoDB", "Redshift",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "engine", "name"),
    [
        ("rds", "PostgreSQL 16", "postgres"),
        ("rds", "postgres 15.4", "postgres"),
        ("rds", "postgres:15", "postgres"),
        ("rds", "MySQL 8.0.mysql_aurora.3.08.0", "mysql"),
        ("rds", "Oracle 19c", "oracle"),
        ("rds", "SQL Server 2019", "sqlserver"),
        ("aurora", "aurora-postgresql 15", "postgres"),
    ],
)
def test_an_engine_with_its_version_is_the_engine(target: str, engine: str, name: str) -> None:
    facts = run(target=target, engine=engine).facts
    assert facts["engine"] == engines()[name].name
    assert facts["understood"] == [f"`engine` `{engine}` as `{name}`, without the version"]


@pytest.mark.parametrize("engine", ["db2 11.5", "DB2"])
def test_an_engine_whose_name_ends_in_a_digit_keeps_it(engine: str) -> None:
    facts = run(target="rds", engine=engine, superuser_secret=SUPERUSER).facts
    assert facts["engine"] == "Db2"
    assert ("understood" in facts) is (engine != "DB2")


def test_a_folder_holds_all_that_its_main_file_names() -> None:
    for asked in (*ASKED, *MORE, *HOSTED):
        answer = run(**asked)
        names = {artifact.name for artifact in answer.artifacts}
        main = answer.artifacts[0].content
        named = set(
            re.findall(
                r"(?:file://|path\.module}/|template-file )([\w-]+\.(?:json|yaml|py))", main
            )
        )
        # The reader's own files: the first value of a secret.
        assert named - {"secret.json"} <= names
        assert names - named <= {answer.artifacts[0].name, "rotation_function.py", "secret.json"}
