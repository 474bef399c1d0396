"""Organization policies: service control policies and resource control policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Form, Kind, Statement
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.placeholders import is_known_later
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.gates import PRINCIPALS
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENY = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
_RCP_DENY = {
    **_DENY,
    "Principal": "*",
    "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
}
_RCP = (Kind.RCP,)


@check(
    "SCP_SYNTAX_ERROR_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.ERROR,
    title="A service control policy names a principal",
    fix="Remove the element; to exempt a principal, add a condition on aws:PrincipalArn.",
    kinds=(Kind.SCP,),
    bad=[{**_DENY, "Principal": "*"}],
    good=[_DENY],
)
def principal_in_scp(statement: Statement) -> Iterator[Fail]:
    """An SCP applies to all principals of its accounts and cannot name one.

    No false alarms: AWS rejects the policy.
    """
    for name in ("Principal", "NotPrincipal"):
        if statement.has(name):
            yield Fail(
                statement.place(name),
                f"the statement has `{name}`, but this is a service control policy",
            )


@check(
    "RCP_SYNTAX_ERROR_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The principal of a resource control policy is not `*`",
    fix='Write "Principal": "*"; to exempt a principal, add a condition on aws:PrincipalArn.',
    kinds=_RCP,
    bad=[_DENY, {**_RCP_DENY, "Principal": {"AWS": "111122223333"}}],
    good=[_RCP_DENY],
)
def principal_in_rcp(statement: Statement) -> Iterator[Fail]:
    """An RCP applies to every caller, and AWS accepts no other principal.

    No false alarms: AWS rejects the policy.
    """
    principal = statement.node.member("Principal")
    if statement.has("NotPrincipal"):
        yield Fail(
            statement.place("NotPrincipal"),
            "the statement has `NotPrincipal`, but this is a resource control policy",
        )
    elif principal is None:
        yield Fail(
            statement.place("Principal"), "the statement has no `Principal`; it must be `*`"
        )
    elif principal.form is not Form.STRING or principal.text != "*":
        yield Fail(statement.place("Principal"), "`Principal` must be `*`")


@check(
    "RCP_SYNTAX_ERROR_ALLOW",
    on=Statement,
    severity=Severity.ERROR,
    title="A resource control policy has an Allow",
    fix="Use Deny; the only Allow is the policy RCPFullAWSAccess, which is always attached.",
    kinds=_RCP,
    bad=[
        {**_RCP_DENY, "Effect": "Allow"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    ],
    good=[_RCP_DENY, {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
)
def allow_in_rcp(statement: Statement) -> Iterator[Fail]:
    """RCPs only restrict access; AWS accepts an Allow only in the form that RCPFullAWSAccess has.

    No false alarms: AWS rejects the policy.
    """
    if not statement.allows:
        return
    everything = all(
        [entry.value for entry in entries] == ["*"]
        for entries in (statement.actions, statement.resources)
    )
    if statement.has("Condition") or not everything:
        yield Fail(
            statement.place("Effect"),
            "an Allow in a resource control policy must have Action `*`, Resource `*` and no Condition",
        )


@check(
    "RCP_SYNTAX_ERROR_NOTACTION",
    on=Statement,
    severity=Severity.ERROR,
    title="A resource control policy has NotAction",
    fix="List the actions in Action.",
    kinds=_RCP,
    bad=[{"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}],
    good=[_RCP_DENY],
)
def not_action_in_rcp(statement: Statement) -> Iterator[Fail]:
    """AWS does not accept NotAction in an RCP.

    No false alarms: AWS rejects the policy.
    """
    if statement.has("NotAction"):
        yield Fail(
            statement.place("NotAction"),
            "the statement has `NotAction`, but this is a resource control policy",
        )


@check(
    "RCP_SYNTAX_ERROR_ACTION",
    on=Statement,
    severity=Severity.ERROR,
    title="The action is of a service that does not support resource control policies",
    fix="List actions of services that support RCPs, each with the full service prefix.",
    kinds=_RCP,
    bad=[{**_RCP_DENY, "Action": "*"}, {**_RCP_DENY, "Action": "ec2:RunInstances"}],
    good=[_RCP_DENY],
)
def action_outside_rcp(statement: Statement) -> Iterator[Fail]:
    """AWS accepts only actions of services that support RCPs, and not `*` for all services.

    False alarm when AWS added support for the service after the date of the service data.
    """
    for entry in statement.actions if statement.denies else ():
        prefix, colon, _ = entry.value.lower().partition(":")
        if is_known_later(entry.value):
            continue
        if not colon or not is_literal(prefix):
            yield Fail(entry.where, f"{quoted(entry.value)} does not name a single service")
        elif prefix not in catalog().rcp_services and catalog().tier(prefix) != "unknown":
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: the service {quoted(prefix)} does not support resource control policies",
            )


_PRINCIPAL_KEYS = (
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
)
_IDENTITY_DENY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg"}},
}


@check(
    "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
    on=Statement,
    severity=Severity.WARNING,
    title="The statement also denies AWS services",
    fix='Add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}.',
    kinds=_RCP,
    bad=[_IDENTITY_DENY],
    good=[
        {
            **_IDENTITY_DENY,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg"},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        }
    ],
)
def services_denied(statement: Statement) -> Iterator[Fail]:
    """An AWS service that calls with its own service principal lacks these keys, so the Deny applies to it, too.

    False alarm when calls by AWS services are meant to be denied, or when the conditions are not true for them.
    """
    conditions = [
        condition
        for condition in statement.conditions
        if condition.name in _PRINCIPAL_KEYS or condition.name.startswith("aws:principaltag/")
    ]
    exempts_services = statement.conditions_on("aws:principalisawsservice")
    if statement.denies and conditions and not exempts_services:
        key = conditions[0].key
        yield Fail(
            key.where,
            f"{quoted(key.value)} is missing when an AWS service calls with its own principal, and no condition on"
            " `aws:PrincipalIsAWSService` exempts services",
        )
