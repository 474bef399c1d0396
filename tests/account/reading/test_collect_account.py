from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from aws_iam.account.calls.clients import Clients
from aws_iam.account.collect.catalogue import COLLECTORS, FACTS
from aws_iam.account.collect.detection.macie import MACIE
from aws_iam.account.collect.fact import Fact, Miss, MissKind
from aws_iam.account.collect.identity.account_summary import SUMMARY
from aws_iam.account.collect.logging.alarms import ALARMS, TOPICS
from aws_iam.account.collect.network.security_groups import SECURITY_GROUPS
from aws_iam.account.collect.storage.volumes import EBS_DEFAULT
from aws_iam.account.reading import snapshot
from aws_iam.account.reading.collect_account import collect, collect_from
from aws_iam.errors import AwsError, InputError
from helpers.rich_account import RICH
from helpers.scripted_aws import ACCOUNT, CALLER, Refusal, Script, opening

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

pytestmark = pytest.mark.process

TWO = opening("us-east-1", "eu-west-1")


@dataclass
class Source:
    profile: str | None = None
    regions: list[str] | None = None
    role_arn: str | None = None
    external_id: str | None = None


@dataclass
class Watch:
    seen: list[tuple[int, int, str]] = field(default_factory=list)

    def __call__(self, done: int, total: int, text: str) -> None:
        self.seen.append((done, total, text))


def _collect(
    answers: dict[str, Any], *needs: Fact[Any], regions: tuple[str, ...] = ()
) -> tuple[snapshot.Account, Script]:
    script = Script(answers)
    return collect_from(needs, script.session(), regions), script


def test_everything_is_read_at_once_and_can_be_saved() -> None:
    account, _ = _collect(RICH, *FACTS.values())
    assert (account.id, account.caller_arn, account.alias) == (ACCOUNT, CALLER, "acme")
    assert account.misses() == ()
    assert {name for name, _ in account.facts} == set(FACTS)
    assert snapshot.loads(snapshot.dumps(account)) == account


def test_only_the_calls_of_the_needed_facts_are_made() -> None:
    _, script = _collect(TWO | RICH, SUMMARY)
    assert sorted(script.operations) == [
        "ec2:DescribeRegions",
        "iam:GetAccountSummary",
        "iam:ListAccountAliases",
        "sts:GetCallerIdentity",
    ]


def test_a_fact_that_two_others_build_on_is_read_once() -> None:
    _, script = _collect(RICH | TWO, ALARMS, TOPICS)
    assert script.operations.count("cloudwatch:DescribeAlarms") == 2


def test_every_enabled_region_is_read_unless_some_are_named() -> None:
    account, _ = _collect(TWO, EBS_DEFAULT)
    assert account.regions.read == ("eu-west-1", "us-east-1")
    assert account.regions.complete
    account, _ = _collect(TWO, EBS_DEFAULT, regions=("eu-west-1",))
    assert str(account.regions) == "1 of 2 enabled Regions"
    assert account.regions.asked == ("eu-west-1",)


def test_regions_that_aws_will_not_list_leave_the_sessions_own_and_a_miss() -> None:
    account, _ = _collect(TWO | {"ec2:DescribeRegions": Refusal("UnauthorizedOperation")}, SUMMARY)
    assert account.regions.read == ("us-east-1",)
    assert isinstance(account.regions.enabled, Miss)
    assert account.regions.enabled.permission == "ec2:DescribeRegions"


@pytest.mark.parametrize("listed", [[], [{"Endpoint": "ec2.us-east-1.amazonaws.com"}]])
def test_an_account_without_any_region_is_an_answer_that_cannot_be_read(
    listed: list[dict[str, str]],
) -> None:
    account, _ = _collect(TWO | {"ec2:DescribeRegions": {"Regions": listed}}, EBS_DEFAULT)
    enabled = account.regions.enabled
    assert isinstance(enabled, Miss)
    assert (enabled.kind, enabled.message) == (MissKind.BROKEN, "the answer contains no Region")
    assert account.regions.read == ("us-east-1",)
    assert not account.regions.complete
    account, _ = _collect(TWO | {"ec2:DescribeRegions": {}}, EBS_DEFAULT, regions=("eu-west-1",))
    assert account.regions.read == ("eu-west-1",)


