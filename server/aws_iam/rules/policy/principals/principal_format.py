"""Principals of resource and trust policies: their form, and Allow statements with NotPrincipal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Form, Kind, Node, Principal, Statement
from aws_iam.engine.language.placeholders import is_known_later
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow_to
from aws_iam.rules.gates import PRINCIPALS
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRINCIPAL_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
)
_TYPES = ("AWS", "CanonicalUser", "Federated", "Service")
_TRUSTED = (Kind.RESOURCE, Kind.TRUST)


def _readable_by(principal: object) -> Example:
    return allow_to(principal, "s3:GetObject", OBJECTS)


_GOOD = _readable_by({"AWS": "arn:aws:iam::111122223333:role/app"})


def _elements(statement: Statement) -> Iterator[tuple[str, Node]]:
    for name in ("Principal", "NotPrincipal"):
        node = statement.node.member(name)
        if node:
            yield name, node


def _all(statement: Statement) -> Iterator[Principal]:
    yield from statement.principals
    yield from statement.not_principals


@check(
    "INVALID_PRINCIPAL_FORMAT",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="The principal is neither `*` nor an object",
    fix='Write {"AWS": "111122223333"}, {"Service": "lambda.amazonaws.com"} or "*".',
    kinds=(*_TRUSTED, Kind.RCP),
    bad=[_readable_by("arn:aws:iam::111122223333:role/app"), _readable_by(["111122223333"])],
    good=[_GOOD],
)
def unreadable_principal(statement: Statement) -> Iterator[Fail]:
    """AWS needs the type of every principal.

    No false alarms: AWS rejects a policy without it.
    """
    for name, node in _elements(statement):
        if node.form is Form.STRING and node.text != "*":
            yield Fail(
                node.where,
                f'{quoted(node.text)} has no principal type, such as {{"AWS": …}}, and is not `*`',
            )
        elif node.form not in {Form.STRING, Form.OBJECT}:
            yield Fail(node.where, f"`{name}` is {node.form}; it must be `*` or an object")
        for member in node.members:
            for entry in member.value.listed():
                if entry.form is not Form.STRING:
                    yield Fail(entry.where, f"a principal is {entry.form}; it must be a string")


@check(
    "INVALID_PRINCIPAL_KEY",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="The principal type does not exist",
    fix="Use AWS, CanonicalUser, Federated or Service.",
    kinds=_TRUSTED,
    bad=[
        _readable_by({"Aws": "111122223333"}),
        _readable_by({"Services": "lambda.amazonaws.com"}),
    ],
    good=[_GOOD],
)
def unknown_principal_type(statement: Statement) -> Iterator[Fail]:
    """AWS knows four types of principal: AWS, CanonicalUser, Federated and Service.

    No false alarms: AWS rejects a policy with any other type.
    """
    for _, node in _elements(statement):
        for member in node.members:
            name = member.name.value
            if name not in _TYPES:
                near = closest(name, _TYPES)
                hint = f"did you mean `{near}`?" if near else f"the types are {', '.join(_TYPES)}"
                yield Fail(member.name.where, f"{quoted(name)} is not a principal type; {hint}")


@check(
    "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="A principal contains a wildcard",
    fix="Name the principal, or name its account and compare aws:PrincipalArn with ArnLike.",
    kinds=_TRUSTED,
    bad=[
        _readable_by({"AWS": "arn:aws:iam::111122223333:role/*"}),
        _readable_by({"Service": "*"}),
    ],
    good=[_GOOD, _readable_by({"AWS": "*"})],
)
def wildcard_principal(statement: Statement) -> Iterator[Fail]:
    """AWS reads `*` as a wildcard only when it is the whole value, and rejects it as part of a principal.

    False alarm when the wildcard belongs to a placeholder that is filled in before deployment.
    """
    for principal in _all(statement):
        value = principal.value
        if principal.type != "*" and ("*" in value or "?" in value) and not principal.is_everyone:
            yield Fail(
                principal.name.where,
                f"{quoted(value)} contains a wildcard, which a principal of type"
                f" {quoted(principal.type)} does not support",
            )


_ACCOUNT = r"[0-9]{12}"
_AWS_PRINCIPAL = re.compile(
    rf"{_ACCOUNT}"
    rf"|arn:aws[a-z0-9-]*:iam::({_ACCOUNT}|cloudfront):(root|(user|role)/.+)"
    rf"|arn:aws[a-z0-9-]*:sts::{_ACCOUNT}:(self|(assumed-role/.+/.+)|(federated-user/.+))"
    r"|A[A-Z0-9]{3}[A-Z0-9]{12,}"
)


@check(
    "INVALID_AWS_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="An AWS principal is not an account, user, role or session",
    fix="Write an account id, or the ARN of a user, role or session; a group cannot be a principal.",
    source=_PRINCIPAL_PAGE,
    kinds=_TRUSTED,
    bad=[
        _readable_by({"AWS": "arn:aws:iam::111122223333:group/admins"}),
        _readable_by({"AWS": "arn:aws:iam:111122223333:role/app"}),
    ],
    good=[_GOOD, _readable_by({"AWS": ["111122223333", "arn:aws:iam::111122223333:root"]})],
)
def invalid_aws_principal(statement: Statement) -> Iterator[Fail]:
    """AWS rejects a policy with a principal that cannot exist.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for principal in _all(statement):
        value = principal.value
        if principal.type != "AWS" or re.search(r"[*?]", value) or is_known_later(value):
            continue
        if not _AWS_PRINCIPAL.fullmatch(value):
            group = ": a group cannot be a principal" if ":group/" in value else ""
            yield Fail(
                principal.name.where,
                f"{quoted(value)} is not an account, user, role or session{group}",
            )


