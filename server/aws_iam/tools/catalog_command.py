"""`aws-iam catalog`: show the service-authorization data in use, or fetch the current data from AWS."""

from __future__ import annotations

from typing import Any

from aws_iam.answer import Answer, next_call
from aws_iam.engine.reference import catalog as catalogue
from aws_iam.engine.reference import managed_policies
from aws_iam.engine.reference.catalog import REFERENCE, Catalog
from aws_iam.engine.reference.catalog_file import BrokenFile
from aws_iam.escape import escaped
from aws_iam.tools.kit.tool import Progress

_PAGE = REFERENCE + "service-reference.html"
_MOST_NAMED = 200


def show() -> Answer:
    """Which data is in use, its date and its sources."""
    used = catalogue.catalog()
    where = "refreshed from AWS" if used.origin == "refreshed" else "as shipped"
    counts = used.provenance["counts"]
    ignored = _ignored(used)
    note = f" {ignored}" if ignored else ""
    return Answer(
        summary=f"Service-authorization data of {used.as_of} is in use ({where}): {counts['services']} services, "
        f"{counts['actions']} actions.{note}",
        action="show",
        tool="catalog",
        facts={
            "origin": used.origin,
            "as_of": used.as_of,
            **counts,
            "dependent_actions_from": used.provenance["dependents"],
            "sources": [_source(row) for row in used.provenance["sources"]],
            "managed_policies_as_of": managed_policies.managed_policies_as_of(),
            "managed_policies": len(managed_policies.managed_policy_names()),
            "refreshed_file": escaped(str(catalogue.user_file() or "none")),
        },
        sources=(_PAGE,),
        next=(next_call("catalog", "refresh", "AWS's data of today"),)
        if used.origin == "shipped"
        else (),
        as_of=used.as_of,
    )


def refresh(progress: Progress, base: str | None = None) -> Answer:
    """Fetch AWS's public Service Reference, and use it from now on."""
    # Importing httpx takes longer than any offline answer.
    from aws_iam.web import catalog_refresh

    done = catalog_refresh.refresh_catalog(progress, base)
    changes = [{"action": name, "change": "new"} for name in done.new_actions[:_MOST_NAMED]]
    changes += [{"action": name, "change": "gone"} for name in done.gone_actions[:_MOST_NAMED]]
    return Answer(
        summary=f"Fetched {done.fetched} services from AWS's Service Reference: {len(done.new_actions)} new actions, "
        f"{len(done.gone_actions)} gone, {done.after['actions']} in total. It is used from now on, by running servers too.",
        action="refresh",
        tool="catalog",
        facts={
            "file": escaped(str(done.file)),
            "fetched_services": done.fetched,
            "new_actions": len(done.new_actions),
            "gone_actions": len(done.gone_actions),
            "actions": done.after["actions"],
            "actions_before": done.before["actions"],
            "changes": changes,
        },
        sources=(_PAGE,),
        as_of=done.as_of,
    )


def _ignored(used: Catalog) -> str:
    """Why a refreshed file in the cache is not in use."""
    try:
        newer = catalogue.refreshed()
    except (BrokenFile, OSError):
        return "The refreshed file in the cache cannot be read and is ignored: refresh again."
    if newer and used.origin == "shipped":
        return f"The refreshed file of {newer.as_of} is older and is ignored."
    return ""


def _source(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": row["name"],
        "version": row["version"],
        "date": row.get("date") or row.get("note", "unknown"),
    }
