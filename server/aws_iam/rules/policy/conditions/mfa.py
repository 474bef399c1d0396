"""Multi-factor authentication: conditions that do not prove it, and Denies that hit callers who cannot have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Kind, Statement
from aws_iam.engine.language.pattern import matches
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import Example, allow
from aws_iam.rules.gates import at_keys
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent"
_PRESENT = "aws:multifactorauthpresent"
_AGE = "aws:multifactorauthage"
# The key is a Boolean, but policies compare it as a string as well.
_EXACTLY = frozenset({"Bool", "StringEquals", "StringEqualsIgnoreCase", "StringLike"})
_MFA = {"aws:MultiFactorAuthPresent": "true"}


def _stopping_if(condition: object, **changes: object) -> Example:
    return allow("ec2:TerminateInstances", "*", condition) | changes


def _values(condition: Condition) -> list[str]:
    return [value.value.lower() for value in condition.values]


def _proves(condition: Condition) -> bool:
    """Whether the condition, in an Allow, holds only for callers with MFA."""
    if condition.name == _AGE:
        # The key is absent without MFA.
        return condition.demanded or (condition.base == "Null" and _values(condition) == ["false"])
    return condition.demanded and _values(condition) == ["true"]


def _is_proved(statement: Statement) -> bool:
    return any(map(_proves, statement.conditions_on(_PRESENT, _AGE)))


_AT_MFA_KEYS = (at_keys(_PRESENT, _AGE),)


@check(
    "ALLOW_ADMITS_LONG_TERM_KEYS",
    on=Statement,
    when=_AT_MFA_KEYS,
    severity=Severity.WARNING,
    title="The Allow that asks for MFA also admits access keys without MFA",
    fix='Write "Bool": {"aws:MultiFactorAuthPresent": "true"}.',
    source=_KEY_PAGE,
    bad=[
        _stopping_if({"BoolIfExists": _MFA}),
        _stopping_if({"StringEqualsIfExists": _MFA}),
        _stopping_if({"StringNotEquals": {"aws:MultiFactorAuthPresent": "false"}}),
    ],
    good=[
        _stopping_if({"Bool": _MFA}),
        _stopping_if({"BoolIfExists": _MFA, "Null": {"aws:MultiFactorAuthPresent": "false"}}),
        _stopping_if(
            {"BoolIfExists": _MFA, "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
        ),
        _stopping_if({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, Effect="Deny"),
    ],
)
def access_keys_without_mfa(statement: Statement) -> Iterator[Fail]:
    """A request signed with a user's access key lacks the condition key, and the condition then holds without a second factor.

    False alarm when another statement denies requests without MFA.
    """
    if not statement.allows or _is_proved(statement):
        return
    tested = statement.conditions_on(_PRESENT)
    if any(other.base == "Null" and _values(other) == ["false"] for other in tested):
        return
    for condition in tested:
        if _asks_if_present(condition):
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} also holds for requests signed"
                " with a user's access key, which lack the key: they are allowed without MFA",
            )


def _asks_if_present(condition: Condition) -> bool:
    """Whether the condition asks for MFA but also holds for a request without the key."""
    if condition.negated:
        return _values(condition) == ["false"]
    return (
        condition.base in _EXACTLY
        and condition.if_exists
        and not condition.qualifier
        and _values(condition) == ["true"]
    )


@check(
    "MFA_KEY_PRESENCE_PROVES_NOTHING",
    on=Statement,
    when=_AT_MFA_KEYS,
    severity=Severity.SECURITY_WARNING,
    title="The Allow tests whether the MFA key is present, not whether MFA was used",
    fix='Write "Bool": {"aws:MultiFactorAuthPresent": "true"}.',
    source=_KEY_PAGE,
    bad=[_stopping_if({"Null": {"aws:MultiFactorAuthPresent": "false"}})],
    good=[
        _stopping_if({"Null": {"aws:MultiFactorAuthPresent": "false"}, "Bool": _MFA}),
        _stopping_if({"Null": {"aws:MultiFactorAuthPresent": "false"}, "BoolIfExists": _MFA}),
        _stopping_if({"Null": {"aws:MultiFactorAuthAge": "false"}}),
    ],
)
def mfa_key_present_but_false(statement: Statement) -> Iterator[Fail]:
    """Every session has the key; without MFA its value is false, and `Null` does not look at the value.

    False alarm when another statement denies requests without MFA.
    """
    if not statement.allows or _is_proved(statement):
        return
    tested = statement.conditions_on(_PRESENT)
    if any(other.base in _EXACTLY and _values(other) == ["true"] for other in tested):
        return
    for condition in tested:
        if condition.base == "Null" and _values(condition) == ["false"]:
            yield Fail(
                condition.key.where,
                f"`Null` does not look at the value of {quoted(condition.key.value)}: a session without"
                " MFA also has the key and is allowed",
            )


_NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
_ALL = {"Effect": "Deny", "Action": "*"}


@check(
    "MFA_DENY_HITS_ROLES",
    on=Statement,
    when=_AT_MFA_KEYS,
    severity=Severity.WARNING,
    title="The Deny of requests without MFA also hits the roles of workloads",
    fix='Limit the Deny to users: "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}.',
    source=_KEY_PAGE,
    kinds=(Kind.SCP,),
    bad=[_stopping_if(_NO_MFA, **_ALL)],
    good=[
        _stopping_if(
            {**_NO_MFA, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, **_ALL
        ),
        _stopping_if(_NO_MFA, Effect="Deny", Action="ec2:StopInstances"),
    ],
)
def workloads_denied(statement: Statement) -> Iterator[Fail]:
    """A role that a service or a federated user assumes never has AWS MFA, so everything it does is denied.

    False alarm when the policy applies to users only.
    """
    denies_everything = bool(statement.not_actions) or any(
        matches(action.value, "*") for action in statement.actions
    )
    if not (statement.denies and denies_everything):
        return
    # Any other condition may tell users from roles.
    mfa = [candidate for candidate in statement.conditions if candidate.name in {_PRESENT, _AGE}]
    if len(mfa) != len(statement.conditions):
        return
    for condition in mfa:
        absent = condition.base == "Null" and _values(condition) == ["true"]
        if absent or (condition.if_exists and _values(condition) == ["false"]):
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is missing for a role that a service assumes: everything"
                " it does is denied",
            )
            return


_WITHOUT_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
# What a user has to do before there is a device to sign in with.
_FIRST_STEPS = frozenset(
    {
        "iam:changepassword",
        "iam:createvirtualmfadevice",
        "iam:enablemfadevice",
        "iam:getuser",
        "iam:listmfadevices",
        "iam:listvirtualmfadevices",
        "iam:resyncmfadevice",
        "sts:getsessiontoken",
    }
)


@check(
    "ALLOW_ONLY_WITHOUT_MFA",
    on=Statement,
    when=_AT_MFA_KEYS,
    severity=Severity.SECURITY_WARNING,
    title="The Allow holds only for callers without MFA",
    fix='Write Bool: {"aws:MultiFactorAuthPresent": "true"}.',
    source=_KEY_PAGE,
    bad=[
        _stopping_if(_WITHOUT_MFA),
        _stopping_if({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
        _stopping_if({"StringNotEquals": _MFA}),
    ],
    good=[
        _stopping_if({"Bool": _MFA}),
        _stopping_if(_WITHOUT_MFA, Effect="Deny"),
        _stopping_if(_WITHOUT_MFA, Action=["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"]),
    ],
)
def only_without_mfa(statement: Statement) -> Iterator[Fail]:
    """An Allow under "no MFA" rewards leaving it out; nearly always the value was meant to be `true`, or the effect Deny.

    False alarm when the statement is for the time before a user has a device, and another one is for the time after.
    """
    actions = {action.value.lower() for action in statement.actions}
    if not statement.allows or (actions and actions <= _FIRST_STEPS):
        return
    for condition in statement.conditions_on(_PRESENT):
        wanted = ["true"] if condition.negated else ["false"]
        if condition.base != "Null" and _values(condition) == wanted:
            yield Fail(
                condition.key.where,
                f"{quoted(condition.operator.value)} on {quoted(condition.key.value)} allows the actions only"
                " without MFA",
            )
