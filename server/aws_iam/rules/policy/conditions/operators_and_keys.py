"""Condition operators and keys that do not exist, lack a part or do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Condition, Statement
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys, legacy_keys
from aws_iam.errors import closest, nearest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, allow_if
from aws_iam.rules.gates import KEY_TWICE, at_condition, at_keys
from aws_iam.rules.newer_names import possibly_new
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}


def _is_unknown_operator(condition: Condition) -> bool:
    """Whether the operator or its qualifier does not exist."""
    return condition.base not in OPERATORS or (
        ":" in condition.operator.value and condition.qualifier not in QUALIFIERS
    )


def _is_modified_null(condition: Condition) -> bool:
    return condition.base == "Null" and condition.operator.value != "Null"


def _is_unknown(condition: Condition) -> bool:
    return catalog().condition_key(condition.key.value) is None


def _lacks_a_part(condition: Condition) -> bool:
    prefix, _, name = condition.key.value.partition(":")
    return not (prefix and name)


@check(
    "INVALID_CONDITION_OPERATOR",
    on=Statement,
    when=(at_condition(_is_unknown_operator),),
    severity=Severity.ERROR,
    title="There is no condition operator with this name",
    fix="Use one of AWS's condition operators, spelled as in its documentation.",
    bad=[
        allow_if("StringEqual", "aws:username", "ana"),
        allow_if("ForEachValue:StringEquals", "aws:TagKeys", "team"),
    ],
    good=[allow_if("ForAnyValue:StringLikeIfExists", "aws:TagKeys", "team*")],
)
def unknown_operator(statement: Statement) -> Iterator[Fail]:
    """AWS rejects a policy with an operator that it does not know.

    False alarm when AWS introduced the operator after this list was made.
    """
    condition = statement.node.member("Condition")
    for member in condition.members if condition else ():
        name = member.name.value
        qualifier, colon, rest = name.rpartition(":")
        base = rest.removesuffix("IfExists")
        if base not in OPERATORS:
            near = closest(base, OPERATORS)
            hint = (
                f"did you mean `{near}`?"
                if near
                else "use one such as `StringEquals` or `ArnLike`"
            )
            yield Fail(member.name.where, f"{quoted(name)} is not a condition operator; {hint}")
        elif colon and qualifier not in QUALIFIERS:
            yield Fail(
                member.name.where,
                f"{quoted(qualifier)} is not a qualifier; write `ForAllValues` or `ForAnyValue`",
            )


@check(
    "NULL_WITH_IF_EXISTS",
    on=Statement,
    when=(at_condition(_is_modified_null),),
    severity=Severity.ERROR,
    title="Null has the suffix IfExists",
    fix="Write `Null`, which already tests whether the key exists.",
    bad=[allow_if("NullIfExists", "aws:username", "true")],
    good=[allow_if("Null", "aws:username", "true")],
)
def null_if_exists(statement: Statement) -> Iterator[Fail]:
    """Null already tests whether the key exists, so it takes no suffix.

    No false alarms: AWS rejects the suffix.
    """
    for condition in statement.conditions:
        if condition.base == "Null" and condition.if_exists:
            yield Fail(
                condition.operator.where,
                f"{quoted(condition.operator.value)} is not a condition operator; write `Null`",
            )


@check(
    "NULL_WITH_QUALIFIER",
    on=Statement,
    when=(at_condition(_is_modified_null),),
    severity=Severity.SUGGESTION,
    title="Null has a qualifier",
    fix="Write `Null` without a qualifier.",
    bad=[allow_if("ForAnyValue:Null", "aws:TagKeys", "true")],
    good=[allow_if("Null", "aws:TagKeys", "true")],
)
def null_with_qualifier(statement: Statement) -> Iterator[Fail]:
    """Whatever the request contains, Null always holds with ForAllValues and never with ForAnyValue.

    No false alarms: the result is the same for every request.
    """
    for condition in statement.conditions:
        if condition.base == "Null" and condition.qualifier in QUALIFIERS:
            frequency = "always" if condition.qualifier == "ForAllValues" else "never"
            yield Fail(
                condition.operator.where, f"{quoted(condition.operator.value)} {frequency} holds"
            )


@check(
    "INVALID_CONDITION_KEY_FORMAT",
    on=Statement,
    when=(at_condition(_lacks_a_part),),
    severity=Severity.ERROR,
    title="The condition key does not have the form service:name",
    fix="Write the key with its prefix, such as `aws:SourceIp` or `s3:prefix`.",
    bad=[allow_if("StringEquals", "SourceIp", "192.0.2.1"), allow_if("StringEquals", "aws:", "x")],
    good=[allow_if("IpAddress", "aws:SourceIp", "192.0.2.0/24")],
)
def key_without_prefix(statement: Statement) -> Iterator[Fail]:
    """AWS identifies a key by its prefix and its name, and rejects a key that lacks either.

    False alarm when the key is a placeholder that is filled in before deployment.
    """
    for condition in statement.conditions:
        prefix, _, name = condition.key.value.partition(":")
        if not (prefix and name):
            near = closest(
                f"aws:{condition.key.value}", (key.name for key in global_keys().values())
            )
            hint = f"did you mean `{near}`?" if near else "write `service:name`"
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is not a condition key; {hint}",
            )


@check(
    "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
    on=Statement,
    when=(KEY_TWICE,),
    severity=Severity.ERROR,
    title="The condition has the same key twice, in upper and lower case",
    fix="Spell the key the same way everywhere; merge two lists of values under one operator.",
    bad=[
        {
            **_ALLOW,
            "Condition": {"StringEquals": {"aws:username": "ana", "aws:UserName": "ben"}},
        },
        {
            **_ALLOW,
            "Condition": {
                "StringLike": {"aws:username": "a*"},
                "StringNotLike": {"aws:UserName": "ad*"},
            },
        },
    ],
    good=[allow_if("StringEquals", "aws:username", ["ana", "ben"])],
)
def key_twice_in_other_case(statement: Statement) -> Iterator[Fail]:
    """Key names are not case-sensitive, so both are one key: two lists of values under one operator contradict each other.

    False alarm when the two spellings are under different operators and both conditions are meant.
    """
    seen: dict[str, str] = {}
    for condition in statement.conditions:
        key = condition.key.value
        # AWS compares the keys of the whole Condition element, not only those under one operator.
        first = seen.setdefault(condition.name, key)
        if first != key:
            yield Fail(condition.key.where, f"{quoted(key)} is the same key as {quoted(first)}")


# Written with a tag's name after a slash.
_TAG_KEYS = ("resourcetag", "requesttag", "principaltag")


def _lacks_tag_name(condition: Condition) -> bool:
    _, _, name = condition.name.partition(":")
    return name.removesuffix("/") in _TAG_KEYS


@check(
    "MISSING_TAG_KEY_IN_CONDITION",
    on=Statement,
    when=(at_condition(_lacks_tag_name),),
    severity=Severity.ERROR,
    title="The condition key does not name a tag",
    fix="Write the tag's name after a slash: `aws:ResourceTag/team`.",
    bad=[allow_if("StringEquals", "aws:ResourceTag", "blue")],
    good=[allow_if("StringEquals", "aws:ResourceTag/team", "blue")],
)
def tag_without_name(statement: Statement) -> Iterator[Fail]:
    """Each tag has a key of its own, so a key without the name of a tag is never in a request."""
    for condition in statement.conditions:
        if _lacks_tag_name(condition):
            key = condition.key.value.removesuffix("/")
            yield Fail(
                condition.key.where, f"{quoted(key)} does not name a tag; write `{key[:60]}/NAME`"
            )


# Keys that AWS uses in its own managed policies but does not document; its validator reports them like any other unknown key.
_UNDOCUMENTED = frozenset({"aws:principalorgmasteraccountid", "lakeformation:gluearn"})


def _unknown_key(condition: Condition, what: str, near: str | None) -> Fail:
    key = quoted(condition.key.value)
    if condition.name in _UNDOCUMENTED:
        return Fail(
            condition.key.where,
            f"{key} is not a documented {what}, although AWS uses it in a policy of its own",
            low_confidence=True,
        )
    hint = f"; did you mean `{near}`?" if near else ""
    seen = catalog().key_last_listed(condition.key.value)
    if seen:
        return Fail(
            condition.key.where,
            f"{key} is no longer a {what}: AWS's reference still listed it on {seen}{hint}",
            # A service may send a key for some time after it has left the reference.
            low_confidence=catalog().is_recent(seen),
        )
    if near or condition.name.startswith("aws:"):
        return Fail(condition.key.where, f"{key} is not a {what}{hint}")
    return possibly_new(condition.key.where, f"{key} is not a {what}")


@check(
    "INVALID_GLOBAL_CONDITION_KEY",
    on=Statement,
    when=(at_condition(_is_unknown),),
    severity=Severity.ERROR,
    title="There is no global condition key with this name",
    fix="Use a key from AWS's list of global condition keys.",
    bad=[allow_if("StringEquals", "aws:PrincipalOrganization", "o-exampleorg")],
    good=[allow_if("StringEquals", "aws:PrincipalOrgID", "o-exampleorg")],
)
def unknown_global_key(statement: Statement) -> Iterator[Fail]:
    """No request has a key that does not exist: a positive condition never holds, and a negated one always does.

    False alarm when AWS introduced the key after the data here was collected.
    """
    for condition in statement.conditions:
        key = condition.key.value
        if not condition.name.startswith("aws:") or _lacks_tag_name(condition) or "${" in key:
            continue
        if condition.name not in legacy_keys() and catalog().condition_key(key) is None:
            near = closest(key, (known_key.name for known_key in global_keys().values()))
            yield _unknown_key(condition, "global condition key", near)


@check(
    "UNSUPPORTED_GLOBAL_CONDITION_KEY",
    on=Statement,
    when=(at_keys("aws:arn"),),
    severity=Severity.ERROR,
    title="AWS no longer supports this global condition key",
    fix="Use `aws:PrincipalArn`, or `aws:SourceArn` for the resource on whose behalf a service calls.",
    bad=[allow_if("ArnLike", "aws:ARN", "arn:aws:iam::111122223333:role/app")],
    good=[allow_if("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/app")],
)
def unsupported_global_key(statement: Statement) -> Iterator[Fail]:
    """AWS no longer supports `aws:ARN` and reports it in every policy."""
    for condition in statement.conditions_on("aws:arn"):
        yield Fail(
            condition.key.where,
            f"{quoted(condition.key.value)} is no longer supported; write `aws:PrincipalArn`",
        )


@check(
    "INVALID_SERVICE_CONDITION_KEY",
    on=Statement,
    when=(at_condition(_is_unknown),),
    severity=Severity.ERROR,
    title="The service has no condition key with this name",
    fix="Look up the keys of the service with `policy lookup`.",
    bad=[allow_if("StringEquals", "s3:prefx", "home/", "s3:ListBucket", BUCKET)],
    good=[
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket",
            "Condition": {"StringEquals": {"s3:prefix": "home/"}},
        }
    ],
)
def unknown_service_key(statement: Statement) -> Iterator[Fail]:
    """No request has a key that does not exist: a positive condition never holds, and a negated one always does.

    False alarm when AWS introduced the key after the data here was collected.
    """
    facts = catalog()
    for condition in statement.conditions:
        key = condition.key.value
        prefix, _, rest = condition.name.partition(":")
        service = facts.service(prefix)
        if service is None or not rest or "${" in key or _lacks_tag_name(condition):
            continue
        if facts.condition_key(key) is None:
            own = {
                known_key.name.partition(":")[2]: known_key.name
                for known_key in service.condition_keys.values()
            }
            similar = [own[name] for name in nearest(rest, own)]
            if not similar and rest.isalnum():
                similar = sorted(
                    (found.name for found in facts.keys_matching(f"*:{rest}")), key=len
                )
            near = similar[0] if similar else None
            yield _unknown_key(condition, f"condition key of {service.prefix}", near)
