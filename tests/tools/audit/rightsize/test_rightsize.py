"""What users and roles did not use, and the smaller policies that keep what they did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.account.reading.demonstration import demonstration
from aws_iam.answer import Status
from aws_iam.cli import command_line, exit_status
from aws_iam.engine.comparison.compare import compare
from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.rightsize.answer import needed_facts
from helpers.cis_snapshots import ACCOUNT, arn, facts_with_use, snapshot
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "rightsize.json").read_text("utf-8")
)
FIELDS = (
    "unused",
    "kept",
    "not_tracked",
    "not_tracked_why",
    "tracked_since",
    "last_used",
    "last_uses",
)
OF_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OF_TWO = {"Effect": "Allow", "Action": ["s3:GetObject", "sqs:SendMessage"], "Resource": "*"}
USED_ONE = {"s3": "2 days ago", "sqs": None}


def role(name: str, *statements: Any, **more: Any) -> dict[str, Any]:
    inline = {"inline": [list(statements)]} if statements else {}
    return {"name": name, "created": "300 days ago", "last_used": "2 days ago", **inline, **more}


def saved(case: Mapping[str, Any], folder: Path) -> Path:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_with_use(dict(case))), file)
    return file


def events(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "eventSource": source,
            "eventName": name,
            "awsRegion": "eu-west-1",
            "recipientAccountId": ACCOUNT,
            "eventType": "AwsApiCall",
            "eventID": f"e{number}",
            "userIdentity": _caller(caller),
            "requestParameters": parameters,
        }
        for number, (caller, source, name, parameters) in enumerate(case["events"])
    ]


def _caller(name: str) -> dict[str, Any]:
    kind, _, own = name.partition("/")
    if kind == "user":
        return {"type": "IAMUser", "arn": arn(name), "accountId": ACCOUNT}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{own}/s"
    issuer = {"type": "Role", "arn": arn(name)}
    return {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}


def ask(case: Mapping[str, Any], folder: Path) -> Answer:
    asked = {"action": "rightsize", "snapshot": str(saved(case, folder)), **case.get("ask", {})}
    if "events" in case:
        asked["events"] = json.dumps({"Records": events(case)})
    return tool.run(asked, cli=True)


def rows(answer: Answer) -> dict[str, dict[str, Any]]:
    return {row["principal"].rpartition(":")[2]: row for row in answer.facts["principals"]}


def proposals(answer: Answer) -> dict[str, dict[str, Any]]:
    return {
        file.name.removesuffix(".json").replace("-", "/", 1): json.loads(file.content)
        for file in answer.artifacts
        if file.language == "json" and file.name.startswith(("role-", "user-"))
    }


def identity_policies(case: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The documents that a principal has, with those of its groups."""
    authorization = facts_with_use(dict(case))["iam.authorization"]
    kind, _, own = name.partition("/")
    (identity,) = (row for row in authorization[f"{kind}s"] if row["name"] == own)
    groups = [row for row in authorization["groups"] if row["name"] in identity.get("groups", ())]
    texts = {policy["name"]: policy["document"] for policy in authorization["policies"]}
    every = (
        text
        for holder in (identity, *groups)
        for text in (
            *(inline["document"] for inline in holder["inline"]),
            *(texts[attached["name"]] for attached in holder["attached"]),
        )
        if text
    )
    return list(map(json.loads, dict.fromkeys(every)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_was_used_stays_and_what_was_not_goes(case: dict[str, Any], tmp_path: Path) -> None:
    answer = ask(case, tmp_path)
    by_name = rows(answer)
    assert {name: by_name[name]["verdict"] for name in case["verdicts"]} == case["verdicts"]
    for field in FIELDS:
        for name, wanted in case.get(field, {}).items():
            found = by_name[name][field]
            assert (sorted(found) if isinstance(wanted, list) else found) == wanted, field
    for name, wanted in case.get("changes", {}).items():
        assert [policy["change"] for policy in by_name[name]["policies"]] == wanted
    for name, wanted in case.get("steps", {}).items():
        assert [step["step"] for step in by_name[name]["steps"]] == wanted
    for name, wanted in case.get("deletes", {}).items():
        (step,) = (step for step in by_name[name]["steps"] if step["step"] == "delete")
        assert list(map(_verb, step["commands"])) == wanted
    assert bool(answer.facts.get("nothing_evaluated")) == case.get("nothing_evaluated", False)
    told = " ".join(f"{own.message} {own.reason or ''} {own.fix}" for own in answer.findings)
    for words in case.get("says", ()):
        assert words in f"{answer.summary} {told}"
    for words in case.get("says_not", ()):
        assert words not in f"{answer.summary} {told}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_proposal_is_proved_by_comparison(case: dict[str, Any], tmp_path: Path) -> None:
    answer = ask(case, tmp_path)
    by_name, documents = rows(answer), proposals(answer)
    for name, row in by_name.items():
        removed = all(own["change"] == "is removed" for own in row.get("policies", ()))
        assert ("proposal" in row) == (name in documents)
        assert (row["verdict"] == "smaller" and not removed) == (name in documents)
    for name, document in documents.items():
        compared = compare(document, identity_policies(case, name))
        assert compared.relation == "less"
        assert actions(by_name[name]["lost"]) == actions(compared.lost)
    for name, wanted in case.get("lost", {}).items():
        assert actions(by_name[name]["lost"]) == wanted
    for name, wanted in case.get("after", {}).items():
        assert documents[name]["Statement"] == wanted
    for name, wanted in case.get("after_has", {}).items():
        for text in wanted:
            assert json.dumps(text) in json.dumps(documents[name])
    risks = [row["risk"] for own in by_name.values() for row in own["lost"] or ()]
    assert risks[:1] == case.get("risks", risks[:1])


def _verb(command: str) -> str:
    """A command's verb, with the policy that it detaches."""
    verb = command.split()[2]
    return f"{verb} {command.rpartition('/')[2]}" if verb.startswith("detach") else verb


def actions(lost: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(action for row in lost for action in row["actions"])


def test_users_and_roles_that_may_not_be_read_are_no_answer(tmp_path: Path) -> None:
    case = {"facts": {"iam.authorization": {"denied": "iam:GetAccountAuthorizationDetails"}}}
    answer = ask(case, tmp_path)
    assert answer.facts["nothing_evaluated"]
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert "iam:GetAccountAuthorizationDetails" in answer.artifacts[0].content


def test_data_that_was_refused_ends_with_3_and_what_is_too_young_only_where_it_is_asked_for(
    tmp_path: Path,
) -> None:
    file = saved({"roles": [role("web", OF_TWO)], "facts": {"iam.last_accessed": {"denied": "iam:Get"}}}, tmp_path)  # fmt: skip
    words = ["audit", "rightsize", "--snapshot", str(file)]
    assert command_line.main(words, {}) == exit_status.UNREADABLE
    file = saved({"roles": [role("new", OF_TWO, created="3 days ago")]}, tmp_path)
    assert command_line.main(words, {}) == exit_status.OK
    assert command_line.main([*words, "--fail-on-unknown"], {}) == exit_status.FOUND


def test_who_is_not_in_the_credential_report_is_no_matter_of_a_permission(tmp_path: Path) -> None:
    ann = {"name": "ann", "created": "700 days ago", "inline": [[OF_ALL]]}
    case = {"users": [ann], "used": {"user/ann": {"s3": None}}, "credentials": {"user/ann": None}}
    (finding,) = ask(case, tmp_path).findings
    assert finding.reason == "iam:GetCredentialReport: not listed"
    assert (
        finding.fix
        == "Read the account again: AWS makes a new credential report after four hours."
    )


def test_several_who_were_not_judged_do_not_share_the_reason_of_the_first(tmp_path: Path) -> None:
    young = [role("new", OF_TWO, created="3 days ago"), role("week", OF_TWO, created="7 days ago")]
    assert "`new` and `week` (`new`: it is 3 days old" in ask({"roles": young}, tmp_path).summary
    same = [role("a", OF_TWO, created="3 days ago"), role("b", OF_TWO, created="3 days ago")]
    assert "`a` and `b` (it is 3 days old" in ask({"roles": same}, tmp_path).summary


def test_an_older_snapshot_has_no_actions_and_keeps_all_of_a_used_service(tmp_path: Path) -> None:
    case = {"roles": [role("web", {**OF_TWO, "Action": ["s3:*", "sqs:*"]})], "used": {"role/web": USED_ONE}}  # fmt: skip
    file = saved(case, tmp_path)
    content = json.loads(file.read_text("utf-8"))
    for identity in content["facts"]["iam.last_accessed"][""]["identities"]:
        for service in identity["services"]:
            del service["actions"]
    file.write_text(json.dumps(content), "utf-8")
    answer = tool.run({"action": "rightsize", "snapshot": str(file)}, cli=True)
    assert rows(answer)["role/web"]["not_tracked"] == ["s3:*"]
    assert rows(answer)["role/web"]["unused"] == ["sqs:*"]


SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/deploy"


@pytest.mark.parametrize(
    "name", ["web", "role/web", "role/team/web", arn("role/team/web"), SESSION]
)
def test_one_principal_is_meant_by_its_arn_or_name(name: str, tmp_path: Path) -> None:
    case = {
        "roles": [role("web", OF_TWO), role("other", OF_TWO)],
        "used": {"role/other": USED_ONE},
        "ask": {"principal": name},
    }
    content = json.loads(saved(case, tmp_path).read_text("utf-8"))
    (web,) = (r for r in content["facts"]["iam.authorization"][""]["roles"] if r["name"] == "web")
    web["arn"], web["path"] = arn("role/team/web"), "/team/"
    file = tmp_path / "with-path.json"
    file.write_text(json.dumps(content), "utf-8")
    asked = {"action": "rightsize", "snapshot": str(file), "principal": name}
    assert list(rows(tool.run(asked, cli=True))) == ["role/team/web"]


def test_a_name_that_nobody_has_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no user and no role `weeb`") as refused:
        ask({"roles": [role("web", OF_TWO)], "ask": {"principal": "weeb"}}, tmp_path)
    assert "`web`" in refused.value.hint


@pytest.mark.parametrize("days", [30, "30", "30 days", "30d"])
def test_days_are_a_number_in_any_form(days: object, tmp_path: Path) -> None:
    assert ask({"ask": {"days": days}}, tmp_path).facts["days"] == 30


@pytest.mark.parametrize("days", ["0", "401", "soon", "-3"])
def test_days_that_aws_does_not_keep_are_refused(days: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`days` must be from 1 to 400"):
        ask({"ask": {"days": days}}, tmp_path)


def test_a_format_of_the_other_action_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"`format` must be one of `json`, `cli`, .*, not `csv`"):
        tool.run({"action": "rightsize", "demo": True, "format": "csv"}, cli=True)
    with pytest.raises(InputError, match=r"`format` must be one of `asff`, .* `sarif`, not `cli`"):
        tool.run({"action": "report", "demo": True, "format": "cli"}, cli=True)


def test_a_policy_that_would_be_longer_than_aws_allows_names_whole_services_or_what_goes(
    tmp_path: Path,
) -> None:
    used = dict.fromkeys(("ec2", "iam", "lambda", "rds", "s3"), "2 days ago")
    tracked = dict.fromkeys(("ec2:StopInstances", "iam:CreateUser", "lambda:CreateFunction", "rds:CreateDBInstance", "s3:CreateBucket"))  # fmt: skip
    ann = {"name": "ann", "created": "300 days ago", "inline": [[OF_ALL]]}
    case = {"users": [ann], "used": {"user/ann": {"*": None} | used | tracked}}
    answer = ask(case, tmp_path)
    (policy,) = rows(answer)["user/ann"]["policies"]
    assert "longer than AWS allows" in policy["why"]
    actions = proposals(answer)["user/ann"]["Statement"][0]["Action"]
    assert {f"{service}:*" for service in used} <= set(actions)
    # Of nearly everything what goes is shorter.
    most = {"*": "2 days ago", "sqs": None, "s3:CreateBucket": None}
    answer = ask({"users": [ann], "used": {"user/ann": most}}, tmp_path)
    (statement,) = proposals(answer)["user/ann"]["Statement"]
    assert statement["NotAction"] == ["s3:CreateBucket", "sqs:*"]


def test_the_demonstration_shows_each_kind() -> None:
    answer = tool.run({"action": "rightsize", "demo": True}, cli=True)
    assert {row["verdict"] for row in rows(answer).values()} >= {
        "smaller", "unused", "fits", "unknown"
    }  # fmt: skip
    assert rows(answer)["user/alice.meyer"]["lost"][0]["risk"] == "administrator"
    assert "iam:PassRole" in rows(answer)["role/build-runner"]["not_tracked"]
    account = demonstration(needed_facts(), ())
    assert not account.misses()
