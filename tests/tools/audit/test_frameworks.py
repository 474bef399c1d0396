"""The ids in other frameworks: every one comes from the mapping, and choosing a framework changes what is shown, never a verdict."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from aws_iam import resources
from aws_iam.engine.reference.frameworks import names
from aws_iam.errors import InputError
from aws_iam.report.answer_text import plain
from aws_iam.report.page import CONCISE_BYTES, FULL_BYTES, page
from aws_iam.report.terminal import show
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.controls.benchmark import benchmark, controls, versions
from aws_iam.tools.irsa.checks.catalogue import CHECKS as IRSA_CHECKS
from aws_iam.tools.kms.checks.catalogue import CHECKS as KMS_CHECKS
from aws_iam.tools.registry import tools
from aws_iam.tools.secrets.checks.catalogue import CHECKS as SECRETS_CHECKS
from helpers.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer, Finding

FORMS = {
    "fsbp": r"[A-Z][A-Za-z0-9]+\.\d+",
    "pci": r"(?:A\d|1[0-2]|[1-9])\.\d+(?:\.\d+)+",
    "nist": r"[A-Z]{2}-\d+(?:\(\d+\))?",
    "soc2": r"(?:CC|PI|A|C)\d\.\d",
    "iso27001": r"A\.[5-8]\.\d+",
}
OF_PRINCIPALS = {
    "FULL_SERVICE_ACCESS",
    "INLINE_ADMINISTRATOR",
    "PRIVILEGE_ESCALATION",
    "UNATTACHED_ADMINISTRATOR",
    "VIRTUAL_MFA",
}
OTHERS = [name for name in names() if name != "cis"]


def mapping() -> Any:
    return resources.data("frameworks.json")


def ask(**arguments: Any) -> Answer:
    return tool.run(arguments, cli=True)


@pytest.fixture(scope="module")
def run(saved: Path) -> Answer:
    return ask(snapshot=str(saved))


def expected(code: str) -> dict[str, tuple[str, ...]]:
    rows = {**mapping()["controls"], **mapping()["checks"]}
    return {name: tuple(ids) for name, ids in rows.get(code, {}).items()}


def others(finding: Finding) -> dict[str, Any]:
    return {name: ids for name, ids in (finding.frameworks or {}).items() if name != "cis"}


def test_the_mapping_names_its_sources_their_dates_and_their_licence() -> None:
    for source in mapping()["sources"]:
        assert source["url"].startswith("https://")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", source["as_of"])
    assert mapping()["as_of"] == min(source["as_of"] for source in mapping()["sources"])
    assert any(
        source.get("licence", "").startswith("Apache-2.0") for source in mapping()["sources"]
    )


def test_only_controls_and_checks_that_exist_are_mapped_and_joined() -> None:
    joins = json.loads((ROOT / ".ci/framework_joins.json").read_text(encoding="utf-8"))
    checks = {*SECRETS_CHECKS, *KMS_CHECKS, *(check.code for check in IRSA_CHECKS), *OF_PRINCIPALS}
    for table in (mapping(), joins):
        assert set(table["controls"]) <= set(controls())
        assert set(table["checks"]) <= checks
    assert not set(controls()) & checks


@pytest.mark.parametrize("name", OTHERS)
def test_an_id_has_the_form_of_its_framework_and_stands_once(name: str) -> None:
    rows = [*mapping()["controls"].values(), *mapping()["checks"].values()]
    found = [row[name] for row in rows if name in row]
    assert len(found) > 20
    for ids in found:
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(FORMS[name], own) for own in ids), ids


def test_a_control_of_the_foundational_practices_is_one_of_security_hub_for_it() -> None:
    joins = json.loads((ROOT / ".ci/framework_joins.json").read_text(encoding="utf-8"))
    hub = {key: set(control.security_hub) for key, control in controls().items()}
    for table in ("controls", "checks"):
        for key, ids in mapping()[table].items():
            named = hub.get(key, set()) | set(joins[table].get(key, {}).get("security_hub", ()))
            assert set(ids.get("fsbp", ())) <= named, key


def test_each_list_that_either_source_may_give_says_which_one_gave_it() -> None:
    joins = json.loads((ROOT / ".ci/framework_joins.json").read_text(encoding="utf-8"))
    guide, prowler = mapping()["sources"]
    assert "lists" not in guide
    for framework, keys in prowler["lists"].items():
        assert framework in {"pci", "nist"}
        for key in keys:
            table = "controls" if key in controls() else "checks"
            assert mapping()[table][key][framework], key
            assert joins[table][key]["prowler"], key
    for table in ("controls", "checks"):
        for key, ids in mapping()[table].items():
            join = joins[table].get(key, {})
            hub = controls()[key].security_hub if key in controls() else ()
            for framework in {"pci", "nist"} & ids.keys():
                theirs = key in prowler["lists"][framework]
                assert theirs or [*hub, *join.get("security_hub", ())], (key, framework)


def test_a_requirement_that_is_known_well_is_there() -> None:
    rows = mapping()["controls"]
    assert rows["root_mfa"]["pci"] == ["8.4.2"]
    assert "IA-2(1)" in rows["root_mfa"]["nist"]
    assert rows["cloudtrail_validation"]["fsbp"] == ["CloudTrail.4"]
    assert rows["no_full_admin_policies"]["soc2"] == ["CC1.3", "CC6.3"]
    assert rows["kms_rotation"]["iso27001"] == ["A.8.5", "A.8.11", "A.8.24"]


def test_the_standard_of_aws_lacks_what_has_left_it() -> None:
    """Prowler's file has IAM.9 and KMS.4 in FSBP; AWS's own list has not. EKS.3 leaves it after 2026-08-10."""
    assert "fsbp" not in mapping()["controls"]["root_mfa"]
    assert "fsbp" not in mapping()["controls"]["kms_rotation"]
    assert "fsbp" not in mapping()["checks"]["EKS-SECRETS"]
    rows = {**mapping()["controls"], **mapping()["checks"]}
    left = {name for source in mapping()["sources"] for name in source.get("retired", ())}
    assert left
    assert not left & {name for ids in rows.values() for name in ids.get("fsbp", ())}


def test_a_policy_of_the_account_that_opens_a_resource_has_the_ids_of_every_kind_it_looks_at() -> (
    None
):
    row = mapping()["controls"]["resource_policy_star"]
    assert {"S3.2", "S3.3", "SNS.4", "SQS.3", "SSM.4", "KMS.5", "Lambda.1"} == set(row["fsbp"])


@pytest.mark.parametrize("version", versions())
def test_every_finding_of_every_control_carries_its_ids(version: str, saved: Path) -> None:
    findings = ask(snapshot=str(saved), benchmark=version).findings
    assert {finding.code for finding in findings} == {
        control.key for control in benchmark(version).controls
    }
    for finding in findings:
        assert others(finding) == expected(finding.code)
        assert finding.frameworks
        assert finding.frameworks["cis"] == (controls()[finding.code].ids[version],)


def test_findings_of_principals_carry_their_ids(saved: Path) -> None:
    findings = ask(action="principals", snapshot=str(saved)).findings
    assert {"PRIVILEGE_ESCALATION", "VIRTUAL_MFA"} <= {finding.code for finding in findings}
    for finding in findings:
        assert others(finding) == expected(finding.code)


@pytest.mark.parametrize("name", ["secrets", "kms", "irsa"])
def test_checks_of_the_other_tools_carry_their_ids(name: str) -> None:
    (chosen,) = (own for own in tools() if own.name == name)
    findings = chosen.run({"action": "check", "demo": True}).findings
    assert any(finding.frameworks for finding in findings)
    for finding in findings:
        assert dict(finding.frameworks or {}) == expected(finding.code)


@pytest.mark.parametrize("name", names())
def test_a_framework_changes_the_ids_that_are_shown_and_no_verdict(
    name: str, run: Answer, saved: Path
) -> None:
    chosen = ask(snapshot=str(saved), framework=name)
    assert chosen.findings == run.findings
    assert chosen.facts["score"] == run.facts["score"]
    assert chosen.summary == run.summary
    text = plain(chosen)
    if name == "cis":
        assert text == plain(run)
    else:
        title = mapping()["frameworks"][name]["title"]
        assert chosen.facts["framework"] == {
            "name": name,
            "title": title,
            "as_of": mapping()["as_of"],
        }
        assert title in text
        assert text != plain(run)


def test_text_shows_the_ids_of_the_framework_in_place_of_the_numbers_of_cis(saved: Path) -> None:
    text = plain(ask(snapshot=str(saved), framework="pci", controls=["user_console_mfa"]))
    assert "user_console_mfa (PCI: 8.4.2)" in text
    assert "(CIS 7.0: " not in text


@pytest.mark.parametrize("name", OTHERS)
def test_a_line_of_the_text_has_the_ids_of_the_framework_or_says_that_there_is_none(
    name: str, saved: Path
) -> None:
    chosen = ask(snapshot=str(saved), framework=name)
    failing = {own.code for own in chosen.findings if own.status in {"fail", "unknown"}}
    short, ids = mapping()["frameworks"][name]["short"], {key: expected(key) for key in failing}
    assert any(name not in own for own in ids.values())
    told = io.StringIO()
    show(chosen, Console(file=told, width=400, height=500), full=False)
    for text, begin in ((plain(chosen, full=False), "- "), (told.getvalue(), "")):
        lines = [
            line
            for line in text.splitlines()
            if re.search(r" (fail|unknown) +(critical|high|medium|low)", line)
        ]
        assert len(lines) == len(failing)
        for line in lines:
            key = re.findall(r"\((\w+)(?:\)|, \d+ finding)", line)[-1]
            first = ids[key][name][0] if name in ids[key] else f"(no {short} id)"
            assert line.startswith(f"{begin}{first}"), line


@pytest.mark.parametrize("name", OTHERS)
def test_the_checklist_shows_the_controls_with_ids_of_the_framework(name: str) -> None:
    plain_list, chosen = ask(action="checklist"), ask(action="checklist", framework=name)
    rows, every = chosen.facts["controls"], plain_list.facts["controls"]
    mapped = [row["key"] for row in every if name in expected(row["key"])]
    assert [row["key"] for row in rows] == mapped
    for row in rows:
        assert row["id"] == ", ".join(expected(row["key"])[name])
    assert chosen.summary.startswith(f"{len(rows)} controls in ")
    assert f"The other {len(every) - len(rows)} of {len(every)} have none" in chosen.summary
    control, run_ = chosen.next
    assert control.arguments["id"] == mapped[0]
    assert run_.arguments["framework"] == name


def test_a_section_without_ids_of_the_framework_is_listed_all_the_same() -> None:
    chosen = ask(action="checklist", framework="fsbp", section="monitoring")
    every = ask(action="checklist", section="monitoring")
    keys = [row["key"] for row in every.facts["controls"]]
    assert [row["key"] for row in chosen.facts["controls"]] == keys
    assert "None of them has an id in AWS Foundational Security" in chosen.summary


def test_a_control_tells_its_ids_in_every_framework() -> None:
    facts = ask(action="control", id="user_console_mfa").facts["frameworks"]
    assert facts["fsbp"] == ["IAM.5"]
    assert facts["pci"] == ["8.4.2"]
    assert ask(action="control", id="vpc_endpoints").facts["frameworks"] == {}


@pytest.mark.parametrize("action", ["run", "report", "checklist"])
def test_an_unknown_framework_is_refused_with_the_near_name(action: str, saved: Path) -> None:
    more = {} if action == "checklist" else {"snapshot": str(saved)}
    with pytest.raises(InputError) as refused:
        ask(action=action, framework="pcii", **more)
    assert "`pci`" in refused.value.hint


@pytest.mark.parametrize(
    ("said", "meant"), [("PCI DSS", "pci"), ("NIST 800-53", "nist"), ("ISO 27001", "iso27001")]
)
def test_the_name_that_people_use_is_understood(said: str, meant: str) -> None:
    assert ask(action="checklist", framework=said).facts["framework"]["name"] == meant


@pytest.mark.parametrize("format_", ["markdown", "html", "csv", "json", "ocsf", "asff", "sarif"])
def test_every_report_with_findings_has_the_ids_of_the_framework(
    format_: str, saved: Path
) -> None:
    arguments = {"snapshot": str(saved), "controls": ["user_console_mfa"]}
    (of_cis,) = ask(action="report", format=format_, **arguments).artifacts
    (chosen,) = ask(action="report", format=format_, framework="pci", **arguments).artifacts
    assert "8.4.2" in chosen.content
    assert chosen.content != of_cis.content


def test_the_rules_of_code_scanning_show_the_ids_of_the_framework_and_results_have_all(
    saved: Path,
) -> None:
    arguments = {"snapshot": str(saved), "controls": ["user_console_mfa"], "format": "sarif"}
    for name, line in (
        ("pci", "PCI DSS 4.0: 8.4.2"),
        ("cis", f"Benchmark 7.0: {controls()['user_console_mfa'].ids['7.0']}"),
    ):
        (file,) = ask(action="report", framework=name, **arguments).artifacts
        (run,) = json.loads(file.content)["runs"]
        (rule,) = run["tool"]["driver"]["rules"]
        assert rule["help"]["text"].endswith(line)
        assert rule["help"]["markdown"].count(line) == 1
        assert {"pci", "nist", "cis"} <= set(run["results"][0]["properties"]["frameworks"])


@pytest.mark.parametrize("name", OTHERS)
def test_the_page_and_the_text_name_the_framework_with_its_version(name: str, saved: Path) -> None:
    title = mapping()["frameworks"][name]["title"]
    for format_ in ("markdown", "html"):
        (file,) = ask(
            action="report", format=format_, framework=name, snapshot=str(saved)
        ).artifacts
        assert title in file.content.replace("\\", "")


def test_a_row_of_the_page_begins_with_few_ids_and_has_all_of_them_below(saved: Path) -> None:
    arguments = {"snapshot": str(saved), "controls": ["user_console_mfa"], "framework": "nist"}
    (file,) = ask(action="report", format="html", **arguments).artifacts
    assert '<span class="number">AC-2(1), AC-3(15), IA-2(1), +3</span>' in file.content
    assert "NIST: AC-2(1), AC-3(15), IA-2(1), IA-2(2), IA-2(6), IA-2(8)" in file.content


@pytest.mark.parametrize("name", ["cis", "pci"])
def test_a_concise_page_has_the_ids_that_it_shows_and_a_full_one_has_all(
    name: str, saved: Path
) -> None:
    answer = ask(snapshot=str(saved), framework=name)
    for finding in page(answer, CONCISE_BYTES).findings:
        assert set(finding.frameworks or {}) <= {name}
    full = page(answer, FULL_BYTES).findings
    assert full
    assert {found.code: found.frameworks for found in full}.items() <= {
        found.code: found.frameworks for found in answer.findings
    }.items()


OF_OTHERS = {
    **dict.fromkeys(OF_PRINCIPALS, "audit principals"),
    **dict.fromkeys((check.code for check in IRSA_CHECKS), "irsa check"),
    **dict.fromkeys(KMS_CHECKS, "kms check"),
    **dict.fromkeys(SECRETS_CHECKS, "secrets check"),
}


def test_every_id_of_best_practices_leads_to_its_control_or_finding() -> None:
    of_controls = {
        id_: key for key, row in mapping()["controls"].items() for id_ in row.get("fsbp", ())
    }
    for id_, key in of_controls.items():
        assert key in json.dumps(ask(action="control", id=id_).facts)
    for code, row in mapping()["checks"].items():
        for id_ in set(row.get("fsbp", ())) - of_controls.keys():
            with pytest.raises(InputError) as refused:
                ask(action="control", id=id_)
            assert f"`{code}` of `{OF_OTHERS[code]}`" in refused.value.hint