# The domains of the partitions (botocore 1.44, `partitions.json`), AWS's internal domain and that of the Alexa services.
_SERVICE_PRINCIPAL = re.compile(
    r"[A-Za-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazonaws\.eu|aws\.internal|c2s\.ic\.gov|sc2s\.sgov\.gov"
    r"|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)|(alexa-[a-z-]+|[a-z0-9.-]+\.aws)\.amazon\.com",
    re.IGNORECASE,
)
_SERVICE_HINT = "the form is `lambda.amazonaws.com`"


@check(
    "INVALID_SERVICE_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="A service principal does not have the form SERVICE.amazonaws.com",
    fix="Use the service principal from the service's documentation, such as lambda.amazonaws.com.",
    source=_PRINCIPAL_PAGE,
    kinds=_TRUSTED,
    bad=[
        _readable_by({"Service": "lambda"}),
        _readable_by({"Service": "https://lambda.amazonaws.com"}),
        _readable_by({"Service": "lambda.amazon.com"}),
    ],
    good=[
        _readable_by({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com.cn"]}),
        _readable_by({"Service": "alexa-appkit.amazon.com"}),
    ],
)
def invalid_service_principal(statement: Statement) -> Iterator[Fail]:
    """A service calls under the exact name of its principal; any other name matches no service.

    False alarm when the value is a placeholder that is filled in before deployment, or the service's domain is not known here.
    """
    for principal in _all(statement):
        value = principal.value
        if principal.type != "Service" or re.search(r"[*?]", value) or is_known_later(value):
            continue
        if not _SERVICE_PRINCIPAL.fullmatch(value):
            meant = value.removesuffix(".amazon.com")
            known = meant != value and catalog().tier(meant) == "known"
            hint = f"did you mean `{meant}.amazonaws.com`?" if known else _SERVICE_HINT
            yield Fail(principal.name.where, f"{quoted(value)} is not a service principal; {hint}")


@check(
    "FEDERATED_PRINCIPAL_NOT_SUPPORTED",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="A resource policy names an identity provider",
    fix="Name the role that the provider's users assume.",
    kinds=(Kind.RESOURCE,),
    bad=[_readable_by({"Federated": "arn:aws:iam::111122223333:saml-provider/corp"})],
    good=[_GOOD],
)
def federated_on_resource(statement: Statement) -> Iterator[Fail]:
    """Users of an identity provider reach resources through a role, and only the role's trust policy can name the provider.

    False alarm when the document is a trust policy that was checked as a resource policy.
    """
    for principal in _all(statement):
        if principal.type == "Federated":
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is an identity provider, which only a trust policy can name",
            )


def _deleted(statement: Statement, prefix: str, kind: str) -> Iterator[Fail]:
    for principal in _all(statement):
        value = principal.value
        if principal.type == "AWS" and value.startswith(prefix) and ":" not in value:
            yield Fail(
                principal.name.where,
                f"{quoted(value)} is the id of a {kind} that was most likely deleted: the entry never matches again",
            )


@check(
    "INVALID_ROLE_REFERENCE",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.WARNING,
    title="A principal is the id of a role, not its ARN",
    fix="Write the role's ARN, or remove the entry.",
    kinds=_TRUSTED,
    bad=[_readable_by({"AWS": "AROA1234567890EXAMPLE"})],
    good=[_GOOD],
)
def deleted_role(statement: Statement) -> Iterator[Fail]:
    """AWS shows the id instead of the ARN once the role is deleted; a new role of the same name has a different id.

    False alarm when the role with this id still exists.
    """
    yield from _deleted(statement, "AROA", "role")


@check(
    "INVALID_USER_REFERENCE",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.WARNING,
    title="A principal is the id of a user, not its ARN",
    fix="Write the user's ARN, or remove the entry.",
    kinds=_TRUSTED,
    bad=[_readable_by({"AWS": "AIDA1234567890EXAMPLE"})],
    good=[_GOOD],
)
def deleted_user(statement: Statement) -> Iterator[Fail]:
    """AWS shows the id instead of the ARN once the user is deleted; a new user of the same name has a different id.

    False alarm when the user with this id still exists.
    """
    yield from _deleted(statement, "AIDA", "user")


@check(
    "ALLOW_WITH_NOT_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.SECURITY_WARNING,
    title="The statement allows everyone except a list",
    fix="List the allowed principals in Principal, or exempt them from a Deny with aws:PrincipalArn.",
    kinds=(Kind.RESOURCE,),
    bad=[
        {
            "Effect": "Allow",
            "NotPrincipal": {"AWS": "111122223333"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
        }
    ],
    good=[_GOOD],
)
def everyone_but_some(statement: Statement) -> Iterator[Fail]:
    """Everyone who is not listed is allowed, anonymous callers included.

    False alarm when a Deny in another statement closes the resource to them.
    """
    if statement.allows and statement.has("NotPrincipal"):
        yield Fail(statement.place("NotPrincipal"), "everyone who is not in the list is allowed")
