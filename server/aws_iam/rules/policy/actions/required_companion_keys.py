"""Conditions that need company: another key beside them, or an action that supplies the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Kind, Policy, Statement
from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow, policy_with
from aws_iam.rules.gates import at_condition, at_keys
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.engine.reference.catalog import Action


def _reading_if(condition: Mapping[str, object]) -> Example:
    return allow("s3:GetObject", OBJECTS, condition)


_VPC_IP = {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"}}
_IN_VPC = {"StringEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"}}
# Key, its companions (one is enough), whether the page of the key says so in these words.
_PAIRS = (
    ("aws:vpcsourceip", ("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn"), True),
    ("aws:ec2instancesourceprivateipv4", ("aws:ec2instancesourcevpc",), False),
)


def _is_callers_choice(condition: Condition) -> bool:
    key = catalog().condition_key(condition.key.value)
    return key is not None and key.caller_controlled


def _is_of_some_actions(condition: Condition) -> bool:
    """Whether the key is one of a service that some of its actions have."""
    prefix, _, name = condition.name.partition(":")
    # `IfExists` is written for the actions without the key. Tags of the resource have codes of their own; a session
    # carries its keys into every action.
    if condition.if_exists or name.startswith("resourcetag/") or condition.name in global_keys():
        return False
    # A key that the reference gives to no action at all is a gap of the reference, not of the policy.
    return prefix not in _INCOMPLETE and bool(actions_with_key(prefix, condition.name))


@check(
    "MISSING_PAIRED_CONDITION_KEYS",
    on=Statement,
    when=(at_keys(*(key for key, _, _ in _PAIRS)),),
    severity=Severity.SECURITY_WARNING,
    title="A private address is compared without its VPC",
    fix="Add a condition on aws:SourceVpc (or aws:Ec2InstanceSourceVpc) to the same statement.",
    bad=[_reading_if(_VPC_IP)],
    good=[_reading_if({**_VPC_IP, **_IN_VPC})],
)
def address_without_network(statement: Statement) -> Iterator[Fail]:
    """Private addresses repeat from VPC to VPC: without the VPC anybody's instance may have the address."""
    for key, companions, certain in _PAIRS:
        for condition in statement.conditions_on(key):
            # Compared with another key of the request, the address names one instance:
            # https://aws.amazon.com/blogs/security/how-to-use-policies-to-restrict-where-ec2-instance-credentials-can-be-used-from/
            if not certain and all("${" in value.value for value in condition.values):
                continue
            if not statement.conditions_on(*companions):
                yield Fail(
                    condition.key.where,
                    f"{quoted(condition.key.value)} stands without the VPC that the address is in",
                    low_confidence=not certain,
                )


_NO_MFA = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
_FALSE = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
_KEYLESS = {"Null": {"aws:MultiFactorAuthAge": "true"}}


@check(
    "DENY_MISSES_LONG_TERM_KEYS",
    on=Policy,
    when=(at_keys("aws:multifactorauthpresent"),),
    severity=Severity.WARNING,
    title="The Deny without MFA does not reach access keys of users",
    fix='Write BoolIfExists: {"aws:MultiFactorAuthPresent": "false"}.',
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent",
    bad=[
        policy_with({**_NO_MFA, "Condition": _FALSE}),
        policy_with(
            {**_NO_MFA, "Condition": {"StringEquals": {"aws:MultiFactorAuthPresent": "false"}}}
        ),
    ],
    good=[
        policy_with(
            {**_NO_MFA, "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
        ),
        policy_with({**_NO_MFA, "Condition": _KEYLESS}),
        policy_with(
            {**_NO_MFA, "Condition": _FALSE}, {**_NO_MFA, "Action": "*", "Condition": _KEYLESS}
        ),
    ],
)
def keyless_pass(policy: Policy) -> Iterator[Fail]:
    """A request signed with a user's access key has no such key at all, so `Bool` does not hold and nothing is denied."""
    missing = [
        (allowing, found)
        for allowing in policy.statements
        if (found := _missing_keyless(allowing))
    ]
    others = [keyless for keyless in policy.statements if missing and _denies_keyless(keyless)][
        :_MOST
    ]
    for statement, condition in missing[:_MOST]:
        if not any(_is_within(statement, other) for other in others):
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} does not hold for a user's access key,"
                " which has no such key: it is not denied",
            )


