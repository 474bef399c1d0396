"""`kms key_policy --via-service`: the words that name a service, and the value that the policy gets."""

from __future__ import annotations

import pytest

from helpers.key_policies import APP, document, key_policy_answer, outcome


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("efs", "elasticfilesystem"),
        ("Amazon EFS", "elasticfilesystem"),
        ("ebs", "ec2"),
        ("AWS Secrets Manager", "secretsmanager"),
        ("msk", "kafka"),
        ("EventBridge", "events"),
        ("Security Hub", "securityhub"),
        ("s3.eu-west-1.amazonaws.com", "s3"),
        ("efs.eu-west-1.amazonaws.com", "elasticfilesystem"),
    ],
)
def test_a_service_is_known_by_the_words_that_people_use(word: str, value: str) -> None:
    answer = key_policy_answer(via_service=[word], region="eu-west-1")
    (row,) = answer.facts["via_service"]
    assert row["value"] == f"{value}.eu-west-1.amazonaws.com"
    assert "unconfirmed" not in row.get("note", "")
    through = {"kms__ViaService": row["value"]}
    assert outcome(document(answer), APP, "Encrypt", **through) == "Allowed"


def test_a_name_that_no_table_has_is_taken_in_full_and_called_unconfirmed() -> None:
    answer = key_policy_answer(via_service=["foo.eu-west-1.amazonaws.com"])
    (row,) = answer.facts["via_service"]
    assert row["note"].startswith("unconfirmed: ")
    assert "`foo.eu-west-1.amazonaws.com` is unconfirmed" in answer.summary


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_the_suffix_of_a_via_service_is_the_same_in_every_partition(region: str) -> None:
    given = ["s3", f"rds.{region}.amazonaws.com.cn"]
    answer = key_policy_answer(via_service=given, region=region, only_via_service=True)
    (through,) = (
        s for s in document(answer)["Statement"] if s["Sid"] == "UsersUseThroughServices"
    )
    assert through["Condition"]["StringEquals"]["kms:ViaService"] == [
        f"s3.{region}.amazonaws.com",
        f"rds.{region}.amazonaws.com",
    ]
