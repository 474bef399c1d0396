"""`policy denied` with `online`: AWS's record is read by the ID in the message, within limits, and failures are told."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import boto3
import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from aws_iam.account.guard.allowlist import ALLOWED, guard
from aws_iam.account.reading import authorization_record
from aws_iam.account.session.api_models import trimmed_loader
from aws_iam.answer import Status
from aws_iam.cli.exit_status import UNREADABLE, Gate, exit_status
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.loopback import serving
from helpers.scripted_aws import Refusal, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer

DETAILS = "iam-toolbox:GetRequestAuthorizationDetails"
POLICY = "iam-toolbox:GetRequestAuthorizationPolicy"
(GOOD, *_) = json.loads((TESTS / "cases/denied/records.json").read_text(encoding="utf-8"))
RECORD, MESSAGE, ID = GOOD["authorization"], GOOD["message"], "1a2b3c4d5e6f"
WITHOUT_LINK = (
    MESSAGE.partition("Go to ")[0]
    + f"Call the GetRequestAuthorizationDetails API with the following authorization id: {ID}"
)
FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": {"Sid": "FullAWSAccess", "Effect": "Allow", "Action": "*", "Resource": "*"},
}


def document(asked: dict[str, Any], _region: str) -> Any:
    """The captured document of a URI; AWS has that of FullAWSAccess as well."""
    return {"policyDocument": RECORD["policies"].get(asked["policyUri"], FULL_ACCESS)}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


Scripted = "Callable[..., Script]"


@pytest.fixture
def waited() -> list[float]:
    """The seconds for which a call waited, without waiting."""
    return []


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, waited: list[float]) -> Callable[..., Script]:
    """AWS answers so; the guard, the models and the request's own checks are the real ones."""

    def script(details: Any = RECORD["details"], policy: Any = document) -> Script:
        made = Script({DETAILS: details, POLICY: policy})
        monkeypatch.setattr(authorization_record, "connect", lambda _source: made.session())
        monkeypatch.setattr(authorization_record, "sleep", waited.append)
        return made

    return script


def read(message: str = MESSAGE, **arguments: Any) -> Answer:
    return tool.run(
        {"action": "denied", "message": message, "online": True, **arguments}, cli=True
    )


def asked(script: Script, operation: str) -> list[tuple[str, dict[str, Any]]]:
    return [(region, given) for name, region, given in script.calls if name == operation]


def test_the_record_is_read_where_the_link_says_and_each_policy_once(
    scripted: Callable[..., Script],
) -> None:
    script = scripted()
    answer = read()
    assert asked(script, DETAILS) == [("us-east-1", {"authorizationId": ID})]
    uris = [given["policyUri"] for _, given in asked(script, POLICY)]
    assert uris == [policy["uri"] for policy in RECORD["details"]["policies"]]
    assert [row["agrees"] for row in answer.facts["evaluations"]] == [True, True]
    record = answer.facts["record"]
    assert (record["authorization_id"], record["region"], record["whole"]) == (
        ID,
        "us-east-1",
        True,
    )
    assert "agree in all 2 evaluations" in answer.summary
    assert answer.facts["proof"]["other_evaluations_as_before"] == 1


def test_all_pages_are_joined(scripted: Callable[..., Script]) -> None:
    first, second = RECORD["details"]["evaluations"]

    def page(given: dict[str, Any], _region: str) -> Any:
        token = given.get("nextToken")
        rest = {} if token else {"nextToken": "more"}
        return {**RECORD["details"], "evaluations": [second if token else first], **rest}

    script = scripted(page)
    answer = read()
    assert [given.get("nextToken") for _, given in asked(script, DETAILS)] == [None, "more"]
    assert len(asked(script, POLICY)) == 2
    assert [row["action"] for row in answer.facts["evaluations"]] == [
        "s3:GetObject",
        "s3:ListBucket",
    ]
    assert answer.facts["record"]["whole"] is True


def test_pages_without_end_are_read_up_to_a_limit_and_the_record_is_not_called_whole(
    scripted: Callable[..., Script],
) -> None:
    tokens = iter(range(10_000))

    def page(_given: dict[str, Any], _region: str) -> Any:
        return {**RECORD["details"], "nextToken": f"t{next(tokens)}"}

    script = scripted(page)
    answer = read()
    assert len(asked(script, DETAILS)) == authorization_record.MOST_PAGES
    assert answer.facts["record"]["whole"] is False
    assert "The record has further pages" in answer.summary


def test_a_page_that_fails_later_leaves_a_record_that_is_not_whole(
    scripted: Callable[..., Script],
) -> None:
    def page(given: dict[str, Any], _region: str) -> Any:
        if given.get("nextToken"):
            return Refusal("InternalServerException", "try again", 500)
        return {**RECORD["details"], "nextToken": "more"}

    scripted(page)
    assert "The record has further pages" in read().summary