_EXACTLY = frozenset({"Bool", "StringEquals", "StringEqualsIgnoreCase", "StringLike"})


def _missing_keyless(statement: Statement) -> Condition | None:
    """The condition of a Deny without MFA that does not hold where the key is absent."""
    if not statement.denies or any(condition.base == "Null" for condition in statement.conditions):
        return None
    tested = (
        exact
        for exact in statement.conditions_on("aws:multifactorauthpresent")
        if exact.operator.value in _EXACTLY
    )
    return next(
        (
            is_false
            for is_false in tested
            if [v.value.lower() for v in is_false.values] == ["false"]
        ),
        None,
    )


# Statements are compared with each other; a policy has one or two such Denies.
_MOST = 20


def _denies_keyless(statement: Statement) -> bool:
    """Whether the statement denies whoever has no such key, without another condition."""
    asked = [condition for condition in statement.conditions if condition.name in _MFA_KEYS]
    return (
        statement.denies
        and len(asked) == len(statement.conditions)
        and all(_holds_without(other) for other in asked)
    )


_MFA_KEYS = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})


def _holds_without(condition: Condition) -> bool:
    values = [value.value.lower() for value in condition.values]
    if condition.base == "Null":
        return values == ["true"]
    return condition.negated or condition.if_exists


def _is_within(inner: Statement, outer: Statement) -> bool:
    """Whether the outer statement, conditions apart, is about everything that the inner one is about."""
    return _taken(inner.actions, inner.not_actions, outer.actions, outer.not_actions) and _taken(
        inner.resources, inner.not_resources, outer.resources, outer.not_resources
    )


def _taken(
    named: Sequence[Text], spared: Sequence[Text], by: Sequence[Text], sparing: Sequence[Text]
) -> bool:
    """Whether what is named, or all but what is spared, is taken by the other side."""
    if not (named or spared):
        return not (by or sparing)
    if by:
        # All but some is named by `*` alone.
        inner = [sparing_entry.value for sparing_entry in named] or ["*"]
        return all(any(_covers(wide, one) for wide in by) for one in inner)
    if spared:
        return all(
            any(_covers(wide, sparing_entry.value) for wide in spared) for sparing_entry in sparing
        )
    return not any(
        intersects(one.value, sparing_entry.value, ignore_case=True)
        for one in named
        for sparing_entry in sparing
    )


def _covers(wide: Text, one: str) -> bool:
    return covers(wide.value, one, ignore_case=True)


_SELECT = {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
_READ = {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "*"}
_ATTRIBUTES = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "name"]}}


@check(
    "DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
    on=Statement,
    when=(at_keys("dynamodb:attributes"),),
    severity=Severity.SECURITY_WARNING,
    title="Attributes are limited, but not the way of reading them",
    fix='Add "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}.',
    kinds=IDENTITY_KINDS,
    bad=[{**_READ, "Condition": _ATTRIBUTES}],
    good=[{**_READ, "Condition": {**_ATTRIBUTES, "StringEquals": _SELECT}}],
)
def attributes_without_select(statement: Statement) -> Iterator[Fail]:
    """A request that names no attributes passes the condition and is given all of them."""
    selects = statement.conditions_on("dynamodb:select")
    for condition in statement.conditions_on("dynamodb:attributes"):
        if not any(
            value.value == "SPECIFIC_ATTRIBUTES" for select in selects for value in select.values
        ):
            yield Fail(
                condition.key.where, "`dynamodb:Attributes` stands without `dynamodb:Select`"
            )


@check(
    "UNTRUSTWORTHY_CONDITION_KEY",
    on=Statement,
    when=(at_condition(_is_callers_choice),),
    severity=Severity.SECURITY_WARNING,
    title="The statement trusts what the caller writes",
    fix="Use a key that AWS sets, such as aws:PrincipalArn, aws:SourceArn or aws:SourceVpce.",
    bad=[_reading_if({"StringLike": {"aws:UserAgent": "*backup-tool*"}})],
    good=[_reading_if({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}})],
)
def caller_writes_key(statement: Statement) -> Iterator[Fail]:
    """The caller chooses the value of such a key, so it keeps nobody out.

    Wrong where the key only serves as a second condition.
    """
    for condition in statement.conditions if statement.allows else ():
        key = catalog().condition_key(condition.key.value)
        if key and key.caller_controlled:
            # AWS warns of these keys on their page; the list of its check is not published.
            yield Fail(
                condition.key.where,
                f"the caller chooses the value of {quoted(condition.key.value)}",
                low_confidence=True,
            )


