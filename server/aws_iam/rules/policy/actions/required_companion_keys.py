"""Conditions that work only with another condition key, or with an action that supplies their key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.reachable import named_actions
from aws_iam.engine.algebra.text_sets import Effort
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Kind, Policy, Statement
from aws_iam.engine.language.pattern import covers, intersects
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow, policy_with
from aws_iam.rules.gates import at_condition, at_keys
from aws_iam.rules.outcomes import Fail, ended_early

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.rules.outcomes import Outcome


def _read_if(condition: Mapping[str, object]) -> Example:
    return allow("s3:GetObject", OBJECTS, condition)


_VPC_IP = {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"}}
_IN_VPC = {"StringEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"}}
# The key, its companion keys (one is enough), and whether AWS's page on the key requires them explicitly.
_COMPANIONS = (
    ("aws:vpcsourceip", ("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"), True),
    ("aws:ec2instancesourceprivateipv4", ("aws:ec2instancesourcevpc",), False),
)


def _is_chosen_by_caller(condition: Condition) -> bool:
    key = catalog().condition_key(condition.key.value)
    return key is not None and key.caller_controlled


def _belongs_to_some_actions(condition: Condition) -> bool:
    """Whether the key belongs to a service and the reference lists it for some of the service's actions."""
    prefix = condition.name.partition(":")[0]
    # `IfExists` allows for actions without the key. Global keys may be in the request for any action.
    if condition.if_exists or condition.name in global_keys():
        return False
    # If the reference lists the key for no action at all, the reference is incomplete, not the policy.
    return prefix not in _INCOMPLETE and bool(actions_with_key(prefix, condition.name))


@check(
    "MISSING_PAIRED_CONDITION_KEYS",
    on=Statement,
    when=(at_keys(*(key for key, _, _ in _COMPANIONS)),),
    severity=Severity.SECURITY_WARNING,
    title="A condition compares a private IP address without the VPC",
    fix="Add a condition on aws:SourceVpc (or aws:Ec2InstanceSourceVpc) to the same statement.",
    bad=[_read_if(_VPC_IP)],
    good=[_read_if({**_VPC_IP, **_IN_VPC})],
)
def address_without_network(statement: Statement) -> Iterator[Fail]:
    """Private addresses are reused from VPC to VPC, so an instance in anybody's VPC may have the same address.

    False alarm when another statement of the policy denies requests from other VPCs.
    """
    for key, companions, certain in _COMPANIONS:
        for condition in statement.conditions_on(key):
            # Compared with another key of the request, the address identifies one instance:
            # https://aws.amazon.com/blogs/security/how-to-use-policies-to-restrict-where-ec2-instance-credentials-can-be-used-from/
            if not certain and all("${" in value.value for value in condition.values):
                continue
            if not statement.conditions_on(*companions):
                yield Fail(
                    condition.key.where,
                    f"{quoted(condition.key.value)} is compared, but no condition names the VPC of the address",
                    low_confidence=not certain,
                )


_DENY_IAM = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
_WITHOUT_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
_NO_MFA_KEY = {"Null": {"aws:MultiFactorAuthAge": "true"}}


