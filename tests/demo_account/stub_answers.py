"""Answers of the demonstration account that moto lacks, or gives as no such company would.

Each entry names the service (as the request is signed for it) and the operation: its action for query and JSON
protocols, method and path for REST.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aws_iam.account.reading.demonstration import REGIONS
from demo_account import clusters, last_accessed
from demo_account.call import ACCOUNT, HOME
from demo_account.monitoring import MAIN_TRAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reply = tuple[int, Mapping[str, str], str | bytes]

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
_SCOPE = re.compile(r"Credential=[^/]*/\d*/([a-z0-9-]+)/([a-z0-9-]+)/")
_GENERATED = re.compile(r"<GeneratedTime>[^<]*</GeneratedTime>")
_XML_SERVICES = ("s3", "cloudfront", "route53")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read far enough to choose its answer."""

    account: str
    service: str
    region: str
    operation: str
    body: Mapping[str, Any]
    query: Mapping[str, str]

    @property
    def speaks_xml(self) -> bool:
        """Whether an error is told in XML."""
        return self.service in _XML_SERVICES or "Action" in self.body


def read(environ: Mapping[str, Any], content: bytes) -> Asked | None:
    """What a WSGI request asks; None when it is signed for no service, or for a Region that the account does not have."""
    found = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None or found[1] not in REGIONS:
        return None
    text = content.decode("utf-8", "replace")
    form = _first(text) if "Action=" in text else {}
    target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    path = environ["PATH_INFO"].rstrip("/") or "/"
    return Asked(
        account=ACCOUNT,
        service=found[2],
        region=found[1],
        operation=target or form.get("Action", "") or f"{environ['REQUEST_METHOD']} {path}",
        body=form or _json(text),
        query=_first(environ.get("QUERY_STRING", "")),
    )


def own_answer(asked: Asked) -> Reply | None:
    """Our answer to a request; None when moto knows better."""
    for service, operation, answer in _ANSWERS:
        if asked.service == service and re.fullmatch(operation, asked.operation):
            return answer(asked)
    return None


def amended(asked: Asked, reply: Reply) -> Reply:
    """Moto's answer, with the fields that it leaves out or invents."""
    amend = _AMENDED.get((asked.service, asked.operation))
    return reply if amend is None or reply[0] != _OK else amend(asked, reply)


def _delivered(asked: Asked, reply: Reply) -> Reply:
    """Moto does not know when a trail last delivered to its log group."""
    if str(asked.body.get("Name", "")).rpartition("/")[2] != MAIN_TRAIL:
        return reply
    status = json.loads(reply[2])
    status["LatestCloudWatchLogsDeliveryTime"] = _ago(minutes=6).timestamp()
    return reply[0], reply[1], json.dumps(status)


def _dated(_asked: Asked, reply: Reply) -> Reply:
    """Moto dates every credential report to 2015."""
    fresh = f"<GeneratedTime>{_stamp(minutes=1)}</GeneratedTime>"
    return reply[0], reply[1], _GENERATED.sub(fresh, _text(reply[2]))


def _in_order(_asked: Asked, reply: Reply) -> Reply:
    """Moto gives parameters in the order of a set, which is another one in every process."""
    answer = json.loads(reply[2])
    answer["Parameters"].sort(key=lambda parameter: parameter["Name"])
    return reply[0], reply[1], json.dumps(answer)


def refusal(asked: Asked | None, code: str, message: str, status: int = 400) -> Reply:
    """An error in the words of the protocol that the caller speaks."""
    if asked is None or asked.speaks_xml:
        error = (
            f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        )
        body = f"<ErrorResponse>{error}<RequestId>demo</RequestId></ErrorResponse>"
        if asked is not None and asked.service == "ec2":
            body = f"<Response><Errors>{error}</Errors><RequestID>demo</RequestID></Response>"
        return status, {}, body
    body = json.dumps({"__type": code, "message": message})
    return status, {"x-amzn-errortype": code}, body


