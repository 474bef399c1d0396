"""Callers that are no principal of the estate and that the policy of a resource may let in.

outside_callers(estate, "s3:GetObject", "arn:aws:s3:::books/x")   →   other accounts, services, identities of providers, anyone
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.storage.buckets import ACCOUNT_BLOCK, BUCKET_BLOCKS
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.principals.outside_trust import principal_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Principal, Statement
    from aws_iam.tools.audit.access.estate import Estate, Member

Sort = Literal["outsider", "service", "anyone"]
# An account that AWS uses in its documentation and gives to nobody.
_NOBODYS = "123456789012"
_ACCOUNT = re.compile(r"\d{12}")
_NAMED_BY_CONDITION = frozenset({"aws:principalarn", "aws:principalaccount"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideCaller:
    """A caller to ask for: `name` is what the answer calls it, `arn` what the request has; `why_unknown` if none can be asked."""

    name: str
    sort: Sort
    arn: str = ""
    why_unknown: str = ""


def outside_callers(estate: Estate, action: str, resource: str) -> Iterator[OutsideCaller]:
    """The callers that the statements of the resource's policy speak of, each once."""
    text = estate.policy_of(action, resource).text
    if text is None:
        return
    try:
        policy = one_policy(text, Kind.TRUST if ":role/" in resource else Kind.RESOURCE)
    except InputError:
        # The decision says that the policy cannot be read.
        return
    found: dict[OutsideCaller, None] = {}
    for statement in policy.statements:
        if statement.allows and IndexedStatement.of(statement).takes(action.lower()):
            found |= dict.fromkeys(_callers(statement, estate, resource))
    yield from found


def _callers(statement: Statement, estate: Estate, resource: str) -> Iterator[OutsideCaller]:
    if statement.has("NotPrincipal"):
        yield OutsideCaller(
            name="*",
            sort="outsider",
            why_unknown="AWS no longer supports NotPrincipal with Allow",
        )
        return
    partition = resource.split(":")[1] if resource.startswith("arn:") else "aws"
    for principal in statement.principals:
        yield from _caller(principal, estate, partition)
    if any(principal.is_everyone for principal in statement.principals):
        yield from _named_by_conditions(statement, estate, partition)


def _caller(principal: Principal, estate: Estate, partition: str) -> Iterator[OutsideCaller]:
    value = principal.value
    if principal.is_everyone:
        stranger = f"arn:{partition}:iam::{_NOBODYS}:user/somebody"
        yield OutsideCaller(name="*", sort="anyone", arn=stranger)
    elif principal.type == "Service":
        yield OutsideCaller(name=value, sort="service", arn=value)
    elif principal.type == "Federated":
        yield OutsideCaller(name=value, sort="outsider", arn=value)
    elif principal.type == "CanonicalUser":
        yield OutsideCaller(
            name=value, sort="outsider", why_unknown="whose canonical user id it is is not known"
        )
    else:
        account = principal_account(principal)
        if account and account not in estate.members:
            is_account = value == account or value.endswith(":root")
            arn = f"arn:{partition}:iam::{account}:root" if is_account else value
            yield OutsideCaller(name=arn, sort="outsider", arn=arn)


def _named_by_conditions(
    statement: Statement, estate: Estate, partition: str
) -> Iterator[OutsideCaller]:
    """Callers that only a condition of a statement for everyone names."""
    for condition in statement.conditions:
        if condition.name not in _NAMED_BY_CONDITION:
            continue
        for written in condition.values:
            text = written.value
            if _ACCOUNT.fullmatch(text):
                name = f"arn:{partition}:iam::{text}:root"
            else:
                fields = text.split(":", 5)
                if len(fields) > 4 and set(fields[4]) & set("*?"):  # noqa: PLR2004 - the account of an ARN
                    fields[4] = _NOBODYS
                name = ":".join(fields)
            arn = Arn.of(name.replace("*", "x").replace("?", "x"))
            if arn and _ACCOUNT.fullmatch(arn.account) and arn.account not in estate.members:
                yield OutsideCaller(
                    name=text if ":" in text else name, sort="outsider", arn=str(arn)
                )


def keeps_public_out(owner: Member | None, resource: str) -> bool | None:
    """Whether RestrictPublicBuckets cuts off what a public policy of the bucket lets in; None where that is not known."""
    found = Arn.of(resource)
    if owner is None or found is None or found.service != "s3":
        return False
    bucket = found.resource.partition("/")[0]
    of_account = owner.account.get(ACCOUNT_BLOCK)
    if not isinstance(of_account, Miss) and of_account.restrict_public_buckets:
        return True
    blocks = owner.account.get(BUCKET_BLOCKS)
    own = (
        None if isinstance(blocks, Miss) else next((b for b in blocks if b.bucket == bucket), None)
    )
    if own is not None and not isinstance(own.block, Miss) and own.block.restrict_public_buckets:
        return True
    is_known = (
        not isinstance(of_account, Miss) and own is not None and not isinstance(own.block, Miss)
    )
    return False if is_known else None