@check(
    "DENY_MISSES_LONG_TERM_KEYS",
    on=Policy,
    when=(at_keys("aws:multifactorauthpresent"),),
    severity=Severity.WARNING,
    title="The Deny without MFA does not apply to users' access keys",
    fix='Write "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}.',
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent",
    bad=[
        policy_with({**_DENY_IAM, "Condition": _WITHOUT_MFA}),
        policy_with(
            {**_DENY_IAM, "Condition": {"StringEquals": {"aws:MultiFactorAuthPresent": "false"}}}
        ),
    ],
    good=[
        policy_with(
            {**_DENY_IAM, "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
        ),
        policy_with({**_DENY_IAM, "Condition": _NO_MFA_KEY}),
        policy_with(
            {**_DENY_IAM, "Condition": _WITHOUT_MFA},
            {**_DENY_IAM, "Action": "*", "Condition": _NO_MFA_KEY},
        ),
    ],
)
def keyless_pass(policy: Policy) -> Iterator[Outcome]:
    """Requests signed with a user's access key lack this condition key, so the condition is false and nothing is denied.

    False alarm when no principal with this policy has access keys, or when another policy denies requests without the
    condition key.
    """
    incomplete = [
        (statement, condition)
        for statement in policy.statements
        if (condition := _condition_that_needs_key(statement))
    ]
    complete = [
        statement
        for statement in policy.statements
        if incomplete and _denies_without_key(statement)
    ]
    effort = Effort(_EFFORT)
    for statement, condition in incomplete:
        if effort.is_spent:
            break
        if not any(_is_within(statement, other, effort) for other in complete):
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} does not deny requests signed"
                " with a user's access key: they lack this condition key",
            )
    if incomplete:
        yield from ended_early(
            effort,
            incomplete[0][0],
            "some Denies without MFA were not compared with the others",
        )


_OPERATORS_THAT_NEED_KEY = frozenset(
    {"Bool", "StringEquals", "StringEqualsIgnoreCase", "StringLike"}
)


def _condition_that_needs_key(statement: Statement) -> Condition | None:
    """The condition of a Deny without MFA that is false when the request lacks the key."""
    if not statement.denies or any(condition.base == "Null" for condition in statement.conditions):
        return None
    return next(
        (
            condition
            for condition in statement.conditions_on("aws:multifactorauthpresent")
            if condition.operator.value in _OPERATORS_THAT_NEED_KEY
            and [value.value.lower() for value in condition.values] == ["false"]
        ),
        None,
    )


# Bounds the comparison of statements with each other; a policy has one or two such Denies.
_EFFORT = 200_000


def _denies_without_key(statement: Statement) -> bool:
    """Whether the statement denies every request without the MFA keys, with no condition on other keys."""
    return statement.denies and all(
        condition.name in _MFA_KEYS and _holds_without_key(condition)
        for condition in statement.conditions
    )


_MFA_KEYS = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})


def _holds_without_key(condition: Condition) -> bool:
    values = [value.value.lower() for value in condition.values]
    if condition.base == "Null":
        return values == ["true"]
    return condition.negated or condition.if_exists


def _is_within(inner: Statement, outer: Statement, effort: Effort) -> bool:
    """Whether the outer statement, ignoring conditions, has all actions and resources of the inner one.

    Yes when the effort is used up: what cannot be compared is not reported.
    """
    return not effort.spend(_pairs(inner, outer)) or (
        _contains(inner.actions, inner.not_actions, outer.actions, outer.not_actions)
        and _contains(inner.resources, inner.not_resources, outer.resources, outer.not_resources)
    )


def _pairs(a: Statement, b: Statement) -> int:
    """The most pairs of entries that are compared."""
    actions, others = ((*s.actions, *s.not_actions) for s in (a, b))
    resources, more = ((*s.resources, *s.not_resources) for s in (a, b))
    return 1 + len(actions) * len(others) + len(resources) * len(more)


def _contains(
    inner: Sequence[Text],
    inner_excluded: Sequence[Text],
    outer: Sequence[Text],
    outer_excluded: Sequence[Text],
) -> bool:
    """Whether the outer element contains the inner one; each is a list, or everything except a list."""
    if not (inner or inner_excluded):
        return not (outer or outer_excluded)
    if outer:
        # Only `*` contains everything except a list.
        entries = [entry.value for entry in inner] or ["*"]
        return all(any(_covers(wide, entry) for wide in outer) for entry in entries)
    if inner_excluded:
        return all(
            any(_covers(wide, entry.value) for wide in inner_excluded) for entry in outer_excluded
        )
    return not any(
        intersects(entry.value, excluded.value, ignore_case=True)
        for entry in inner
        for excluded in outer_excluded
    )


def _covers(wide: Text, entry: str) -> bool:
    return covers(wide.value, entry, ignore_case=True)


