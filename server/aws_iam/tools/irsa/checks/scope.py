"""The scope of a trust policy: which of a tenant's jobs it accepts, and whether their names can change hands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.identity_providers import OIDC_SETTINGS
from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.tokens.strangers import open_values
from aws_iam.engine.tokens.subject_width import (
    Width,
    is_pinned_by,
    narrower_value,
    subjects,
    values,
    whole_tenant_reach,
    widest,
)
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import trusting_issuer
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.trust import oidc_trust, saml_cognito_pods, token_scope
from aws_iam.tools.irsa.checks.issuers import (
    CONTROLS,
    FOR_US,
    GITHUB,
    GOOD,
    ROLE_FOR_OIDC,
    is_denied_elsewhere,
    on_sub,
    trusted,
)
from aws_iam.tools.irsa.checks.subject import FACTS, Trust
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.reference.subject_grammar import SubjectGrammar
    from aws_iam.engine.tokens.oidc_provider import Provider
    from aws_iam.engine.tokens.strangers import OpenValue
    from aws_iam.engine.tokens.subject_width import Widest

_GH = "https://docs.github.com/en/actions/reference/security/oidc"
_HCP = "https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration"
_TFC = "app.terraform.io"
_TWO_ROLES = "Create two roles: one that reads for {0}:plan, and one that writes for {0}:apply."


def _run(subject: str) -> dict[str, object]:
    aud = {f"{_TFC}:aud": "aws.workload.identity"}
    return trusting_issuer({"StringEquals": aud, "StringLike": {f"{_TFC}:sub": subject}}, _TFC)


def _of_width(trust: Trust, *wanted: Width) -> Iterator[tuple[Statement, Provider, Widest]]:
    for statement, provider in trusted(trust):
        # A Deny on the subject narrows what the patterns of the Allow show.
        if provider.is_kubernetes or is_denied_elsewhere(trust, provider, "sub"):
            continue
        subject = widest(provider, statement)
        if subject and subject.width in wanted:
            yield statement, provider, subject


def _named(subject: Widest) -> str:
    return f"{quoted(subject.value.value)} of {quoted(subject.condition.key.value)}"


@check(
    "OIDC-TENANT-WILD",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title=oidc_trust.strangers_in_pattern.title,
    fix=oidc_trust.strangers_in_pattern.fix,
    source=CONTROLS,
    bad=[
        on_sub("StringLike", "repo:*"),
        on_sub("StringLike", "repo:octo/app:ref:refs/heads/main", "repo:octo*"),
        _run("organization:*"),
    ],
    good=[
        GOOD,
        on_sub("StringLike", "repo:octo/*"),
        trusting_issuer(
            {
                "StringEquals": {**FOR_US, f"{GITHUB}:repository_owner_id": "123456"},
                "StringLike": {f"{GITHUB}:sub": "repo:*"},
            }
        ),
    ],
)
def strangers(trust: Trust) -> Iterator[Fail]:
    """Anyone can choose a name that the pattern matches: `repo:octo*` also lets in the organization octo-evil.

    False alarm when another claim, such as an immutable id, already identifies the tenant.
    """
    for statement, provider in trusted(trust):
        subject = widest(provider, statement)
        for found in open_values(provider, statement):
            claim = provider.claim(found.condition) or provider.required
            if is_denied_elsewhere(trust, provider, claim) or _is_chosen(provider, found):
                continue
            yield Fail(
                found.value.where,
                oidc_trust.matched_by_strangers(found),
                severity=Severity.HIGH if found.called_workflow else None,
                fix=narrower_value(provider, subject)
                if subject and subject.value is found.value
                else None,
            )


@check(
    "OIDC-ORG-WIDE",
    on=Trust,
    severity=Severity.HIGH,
    needs=FACTS,
    title=token_scope.whole_tenant.title,
    fix=token_scope.whole_tenant.fix,
    source=ROLE_FOR_OIDC,
    bad=[
        on_sub("StringLike", "repo:octo/*"),
        on_sub("StringLike", "repo:octo/app:ref:refs/heads/main", "repo:octo/app*"),
        _run("organization:octo:project:*:workspace:*:run_phase:plan"),
    ],
    good=[
        GOOD,
        on_sub("StringLike", "repo:octo/app:*"),
        on_sub("StringLike", "repo:octo@*/app@*:ref:refs/heads/main"),
        trusting_issuer(
            {
                "StringEquals": {**FOR_US, f"{GITHUB}:repository_id": "456"},
                "StringLike": {f"{GITHUB}:sub": "repo:octo/*"},
            }
        ),
    ],
)
def whole_tenant(trust: Trust) -> Iterator[Fail]:
    """Anyone who can create a repository of the tenant, or push to its least protected one, gets the role.

    False alarm when the role is meant for the whole tenant and allows nothing sensitive.
    """
    for _, provider, subject in _of_width(trust, Width.TENANT):
        yield Fail(
            subject.value.where,
            f"{_named(subject)} {whole_tenant_reach(provider, subject)}",
            fix=narrower_value(provider, subject),
        )


@check(
    "OIDC-ANY-REF",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="Every run of the repository or project can assume the role",
    fix="Write the full name of the branch, tag, environment or kind of run.",
    source=_GH,
    bad=[
        on_sub("StringLike", "repo:octo/app:*"),
        on_sub("StringLike", "repo:octo/app:ref:refs/heads/*"),
        on_sub("StringLike", "repo:octo/app:ref:refs/heads/release/*"),
    ],
    good=[
        GOOD,
        on_sub("StringLike", "repo:octo/*"),
        trusting_issuer(
            {
                "StringEquals": {**FOR_US, f"{GITHUB}:environment": "production"},
                "StringLike": {f"{GITHUB}:sub": "repo:octo/app:*"},
            }
        ),
    ],
)  # fmt: skip
def any_run(trust: Trust) -> Iterator[Fail]:
    """Anyone with write access can push a branch, and `*` also matches runs for pull requests.

    A pattern such as `release/*` or `v*` is as good as the rule that protects these names: whoever may create one gets
    the role. False alarm when the role can only read and every run of the repository is meant.
    """
    for _, provider, subject in _of_width(trust, Width.ANY_RUN, Width.KIND):
        yield Fail(
            subject.value.where,
            f"{_named(subject)} matches {_runs(provider, subject)}",
            severity=None if subject.width is Width.ANY_RUN else Severity.LOW,
            fix=narrower_value(provider, subject),
        )
    for _, _, subject in _of_width(trust, Width.NAMES):
        yield _by_pattern(subject)


def _runs(provider: Provider, subject: Widest) -> str:
    """The runs that an open subject matches."""
    grammar, pattern = provider.grammar, subject.value.value
    if subject.width is Width.KIND and (named := _kind_of_run(pattern)):
        return f"every {named} that fits"
    if grammar and grammar.several_runs and grammar.several_runs.match(pattern):
        return grammar.runs
    return _kinds_of_run(grammar, pattern) if grammar else "every run that fits, of any kind"


def _kinds_of_run(grammar: SubjectGrammar, pattern: str) -> str:
    parts = grammar.read(pattern)
    kinds = grammar.kinds_in(grammar.run_name(parts.run or "*")) if parts else ()
    known = tuple(kind for kind, _ in grammar.kinds_of_run)
    if kinds and kinds != known:
        return f"every run of the repository that fits: {joined(kinds)}"
    if known and not kinds:
        return "every run of the repository that fits"
    if known:
        return f"every run of the repository that fits, of any kind: {', '.join(known)}"
    if grammar.every_run_begins:
        return "every job or workload of the issuer whose subject fits"
    return "every run that fits, of any kind"


def _kind_of_run(pattern: str) -> str:
    return next((kind for word, kind in _KINDS.items() if word in pattern), "")


def _by_pattern(subject: Widest) -> Fail:
    """A pattern of names: sound where a rule protects all of them."""
    pattern = re.split(r":environment:|refs/heads/|refs/tags/|:ref:", subject.value.value)[-1]
    kind = next((kind for word, kind in _KINDS.items() if word in subject.value.value), "branch")
    protection = (
        "only maintainers can create an environment"
        if kind == "environment"
        else f"only maintainers can create a {kind} whose name fits {quoted(pattern)}"
    )
    # A rule for `release/*` covers what the pattern covers; none for `main` covers main-x.
    loose = kind != "tag" and not pattern.endswith("/*")
    also = f"; no rule for one {kind} covers the others, such as {quoted(pattern.replace('*', '-x').replace('?', 'x'))}"
    return Fail(
        subject.value.where,
        f"{_named(subject)} matches every {kind} whose name fits {quoted(pattern)}: whoever may create one gets the role"
        + (also if loose else ""),
        severity=Severity.LOW if loose else Severity.INFO,
        fix=f"Protect these names with a rule, so that {protection}, or write the name in full.",
    )


_KINDS = {
    ":environment:": "environment",
    "refs/tags/": "tag",
    "ref_type:tag:": "tag",
    "refs/heads/": "branch",
    "ref_type:branch:": "branch",
}


@check(
    "OIDC-PR",
    on=Trust,
    severity=Severity.HIGH,
    needs=FACTS,
    title="Runs for pull requests can assume the role",
    fix=saml_cognito_pods.unreviewed_changes.fix,
    source=_GH,
    bad=[on_sub("StringEquals", "repo:octo@1/app@2:pull_request")],
    good=[GOOD, on_sub("StringLike", "repo:octo/app:ref:refs/heads/*")],
)
def unreviewed(trust: Trust) -> Iterator[Fail]:
    """A pull request runs its author's code before anybody has reviewed it.

    False alarm when the role can only read what the authors may see anyway.
    """
    for statement, provider in trusted(trust):
        for _, value in values(subjects(provider, statement)):
            if _is_of_pull_requests(provider, value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} lets unreviewed changes assume the role{_if_it_writes(trust)}",
                    severity=Severity.HIGH if trust.writes else Severity.LOW,
                    low_confidence=trust.writes is None,
                )


def _is_of_pull_requests(provider: Provider, subject: str) -> bool:
    """Whether the subject, or every subject that the pattern matches, is that of a run for a pull request."""
    if subject.endswith(":pull_request"):
        return True
    parts = provider.grammar.read(subject) if provider.grammar else None
    run = parts.run if parts and parts.names_project else None
    return bool(run and provider.grammar and provider.grammar.kinds_in(run) == ("pull requests",))


def _if_it_writes(trust: Trust) -> str:
    if trust.writes is None:
        return "; high if the role can change anything, which its trust policy does not show"
    return ", and the role can change things" if trust.writes else ""


@check(
    "OIDC-PLAN-APPLY",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="The plan and apply phases of HCP Terraform share a role",
    fix=_TWO_ROLES.format("run_phase"),
    source=_HCP,
    bad=[_run("organization:octo:project:shop:workspace:prod:run_phase:*")],
    good=[_run("organization:octo:project:shop:workspace:prod:run_phase:plan"), GOOD],
)
def both_phases(trust: Trust) -> Iterator[Fail]:
    """A plan runs for a change that nobody has approved yet, with all the permissions of an apply.

    False alarm when the role can only read.
    """
    for _, _, subject in _of_width(trust, Width.PHASES):
        if trust.writes is not False:
            yield Fail(
                subject.value.where,
                f"{_named(subject)} matches plan and apply{_if_it_writes(trust)}",
                fix=_TWO_ROLES.format(
                    "operation" if ":operation:" in subject.value.value else "run_phase"
                ),
                severity=None if trust.writes else Severity.LOW,
                low_confidence=trust.writes is None,
            )


@check(
    "OIDC-MUTABLE",
    on=Trust,
    severity=Severity.LOW,
    needs=FACTS,
    title="The caller is identified by a name that somebody else can get later",
    fix="Pin the immutable ids.",
    source=_GH,
    bad=[on_sub("StringEquals", "repo:octo/app:ref:refs/heads/main")],
    good=[
        GOOD,
        trusting_issuer(
            {
                "StringEquals": {
                    **FOR_US,
                    f"{GITHUB}:sub": "repo:octo/app:ref:refs/heads/main",
                    f"{GITHUB}:repository_id": "456",
                }
            }
        ),
        on_sub("StringEquals", "repo:octo/app:ref:refs/heads/main", "repo:octo@1/app@2:ref:refs/heads/main"),
    ],
)  # fmt: skip
def by_name(trust: Trust) -> Iterator[Fail]:
    """After an organization, repository or project is renamed or deleted, somebody else can take its name.

    False alarm when the platform never gives a name to somebody else.
    """
    for statement, provider, subject in _of_width(
        trust, Width.EXACT, Width.NAMES, Width.KIND, Width.ANY_RUN
    ):
        issuer = provider.issuer
        if issuer is None or issuer.kind != "shared" or not issuer.grammar.known_by_name:
            continue
        ids, form = issuer.immutable_ids, issuer.grammar.known_by_name
        if is_pinned_by(provider, statement, (*ids, *issuer.outer_ids)):
            continue
        listed = [value for _, value in values((subject.condition,))]
        named = [value for value in listed if form.fullmatch(value.value)]
        # A repository that moves to the immutable form has both forms for a while.
        if named and len(named) == len(listed):
            claims = " or ".join(quoted(provider.key(claim)) for claim in ids)
            for_github = ", or write the immutable subject repo:OWNER@OWNER_ID/REPOSITORY@REPOSITORY_ID:…; `gh api repos/OWNER/REPOSITORY --jq '.owner.id,.id'` shows them."
            yield Fail(
                named[0].where,
                f"{quoted(named[0].value)} identifies the caller by name, and no condition pins an id",
                fix=f"Add StringEquals on {claims}" + for_github * (issuer.id == "github"),
            )


# The claims of a custom subject that say nothing of the owner of the repository.
_CHOSEN = re.compile(r"(?!repo:|repository|enterprise|job_workflow_ref:)[a-z_]+:", re.IGNORECASE)


def _is_chosen(provider: Provider, found: OpenValue) -> bool:
    """Whether the subject names other claims of GitHub than the owner."""
    github = provider.issuer is not None and provider.issuer.id == "github"
    is_subject = provider.claim(found.condition) == "sub"
    return github and is_subject and _CHOSEN.match(found.value.value) is not None


@check(
    "OIDC-CUSTOM-SUB",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title="The subject does not name the owner of the repository",
    fix="Let the subject begin with repo, repository_owner_id or repository_id, and pin that.",
    source=_GH,
    bad=[on_sub("StringEquals", "actor:octocat:ref:refs/heads/main"), on_sub("StringLike", "workflow:deploy*")],
    good=[GOOD, on_sub("StringLike", "repository_owner_id:1:job_workflow_ref:octo/ci/.github/workflows/*")],
)  # fmt: skip
def chosen_by_anybody(trust: Trust) -> Iterator[Fail]:
    """A stranger can choose the name of a workflow or branch, but not the owner of the repository.

    High where the subject names a person, who must be brought to start a workflow in the stranger's repository, such as by
    a comment on an issue. False alarm when another claim pins the owner.
    """
    for statement, provider in trusted(trust):
        for found in open_values(provider, statement):
            if _is_chosen(provider, found) and not is_denied_elsewhere(trust, provider, "sub"):
                yield Fail(
                    found.value.where,
                    f"{quoted(found.value.value)} names only claims that anyone on GitHub can choose or bring about, and no"
                    " condition names the owner of the repository",
                    severity=Severity.HIGH if _PERSON.match(found.value.value) else None,
                    fix=f'Add "StringEquals": {{"{provider.key("repository_owner_id")}": "OWNER_ID"}}.',
                )


_PERSON = re.compile(r"(?:.*:)?actor(?:_id)?:[^:*?]+(?::|$)")


@check(
    "OIDC-AUD-UNREGISTERED",
    on=Trust,
    severity=Severity.HIGH,
    needs=(*FACTS, OIDC_SETTINGS),
    title="The trust policy requires an audience that the provider does not accept",
    fix="Add the audience to the provider's client ids.",
    source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html",
    bad=[(GOOD, {"client_ids": {GITHUB: ("https://github.com/octo",)}})],
    good=[(GOOD, {"client_ids": {GITHUB: ("sts.amazonaws.com",)}}), GOOD],
)
def unregistered(trust: Trust) -> Iterator[Fail]:
    """STS rejects a token whose audience is not a client id of the provider, whatever the trust policy says.

    False alarm when the client id was added after the snapshot was taken.
    """
    for statement, provider in trusted(trust):
        ids = (trust.client_ids or {}).get(provider.host)
        if ids is None:
            continue
        for condition, value in values(provider.on(statement, "aud")):
            if condition.demanded and is_literal(value.value) and value.value not in ids:
                listed = ", ".join(map(quoted, ids[:3])) or "none"
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} is not one of the provider's client ids ({listed})",
                    fix="aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "
                    f"{shlex.quote(provider.principal.value)} --client-id {shlex.quote(value.value)}",
                )


@check(
    "OIDC-PRIV",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title="Many callers can assume a role that is, or can become, an administrator",
    fix="Pin the caller, and remove the permissions that the job does not need.",
    source=ROLE_FOR_OIDC,
    bad=[(on_sub("StringLike", "repo:octo/*"), {"is_powerful": True})],
    good=[
        (on_sub("StringLike", "repo:octo/*"), {"is_powerful": False}),
        (GOOD, {"is_powerful": True}),
        on_sub("StringLike", "repo:octo/*"),
    ],
)
def powerful(trust: Trust) -> Iterator[Fail]:
    """If one of the repositories that can assume the role is compromised, so is the account.

    False alarm when the role is meant to administer the account and all of its callers are equally trusted.
    """
    for _, provider, subject in _of_width(trust, Width.TENANT, Width.EVERYBODY):
        if trust.is_powerful:
            yield Fail(
                subject.value.where,
                f"{_named(subject)} gives many callers administrator rights, or a way to get them",
                fix=narrower_value(provider, subject),
            )
