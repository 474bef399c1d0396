"""Confused deputies: trust in accounts and services that act for many customers, not tied to one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_fixed, keeps_strangers_out, never_holds
from aws_iam.engine.language.document import Condition, Kind, Policy, Principal, Statement
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.source_conditions import source_note, source_page
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with, trusting
from aws_iam.rules.outcomes import Fail
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRUST = (Kind.TRUST,)
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_EXTERNAL_ID = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
)


_PARTNER = {"AWS": "arn:aws:iam::444455556666:root"}
_ID = {"StringEquals": {"sts:ExternalId": "a1b2c3"}}
_OURS = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
# Conditions on these keys do not keep strangers out.
_NEUTRAL = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:securetransport"}
)
# All principals of an account, and often many more, have the same values of these keys.
_OF_ALL_PRINCIPALS = {
    "aws:principalorgid": "the organization",
    "aws:principalorgpaths": "the organizational unit",
    "aws:principalaccount": "the account",
}
_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?([0-9]{12})(?::root)?")
_OWNER = re.compile(r"arn:[^:]+:(?:iam|sts)::([0-9]{12}):.+")
_GITHUB = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"


def _is_narrowed(statement: Statement) -> bool:
    """Whether a condition requires more of the caller than a time, a Region or TLS, or its account or organization."""
    return any(
        condition.demanded
        and condition.name not in _NEUTRAL
        and condition.name not in _OF_ALL_PRINCIPALS
        and not _accepts_all(condition)
        for condition in statement.conditions
    )


def _accepts_all(condition: Condition) -> bool:
    """Whether one of the values is a pattern that matches everything."""
    return "Like" in condition.base and any(
        value.value and not value.value.strip("*?") for value in condition.values
    )


def _account(principal: Principal) -> str:
    """The account that is trusted as a whole; empty for a single user or role, and for other types."""
    match = _ACCOUNT.fullmatch(principal.value) if principal.type == "AWS" else None
    return match[1] if match else ""


def _owner(principal: Principal) -> str:
    """The account that the principal belongs to."""
    match = _OWNER.fullmatch(principal.value)
    return _account(principal) or (match[1] if match else "")


def _own_accounts(policy: Policy) -> set[str]:
    """The role's own account, where the policy shows it: an identity provider belongs to the role's account."""
    principals = (
        principal for statement in policy.statements for principal in statement.principals
    )
    return {_owner(principal) for principal in principals if principal.type == "Federated"} - {""}


def _allows_assuming(statement: Statement) -> bool:
    return statement.allows and any(
        matches(action.value, "sts:AssumeRole", ignore_case=True) for action in statement.actions
    )


@check(
    "TRUST_IN_ACCOUNT_WITHOUT_CONDITION",
    on=Policy,
    severity=Severity.SUGGESTION,
    title="A whole account is trusted without a condition",
    fix="For a third party, require the external id that it gave you (sts:ExternalId); for your own account, name the roles.",
    source=_EXTERNAL_ID,
    kinds=_TRUST,
    bad=[
        policy_with(trusting(_PARTNER)),
        policy_with(trusting({"AWS": ["111122223333", "444455556666"]})),
        policy_with(trusting(_PARTNER, condition=_OURS)),
    ],
    good=[
        policy_with(trusting(_PARTNER, condition=_ID)),
        policy_with(trusting({"AWS": "arn:aws:iam::444455556666:role/scanner"})),
        policy_with(
            {**trusting({"Federated": _GITHUB}), "Action": "sts:AssumeRoleWithWebIdentity"},
            trusting({"AWS": "111122223333"}),
        ),
    ],
)
def whole_account(policy: Policy) -> Iterator[Fail]:
    """A third party that serves many customers can be tricked into using your role for another customer; an external id prevents that.

    False alarm when the account is your own.
    """
    principals = [
        principal for statement in policy.statements for principal in statement.principals
    ]
    own = _own_accounts(policy)
    owners = {_owner(principal) for principal in principals if principal.type == "AWS"} - {""}
    # A policy does not say which account it belongs to: a single account may well be the role's own.
    unknown = not own and len(owners) == 1
    doubt = "; a false alarm if this is the role's own account" if unknown else ""
    for statement in policy.statements:
        if not _allows_assuming(statement) or _is_narrowed(statement):
            continue
        for principal in statement.principals:
            account = _account(principal)
            if account and account not in own:
                yield Fail(
                    principal.name.where,
                    f"{quoted(account)} is trusted as a whole: every principal that it permits can assume"
                    f" the role, and no condition limits that{doubt}",
                    low_confidence=unknown,
                )


@check(
    "TRUST_IN_ORGANIZATION",
    on=Statement,
    severity=Severity.WARNING,
    title="Every principal of an organization or account can assume the role",
    fix="Name the accounts or roles in Principal, or add ArnLike on aws:PrincipalArn with the names of the roles.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid",
    kinds=_TRUST,
    bad=[
        trusting({"AWS": "*"}, condition=_OURS),
        trusting(
            {"AWS": "*"},
            condition={
                "ForAnyValue:StringLike": {
                    "aws:PrincipalOrgPaths": "o-exampleorg/r-ab12/ou-ab12-11111111/*"
                }
            },
        ),
        trusting(
            {"AWS": "*"}, condition={"StringEquals": {"aws:PrincipalAccount": "444455556666"}}
        ),
    ],
    good=[
        trusting(
            {"AWS": "*"},
            condition={**_OURS, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deploy"}},
        ),
        trusting(_PARTNER, condition=_OURS),
    ],
)
def whole_organization(statement: Statement) -> Iterator[Fail]:
    """The administrator of any account of the organization decides who gets the role's permissions there.

    False alarm when the role is meant for everyone in the organization.
    """
    if not _allows_assuming(statement) or _is_narrowed(statement):
        return
    if any(map(never_holds, statement.conditions)):
        return
    closing = [condition for condition in statement.conditions if keeps_strangers_out(condition)]
    for principal in statement.principals if closing else ():
        if principal.type == "AWS" and principal.is_everyone:
            values = joined([quoted(value.value, 60) for value in closing[0].values], shown=2)
            yield Fail(
                principal.name.where,
                f"`*` and {quoted(closing[0].key.value)}: every principal of {_OF_ALL_PRINCIPALS[closing[0].name]}"
                f" {values} whose own policies permit it can assume the role",
            )


@check(
    "EXTERNAL_ID_NOT_DEMANDED",
    on=Statement,
    severity=Severity.WARNING,
    title="The role can be assumed without the external id",
    fix="Use StringEquals with the agreed id, without IfExists, ForAllValues, Not or a wildcard.",
    source=_EXTERNAL_ID,
    kinds=_TRUST,
    bad=[
        trusting(_PARTNER, condition={"StringEqualsIfExists": {"sts:ExternalId": "a1b2c3"}}),
        trusting(_PARTNER, condition={"ForAllValues:StringEquals": {"sts:ExternalId": "a1b2c3"}}),
        trusting(_PARTNER, condition={"StringLike": {"sts:ExternalId": "*"}}),
    ],
    good=[
        trusting(_PARTNER, condition=_ID),
        {
            **trusting(_PARTNER, condition={"StringNotEquals": {"sts:ExternalId": "a1b2c3"}}),
            "Effect": "Deny",
        },
    ],
)
def optional_external_id(statement: Statement) -> Iterator[Fail]:
    """A caller that sends no external id, or one that it made up, meets the condition, so a confused deputy is not stopped.

    False alarm when another statement denies calls without the agreed id.
    """
    tested = statement.conditions_on("sts:externalid") if statement.allows else ()
    if any(other.demanded and not _accepts_all(other) for other in tested):
        return
    for condition in tested:
        if condition.base == "Null":
            continue
        effect = "also holds for a call without an external id"
        if condition.demanded:
            effect = "accepts every external id, so the caller can make one up"
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} {effect}",
        )


_SOURCE = frozenset(
    {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
)
# Rules of their own judge trust in these.
_JUDGED_ELSEWHERE = frozenset({"pods.eks.amazonaws.com", "rolesanywhere.amazonaws.com"})


def _is_tied(statement: Statement) -> bool:
    """Whether a condition ties the role to some source, or narrows the trust in another way."""
    on_source = [c for c in statement.conditions if c.name in _SOURCE]
    if any(map(keeps_strangers_out, on_source)):
        return True
    return any(
        condition.demanded
        and condition.name not in _SOURCE | _NEUTRAL
        and condition.name not in _OF_ALL_PRINCIPALS
        and not _accepts_all(condition)
        for condition in statement.conditions
    )


def services_not_judged(policy: Policy) -> tuple[str, ...]:
    """The services that can assume the role without a source condition, and of which no page is known to ask for one."""
    return tuple(
        dict.fromkeys(
            principal.value
            for statement in policy.statements
            if _allows_assuming(statement) and not _is_tied(statement)
            for principal in statement.principals
            if principal.type == "Service"
            and principal.value not in _JUDGED_ELSEWHERE
            and not source_page(principal.value)
            and not _open_source(statement)
        )
    )


def _open_source(statement: Statement) -> Condition | None:
    """A condition on the source that every account meets."""
    return next((c for c in statement.conditions if c.name in _SOURCE and c.demanded), None)


@check(
    "TRUST_WITHOUT_SOURCE_CONDITION",
    on=Statement,
    severity=Severity.SUGGESTION,
    title="A service can assume the role on behalf of any account",
    fix="Add StringEquals on aws:SourceAccount, or ArnLike on aws:SourceArn, as the service's documentation asks.",
    source=_DEPUTY,
    kinds=_TRUST,
    bad=[
        trusting({"Service": "scheduler.amazonaws.com"}),
        trusting({"Service": "vpc-flow-logs.amazonaws.com"}),
        trusting(
            {"Service": "scheduler.amazonaws.com"},
            condition={"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:*:*"}},
        ),
    ],
    good=[
        trusting(
            {"Service": "scheduler.amazonaws.com"},
            condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
        ),
        trusting({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
    ],
)
def source_not_required(statement: Statement) -> Iterator[Fail]:
    """The service works for all accounts, so its documentation asks for a condition that ties the role to yours.

    False alarm when the service does not send these keys when it assumes the role.
    """
    if not _allows_assuming(statement) or _is_tied(statement):
        return
    wide = _open_source(statement)
    for principal in statement.principals if wide else ():
        if wide and principal.type == "Service" and principal.value not in _JUDGED_ELSEWHERE:
            value = next(v for v in wide.values if not is_fixed(wide.name, v.value))
            yield Fail(
                value.where,
                f"{quoted(value.value)} of {quoted(wide.key.value)} names no account, so {quoted(principal.value)}"
                " can assume the role for any account",
                fix="Write the account into aws:SourceArn, or add StringEquals on aws:SourceAccount.",
            )
    for principal in () if wide else statement.principals:
        page = source_page(principal.value) if principal.type == "Service" else ""
        if page:
            note = source_note(principal.value)
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} can assume the role for any account: its documentation asks for"
                f" aws:SourceAccount or aws:SourceArn in this trust policy ({page}){f'; {note}' if note else ''}",
                low_confidence=bool(note),
            )
