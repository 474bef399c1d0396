"""`kms check`: problems of key policies, and of an account's keys, grants and aliases."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.kms.key_uses import KEY_USES
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES
from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES
from aws_iam.answer import Answer, Finding, NextCall, Severity, Status, Where, next_call
from aws_iam.engine.key_policies.statements import owner_shown_by
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.frameworks import ids_of
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError, NotCollected, closest
from aws_iam.escape import escaped, quoted
from aws_iam.report.order import by_urgency
from aws_iam.rules import document_findings
from aws_iam.rules.on_account import findings_on, policy_of
from aws_iam.rules.outcomes import reason_of
from aws_iam.rules.policy.errors_beside import errors_beside
from aws_iam.rules.policy.resources import lockouts
from aws_iam.tools.kit import account_source, policy_inputs
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
from aws_iam.tools.kms.checks.catalogue import CODES, ON_ACCOUNT, ON_POLICY, needs
from aws_iam.tools.kms.checks.subject import PUT, KeyPolicy
from aws_iam.tools.kms.key_argument import key_argument
from aws_iam.tools.kms.principal_names import SHORT, account_id, partition_in, principal_arn
from aws_iam.tools.kms.terms import THRESHOLDS, KeyTerms
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.account.collect.kms.other_policies import OtherPolicies
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Source as Document
    from aws_iam.engine.sources.gathered import Gathered
    from aws_iam.tools.kit.tool import Json, Progress

_PAGE = "references/kms-patterns.md#checks"
_KEY = "AWS::KMS::Key"
_MOST_ROWS = 20
_FIRST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What the caller states besides the document or the account."""

    account: str | None = None
    key: str | None = None
    users: list[str] | None = None
    only_via: bool = False
    trusted: list[str] | None = None
    limits: Json = None
    scope: list[str] | None = None


def check(
    document: Any, source: Source, arguments: Arguments, progress: Progress, save: str | None
) -> Answer:
    """The findings on a document, or on the account that the arguments name."""
    if document is None:
        if arguments.key is not None:
            raise InputError(
                "`key` goes with `document`",
                hint="leave it out: the keys are known from the account's credentials or snapshot",
            )
        return _of_account(source, arguments, progress, save)
    if source != Source() or save is not None:
        raise InputError(
            "`document` cannot be combined with account arguments",
            hint="leave out the account arguments to check the document",
        )
    return document_answer(document, arguments)


def document_answer(document: Any, arguments: Arguments) -> Answer:
    """Check the key policies of a document."""
    chosen = [code for code in _codes_in_scope(arguments.scope) if code in ON_POLICY]
    account = account_id("account", arguments.account) if arguments.account else ""
    key = key_argument(arguments.key, account)
    account = account or (key.split(":")[4] if key else "")
    gathered_policies = gathered(document)
    found = [
        (source, content)
        for source in gathered_policies.sources
        if (content := _key_policy(source))
    ]
    if not found:
        raise InputError(
            "`document` contains no key policy: no statement has a Principal and a KMS action",
            hint="give a key policy or a template with keys, or leave `document` out to check the account",
        )

    if key and len(found) > 1:
        raise InputError(
            f"`key` goes with one key policy, and `document` has {len(found)}",
            hint="leave `key` out, or give its policy alone",
        )

    def judged(policy: Policy) -> tuple[Finding, ...]:
        owner = account or owner_shown_by(policy)
        subject = KeyPolicy(
            policy=policy,
            account=owner,
            key=key,
            trusted=_trusted(arguments.trusted),
            users=_users(arguments.users, owner, partition_in(policy, key)),
            only_via=arguments.only_via,
        )
        own = _of_policy(subject, chosen)
        if arguments.scope:
            return own
        of_key = replace(policy, kind=Kind.RESOURCE, resource_type=_KEY)
        return (*own, *errors_beside(of_key, own, _SAID_FOR_KEYS))

    def of_source(source: Document, content: Policy) -> tuple[Finding, ...]:
        certain = document_findings.certain_findings(judged(content), source, judged)
        written = document_findings.with_written_values(certain, source)
        return document_findings.with_location(written, source)

    by_source = document_findings.without_repeats(
        (s, of_source(s, content)) for s, content in found
    )
    findings = by_urgency([finding for _, several in by_source for finding in several])
    owners = dict.fromkeys(account or owner_shown_by(content) or "unknown" for _, content in found)
    return Answer(
        summary=_document_summary(findings, len(found), gathered_policies),
        findings=findings,
        facts={
            "checks": len(chosen),
            # The account of a template is only known at deployment.
            **({} if gathered_policies.formats else {"account": ", ".join(list(owners)[:_FIRST])}),
            **_not_checked(chosen, arguments),
            **policy_inputs.input_facts(gathered_policies),
        },
        sources=_sources(findings),
        next=_next(findings),
        as_of=catalog().as_of,
    )


