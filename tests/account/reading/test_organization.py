"""What an organization's accounts have in common, read once in the management account."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_iam.account.collect.detection.access_analyzer import ANALYZERS, Analyzer
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import (
    TRAILS,
    Selectors,
    Trail,
    Trails,
    TrailStatus,
)
from aws_iam.account.collect.organization.organization import ORGANIZATION, Organization
from aws_iam.account.reading.organization import SharedFacts, with_shared_facts
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Status
from aws_iam.errors import AwsError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.judge import judge, rolled_up
from helpers.estate_server import estate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer
    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

MEMBER = "222233334444"
ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all"
REFUSED = Miss(kind=MissKind.ELSEWHERE, call="cloudtrail:GetTrailStatus")
ABOVE = Trail(
    name="all",
    arn=ARN,
    home_region="us-east-1",
    multi_region=True,
    organization=True,
    validation=True,
    status=TrailStatus(logging=True),
    selectors=Selectors(),
)
ANALYZER = Analyzer(
    name="whole",
    arn="arn:aws:access-analyzer:us-east-1:111122223333:analyzer/whole",
    type="ORGANIZATION",
    status="ACTIVE",
)
INSIDE = ORGANIZATION.held(Organization(id="o-example", management_account="111122223333"))


def test_a_trail_of_the_organization_is_judged_by_what_its_owner_may_read() -> None:
    shadow = replace(ABOVE, status=REFUSED, selectors=REFUSED)
    own = replace(ABOVE, arn=f"{ARN}-own", organization=False, status=REFUSED)
    member = account_of(TRAILS.held(Trails(trails=(own, shadow), unread=())), INSIDE, id=MEMBER)
    merged = with_shared_facts(member, SharedFacts(trails=(ABOVE,))).require(TRAILS)
    assert merged.trails == (own, ABOVE)
    seen = replace(ABOVE, status=TrailStatus(logging=False), selectors=REFUSED)
    member = account_of(TRAILS.held(Trails(trails=(seen,), unread=())), id=MEMBER)
    (kept,) = with_shared_facts(member, SharedFacts(trails=(ABOVE,))).require(TRAILS).trails
    assert kept.status == TrailStatus(logging=False)


def test_an_analyzer_of_the_organization_covers_its_members() -> None:
    member = account_of(ANALYZERS.held_in("us-east-1", ()), INSIDE, id=MEMBER)
    asked = {"controls": ["access_analyzer"]}
    assert rolled_up(judge(member, "7.0", **asked)) == {"access_analyzer": Status.UNKNOWN}
    shared = SharedFacts(analyzers=(("us-east-1", (ANALYZER,)), ("eu-west-1", (ANALYZER,))))
    covered = with_shared_facts(member, shared)
    assert rolled_up(judge(covered, "7.0", **asked)) == {"access_analyzer": Status.PASS}


def test_what_the_member_could_not_read_stays_unread() -> None:
    member = account_of(TRAILS.held(REFUSED), ANALYZERS.held_in("us-east-1", REFUSED), id=MEMBER)
    shared = SharedFacts(trails=(ABOVE,), analyzers=(("us-east-1", (ANALYZER,)),))
    assert with_shared_facts(member, shared) == member


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate() as running:
        yield running


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch, server: Estate) -> list[str]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    own = boto3.Session(region_name="us-east-1").client("organizations")
    if server.calls["organizations:CreateOrganization"]:
        listed: Any = own.list_accounts()["Accounts"]
        server.calls.clear()
        server.calls["organizations:CreateOrganization"] += 1
        return sorted(account["Id"] for account in listed if account["Status"] == "ACTIVE")
    own.create_organization(FeatureSet="ALL")
    made = [
        own.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
        for name in ("one", "two", "three", "closed")
    ]
    own.close_account(AccountId=made.pop()["AccountId"])
    server.calls.clear()
    server.calls["organizations:CreateOrganization"] += 1
    return sorted(["123456789012", *(status["AccountId"] for status in made)])


def run(**arguments: Any) -> Answer:
    given = {"controls": ["org_guardrails", "root_mfa"], "regions": ["us-east-1"]}
    return tool.run(given | {"role_arn": "audit"} | arguments, cli=True)


def test_every_active_account_is_read_and_the_organization_once(
    members: list[str], server: Estate
) -> None:
    answer = run(org=True)
    named = [account["account"] for account in answer.facts["worst_accounts"]]
    assert sorted(named) == members
    assert len(members) == 4
    # The management account is read with the caller's own credentials.
    assert server.calls["sts:AssumeRole"] == 3
    assert server.calls["organizations:DescribeOrganization"] == 1
    assert server.calls["organizations:ListRoots"] == 1
    (found,) = [finding for finding in answer.findings if finding.code == "org_guardrails"]
    assert "of 4 accounts: 4 fail" in found.message


def test_accounts_that_are_named_get_the_organizations_facts_only_if_they_are_in_it(
    members: list[str], server: Estate
) -> None:
    run(accounts=[*members, "999988887777"])
    assert server.calls["organizations:DescribeOrganization"] == 2


def test_an_account_that_may_not_list_the_organization_says_from_where_to_run(
    members: list[str], server: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "denied", "organizations:ListAccounts")
    with pytest.raises(AwsError, match=r"ListAccounts, AccessDenied.*management account"):
        run(org=True)
    # Named accounts are read all the same, each as if it stood alone.
    assert run(accounts=members).facts["accounts"]["read"] == 4
    assert server.calls["organizations:DescribeOrganization"] == 4


@pytest.fixture
def administrator(members: list[str]) -> Iterator[str]:
    """A member to which the management account delegates Access Analyzer."""
    own = boto3.Session(region_name="us-east-1").client("organizations")
    member = next(account for account in members if account != "123456789012")
    named = {"ServicePrincipal": "access-analyzer.amazonaws.com"}
    own.enable_aws_service_access(**named)
    own.register_delegated_administrator(AccountId=member, **named)
    yield member
    own.deregister_delegated_administrator(AccountId=member, **named)


@pytest.mark.parametrize(
    ("kinds", "refused", "message"),
    [
        (["ORGANIZATION"], False, "of 4 accounts: 4 pass"),
        (["ORGANIZATION_UNUSED_ACCESS"], False, "of 4 accounts: 4 fail"),
        ([], False, "of 4 accounts: 4 fail"),
        # Whoever may hold the analyzer was not read: nobody is known to be without.
        (["ORGANIZATION"], True, "of 4 accounts: 3 unknown, 1 not read"),
    ],
)
def test_the_analyzer_of_a_delegated_administrator_covers_the_organization(
    kinds: list[str],
    refused: bool,  # noqa: FBT001
    message: str,
    administrator: str,
    server: Estate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = [
        {"name": kind, "arn": f"{ANALYZER.arn}-{kind}", "type": kind, "status": "ACTIVE"}
        for kind in kinds
    ]
    monkeypatch.setattr(server, "analyzers", {administrator: listed})
    monkeypatch.setattr(server, "refused", frozenset([administrator] if refused else ()))
    (found,) = run(org=True, controls=["access_analyzer"]).findings
    assert found.message.endswith(message)
