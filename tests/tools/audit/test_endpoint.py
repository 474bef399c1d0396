"""An account behind AWS_ENDPOINT_URL: moto over HTTP, two Regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from aws_iam.answer import Status
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark
from aws_iam.tools.audit.controls.judge import rolled_up
from helpers.caller import KEYS, calls_to, forget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer, Finding

pytestmark = pytest.mark.process


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


def of(answer: Answer, key: str) -> list[Finding]:
    return [finding for finding in answer.findings if finding.code == key]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Answer]:
    """Moto over HTTP, two Regions: another account than the demonstration's."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # What another test made there goes first.
    forget(url)
    with pytest.MonkeyPatch.context() as patch:
        calls_to(url, patch, **KEYS)
        open_a_port("eu-west-1")
        yield ask(regions=["us-east-1", "eu-west-1"])
    server.stop()


def open_a_port(region: str) -> None:
    client = boto3.client("ec2", region_name=region)
    group = client.create_security_group(GroupName="open", Description="open to all")["GroupId"]
    client.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )


def test_an_endpoint_of_the_environment_is_audited(elsewhere: Answer) -> None:
    assert elsewhere.facts["account"] == "123456789012"
    assert elsewhere.facts["regions"].startswith("2 of ")
    failed = [
        finding for finding in of(elsewhere, "sg_admin_ports_v4") if finding.status is Status.FAIL
    ]
    assert [finding.region for finding in failed] == ["eu-west-1"]
    (alone,) = of(elsewhere, "cloudtrail_all_regions")
    assert alone.status is Status.FAIL


def test_every_control_is_reported_there_too(elsewhere: Answer) -> None:
    assert set(rolled_up(elsewhere.findings)) == {control.key for control in benchmark().controls}


@pytest.fixture(scope="module")
def few(elsewhere: Answer) -> Answer:
    """The same account, asked for two controls."""
    assert elsewhere
    return ask(regions=["us-east-1", "eu-west-1"], controls=["root_mfa", "alarm_root_use"])


def test_of_named_controls_only_the_facts_are_read(elsewhere: Answer, few: Answer) -> None:
    assert 0 < few.facts["reads"] < elsewhere.facts["reads"] / 2


def test_what_the_endpoint_lacks_is_unknown_and_names_the_call(elsewhere: Answer) -> None:
    unread = [
        finding for finding in of(elsewhere, "access_analyzer") if finding.status is Status.UNKNOWN
    ]
    assert unread
    assert all("accessanalyzer:ListAnalyzers" in (finding.reason or "") for finding in unread)


def test_the_demonstration_is_read_although_an_endpoint_is_set(elsewhere: Answer) -> None:
    answer = ask(demo=True, controls=["root_mfa"])
    assert answer.facts["account"] != elsewhere.facts["account"]
    assert answer.facts["account"].startswith("111122223333")