def unknown(asked: Asked) -> Reply:
    """The refusal of what neither moto nor this file answers."""
    message = f"the demonstration account does not know {asked.operation} of {asked.service}"
    return refusal(asked, UNKNOWN, message)


_OK = 200
UNKNOWN = "NotInDemonstration"
"""The error code that AWS does not have."""


def _text(body: object) -> str:
    if isinstance(body, bytes):
        return body.decode("utf-8", "replace")
    return body if isinstance(body, str) else ""


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text.startswith("{") else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _ago(**amount: float) -> datetime:
    return datetime.now(UTC) - timedelta(**amount)


def _stamp(**amount: float) -> str:
    return _ago(**amount).strftime("%Y-%m-%dT%H:%M:%SZ")


def _given(value: dict[str, Any]) -> Callable[[Asked], Reply]:
    return lambda _asked: (_OK, {}, json.dumps(value))


def _refused(code: str, message: str, status: int = 400) -> Callable[[Asked], Reply]:
    return lambda asked: refusal(asked, code, message, status)


def _regions(_asked: Asked) -> Reply:
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        "<optInStatus>opt-in-not-required</optInStatus></item>"
        for name in REGIONS
    )
    space = "http://ec2.amazonaws.com/doc/2016-11-15/"
    opening = f'<DescribeRegionsResponse xmlns="{space}"><requestId>demo</requestId>'
    body = f"{opening}<regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
    return _OK, {}, body


def _enabled_regions(_asked: Asked) -> Reply:
    listed = [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in REGIONS]
    return _OK, {}, json.dumps({"Regions": listed})


def _analyzers(asked: Asked) -> Reply:
    kind = asked.query.get("type")
    listed = [analyzer for analyzer in _analyzers_of(asked) if kind in {None, analyzer["type"]}]
    return _OK, {}, json.dumps({"analyzers": listed})


def _analyzer(asked: Asked) -> Reply:
    name = asked.operation.rpartition("/")[2]
    for analyzer in _analyzers_of(asked):
        if analyzer["name"] == name:
            return _OK, {}, json.dumps({"analyzer": analyzer})
    return refusal(asked, "ResourceNotFoundException", f"no analyzer {name}", 404)


def _analyzers_of(asked: Asked) -> list[dict[str, Any]]:
    """Both analyzers are in the home Region; the other one is not watched."""
    if asked.region != HOME:
        return []
    common = {"createdAt": _stamp(days=300), "status": "ACTIVE", "tags": {}}
    start = f"arn:aws:access-analyzer:{asked.region}:{asked.account}:analyzer/"
    return [
        {**common, "name": "outside", "arn": f"{start}outside", "type": "ACCOUNT"},
        {
            **common,
            "name": "unused",
            "arn": f"{start}unused",
            "type": "ACCOUNT_UNUSED_ACCESS",
            "configuration": {"unusedAccess": {"unusedAccessAge": 90}},
        },
    ]


_OUTSIDE = (
    ("AWS::S3::Bucket", "arn:aws:s3:::larkspur-press-{account}", "ACTIVE"),
    ("AWS::IAM::Role", "arn:aws:iam::{account}:role/github-deploy-legacy", "ACTIVE"),
    ("AWS::IAM::Role", "arn:aws:iam::{account}:role/github-shop-main", "ARCHIVED"),
    ("AWS::IAM::Role", "arn:aws:iam::{account}:role/gitlab-catalogue", "ACTIVE"),
    ("AWS::IAM::Role", "arn:aws:iam::{account}:role/supplier-feed", "ACTIVE"),
)
_UNUSED = (
    ("UnusedIAMUserPassword", "arn:aws:iam::{account}:user/carol.lindqvist"),
    ("UnusedIAMUserAccessKey", "arn:aws:iam::{account}:user/backup-agent"),
    ("UnusedPermission", "arn:aws:iam::{account}:role/github-deploy-legacy"),
)


def _findings(asked: Asked) -> Reply:
    analyzer = str(asked.body.get("analyzerArn", "")).rpartition("/")[2]
    known = {analyzer["name"] for analyzer in _analyzers_of(asked)}
    if analyzer not in known:
        return refusal(asked, "ResourceNotFoundException", f"no analyzer {analyzer}", 404)
    kept = [finding for finding in _findings_of(asked, analyzer) if _matches(finding, asked.body)]
    return _OK, {}, json.dumps({"findings": kept})