_SOURCES = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
_RCP = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
_OTHER_ORG = {"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-exampleorg"}}
_BY_SERVICE = {"Bool": {"aws:PrincipalIsAWSService": "true"}}
_HAS_SOURCE = {"Null": {"aws:SourceAccount": "false"}}


def _says(statement: Statement, key: str, value: str, base: str) -> bool:
    return any(
        condition.base == base and [text.value.lower() for text in condition.values] == [value]
        for condition in statement.conditions_on(key)
    )


def _on_sources(statement: Statement) -> tuple[Condition, ...]:
    """What a Deny asks about the source of a service's call, Null apart."""
    tested = statement.conditions_on(*_SOURCES) if statement.denies else ()
    return tuple(condition for condition in tested if condition.base != "Null")


@check(
    "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
    on=Statement,
    when=(at_keys(*_SOURCES),),
    severity=Severity.WARNING,
    title="The statement also denies callers that are no service",
    fix='Add "Bool": {"aws:PrincipalIsAWSService": "true"}.',
    kinds=(Kind.RCP,),
    bad=[{**_RCP, "Condition": {**_OTHER_ORG, **_HAS_SOURCE}}],
    good=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE, **_HAS_SOURCE}}],
)
def people_denied(statement: Statement) -> Iterator[Fail]:
    """Only services carry the source of a call; anybody else is denied for the lack of it."""
    tested = _on_sources(statement)
    if tested and not _says(statement, "aws:principalisawsservice", "true", "Bool"):
        yield Fail(tested[0].key.where, f"only a service's call has {quoted(tested[0].key.value)}")


@check(
    "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
    on=Statement,
    when=(at_keys(*_SOURCES),),
    severity=Severity.WARNING,
    title="The statement also denies calls without a source",
    fix='Add "Null": {"aws:SourceAccount": "false"}.',
    kinds=(Kind.RCP,),
    bad=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE}}],
    good=[{**_RCP, "Condition": {**_OTHER_ORG, **_BY_SERVICE, **_HAS_SOURCE}}],
)
def sourceless_denied(statement: Statement) -> Iterator[Fail]:
    """Some calls of services have no source at all; without the question for it they are denied."""
    tested = _on_sources(statement)
    asked = any(
        _says(statement, key, "false", "Null") for key in ("aws:sourceaccount", "aws:sourcearn")
    )
    if tested and not asked:
        yield Fail(
            tested[0].key.where,
            f"{quoted(tested[0].key.value)} is absent from some calls of services",
        )


# Services whose reference lists keys without all of their actions.
_INCOMPLETE = frozenset({"aws-marketplace"})


@check(
    "KEY_NOT_SUPPORTED_BY_ACTION",
    on=Statement,
    when=(at_condition(_is_of_some_actions),),
    severity=Severity.WARNING,
    title="Requests for an action of the statement never have the condition key",
    fix="Move the action into a statement without this condition.",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    bad=[_reading_if({"StringLike": {"s3:prefix": "home/*"}})],
    good=[
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket",
            "Condition": {"StringLike": {"s3:prefix": "home/*"}},
        },
        _reading_if({"StringLikeIfExists": {"s3:prefix": "home/*"}}),
    ],
)
def key_of_other_action(statement: Statement) -> Iterator[Fail]:
    """Without the key a positive condition never holds, and a negated one always does."""
    for condition in statement.conditions:
        if not _is_of_some_actions(condition):
            continue
        prefix = condition.name.partition(":")[0]
        having = actions_with_key(prefix, condition.name)
        without = [
            action.full_name
            for action in _literal_actions(statement)
            if action.service == prefix and action.full_name.lower() not in having
        ]
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            yield Fail(
                condition.key.where,
                f"the reference does not give {quoted(condition.key.value)} to `{without[0]}`{more}",
                # The reference attaches keys unevenly, to actions here and to resource types there.
                low_confidence=True,
            )


def _literal_actions(statement: Statement) -> Iterator[Action]:
    for word in statement.action_words:
        action = catalog().action(word) if is_literal(word) else None
        if action:
            yield action
