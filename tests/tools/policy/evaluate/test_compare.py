"""`policy compare`: the relation with a witness, forbidden access, public access, by tool and by command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.answer import Answer, to_json
from aws_iam.cli import command_line
from aws_iam.cli.files import read_policies
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.report.answer_text import markdown
from aws_iam.report.page import page, size
from aws_iam.tools.kit.schemas import page_limit
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OLD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
NEW = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}
OWN, FAR = "111122223333", "444455556666"
EVERYONE = {**OLD, "Principal": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def compare(new: Any, **more: Any) -> Answer:
    return tool.run({"action": "compare", "document": new, **more})


def test_every_gained_action_is_named_the_riskiest_first() -> None:
    named = ["s3:GetObject", "acm:DescribeCertificate", "iam:AttachUserPolicy"]
    old = document({**OLD, "Resource": "*"})
    answer = compare(document({**OLD, "Action": named, "Resource": "*"}), baseline=old)
    assert answer.comparison
    assert answer.comparison.relation == "more"
    assert answer.summary == (
        "The document allows more than the baseline: it now allows `iam:AttachUserPolicy` on every user"
        " (privilege escalation) and 1 more action."
    )
    assert answer.facts["gained"] == [
        {
            "actions": ["iam:AttachUserPolicy"],
            "access_level": "Permissions management",
            "resources": ["*"],
            "risk": "privilege escalation",
            "severity": "critical",
            "statement": "/Statement/0",
        },
        {
            "actions": ["acm:DescribeCertificate"],
            "access_level": "Read",
            "resources": ["*"],
            "risk": "none known",
            "severity": "info",
            "statement": "/Statement/0",
        },
    ]
    assert answer.facts["gained_by_access_level"] == {"Permissions management": 1, "Read": 1}
    assert "lost" not in answer.facts
    found = [(finding.code, finding.severity) for finding in answer.findings]
    assert found == [("ACCESS_GAINED", "critical"), ("ACCESS_GAINED", "info")]
    assert answer.findings[0].where
    assert answer.findings[0].where.pointer == "/Statement/0"
    assert answer.as_of == catalog().as_of
    assert answer.sources


def test_lost_access_is_a_finding_that_fails_no_change() -> None:
    answer = compare(document(OLD), baseline=document(NEW))
    (finding,) = answer.findings
    assert (finding.code, finding.severity) == ("ACCESS_LOST", "info")
    assert "no longer allows" in finding.message
    assert {action for row in answer.facts["lost"] for action in row["actions"]} == {
        "s3:GetObject",
        "iam:PassRole",
    }


@pytest.mark.parametrize(
    ("action", "actions"),
    [
        ("*", ["*"]),
        ("sqs:*", ["sqs:*"]),
        (["sqs:SendMessage", "sqs:Receive*"], ["sqs:ReceiveMessage", "sqs:SendMessage"]),
    ],
)
def test_a_pattern_stands_for_all_of_a_service_only(action: Any, actions: list[str]) -> None:
    everything = {**OLD, "Action": action, "Resource": "*"}
    answer = compare(document(everything), baseline=document())
    assert sorted(a for row in answer.facts["gained"] for a in row["actions"]) == actions


def test_the_rows_name_the_resources_that_the_actions_work_on() -> None:
    both = {
        **OLD,
        "Action": ["s3:PutObject", "s3:ListBucket"],
        "Resource": [BUCKET, f"{BUCKET}/*"],
    }
    answer = compare(document(both), baseline=document())
    rows = {tuple(row["actions"]): row["resources"] for row in answer.facts["gained"]}
    assert rows == {("s3:PutObject",): [f"{BUCKET}/*"], ("s3:ListBucket",): [BUCKET]}


def test_an_action_that_completes_an_escalation_path_is_as_risky_as_the_path() -> None:
    launching = {**OLD, "Action": "ec2:RunInstances", "Resource": "*"}
    passing = {**OLD, "Action": "iam:PassRole", "Resource": "*"}
    (row,) = compare(document(launching, passing), baseline=document(launching)).facts["gained"]
    assert (row["actions"], row["risk"]) == (["iam:PassRole"], "privilege escalation")
    (alone,) = compare(document(passing), baseline=document()).facts["gained"]
    assert alone["risk"] != "privilege escalation"


@pytest.mark.parametrize(
    ("principal", "named", "severity"),
    [
        ("*", ["everyone"], "high"),
        ({"AWS": [f"arn:aws:iam::{OWN}:role/app", FAR]}, [FAR], "high"),
    ],
)
def test_a_policy_of_a_resource_says_who_gains_access(
    principal: Any, named: list[str], severity: str
) -> None:
    old = {**OLD, "Principal": {"AWS": f"arn:aws:iam::{OWN}:role/app"}}
    answer = compare(document({**old, "Principal": principal}), baseline=document(old))
    (row,) = answer.facts["gained"]
    assert (row["principals"], row["severity"]) == (named, severity)


def test_access_that_a_deny_stopped_names_the_deny_and_those_it_stopped() -> None:
    own = {**OLD, "Principal": {"AWS": f"arn:aws:iam::{OWN}:role/app"}}
    deny = {**OLD, "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject"}
    answer = compare(document(own), baseline=document(own, deny))
    (finding,) = answer.findings
    assert finding.severity == "medium"
    assert "the Deny at /Statement/1 of the baseline no longer stops it" in finding.message
    (row,) = answer.facts["gained"]
    assert row["principals"] == [
        "principals of the resource's account whose own policies allow it"
    ]


def test_what_is_added_without_effect_is_said_of_equal_policies() -> None:
    added = {**OLD, "Action": ["s3:GetObject", "s3:ListAllMyBuckets", "s3:Foo*"]}
    answer = compare(document(added), baseline=document(OLD))
    assert answer.comparison
    assert answer.comparison.relation == "equal"
    assert answer.summary.startswith(
        "The document allows exactly what the baseline allows. Added without effect: "
        f"`s3:ListAllMyBuckets` (it is never asked for on `{BUCKET}/*`) and `s3:Foo*` (it matches no known action"
    )
    assert [row["entry"] for row in answer.facts["without_effect"]] == [
        "s3:ListAllMyBuckets",
        "s3:Foo*",
    ]


@pytest.mark.parametrize(
    ("new", "old", "says"),
    [
        (document(OLD), document(NEW), "allows less than the baseline: it no longer allows"),
        (document(OLD), document(OLD), "allows exactly what the baseline allows"),
        (
            document(OLD),
            document({**OLD, "Action": "s3:PutObject"}),
            f"now allows `s3:GetObject` on `{BUCKET}/*` (data exfiltration). It no longer allows `s3:PutObject`",
        ),
        (
            document({**OLD, "Condition": {"StringSounds": {"aws:userid": "x"}}}),
            document(),
            "is unknown: the conditions at /Statement/0 cannot be evaluated",
        ),
    ],
)
def test_the_summary_says_the_relation_and_what_it_means(new: Any, old: Any, says: str) -> None:
    assert says in compare(new, baseline=old).summary


def test_what_cannot_be_decided_is_a_finding_that_a_script_can_see() -> None:
    unread = {**OLD, "Condition": {"StringSounds": {"aws:userid": "x"}}}
    (finding,) = compare(document(unread), baseline=document()).findings
    assert (finding.code, finding.status) == ("ACCESS_GAINED", "unknown")
    assert finding.reason == "the conditions at /Statement/0 cannot be evaluated"


def test_forbidden_access_is_a_violation_with_where_and_how() -> None:
    answer = compare(document(OLD, NEW), forbidden={"actions": ["iam:PassRole"]})
    assert answer.comparison
    assert answer.comparison.relation is None
    (found,) = answer.comparison.violations
    assert found["of"] == "forbidden"
    assert found["actions"] == ["iam:PassRole"]
    assert found["request"]["action"] == "iam:PassRole"
    assert found["granted_by"] == ["/Statement/1"]
    assert answer.summary.startswith("The document grants forbidden access: `iam:PassRole`")


@pytest.mark.parametrize("hub", ["<HUB>", "ACCOUNT_ID", "[HUB]"])
def test_forbidden_access_in_an_account_that_is_known_later_is_found(hub: str) -> None:
    role = f"arn:aws:iam::{hub}:role/admin"
    mine = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role})
    answer = compare(mine, forbidden={"actions": ["sts:AssumeRole"]})
    assert f"`sts:AssumeRole` (for example on `{role}`)" in answer.summary


def test_every_forbidden_action_that_is_granted_is_named() -> None:
    mine = document({**OLD, "Action": ["iam:PassRole", "iam:Create*Key", "iam:DeleteUser"]})
    mine["Statement"][0]["Resource"] = "*"
    answer = compare(mine, forbidden={"actions": ["iam:*"]})
    assert answer.comparison
    (found,) = answer.comparison.violations
    assert sorted(found["actions"]) == ["iam:CreateAccessKey", "iam:DeleteUser", "iam:PassRole"]
    assert answer.summary.endswith("and 2 more actions.")
    everything = compare(document({**OLD, "Action": "*"}), forbidden={"actions": ["s3:Get*"]})
    assert everything.comparison
    (all_of_them,) = everything.comparison.violations
    assert {"s3:GetObject", "s3:GetObjectAcl"} <= set(all_of_them["actions"])


@pytest.mark.parametrize("detail", ["concise", "full"])
def test_a_long_list_of_forbidden_actions_is_given_page_by_page(detail: str) -> None:
    answer = compare(
        document({**OLD, "Action": "*", "Resource": "*"}), forbidden={"actions": ["*:Get*"]}
    )
    shown = page(answer, page_limit(detail))
    assert size(shown) <= page_limit(detail)
    assert shown.comparison
    (violation,) = shown.comparison.violations
    assert violation["more_actions"] + len(violation["actions"]) == len(
        answer.facts["forbidden_actions"]
    )


def test_what_the_document_does_not_grant_is_no_violation() -> None:
    narrow = {"actions": "iam:Pass*", "resources": "arn:aws:iam::*:role/admin"}
    deny = {"Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/admin"}
    answer = compare(document(NEW, deny), forbidden=narrow)
    assert answer.comparison
    assert not answer.comparison.violations
    assert answer.summary == "The document grants none of the forbidden access."
    assert compare(document(NEW), forbidden=narrow).comparison.violations  # type: ignore[union-attr]


def test_a_dollar_in_forbidden_access_is_no_variable() -> None:
    wanted = {"actions": ["s3:GetObject"], "resources": [f"{BUCKET}/${{aws:username}}"]}
    answer = compare(document(OLD), forbidden=wanted)
    assert answer.comparison
    assert answer.comparison.violations[0]["request"]["resource"].endswith("/${aws:username}")


@pytest.mark.parametrize(
    ("forbidden", "says", "hint"),
    [
        ({"actions": ["iam:PasRole"]}, "is not a known action", "`iam:PassRole`"),
        ({"actions": ["iam:Pasrol*"]}, "is not a known action", ""),
        ({"actions": []}, "has no `actions`", "wildcards"),
        ({"action": ["iam:PassRole"]}, "has no field `action`", "`actions`"),
        ({"actions": [1]}, "must be a list", ""),
        ({"actions": ["iam:*"], "resources": ["bucket"]}, "is not an ARN", ""),
        ([], "has no `actions`", "wildcards"),
        ("{", "is not JSON", ""),
    ],
)
def test_forbidden_access_that_cannot_be_used_is_refused(
    forbidden: Any, says: str, hint: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        compare(document(OLD), forbidden=forbidden)
    assert hint in caught.value.hint


def test_a_policy_that_strangers_may_use_is_public() -> None:
    answer = compare(document(EVERYONE), public=True)
    assert answer.comparison
    found = answer.comparison.violations[0]
    assert found["of"] == "public"
    assert found["request"]["principal"] == "*"
    assert found["granted_by"] == ["/Statement/0"]
    assert answer.summary.startswith("The policy is public: strangers may do `s3:GetObject`")
    assert "without credentials" in answer.summary
    confined = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
    assert compare(document(confined), public=True).summary == "The policy is not public."


def test_nobody_without_credentials_or_of_a_service_belongs_to_an_organization() -> None:
    confined = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
    answer = compare(document(confined), baseline=document())
    assert answer.comparison
    asking = {row["request"]["principal"] for row in answer.comparison.witnesses}
    assert asking
    assert not {"*", "lambda.amazonaws.com"} & asking
    tagged = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    found = compare(document(tagged), public=True)
    assert all(row["principal"] != "*" for row in found.facts["public_requests"])


def test_a_token_of_a_shared_issuer_is_a_strangers_and_that_of_an_unknown_one_is_assumed_not_to_be() -> (
    None
):
    providers = "arn:aws:iam::111122223333:oidc-provider/"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity"}

    def asked(host: str) -> Answer:
        return compare(
            document({**trust, "Principal": {"Federated": f"{providers}{host}"}}), public=True
        )

    assert "with a token of `gitlab.com`" in asked("gitlab.com").summary
    assert asked("idp.example.com").summary == (
        "The policy is not public. It is assumed that nobody else gets tokens of `idp.example.com`."
    )


def test_public_is_asked_of_policies_of_resources() -> None:
    with pytest.raises(InputError, match="has no principals"):
        compare(document(OLD), public=True)


def test_something_to_compare_with_is_needed() -> None:
    with pytest.raises(InputError, match="nothing to compare with") as caught:
        compare(document(OLD))
    assert "`baseline`" in caught.value.hint


def test_the_text_says_what_the_answer_holds() -> None:
    answer = compare(document(NEW), baseline=document(OLD), forbidden={"actions": ["iam:*"]})
    text = markdown(answer)
    assert "Relation: more" in text
    assert "- document: iam:PassRole on arn:aws:iam::111122223333:role/example by" in text
    assert "Violations:" in text
    assert "- forbidden: iam:PassRole on" in text


def test_the_command_line_compares_files_and_fails_on_violations(
    tmp_path: Any, capsys: Any
) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    new.write_text(json.dumps(document(NEW)), encoding="utf-8")
    old.write_text(json.dumps(document(OLD)), encoding="utf-8")
    arguments = ["policy", "compare", "--document", str(new)]
    passing = ["--baseline", str(old), "--fail-on", "critical"]
    assert command_line.main([*arguments, *passing, "--json"], {}) == 0
    gates = ["--baseline", str(old)]
    capsys.readouterr()
    assert command_line.main([*arguments, *gates, "--json"], {}) == 1
    said = json.loads(capsys.readouterr().out)["comparison"]
    assert said["relation"] == "more"
    assert said["witnesses"][0]["allowed_by"] == "document"
    assert command_line.main([*arguments, "--forbidden", '{"actions":["iam:PassRole"]}'], {}) == 1
    assert "/Statement/0" in capsys.readouterr().out
    old.write_text(json.dumps(document(EVERYONE)), encoding="utf-8")
    assert command_line.main(["policy", "compare", "--document", str(old), "--public"], {}) == 1


def test_a_list_of_documents_is_their_union() -> None:
    answer = compare([document(OLD), document(NEW)], baseline=[document(NEW)])
    assert answer.comparison
    assert answer.comparison.relation == "equal"


def role(action: str, *, trusting: str = "lambda.amazonaws.com") -> dict[str, Any]:
    """A template with a role that has a trust policy and an inline policy."""
    trust = {"Effect": "Allow", "Principal": {"Service": trusting}, "Action": "sts:AssumeRole"}
    inline = {"PolicyName": "p", "PolicyDocument": document({**OLD, "Action": action})}
    properties = {"AssumeRolePolicyDocument": document(trust), "Policies": [inline]}
    return {"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def test_policies_of_templates_are_compared_by_name() -> None:
    answer = compare(role("s3:PutObject"), baseline=role("s3:GetObject"))
    assert answer.comparison
    assert answer.comparison.relation == "incomparable"
    assert answer.facts["policies"] == [
        {"name": "R.AssumeRolePolicyDocument", "change": "same", "relation": "equal"},
        {"name": "R.Policies[0] (p)", "change": "changed", "relation": "incomparable"},
    ]
    assert [row["policy"] for row in answer.facts["gained"]] == ["R.Policies[0] (p)"]
    assert {finding.resource for finding in answer.findings} == {"R.Policies[0] (p)"}


def test_policies_that_one_template_lacks_are_gained_or_lost_whole() -> None:
    other = role("s3:PutObject")
    less = {"Resources": {"R": {**other["Resources"]["R"]}}}
    less["Resources"]["R"]["Properties"] = {
        "AssumeRolePolicyDocument": other["Resources"]["R"]["Properties"][
            "AssumeRolePolicyDocument"
        ]
    }
    answer = compare(less, baseline=other)
    assert answer.comparison
    assert answer.comparison.relation == "less"
    assert "`R.Policies[0] (p)` removed" in answer.summary
    assert compare(other, baseline=less).comparison.relation == "more"  # type: ignore[union-attr]


def test_no_all_clear_covers_what_was_not_read() -> None:
    loop = {
        "Fn::ForEach::Roles": [
            "Name",
            {"Ref": "Names"},
            {"Role${Name}": {"Type": "AWS::IAM::Role"}},
        ]
    }
    template = {"Resources": {**role("s3:PutObject")["Resources"], **loop}}
    equal = compare(template, baseline=template)
    assert equal.summary.startswith(
        "What was read of the document allows exactly the same as what was read of the baseline."
    )
    (row,) = equal.facts["not_judged"]
    assert row["why"].startswith("`Fn::ForEach` is not expanded: give the template that")
    granted = compare(template, forbidden={"actions": ["iam:PassRole"]})
    assert granted.summary.startswith("What was read of the document grants none")
    assert granted.facts["not_judged"]


def test_files_that_cannot_be_read_leave_equality_unknown(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(document(OLD)), encoding="utf-8")
    (tmp_path / "bad.json").write_bytes(b'{"Statement": "caf\xe9"}')
    folder = read_policies("document", [str(tmp_path)])
    answer = compare(folder, baseline=folder)
    assert answer.comparison
    assert answer.comparison.relation == "unknown"
    assert "bad.json" in answer.summary
    assert [(f.code, f.status.value) for f in answer.findings] == [("ACCESS_GAINED", "unknown")]
    assert answer.facts["not_judged"]


@pytest.mark.parametrize("name", ["p", "R.Policies[0] (p)"])
def test_one_policy_of_a_template_can_be_picked(name: str) -> None:
    old = document({**OLD, "Action": "s3:PutObject"})
    answer = compare(role("s3:PutObject"), baseline=old, policy=name)
    assert answer.comparison
    assert answer.comparison.relation == "equal"
    both = compare(role("s3:PutObject"), baseline=role("s3:GetObject"), policy="R")
    assert len(both.facts["policies"]) == 2


def test_a_policy_that_is_not_there_or_not_chosen_is_refused() -> None:
    twice = '{"Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}'
    with pytest.raises(InputError, match="the policy at `document` cannot be used"):
        compare(twice, baseline=document(OLD))
    with pytest.raises(InputError, match="no policy is called `q`"):
        compare(role("s3:PutObject"), baseline=role("s3:GetObject"), policy="q")
    with pytest.raises(InputError, match="`document` holds 2 policies") as caught:
        compare(role("s3:PutObject"), baseline=document(OLD))
    assert "`R.Policies[0] (p)`" in caught.value.hint
    with pytest.raises(InputError, match="no policy is called `R`") as unnamed:
        compare(document(EVERYONE), public=True, policy="R")
    assert unnamed.value.hint == "the document is one policy"


def test_policies_of_folders_are_compared_by_file(tmp_path: Any, capsys: Any) -> None:
    for folder, names in (("new", "a"), ("old", "ab")):
        (tmp_path / folder).mkdir()
        for name in names:
            text = json.dumps(document(OLD))
            (tmp_path / folder / f"{name}.json").write_text(text, encoding="utf-8")
    places = [
        f"--{side}={tmp_path / name}" for side, name in (("document", "new"), ("baseline", "old"))
    ]
    assert command_line.main(["policy", "compare", *places, "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["policies"] == [
        {"name": "a.json", "change": "same", "relation": "equal"},
        {"name": "b.json", "change": "removed", "relation": "less"},
    ]


def test_the_policies_of_an_answer_are_parts_of_one() -> None:
    parts = [document({**OLD, "Action": name}) for name in ("s3:GetObject", "s3:PutObject")]
    contents = [{"language": "json", "content": json.dumps(part)} for part in parts]
    artifacts = [{"name": f"part-{n}.json", **own} for n, own in enumerate(contents)]
    both = document({**OLD, "Action": ["s3:GetObject", "s3:PutObject"]})
    answer = compare({"summary": "", "artifacts": artifacts}, baseline=both)
    assert answer.comparison
    assert answer.comparison.relation == "equal"


@pytest.mark.parametrize("detail", ["concise", "full"])
def test_the_rows_of_a_large_difference_fit_a_page(detail: str) -> None:
    everything = {**OLD, "Action": "s3:GetObject"}
    del everything["Action"]
    for action in ({"NotAction": "s3:GetObject"}, {"Action": "*:Get*"}):
        answer = compare(document({**everything, **action, "Resource": "*"}), baseline=document())
        shown, cursor = None, None
        while shown is None or shown.next_cursor:
            shown = page(answer, page_limit(detail), cursor)
            cursor = shown.next_cursor
            assert size(shown) <= page_limit(detail)


def test_the_answer_is_json() -> None:
    answer = compare(document(NEW), baseline=document(OLD), forbidden={"actions": ["iam:*"]})
    assert json.loads(json.dumps(to_json(answer)))["comparison"]["violations"]