def test_policies_beyond_the_limit_are_named_as_not_read(
    scripted: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authorization_record, "MOST_POLICIES", 1)
    script = scripted()
    answer = read()
    assert len(asked(script, POLICY)) == 1
    assert [row["agrees"] for row in answer.facts["evaluations"]] == [None, None]
    assert "`inline/read`: not read, after 1 policies" in answer.summary


def test_a_record_that_is_not_written_yet_is_asked_for_again(
    scripted: Callable[..., Script], waited: list[float]
) -> None:
    missing = iter([Refusal("ResourceNotFoundException", "not yet", 404)] * 2)

    def details(_given: dict[str, Any], _region: str) -> Any:
        return next(missing, RECORD["details"])

    script = scripted(details)
    assert read().facts["record"]["whole"] is True
    assert len(asked(script, DETAILS)) == 3
    assert waited == [2, 4]


def test_a_refusal_is_not_waited_for(scripted: Callable[..., Script], waited: list[float]) -> None:
    script = scripted(Refusal("AccessDeniedException", "no"))
    read()
    assert (len(asked(script, DETAILS)), waited) == (1, [])


def test_a_policy_that_may_not_be_read_leaves_the_evaluation_open_and_is_named(
    scripted: Callable[..., Script],
) -> None:
    scripted(policy=Refusal("AccessDeniedException", "no"))
    answer = read()
    assert [row["agrees"] for row in answer.facts["evaluations"]] == [None, None]
    assert "iam:GetRequestAuthorizationPolicy is not allowed" in answer.summary


@pytest.mark.parametrize(
    ("refusal", "reason", "fix"),
    [
        (
            Refusal("ResourceNotFoundException", "gone", 404),
            "AWS has no such record in us-east-1 (ResourceNotFoundException)",
            "so try again after a minute; it is kept for 24 hours or more",
        ),
        (
            Refusal("AccessDeniedException", "no"),
            "iam:GetRequestAuthorizationDetails is not allowed",
            "ReadDenialsOnRequest",
        ),
        (
            Refusal(
                "AccessDeniedException",
                "User: arn:aws:iam::111122223333:user/a is not authorized to perform:"
                " iam:GetRequestAuthorizationDetails because no identity-based policy allows the action",
            ),
            "no identity-based policy allows it",
            "ReadDenialsOnRequest",
        ),
        (
            Refusal("ThrottlingException", "slow down", 429),
            "ThrottlingException",
            "iam:GetRequestAuthorizationDetails",
        ),
    ],
    ids=["not found", "denied", "denied by a layer", "throttled"],
)
def test_a_record_that_cannot_be_read_leaves_the_answer_by_the_message(
    scripted: Callable[..., Script], refusal: Refusal, reason: str, fix: str
) -> None:
    scripted(refusal)
    answer = read()
    (finding,) = answer.findings
    assert (finding.code, finding.status) == ("AUTHORIZATION_RECORD_NOT_READ", Status.UNKNOWN)
    assert reason in (finding.reason or "")
    assert fix in (finding.fix or "")
    assert fix in answer.summary
    assert answer.summary.startswith("AWS's record was not read: ")
    assert answer.facts["aws_said"]["action"] == "s3:GetObject"
    assert answer.artifacts
    assert "evaluations" not in answer.facts


@pytest.mark.parametrize(
    "error",
    [NoCredentialsError(), EndpointConnectionError(endpoint_url="https://iam-toolbox")],
    ids=["credentials", "endpoint"],
)
def test_where_aws_is_out_of_reach_the_command_says_so_by_its_status(
    monkeypatch: pytest.MonkeyPatch, scripted: Callable[..., Script], error: Exception
) -> None:
    scripted(error)
    if isinstance(error, NoCredentialsError):

        def connected(_source: object) -> boto3.Session:
            raise AwsError("no AWS credentials were found", hint="connect; or see `demo: true`")

        monkeypatch.setattr(authorization_record, "connect", connected)
    answer = read()
    assert exit_status(answer, Gate()) == UNREADABLE
    assert answer.facts["aws_said"]["layer"] == "identity"
    assert "demo" not in (answer.findings[0].fix or "")


def test_without_a_link_the_named_regions_are_asked_one_after_the_other(
    scripted: Callable[..., Script],
) -> None:
    def details(_given: dict[str, Any], region: str) -> Any:
        here = region == "eu-central-1"
        return RECORD["details"] if here else Refusal("ResourceNotFoundException", "no", 404)

    script = scripted(details)
    answer = read(WITHOUT_LINK, regions=["eu-west-1", "eu-central-1", "us-east-1"])
    assert [region for region, _ in asked(script, DETAILS)] == ["eu-west-1", "eu-central-1"]
    assert {region for region, _ in asked(script, POLICY)} == {"eu-central-1"}
    assert answer.facts["record"]["region"] == "eu-central-1"