_SELECT = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
_READ = {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "*"}
_ATTRIBUTES = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "name"]}}


@check(
    "DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
    on=Statement,
    when=(at_keys("dynamodb:attributes"),),
    severity=Severity.SECURITY_WARNING,
    title="A condition limits dynamodb:Attributes without dynamodb:Select",
    fix='Add "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}.',
    kinds=IDENTITY_KINDS,
    bad=[{**_READ, "Condition": _ATTRIBUTES}],
    good=[{**_READ, "Condition": {**_ATTRIBUTES, "StringEquals": _SELECT}}],
)
def attributes_without_select(statement: Statement) -> Iterator[Fail]:
    """A request that names no attributes meets the condition and gets all of them.

    False alarm when another statement of the policy denies such requests.
    """
    selects = statement.conditions_on("dynamodb:select")
    for condition in statement.conditions_on("dynamodb:attributes"):
        if not any(
            value.value == "SPECIFIC_ATTRIBUTES" for select in selects for value in select.values
        ):
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is limited, but no condition requires `SPECIFIC_ATTRIBUTES` for"
                " `dynamodb:Select`",
            )


@check(
    "UNTRUSTWORTHY_CONDITION_KEY",
    on=Statement,
    when=(at_condition(_is_chosen_by_caller),),
    severity=Severity.SECURITY_WARNING,
    title="The condition trusts a value that the caller chooses",
    fix="Use a key that AWS sets, such as aws:PrincipalArn, aws:SourceArn or aws:SourceVpce.",
    bad=[_read_if({"StringLike": {"aws:UserAgent": "*backup-tool*"}})],
    good=[_read_if({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}})],
)
def caller_writes_key(statement: Statement) -> Iterator[Fail]:
    """A caller can send any value for such a key, so the condition keeps nobody out.

    An AWS service is no such caller: it writes the account that it acts for into `aws:Referer`. False alarm when another
    condition of the statement already limits access.
    """
    principals = {principal.type for principal in statement.principals}
    judged = statement.allows and principals != {"Service"}
    for condition in statement.conditions if judged else ():
        key = catalog().condition_key(condition.key.value)
        if key and key.caller_controlled:
            # AWS warns about these keys on their page; it does not publish the list that its own check uses.
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} has whatever value the caller sends",
                low_confidence=True,
            )


_SOURCES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
_RCP = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
_OTHER_ORG = {"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-exampleorg"}}
_BY_SERVICE = {"Bool": {"aws:PrincipalIsAWSService": "true"}}
_HAS_SOURCE = {"Null": {"aws:SourceAccount": "false"}}


def _has_value(statement: Statement, key: str, value: str, base: str) -> bool:
    return any(
        condition.base == base and [text.value.lower() for text in condition.values] == [value]
        for condition in statement.conditions_on(key)
    )


def _source_conditions(statement: Statement) -> tuple[Condition, ...]:
    """The conditions of a Deny on the source of a service's call, except Null."""
    conditions = statement.conditions_on(*_SOURCES) if statement.denies else ()
    return tuple(condition for condition in conditions if condition.base != "Null")


@check(
    "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
    on=Statement,
    when=(at_keys(*_SOURCES),),
    severity=Severity.WARNING,
    title="The statement also denies callers that are not AWS services",
    fix='Add "Bool": {"aws:PrincipalIsAWSService": "true"}.',
    kinds=(Kind.RCP,),
    bad=[{**_RCP, "Condition": {**_OTHER_ORG, **_HAS_SOURCE}}],
    good=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE, **_HAS_SOURCE}}],
)
def people_denied(statement: Statement) -> Iterator[Fail]:
    """Only calls by AWS services have a source; the Deny also applies to all other callers, because they have none.

    False alarm when another condition is not true for callers that are not AWS services.
    """
    conditions = _source_conditions(statement)
    if conditions and not _has_value(statement, "aws:principalisawsservice", "true", "Bool"):
        key = conditions[0].key
        yield Fail(
            key.where,
            f"{quoted(key.value)} is only in calls by AWS services, and no condition on `aws:PrincipalIsAWSService` limits the Deny to them",
        )


