"""Two planted accounts, a development and a production one: the paths that are there, and near misses that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, facts_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path

DEV, PROD = "111122223333", "444455556666"
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


def allow(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def trusts(who: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole", **more}]


def dev(name: str) -> str:
    return arn(name, DEV)


def prod(name: str) -> str:
    return arn(name, PROD)


DEVELOPMENT: dict[str, Any] = {
    "users": [
        # Both sides allow: the first hop of three into production.
        {"name": "dana", "inline": [[allow("sts:AssumeRole", on=dev("role/deploy"))]]},
        # Trusted by nobody who matters.
        {"name": "eli", "inline": [[allow("sts:AssumeRole")]]},
        # In the group that the help desk may rewrite, but it writes nothing itself.
        {"name": "finn", "groups": ["staff"]},
        {"name": "desk", "inline": [[allow("iam:PutGroupPolicy", on=dev("group/staff")), allow("iam:CreateAccessKey", on=dev("user/finn"))]]},
        # Two keys already, and none may be deleted.
        {"name": "gail", "inline": [[allow("iam:CreateAccessKey", on=dev("user/boss"))]]},
        {"name": "boss", "inline": [EVERYTHING]},
        # Its boundary keeps what it gives itself small.
        {"name": "hugo", "inline": [[allow("iam:AttachUserPolicy")]], "boundary": "small"},
        # Its boundary can be rewritten by way of a role.
        {"name": "iris", "inline": [EVERYTHING], "boundary": "loose"},
    ],
    "groups": [{"name": "staff", "inline": [[allow("s3:ListAllMyBuckets")]]}],
    "roles": [
        {"name": "deploy", "inline": [[allow("sts:AssumeRole", on=prod("role/*"))]], "trust": trusts({"AWS": dev("user/dana")})},
        {"name": "limits", "inline": [[allow("iam:CreatePolicyVersion", on=dev("policy/loose"))]], "trust": trusts({"AWS": dev("root")})},
        # The service that it may be passed to is not the one that it trusts.
        {"name": "power", "inline": [EVERYTHING], "trust": trusts({"Service": "ec2.amazonaws.com"}), "profiles": [dev("instance-profile/power")]},
        {"name": "builder", "inline": [[allow("iam:PassRole", on=dev("role/power"), Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}), allow("lambda:*", "ec2:RunInstances")]], "trust": trusts({"Service": "codebuild.amazonaws.com"})},
        {"name": "runner", "inline": [[allow("iam:PassRole", on=dev("role/power")), allow("ec2:RunInstances")]], "trust": trusts({"Service": "codebuild.amazonaws.com"})},
    ],
    "policies": {"small": [allow("iam:AttachUserPolicy", "s3:*")], "loose": [allow("sts:AssumeRole", on=dev("role/limits")), allow("s3:*")]},
    "versions": {"small": [], "loose": []},
}  # fmt: skip
PRODUCTION: dict[str, Any] = {
    "users": [{"name": "ops", "inline": [[allow("iam:UpdateLoginProfile", on=prod("user/root-like"))]]}, {"name": "root-like", "inline": [EVERYTHING]}],
    "roles": [
        # Trusts development's role by name; that role's policy allows it.
        {"name": "release", "inline": [[allow("iam:UpdateAssumeRolePolicy", on=prod("role/admin"))]], "trust": trusts({"AWS": dev("role/deploy")})},
        {"name": "admin", "inline": [EVERYTHING], "trust": []},
        # Trusts the other account as a whole, with an external id that is left open.
        {"name": "reports", "inline": [[allow("s3:GetObject")]], "trust": trusts({"AWS": dev("root")}, Condition={"StringEquals": {"sts:ExternalId": "q"}})},
        # Its trust denies the one who could come.
        {"name": "shut", "inline": [EVERYTHING], "trust": [*trusts({"AWS": dev("role/deploy")}), {"Effect": "Deny", "Principal": {"AWS": dev("role/deploy")}, "Action": "sts:AssumeRole"}]},
    ],
}  # fmt: skip
KEYS = {"boss": 2, "finn": 0, "root-like": 0}
EXPECTED: dict[str, tuple[str, list[str]]] = {
    dev("user/boss"): ("administrator", []),
    dev("role/power"): ("administrator", []),
    prod("user/root-like"): ("administrator", []),
    prod("role/admin"): ("administrator", []),
    prod("role/shut"): ("administrator", []),
    dev("user/dana"): ("can_become", [dev("role/deploy"), prod("role/release"), prod("role/admin")]),
    dev("role/deploy"): ("can_become", [prod("role/release"), prod("role/admin")]),
    prod("role/release"): ("can_become", [prod("role/admin")]),
    dev("user/desk"): ("can_become", [dev("user/finn")]),
    # It may rewrite the boundary only as another role, which its boundary lets it assume.
    dev("user/iris"): ("can_become", [dev("role/limits"), dev("user/iris")]),
    dev("role/runner"): ("can_become", [dev("role/power")]),
    prod("user/ops"): ("can_become", [prod("user/root-like")]),
}  # fmt: skip


def report(names: list[str], account: str) -> dict[str, Any]:
    rows = [
        {
            "user": name,
            "arn": arn(f"user/{name}", account),
            "password_enabled": name == "root-like",
            "mfa_active": False,
            "keys": [
                {"number": number, "active": KEYS.get(name, 1) >= number} for number in (1, 2)
            ],
        }
        for name in names
    ]
    return {"iam.credential_report": {"generated_at": "0 days ago", "rows": rows}}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estate")
    for account, case in ((DEV, DEVELOPMENT), (PROD, PRODUCTION)):
        facts = report([user["name"] for user in case["users"]], account)
        made = snapshot(facts_of(case | {"facts": facts}, account), id=account)
        snapshots.save(made, folder / f"{account}.json")
    return folder


def test_every_planted_path_is_found_and_no_near_miss(estate: Path) -> None:
    answer = tool.run({"action": "access", "to": "admin", "snapshot": str(estate)}, cli=True)
    found = {row["principal"]: row["verdict"] for row in answer.facts["principals"]}
    assert found == {who: verdict for who, (verdict, _) in EXPECTED.items()}
    shortest: dict[str, list[str]] = {}
    for path in answer.facts["paths"]:
        shortest.setdefault(path["from"], [hop["to"] for hop in path["hops"]])
    assert shortest == {who: hops for who, (_, hops) in EXPECTED.items() if hops}
    worst = answer.facts["cuts"][0]
    assert (worst["from"], worst["to"], worst["closes"], worst["stops"]) == (
        prod("role/release"),
        prod("role/admin"),
        3,
        3,
    )


def test_a_role_of_the_other_account_is_reached_with_its_condition_left_open(estate: Path) -> None:
    asked = {"action": "access", "to": "reports", "snapshot": str(estate)}
    facts = tool.run(asked, cli=True).facts
    (path,) = [own for own in facts["paths"] if own["from"] == dev("user/eli")]
    assert [hop["conditions"] for hop in path["hops"]] == [["`sts:ExternalId` is `q`"]]
    reaching = {row["principal"] for row in facts["principals"] if row["verdict"] == "can_become"}
    # Administrators of production can become everybody there, and so can whoever becomes one.
    assert {dev("user/eli"), dev("user/dana"), prod("user/ops")} <= reaching
    # An administrator of development is none of production, and assumes the role as anybody else does.
    assert dev("user/boss") in reaching


def test_what_a_principal_becomes_ends_at_administrators(estate: Path) -> None:
    asked = {"action": "access", "principal": "dana", "snapshot": str(estate)}
    facts = tool.run(asked, cli=True).facts
    becomes = {row["principal"]: row.get("administrator", False) for row in facts["becomes"]}
    assert becomes == {
        dev("role/deploy"): False,
        prod("role/release"): False,
        prod("role/reports"): False,
        prod("role/admin"): True,
    }


def test_a_role_of_everyone_lets_in_the_other_account_with_its_own_permission(
    tmp_path: Path,
) -> None:
    near: dict[str, Any] = {
        "roles": [{"name": "adm", "inline": [EVERYTHING], "trust": trusts("*")}]
    }
    far = {
        "users": [
            {"name": "with", "inline": [[allow("sts:AssumeRole")]]},
            {"name": "without"},
        ]
    }
    for account, case in ((DEV, near | {"users": [{"name": "ann"}]}), (PROD, far)):
        snapshots.save(snapshot(facts_of(case, account), id=account), tmp_path / f"{account}.json")
    asked = {"action": "access", "snapshot": str(tmp_path)}
    facts = tool.run(asked | {"to": "admin"}, cli=True).facts
    reaching = {row["principal"] for row in facts["principals"] if row["verdict"] == "can_become"}
    assert reaching == {dev("user/ann"), prod("user/with")}
    answer = tool.run(asked | {"principal": dev("user/ann")}, cli=True)
    assert [row["principal"] for row in answer.facts["becomes"]] == [dev("role/adm")]
    assert "nobody else" not in answer.summary


def test_a_name_that_two_accounts_have_is_told_with_its_account(tmp_path: Path) -> None:
    roles = [{"name": "adm", "inline": [EVERYTHING], "trust": trusts({"AWS": dev("user/ann")})}]
    foreign = trusts({"AWS": arn("role/ci", "999988887777")})
    far = [{"name": "adm", "inline": [EVERYTHING], "trust": foreign}]
    for account, case in (
        (DEV, {"roles": roles, "users": [{"name": "ann"}]}),
        (PROD, {"roles": far}),
    ):
        snapshots.save(snapshot(facts_of(case, account), id=account), tmp_path / f"{account}.json")
    asked = {"action": "access", "to": "admin", "snapshot": str(tmp_path)}
    answer = tool.run(asked, cli=True)
    assert f"`user/ann` becomes `role/adm` of account {DEV}" in answer.summary
    assert any(
        own.message.startswith("role `ci` of account 999988887777 can assume")
        for own in answer.findings
    )