def test_regions_of_other_partitions_are_not_the_accounts() -> None:
    account, _ = _collect(opening("us-east-1", "cn-north-1", "us-gov-west-1"), SUMMARY)
    assert account.regions.enabled == ("us-east-1",)


def test_a_region_that_does_not_exist_is_refused_with_a_better_one() -> None:
    with pytest.raises(
        InputError, match="`eu-west-11` is not an AWS Region; did you mean `eu-west-1`"
    ):
        _collect(TWO, SUMMARY, regions=("eu-west-11",))


def test_a_region_that_is_not_enabled_is_refused_with_the_enabled_ones() -> None:
    with pytest.raises(InputError, match="not enabled for the account; enabled are eu-west-1"):
        _collect(TWO, SUMMARY, regions=("ap-east-1",))


def test_an_alias_that_may_not_be_read_is_left_out() -> None:
    account, _ = _collect(TWO | {"iam:ListAccountAliases": Refusal()}, SUMMARY)
    assert account.alias is None


def test_the_order_in_which_regions_are_named_changes_nothing() -> None:
    def facts(*regions: str) -> Any:
        return _collect(RICH | TWO, SECURITY_GROUPS, TOPICS, regions=regions)[0].facts

    assert facts("us-east-1", "eu-west-1") == facts("eu-west-1", "us-east-1")


def test_one_region_that_refuses_leaves_the_others() -> None:
    def groups(_given: Any, region: str) -> Any:
        return Refusal("UnauthorizedOperation") if region == "eu-west-1" else {}

    account, _ = _collect(TWO | {"ec2:DescribeSecurityGroups": groups}, SECURITY_GROUPS)
    values = dict(account.in_each(SECURITY_GROUPS))
    assert values["us-east-1"] == ()
    miss = values["eu-west-1"]
    assert isinstance(miss, Miss)
    assert (miss.region, miss.permission) == ("eu-west-1", "ec2:DescribeSecurityGroups")


WORDS = (
    "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:DescribeSecurityGroups "
    "with an explicit deny in a service control policy"
)


