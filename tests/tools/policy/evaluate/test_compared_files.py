"""`policy compare` of files, folders and templates that hold several policies: which of them a question is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import command_line
from aws_iam.cli.files import read_policies
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OLD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
NEW = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}
OWN = "111122223333"
EVERYONE = {**OLD, "Principal": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def compare(new: Any, **more: Any) -> Answer:
    return tool.run({"action": "compare", "document": new, **more})


def template(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def role(action: str) -> dict[str, Any]:
    """A template with a role that has a trust policy and an inline policy."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    return template(
        AssumeRolePolicyDocument=document({**trust, "Action": "sts:AssumeRole"}),
        Policies=[{"PolicyName": "p", "PolicyDocument": document({**NEW, "Action": action})}],
    )


def test_forbidden_access_is_searched_in_each_policy_of_a_file_or_a_folder(tmp_path: Path) -> None:
    passing = {"actions": ["iam:PassRole"]}
    answer = compare(role("iam:PassRole"), forbidden=passing)
    assert answer.summary.endswith("in `R.Policies[0] (p)`.")
    assert [row["policy"] for row in answer.facts["forbidden_requests"]] == ["R.Policies[0] (p)"]
    trust = {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sts:AssumeRole"}
    for name, own in {"trust.json": trust, "own.json": NEW}.items():
        (tmp_path / name).write_text(json.dumps(document(own)), encoding="utf-8")
    arguments = ["policy", "compare", "--document", str(tmp_path)]
    assert command_line.main([*arguments, "--forbidden", json.dumps(passing)], {}) == 1
    mixed = compare([document(trust), document(NEW)], forbidden=passing)
    assert mixed.comparison
    assert len(mixed.comparison.violations) == 1


def test_only_policies_with_principals_are_judged_as_public() -> None:
    template = role("s3:GetObject")
    closed = compare(template, public=True)
    assert closed.summary.startswith(
        "The policy is not public. `R.Policies[0] (p)` has no principals and cannot be public."
    )
    opened = compare([document(EVERYONE), document(OLD)], public=True)
    assert opened.summary.startswith("The policy is public: strangers may do `s3:GetObject`")
    assert "`/1` has no principals" in opened.summary


def test_a_policy_is_picked_without_a_baseline() -> None:
    assert compare(role("iam:*"), forbidden={"actions": ["iam:*"]}, policy="R.Policies").comparison
    trust = "R.AssumeRolePolicyDocument"
    granted = compare(role("iam:*"), forbidden={"actions": ["iam:*"]}, policy=trust)
    assert granted.summary == "The document grants none of the forbidden access."
    with pytest.raises(InputError, match="no policy is called"):
        compare(role("iam:*"), public=True, policy="Q")


LAMBDA = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
BOUNDARY = f"arn:aws:iam::{OWN}:policy/dev-boundary"
OWN_POLICY = f"arn:aws:iam::{OWN}:policy/team"


def attaching(*policies: Any, **more: Any) -> dict[str, Any]:
    resource = role("s3:GetObject")
    resource["Resources"]["R"]["Properties"] |= {"ManagedPolicyArns": list(policies), **more}
    return resource


def severities(answer: Answer) -> set[tuple[str, str]]:
    return {(finding.severity, finding.status) for finding in answer.findings}


def test_an_attached_aws_managed_policy_is_access_that_the_role_has() -> None:
    answer = compare(attaching(ADMIN), baseline=attaching(LAMBDA))
    (gained,) = answer.facts["gained"]
    assert (gained["policy"], gained["actions"], gained["severity"]) == ("R", ["*"], "critical")
    # What the one allowed the other allows, too.
    assert "lost" not in answer.facts
    assert "The policies of `R` were compared as one." in answer.summary
    same = compare(attaching(LAMBDA, OWN_POLICY), baseline=attaching(LAMBDA, OWN_POLICY))
    assert same.summary.startswith("The document allows exactly what the baseline allows.")
    granted = compare(attaching(ADMIN), forbidden={"actions": ["iam:PassRole"]})
    assert granted.comparison
    assert granted.comparison.violations


def test_a_principal_of_an_unknown_account_is_no_all_clear() -> None:
    def bucket(*principals: Any) -> dict[str, Any]:
        statement = {**OLD, "Principal": {"AWS": list(principals)}}
        properties = {"Bucket": "b", "PolicyDocument": document(statement)}
        return {"Resources": {"P": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}}

    known = f"arn:aws:iam::{OWN}:role/app"
    later = {"Fn::Sub": "arn:aws:iam::${Partner}:root"}
    answer = compare(bucket(known, later), baseline=bucket(known))
    assert answer.comparison
    assert answer.comparison.relation == "unknown"
    assert "a principal in `/Statement/0`" in answer.summary
    own = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}
    same = compare(bucket(known, own), baseline=bucket(known))
    assert same.comparison
    assert same.comparison.relation == "more"


