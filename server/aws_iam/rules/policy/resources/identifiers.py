"""Names of services, Regions, organizations, accounts, KMS keys and service principals that nothing in AWS has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Condition, Statement, Text
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.pattern import intersects, is_literal
from aws_iam.engine.language.placeholders import (
    is_known_later,
    is_known_later_of_key,
    placeholders,
)
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.arn_formats import arn_formats
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.corrections import rejected_services
from aws_iam.engine.reference.regions import may_be_newer, regions
from aws_iam.engine.reference.service_principals import SERVICE_KEYS, misspelled_principal
from aws_iam.engine.tokens.oidc_provider import claim_key
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS, Example, allow_if
from aws_iam.rules.gates import PRINCIPALS, at_condition, at_keys, at_resource, at_value
from aws_iam.rules.newer_names import possibly_new
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 2_048


def _writing_if(operator: str, key: str, value: object) -> Example:
    return allow_if(operator, key, value, "s3:PutObject", OBJECTS)


# The prefix of global keys, and that of the keys of Identity Center, which the catalogue does not list.
_OTHER_PREFIXES = frozenset({"aws", "identitycenter"})


def _is_of_unknown_service(entry: str) -> bool:
    service = _service_of_arn(entry)
    return service is not None and catalog().tier(service) == "unknown"


def _is_unknown(condition: Condition) -> bool:
    return catalog().condition_key(condition.key.value) is None


@check(
    "INVALID_SERVICE",
    on=Statement,
    when=(at_resource(_is_of_unknown_service), at_condition(_is_unknown)),
    severity=Severity.ERROR,
    title="No AWS service has this name",
    fix="Write the name as in AWS's service authorization reference; the prefix of a global key is `aws:`.",
    bad=[
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s33:::bucket/*"},
        _writing_if("StringEquals", "ec3:Region", "eu-west-1"),
    ],
    good=[
        _writing_if("StringEquals", "aws:PrincipalOrgID", "o-exampleorg"),
        _writing_if("StringEquals", "auth.example.com:sub", "ana"),
    ],
)
def unknown_service(statement: Statement) -> Iterator[Fail]:
    """A service that does not exist has no resources and supplies no condition keys, so the ARN or key matches nothing.

    False alarm when AWS launched the service after the data here was collected.
    """
    for text, service in (*_services_of_arns(statement), *_services_of_keys(statement)):
        if catalog().tier(service) == "unknown":
            key = claim_key(text.value)
            if key and key.decoration and "." in key.host:
                yield Fail(
                    text.where,
                    f"{quoted(text.value)} begins with {quoted(key.decoration)}, which no request's key does",
                    fix=f"Begin the key with the issuer's host: {quoted(f'{key.host}:{key.claim}')}.",
                )
                continue
            near = catalog().suggest_service(service) if service else ()
            what = (
                f"{quoted(text.value)} names the service {quoted(service)}, which does not exist"
            )
            if near or not service or catalog().retired_actions(service):
                hint = f"; did you mean `{near[0]}`?" if near else ""
                yield Fail(text.where, f"{what}{hint}")
            else:
                yield possibly_new(text.where, what)


def _services_of_arns(statement: Statement) -> Iterator[tuple[Text, str]]:
    """The services in ARNs for which the catalogue has no ARN format."""
    for entry in (*statement.resources, *statement.not_resources):
        service = _service_of_arn(entry.value)
        if service is not None:
            yield entry, service


def _service_of_arn(text: str) -> str | None:
    arn = Arn.of(text)
    service = arn.service.lower() if arn else "*"
    # The reference still gives EC2 a resource type of elastic-inference, which AWS's validator rejects.
    has_formats = arn_formats(service) and service not in rejected_services()
    if is_literal(service) and not is_known_later(service) and not has_formats:
        return service
    return None


def _services_of_keys(statement: Statement) -> Iterator[tuple[Text, str]]:
    """The prefixes of unknown condition keys; a host (`token.actions.githubusercontent.com`) belongs to an identity provider."""
    for condition in statement.conditions:
        prefix, _, rest = condition.name.partition(":")
        is_service = rest and not set("./$") & set(prefix) and prefix not in _OTHER_PREFIXES
        # In lower case a name is no placeholder.
        if placeholders(condition.key.value):
            continue
        if is_service and catalog().condition_key(condition.key.value) is None:
            yield condition.key, prefix


# The keys in AWS's reference whose values are Regions.
_REGION_KEYS = (
    "aws:requestedregion",
    "account:targetregion",
    "cloudformation:targetregion",
    "dsql:witnessregion",
    "ec2:region",
    "ec2:vpceserviceregion",
    "ec2:vpcesupportedregion",
    "identitystore:primaryregion",
    "kms:primaryregion",
    "kms:replicaregion",
    "secretsmanager:addreplicaregions",
    "secretsmanager:secretprimaryregion",
    "ses:replicaregion",
    "sso:primaryregion",
)


# The Region of a request that Bedrock serves wherever there is room for it.
# https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
_ANY_OF_BEDROCK = "unspecified"


def _texts(condition: Condition) -> tuple[Text, ...]:
    """The values under an operator that compares strings or ARNs."""
    family = OPERATORS.get(condition.base)
    return condition.values if family in {Family.STRING, Family.ARN} else ()


@check(
    "INVALID_REGION",
    on=Statement,
    when=(at_keys(*_REGION_KEYS),),
    severity=Severity.ERROR,
    title="No AWS Region has this name",
    fix="Write the code of the Region, such as `eu-west-1`.",
    bad=[
        _writing_if("StringEquals", "aws:RequestedRegion", "eu-wset-1"),
        _writing_if("StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "eu-west-9"]),
        _writing_if("StringEquals", "aws:RequestedRegion", "eu-west-1a"),
    ],
    good=[
        _writing_if("StringEquals", "aws:RequestedRegion", ["eu-west-1", "us-gov-west-1"]),
        _writing_if("StringLike", "aws:RequestedRegion", "eu-*"),
        _writing_if("StringEquals", "aws:RequestedRegion", "${aws:PrincipalTag/region}"),
        allow_if("StringEquals", "aws:RequestedRegion", "unspecified", "bedrock:InvokeModel"),
    ],
)
def unknown_region(statement: Statement) -> Iterator[Fail]:
    """No request goes to a Region that does not exist, so the value never matches.

    False alarm when AWS opened the Region after the date in the message.
    """
    for condition in statement.conditions_on(*_REGION_KEYS):
        for value in _texts(condition):
            text = value.value
            # `aws-global` names the endpoint of services without Regions; AWS does not document whether requests carry it.
            is_later = is_known_later_of_key(condition.name, text)
            if not is_literal(text) or is_later or text.endswith("-global"):
                continue
            if text == _ANY_OF_BEDROCK:
                continue
            if regions().partition(text) is None:
                yield Fail(value.where, _unknown_region(text), low_confidence=may_be_newer(text))


def _unknown_region(name: str) -> str:
    near = regions().near(name)
    hint = f"; did you mean `{near}`?" if near else ""
    return f"{quoted(name)} is not a Region that existed on {regions().as_of}{hint}"


_KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_ANY_KMS_KEY = "arn:*:kms:*:*:key/*"
_KEY_OF_S3 = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


_NAMES_KMS_KEY = re.compile("kms-?key")
_NAMES_ARN = ("kms-key-id", "kmskeyarn", "kmskeyarns")


def _holds_kms_key(condition: Condition) -> bool:
    """Whether the condition is on a key that holds the ARN of a KMS key, by its name and its type in the reference."""
    if not _NAMES_KMS_KEY.search(condition.name):
        return False
    key = catalog().condition_key(condition.key.value)
    return key is not None and key.value_type == "ARN" and "${" not in key.name


@check(
    "INVALID_KMS_KEY_VALUE",
    on=Statement,
    when=(at_condition(_holds_kms_key),),
    severity=Severity.ERROR,
    title="The value is not the ARN of a KMS key",
    fix="Write the ARN of the key, arn:aws:kms:REGION:ACCOUNT:key/KEY_ID.",
    bad=[
        _writing_if("StringEquals", _KEY_OF_S3, "alias/reports"),
        _writing_if("ArnEquals", _KEY_OF_S3, "arn:aws:kms:eu-west-1:111122223333:alias/reports"),
        _writing_if("StringNotEquals", _KEY_OF_S3, "1234abcd-12ab-34cd-56ef-1234567890ab"),
        _writing_if("StringLike", _KEY_OF_S3, "arn:aws:kms:*:111122223333:alias/*"),
    ],
    good=[
        _writing_if("StringEquals", _KEY_OF_S3, _KEY_ARN),
        _writing_if("ArnLike", _KEY_OF_S3, "arn:aws:kms:*:111122223333:key/*"),
        _writing_if("ArnEquals", _KEY_OF_S3, "${aws:PrincipalTag/key}"),
        _writing_if("Null", _KEY_OF_S3, "true"),
    ],
)
def not_a_kms_key(statement: Statement) -> Iterator[Fail]:
    """AWS compares the ARN of the key itself, even when the request names an alias, so nothing else matches.

    False alarm when the value is a placeholder that is filled in before deployment.
    """
    for condition in statement.conditions:
        for value in _texts(condition) if _holds_kms_key(condition) else ():
            if not _may_be_kms_key(value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} under {quoted(condition.key.value)} is not the ARN of a KMS key",
                    # AWS does not publish which keys it checks; it is certain only for keys whose names say that they hold ARNs.
                    low_confidence=not condition.name.endswith(_NAMES_ARN),
                )


def _may_be_kms_key(text: str) -> bool:
    pattern = without_variables(text, "*")
    if is_literal(pattern):
        return bool(_KMS_KEY.fullmatch(pattern))
    if len(pattern) > _LONGEST:
        return True
    arn = Arn.of(pattern)
    if arn is None:
        return intersects(pattern, _ANY_KMS_KEY)
    # Compare field by field: a wildcard that matches colons would let an alias pass.
    return intersects(arn.service, "kms") and intersects(arn.resource, "key/*")


# https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html, API_Account.html
_ORGANIZATION = (re.compile(r"o-[a-z0-9]{10,32}"), "an organization's id such as `o-a1b2c3d4e5`")
# The account of what AWS itself owns, such as managed policies, is `aws`.
_ACCOUNT = (re.compile(r"\d{12}|aws"), "an account id of 12 digits")
# Who did not sign a request is of the account `anonymous`: reference_policies_condition-keys, aws:PrincipalAccount.
_ACCOUNT_OF_CALLER = (re.compile(r"\d{12}|anonymous"), _ACCOUNT[1])
_ARN = (re.compile(r"arn:.*", re.DOTALL), "an ARN")
_FORMS = {
    "aws:principalorgid": _ORGANIZATION,
    "aws:resourceorgid": _ORGANIZATION,
    "aws:sourceorgid": _ORGANIZATION,
    "aws:vpceorgid": _ORGANIZATION,
    "aws:principalaccount": _ACCOUNT_OF_CALLER,
    "aws:resourceaccount": _ACCOUNT,
    "aws:sourceaccount": _ACCOUNT,
    "aws:vpceaccount": _ACCOUNT,
    "kms:calleraccount": _ACCOUNT,
    "s3:dataaccesspointaccount": _ACCOUNT,
    "s3:resourceaccount": _ACCOUNT,
    "aws:principalarn": _ARN,
    "aws:sourcearn": _ARN,
    "iam:permissionsboundary": _ARN,
    "iam:policyarn": _ARN,
}


@check(
    "VALUE_OF_IMPOSSIBLE_FORM",
    on=Statement,
    when=(at_keys(*_FORMS),),
    severity=Severity.WARNING,
    title="No request has a value of this form",
    fix="Write the id or ARN in full.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
    bad=[
        _writing_if("StringEquals", "aws:PrincipalOrgID", "our-organization"),
        _writing_if("StringNotEquals", "aws:SourceAccount", "1111-2222-3333"),
        _writing_if("StringEquals", "aws:PrincipalArn", "role/app"),
        _writing_if("ArnNotEquals", "iam:PermissionsBoundary", "boundary"),
    ],
    good=[
        _writing_if("StringEquals", "aws:PrincipalOrgID", "o-exampleorg"),
        _writing_if("StringEquals", "aws:ResourceAccount", ["111122223333", "aws"]),
        _writing_if("StringLike", "aws:PrincipalArn", "*:role/app"),
        _writing_if("StringEqualsIgnoreCase", "aws:PrincipalOrgID", "O-EXAMPLEORG"),
        _writing_if("StringNotEquals", "aws:PrincipalAccount", "anonymous"),
        _writing_if("StringEquals", "aws:SourceAccount", "${aws:PrincipalAccount}"),
    ],
)
def impossible_value(statement: Statement) -> Iterator[Fail]:
    """AWS sets the key, always in one form: what the value should let in, or keep out, is not met by it.

    False alarm when the value is a placeholder that is filled in before deployment and does not look like one.
    """
    for condition in statement.conditions_on(*_FORMS):
        form, what = _FORMS[condition.name]
        for value in _texts(condition):
            text = value.value
            compared = text.lower() if "IgnoreCase" in condition.base else text
            is_later = is_known_later_of_key(condition.name, text)
            if is_literal(text) and not (form.fullmatch(compared) or is_later):
                yield Fail(
                    value.where,
                    f"{quoted(text)} under {quoted(condition.key.value)} is not {what}: no request has it",
                )


def _is_misspelt(text: str) -> bool:
    return bool(misspelled_principal(text))


@check(
    "MISSPELT_SERVICE_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS, at_value(_is_misspelt)),
    severity=Severity.WARNING,
    title="A service principal seems to be misspelled",
    fix="Write the service principal as in the service's documentation.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services",
    bad=[
        {
            "Effect": "Allow",
            "Principal": {"Service": "lamda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
        _writing_if("StringEquals", "iam:PassedToService", "clodformation.amazonaws.com"),
        _writing_if("StringEquals", "kms:ViaService", "secretmanager.eu-west-1.amazonaws.com"),
    ],
    good=[
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "brand-new.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        },
        _writing_if("StringEquals", "kms:ViaService", "secretsmanager.eu-west-1.amazonaws.com"),
        _writing_if("StringLike", "iam:PassedToService", "lamda*.amazonaws.com"),
    ],
)
def misspelt_service(statement: Statement) -> Iterator[Fail]:
    """AWS accepts any name of this form without a warning; if no service has the name, the statement has no effect.

    False alarm when the service is newer than the data here.
    """
    for text in _services(statement):
        intended = misspelled_principal(text.value)
        if intended:
            yield Fail(
                text.where,
                f"{quoted(text.value)} is not a known service principal; did you mean `{intended}`?",
                # There is no complete list of service principals.
                low_confidence=True,
            )


def _services(statement: Statement) -> Iterator[Text]:
    for principal in (*statement.principals, *statement.not_principals):
        if principal.type == "Service":
            yield principal.name
    for condition in statement.conditions_on(*SERVICE_KEYS):
        yield from _texts(condition)
