"""How many callers a subject lets in: from one exact subject to everyone, by the grammar of its issuer.

Values of one key are OR-ed, so that a condition is as wide as its widest value; conditions are AND-ed, so that a
statement is as narrow as its narrowest condition.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.issuers import claims_naming
from aws_iam.engine.tokens.oidc_provider import patterns
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.language.document import Condition, Statement, Text
    from aws_iam.engine.reference.subject_grammar import SubjectGrammar, SubjectParts
    from aws_iam.engine.tokens.oidc_provider import Provider


class Width(IntEnum):
    """Who gets in by a value, narrowest first."""

    EXACT = 0
    PHASES = 1
    """Plan and apply of one HCP Terraform workspace."""
    NAMES = 2
    """The branches, tags or environments of one repository whose names fit a pattern."""
    KIND = 3
    """Every branch, or every tag or environment, of one repository."""
    ANY_RUN = 4
    """Every run of one repository, pull requests included; every service account of one namespace."""
    TENANT = 5
    """Several repositories, projects or workspaces of one tenant; several namespaces of one cluster."""
    EVERYBODY = 6


@slotted
class Widest:
    """The value that lets in the most callers."""

    value: Text
    width: Width
    condition: Condition


_ANY_ID = re.compile(r"@[*]")


def is_pinned_by(provider: Provider, statement: Statement, claims: Iterable[str]) -> bool:
    """Whether one of the claims must have a value that is written out."""
    return any(
        provider.compares(condition, claim)
        and all(is_literal(value.value) for value in condition.values)
        for claim in claims
        for condition in provider.on(statement, claim)
    )


def subjects(provider: Provider, statement: Statement) -> tuple[Condition, ...]:
    """The conditions that let in only the subjects they list."""
    return tuple(
        condition
        for condition in provider.on(statement, "sub")
        if provider.compares(condition, "sub")
    )


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
    found = (
        Widest(
            value=value,
            width=width(provider, pattern),
            condition=condition,
        )
        for value, pattern in zip(condition.values, patterns(condition), strict=True)
    )
    return max(found, key=lambda match: match.width)


def _narrowed(found: Width, provider: Provider, statement: Statement) -> Width:
    """The width with what other claims pin."""
    if found is Width.EVERYBODY and provider.is_pinned(statement, beside="sub"):
        found = Width.TENANT
    if found is Width.TENANT and is_pinned_by(provider, statement, claims_naming("project")):
        grammar = provider.grammar
        found = Width.ANY_RUN if grammar and grammar.tells_runs_apart else Width.EXACT
    runs = (Width.NAMES, Width.KIND, Width.ANY_RUN)
    if found in runs and is_pinned_by(provider, statement, claims_naming("run")):
        found = Width.EXACT
    return found


def width(provider: Provider, pattern: str) -> Width:
    """How wide one value is, read as a pattern."""
    grammar = provider.grammar
    if provider.is_shared and not provider.names_tenant("sub", pattern):
        return Width.EVERYBODY
    if grammar and grammar.remark_on(pattern):
        return Width.TENANT
    parts = grammar.read(_within_tenant(provider, pattern)) if grammar else None
    if grammar and parts is None and grammar.named_project and grammar.sends(pattern):
        return _of_custom(grammar, pattern)
    if is_literal(pattern.replace("${*}", "x").replace("${?}", "x")):
        return Width.EXACT
    if provider.is_open(pattern):
        # Every subject of a private issuer belongs to the tenant.
        own = grammar and grammar.parts and not provider.is_kubernetes
        return Width.TENANT if own else Width.EVERYBODY
    return _by_grammar(grammar, parts, pattern) if grammar and parts else Width.EXACT


def _of_custom(grammar: SubjectGrammar, pattern: str) -> Width:
    """How wide a subject of a custom template is, by the claims that it names in full."""

    def names(claim: re.Pattern[str] | None) -> bool:
        return claim is not None and claim.search(pattern) is not None

    if names(grammar.named_project):
        return Width.EXACT if names(grammar.named_run) else Width.ANY_RUN
    # Owner and workflow: the workflow decides what the owner's repositories may do with the role.
    return Width.EXACT if names(grammar.named_workflow) else Width.TENANT


def _by_grammar(grammar: SubjectGrammar, parts: SubjectParts, pattern: str) -> Width:
    # Owner and repository are written in full even if their ids are wildcards.
    is_written = is_literal(_ANY_ID.sub("@1", parts.project)) and parts.names_project
    # At the end of the pattern the wildcard stands for more than an id.
    goes_on = parts.run is None and parts.project.endswith("@*")
    if not is_written or (goes_on and "/" not in parts.project):
        return Width.TENANT
    run = grammar.run_name(parts.run or ("*" if goes_on else ""))
    told_apart = grammar.tells_runs_apart or grammar.open_run == "phases"
    if is_literal(run) or not told_apart or grammar.is_one_run(run):
        return Width.EXACT
    several = grammar.several_runs and grammar.several_runs.match(pattern)
    if several or grammar.lets_every_run_in(run):
        return Width.ANY_RUN
    if grammar.open_run == "phases":
        return Width.PHASES
    if run in grammar.one_kind:
        return Width.KIND
    return _width_of_name(grammar, run)


def _within_tenant(provider: Provider, pattern: str) -> str:
    """The pattern with the tenant written out where the issuer is the tenant's own, and so no other can be meant."""
    issuer = provider.issuer
    before = issuer.grammar.before_tenant if issuer and issuer.pattern.groups else ""
    if not before or not pattern.startswith(before):
        return pattern
    return before + re.sub(r"^[*?]+(?=[:/])", "TENANT", pattern.removeprefix(before))