def _nameless(**meta: str) -> ClientError:
    """A refusal without a body: what S3 answers to a HEAD names its request."""
    answer: Any = {
        "Error": {"Code": "403"},
        "ResponseMetadata": {"HTTPStatusCode": 403, **meta},
    }
    return ClientError(answer, "DescribeSecurityGroups")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Refusal("AccessDenied"), "denied", "AccessDenied"),
        (Refusal("AccessDeniedException", "", 400), "denied", "AccessDeniedException"),
        (Refusal("UnauthorizedOperation"), "denied", "UnauthorizedOperation"),
        (Refusal("AuthorizationError", "", 400), "denied", "AuthorizationError"),
        (Refusal("Odd", WORDS, 400), "denied", "Odd"),
        (Refusal("OfAnyName", "", 403), "denied", "OfAnyName"),
        (_nameless(RequestId="r"), "denied", "403"),
        (_nameless(), "broken", "403"),
        (Refusal("", "", 403), "broken", ""),
        (Refusal("SignatureDoesNotMatch"), "broken", "SignatureDoesNotMatch"),
        (Refusal("RequestTimeTooSkewed"), "broken", "RequestTimeTooSkewed"),
        (
            Refusal("MissingAuthenticationTokenException"),
            "broken",
            "MissingAuthenticationTokenException",
        ),
        (Refusal("InvalidAccessKeyId"), "unsupported", "InvalidAccessKeyId"),
        (Refusal("NotSignedUp"), "unsupported", "NotSignedUp"),
        (Refusal("Throttling", "", 400), "throttled", "Throttling"),
        (Refusal("RequestLimitExceeded", "", 503), "throttled", "RequestLimitExceeded"),
        *(
            (Refusal(code, "", 400), "throttled", code)
            for code in (
                "PriorRequestNotComplete",
                "EC2ThrottledException",
                "RequestThrottledException",
                "BandwidthLimitExceeded",
                "ProvisionedThroughputExceededException",
                "LimitExceededException",
            )
        ),
        (Refusal("AuthFailure", "", 401), "unsupported", "AuthFailure"),
        (Refusal("UnrecognizedClientException"), "unsupported", "UnrecognizedClientException"),
        (Refusal("OptInRequired"), "unsupported", "OptInRequired"),
        (Refusal("404", "Not yet implemented", 404), "unsupported", "404"),
        (Refusal("NoSuchThing", "", 404), "absent", "NoSuchThing"),
        (
            Refusal("AWS.SimpleQueueService.NonExistentQueue", "", 400),
            "absent",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (Refusal("QueueDoesNotExist", "", 400), "absent", "QueueDoesNotExist"),
        (Refusal("500", "<html>", 500), "broken", "500"),
        (Refusal("InternalError", "", 500), "broken", "InternalError"),
        (ResponseParserError("<html>"), "broken", "ResponseParserError"),
        (ReadTimeoutError(endpoint_url="u"), "timeout", "ReadTimeoutError"),
        (ConnectTimeoutError(endpoint_url="u"), "timeout", "ConnectTimeoutError"),
        (EndpointConnectionError(endpoint_url="u"), "unsupported", "EndpointConnectionError"),
    ],
)
def test_each_way_to_fail_is_a_miss_of_its_own_kind(answer: Any, kind: str, code: str) -> None:
    account, _ = _collect(
        opening("us-east-1") | {"ec2:DescribeSecurityGroups": answer}, SECURITY_GROUPS, SUMMARY
    )
    miss = account.get_in("us-east-1", SECURITY_GROUPS)
    assert isinstance(miss, Miss)
    assert (miss.kind, miss.code) == (MissKind(kind), code)
    assert miss.permission == "ec2:DescribeSecurityGroups"
    assert "ec2:DescribeSecurityGroups in us-east-1" in str(miss)


def test_the_missing_action_is_the_one_that_aws_names() -> None:
    text = "not authorized to perform: ec2:DescribeSecurityGroupRules on resource: *"
    answers = {"ec2:DescribeSecurityGroups": Refusal("AccessDenied", text)}
    account, _ = _collect(opening("us-east-1") | answers, SECURITY_GROUPS)
    miss = account.get_in("us-east-1", SECURITY_GROUPS)
    assert isinstance(miss, Miss)
    assert miss.permission == "ec2:DescribeSecurityGroupRules"


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestExpired"])
def test_a_token_that_expires_on_the_way_ends_the_run(code: str) -> None:
    expired = Refusal(code, "", 403)
    with pytest.raises(AwsError, match="has expired"):
        _collect(opening("us-east-1") | {"ec2:DescribeSecurityGroups": expired}, SECURITY_GROUPS)


def test_an_account_that_refuses_everything_is_a_snapshot_of_misses() -> None:
    refused = {
        operation: Refusal("AccessDenied")
        for operation in RICH
        if operation not in ("sts:GetCallerIdentity", "ec2:DescribeRegions")
    }
    account, _ = _collect(RICH | refused, *FACTS.values())
    read = {name for (name, _), value in account.facts.items() if not isinstance(value, Miss)}
    # A list of trails or topics keeps its misses inside, or depends on a list that is a miss itself.
    assert read == {
        "cloudtrail.trails",
        "cloudtrail.insights",
        "sns.alarm_topics",
        "s3.trail_bucket_logging",
        "s3.trail_bucket_access",
        # Read for the keys that either of two lists names, one of which may be refused.
        "kms.secret_keys",
    }
    assert all(miss.permission in str(miss) for miss in account.misses())


def test_progress_counts_to_its_end() -> None:
    watch = Watch()
    collect_from(tuple(FACTS.values()), Script(RICH).session(), (), watch)
    done = [step[0] for step in watch.seen]
    assert done == list(range(1, len(done) + 1))
    assert all(d <= total for d, total, _ in watch.seen)
    assert watch.seen[-1][0] == watch.seen[-1][1]


