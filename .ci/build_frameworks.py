"""Build assets/data/frameworks.json: the ids of each control and check in FSBP, PCI DSS, NIST SP 800-53, SOC 2 and ISO 27001.

    .ci/build_frameworks.py --guide FOLDER --guide-date 2026-03-10 --prowler CHECKOUT --commit COMMIT --prowler-date 2026-08-21

FOLDER holds pages of the Security Hub CSPM user guide in Markdown, as AWS serves them
(https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.md): `fsbp-standard.md`, and `NAME-controls.md` of
every service that a control named in cis-controls.json or framework_joins.json belongs to. CHECKOUT is Prowler's
(https://github.com/prowler-cloud/prowler, Apache-2.0). Only ids are taken, never a text.

AWS alone says what its own standard holds. For PCI DSS and NIST its guide comes first; where that gives none, and for
SOC 2 and ISO 27001, which it does not cover, Prowler's mapping is taken. The file says which lists of PCI DSS and NIST
are Prowler's. What neither maps has no id.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ASSET = ROOT / "assets/data/frameworks.json"
CONTROLS = ROOT / "assets/data/cis-controls.json"
JOINS = Path(__file__).parent / "framework_joins.json"
FRAMEWORKS = {
    "fsbp": {"title": "AWS Foundational Security Best Practices 1.0.0", "short": "AWS FSBP"},
    "pci": {"title": "PCI DSS 4.0", "short": "PCI"},
    "nist": {"title": "NIST SP 800-53 Rev. 5", "short": "NIST"},
    "soc2": {"title": "SOC 2 (Trust Services Criteria 2017)", "short": "SOC 2"},
    "iso27001": {"title": "ISO/IEC 27001:2022", "short": "ISO 27001"},
}
COMPLIANCE = "prowler/compliance/aws"
FILES = {
    "pci": "pci_4.0_aws.json",
    "nist": "nist_800_53_revision_5_aws.json",
    "soc2": "soc2_aws.json",
    "iso27001": "iso27001_2022_aws.json",
}
# Controls that a page of the guide still lists, with the day after which AWS takes them out of its standards, as that page says.
RETIRED = {"EKS.3": "2026-08-10"}
NIST = re.compile(r"\b[A-Z]{2}-\d+(?:\(\d+\))?")
HEADING = re.compile(r"^## \[([A-Za-z0-9]+\.\d+)\]", re.MULTILINE)
RELATED = re.compile(r"\*\*Related requirements:\*\*(.*?)\n\s*\n", re.DOTALL)
GUIDE = {
    "pci": re.compile(r"PCI\s+DSS\s+v4\.0\.1/([A-Z]?\d+(?:\.\d+)*)"),
    "nist": re.compile(r"NIST\.800-53\.r5\s+([A-Z]{2}-\d+(?:\(\d+\))?)"),
}

Ids = dict[str, set[str]]


def of_guide(folder: Path) -> dict[str, Ids]:
    """The ids of each control of Security Hub by framework, from AWS's pages."""
    found: dict[str, Ids] = {}
    standard = (folder / "fsbp-standard.md").read_text(encoding="utf-8")
    in_fsbp = set(re.findall(r"\[\[([A-Za-z0-9]+\.\d+)\]", standard))
    for page in sorted(folder.glob("*-controls.md")):
        _, *parts = HEADING.split(page.read_text(encoding="utf-8").replace("\\", ""))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            related = RELATED.search(text)
            words = related[1] if related else ""
            found[name] = {
                framework: set(pattern.findall(words)) for framework, pattern in GUIDE.items()
            }
    for name in in_fsbp - RETIRED.keys():
        found.setdefault(name, {})["fsbp"] = {name}
    return found


def of_prowler(checkout: Path) -> dict[str, Ids]:
    """The ids of each check of Prowler by framework."""
    found: dict[str, Ids] = defaultdict(lambda: defaultdict(set))
    for framework, file in FILES.items():
        content = json.loads((checkout / COMPLIANCE / file).read_text(encoding="utf-8"))
        for row in content["Requirements"]:
            for check in row["Checks"]:
                found[check][framework].add(_id(framework, row))
    return found


def _id(framework: str, row: dict[str, Any]) -> str:
    """The requirement's own id: Prowler numbers the rows of PCI DSS, and writes those of NIST and SOC 2 in its own form."""
    match framework:
        case "pci":
            return str(row["Attributes"][0]["Section"]).partition(":")[0].strip()
        case "nist":
            # To the enhancement, as in AWS's guide: AC-3(3), not AC-3(3)(b)(1).
            return NIST.findall(row["Name"])[-1]
        case "soc2":
            return str(row["Name"]).split(" ", 1)[0]
        case _:
            return str(row["Id"])


