"""`secrets check`: problems with the secrets of an account, found from names and metadata only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.task_definitions import MOST_FAMILIES, TASK_DEFINITIONS
from aws_iam.account.collect.fact import Miss
from aws_iam.answer import Answer, NextCall, Status, next_call
from aws_iam.engine.language.aws_names import checked_account, checked_name
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.report.order import by_urgency
from aws_iam.rules.check import needs_of
from aws_iam.rules.on_account import findings_on
from aws_iam.tools.kit import account_source
from aws_iam.tools.kit import needs as wishes
from aws_iam.tools.kit.account_source import account_words
from aws_iam.tools.kit.check_table import by_check, verdict
from aws_iam.tools.kit.parameters import Source
from aws_iam.tools.kit.unread_facts import (
    evaluation_facts,
    misses_of,
    missing_permissions,
    unread_table,
)
from aws_iam.tools.secrets.checks.catalogue import CHECKS, ON_REQUEST
from aws_iam.tools.secrets.code.document_check import of_document
from aws_iam.tools.secrets.terms import THRESHOLDS, SecretTerms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.rules.check import Check
    from aws_iam.tools.kit.tool import Json, Progress

_PAGE = "references/secrets-patterns.md#checks-of-an-account"
_AS_OF = "2026-11-28"

AREAS = {
    "secrets_manager": "SEC-",
    "rotation": "SEC-ROT",
    "parameter_store": "SSM-",
    "lambda": "ENV-LAMBDA",
    "ecs": "ENV-ECS",
    "ec2": "ENV-USER-DATA",
    "launch_templates": "ENV-LAUNCH-TEMPLATE",
    "codebuild": "ENV-CODEBUILD",
    "ssm_documents": "ENV-SSM-DOCUMENT",
    "cloudformation": "ENV-STACK",
    "step_functions": "ENV-STEP-FUNCTIONS",
    "glue": "ENV-GLUE",
}
"""The areas that `scope` accepts, besides check codes and their prefixes."""


def _bounds(left_out: list[dict[str, str]]) -> str:
    """What was left out for its number, for the summary."""
    return "".join(f" Not judged: {row['why']}." for row in left_out[1:])


def _not_judged(account: Account, chosen: Iterable[Check[Account]]) -> list[dict[str, str]]:
    """The task definitions that are not read: of a family that no service uses only the latest is, and not of all families."""
    if not any(check.code == "ENV-ECS" for check in chosen):
        return []
    rows = [
        {
            "place": "ecs",
            "why": "older revisions of task definitions that no service uses were not read",
        }
    ]
    for region, found in account.in_each(TASK_DEFINITIONS):
        others = () if isinstance(found, Miss) else [task for task in found if not task.services]
        if len(others) >= MOST_FAMILIES:
            why = f"of the task definitions that no service uses in {region}, {MOST_FAMILIES} families were read and no more"
            rows.append({"place": "ecs", "why": why})
    return rows


def check(
    source: Source,
    progress: Progress,
    document: Json,
    scope: list[str] | None,
    trusted: list[str] | None,
    limits: Json,
    *,
    plaintext_values: bool,
    save: str | None,
) -> Answer:
    """Read the account that the arguments name, or the document, and run the checks."""
    chosen = _checks_in_scope(scope, plaintext_values=plaintext_values)
    if document is not None:
        _refuse_account_arguments(source, trusted, limits, save, plaintext_values=plaintext_values)
        return of_document(document, chosen, _AS_OF)
    terms = SecretTerms(
        **wishes.read_needs(limits, THRESHOLDS, "limits"), trusted=_trusted(trusted)
    )
    facts = needs_of(chosen)
    account = account_source.read_account(source, facts, progress, save=save)
    found = by_urgency(findings_on(account, chosen, terms))
    missed = misses_of(account, facts)
    left_out = _not_judged(account, chosen)
    answer = Answer(
        summary=f"Secrets of account {account_words(account)}, {account.regions}: {verdict(found)}."
        " No value was read." + _bounds(left_out),
        findings=found,
        facts={
            "account": account_words(account),
            "regions": str(account.regions),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "checks": len(chosen),
            **evaluation_facts(account, found),
            "by_check": by_check(found, CHECKS),
            "looked_into_values": "String parameters, as requested"
            if plaintext_values
            else "none",
            **({"not_judged": left_out} if left_out else {}),
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        artifacts=missing_permissions(account, found),
        sources=(_PAGE, "references/secrets-patterns.md#the-one-law"),
        next=_next(found),
        as_of=_AS_OF,
    )
    return account_source.dated(answer, account, source)


def _refuse_account_arguments(
    source: Source,
    trusted: list[str] | None,
    limits: Json,
    save: str | None,
    *,
    plaintext_values: bool,
) -> None:
    others = (trusted, limits, save, plaintext_values or None)
    if source != Source() or any(given is not None for given in others):
        raise InputError(
            "`document` cannot be combined with arguments about an account",
            hint="leave them out to check the document; `scope` goes with both",
        )


def _checks_in_scope(
    scope: list[str] | None, *, plaintext_values: bool
) -> tuple[Check[Account], ...]:
    selected = [code for word in scope for code in _codes_for(word)] if scope else list(CHECKS)
    named = {code.upper() for code in scope or ()}
    if not plaintext_values and ON_REQUEST & named:
        raise InputError(
            f"{quoted(min(ON_REQUEST & named))} reads the values of String parameters",
            hint="add `plaintext_values: true`",
        )
    kept = [code for code in CHECKS if code in selected]
    return tuple(CHECKS[code] for code in kept if plaintext_values or code not in ON_REQUEST)


def _codes_for(word: str) -> list[str]:
    """The checks that a word of `scope` selects: an area, a code, a prefix of codes, or a word in them."""
    area = word.strip().lower().replace(" ", "_").replace("-", "_")
    start = AREAS.get(area, area.upper().replace("_", "-"))
    if start in CHECKS and area not in AREAS:
        return [start]
    found = [code for code in CHECKS if start and code.startswith(start)] or [
        code for code in CHECKS if start in code.split("-")
    ]
    if found:
        return found
    near = closest(word, [*AREAS, *CHECKS])
    areas = ", ".join(f"`{area}`" for area in AREAS)
    raise InputError(
        f"`scope` {quoted(word, 60)} selects no check",
        hint=f"did you mean `{near}`?"
        if near
        else f"give {areas}, or codes such as `SEC-ROT-OFF`",
    )


def _trusted(given: list[str] | None) -> frozenset[str]:
    return frozenset(
        checked_name("trusted", account, "organization")
        if account.startswith("o-")
        else checked_account("trusted", account)
        for account in given or ()
    )


def _next(found: tuple[Finding, ...]) -> tuple[NextCall, ...]:
    failed = {finding.code for finding in found if finding.status is Status.FAIL}
    calls = []
    if any(code.startswith("SEC-R") for code in failed):
        calls.append(next_call("secrets", "rotation", "a rotation function", target="custom"))
    if any(code.startswith("ENV-") for code in failed):
        why = "how a function reads a secret instead"
        calls.append(next_call("secrets", "snippet", why, runtime="lambda"))
    first = next((finding.code for finding in found if finding.status is Status.FAIL), None)
    if first:
        why = f"what {first} means and what mends it"
        calls.insert(0, next_call("secrets", "guide", why, topic=first))
    return tuple(calls)