def _findings_of(asked: Asked, analyzer: str) -> list[dict[str, Any]]:
    rows: list[tuple[str, str, str, str]]
    if analyzer == "outside":
        rows = [("ExternalAccess", *row) for row in _OUTSIDE]
    else:
        rows = [
            (kind, "AWS::IAM::User" if ":user/" in arn else "AWS::IAM::Role", arn, "ACTIVE")
            for kind, arn in _UNUSED
        ]
    return [
        {
            "id": f"{analyzer}-{number}",
            "findingType": kind,
            "resourceType": resource_type,
            "resource": arn.format(account=asked.account),
            "resourceOwnerAccount": asked.account,
            "status": status,
            "createdAt": _stamp(days=120),
            "updatedAt": _stamp(days=2),
            "analyzedAt": _stamp(hours=7),
        }
        for number, (kind, resource_type, arn, status) in enumerate(rows, start=1)
    ]


def _matches(finding: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    wanted = body.get("filter") or {}
    return all(
        finding.get(name) in test["eq"]
        for name, test in wanted.items()
        if name in finding and "eq" in test
    )


_EXPORT, _WEBHOOK = "order-export", "supplier-webhook"
_SETTINGS = {
    _EXPORT: {"BUCKET": "larkspur-orders", "FTP_PASSWORD": "demonstration-only"},
    # Where a secret is, and what one must look like, is no secret.
    _WEBHOOK: {
        "FEED_SECRET_ARN": f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:payments/api-key",
        "PASSWORD_MIN_LENGTH": "14",
        "TOKEN_URL": "https://partner.example/oauth/token",
    },
}


def _functions(asked: Asked) -> Reply:
    """Two functions in the home Region; the settings of one hold a secret."""
    listed = [_function(asked, name) for name in _SETTINGS] if asked.region == HOME else []
    return _OK, {}, json.dumps({"Functions": listed})


def _function(asked: Asked, name: str) -> dict[str, Any]:
    return {
        "FunctionName": name,
        "FunctionArn": _function_arn(asked, name),
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{asked.account}:role/order-export",
        "Handler": "main.handler",
        "LastModified": _ago(days=75).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "PackageType": "Zip",
        "Architectures": ["arm64"],
        "Environment": {"Variables": _SETTINGS[name]},
    }


def _function_arn(asked: Asked, name: str) -> str:
    return f"arn:aws:lambda:{asked.region}:{asked.account}:function:{name}"


def _policy_of_function(asked: Asked) -> Reply:
    """Anyone may invoke the webhook; the others have no policy."""
    if asked.operation.removesuffix("/policy").rpartition(":")[2] != _WEBHOOK:
        return refusal(asked, "ResourceNotFoundException", "the function has no policy", 404)
    statement = {
        "Sid": "Partners",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Resource": _function_arn(asked, _WEBHOOK),
    }
    return (
        _OK,
        {},
        json.dumps({"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}),
    )


def _eks(asked: Asked) -> Reply:
    told = clusters.answer(asked.region, asked.operation)
    return unknown(asked) if told is None else (_OK, {}, json.dumps(told))


def _buses(asked: Asked) -> Reply:
    arn = f"arn:aws:events:{asked.region}:{asked.account}:event-bus/default"
    return _OK, {}, json.dumps({"EventBuses": [{"Name": "default", "Arn": arn}]})


_API = "larkspur01"


def _apis(asked: Asked) -> Reply:
    """One API in the home Region."""
    api = {"id": _API, "name": "catalogue", "endpointConfiguration": {"types": ["REGIONAL"]}}
    return _OK, {}, json.dumps({"item": [api] if asked.region == HOME else []})


def _stages(asked: Asked) -> Reply:
    """Only one of its two stages keeps a log of who called it."""
    group = f"arn:aws:logs:{HOME}:{asked.account}:log-group:api/catalogue"
    stages = [
        {"stageName": "live", "accessLogSettings": {"destinationArn": group}},
        {"stageName": "preview"},
    ]
    return _OK, {}, json.dumps({"item": stages})


def _usage_job(asked: Asked) -> Reply:
    return _OK, {}, last_accessed.generated(str(asked.body.get("Arn", "")))


def _usage(asked: Asked) -> Reply:
    found = last_accessed.details(asked.account, str(asked.body.get("JobId", "")))
    return (_OK, {}, found) if found else refusal(asked, "NoSuchEntity", "no such job", 404)


def _key_use(asked: Asked) -> Reply:
    """Every key was used yesterday; AWS has tracked use for long."""
    told = {
        "KeyId": str(asked.body.get("KeyId", "")),
        "KeyLastUsage": {"Operation": "Decrypt", "Timestamp": _ago(days=1).timestamp()},
        "TrackingStartDate": _ago(days=300).timestamp(),
        "KeyCreationDate": _ago(days=200).timestamp(),
    }
    return _OK, {}, json.dumps(told)


_CONTACT = {
    "FullName": "Larkspur Books",
    "CompanyName": "Larkspur Books",
    "AddressLine1": "1 Example Street",
    "City": "Springfield",
    "PostalCode": "00000",
    "CountryCode": "US",
    "PhoneNumber": "+15550100",
}

_ANSWERS: tuple[tuple[str, str, Callable[[Asked], Reply]], ...] = (
    ("access-analyzer", "GET /analyzer", _analyzers),
    ("access-analyzer", "GET /analyzer/[^/]+", _analyzer),
    ("access-analyzer", "POST /findingv2", _findings),
    # Moto does not have the service, and fails to say so.
    ("access-analyzer", ".*", unknown),
    ("account", "POST /getContactInformation", _given({"ContactInformation": _CONTACT})),
    ("account", "POST /listRegions", _enabled_regions),
    ("ec2", "DescribeRegions", _regions),
    (
        "iam",
        "ListOrganizationsFeatures",
        _refused("OrganizationNotFoundException", "the account is not in an organization"),
    ),
    ("iam", "GenerateServiceLastAccessedDetails", _usage_job),
    ("iam", "GetServiceLastAccessedDetails", _usage),
    # Moto answers some of these as if there were one, and lacks others.
    (
        "organizations",
        ".*",
        _refused(
            "AWSOrganizationsNotInUseException", "the account is not a member of an organization"
        ),
    ),
    # Moto says that Macie is on and that Identity Center has an instance, in an account that never set them up.
    ("macie2", "GET /macie", _refused("AccessDeniedException", "Macie is not enabled", 403)),
    ("sso", "ListInstances", _given({"Instances": []})),
    # Moto's own versions of these need more packages than the rest.
    ("lambda", r"GET /2015-03-31/functions", _functions),
    # Moto lacks these.
    ("rolesanywhere", "GET /profiles", _given({"profiles": []})),
    ("elasticmapreduce", "ListStudios", _given({"Studios": []})),
    ("kms", "DescribeCustomKeyStores", _given({"CustomKeyStores": [], "Truncated": False})),
    ("kms", "GetKeyLastUsage", _key_use),
    ("ram", "POST /listresources", _given({"resources": []})),
    ("secretsmanager", "ListResourcePolicies", _given({"ResourcePolicies": []})),
    ("lambda", r"GET /2015-03-31/functions/[^/]+/policy", _policy_of_function),
    ("eks", ".*", _eks),
    ("apigateway", "GET /restapis", _apis),
    ("apigateway", f"GET /restapis/{_API}/stages", _stages),
    ("apigateway", "GET /v2/apis", _given({"items": []})),
    ("events", "ListEventBuses", _buses),
)

_AMENDED: dict[tuple[str, str], Callable[[Asked, Reply], Reply]] = {
    ("cloudtrail", "GetTrailStatus"): _delivered,
    ("iam", "GetCredentialReport"): _dated,
    ("ssm", "GetParameters"): _in_order,
}
