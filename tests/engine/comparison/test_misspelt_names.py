"""Which unknown actions count as misspelt: not those that AWS may have added since the data was read."""

from __future__ import annotations

from aws_iam.engine.comparison.misspelt_names import is_misspelt_action, is_slip
from aws_iam.engine.reference.catalog import catalog


def test_hardly_an_action_looks_like_a_misspelt_one_of_its_service() -> None:
    """Each known action once stood in policies that were read with older data."""
    names = {service: catalog().service(service) for service in catalog().services}
    known = {service: row.action_names for service, row in names.items() if row}
    slips = sum(
        any(is_slip(name, other) for other in actions if other != name)
        for actions in known.values()
        for name in actions
    )
    assert slips / sum(map(len, known.values())) < 0.003


def test_a_slip_is_told_from_a_new_name() -> None:
    for name in ("s3:GetObjekt", "sqs:ReceiveMessge", "s3:getObjcet", "s3:ListObjectsV2"):
        assert is_misspelt_action(name)
    for name in ("s3:GetObjects", "s3:GetObjectV2", "s3:FetchObject", "s4:GetObject", "s3:GetObject"):  # fmt: skip
        assert not is_misspelt_action(name)