def test_a_ready_session_is_guarded_and_used() -> None:
    script = Script(opening("us-east-1"))
    account = collect((), Source(), session=script.session())
    assert account.id == ACCOUNT


def test_an_answer_without_a_field_that_aws_always_sends_is_broken_and_spares_the_rest() -> None:
    account, _ = _collect(TWO, SUMMARY, EBS_DEFAULT)
    miss = account.get(SUMMARY)
    assert isinstance(miss, Miss)
    assert (miss.kind, miss.call) == (MissKind.BROKEN, "iam:GetAccountSummary")
    assert "the answer lacks 'SummaryMap'" in miss.message
    assert account.require_in("us-east-1", EBS_DEFAULT) is not None


@pytest.mark.parametrize(
    ("region", "answer", "kind"),
    [
        ("eu-south-2", EndpointConnectionError(endpoint_url="u"), MissKind.NOWHERE),
        ("us-east-1", EndpointConnectionError(endpoint_url="u"), MissKind.UNSUPPORTED),
        # What answers is there, whatever the SDK lists.
        ("eu-south-2", Refusal("AccessDeniedException"), MissKind.DENIED),
        ("eu-south-2", ConnectTimeoutError(endpoint_url="u"), MissKind.TIMEOUT),
    ],
)
def test_a_service_that_a_region_does_not_have_is_known_by_both_signs(
    region: str, answer: Any, kind: MissKind
) -> None:
    account, _ = _collect(opening(region) | {"macie2:GetMacieSession": answer}, MACIE)
    miss = account.get_in(region, MACIE)
    assert isinstance(miss, Miss)
    assert miss.kind is kind


@pytest.mark.parametrize(
    ("service", "region", "offered"),
    [
        ("macie2", "eu-west-1", True),
        ("macie2", "eu-south-2", False),
        ("macie2", "cn-north-1", False),
        ("iam", "cn-north-1", True),
        ("organizations", "us-gov-west-1", True),
        ("ec2", "xx-new-1", True),
    ],
)
def test_the_sdk_tells_where_a_service_is_offered(
    service: str, region: str, *, offered: bool
) -> None:
    assert Clients(Script({}).session()).offered(service, region) == offered


def test_a_map_without_a_key_that_aws_always_sends_is_broken_too() -> None:
    account, _ = _collect(TWO | {"iam:GetAccountSummary": {"SummaryMap": {}}}, SUMMARY)
    miss = account.get(SUMMARY)
    assert isinstance(miss, Miss)
    assert miss.code == "IncompleteAnswer"


def test_a_field_that_no_answer_of_aws_has_is_our_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(aws: Aws) -> None:
        own = {region["RegionName"]: 1 for region in aws.need("ec2:DescribeRegions")["Regions"]}
        assert own["us-east-9"]

    broken = replace(COLLECTORS[SUMMARY.name], read=wrong)
    monkeypatch.setitem(COLLECTORS, SUMMARY.name, broken)
    with pytest.raises(KeyError, match="us-east-9"):
        _collect(TWO, SUMMARY)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p",
            "is not allowed: an explicit deny in a service control policy",
        ),
        (
            "because no identity-based policy allows the ec2:DescribeSecurityGroups action",
            "is not allowed: no identity-based policy allows it",
        ),
        (
            "because no permissions boundary allows the ec2:DescribeSecurityGroups action",
            "is not allowed: no permissions boundary allows it",
        ),
        ("go away", "ec2:DescribeSecurityGroups is not allowed (AccessDenied)"),
    ],
)
def test_a_refusal_says_which_layer_refused_when_aws_does(words: str, told: str) -> None:
    answers = {"ec2:DescribeSecurityGroups": Refusal("AccessDenied", words)}
    account, _ = _collect(opening("us-east-1") | answers, SECURITY_GROUPS)
    assert told in str(account.get_in("us-east-1", SECURITY_GROUPS))