def test_without_a_link_and_regions_the_region_of_the_resource_is_asked(
    scripted: Callable[..., Script],
) -> None:
    script = scripted(Refusal("ResourceNotFoundException", "no", 404))
    message = (
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sqs:SendMessage on resource:"
        " arn:aws:sqs:eu-north-1:111122223333:q because no identity-based policy allows the sqs:SendMessage action."
        f" authorization id: {ID}"
    )
    read(message)
    assert {region for region, _ in asked(script, DETAILS)} == {"eu-north-1"}
    scripted_again = scripted(Refusal("ResourceNotFoundException", "no", 404))
    answer = read(WITHOUT_LINK)
    assert {region for region, _ in asked(scripted_again, DETAILS)} == {"us-east-1"}
    assert "no such record in us-east-1" in answer.summary


LINK = f"https://us-east-1.console.aws.amazon.com/iam/home?region=us-east-1#/authorization-details/{ID}"


@pytest.mark.parametrize("message", [LINK, ID, f"authorization id: {ID}"])
def test_an_id_or_a_link_alone_is_enough(scripted: Callable[..., Script], message: str) -> None:
    script = scripted()
    answer = read(message)
    assert asked(script, DETAILS) == [("us-east-1", {"authorizationId": ID})]
    assert answer.facts["aws_said"]["action"] == "s3:GetObject"
    assert "other_messages" not in answer.facts
    scripted(Refusal("ResourceNotFoundException", "gone", 404))
    with pytest.raises(AwsError, match="AWS's record was not read: AWS has no such record"):
        read(message)
    with pytest.raises(InputError, match="read AWS's record under that ID with `online`"):
        tool.run({"action": "denied", "message": message})


def test_a_region_that_the_resource_makes_up_is_not_asked(scripted: Callable[..., Script]) -> None:
    script = scripted(Refusal("ResourceNotFoundException", "no", 404))
    message = (
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sqs:SendMessage on resource:"
        f" arn:aws:sqs:attacker.example:111122223333:q authorization id: {ID}"
    )
    read(message)
    assert {region for region, _ in asked(script, DETAILS)} == {"us-east-1"}


@pytest.mark.parametrize(
    ("message", "arguments", "words"),
    [
        (MESSAGE.partition(" Go to")[0], {}, "`message` has no authorization ID"),
        (MESSAGE.replace(ID, "EXAMPLE1a2b3c"), {}, "is no authorization ID"),
        (MESSAGE, {"regions": ["eu-west-1"]}, "the message's link names `us-east-1`"),
        (MESSAGE.replace("us-east-1", "xx-nowhere-9"), {}, "is not an AWS Region"),
        (MESSAGE, {"policies": {"identity": []}}, "`policies` cannot be given"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_call(
    scripted: Callable[..., Script], message: str, arguments: dict[str, Any], words: str
) -> None:
    script = scripted()
    with pytest.raises(InputError) as refused:
        read(message, **arguments)
    assert words in str(refused.value)
    assert script.calls == []


@pytest.mark.parametrize("lacking", ["iam-toolbox:", POLICY])
def test_an_older_sdk_is_told_with_what_would_work(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    core = botocore.session.Session()
    # The models of an SDK from before the service, or from before its second call.
    older = frozenset(name for name in ALLOWED if not name.startswith(lacking))
    core.register_component("data_loader", trimmed_loader(older))
    core.set_credentials("AKIATEST", "test")
    guard(core)
    session = boto3.Session(botocore_session=core, region_name="us-east-1")
    monkeypatch.setattr(authorization_record, "connect", lambda _source: session)
    answer = read()
    (finding,) = answer.findings
    assert f"boto3 {boto3.__version__}" in (finding.reason or "")
    assert "pip install --upgrade boto3" in (finding.fix or "")
    assert "`authorization`" in (finding.fix or "")


def test_over_http_the_sdk_asks_by_the_paths_of_the_model_and_signs_for_iam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uris = [policy["uri"] for policy in RECORD["details"]["policies"]]
    path = f"/authorization-details/{ID}"
    answers: dict[str, Any] = {path: RECORD["details"]}
    for uri in uris:
        query = urlencode({"policyUri": uri}, quote_via=quote, safe="-_.~")
        captured = RECORD["policies"].get(uri, FULL_ACCESS)
        answers[f"{path}/policy?{query}"] = {"policyDocument": captured}
    with serving(answers) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        answer = read()
    assert [row["agrees"] for row in answer.facts["evaluations"]] == [True, True]
    assert {asked for asked, _ in server.asked} == set(answers)
    for _, headers in server.asked:
        assert "/us-east-1/iam/aws4_request" in headers["Authorization"]
