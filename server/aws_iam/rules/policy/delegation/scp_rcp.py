"""Organization policies: service control policies and resource control policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Form, Kind, Statement
from aws_iam.engine.language.pattern import is_literal
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
    fix="Remove the element; to exempt a principal compare aws:PrincipalArn.",
    kinds=(Kind.SCP,),
    bad=[{**_DENY, "Principal": "*"}],
    good=[_DENY],
)
def principal_in_scp(statement: Statement) -> Iterator[Fail]:
    """An SCP binds all principals of its accounts, and AWS refuses to hear of some."""
    for name in ("Principal", "NotPrincipal"):
        if statement.has(name):
            yield Fail(statement.place(name), f"a service control policy has no `{name}`")


@check(
    "RCP_SYNTAX_ERROR_PRINCIPAL",
    on=Statement,
    severity=Severity.ERROR,
    title="The principal of a resource control policy is not `*`",
    fix='Write "Principal": "*"; to exempt a principal compare aws:PrincipalArn.',
    kinds=_RCP,
    bad=[_DENY, {**_RCP_DENY, "Principal": {"AWS": "111122223333"}}],
    good=[_RCP_DENY],
)
def principal_in_rcp(statement: Statement) -> Iterator[Fail]:
    """An RCP speaks of every caller of its resources, and AWS takes no other principal."""
    principal = statement.node.member("Principal")
    if statement.has("NotPrincipal"):
        yield Fail(
            statement.place("NotPrincipal"), "a resource control policy has no `NotPrincipal`"
        )
    elif principal is None or principal.form is not Form.STRING or principal.text != "*":
        yield Fail(statement.place("Principal"), 'a resource control policy has "Principal": "*"')


@check(
    "RCP_SYNTAX_ERROR_ALLOW",
    on=Statement,
    severity=Severity.ERROR,
    title="A resource control policy allows something",
    fix="Use Deny; the policy RCPFullAWSAccess, which is always attached, is the only Allow.",
    kinds=_RCP,
    bad=[
        {**_RCP_DENY, "Effect": "Allow"},
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    ],
    good=[_RCP_DENY, {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
)
def allow_in_rcp(statement: Statement) -> Iterator[Fail]:
    """RCPs restrict; an Allow is taken only in the form of RCPFullAWSAccess."""
    if not statement.allows:
        return
    everything = all(
        [entry.value for entry in entries] == ["*"]
        for entries in (statement.actions, statement.resources)
    )
    if statement.has("Condition") or not everything:
        yield Fail(
            statement.place("Effect"),
            "an Allow in a resource control policy has Action `*`, Resource `*` and no Condition",
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
    """AWS refuses NotAction there."""
    if statement.has("NotAction"):
        yield Fail(statement.place("NotAction"), "a resource control policy has no `NotAction`")


@check(
    "RCP_SYNTAX_ERROR_ACTION",
    on=Statement,
    severity=Severity.ERROR,
    title="An action of a service without resource control policies",
    fix="List actions of services that take part, each with its prefix in full.",
    kinds=_RCP,
    bad=[{**_RCP_DENY, "Action": "*"}, {**_RCP_DENY, "Action": "ec2:RunInstances"}],
    good=[_RCP_DENY],
)
def action_outside_rcp(statement: Statement) -> Iterator[Fail]:
    """AWS refuses actions of services that do not take part, and `*` for all services."""
    for entry in statement.actions if statement.denies else ():
        prefix, colon, _ = entry.value.lower().partition(":")
        if not colon or not is_literal(prefix):
            yield Fail(entry.where, f"{quoted(entry.value)} names no single service")
        elif prefix not in catalog().rcp_services and catalog().tier(prefix) != "unknown":
            yield Fail(
                entry.where,
                f"{quoted(entry.value)}: {quoted(prefix)} has no resource control policies",
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
    """A service that calls with its own principal has none of these keys, so it is denied with the strangers."""
    tested = [
        condition
        for condition in statement.conditions
        if condition.name in _PRINCIPAL_KEYS or condition.name.startswith("aws:principaltag/")
    ]
    exempt = statement.conditions_on("aws:principalisawsservice")
    if statement.denies and tested and not exempt:
        yield Fail(
            tested[0].key.where,
            f"{quoted(tested[0].key.value)} is absent when a service calls by itself",
        )
