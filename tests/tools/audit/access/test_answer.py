"""What the answer on who can do something says besides the callers: gaps, exit statuses, names, several snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, policy, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

OTHER = "444455556666"
HERE = f"eu-west-1:{ACCOUNT}"
OBJECT = "arn:aws:s3:::books/2026.csv"
FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANN = {"name": "ann", "inline": [[FULL]]}
ORGANIZATION = {"id": "o-a1b2c3d4e5", "management_account": OTHER, "feature_set": "ALL"}


def books(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    document = policy(list(statements)) if statements else None
    return {
        "s3.bucket_policies": [{"bucket": "books", "document": document}],
        "s3control.public_access_block": {},
        "s3.bucket_public_access_blocks": [{"bucket": "books", "block": {}}],
        "s3.bucket_encryption": [{"bucket": "books", "algorithm": "AES256"}],
        **more,
    }


def readers(principal: Any, resource: str = "arn:aws:s3:::books/*") -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource}  # fmt: skip


def saved(folder: Path, facts: dict[str, Any], account: str = ACCOUNT, **users: Any) -> Path:
    file = folder / f"{account}.json"
    case = {"users": [ANN], **users, "facts": facts}
    snapshots.save(
        snapshot(facts_of(case, account), id=account, regions=("eu-west-1",), enabled=()), file
    )
    return file


def ask(where: object, who: str | list[str] = "s3:GetObject", on: str = OBJECT) -> Answer:
    actions = [who] if isinstance(who, str) else who
    asked = {"action": "access", "who_can": actions, "on": on, "snapshot": str(where)}
    return tool.run(asked, cli=True)


def names(answer: Answer) -> list[str]:
    return [row["principal"].rpartition("/")[2] for row in answer.facts["principals"]]


@pytest.mark.parametrize(
    ("facts", "who", "on"),
    [
        (books(**{"organizations.organization": {"denied": "organizations:Describe"}}), "s3:GetObject", OBJECT),
        (books() | {"s3.bucket_policies": [{"bucket": "books", "document": "{}"}]}, "s3:GetObject", OBJECT),
        ({"kms.policies": {"eu-west-1": [{"arn": f"arn:aws:kms:{HERE}:key/1", "document": policy([])}]}, "kms.grants": {"eu-west-1": {"denied": "kms:ListGrants"}}}, "kms:Decrypt", f"arn:aws:kms:{HERE}:key/1"),
    ],
    ids=["the organization's policies", "a policy that AWS would refuse", "grants"],
)  # fmt: skip
def test_what_was_not_read_can_end_a_pipeline(
    facts: dict[str, Any], who: str, on: str, tmp_path: Path
) -> None:
    file = saved(tmp_path, facts)
    words = ["audit", "access", who, "--on", on, "--snapshot", str(file), "--fail-on-unknown"]
    assert command_line.main(words, {}) == exit_status.FOUND
    assert ask(file, who, on).facts["not_judged"]


def test_an_account_whose_users_were_not_read_is_no_answer(tmp_path: Path) -> None:
    refused = {"iam.authorization": {"denied": "iam:GetAccountAuthorizationDetails"}}
    file = saved(tmp_path, books(readers({"AWS": arn("user/bob")}), **refused))
    words = ["audit", "access", "s3:GetObject", "--on", OBJECT, "--snapshot", str(file)]
    assert command_line.main(words, {}) == exit_status.UNREADABLE
    public = saved(tmp_path, books(readers("*"), **refused))
    assert "nothing_evaluated" not in ask(public).facts


def test_what_anyone_can_has_a_place_and_a_proof(tmp_path: Path) -> None:
    open_part = readers("*", "arn:aws:s3:::books/open/*")
    answer = ask(saved(tmp_path, books(open_part)), on="arn:aws:s3:::books/*")
    row = answer.facts["anyone_can"]
    assert answer.facts["anyone"] is True
    assert row["partly"]
    assert row["on"][0].startswith("arn:aws:s3:::books/open/")
    assert row["proof"]["because"][-1]["layer"] == "resource"
    assert answer.summary.startswith(
        "Anyone can perform `s3:GetObject` on `arn:aws:s3:::books/open/"
    )
    assert "need not exist" in " ".join(answer.facts["understood"])


def test_callers_of_several_accounts_are_named_with_theirs(tmp_path: Path) -> None:
    outsiders = {"AWS": ["777788889999", "arn:aws:iam::777788889999:role/etl", OTHER]}
    saved(tmp_path, books(readers(outsiders)))
    saved(tmp_path, {"s3.bucket_policies": []}, OTHER)
    said = ask(tmp_path).summary
    assert f"`user/ann` of {ACCOUNT} and `user/ann` of {OTHER}" in said
    assert "account 777788889999 and `role/etl` of 777788889999" in said


def test_the_organization_s_policies_of_the_management_account_bind_its_members(
    tmp_path: Path,
) -> None:
    unread = {"denied": "organizations:ListRoots"}
    member = {"organizations.tree": unread, "organizations.guardrails": unread}
    saved(tmp_path, books(**member, **{"organizations.organization": ORGANIZATION}))
    alone = ask(tmp_path)
    assert names(alone) == ["ann"]
    assert "were not considered" in alone.summary
    root = {"id": "r-1", "name": "Root", "policy_types": ["SERVICE_CONTROL_POLICY"]}
    guardrails = [("full", [FULL], ["r-1", ACCOUNT, OTHER]), ("own", [{**FULL, "Effect": "Deny", "Action": "s3:*"}], [ACCOUNT])]  # fmt: skip
    manager = {
        "organizations.organization": ORGANIZATION,
        "organizations.tree": {"units": [root], "members": [{"id": own, "name": own, "parent": "r-1"} for own in (ACCOUNT, OTHER)]},
        "organizations.guardrails": [
            {"id": f"p-{name}", "name": name, "type": "SERVICE_CONTROL_POLICY", "targets": at, "document": policy(document)}
            for name, document, at in guardrails
        ],
    }  # fmt: skip
    saved(tmp_path, manager, OTHER, users=[])
    together = ask(tmp_path)
    assert names(together) == []
    assert "were not considered" not in together.summary
    unknown = books(**member, **{"organizations.organization": unread})
    saved(tmp_path, unknown)
    assert names(ask(tmp_path)) == []


def test_several_snapshots_are_a_folder_or_files_with_commas_between(tmp_path: Path) -> None:
    files = [saved(tmp_path, books()), saved(tmp_path, {"s3.bucket_policies": []}, OTHER)]
    for where in (tmp_path, ",".join(map(str, files))):
        assert ask(where).facts["account"] == f"{ACCOUNT} and {OTHER}"
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(InputError, match=r"`package\.json`: .*not a snapshot"):
        ask(tmp_path)
    with pytest.raises(InputError, match="both of account"):
        ask(f"{files[0]},{files[0]}")


def test_the_date_is_that_of_the_oldest_snapshot(tmp_path: Path) -> None:
    saved(tmp_path, books())
    other = saved(tmp_path, {"s3.bucket_policies": []}, OTHER)
    text = other.read_text("utf-8").replace("2026-11-01T12:00:00", "2026-10-01T12:00:00")
    other.write_text(text, "utf-8")
    assert ask(tmp_path).facts["collected_at"].startswith("2026-10-01")


@pytest.mark.parametrize("on", [f"arn:aws:ec2:{HERE}:instance/i-1", "ec2:instance"])
def test_an_action_without_resources_is_asked_on_none(on: str, tmp_path: Path) -> None:
    answer = ask(saved(tmp_path, {}), "ec2:DescribeInstances", on)
    assert answer.facts["on"] == "*"
    assert "can perform `ec2:DescribeInstances` on `*`" in answer.summary
    assert answer.facts["understood"] == ["`ec2:DescribeInstances` takes no resource and is asked on `*`"]  # fmt: skip


def test_a_pattern_of_actions_means_those_that_the_resource_takes(tmp_path: Path) -> None:
    file = saved(tmp_path, books())
    assert "s3:GetBucketAcl" not in ask(file, "s3:Get*").facts["who_can"]
    queue = f"arn:aws:sqs:{HERE}:q"
    assert "sqs:ListQueues" not in ask(file, "sqs:*", queue).facts["who_can"]
    tagging = ask(file, "s3:*Tagging", "arn:aws:s3:::books").facts["who_can"]
    assert {"s3:PutBucketTagging", "s3:PutObjectTagging"} <= set(tagging)
    assert "s3:DeleteJobTagging" not in tagging
    of_kind = ask(file, "s3:*ObjectTagging", "s3:bucket").facts["who_can"]
    assert of_kind == ["s3:DeleteObjectTagging", "s3:GetObjectTagging", "s3:PutObjectTagging"]
    every = ask(file, "sqs:ListQ*", "*").facts["who_can"]
    assert sorted(every) == ["sqs:ListQueueTags", "sqs:ListQueues"]
    alias = f"arn:aws:lambda:{HERE}:function:f:prod"
    assert "lambda:InvokeFunction" in ask(file, "lambda:Invoke*", alias).facts["who_can"]


@pytest.mark.parametrize(
    ("who", "on", "says"),
    [
        ("s3:DeleteJobTagging", "arn:aws:s3:::books", "nor on its objects"),
        ("sqs:ListQueue?", f"arn:aws:sqs:{HERE}:q", "no action that `sqs:ListQueue?` matches"),
        ("s3:GetObject", f"arn:aws:s3:::books/{'a' * 9_000}", "more than 8,192"),
    ],
)
def test_what_is_never_asked_is_refused(who: str, on: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        ask(saved(tmp_path, books()), who, on)
    assert says in str(refused.value)


def test_further_resources_of_an_action_are_said(tmp_path: Path) -> None:
    answer = ask(saved(tmp_path, {}), "ec2:RunInstances", f"arn:aws:ec2:{HERE}:instance/*")
    assert "not asked about: image, network-interface, security-group and subnet" in answer.summary
    one = ask(saved(tmp_path, {}), "ec2:TerminateInstances", f"arn:aws:ec2:{HERE}:instance/i-1")
    assert "not asked about" not in one.summary


@pytest.mark.parametrize("action", ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"])
def test_a_provider_s_way_into_a_role_is_the_next_question(action: str, tmp_path: Path) -> None:
    provider = {"Federated": arn("saml-provider/okta")}
    trust = [{"Effect": "Allow", "Principal": provider, "Action": action}]
    file = saved(tmp_path, {}, roles=[{"name": "r", "trust": trust}])
    answer = ask(file, "sts:AssumeRole", arn("role/r"))
    assert f"get in by `{action}`" in answer.summary
    assert answer.next[0].arguments["who_can"] == [action]
    both = ask(file, ["sts:AssumeRole", action], arn("role/r"))
    assert "get in by" not in both.summary
    assert [row["principal"] for row in both.facts["outsiders"]] == [provider["Federated"]]


@pytest.mark.parametrize(
    ("encryption", "says"),
    [
        ([{"bucket": "books", "algorithm": "AES256"}], ""),
        ([{"bucket": "books", "algorithm": "aws:kms"}], "encrypts with KMS"),
        ([{"bucket": "books", "algorithm": {"denied": "s3:GetEncryptionConfiguration"}}], "refused"),
        ({"denied": "s3:GetEncryptionConfiguration"}, "refused"),
    ],
)  # fmt: skip
def test_a_key_that_was_not_looked_at_is_said(encryption: Any, says: str, tmp_path: Path) -> None:
    file = saved(tmp_path, books(**{"s3.bucket_encryption": encryption}))
    gate = exit_status.Gate(unknown=True)
    for on in (OBJECT, "arn:aws:s3:::books/*", "s3:bucket"):
        answer = ask(file, on=on)
        assert ("was not looked at" in answer.summary) is bool(says)
        rows = answer.facts.get("keys_not_looked_at", [])
        assert [row["place"] for row in rows] == (["arn:aws:s3:::books"] if says else [])
        assert all(says in row["why"] for row in rows)
        # Whoever can read it may not be able to decrypt it.
        unknown = answer.facts.get("not_judged", [])
        assert [row["place"] for row in unknown] == [row["place"] for row in rows]
        assert exit_status.exit_status(answer, gate) == int(bool(says))
    assert "was not looked at" not in ask(file, "s3:GetObjectTagging").summary


@pytest.mark.parametrize(
    ("service", "action"), [("sqs", "sqs:ReceiveMessage"), ("sns", "sns:Publish")]
)
@pytest.mark.parametrize("on", ["", "*"])
def test_the_key_of_a_queue_or_topic_that_could_not_be_read_is_said(
    service: str, action: str, on: str, tmp_path: Path
) -> None:
    refused = {"denied": f"{service}:GetAttributes"}

    def unseen(listed: Any) -> bool:
        facts = {f"{service}.policies": {"eu-west-1": listed}}
        answer = ask(saved(tmp_path, facts), action, f"arn:aws:{service}:{HERE}:q{on}")
        rows = answer.facts.get("keys_not_looked_at", [])
        assert ("the key that encrypts" in answer.summary) is bool(rows)
        return bool(rows)

    queue = {"arn": f"arn:aws:{service}:{HERE}:q"}
    assert unseen(refused)
    # As an older snapshot has it.
    assert unseen([{**queue, "kms_key": None}])
    assert unseen([{**queue, "document": refused, "kms_key": refused}])
    assert not unseen([{**queue, "kms_key": ""}])
    assert not unseen([{**queue, "kms_key": f"alias/aws/{service}"}])


def test_the_key_of_a_table_was_not_looked_at_either(tmp_path: Path) -> None:
    table = f"arn:aws:dynamodb:{HERE}:table/t"
    said = ask(saved(tmp_path, {}), "dynamodb:GetItem", table).summary
    assert f"the key that encrypts `{table}` was not looked at" in said
    assert "Root users are not considered." in said


def test_nobody_by_what_was_read_is_not_nobody(tmp_path: Path) -> None:
    refused = {"s3.bucket_policies": [{"bucket": "books", "document": {"denied": "s3:Get"}}]}
    said = ask(saved(tmp_path, books() | refused, users=[{"name": "bob"}])).summary
    assert f"No user and no role can perform `s3:GetObject` on `{OBJECT}`, by what was read." in said  # fmt: skip
    said = ask(saved(tmp_path, books(), users=[{"name": "bob"}])).summary
    assert "by what was read" not in said
    assert "Access control lists, access points and root users are not considered." in said


def test_buckets_that_could_not_be_listed_may_be_anybody_s(tmp_path: Path) -> None:
    saved(tmp_path, {"s3.bucket_policies": {"denied": "s3:ListAllMyBuckets"}})
    saved(tmp_path, {"s3.bucket_policies": []}, OTHER, users=[])
    said = ask(tmp_path).summary
    assert f"account {ACCOUNT} may own it, but s3:ListAllMyBuckets: refused" in said
    listed = {"s3.buckets": [{"name": "books"}], "s3.bucket_policies": {"denied": "s3:Get"}}
    answer = ask(saved(tmp_path, listed), on="s3:bucket")
    assert [row["verdict"] for row in answer.facts["principals"]] == ["unknown"]
    none = saved(tmp_path, {"s3.bucket_policies": {"denied": "s3:ListAllMyBuckets"}})
    with pytest.raises(AwsError, match="no `s3:bucket` was read: s3:ListAllMyBuckets: refused"):
        ask(none, on="s3:bucket")


def test_managed_policies_are_resources_that_were_read(tmp_path: Path) -> None:
    file = saved(tmp_path, {}, policies={"p": [FULL]})
    answer = ask(file, "iam:CreatePolicyVersion", "iam:policy")
    assert answer.facts["principals"][0]["on"] == [arn("policy/p")]


def test_a_caller_that_no_request_can_have_is_unknown(tmp_path: Path) -> None:
    group = f"arn:aws:iam::{OTHER}:group/readers"
    (row,) = ask(saved(tmp_path, books(readers({"AWS": group})))).facts["outsiders"]
    assert (row["principal"], row["verdict"]) == (group, "unknown")
    assert "does not name a caller" in row["why"]


def test_parameters_of_a_region_that_could_not_be_listed_are_said(tmp_path: Path) -> None:
    parameter = {"name": "a", "arn": f"arn:aws:ssm:{HERE}:parameter/a", "type": "String"}
    by_region = {"eu-west-1": [parameter], "us-east-1": {"denied": "ssm:DescribeParameters"}}
    account = snapshot(
        facts_of({"users": [ANN], "facts": {"ssm.parameters": by_region}}),
        regions=("eu-west-1", "us-east-1"),
    )
    snapshots.save(account, tmp_path / "account.json")
    answer = ask(tmp_path / "account.json", "ssm:GetParameter", "ssm:parameter")
    assert "There may be more of `ssm:parameter`" in answer.summary
    assert answer.facts["not_judged"]


def test_a_session_is_asked_about_the_parts_that_its_role_tells_apart(tmp_path: Path) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/etl/s1"
    denied = {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::books/open/*"}
    facts = books(readers({"AWS": session}))
    file = saved(tmp_path, facts, users=[], roles=[{"name": "etl", "inline": [[denied]]}])
    (row,) = ask(file, on="arn:aws:s3:::books/*").facts["principals"]
    assert (row["principal"], row["on"]) == (session, ["arn:aws:s3:::books/open/x"])
    assert row["partly"]


def test_whoever_is_let_into_one_bucket_is_not_let_into_all(tmp_path: Path) -> None:
    facts = books(readers({"AWS": OTHER}))
    facts["s3.bucket_policies"].append({"bucket": "films", "document": None})
    (row,) = ask(saved(tmp_path, facts), on="s3:bucket").facts["outsiders"]
    assert row["partly"]
    assert all(own.startswith("arn:aws:s3:::books/") for own in row["on"])


def test_a_variable_in_the_bucket_s_policy_stands_for_an_outsider_s_name(tmp_path: Path) -> None:
    own = "arn:aws:s3:::books/${aws:username}/*"
    sue = readers({"AWS": f"arn:aws:iam::{OTHER}:user/sue"}, own)
    (row,) = ask(saved(tmp_path, books(sue)), on="arn:aws:s3:::books/*").facts["outsiders"]
    assert (row["verdict"], row["on"]) == ("can", ["arn:aws:s3:::books/sue/x"])
    # Of anyone, no name is known.
    answer = ask(saved(tmp_path, books(readers("*", own))), on="arn:aws:s3:::books/*")
    assert [row["verdict"] for row in answer.facts["outsiders"]] == ["unknown"]
    assert answer.facts["anyone"] is None


def test_nobody_reads_what_does_not_exist(tmp_path: Path) -> None:
    parameter = {"name": "a", "arn": f"arn:aws:ssm:{HERE}:parameter/a", "type": "String"}
    only_b = {"Effect": "Allow", "Action": "ssm:*", "Resource": f"arn:aws:ssm:{HERE}:parameter/b"}
    facts = {"ssm.parameters": {"eu-west-1": [parameter]}}
    file = saved(tmp_path, facts, users=[{"name": "ann", "inline": [[only_b]]}])
    pattern = f"arn:aws:ssm:{HERE}:parameter/*"
    assert names(ask(file, "ssm:GetParameter", pattern)) == []
    assert names(ask(file, "ssm:PutParameter", pattern)) == ["ann"]


def test_the_summary_says_that_a_part_has_conditions(tmp_path: Path) -> None:
    with_mfa = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    free = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::books/a/*"}
    users = [{"name": "ann", "inline": [[free, {**FULL, **with_mfa}]]}]
    answer = ask(saved(tmp_path, books(), users=users), on="arn:aws:s3:::books/*")
    assert "`user/ann`; 1 under other conditions on some parts." in answer.summary
