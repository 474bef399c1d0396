"""CSV: one finding per row, and no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Finding, Status
from aws_iam.report.formats.csv import csv_rows
from helpers.audited_runs import EVERY_STATUS, FINDINGS, HOSTILE, audited, finding, hostile_run

if TYPE_CHECKING:
    from aws_iam.report.audit_report import AuditReport


def rows(run: AuditReport) -> list[dict[str, str]]:
    text = "".join(csv_rows(run))
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_every_finding_of_every_status_is_a_row() -> None:
    found = rows(audited())
    assert len(found) == len(EVERY_STATUS)
    assert {row["status"] for row in found} == {status.value for status in Status}


def test_a_row_says_all_that_is_known() -> None:
    (row,) = rows(audited([finding(muted="accepted", change="same")]))
    assert row["account"] == "111122223333"
    assert row["region"] == "eu-west-1"
    assert row["section"] == "6 networking"
    assert row["control"] == "imdsv2"
    assert (row["cis_6.0"], row["cis_7.0"]) == ("CIS 6.7", "CIS 6.7")
    assert (row["status"], row["severity"], row["change"]) == ("fail", "high", "same")
    assert row["muted"] == "accepted"
    assert row["fix"].startswith("aws ec2 modify-instance-metadata-options")
    assert row["resource"] == finding().resource


def test_a_number_of_a_control_cannot_be_taken_for_another_number() -> None:
    (row,) = rows(audited([finding(controls={"7.0": "4.10"})]))
    assert (row["cis_6.0"], row["cis_7.0"]) == ("", "CIS 4.10")
    with pytest.raises(ValueError, match="could not convert"):
        float(row["cis_7.0"])


def test_no_cell_is_a_formula() -> None:
    for row in rows(hostile_run()):
        for cell in row.values():
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\t", "\r"))


def test_what_looks_like_a_formula_can_be_read_back() -> None:
    (row,) = rows(audited([finding(resource="=cmd|'/C calc'!A0")]))
    assert row["resource"] == "'=cmd|'/C calc'!A0"


def test_no_part_of_a_cell_is_a_formula_where_semicolons_separate() -> None:
    (row,) = rows(audited([finding(message="a;=1+1; @SUM(1);b; c -d")]))
    assert row["message"] == "a;'=1+1; '@SUM(1);b; c -d"


def test_hostile_text_makes_no_row_of_its_own() -> None:
    assert len(rows(hostile_run())) == len(HOSTILE)


@given(st.lists(FINDINGS, max_size=4))
def test_whatever_the_text_there_is_one_row_for_each_finding(findings: list[Finding]) -> None:
    assert len(rows(audited(findings))) == len(findings)


def test_each_framework_has_a_column_and_no_id_reads_as_a_day() -> None:
    ids = {"cis": ("6.7",), "fsbp": ("EC2.8",), "pci": ("1.2.5", "2.2.6"), "nist": ("AC-3",)}
    (row,) = rows(audited([finding(frameworks=ids)]))
    assert (row["fsbp"], row["pci"], row["nist"]) == ("EC2.8", "PCI 1.2.5, 2.2.6", "AC-3")
    assert (row["soc2"], row["iso27001"]) == ("", "")


def test_a_chosen_framework_has_the_only_column_of_ids() -> None:
    (row,) = rows(audited([finding(frameworks={"pci": ("2.2.6",)})], framework="pci"))
    assert row["pci"] == "PCI 2.2.6"
    assert not {"cis_7.0", "fsbp", "nist"} & set(row)
