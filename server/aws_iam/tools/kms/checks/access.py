"""Who gets access by a key policy: everyone, other accounts, services on behalf of any account, principals that create grants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import (
    is_closed_to_strangers,
    is_fixed,
)
from aws_iam.engine.effective.denied_strangers import denied_to_strangers, is_taken_back
from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.key_policies.statements import (
    PUT_KEY_POLICY,
    covers_action,
)
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow_to
from aws_iam.rules.outcomes import Fail
from aws_iam.tools.kms.checks import subject as key
from aws_iam.tools.kms.checks.subject import (
    CONDITIONS,
    CONTEXT,
    FACTS,
    GUIDE,
    OTHER,
    OWN,
    ROOT,
    SHARED,
    VIA,
    KeyPolicy,
    arn,
    key_policy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.rules.outcomes import Outcome

_EVERYONE = {"AWS": "*"}
_MINE = {"StringEquals": {"kms:CallerAccount": OWN}}
_THROUGH_S3 = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
_USE = ["kms:Decrypt", "kms:GenerateDataKey"]


@check(
    "KMS-POL-PUBLIC",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.CRITICAL,
    title="Identities of every account may use the key",
    fix="Name the principals, or add StringEquals on kms:CallerAccount or aws:PrincipalOrgID with fixed values.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-5",
    bad=[
        key_policy(ROOT, allow_to("*", _USE)),
        key_policy(ROOT, allow_to(_EVERYONE, "kms:Decrypt", condition=_THROUGH_S3)),
    ],
    good=[
        key_policy(ROOT),
        key_policy(
            ROOT,
            allow_to(
                _EVERYONE, _USE, condition={**_THROUGH_S3, "StringLike": _MINE["StringEquals"]}
            ),
        ),
        key_policy(ROOT, {**allow_to("*", "kms:*"), "Effect": "Deny"}),
    ],
)
def public(at: KeyPolicy) -> Iterator[Fail]:
    """A key that everyone may use protects nothing.

    kms:ViaService limits the path, not the account that calls. False alarm when a condition keeps
    strangers out in a way that cannot be proved from the policy alone.
    """
    denials = denied_to_strangers(at.policy)
    for statement in at.allows:
        everyone = next(
            (principal for principal in statement.principals if principal.is_everyone), None
        )
        if (
            everyone is None
            or is_closed_to_strangers(statement)
            or is_taken_back(denials, statement)
        ):
            continue
        path = "; kms:ViaService limits the path, not the account" if _has(statement, VIA) else ""
        yield Fail(everyone.name.where, f"`*` may call {_actions(statement)}{path}")


def _has(statement: Statement, name: str) -> bool:
    return bool(statement.conditions_on(name))


def _actions(statement: Statement) -> str:
    if not statement.actions:
        return "all actions except those in `NotAction`"
    more = len(statement.actions) - 1
    return f"{quoted(statement.actions[0].value)}{f' and {more} more' if more else ''}"


_GRAVE = ("kms:CreateGrant", "kms:Decrypt")


@check(
    "KMS-POL-XACCT",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="Another account may use the key",
    fix="Name the account in `trusted` if it belongs there; else remove it, or require an encryption context or kms:ViaService.",
    source=f"{GUIDE}/key-policy-modifying-external-accounts.html",
    bad=[
        key_policy(ROOT, allow_to(arn("root", OTHER), "kms:Decrypt")),
        key_policy(
            ROOT, allow_to(arn("role/Partner", OTHER), ["kms:Encrypt", "kms:PutKeyPolicy"])
        ),
    ],
    good=[
        key_policy(ROOT, allow_to(arn("role/App"), "kms:Decrypt")),
        key_policy(ROOT, allow_to(arn("root", OTHER), "kms:Decrypt"), trusted=frozenset({OTHER})),
    ],
)
def other_account(at: KeyPolicy) -> Iterator[Outcome]:
    """The administrators of the other account decide who decrypts your data or creates grants.

    False alarm when the account is yours or a partner's: name it in `trusted`.
    """
    for statement in at.allows:
        found = tuple(key.strangers(at, statement))
        if found and not at.account:
            yield key.ownerless()
            return
        is_grave = key.takes_any(statement, _GRAVE) and not statement.conditions
        local_only = [action.value for action in statement.actions if _is_local_only(action.value)]
        without_effect = (
            f"; {quoted(local_only[0])} has no effect from another account" if local_only else ""
        )
        for principal in found:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} of another account may call {_actions(statement)}{without_effect}",
                severity=Severity.HIGH if is_grave else None,
            )


def _is_local_only(entry: str) -> bool:
    return (
        entry.lower().startswith("kms:") and "*" not in entry and not works_across_accounts(entry)
    )


@check(
    "KMS-POL-RAM",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="The key is shared through AWS RAM",
    fix="Review the resource share in AWS RAM: aws ram get-resource-share-associations --association-type RESOURCE --resource-arn KEY_ARN",
    source="https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html",
    bad=[key_policy(allow_to(arn("root", OTHER), "kms:Decrypt"), name=SHARED)],
    good=[key_policy(ROOT)],
)
def shared(at: KeyPolicy) -> Iterator[Fail]:
    """A share adds a second policy to the key, named AWS_RAM; whoever reviews only the default policy does not see it.

    False alarm when the share is intended.
    """
    if not at.is_default:
        owners = dict.fromkeys(principal.value for s in at.allows for principal in s.principals)
        message = (
            ", ".join(quoted(owner) for owner in list(owners)[:3])
            or "principals that it does not name"
        )
        yield Fail(at.policy.node.where, f"the policy {SHARED} gives access to {message}")


@check(
    "KMS-NOTPRINCIPAL",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.HIGH,
    title="An Allow uses NotPrincipal or NotAction",
    fix="Write Principal and Action, and list the names you mean.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html",
    bad=[
        key_policy(
            ROOT,
            {
                "Effect": "Allow",
                "NotPrincipal": arn("role/App"),
                "Action": "kms:Decrypt",
                "Resource": "*",
            },
        ),
        key_policy(
            ROOT,
            {
                "Effect": "Allow",
                "Principal": arn("role/App"),
                "NotAction": "kms:PutKeyPolicy",
                "Resource": "*",
            },
        ),
    ],
    good=[
        key_policy(ROOT),
        key_policy(
            ROOT,
            {
                "Effect": "Deny",
                "NotPrincipal": arn("role/App"),
                "Action": "kms:Decrypt",
                "Resource": "*",
            },
        ),
    ],
)
def all_but(at: KeyPolicy) -> Iterator[Fail]:
    """Allow with NotPrincipal lets in every other identity of every account; Allow with NotAction allows every action that AWS adds later.

    No false alarms about what the statement allows.
    """
    for statement in at.policy.statements:
        for element in ("NotPrincipal", "NotAction"):
            if statement.allows and statement.has(element):
                what = (
                    "everyone else"
                    if element == "NotPrincipal"
                    else "every action except those named"
                )
                yield Fail(
                    statement.place(element), f"an Allow with `{element}` applies to {what}"
                )


_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_WITH_ACCOUNT = re.compile(r"(?:^|:)[0-9]{12}(?::|$)")
# AWS supports no guard for these uses: SNS Developer Guide, sns-key-management; CloudTrail User Guide,
# create-kms-key-policy-for-cloudtrail.
_UNGUARDED = {
    "events.amazonaws.com": "AWS supports no condition here for encrypted SNS topics: if the key is for topics, use it for nothing else",
    "cloudtrail.amazonaws.com": "AWS supports no condition here for event data stores: if the key is for them, use it for nothing else",
}
_LOGS = {
    "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-west-1:{OWN}:log-group:*"}
}


@check(
    "KMS-SVC-CONFUSED",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.HIGH,
    title="A service may use the key on behalf of any account",
    fix="Add StringEquals on aws:SourceAccount and ArnLike on aws:SourceArn; for CloudWatch Logs use ArnLike on kms:EncryptionContext:aws:logs:arn instead.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    bad=[
        key_policy(ROOT, allow_to({"Service": "s3.amazonaws.com"}, "kms:GenerateDataKey")),
        key_policy(ROOT, allow_to({"Service": "events.amazonaws.com"}, "kms:GenerateDataKey*")),
        key_policy(
            ROOT,
            allow_to(
                {"Service": "cloudtrail.amazonaws.com"},
                "kms:GenerateDataKey*",
                condition={"StringLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}},
            ),
        ),
    ],
    good=[
        key_policy(
            ROOT,
            allow_to(
                {"Service": "s3.amazonaws.com"},
                "kms:GenerateDataKey",
                condition={"StringEquals": {"aws:SourceAccount": OWN}},
            ),
        ),
        key_policy(
            ROOT, allow_to({"Service": "logs.eu-west-1.amazonaws.com"}, _USE, condition=_LOGS)
        ),
        key_policy(ROOT, allow_to({"Service": "cloudtrail.amazonaws.com"}, "kms:DescribeKey")),
    ],
)
def any_customer(at: KeyPolicy) -> Iterator[Fail]:
    """The service works for every account: a request from another account can make it encrypt or decrypt with your key.

    False alarm when AWS supports no such condition for the use, as for encrypted SNS topics
    behind EventBridge: the finding says so.
    """
    for statement in at.allows:
        if any(map(_is_guard, statement.conditions)) or not _does_more_than_describe(statement):
            continue
        for principal in statement.principals:
            if principal.type != "Service":
                continue
            unless = _without_condition(principal.value, statement) or _grants_of_route53(
                principal.value, statement
            )
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} may call {_actions(statement)} for any account"
                + (f"; {unless}" if unless else ""),
                severity=Severity.INFO if unless else None,
                low_confidence=bool(unless),
            )


def _without_condition(principal: str, statement: Statement) -> str:
    """Why a statement without any condition on the source may be meant: with one it is not for such a use."""
    tests_source = any(
        condition.name in _SOURCES or condition.name.startswith(f"{CONTEXT}:")
        for condition in statement.conditions
    )
    return "" if tests_source else _UNGUARDED.get(principal.lower(), "")


def _grants_of_route53(principal: str, statement: Statement) -> str:
    """Why the grants of DNSSEC signing are unguarded: Route 53 Developer Guide, access-control-managing-permissions."""
    grants = [action.value.lower() for action in statement.actions] == ["kms:creategrant"]
    demanded = any(
        condition.demanded for condition in statement.conditions_on("kms:grantisforawsresource")
    )
    if principal.lower() == "dnssec-route53.amazonaws.com" and grants and demanded:
        return "for the grants of DNSSEC signing AWS documents no further condition"
    return ""


def _does_more_than_describe(statement: Statement) -> bool:
    describing = {"kms:describekey", "kms:getpublickey"}
    return not statement.actions or any(
        a.value.lower() not in describing for a in statement.actions
    )


def _is_guard(condition: Condition) -> bool:
    """Whether the condition limits on whose behalf the service calls."""
    if not condition.demanded:
        return False
    values = [value.value for value in condition.values]
    if condition.name in _SOURCES:
        return all("${" in value or is_fixed(condition.name, value) for value in values)
    return condition.name.startswith(f"{CONTEXT}:") and all(
        _WITH_ACCOUNT.search(value) or "${" in value for value in values
    )


_OF_GRANTS = (
    "kms:grantisforawsresource",
    "kms:grantoperations",
    "kms:grantconstrainttype",
    "kms:grantconstraintsourcearn",
    "kms:granteeprincipal",
    VIA,
)


@check(
    "KMS-GRANT-OPEN",
    on=KeyPolicy,
    needs=FACTS,
    severity=Severity.MEDIUM,
    title="A principal may create grants without limits",
    fix='Add "Bool": {"kms:GrantIsForAWSResource": "true"}, or limit kms:GrantOperations or kms:GrantConstraintType.',
    source=CONDITIONS,
    bad=[
        key_policy(ROOT, allow_to(arn("role/App"), ["kms:CreateGrant", "kms:Decrypt"])),
        key_policy(
            ROOT,
            allow_to(
                arn("role/App"),
                "kms:CreateGrant",
                condition={"Bool": {"kms:GrantIsForAWSResource": "false"}},
            ),
        ),
    ],
    good=[
        key_policy(ROOT),
        key_policy(
            ROOT,
            allow_to(
                arn("role/App"),
                "kms:CreateGrant",
                condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            ),
        ),
        key_policy(ROOT, allow_to(arn("role/App"), "kms:CreateGrant", condition=_THROUGH_S3)),
        key_policy(ROOT, allow_to(arn("role/KeyAdmin"), ["kms:Create*", "kms:Put*"])),
        key_policy(
            ROOT,
            allow_to(
                arn("role/App"),
                "kms:CreateGrant",
                condition={"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}},
            ),
        ),
    ],
)
def open_grants(at: KeyPolicy) -> Iterator[Fail]:
    """A grant can let anyone in any account use the key, and the key policy does not show it.

    False alarm when the principal is a service integration of yours that creates grants by
    itself.
    """
    for statement in at.allows:
        # Whoever may change the policy can let anyone in anyway: the console's administrators have kms:Create*.
        if covers_action(statement, PUT_KEY_POLICY) or not covers_action(
            statement, "kms:CreateGrant"
        ):
            continue
        if any(map(_limits_grants, statement.conditions_on(*_OF_GRANTS))):
            continue
        where = next(
            (a.where for a in statement.actions if "grant" in a.value.lower()), statement.place()
        )
        named = [principal.value for principal in statement.principals]
        everyone = any(principal.is_everyone for principal in statement.principals)
        wide = key.is_for_all_within(statement) and not key.tags_demanded(statement)
        yield Fail(
            where,
            f"{_listed(named)} may let anyone use the key, by grants",
            severity=Severity.HIGH if everyone and wide else None,
        )


def _limits_grants(condition: Condition) -> bool:
    values = [value.value.lower() for value in condition.values]
    if condition.name == "kms:grantoperations":
        # Every grant names its operations, so ForAllValues binds; ForAnyValue leaves the other operations open.
        positive = not condition.negated and condition.base != "Null"
        return positive and condition.qualifier != "ForAnyValue" and "*" not in values
    if condition.name == "kms:grantisforawsresource":
        return condition.demanded and values == ["true"]
    return condition.demanded and "*" not in values


def _listed(named: list[str]) -> str:
    more = f" and {len(named) - 1} more" if len(named) > 1 else ""
    return f"{quoted(named[0])}{more}" if named else "everyone except those in `NotPrincipal`"
