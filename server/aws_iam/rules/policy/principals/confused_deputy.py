"""Roles that others take on somebody's behalf: trust in accounts and services that does not ask on whose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Kind, Policy, Principal, Statement
from aws_iam.engine.language.pattern import matches
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with, trusting
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TRUST = (Kind.TRUST,)
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_EXTERNAL_ID = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
)


_PARTNER = {"AWS": "arn:aws:iam::444455556666:root"}
_ID = {"StringEquals": {"sts:ExternalId": "a1b2c3"}}
# Conditions on these keep no stranger out.
_NEUTRAL = frozenset(
    {"aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:securetransport"}
)
_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?([0-9]{12})(?::root)?")
_OWNER = re.compile(r"arn:[^:]+:(?:iam|sts)::([0-9]{12}):.+")
_GITHUB = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"


def _is_narrowed(statement: Statement) -> bool:
    """Whether some condition asks more of the caller than a condition on time or transport."""
    return any(
        condition.demanded and condition.name not in _NEUTRAL and not _takes_any(condition)
        for condition in statement.conditions
    )


def _takes_any(condition: Condition) -> bool:
    """Whether one of the values is a pattern of everything, so that all of the key's values are taken."""
    return "Like" in condition.base and any(
        value.value and not value.value.strip("*?") for value in condition.values
    )


def _account(principal: Principal) -> str:
    """The account that a principal stands for as a whole; empty for one of its members and for all others."""
    found = _ACCOUNT.fullmatch(principal.value) if principal.type == "AWS" else None
    return found[1] if found else ""


def _owner(principal: Principal) -> str:
    """The account that the principal is of."""
    found = _OWNER.fullmatch(principal.value)
    return _account(principal) or (found[1] if found else "")


def _own(policy: Policy) -> set[str]:
    """The role's own account, where the policy tells it: identity providers are of the role's account."""
    principals = (
        principal for statement in policy.statements for principal in statement.principals
    )
    return {_owner(principal) for principal in principals if principal.type == "Federated"} - {""}


def _takes(statement: Statement) -> bool:
    return statement.allows and any(
        matches(action.value, "sts:AssumeRole", ignore_case=True) for action in statement.actions
    )


@check(
    "TRUST_IN_ACCOUNT_WITHOUT_CONDITION",
    on=Policy,
    severity=Severity.SUGGESTION,
    title="A whole account is trusted without any condition",
    fix="For a third party ask for its external id (sts:ExternalId); for an account of yours name the roles, or add aws:PrincipalOrgID.",
    source=_EXTERNAL_ID,
    kinds=_TRUST,
    bad=[
        policy_with(trusting(_PARTNER)),
        policy_with(trusting({"AWS": ["111122223333", "444455556666"]})),
    ],
    good=[
        policy_with(trusting(_PARTNER, condition=_ID)),
        policy_with(
            trusting(_PARTNER, condition={"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}})
        ),
        policy_with(trusting({"AWS": "arn:aws:iam::444455556666:role/scanner"})),
        policy_with(
            {**trusting({"Federated": _GITHUB}), "Action": "sts:AssumeRoleWithWebIdentity"},
            trusting({"AWS": "111122223333"}),
        ),
    ],
)
def whole_account(policy: Policy) -> Iterator[Fail]:
    """A third party that works for many customers can be led to take your role for another customer; the external id tells them apart.

    Wrong where the account is your own.
    """
    principals = [named for statement in policy.statements for named in statement.principals]
    own = _own(policy)
    owners = {_owner(named) for named in principals if named.type == "AWS"} - {""}
    # A policy does not say whose it is: one account alone may well be the role's own.
    unknown = not own and len(owners) == 1
    doubt = ", if the account is not the role's own" if unknown else ""
    for statement in policy.statements:
        if not _takes(statement) or _is_narrowed(statement):
            continue
        for principal in statement.principals:
            account = _account(principal)
            if account and account not in own:
                yield Fail(
                    principal.name.where,
                    f"everybody whom {quoted(account)} lets may take the role: ask for an external id"
                    f" or name the roles{doubt}",
                    low_confidence=unknown,
                )


@check(
    "EXTERNAL_ID_NOT_DEMANDED",
    on=Statement,
    severity=Severity.WARNING,
    title="The role can be taken without the external id",
    fix="Write StringEquals with the id that was agreed on, without IfExists, without Not and without a wildcard.",
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
def id_optional(statement: Statement) -> Iterator[Fail]:
    """Whoever leaves the id out, or makes one up, meets the condition, and that is what a confused deputy does."""
    tested = statement.conditions_on("sts:externalid") if statement.allows else ()
    if any(other.demanded and not _takes_any(other) for other in tested):
        return
    for condition in tested:
        if condition.base == "Null":
            continue
        said = "also holds for a call without external id"
        if condition.demanded:
            said = "holds for every external id: whoever calls may make one up"
        yield Fail(
            condition.operator.where,
            f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} {said}",
        )


_STEP = "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html"
_SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html"
_GUARDED: Mapping[str, str] = {
    "autoscaling.amazonaws.com": "https://docs.aws.amazon.com/autoscaling/ec2/userguide/cross-service-confused-deputy-prevention.html",
    "bedrock.amazonaws.com": "https://docs.aws.amazon.com/bedrock/latest/userguide/agents-permissions.html",
    "fis.amazonaws.com": "https://docs.aws.amazon.com/fis/latest/userguide/getting-started-iam-service-role.html",
    "personalize.amazonaws.com": "https://docs.aws.amazon.com/personalize/latest/dg/cross-service-confused-deputy-prevention.html",
    "scheduler.amazonaws.com": _SCHEDULER,
    "states.amazonaws.com": _STEP,
    "vpc-flow-logs.amazonaws.com": "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
}
"""Services whose page on their role asks for the guard in its trust policy, with that page.

Services whose pages do not (Amazon EC2, AWS Lambda and many more) are not in it: some send no source at all, and the
condition would lock them out.
"""


@check(
    "TRUST_WITHOUT_SOURCE_CONDITION",
    on=Statement,
    severity=Severity.SUGGESTION,
    title="A service may take the role on behalf of anyone",
    fix="Add StringEquals on aws:SourceAccount, or ArnLike on aws:SourceArn, as the service's documentation asks.",
    source=_DEPUTY,
    kinds=_TRUST,
    bad=[
        trusting({"Service": "scheduler.amazonaws.com"}),
        trusting({"Service": "vpc-flow-logs.amazonaws.com"}),
    ],
    good=[
        trusting(
            {"Service": "scheduler.amazonaws.com"},
            condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
        ),
        trusting({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
    ],
)
def source_unasked(statement: Statement) -> Iterator[Fail]:
    """The service works for all accounts; its documentation asks to bind the role to yours.

    Wrong where the service does not send these keys when it assumes the role.
    """
    if not _takes(statement) or _is_narrowed(statement):
        return
    for principal in statement.principals:
        page = _GUARDED.get(principal.value) if principal.type == "Service" else None
        if page:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)}: its documentation asks for aws:SourceAccount or"
                f" aws:SourceArn in this trust policy ({page})",
            )
