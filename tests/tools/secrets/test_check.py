"""`secrets check`: on the demonstration account, on AWS's answers, on a saved snapshot; and no value anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.collect.compute.task_definitions import (
    MOST_FAMILIES,
    TASK_DEFINITIONS,
    TaskDefinition,
)
from aws_iam.account.guard.allowlist import OPENING
from aws_iam.account.guard.shipped_policy import SECRETS as FORBIDDEN
from aws_iam.account.reading.collect_account import collect
from aws_iam.account.reading.snapshot import dumps, loads, save
from aws_iam.answer import Status, to_json
from aws_iam.errors import InputError
from aws_iam.rules.check import needs_of
from aws_iam.rules.on_account import findings_on
from aws_iam.tools.kit.parameters import Source
from aws_iam.tools.secrets.actions import tool
from aws_iam.tools.secrets.checks.catalogue import CHECKS, ON_REQUEST
from aws_iam.tools.secrets.terms import SecretTerms
from helpers.rich_account import RICH
from helpers.rich_secrets import VALUE
from helpers.scripted_aws import Refusal, Script

if TYPE_CHECKING:
    from pathlib import Path

USUAL = [check for code, check in CHECKS.items() if code not in ON_REQUEST]


def run(**arguments: Any) -> Any:
    return tool.run({"action": "check", **arguments}, cli=True)


@pytest.fixture(scope="module")
def script() -> Script:
    return Script(RICH)


@pytest.fixture(scope="module")
def account(script: Script) -> Any:
    return collect(needs_of(USUAL), Source(), session=script.session())


@pytest.fixture(scope="module")
def saved(account: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("snapshots") / "account.json"
    save(account, path)
    return path


def test_the_demonstration_account_is_judged() -> None:
    answer = run(demo=True)
    failed = {finding.code for finding in answer.findings if finding.status is Status.FAIL}
    assert {"ENV-LAMBDA", "SSM-PLAINTEXT", "SEC-ROT-OFF"} <= failed
    assert not [finding for finding in answer.findings if finding.status is Status.UNKNOWN]
    assert "No value was read" in answer.summary
    assert "demonstration-only" not in json.dumps(to_json(answer))


def test_each_place_of_a_secret_in_the_demonstration_has_a_fault_and_a_silent_decoy() -> None:
    answer = run(demo=True)
    failed = {finding.code: finding for finding in answer.findings if finding.status is Status.FAIL and finding.code.startswith("ENV-")}  # fmt: skip
    # Nothing names a secret that does not exist.
    assert set(failed) == {code for code in CHECKS if code.startswith("ENV-")} - {
        "ENV-ECS-DANGLING"
    }
    by_code = [finding.code for finding in answer.findings if finding.status is Status.FAIL]
    assert all(by_code.count(code) == 1 for code in failed if code != "ENV-LAMBDA-CMK")
    assert "Vault7" not in json.dumps(to_json(answer))


@pytest.mark.parametrize("number", [MOST_FAMILIES - 1, MOST_FAMILIES])
def test_the_bound_of_task_definitions_without_a_service_is_told(
    number: int, account: Any, tmp_path: Path
) -> None:
    region = "us-east-1"
    definitions = tuple(
        TaskDefinition(arn=f"arn:aws:ecs:{region}:111122223333:task-definition/f{n}:1")
        for n in range(number)
    )
    facts = {**account.facts, (TASK_DEFINITIONS.name, region): definitions}
    path = tmp_path / "account.json"
    save(replace(account, facts=facts), path)
    answer = run(snapshot=str(path), scope=["ecs"])
    is_bounded = number == MOST_FAMILIES
    assert ("Not judged: of the task definitions" in answer.summary) is is_bounded
    assert len(answer.facts["not_judged"]) == 1 + is_bounded
    assert "not_judged" not in run(snapshot=str(path), scope=["lambda"]).facts


def test_no_call_asks_for_a_value(account: Any, script: Script) -> None:
    assert account.id
    made = set(script.operations)
    assert made.isdisjoint(FORBIDDEN)
    assert not [action for action in made if "Decrypt" in action or "Value" in action]
    assert "ssm:GetParameters" not in made


def test_every_declared_call_is_made(account: Any, script: Script) -> None:
    assert account.id
    asked = [COLLECTORS[fact.name] for fact in needs_of(USUAL)]
    asked += [COLLECTORS[fact.name] for collector in asked for fact in collector.after]
    declared = {operation for collector in asked for operation in collector.operations}
    assert set(script.operations) - set(OPENING) == declared


def test_no_value_of_the_account_reaches_the_snapshot_or_the_findings(
    account: Any, saved: Path
) -> None:
    assert VALUE not in dumps(account)
    answer = run(snapshot=str(saved))
    assert VALUE not in json.dumps(to_json(answer))
    assert VALUE[:8] not in dumps(account)


def test_a_saved_snapshot_says_the_same_as_the_account(account: Any, saved: Path) -> None:
    live = findings_on(account, USUAL, SecretTerms())
    assert findings_on(loads(saved.read_text(encoding="utf-8")), USUAL, SecretTerms()) == live
    codes = {finding.code for finding in run(snapshot=str(saved)).findings}
    assert codes == {check.code for check in USUAL}


EXPECTED = {
    "SEC-ROT-OVERDUE": "was due on 2026-01-01",
    "SEC-ROT-STUCK": "has been AWSPENDING since",
    "SEC-ROT-LAMBDA-PERM": "for any account",
    "SEC-ROT-LAMBDA-RUNTIME": "`python3.8`",
    "SEC-POL-PUBLIC": "policy `partner`",
    "SEC-POL-XACCT": "account 444455556666",
    "SEC-XACCT-KEYPOL": "no kms:Decrypt",
    "SSM-SHARED": "444455556666",
    "SEC-REPLICA-FAIL": "`eu-west-1`",
    "SSM-PLAINTEXT": "its description contains `password`",
    "ENV-LAMBDA": "`DB_PASSWORD`",
    "ENV-ECS": "container `app`: variable `API_TOKEN`",
    "ENV-ECS-DANGLING": "does not exist",
    "ENV-USER-DATA": "variable `DB_PASS` has `pass` in its name",
    "ENV-LAUNCH-TEMPLATE": "variable `db_password` has `password` in its name",
    "ENV-CODEBUILD": "variable `NPM_TOKEN` has `token` in its name",
    "ENV-SSM-DOCUMENT": "variable `PGPASSWORD` has `password` in its name",
    "ENV-STACK": "variable `DatabasePassword` has `password` in its name",
    "ENV-STEP-FUNCTIONS": "variable `apiKey` has `api key` in its name",
    "ENV-GLUE": "variable `db_password` has `password` in its name",
    "SEC-RDS-MASTER": "admin password of cluster `reports`",
}


@pytest.mark.parametrize(("code", "words"), EXPECTED.items())
def test_a_finding_names_the_element(account: Any, code: str, words: str) -> None:
    findings = [
        finding
        for finding in findings_on(account, [CHECKS[code]], SecretTerms())
        if finding.status is Status.FAIL
    ]
    assert any(words in finding.message for finding in findings)


REFUSABLE = sorted(
    operation
    for operation in RICH
    if operation.partition(":")[0]
    in {
        *("secretsmanager", "ssm", "ram", "lambda", "ecs", "redshift"),
        *("codebuild", "cloudformation", "stepfunctions", "glue"),
    }
    and operation != "ssm:GetParameters"
)


@pytest.mark.parametrize("operation", REFUSABLE)
def test_a_refused_call_is_unknown_by_its_permission_never_a_pass(operation: str) -> None:
    refusing = Script(RICH | {operation: Refusal()})
    account = collect(needs_of(USUAL), Source(), session=refusing.session())
    findings = findings_on(account, USUAL, SecretTerms())
    reasons = [finding.reason or "" for finding in findings if finding.status is Status.UNKNOWN]
    # The sharing of other services is no business of these checks.
    if operation in refusing.operations:
        assert any(operation in reason for reason in reasons)


@pytest.mark.parametrize("code", ["InvalidAction", "InternalFailure", "404"])
def test_an_endpoint_without_the_newest_calls_leaves_the_others_judged(code: str) -> None:
    lacking = {
        "secretsmanager:ListResourcePolicies": Refusal(code, "", 404),
        "ssm:GetResourcePolicies": Refusal(code, "", 404),
        "ram:ListResources": Refusal(code, "", 404),
    }
    account = collect(needs_of(USUAL), Source(), session=Script(RICH | lacking).session())
    by_code: dict[str, set[Status]] = {}
    for finding in findings_on(account, USUAL, SecretTerms()):
        by_code.setdefault(finding.code, set()).add(finding.status)
    # The default policy is read without the list, and the list stays unknown.
    assert by_code["SEC-POL-XACCT"] == {Status.FAIL, Status.UNKNOWN}
    assert by_code["SSM-SHARED"] == {Status.UNKNOWN}
    assert by_code["ENV-LAMBDA"] >= {Status.FAIL}


def test_only_who_asks_has_string_parameters_looked_into() -> None:
    script = Script(RICH)
    chosen = [CHECKS["SSM-PLAINTEXT-VALUE"]]
    account = collect(needs_of(chosen), Source(), session=script.session())
    (finding,) = findings_on(account, chosen, SecretTerms())
    assert finding.status is Status.FAIL
    assert finding.message == "`/prod/app/url` holds what looks like: GitHub token"
    asked = [given for operation, _, given in script.calls if operation == "ssm:GetParameters"]
    assert asked == [{"Names": ["/prod/app/url"], "WithDecryption": False}]
    assert "ghp_" not in dumps(account)


def test_looking_into_values_in_the_demonstration_account() -> None:
    answer = run(demo=True, scope=["parameter_store"], plaintext_values=True)
    assert "SSM-PLAINTEXT-VALUE" in {finding.code for finding in answer.findings}
    assert answer.facts["looked_into_values"] == "String parameters, as requested"
    assert "demonstration-only" not in json.dumps(to_json(answer))


@pytest.mark.parametrize(
    ("scope", "codes"),
    [
        (["lambda"], {"ENV-LAMBDA", "ENV-LAMBDA-CMK"}),
        (["ecs", "SEC-ROT-OFF"], {"ENV-ECS", "ENV-ECS-DANGLING", "SEC-ROT-OFF"}),
        (["ssm-stale"], {"SSM-STALE"}),
        (["SEC-ROT-L"], {"SEC-ROT-LAMBDA-GONE", "SEC-ROT-LAMBDA-PERM", "SEC-ROT-LAMBDA-RUNTIME"}),
    ],
)
def test_a_scope_chooses_checks_and_reads_only_their_facts(
    scope: list[str], codes: set[str], saved: Path
) -> None:
    assert {finding.code for finding in run(snapshot=str(saved), scope=scope).findings} == codes


REFUSED = (
    ({"scope": ["SEC-ROT-OF-THE"]}, "selects no check", "did you mean"),
    ({"scope": ["\x1b[1m"]}, "selects no check", "give `secrets_manager`"),
    ({"scope": ["SSM-PLAINTEXT-VALUE"]}, "reads the values", "plaintext_values"),
    ({"trusted": ["me"]}, "`trusted` is not well formed", "12 digits"),
    ({"limits": {"rotation_days": 0}}, "`limits`: `rotation_days` must be", "interval"),
    ({"limits": {"days": 3}}, "`limits` has no `days`", ""),
)


@pytest.mark.parametrize(("arguments", "message", "hint"), REFUSED)
def test_what_means_nothing_is_refused_by_name(
    arguments: dict[str, Any], message: str, hint: str, saved: Path
) -> None:
    with pytest.raises(InputError) as refused:
        run(snapshot=str(saved), **arguments)
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert "\x1b" not in str(refused.value)


def test_limits_and_trusted_accounts_change_the_verdict(saved: Path) -> None:
    answer = run(
        snapshot=str(saved),
        scope=["SEC-POL-XACCT", "SEC-ROT-SLOW"],
        trusted=["444455556666"],
        limits={"rotation_days": 5},
    )
    by_code = {finding.code: finding.status for finding in answer.findings}
    assert by_code == {"SEC-POL-XACCT": Status.PASS, "SEC-ROT-SLOW": Status.FAIL}


def test_a_check_can_be_saved_and_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    live = run(demo=True, scope=["lambda"], save=str(path))
    again = run(snapshot=str(path), scope=["lambda"])
    assert again.findings == live.findings
    other = run(snapshot=str(path), scope=["ecs"])
    assert {finding.status for finding in other.findings} == {Status.UNKNOWN}


def test_what_was_refused_comes_with_the_policy_that_mends_it(tmp_path: Path) -> None:
    refusing = Script(RICH | {"ecs:ListClusters": Refusal()})
    path = tmp_path / "account.json"
    save(collect(needs_of(USUAL), Source(), session=refusing.session()), path)
    (artifact,) = run(snapshot=str(path)).artifacts
    assert json.loads(artifact.content)["Statement"][0]["Action"] == ["ecs:ListClusters"]


def test_regions_that_aws_will_not_list_leave_no_check_passed(tmp_path: Path) -> None:
    refusing = Script(RICH | {"ec2:DescribeRegions": Refusal("UnauthorizedOperation")})
    path = tmp_path / "account.json"
    save(collect(needs_of(USUAL), Source(), session=refusing.session()), path)
    answer = run(snapshot=str(path))
    # Policies of identities are the account's, whatever its Regions.
    passed = {finding.code for finding in answer.findings if finding.status is Status.PASS}
    assert passed == {"SEC-IAM-WILDCARD"}
    reason = "ec2:DescribeRegions: UnauthorizedOperation; allow ec2:DescribeRegions"
    codes = [finding.code for finding in answer.findings if finding.reason == reason]
    assert len(codes) > 20
    # A check that asks several services of every Region tells it once.
    assert len(set(codes)) == len(codes)
    assert json.loads(answer.artifacts[0].content)["Statement"][0]["Action"] == [
        "ec2:DescribeRegions"
    ]
    assert answer.facts["not_read"][0]["needs"] == "ec2:DescribeRegions"