def ids_of(
    hub: list[str], checks: list[str], guide: dict[str, Ids], prowler: dict[str, Ids]
) -> tuple[dict[str, list[str]], set[str]]:
    """The ids of one control or check by framework, in the order of FRAMEWORKS, and whose lists are Prowler's."""
    ids: dict[str, list[str]] = {}
    of_prowler: set[str] = set()
    for framework in FRAMEWORKS:
        chosen = {value for name in hub for value in guide[name].get(framework, ())}
        if not chosen and framework in FILES:
            chosen = {value for name in checks for value in prowler[name].get(framework, ())}
            of_prowler |= {framework} if chosen else set()
        if chosen:
            ids[framework] = sorted(chosen, key=_order)
    return ids, of_prowler


def _order(name: str) -> list[tuple[str, int]]:
    """AC-2(4) comes before AC-2(12), and AC-6 before AU-2."""
    return [(word, int(number or 0)) for word, number in re.findall(r"([^\d]*)(\d*)", name)]


def main() -> int:
    """Write the file."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--guide", type=Path, required=True)
    options.add_argument("--guide-date", required=True, help="the day of the pages")
    options.add_argument("--prowler", type=Path, required=True)
    options.add_argument("--commit", required=True)
    options.add_argument("--prowler-date", required=True, help="the day of the commit")
    arguments = options.parse_args()
    guide, prowler = of_guide(arguments.guide), of_prowler(arguments.prowler)
    joins = json.loads(JOINS.read_text(encoding="utf-8"))
    controls = json.loads(CONTROLS.read_text(encoding="utf-8"))["controls"]
    hub_of = {
        "controls": {key: row["security_hub"] for key, row in controls.items()},
        "checks": dict.fromkeys(joins["checks"], ()),
    }
    tables: dict[str, dict[str, dict[str, list[str]]]] = {}
    lists: dict[str, list[str]] = {framework: [] for framework in GUIDE}
    for name, keys in hub_of.items():
        tables[name] = {}
        for key, hub in sorted(keys.items()):
            join = joins[name].get(key, {})
            named = [*hub, *join.get("security_hub", [])]
            ids, theirs = ids_of(named, join.get("prowler", []), guide, prowler)
            tables[name][key] = ids
            for framework in theirs & lists.keys():
                lists[framework].append(key)
    content = {
        "about": "ids of the controls and checks of `audit` and of the checks of `secrets`, `kms` and `irsa` in other frameworks; one without a source has none",
        "sources": [
            {
                "name": "AWS Security Hub CSPM user guide",
                "url": "https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html",
                "as_of": arguments.guide_date,
                "gives": "fsbp; pci and nist from the related requirements of each control (which AWS numbers by PCI DSS 4.0.1)",
                "retired": RETIRED,
            },
            {
                "name": "Prowler",
                "url": "https://github.com/prowler-cloud/prowler/tree/master/prowler/compliance/aws",
                "commit": arguments.commit,
                "licence": "Apache-2.0, Copyright 2024 Toni de la Fuente",
                "as_of": arguments.prowler_date,
                "gives": "soc2, iso27001, and pci and nist where AWS's guide gives none",
                "lists": lists,
            },
        ],
        "licence": "Ids and the mapping are facts; no text of a framework, of AWS or of Prowler is reproduced here.",
        "as_of": min(arguments.guide_date, arguments.prowler_date),
        "frameworks": FRAMEWORKS,
        **{
            name: {key: ids for key, ids in table.items() if ids} for name, table in tables.items()
        },
    }
    ASSET.write_text(_written(content), encoding="utf-8")
    for name, table in tables.items():
        counts = {f: sum(f in ids for ids in table.values()) for f in FRAMEWORKS}
        sys.stdout.write(f"{name}: {len(table)}; {counts}\n")
    return 0


def _written(content: dict[str, Any]) -> str:
    """The JSON text with each control and check on a line of its own, so that a diff shows which one changed."""
    fields = []
    for name, value in content.items():
        shown = json.dumps(value, indent=1).replace("\n", "\n ")
        if name in {"controls", "checks"}:
            rows = ",\n".join(
                f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in value.items()
            )
            shown = f"{{\n{rows}\n }}"
        fields.append(f" {json.dumps(name)}: {shown}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