def _key_policy(source: Document) -> Policy | None:
    content = source.content
    if not isinstance(content, Policy):
        raise InputError(
            f"{quoted(source.file or 'document')} is not JSON: {content.message}",
            hint=content.hint,
        )
    if content.resource_type is not None:
        return content if content.resource_type == _KEY else None
    named = any(s.has("Principal") or s.has("NotPrincipal") for s in content.statements)
    actions = [a.value.lower() for s in content.statements for a in (*s.actions, *s.not_actions)]
    about = any(action.startswith("kms:") or action == "*" for action in actions) or not actions
    return content if named and about else None


def _of_policy(subject: KeyPolicy, codes: Iterable[str]) -> tuple[Finding, ...]:
    return tuple(finding for code in codes for finding in ON_POLICY[code].findings(subject))


# They say what is wrong with a statement in the words of keys.
_SAID_FOR_KEYS = frozenset(
    {
        "KMS-POL-PUBLIC",
        "KMS-STMT-NOEFFECT",
        "KMS-SVC-CONFUSED",
        lockouts.key_without_administrator.code,
    }
)


def _not_checked(codes: Iterable[str], arguments: Arguments) -> dict[str, Any]:
    """The checks that were left out because `users` is missing."""
    open_ = [code for code in codes if code in _OF_USERS]
    if arguments.users or not open_:
        return {}
    return {"not_checked_without_users": ", ".join(open_)}


_OF_USERS = frozenset({"KMS-VIASERVICE-BREAKS", "KMS-VIASERVICE", "KMS-CTX"})


def _of_account(
    source: Source, arguments: Arguments, progress: Progress, save: str | None
) -> Answer:
    chosen = _codes_in_scope(arguments.scope)
    terms = KeyTerms(
        **wishes.read_needs(arguments.limits, THRESHOLDS, "limits"),
        trusted=_trusted(arguments.trusted),
    )
    facts = needs(chosen)
    meant = account_id("account", arguments.account) if arguments.account else ""
    account = account_source.read_account(source, facts, progress, save=save)
    if meant and meant != account.id:
        raise InputError(
            f"`account` is {meant}, but the account that was read is {account_words(account)}",
            hint="leave `account` out, or give the credentials or the snapshot of that account",
        )
    answer = account_answer(account, terms, arguments, chosen)
    return account_source.dated(answer, account, source)