def inline(**policies: list[str]) -> dict[str, Any]:
    resource = role("s3:GetObject")
    resource["Resources"]["R"]["Properties"]["Policies"] = [
        {"PolicyName": name, "PolicyDocument": document({**OLD, "Action": own, "Resource": "*"})}
        for name, own in policies.items()
    ]
    return resource


def test_a_statement_that_moves_between_policies_of_a_role_changes_nothing() -> None:
    old = inline(a=["s3:GetObject", "iam:PassRole"], b=["sqs:SendMessage"])
    new = inline(a=["s3:GetObject"], b=["sqs:SendMessage", "iam:PassRole"])
    answer = compare(new, baseline=old)
    assert answer.comparison
    assert answer.comparison.relation == "equal"
    assert not answer.findings
    assert "The policies of `R` were compared as one." in answer.summary
    picked = compare(new, baseline=old, policy="R.Policies[1] (b)")
    assert picked.comparison
    assert picked.comparison.relation == "more"


def test_what_a_policy_of_a_role_loses_is_lost_if_no_other_one_allows_it() -> None:
    old = inline(a=["s3:GetObject", "iam:PassRole"], b=["sqs:SendMessage"])
    answer = compare(inline(a=["s3:GetObject"], b=["sqs:*"]), baseline=old)
    assert answer.comparison
    assert answer.comparison.relation == "incomparable"
    assert answer.facts["lost"][0]["actions"] == ["iam:PassRole"]
    assert answer.facts["lost"][0]["policy"] == "R"


def test_a_removed_permissions_boundary_is_gained_access() -> None:
    bounded, free = attaching(LAMBDA, PermissionsBoundary=BOUNDARY), attaching(LAMBDA)
    answer = compare(free, baseline=bounded)
    assert answer.comparison
    assert answer.comparison.relation == "unknown"
    assert severities(answer) == {("high", "fail")}
    assert f"`{BOUNDARY}` of `R` is removed" in answer.summary
    other = attaching(LAMBDA, PermissionsBoundary=OWN_POLICY)
    assert severities(compare(other, baseline=bounded)) == {("high", "unknown")}
    narrower = compare(bounded, baseline=free)
    assert not narrower.findings
    assert narrower.comparison
    assert narrower.comparison.relation == "unknown"
    # Of a role that is gone no boundary is removed.
    gone = {"Resources": {"Q": role("s3:GetObject")["Resources"]["R"]}}
    assert "is removed" not in compare(gone, baseline=bounded).summary


@pytest.mark.parametrize("policy", [OWN_POLICY, {"Ref": "Team"}, "arn:aws:iam::aws:policy/Nope"])
def test_an_attached_policy_without_its_document_leaves_the_relation_unknown(policy: Any) -> None:
    answer = compare(attaching(policy), baseline=attaching())
    assert answer.comparison
    assert answer.comparison.relation == "unknown"
    assert severities(answer) == {("high", "unknown")}
    (row,) = answer.facts["not_judged"]
    assert "its document is not in the file" in row["why"]
    less = compare(attaching(), baseline=attaching(policy))
    assert "is no longer attached" in less.summary
    granted = compare(attaching(policy), forbidden={"actions": ["iam:PassRole"]})
    assert granted.summary.startswith("What was read of the document grants none")


def planned(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"planned_values": {"root_module": {"resources": list(resources)}}}


def test_terraform_attachments_are_compared(tmp_path: Path) -> None:
    inline = {
        "address": "aws_iam_role_policy.a",
        "type": "aws_iam_role_policy",
        "values": {"policy": json.dumps(document(OLD))},
    }

    def attachment(arn: str) -> dict[str, Any]:
        kind = "aws_iam_role_policy_attachment"
        return {"address": f"{kind}.a", "type": kind, "values": {"policy_arn": arn}}

    new, old = planned(inline, attachment(ADMIN)), planned(inline, attachment(LAMBDA))
    (gained,) = compare(new, baseline=old).facts["gained"]
    assert gained["severity"] == "critical"
    later = {
        **planned(inline),
        "resource_changes": [
            {
                "address": "aws_iam_role_policy_attachment.b",
                "type": "aws_iam_role_policy_attachment",
                "change": {"after_unknown": {"policy_arn": True}},
            }
        ],
        "configuration": {
            "root_module": {
                "resources": [
                    {
                        "address": "aws_iam_role_policy_attachment.b",
                        "expressions": {"policy_arn": {"references": ["aws_iam_policy.b.arn"]}},
                    }
                ]
            }
        },
    }
    assert "aws_iam_policy.b.arn" in compare(later, baseline=planned(inline)).summary
    for folder, plan in (("new", new), ("old", old)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    arguments = ["--document", str(tmp_path / "new"), "--baseline", str(tmp_path / "old")]
    assert command_line.main(["policy", "compare", *arguments], {}) == 1


def test_sam_functions_attach_policies_by_name() -> None:
    def function(*policies: Any) -> dict[str, Any]:
        trust = document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
        properties = {"Policies": list(policies), "AssumeRolePolicyDocument": trust}
        return {
            "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": properties}}
        }

    (gained,) = compare(function("AdministratorAccess"), baseline=function()).facts["gained"]
    assert gained["severity"] == "critical"
    crud = {"DynamoDBCrudPolicy": {"TableName": "t"}}
    assert "DynamoDBCrudPolicy" in compare(function(crud), baseline=function()).summary


