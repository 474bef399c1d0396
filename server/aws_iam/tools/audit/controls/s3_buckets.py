"""CIS controls on S3 buckets."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from aws_iam.account.collect.detection.macie import MACIE
from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.storage.buckets import (
    ACCOUNT_BLOCK,
    BUCKET_BLOCKS,
    BUCKET_ENCRYPTION,
    BUCKET_POLICIES,
    BUCKET_VERSIONING,
    BUCKETS,
    PublicAccessBlock,
)
from aws_iam.engine.language import pattern
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, Manual, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.collect.detection.macie import Macie
    from aws_iam.account.collect.storage.buckets import Bucket, BucketVersioning
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Condition, Statement

T = TypeVar("T")
_NO_BUCKET = "the account has no bucket"


@control("s3_block_public", needs=(BUCKETS, ACCOUNT_BLOCK, BUCKET_BLOCKS))
def block_public_access(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """All four settings must be on, each for the account or for the bucket.

    False alarm when the bucket is public on purpose, as for a website.
    """
    of_account = account.get(ACCOUNT_BLOCK)

    @cache
    def blocks() -> dict[str, PublicAccessBlock | Miss]:
        return {fact.bucket: fact.block for fact in account.require(BUCKET_BLOCKS)}

    def test(bucket: Bucket) -> Iterator[Outcome]:
        message = f"bucket {quoted(bucket.name)}"
        if isinstance(of_account, PublicAccessBlock) and of_account.complete:
            yield Pass(
                _arn(account, bucket),
                f"public access to {message} is blocked by the account's settings",
            )
            return
        own = known(_fact_of(bucket, blocks()))
        effective = own if own.complete else own.union(known(of_account))
        if effective.complete:
            yield Pass(_arn(account, bucket), f"public access to {message} is blocked")
        else:
            off = f"{' and '.join(effective.off)} {'are' if len(effective.off) > 1 else 'is'} off"
            yield Fail(
                _arn(account, bucket),
                f"{message} is not fully protected from public access: {off} for the bucket and the account",
            )

    return _buckets(account, test)


@control("s3_deny_http", needs=(BUCKETS, BUCKET_POLICIES))
def deny_plain_http(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """An Allow over TLS denies nothing, and a Deny with further conditions does not refuse all plain HTTP.

    False alarm when nobody can reach the bucket over HTTP, as behind a VPC endpoint.
    """
    tls = (
        terms.threshold("min_tls_version")
        if terms.threshold("tls_version_form_accepted")
        else None
    )

    @cache
    def policies() -> dict[str, str | Miss | None]:
        return {fact.bucket: fact.document for fact in account.require(BUCKET_POLICIES)}

    def test(bucket: Bucket) -> Iterator[Outcome]:
        message = f"bucket {quoted(bucket.name)}"
        text = known(_fact_of(bucket, policies()))
        if text is None:
            yield Fail(_arn(account, bucket), f"{message} has no policy, so it accepts plain HTTP")
            return
        statements = policy_of(text, "s3:GetBucketPolicy").statements
        broad = [statement for statement in statements if _refuses_all(statement, account, bucket)]
        if any(map(_on_http, broad)):
            yield Pass(_arn(account, bucket), f"the policy of {message} refuses plain HTTP")
        elif tls and any(_on_old_tls(statement, tls) for statement in broad):
            doubt = "a plain HTTP request may have no s3:TlsVersion and still be accepted"
            yield Pass(
                _arn(account, bucket), f"the policy of {message} refuses TLS below {tls}; {doubt}"
            )
        else:
            yield Fail(
                _arn(account, bucket), f"the policy of {message} does not refuse plain HTTP"
            )

    return _buckets(account, test)


@control("s3_mfa_delete", needs=(BUCKETS, BUCKET_VERSIONING))
def mfa_delete(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Versioning and MFA delete must both be on.

    False alarm when the bucket needs lifecycle rules, which cannot be combined with MFA delete.
    """

    @cache
    def versioning() -> dict[str, BucketVersioning]:
        return {fact.bucket: fact for fact in account.require(BUCKET_VERSIONING)}

    def test(bucket: Bucket) -> Iterator[Outcome]:
        fact = _fact_of(bucket, versioning())
        has = {"versioning": known(fact.enabled), "MFA delete": known(fact.mfa_delete)}
        lacks = " and no ".join(name for name, on in has.items() if not on)
        message = f"bucket {quoted(bucket.name)}"
        if lacks:
            yield Fail(_arn(account, bucket), f"{message} has no {lacks}")
        else:
            yield Pass(_arn(account, bucket), f"{message} has versioning and MFA delete")

    return _buckets(account, test)