@check(
    "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
    on=Statement,
    when=(at_keys(*_SOURCES),),
    severity=Severity.WARNING,
    title="The statement also denies service calls without a source",
    fix='Add "Null": {"aws:SourceAccount": "false"}.',
    kinds=(Kind.RCP,),
    bad=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE}}],
    good=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE, **_HAS_SOURCE}}],
)
def sourceless_denied(statement: Statement) -> Iterator[Fail]:
    """Some calls by AWS services have no source; without the Null condition the Deny applies to them, too.

    False alarm when these calls are meant to be denied, or when the conditions are not true for them.
    """
    conditions = _source_conditions(statement)
    has_null_check = any(
        _has_value(statement, key, "false", "Null")
        for key in ("aws:sourceaccount", "aws:sourcearn")
    )
    if conditions and not has_null_check:
        key = conditions[0].key
        yield Fail(
            key.where,
            f"{quoted(key.value)} is missing in some calls by AWS services, and no `Null` condition exempts them",
        )


# The reference of these services does not list all actions of a key.
_INCOMPLETE = frozenset({"aws-marketplace"})


@check(
    "KEY_NOT_SUPPORTED_BY_ACTION",
    on=Statement,
    when=(at_condition(_belongs_to_some_actions),),
    severity=Severity.WARNING,
    title="The condition key is not available for an action of the statement",
    fix="Move the action to a statement without this condition.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    bad=[
        _read_if({"StringLike": {"s3:prefix": "home/*"}}),
        {
            "Effect": "Allow",
            "Action": "ec2:DescribeInstances",
            "Resource": "*",
            "Condition": {"StringEquals": {"ec2:ResourceTag/team": "blue"}},
        },
        {
            "Effect": "Allow",
            "Action": ["iam:PassRole", "ec2:RunInstances"],
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        },
    ],
    good=[
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket",
            "Condition": {"StringLike": {"s3:prefix": "home/*"}},
        },
        _read_if({"StringLikeIfExists": {"s3:prefix": "home/*"}}),
    ],
)
def key_of_other_action(statement: Statement) -> Iterator[Fail]:
    """Requests for the action lack the key, so a positive condition is never true and a negated one, or one for all values, always is.

    False alarm when AWS supplies the key for the action although its reference does not say so.
    """
    for condition in statement.conditions:
        if not _belongs_to_some_actions(condition):
            continue
        prefix = condition.name.partition(":")[0]
        supported = actions_with_key(prefix, condition.name)
        without = [
            action.full_name
            for action in named_actions(statement)
            if action.full_name.lower() not in supported
            and (action.service == prefix or _is_seen_by_its_service_only(condition, statement))
        ]
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            # Whoever writes that for lists may mean it: other actions are then allowed always.
            idle = condition.qualifier == "ForAllValues"
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is not listed for `{without[0]}`{more} in the service authorization"
                f" reference{_IDLE if idle else ''}",
                severity=Severity.SUGGESTION if idle else None,
                # The reference lists some keys with actions and others with resource types.
                low_confidence=True,
            )


_IDLE = ": `ForAllValues` is true without the key, so that the condition does not limit it"

# Later requests of a session keep keys of sts.
_OF_SESSIONS = "sts"


def _is_seen_by_its_service_only(condition: Condition, statement: Statement) -> bool:
    """Whether the statement mixes actions of the key's service with others, which do not have the key.

    Without an action of the key's service CONDITION_KEY_NEVER_PRESENT reports the key.
    """
    prefix = condition.name.partition(":")[0]
    # Other services see the tags of a resource, too.
    return (
        prefix != _OF_SESSIONS
        and "resourcetag/" not in condition.name
        and any(word.lower().startswith(f"{prefix}:") for word in statement.action_words)
    )
