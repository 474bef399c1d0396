"""Write the generated files: blocks in pages, and the policy that an audit needs. `--check` names the stale ones.

A block stands between `<!-- generated: NAME -->` and `<!-- end generated -->`; each NAME is a function in `BLOCKS`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from aws_iam import resources, templates
from aws_iam.report.catalogue import report_formats
from aws_iam.report.markup import prose, table
from aws_iam.tools.audit.controls import benchmark
from aws_iam.tools.irsa import checks_page as irsa_checks_page
from aws_iam.tools.irsa import provider_catalogue
from aws_iam.tools.kms import checks_page as kms_checks_page
from aws_iam.tools.kms import services_page as kms_services_page
from aws_iam.tools.policy.validate import rules_page
from aws_iam.tools.registry import tools
from aws_iam.tools.secrets import checks_page as secrets_checks_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_BLOCK = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end generated -->)",
    re.DOTALL,
)
_PAGES = ("README.md", "CONTRIBUTING.md", "SKILL.md")


def main(argv: list[str]) -> int:
    """Write every generated file; with `--check` only name the stale ones and exit with 1."""
    stale = [(path, text) for path, text in _generated() if _differs(path, text)]
    checking = "--check" in argv
    for path, text in stale:
        name = path.relative_to(resources.root())
        if checking:
            print(f"{name} is stale: run `make docs`", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if checking and stale else 0


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text


def _generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with its current text."""
    from aws_iam.account.guard.shipped_policy import audit_policy

    policy = json.dumps(audit_policy(), indent=2) + "\n"
    yield resources.path("assets/audit-policy.json"), policy
    yield resources.path("assets/policy-templates/audit-read-only.json"), policy
    pages = [resources.path(name) for name in _PAGES]
    for page in [*pages, *resources.listing("references", ".md")]:
        yield page, _BLOCK.sub(_filled, page.read_text(encoding="utf-8"))


def _filled(match: re.Match[str]) -> str:
    block = "\n".join(BLOCKS[match["name"]]())
    return f"{match['start']}\n{block}\n\n{match['end']}"


def _tools() -> Iterator[str]:
    """Each tool's actions with their first sentence."""
    yield from table(
        ("tool", "action", "gives"),
        (
            (f"`{tool.name}`", f"`{action.name}`", action.summary)
            for tool in tools()
            for action in tool.actions.values()
        ),
    )


def _templates() -> Iterator[str]:
    """Each policy template with its kind and title."""
    yield from table(
        ("template", "kind", "what it is"),
        ((f"`{template.name}`", template.kind, template.title) for template in templates.listed()),
    )


def _report_formats() -> Iterator[str]:
    """Each format of a report, what it is for and what to know before choosing it."""
    yield from table(
        ("`--format`", "for", "what to know"),
        (
            (f"`{declared.name}`", declared.used_for, declared.notes)
            for declared in report_formats().values()
            if declared.audit
        ),
    )


def _access_formats() -> Iterator[str]:
    """Each format of an answer on access, and what it is for."""
    yield from table(
        ("`--format`", "for"),
        (
            (f"`{declared.name}`", declared.used_for)
            for declared in report_formats().values()
            if declared.access
        ),
    )


def _benchmark_versions() -> Iterator[str]:
    """How many controls each version of the benchmark has, and whether Security Hub supports it."""
    chosen = [benchmark.benchmark(version) for version in benchmark.versions()]
    newest_in_hub = [version for version in chosen if version.in_security_hub][-1]
    yield from table(
        ("Version", "Published", "Controls", "Level 1 / 2", "Security Hub"),
        (
            (
                version.version,
                version.published + " (*unconfirmed*)" * (not version.is_published_confirmed),
                str(len(version.controls)),
                _levels(version),
                ("yes" + ", its newest" * (version is newest_in_hub))
                if version.in_security_hub
                else "\N{EN DASH}",
            )
            for version in chosen
        ),
    )


def _levels(version: benchmark.Benchmark) -> str:
    levels = [control.level[version.version] for control in version.controls]
    return f"{levels.count(1)} / {levels.count(2)}"


def _frameworks() -> Iterator[str]:
    """Each framework beside CIS, and how much of the catalogue has ids in it."""
    data = resources.data("frameworks.json")
    every = len(benchmark.controls())
    yield from table(
        ("`--framework`", "framework", "controls with ids", "checks with ids"),
        (
            (
                f"`{name}`",
                row["title"],
                f"{sum(name in ids for ids in data['controls'].values())} of {every}",
                str(sum(name in ids for ids in data["checks"].values())),
            )
            for name, row in data["frameworks"].items()
        ),
    )
    yield ""
    for source in data["sources"]:
        licence = f", {source['licence']}" if "licence" in source else ""
        yield f"- [{source['name']}]({source['url']}) as of {source['as_of']}{licence}: {source['gives']}."
        for name, day in source.get("retired", {}).items():
            yield f"  {name} is left out: AWS takes it out of its standards after {day}."


def _framework_ids() -> Iterator[str]:
    """The ids of each control and check by framework; of the lists that either source may give, Prowler's have a mark."""
    data = resources.data("frameworks.json")
    columns = data["frameworks"].items()
    lists: dict[str, list[str]] = {}
    for source in data["sources"]:
        lists |= source.get("lists", {})

    def cell(key: str, name: str, ids: Mapping[str, Sequence[str]]) -> str:
        mark = " †" if key in lists.get(name, ()) else ""
        return ", ".join(ids.get(name, ())) + mark

    for title, rows in (("control", data["controls"]), ("check", data["checks"])):
        yield from table(
            (title, *(row["short"] for _, row in columns)),
            (
                (f"`{key}`", *(cell(key, name, ids) for name, _ in columns))
                for key, ids in rows.items()
            ),
        )
        yield ""


def _controls() -> Iterator[str]:
    """The controls of each version, newest first, then how to fix each."""
    for version in reversed(benchmark.versions()):
        chosen = benchmark.benchmark(version)
        yield f"### CIS AWS Foundations Benchmark {version}\n"
        yield from table(
            ("id", "control", "key", "level", "assessment"),
            (
                (
                    control.ids[version],
                    prose(control.title),
                    f"`{control.key}`",
                    str(control.level[version]),
                    control.assessment[version],
                )
                for control in chosen.controls
            ),
        )
        yield ""
    yield "### How to fix each control\n"
    yield from table(
        ("key", "severity", "what to do"),
        (
            (f"`{control.key}`", control.severity.value, prose(control.fix))
            for control in benchmark.controls().values()
        ),
    )


BLOCKS: dict[str, Callable[[], Iterator[str]]] = {
    "tools": _tools,
    "templates": _templates,
    "report-formats": _report_formats,
    "access-formats": _access_formats,
    "benchmark-versions": _benchmark_versions,
    "cis-controls": _controls,
    "frameworks": _frameworks,
    "framework-ids": _framework_ids,
    "rules": rules_page.page,
    "workload-checks": irsa_checks_page.page,
    "known-issuers": provider_catalogue.issuers_page,
    "secret-checks": secrets_checks_page.page,
    "key-checks": kms_checks_page.page,
    "key-services": kms_services_page.uses,
    "key-via-services": kms_services_page.via,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