@control("s3_encryption", needs=(BUCKETS, BUCKET_ENCRYPTION))
def encryption(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """S3 has encrypted every bucket by default since January 2023, so on AWS this cannot fail any more."""

    @cache
    def algorithms() -> dict[str, str | Miss | None]:
        return {fact.bucket: fact.algorithm for fact in account.require(BUCKET_ENCRYPTION)}

    def test(bucket: Bucket) -> Iterator[Outcome]:
        algorithm = known(_fact_of(bucket, algorithms()))
        message = f"bucket {quoted(bucket.name)}"
        if algorithm:
            yield Pass(
                _arn(account, bucket), f"{message} encrypts new objects with {quoted(algorithm)}"
            )
        else:
            yield Fail(_arn(account, bucket), f"{message} has no default encryption")

    return _buckets(account, test)


@control("s3_macie", needs=(BUCKETS, MACIE))
def macie(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """Other tools satisfy the control too, so whether Macie is on is only evidence."""
    if not account.require(BUCKETS):
        yield NotApplicable(None, _NO_BUCKET)
        return

    def test(region: str, session: Macie | None) -> Iterator[Outcome]:
        state = quoted(session.status) if session else "off"
        yield Manual(None, terms.question(f"Macie is {state} in {region}"), region)

    yield from in_regions(account, MACIE, test)


def _buckets(account: Account, test: Callable[[Bucket], Iterable[Outcome]]) -> Iterator[Outcome]:
    buckets = account.require(BUCKETS)
    if not buckets:
        yield NotApplicable(None, _NO_BUCKET)
    yield from for_each(buckets, test, name=partial(_arn, account))


def _arn(account: Account, bucket: Bucket) -> str:
    return f"arn:{account.partition}:s3:::{bucket.name}"


def _fact_of(bucket: Bucket, facts: Mapping[str, T]) -> T:
    if bucket.name not in facts:
        raise NotCollected(
            f"bucket {quoted(bucket.name)} is not part of this snapshot",
            call="s3:ListBuckets",
            code="not collected",
        )
    return facts[bucket.name]


def _refuses_all(statement: Statement, account: Account, bucket: Bucket) -> bool:
    """Whether the statement denies everyone every action on every object of the bucket."""
    objects = f"{_arn(account, bucket)}/*"
    return (
        statement.denies
        and any(principal.is_everyone for principal in statement.principals)
        and any(
            pattern.covers(action.value, "s3:*", ignore_case=True) for action in statement.actions
        )
        and any(pattern.covers(resource.value, objects) for resource in statement.resources)
    )


def _on_http(statement: Statement) -> bool:
    only = _only_condition(statement)
    return (
        only is not None
        and only.name == "aws:securetransport"
        and only.base == "Bool"
        and not only.qualifier
        and [value.value.lower() for value in only.values] == ["false"]
    )


def _on_old_tls(statement: Statement, least: str) -> bool:
    only = _only_condition(statement)
    return (
        only is not None
        and only.name == "s3:tlsversion"
        and only.operator.value == "NumericLessThan"
        and any(_number(value.value) >= float(least) for value in only.values)
    )


def _only_condition(statement: Statement) -> Condition | None:
    return statement.conditions[0] if len(statement.conditions) == 1 else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
