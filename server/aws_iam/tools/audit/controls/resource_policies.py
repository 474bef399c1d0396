"""CIS control on resource policies: none opens its resource to everyone."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.sharing.document_shares import (
    DOCUMENT_SHARES,
    EVERYONE,
    DocumentShare,
)
from aws_iam.account.collect.sharing.resource_policies import (
    BUS_POLICIES,
    FUNCTION_POLICIES,
    KEY_POLICIES,
    QUEUE_POLICIES,
    SECRET_POLICIES,
    TOPIC_POLICIES,
    VAULT_POLICIES,
)
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKET_BLOCKS, BUCKET_POLICIES
from aws_iam.engine.effective.caller_conditions import is_closed_to_strangers
from aws_iam.engine.language.plain_policy import plain
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.fact import AccountFact, RegionFact
    from aws_iam.account.collect.sharing.resource_policies import ResourcePolicy
    from aws_iam.account.collect.storage.buckets import BucketPolicy
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.comparison.one_way_search import SearchResult
    from aws_iam.engine.language.document import Policy, Statement

_KINDS: tuple[tuple[RegionFact[Any], str, str], ...] = (
    (QUEUE_POLICIES, "queue", "sqs:GetQueueAttributes"),
    (TOPIC_POLICIES, "topic", "sns:GetTopicAttributes"),
    (FUNCTION_POLICIES, "function", "lambda:GetPolicy"),
    (KEY_POLICIES, "key", "kms:GetKeyPolicy"),
    (SECRET_POLICIES, "secret", "secretsmanager:GetResourcePolicy"),
    (VAULT_POLICIES, "vault", "glacier:GetVaultAccessPolicy"),
    (BUS_POLICIES, "event bus", "events:ListEventBuses"),
)


@control(
    "resource_policy_star",
    needs=(
        BUCKET_POLICIES,
        ACCOUNT_BLOCK,
        BUCKET_BLOCKS,
        *(fact for fact, *_ in _KINDS),
        DOCUMENT_SHARES,
    ),
)
def resource_policies(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """`*` is not public under a condition that strangers cannot meet; under any other condition it is.

    False alarm when public access is intended, as for a website.
    """

    def buckets(fact: AccountFact[tuple[BucketPolicy, ...]]) -> Iterator[Outcome]:
        policies, test = account.require(fact), _bucket(account)
        return for_each(policies, test, name=lambda policy: _arn(account, policy.bucket))

    yield NotApplicable(
        None,
        "no bucket, queue, topic, function, key, secret, vault or event bus has a policy, and no document is shared",
    )
    yield from for_each((BUCKET_POLICIES,), buckets)
    for fact, word, call in _KINDS:
        yield from in_regions(account, fact, _in_region(word, call))
    yield from in_regions(account, DOCUMENT_SHARES, _documents)


def _documents(region: str, shares: tuple[DocumentShare, ...]) -> Iterator[Outcome]:
    """Documents of Systems Manager, which are shared with accounts and have no policy."""

    def test(share: DocumentShare) -> Iterator[Outcome]:
        accounts, name = known(share.accounts), f"document {quoted(share.name)}"
        if EVERYONE in accounts:
            message = f"{name} of Systems Manager is shared with everyone"
            command = (
                f"aws ssm modify-document-permission --name {shlex.quote(share.name)} --permission-type Share "
                f"--account-ids-to-remove all --region {region}"
            )
            yield Fail(
                share.arn,
                message,
                region,
                fix=f"Share it with the accounts that use it, then: {command}",
            )
        elif accounts:
            yield Pass(share.arn, f"{name} is shared with single accounts", region)

    return for_each(shares, test, name=lambda share: share.arn, region=region)


def _in_region(
    word: str, call: str
) -> Callable[[str, tuple[ResourcePolicy, ...]], Iterator[Outcome]]:
    def judge(region: str, policies: tuple[ResourcePolicy, ...]) -> Iterator[Outcome]:
        def test(policy: ResourcePolicy) -> Iterator[Outcome]:
            text = known(policy.document)
            name = f"{word} {quoted(policy.arn.rpartition(':')[2])}"
            if text is not None:
                yield _judged(policy.arn, name, text, call, region)

        return for_each(policies, test, name=lambda policy: policy.arn, region=region)

    return judge


def _bucket(account: Account) -> Callable[[BucketPolicy], Iterator[Outcome]]:
    def test(policy: BucketPolicy) -> Iterator[Outcome]:
        text = known(policy.document)
        if text is None:
            return
        arn, name = _arn(account, policy.bucket), f"bucket {quoted(policy.bucket)}"
        outcome = _judged(arn, name, text, "s3:GetBucketPolicy")
        if isinstance(outcome, Fail) and _restricted(account, policy.bucket):
            message = (
                f"the policy of {name} opens it to everyone, but RestrictPublicBuckets blocks that"
            )
            outcome = Pass(arn, message)
        yield outcome

    return test


def _judged(arn: str, name: str, text: str, call: str, region: str | None = None) -> Outcome:
    """Whether the policy lets strangers in, with a stranger's request that it allows."""
    policy = policy_of(text, call)
    if not any(map(_may_open, policy.statements)):
        return Pass(arn, f"the policy of {name} does not let strangers in", region)
    search = _search(name, text, call)
    if search.requests:
        request = search.requests[0]["request"]
        keys = ", ".join(sorted(request.get("context", {})))
        with_keys = f" with a suitable {quoted(keys)}" if keys else ""
        message = f"the policy of {name} lets anyone call {quoted(request['action'])}{with_keys}"
        return Fail(arn, message, region)
    if search.is_none and _search(name, _without_denials(policy), call).requests:
        message = f"the policy of {name} keeps strangers out with a Deny"
        return Pass(arn, message, region)
    why = (
        "; ".join(search.open)
        or "no such request was found, but neither a condition nor a Deny explains why"
    )
    raise NotCollected(
        f"whether the policy of {name} lets strangers in could not be proved: {why}",
        call=call,
        code="not proved",
    )


def _search(name: str, policy: object, call: str) -> SearchResult:
    # Heavy, and only for accounts that have such policies.
    from aws_iam.engine.comparison import forbidden_access

    try:
        return forbidden_access.public_requests(policy, most=1)
    except InputError as error:
        raise NotCollected(
            f"the policy of {name}: {error.message}", call=call, code="unreadable document"
        ) from None


def _without_denials(policy: Policy) -> object:
    """The policy without its Deny statements."""
    value = plain(policy)
    body = value["Statement"]
    listed = body if isinstance(body, list) else [body]
    return value | {
        "Statement": [statement for statement in listed if statement.get("Effect") != "Deny"]
    }


def _may_open(statement: Statement) -> bool:
    everyone = any(principal.is_everyone for principal in statement.principals)
    return (
        statement.allows
        and (everyone or statement.has("NotPrincipal"))
        and not is_closed_to_strangers(statement)
    )


def _restricted(account: Account, bucket: str) -> bool:
    """Whether RestrictPublicBuckets is on for the account or the bucket."""
    of_account = account.get(ACCOUNT_BLOCK)
    if not isinstance(of_account, Miss) and of_account.restrict_public_buckets:
        return True
    for fact in account.require(BUCKET_BLOCKS):
        if fact.bucket == bucket and known(fact.block).restrict_public_buckets:
            return True
    known(of_account)
    return False


def _arn(account: Account, bucket: str) -> str:
    return f"arn:{account.partition}:s3:::{bucket}"
