"""Data perimeters: Deny statements by network or organization that also hit AWS services, and open VPC endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.algebra.text_sets import Effort
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Kind, Policy, Statement
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.reference.attachment_types import VPC_ENDPOINT
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, OBJECTS, Example, deny, policy_with
from aws_iam.rules.gates import at_keys
from aws_iam.rules.outcomes import Fail, ended_early

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Text
    from aws_iam.rules.outcomes import Outcome

_DENY_IP = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-ip.html"
)
_IS_SERVICE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice"
# A request from another network lacks these keys, or has another value for them.
_NETWORK = frozenset(
    {
        "aws:sourceip",
        "aws:vpcsourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
    }
)
_VIA = ("aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast")
# No service makes these calls on a principal's behalf.
_OWN_CALLS = frozenset({"execute-api", "signin", "sts"})
_OFFICE = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
_DIRECT = {"Bool": {"aws:ViaAWSService": "false"}}
_ENDPOINT = {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}


def _deny_all(condition: object, **changes: object) -> Example:
    return deny("*", "*", condition) | changes


def _values(condition: Condition) -> list[str]:
    return [value.value.lower() for value in condition.values]


def _outside(condition: Condition) -> bool:
    """Whether the condition holds for requests that do not come from the networks it names."""
    if condition.name not in _NETWORK:
        return False
    absent = condition.base == "Null" and _values(condition) == ["true"]
    return absent or condition.negated


def _everyone(statement: Statement) -> bool:
    return any(principal.is_everyone for principal in statement.principals)


def _services(statement: Statement) -> set[str]:
    """The services of the actions, in lower case."""
    return {action.value.lower().partition(":")[0] for action in statement.actions}


@check(
    "NETWORK_DENY_HITS_SERVICE_CALLS",
    on=Statement,
    when=(at_keys(*_NETWORK),),
    severity=Severity.WARNING,
    title="The Deny by network also hits calls that services make on the principal's behalf",
    fix='Add "Bool": {"aws:ViaAWSService": "false"} to the Deny.',
    source=_DENY_IP,
    kinds=(*IDENTITY_KINDS, Kind.SCP, Kind.RCP),
    bad=[_deny_all(_OFFICE), _deny_all(_ENDPOINT)],
    good=[
        _deny_all({**_OFFICE, **_DIRECT}),
        _deny_all(_ENDPOINT, Action="sts:AssumeRole"),
        _deny_all({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    ],
)
def calls_on_behalf_denied(statement: Statement) -> Iterator[Fail]:
    """Athena, CloudFormation and other services make further calls with the principal's credentials, and these do not come from the principal's network.

    False alarm when the principals use no such service, or when these calls should be denied too.
    """
    if not statement.denies:
        return
    by_network = sorted(filter(_outside, statement.conditions), key=_is_address)
    services = _services(statement)
    if not by_network or statement.conditions_on(*_VIA):
        return
    if services and not services - _OWN_CALLS:
        return
    condition = by_network[0]
    # AWS's pages disagree on whether a service passes on the address of the first request.
    unsure = _is_address(condition)
    applies, comes = (
        ("may also apply", "can come from another network")
        if unsure
        else ("also applies", "does not come from your network")
    )
    yield Fail(
        condition.key.where,
        f"the Deny on {quoted(condition.key.value)} {applies} to {_denied_actions(statement)} when a service"
        f" calls on the principal's behalf: such a call {comes}",
        low_confidence=unsure,
    )


def _denied_actions(statement: Statement) -> str:
    """The actions of a Deny, in words."""
    if statement.actions:
        every = statement.actions[0].value == "*"
        return "every action" if every else _first_of(statement.actions)
    if statement.not_actions:
        return f"every action except {_first_of(statement.not_actions)}"
    return "every action"


def _first_of(entries: Sequence[Text]) -> str:
    more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
    return f"{quoted(entries[0].value)}{more}"


def _is_address(condition: Condition) -> bool:
    return condition.name == "aws:sourceip"


@check(
    "RCP_NETWORK_DENY_HITS_SERVICES",
    on=Statement,
    when=(at_keys(*_NETWORK),),
    severity=Severity.WARNING,
    title="The Deny by network also hits AWS services that call for themselves",
    fix='Add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"} to the Deny.',
    source=_IS_SERVICE,
    kinds=(Kind.RCP,),
    bad=[_deny_all({**_ENDPOINT, **_DIRECT}, Principal="*", Action="s3:*")],
    good=[
        _deny_all(
            {
                **_ENDPOINT,
                "BoolIfExists": {
                    "aws:PrincipalIsAWSService": "false",
                    "aws:ViaAWSService": "false",
                },
            },
            Principal="*",
            Action="s3:*",
        ),
        _deny_all(
            {**_ENDPOINT, **_DIRECT, "StringEquals": {"aws:PrincipalTag/perimeter": "on"}},
            Principal="*",
            Action="s3:*",
        ),
    ],
)
def services_denied_by_network(statement: Statement) -> Iterator[Fail]:
    """A service that calls under its own principal, for example to deliver logs, does not call from your network.

    False alarm when no AWS service needs access to these resources.
    """
    condition = next(filter(_outside, statement.conditions), None)
    if condition and statement.denies and _holds_for_services(statement):
        yield Fail(
            condition.key.where,
            f"the Deny on {quoted(condition.key.value)} also applies to calls that an AWS service makes for itself:"
            " they do not come from your network",
        )


# Keys that identify the caller; a service that calls for itself has none of them, or a value that nobody lists.
_CALLER = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgmasteraccountid",
        "aws:principalorgpaths",
    }
)
_LOGS: dict[str, object] = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"{BUCKET}/AWSLogs/*",
    "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
}
_OURS = {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
_NOT_SERVICES = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}


def _perimeter(condition: object, resource: str = OBJECTS) -> dict[str, object]:
    return _deny_all(condition, Principal="*", Action="s3:*", Resource=resource)


@check(
    "DENY_REACHES_ALLOWED_SERVICE",
    on=Policy,
    severity=Severity.WARNING,
    title="A Deny blocks a service that the policy allows",
    fix='Add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"} to the Deny.',
    source=_IS_SERVICE,
    kinds=(Kind.RESOURCE, Kind.TRUST),
    bad=[policy_with(_LOGS, _perimeter(_OURS)), policy_with(_LOGS, _perimeter(_ENDPOINT))],
    good=[
        policy_with(_LOGS, _perimeter({**_OURS, **_NOT_SERVICES})),
        policy_with(_LOGS, _perimeter(_OURS, f"{BUCKET}/reports/*")),
        policy_with(_LOGS, _perimeter({"Bool": {"aws:SecureTransport": "false"}})),
    ],
)
def service_shut_out(policy: Policy) -> Iterator[Outcome]:
    """A service that calls under its own principal belongs to no organization and no network of yours, so a Deny for outsiders blocks it.

    False alarm when the service only makes requests that the Deny does not cover.
    """
    allows = (
        (statement, next((p for p in statement.principals if p.type == "Service"), None))
        for statement in policy.statements
        if statement.allows
    )
    served = tuple((statement, principal) for statement, principal in allows if principal)
    effort = Effort(_EFFORT)
    for denial in _denies_outsiders(policy) if served else ():
        if effort.is_spent:
            break
        service = next(
            (principal for statement, principal in served if _overlap(denial, statement, effort)),
            None,
        )
        if service:
            condition = next(filter(_holds_without_caller, denial.conditions))
            yield Fail(
                condition.key.where,
                f"the Deny on {quoted(condition.key.value)} blocks {quoted(service.value)}, which another"
                " statement allows: the service's own calls are not exempt",
            )
    if served:
        yield from ended_early(
            effort,
            served[0][0],
            "some statements that allow services were not compared with the Denies",
        )


def _denies_outsiders(policy: Policy) -> Iterator[Statement]:
    """The Deny statements that apply to every service that calls for itself."""
    for statement in policy.statements:
        if statement.denies and _everyone(statement) and _holds_for_services(statement):
            yield statement


def _holds_without_caller(condition: Condition) -> bool:
    """Whether the condition holds for every service that calls for itself."""
    caller = condition.name in _CALLER or condition.name.startswith("aws:principaltag/")
    return _outside(condition) or (caller and condition.negated)


def _holds_for_services(deny: Statement) -> bool:
    others = [condition for condition in deny.conditions if not _holds_without_caller(condition)]
    # A service that calls for itself acts for no principal.
    neutral = all(
        other.name == "aws:viaawsservice" and _values(other) == ["false"] for other in others
    )
    return neutral and len(others) < len(deny.conditions)


# Every pattern of a Deny is compared with every one of an Allow; policies that AWS accepts take a hundredth of this.
_EFFORT = 200_000


def _overlap(deny: Statement, allow: Statement, effort: Effort) -> bool:
    """Whether some request matches both statements; no when the effort is used up."""
    same_action = effort.spend(1 + len(deny.actions) * len(allow.actions)) and any(
        intersects(a.value, b.value, ignore_case=True) for a in deny.actions for b in allow.actions
    )
    if not same_action or not deny.resources or not allow.resources:
        return same_action
    return effort.spend(len(deny.resources) * len(allow.resources)) and any(
        intersects(a.value, b.value) for a in deny.resources for b in allow.resources
    )


_RESOURCE_KEYS = ("aws:resourceorgid", "aws:resourceorgpaths", "aws:resourceaccount")
_OUR_RESOURCES = {"StringNotEquals": {"aws:ResourceOrgID": "o-exampleorg"}}


@check(
    "RESOURCE_PERIMETER_HITS_AWS_RESOURCES",
    on=Statement,
    when=(at_keys(*_RESOURCE_KEYS),),
    severity=Severity.WARNING,
    title="The Deny also covers resources that AWS owns",
    fix="Exempt the resources of AWS with NotResource (such as arn:aws:iam::aws:policy/*) or NotAction, or list the services in Action.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceorgid",
    kinds=(*IDENTITY_KINDS, Kind.SCP),
    bad=[_deny_all(_OUR_RESOURCES)],
    good=[
        _deny_all(_OUR_RESOURCES, Action="s3:PutObject"),
        {
            "Effect": "Deny",
            "Action": "*",
            "NotResource": ["arn:aws:iam::aws:policy/*", "arn:aws:ec2:*::image/*"],
            "Condition": _OUR_RESOURCES,
        },
    ],
)
def resources_of_aws_denied(statement: Statement) -> Iterator[Fail]:
    """AWS's images, documents, layers and managed policies belong to AWS's own accounts, which are outside your organization.

    False alarm when the principals need no resource that AWS owns.
    """
    if not statement.denies:
        return
    everything = any(action.value in {"*", "*:*"} for action in statement.actions)
    anywhere = any(not resource.value.strip("*") for resource in statement.resources)
    exempt = statement.conditions_on("ec2:owner", *_VIA)
    if not (everything and anywhere) or exempt:
        return
    for condition in statement.conditions_on(*_RESOURCE_KEYS):
        if condition.negated:
            yield Fail(
                condition.key.where,
                f"the Deny on {quoted(condition.key.value)} covers resources that AWS owns, such as public"
                " images, documents and managed policies: they never have your value of the key",
            )
            return


_LIMITS = (
    "aws:principalorg",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:resourceorg",
    "aws:resourceaccount",
)
_DEFAULT: dict[str, object] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@check(
    "VPC_ENDPOINT_POLICY_OPEN",
    on=Policy,
    severity=Severity.SUGGESTION,
    title="The VPC endpoint accepts credentials and resources of any account",
    fix='Add StringEquals on aws:PrincipalOrgID and aws:ResourceOrgID, and a separate statement for "Bool": {"aws:PrincipalIsAWSService": "true"}.',
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    kinds=(Kind.RESOURCE,),
    resource_type=VPC_ENDPOINT,
    bad=[policy_with(_DEFAULT)],
    good=[
        policy_with(
            {**_DEFAULT, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}}
        ),
        policy_with({**_DEFAULT, "Resource": OBJECTS}),
    ],
)
def open_endpoint(policy: Policy) -> Iterator[Fail]:
    """Through the endpoint, data can leave your network with another organization's credentials, or into another organization's bucket.

    False alarm when the endpoint is open on purpose, for example to reach public resources.
    """
    if policy.resource_type != VPC_ENDPOINT:
        return
    for statement in policy.statements:
        limited = any(
            condition.demanded and condition.name.startswith(_LIMITS)
            for condition in statement.conditions
        )
        services_only = any(
            condition.name == "aws:principalisawsservice" and _values(condition) == ["true"]
            for condition in statement.conditions
        )
        anything = all(
            any(not entry.value.strip("*") for entry in entries)
            for entries in (statement.actions, statement.resources)
        )
        exempt = limited or services_only or not statement.allows
        if anything and _everyone(statement) and not exempt:
            yield Fail(
                statement.place("Principal"),
                "everyone can call every action on every resource through the endpoint, as with AWS's default policy",
            )