def account_answer(
    account: Account, terms: KeyTerms, arguments: Arguments, codes: tuple[str, ...] = CODES
) -> Answer:
    """Run every chosen check on an account; facts that could not be read give an unknown result."""
    on_policy = [code for code in codes if code in ON_POLICY]
    on_account = (ON_ACCOUNT[code] for code in codes if code in ON_ACCOUNT)
    of_keys = findings_on(account, on_account, terms)
    of_policies = _of_policies(account, terms, arguments, on_policy) if on_policy else ()
    found = by_urgency([*of_policies, *of_keys])
    facts = needs(codes)
    missed = misses_of(account, facts)
    return Answer(
        summary=f"KMS keys of account {account_words(account)}, {account.regions}: {verdict(found)}.",
        findings=found,
        facts={
            "account": account_words(account),
            "regions": str(account.regions),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "checks": len(codes),
            **_counted(account),
            **evaluation_facts(account, found),
            "by_check": by_check(found, CODES),
            **_not_checked(on_policy, arguments),
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        artifacts=missing_permissions(account, found),
        sources=_sources(found),
        next=_next(found),
        as_of=catalog().as_of,
    )


def _of_policies(
    account: Account, terms: KeyTerms, arguments: Arguments, codes: list[str]
) -> Iterator[Finding]:
    """The policy checks on every policy of every key; policies with the same text are checked once."""
    identities = account.get(AUTHORIZATION)
    if isinstance(identities, Miss) and "KMS-LOCKOUT" in codes:
        yield replace(
            _unread(identities.error(), account, None, "KMS-LOCKOUT"),
            message="cannot tell which administrators still exist: "
            + escaped(str(identities), 1500),
        )
    existing = (
        None
        if isinstance(identities, Miss)
        else frozenset({*(r.arn for r in identities.roles), *(u.arn for u in identities.users)})
    )
    known: dict[tuple[str, str], tuple[Finding, ...]] = {}
    users = _users(arguments.users, account.id, account.partition)
    for region, arn, name, text in _texts(account):
        if isinstance(text, NotCollected):
            code = "KMS-POL-RAM" if name else "KMS-POL-PUBLIC"
            if code in codes:
                yield replace(_unread(text, account, region, code), resource=arn)
            continue
        # A policy that names keys has a different meaning for each key.
        same = (arn, name) if ":kms:" in text else (text, name)
        if same not in known:
            subject = KeyPolicy(
                policy=policy_of(text, "kms:GetKeyPolicy"),
                account=account.id,
                key=arn,
                name=name,
                principals=existing,
                trusted=terms.trusted,
                users=users,
                only_via=arguments.only_via,
            )
            known[same] = _of_policy(subject, codes)
        for finding in known[same]:
            # AWS returns the text: line numbers in it mean nothing to the user.
            where = Where(pointer=finding.where.pointer) if finding.where else None
            yield replace(
                finding,
                resource=escaped(arn, 2048),
                region=region,
                account=account.id,
                where=where,
            )


def _texts(account: Account) -> Iterator[tuple[str, str, str, str | NotCollected]]:
    """Region, key, name and text of every policy, or why it could not be read."""
    for region, policies in account.in_each(KEY_POLICIES):
        if isinstance(policies, Miss):
            yield region, "", "default", policies.error()
            continue
        for policy in policies:
            if policy.document is not None:
                yield region, policy.arn, "default", _readable(policy.document)
    for region, others in account.in_each(OTHER_POLICIES):
        if isinstance(others, Miss):
            yield region, "", "AWS_RAM", others.error()
            continue
        for key in others:
            for name, text in _shared_texts(key):
                yield region, key.arn, name, text


def _shared_texts(key: OtherPolicies) -> Iterator[tuple[str, str | NotCollected]]:
    if isinstance(key.names, Miss):
        yield "AWS_RAM", key.names.error()
    elif len(key.names) != len(key.documents):
        yield "AWS_RAM", _NOT_EVERY_POLICY
    else:
        for name, text in zip(key.names, key.documents, strict=True):
            yield name, _readable(text)


_NOT_EVERY_POLICY = NotCollected(
    "the snapshot does not hold every policy that it names",
    call="kms:GetKeyPolicy",
    code="not in the snapshot",
    permission="kms:GetKeyPolicy",
)


def _readable(text: str | Miss) -> str | NotCollected:
    if isinstance(text, Miss):
        return text.error()
    try:
        policy_of(text, "kms:GetKeyPolicy")
    except NotCollected as broken:
        return broken
    return text


def _unread(missing: NotCollected, account: Account, region: str | None, code: str) -> Finding:
    rule = ON_POLICY[code]
    return Finding(
        code=code,
        title=rule.title,
        severity=Severity.HIGH,
        status=Status.UNKNOWN,
        message=f"a key policy could not be checked: {escaped(missing.message, 1500)}",
        reason=escaped(reason_of(missing), 1500),
        region=region,
        account=account.id,
        source=PUT,
        frameworks=dict(ids_of(code)) or None,
    )


def _counted(account: Account) -> dict[str, Any]:
    """How many keys and policies were checked, and for how many keys the last use was read."""
    found: dict[str, Any] = {}
    keys = [v for _, v in account.in_each(KMS_KEYS) if not isinstance(v, Miss)]
    if keys:
        found["keys"] = sum(map(len, keys))
    policies = [v for _, v in account.in_each(KEY_POLICIES) if not isinstance(v, Miss)]
    if policies:
        found["policies"] = sum(map(len, policies))
    uses = [v for _, v in account.in_each(KEY_USES) if not isinstance(v, Miss)]
    if uses:
        found["last_use_asked"] = sum(use.use is not None for value in uses for use in value)
    return found


AREAS: Mapping[str, tuple[str, ...]] = {
    "rotation": ("KMS-ROT-",),
    "grants": ("KMS-GRANT-",),
    "aliases": ("KMS-ALIAS-",),
    "deletion": ("KMS-DEL-",),
    "imported_material": ("KMS-IMPORT-",),
    "key_stores": ("KMS-STORE-",),
    "encryption_context": ("KMS-CTX",),
    "via_service": ("KMS-VIASERVICE",),
    "cross_account": ("KMS-POL-XACCT", "KMS-GRANT-XACCT"),
    "key_policy": tuple(ON_POLICY),
    "key_policies": tuple(ON_POLICY),
}
"""The areas that `scope` accepts, besides codes and their prefixes: the beginnings of their codes."""


def _codes_in_scope(scope: list[str] | None) -> tuple[str, ...]:
    if not scope:
        return CODES
    selected = {code for word in scope for code in _codes_for(word)}
    return tuple(code for code in CODES if code in selected)


def _codes_for(word: str) -> list[str]:
    """The checks that a word of `scope` selects: an area, a code, a prefix of codes, or a word in them."""
    area = AREAS.get(word.strip().lower().replace("-", "_").replace(" ", "_"), ())
    if area:
        return [code for code in CODES if code.startswith(area)]
    start = word.strip().upper().replace("_", "-").replace(" ", "-")
    if start in CODES:
        return [start]
    found = [code for code in CODES if start and code.startswith(start)] or [
        code for code in CODES if start in code.split("-")
    ]
    if found:
        return found
    near = closest(start, CODES)
    raise InputError(
        f"`scope` {quoted(word, 60)} selects no check",
        hint=f"did you mean `{near}`?"
        if near
        else f"give {', '.join(f'`{area}`' for area in AREAS)}, or codes and their prefixes: `KMS-POL`",
    )


def _trusted(given: list[str] | None) -> frozenset[str]:
    return frozenset(account_id("trusted", account) for account in given or ())


def _users(given: list[str] | None, account: str, partition: str) -> tuple[str, ...]:
    found = []
    for user in given or ():
        if SHORT.fullmatch(user) and not account:
            raise InputError(
                f"`users`: {quoted(user)} needs the account", hint="give the ARN, or add `account`"
            )
        found.append(principal_arn("users", user, f"arn:{partition}:iam::{account}"))
    return tuple(dict.fromkeys(found))


def _document_summary(findings: tuple[Finding, ...], count: int, given: Gathered) -> str:
    what = f"{count} key policies" if count > 1 else "the key policy"
    unknown = sum(finding.status is Status.UNKNOWN for finding in findings)
    open_ = f" {unknown} could not be judged." if unknown else ""
    if not policy_inputs.is_complete(given):
        open_ += f" {policy_inputs.not_judged_note(given)}"
    failed = Counter(finding.severity for finding in findings if finding.status is Status.FAIL)
    if not failed:
        word = "No problem found in what could be judged of" if open_ else "No problem found in"
        return f"{word} {what}.{open_}"
    total = sum(failed.values())
    by_severity = ", ".join(
        f"{failed[severity]} {severity}" for severity in Severity if failed[severity]
    )
    return f"{counted(total, 'problem')} in {what}: {by_severity}.{open_}"


def _sources(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((_PAGE, *(f.source for f in findings[:5] if f.source))))


def _next(findings: tuple[Finding, ...]) -> tuple[NextCall, ...]:
    first = next((finding.code for finding in findings if finding.status is Status.FAIL), None)
    why = f"what {first} means and what mends it"
    return (next_call("kms", "guide", why, topic=first),) if first else ()
