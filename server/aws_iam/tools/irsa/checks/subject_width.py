"""How many callers a subject lets in: from one exact subject to everybody's, by the grammar of its issuer.

Values of one key are OR-ed, so that a condition is as wide as its widest value; conditions are AND-ed, so that a
statement is as narrow as its narrowest condition.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from aws_iam.engine.effective.caller_conditions import is_demanded
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import is_literal, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Statement, Text
    from aws_iam.engine.tokens.oidc_provider import Provider


class Width(IntEnum):
    """Who gets in by a value, narrowest first."""

    EXACT = 0
    PHASES = 1
    """Plan and apply of one HCP Terraform workspace."""
    KIND = 2
    """Every branch, or every tag or environment, of one repository."""
    ANY_RUN = 3
    """Every run of one repository, pull requests included."""
    TENANT = 4
    """Several repositories, projects or workspaces of one tenant."""
    EVERYBODY = 5


@slotted
class Widest:
    """The value by which most callers get in."""

    value: Text
    width: Width
    condition: Condition


# What the subject begins with, up to the end of the repository's name; then what the run may be.
_FAMILIES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("github", "github_enterprise", "github_data_residency", "github_server"),
     re.compile(r"(?P<who>repo:[^:]+)(?::(?P<run>.*))?", re.DOTALL)),
    (("gitlab",), re.compile(r"(?P<who>project_path:[^:]+)(?::(?P<run>.*))?", re.DOTALL)),
    (("buildkite",), re.compile(r"(?P<who>organization:[^:]+(?::pipeline:[^:]+)?)(?::(?P<run>.*))?", re.DOTALL)),
    (("hcp_terraform",), re.compile(
        r"(?P<who>organization:[^:]+(?::project:[^:]+)?(?::(?:workspace|stack):[^:]+)?)(?::(?P<run>.*))?", re.DOTALL)),
    (("circleci",), re.compile(r"(?P<who>org/[^/]+(?:/project/[^/]+)?)(?:/(?P<run>.*))?", re.DOTALL)),
)  # fmt: skip
_REPOSITORIES = (
    "repository_id",
    "repository",
    "project_id",
    "pipeline_id",
    "oidc.circleci.com/project-id",
)
_RUNS = ("environment", "ref", "job_workflow_ref", "build_branch")
_ANY_ID = re.compile(r"@[*]")
_SEGMENTS = {"hcp_terraform": 6, "buildkite": 4}
_PULL = "pull_request"


def is_pinned_by(provider: Provider, statement: Statement, claims: tuple[str, ...]) -> bool:
    """Whether one of the claims must have a value that is written out."""
    return any(
        is_demanded(condition) and all(is_literal(value.value) for value in condition.values)
        for claim in claims
        for condition in provider.on(statement, claim)
    )


def subjects(provider: Provider, statement: Statement) -> tuple[Condition, ...]:
    """The conditions that demand a subject."""
    return tuple(filter(is_demanded, provider.on(statement, "sub")))


def widest(provider: Provider, statement: Statement) -> Widest | None:
    """The widest value of the narrowest condition on the subject; None when no subject is demanded."""
    found = [_widest_of(provider, subject) for subject in subjects(provider, statement)]
    narrowest = min(found, key=lambda match: match.width, default=None)
    if narrowest is None:
        return None
    return Widest(
        value=narrowest.value,
        width=_narrowed(narrowest.width, provider, statement),
        condition=narrowest.condition,
    )


def _widest_of(provider: Provider, condition: Condition) -> Widest:
    like = "Like" in condition.base
    found = (
        Widest(
            value=value,
            width=width(provider, value.value) if like else Width.EXACT,
            condition=condition,
        )
        for value in condition.values
    )
    return max(found, key=lambda match: match.width)


def _narrowed(found: Width, provider: Provider, statement: Statement) -> Width:
    """The width with what other claims pin."""
    if found is Width.EVERYBODY and provider.is_pinned(statement):
        found = Width.TENANT
    if found is Width.TENANT and is_pinned_by(provider, statement, _REPOSITORIES):
        found = Width.ANY_RUN
    if found is Width.ANY_RUN and is_pinned_by(provider, statement, _RUNS):
        found = Width.EXACT
    return found


def width(provider: Provider, pattern: str) -> Width:
    """How wide one value is, read as a pattern."""
    if is_literal(pattern) or provider.required not in {"", "sub"}:
        # Where another claim tells the tenant the subject may stay open.
        return Width.EXACT
    if provider.is_open(pattern) or not pattern.strip("*?"):
        return Width.EVERYBODY
    name = provider.issuer.id if provider.issuer else ""
    grammar = next((form for names, form in _FAMILIES if name in names), None)
    found = grammar.fullmatch(pattern) if grammar else None
    if found is None:
        return Width.EXACT
    who, run = found["who"], found["run"]
    # Owner and repository are named in full though their ids are left open.
    if not is_literal(_ANY_ID.sub("@1", who)) or _is_short(name, who):
        return Width.TENANT
    if run is None or is_literal(run):
        return Width.EXACT
    return _run(name, run)


def _is_short(name: str, who: str) -> bool:
    """Whether the pattern ends before the project or workspace is named."""
    if name == "circleci":
        return "/project/" not in who
    return name in _SEGMENTS and who.count(":") + 1 < _SEGMENTS[name]


def _run(name: str, run: str) -> Width:
    if name == "hcp_terraform":
        return Width.PHASES
    if name == "circleci":
        return Width.EXACT
    if name == "buildkite":
        return Width.ANY_RUN if run == "*" or run.startswith("ref:*") else Width.EXACT
    if name == "gitlab":
        wide = run == "*" or (
            matches(run, "ref_type:branch:ref:x") and matches(run, "ref_type:tag:ref:x")
        )
        return (
            Width.ANY_RUN if wide else _kind(run, ("ref_type:branch:ref:*", "ref_type:tag:ref:*"))
        )
    if matches(run, _PULL) and matches(run, "ref:refs/heads/x"):
        return Width.ANY_RUN
    return _kind(
        run, ("ref:*", "ref:refs/*", "ref:refs/heads/*", "ref:refs/tags/*", "environment:*")
    )


def _kind(run: str, whole: tuple[str, ...]) -> Width:
    return Width.KIND if run in whole else Width.EXACT


def values(conditions: tuple[Condition, ...]) -> Iterator[tuple[Condition, Text]]:
    """Every value of the conditions."""
    for condition in conditions:
        for value in condition.values:
            yield condition, value