def _width_of_name(grammar: SubjectGrammar, run: str) -> Width:
    """How many names a pattern of them fits: those of one kind, or of several where it begins before the kind."""
    begun = re.split(r"[*?]", run, maxsplit=1)[0]
    kinds = {kind.removesuffix("*") for kind in grammar.one_kind}
    if not kinds:
        return Width.EXACT
    innermost = tuple(k for k in kinds if not any(o != k and o.startswith(k) for o in kinds))
    kind = next((kind for kind in innermost if begun.startswith(kind)), None)
    if kind is not None:
        # A name has no colon: no subject fits what is written behind one.
        return Width.EXACT if kind and ":" in run.removeprefix(kind) else Width.NAMES
    return Width.KIND if begun.startswith(tuple(kinds)) else Width.ANY_RUN


def values(conditions: tuple[Condition, ...]) -> Iterator[tuple[Condition, Text]]:
    """Every value of the conditions."""
    for condition in conditions:
        for value in condition.values:
            yield condition, value


def whole_tenant_reach(provider: Provider, found: Widest) -> str:
    """What a value that is as wide as the tenant lets in."""
    remark = provider.grammar.remark_on(found.value.value) if provider.grammar else None
    return (
        remark.why
        if remark
        else "matches every repository, project or workspace that fits, including ones created later"
    )


_PARTS = re.compile(r"([:/])")


def narrower_value(provider: Provider, found: Widest) -> str:
    """What to write instead of the value: its literal beginning, then placeholders for the rest."""
    value = found.value.value
    remark = provider.grammar.remark_on(value) if provider.grammar else None
    if remark and remark.fix:
        return remark.fix
    complete = provider.grammar.form_for(value) if provider.grammar else ""
    if not complete:
        return f"Write the complete subject under StringEquals instead of {quoted(value)}."
    form = _completed(value, complete)
    operator = "StringLike" if form.endswith("*") else "StringEquals"
    return f"Write {quoted(form)} under {operator} instead of {quoted(value)}."


def _completed(value: str, form: str) -> str:
    head = re.split(r"[*?]|\$\{", value, maxsplit=1)[0]
    written = head[: max(head.rfind(":"), head.rfind("/")) + 1]
    first, colon, _ = form.partition(":")
    if not written.startswith(f"{first}{colon}") and colon:
        return form
    if ":environment:" in written:
        return f"{written}ENVIRONMENT"
    if first == "project_path":
        # Groups may be nested, so only the colon after the project shows where its path ends.
        _, _, rest = written.partition(":")
        if ":" not in rest:
            return f"{written}{'PROJECT' if rest else 'GROUP/PROJECT'}:ref_type:branch:ref:BRANCH"
        run = "tag:ref:TAG" if ":ref_type:tag:" in written else "branch:ref:BRANCH"
        return f"{first}:{rest.partition(':')[0]}:ref_type:{run}"
    end = "".join(_PARTS.split(form)[len(_PARTS.split(written)) - 1 :])
    for ref, name in (("refs/tags/", "TAG"), ("refs/pull/", "NUMBER/merge")):
        if ref in written:
            return written + end.replace("BRANCH", name)
    return written + end
