"""Questions about access over several accounts that are read now: one estate, and what could not be read is said first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.errors import AwsError, InputError
from aws_iam.tools.audit.actions import tool
from helpers.caller import KEYS, calls_to
from helpers.estate_server import estate, inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer
    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

WORK, PRODUCTION, SHUT = "111122223301", "111122223302", "111122223303"
ANN = f"arn:aws:iam::{WORK}:user/ann"
ADMIN = f"arn:aws:iam::{PRODUCTION}:role/adm"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate(refused=[SHUT]) as running:
        work = inside(running, WORK).client("iam", endpoint_url=running.url)
        work.create_user(UserName="ann")
        work.put_user_policy(
            UserName="ann", PolicyName="p", PolicyDocument=policy(allow("sts:AssumeRole", ADMIN))
        )
        production = inside(running, PRODUCTION).client("iam", endpoint_url=running.url)
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{WORK}:root"},
            "Action": "sts:AssumeRole",
        }
        production.create_role(RoleName="adm", AssumeRolePolicyDocument=policy(trust))
        production.put_role_policy(
            RoleName="adm", PolicyName="p", PolicyDocument=policy(allow("*"))
        )
        yield running


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, server: Estate) -> None:
    calls_to(server.url, monkeypatch, AWS_REGION="us-east-1", **KEYS)


def ask(**arguments: Any) -> Answer:
    given = {"action": "access", "role_arn": "audit", "regions": ["us-east-1"], **arguments}
    return tool.run(given, cli=True)


def test_a_path_leads_from_one_account_into_another() -> None:
    answer = ask(to="admin", accounts=[WORK, PRODUCTION])
    found = {row["principal"]: row["verdict"] for row in answer.facts["principals"]}
    assert found[ANN] == "can_become"
    assert found[ADMIN] == "administrator"
    (hop,) = next(own["hops"] for own in answer.facts["paths"] if own["from"] == ANN)
    assert (hop["to"], hop["actions"]) == (ADMIN, ["sts:AssumeRole"])


@pytest.mark.parametrize(
    "question",
    [
        {"to": "admin"},
        {"principal": ANN},
        {"who_can": ["sts:AssumeRole"], "on": ADMIN},
    ],
)
def test_accounts_that_could_not_be_read_are_said_first(question: dict[str, Any]) -> None:
    answer = ask(**question, accounts=[WORK, PRODUCTION, SHUT])
    assert answer.summary.startswith(
        f"1 account could not be read, and nothing is known of what it holds: {SHUT} ("
    )
    assert answer.facts["accounts"] == {"read": 2, "not_read": 1}
    assert answer.facts["not_judged"][0]["place"] == SHUT
    assert "sts:AssumeRole" in answer.facts["not_judged"][0]["why"]
    assert "user/ann" in answer.summary or ANN in answer.summary


def test_a_file_says_first_what_could_not_be_read_too() -> None:
    (file,) = ask(to="admin", accounts=[WORK, SHUT], format="markdown").artifacts
    assert "1 account could not be read" in file.content
    assert f"- `{SHUT}`: not read" in file.content


def test_where_no_account_can_be_read_there_is_no_answer() -> None:
    with pytest.raises(AwsError, match=f"none of 1 accounts could be read; {SHUT}"):
        ask(to="admin", accounts=[SHUT])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"accounts": [WORK], "demo": True, "role_arn": None},
            "`demo` is for accounts that are not",
        ),
        (
            {"accounts": [WORK], "snapshot": "a.json", "role_arn": None},
            "`snapshot` is for accounts",
        ),
        ({"accounts": [WORK], "org": True}, "`accounts` and `org` exclude each other"),
        ({"accounts": [" "]}, "`accounts` names no account"),
        ({"accounts": [WORK], "role_arn": None}, f"account {WORK} needs a role to assume"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: dict[str, Any], says: str) -> None:
    given = {name: value for name, value in arguments.items() if value is not None}
    with pytest.raises(InputError, match=says):
        tool.run({"action": "access", "to": "admin", **_with_role(arguments), **given}, cli=True)


def _with_role(arguments: dict[str, Any]) -> dict[str, Any]:
    return {} if "role_arn" in arguments else {"role_arn": "audit"}