@pytest.mark.parametrize("action", ["validate", "explain"])
def test_attached_policies_are_judged_by_their_risks_and_a_boundary_is_named(action: str) -> None:
    arguments = {"action": action, "document": attaching(ADMIN, PermissionsBoundary=BOUNDARY)}
    answer = tool.run(arguments)
    administrator = "R.ManagedPolicyArns (AdministratorAccess)"
    assert (answer.findings[0].code, answer.findings[0].resource) == (
        "ADMINISTRATOR",
        administrator,
    )
    assert "AWS managed polic" in answer.summary
    # To `explain` the access counts too.
    partly = [administrator] if action == "explain" else []
    assert [row["place"] for row in answer.facts["not_judged"]] == [
        *partly,
        "R.PermissionsBoundary (dev-boundary)",
    ]


def test_inline_policies_are_paired_by_their_names() -> None:
    def inline(*names: str) -> dict[str, Any]:
        actions = {"a": "s3:GetObject", "b": "s3:PutObject"}
        policies = [
            {"PolicyName": n, "PolicyDocument": document({**OLD, "Action": actions[n]})}
            for n in names
        ]
        return template(Policies=policies)

    answer = compare(inline("b", "a"), baseline=inline("a", "b"))
    assert answer.comparison
    assert answer.comparison.relation == "equal"
    # Two of one name can only be told apart by their places.
    twice = inline("a", "a")
    twice["Resources"]["R"]["Properties"]["Policies"][1]["PolicyDocument"] = document(NEW)
    assert compare(twice, baseline=twice).comparison.relation == "equal"  # type: ignore[union-attr]


def test_policies_of_the_same_template_are_judged_and_need_no_mention() -> None:
    team = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(OLD)}}
    held = attaching({"Ref": "Team"}, PermissionsBoundary={"Ref": "Team"})
    template = {"Resources": held["Resources"] | {"Team": team}}
    for action in ("validate", "explain"):
        answer = tool.run({"action": action, "document": template})
        assert "without a document" not in answer.summary
        assert "not_judged" not in answer.facts
    granted = compare(template, forbidden={"actions": ["iam:PassRole"]})
    assert granted.summary.startswith("The document grants none of the forbidden access.")


def test_attachments_of_folders_are_resolved_within_their_files(tmp_path: Path) -> None:
    team = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(NEW)}}
    for side, names in (("new", ["Team"]), ("old", [])):
        held = attaching(*({"Ref": name} for name in names))
        text = json.dumps({"Resources": held["Resources"] | {"Team": team}})
        (tmp_path / side).mkdir()
        (tmp_path / side / "a.json").write_text(text, encoding="utf-8")
        (tmp_path / side / "b.json").write_text(json.dumps(document(OLD)), encoding="utf-8")
    new, old = (read_policies("document", [str(tmp_path / side)]) for side in ("new", "old"))
    answer = compare(new, baseline=old)
    assert {row["policy"] for row in answer.facts["gained"]} == {
        "a.json R.ManagedPolicyArns (Team)"
    }


def test_an_answer_that_attaches_only_unknown_policies_is_refused_by_their_names() -> None:
    attached = {"AttachedPolicies": [{"PolicyName": "team", "PolicyArn": OWN_POLICY}]}
    with pytest.raises(InputError, match=r"AttachedPolicies \(team\): attached without"):
        tool.run({"action": "validate", "document": attached})


def test_what_two_files_attach_alike_is_unchanged(tmp_path: Path) -> None:
    limits = "arn:aws:iam::111122223333:policy/limits"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    text = json.dumps(
        template(
            AssumeRolePolicyDocument=document({**trust, "Action": "sts:AssumeRole"}),
            PermissionsBoundary=limits,
            ManagedPolicyArns=["arn:aws:iam::111122223333:policy/own"],
        )
    )
    sides = []
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        file = tmp_path / name / f"{name}.json"
        file.write_text(text, encoding="utf-8")
        sides.append(read_policies("document", (str(file),)))
    answer = compare(sides[0], baseline=sides[1])
    assert answer.comparison
    assert answer.comparison.relation == "equal"
    assert not answer.findings


def test_a_setting_in_a_folder_is_named_with_its_file(tmp_path: Path) -> None:
    sides = []
    for name, groups in (("new", ["admins"]), ("old", ["dev"])):
        (tmp_path / name).mkdir()
        users = {"Type": "AWS::IAM::User", "Properties": {"Groups": groups}}
        files = {"users": {"Resources": {"U": users}}, "role": role("s3:GetObject")}
        for file, content in files.items():
            path = tmp_path / name / f"{file}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        sides.append(read_policies("document", (str(tmp_path / name),)))
    answer = compare(sides[0], baseline=sides[1])
    assert answer.summary.startswith("Not judged: `users.json U.Groups` (the members of a group")
