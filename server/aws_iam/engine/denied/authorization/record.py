"""AWS's record of one refused request as values: evaluations with their checks, and the policies as they were captured.

    record_of({"details": …, "policies": {URI: document, …}})  →  AuthorizationRecord

`details` is the answer of GetRequestAuthorizationDetails, or the list of its pages; `policies` has the answers of
GetRequestAuthorizationPolicy by URI. Source: IAM Toolbox API Reference, API_GetRequestAuthorizationDetails.
"""

from __future__ import annotations

import json
import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.parsing.json_text import python_value
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_EVALUATIONS = 500
"""Evaluations that are judged; one call has a handful."""
_MOST_POLICIES = 1_000

LAYER_OF_TYPE: Mapping[str, str] = {
    "RESOURCE_CONTROL_POLICY": "rcp",
    "SERVICE_CONTROL_POLICY": "scp",
    "VPC_ENDPOINT_POLICY": "vpc_endpoint",
    "RESOURCE_BASED_POLICY": "resource",
    "IDENTITY_BASED_POLICY": "identity",
    "PERMISSIONS_BOUNDARY": "boundary",
    "SESSION_POLICY": "session",
}
"""The layer of each type of a recorded policy."""

LAYER_OF_CHECK: Mapping[str, str] = {
    "RESOURCE_CONTROL_POLICY": "rcp",
    "SERVICE_CONTROL_POLICY": "scp",
    "VPC_ENDPOINT": "vpc_endpoint",
    "RESOURCE": "resource",
    "PRINCIPAL": "identity",
    "PERMISSIONS_BOUNDARY": "boundary",
    "SESSION": "session",
}
"""The layer of each type of check."""

_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+", re.ASCII)
_GRANT = re.compile(r"[0-9a-f]{1,128}")
_FORM = '{"details": the answer of get-request-authorization-details, "policies": {URI: document}}'
# AWS made them and does not change them: Organizations User Guide, orgs_manage_policies_scps and _rcps.
_FULL_ACCESS = {
    ":policy/service_control_policy/p-FullAWSAccess": {},
    ":policy/resource_control_policy/p-RCPFullAWSAccess": {"Principal": "*"},
}


@slotted
class MatchedStatement:
    """A statement that matched by AWS's word; AWS makes up a Sid for one that has none."""

    sid: str
    effect: str


@slotted
class MatchedPolicy:
    """A policy with the statements of it that matched by AWS's word."""

    uri: str
    statements: tuple[MatchedStatement, ...]


@slotted
class AuthorizationCheck:
    """One requirement of an evaluation, and what AWS found."""

    type: str
    effect: str
    target: str = ""
    policy_types: tuple[str, ...] = ()
    matched: tuple[MatchedPolicy, ...] = ()

    @property
    def layer(self) -> str:
        """The layer that the check is about; empty for a type that is not known."""
        return LAYER_OF_CHECK.get(self.type, "")


@slotted
class AuthorizationEvaluation:
    """One pair of action and resource; `checks` is None where AWS gives none, which proves nothing."""

    action: str
    resource: str
    effect: str
    context: Mapping[str, Any]
    checks: tuple[AuthorizationCheck, ...] | None
    # Deprecated by AWS in favour of the checks.
    matched: tuple[MatchedPolicy, ...] = ()

    def checks_of(self, layer: str) -> tuple[AuthorizationCheck, ...]:
        """The checks of one layer, in AWS's order."""
        return tuple(check for check in self.checks or () if check.layer == layer)


@slotted
class RecordedPolicy:
    """A policy that took part; `lack` says why its document cannot be judged, and is empty where it can."""

    uri: str
    type: str
    inline: bool = False
    attached_to: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] | None = None
    lack: str = ""
    # Whether the document was not captured and is known all the same.
    is_known: bool = False

    @property
    def layer(self) -> str:
        """The layer that it belongs to; empty for a type that is not known."""
        return LAYER_OF_TYPE.get(self.type, "")

    @property
    def is_of_aws(self) -> bool:
        """Whether only AWS can change it."""
        return ":aws:policy/" in self.uri


@slotted
class AuthorizationRecord:
    """The record; `notes` say what is not as AWS's answers are, or not whole. `is_cut`: it has further pages."""

    context: Mapping[str, Any]
    evaluations: tuple[AuthorizationEvaluation, ...]
    policies: tuple[RecordedPolicy, ...]
    is_cut: bool = False
    notes: tuple[str, ...] = ()

    def policy(self, uri: str) -> RecordedPolicy | None:
        """The first policy with that URI."""
        return next((policy for policy in self.policies if policy.uri == uri), None)


def record_of(given: object, unread: Mapping[str, str] | None = None) -> AuthorizationRecord:
    """The record in a JSON value or text; `unread` says by URI why a document is missing. InputError says what is wrong."""
    try:
        return _record(given, unread or {})
    except RecursionError:
        raise InputError(
            "`authorization` is nested too deep to read", hint=f"give {_FORM}"
        ) from None


def _record(given: object, unread: Mapping[str, str]) -> AuthorizationRecord:
    whole = _object(_parsed(given), "")
    details, documents = _parts(whole)
    pages = details if isinstance(details, list) else [details]
    if not pages:
        raise _wrong("/details", "holds no page")
    rows = [_object(page, "/details") for page in pages]
    evaluations = [
        _evaluation(row, f"/details/evaluations/{number}")
        for number, row in enumerate(
            row for page in rows for row in _list(page, "evaluations", "/details", needed=True)
        )
    ]
    if not evaluations:
        raise _wrong("/details/evaluations", "holds no evaluation")
    notes: list[str] = []
    if rows[-1].get("nextToken"):
        notes.append("the record has further pages (`nextToken`), which are not here")
    contexts = [
        _object(row["requestContext"], "/details/requestContext")
        for row in rows
        if row.get("requestContext")
    ]
    if not contexts:
        notes.append("the record has no request context")
    policies = tuple(_policies(rows, documents, unread, notes))
    return AuthorizationRecord(
        context={name: value for context in contexts for name, value in context.items()},
        evaluations=tuple(evaluations),
        policies=policies,
        is_cut=bool(rows[-1].get("nextToken")),
        notes=tuple(notes),
    )


def _parsed(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return python_value(given)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"`authorization` is not valid JSON: {str(error).lower()}", hint=f"give {_FORM}"
        ) from None


def _parts(whole: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """The details, and the documents by URI."""
    if "evaluations" in whole:
        return whole, {}
    if "details" not in whole:
        raise InputError("`authorization` has no `details`", hint=f"give {_FORM}")
    details = whole["details"]
    return (_parsed(details) if isinstance(details, str) else details), _documents(
        whole.get("policies")
    )


def _documents(given: Any) -> Mapping[str, Any]:
    if given is None:
        return {}
    if isinstance(given, dict):
        return {uri: _document(value) for uri, value in given.items()}
    if not isinstance(given, list):
        raise _wrong("/policies", "must be an object of documents by URI, or a list")
    found: dict[str, Any] = {}
    for number, row in enumerate(given):
        entry = _object(row, f"/policies/{number}")
        uri = entry.get("uri", entry.get("policyUri"))
        if not isinstance(uri, str):
            raise _wrong(f"/policies/{number}", "does not say of which `uri` it is")
        document = _document(entry)
        if uri in found and found[uri] != document:
            raise _wrong(f"/policies/{number}", f"is a second document of {quoted(uri)}")
        found[uri] = document
    return found


def _document(value: Any) -> Any:
    """The document itself, out of the answer that holds it."""
    if isinstance(value, dict) and "Statement" not in value:
        for name in ("policyDocument", "document"):
            if name in value:
                return value[name]
    return value


def _evaluation(row: object, at: str) -> AuthorizationEvaluation:
    fields = _object(row, at)
    checks = _list(fields, "checks", at)
    return AuthorizationEvaluation(
        action=_text(fields, "action", at, needed=True),
        resource=_text(fields, "resource", at),
        effect=_text(fields, "evaluatedEffect", at),
        context=_object(fields.get("context") or {}, f"{at}/context"),
        # An empty list proves no more than none.
        checks=tuple(_check(check, f"{at}/checks/{number}") for number, check in enumerate(checks))
        or None,
        matched=tuple(_matched(fields, at)),
    )


def _check(row: object, at: str) -> AuthorizationCheck:
    fields = _object(row, at)
    types = _list(fields, "relevantPolicyTypes", at)
    return AuthorizationCheck(
        type=_text(fields, "checkType", at, needed=True),
        effect=_text(fields, "evaluatedEffect", at, needed=True),
        target=_text(fields, "targetArn", at),
        policy_types=tuple(name for name in types if isinstance(name, str)),
        matched=tuple(_matched(fields, at)),
    )


def _matched(fields: Mapping[str, Any], at: str) -> Iterator[MatchedPolicy]:
    for number, row in enumerate(_list(fields, "matchedPolicies", at)):
        here = f"{at}/matchedPolicies/{number}"
        policy = _object(row, here)
        listed = [
            _object(entry, f"{here}/matchedStatements")
            for entry in _list(policy, "matchedStatements", here)
        ]
        yield MatchedPolicy(
            uri=_text(policy, "uri", here, needed=True),
            statements=tuple(
                MatchedStatement(
                    sid=_text(entry, "sid", here), effect=_text(entry, "evaluatedEffect", here)
                )
                for entry in listed
            ),
        )


def _policies(
    pages: Sequence[Mapping[str, Any]],
    documents: Mapping[str, Any],
    unread: Mapping[str, str],
    notes: list[str],
) -> Iterator[RecordedPolicy]:
    seen: set[str] = set()
    uris: set[str] = set()
    rows = [row for page in pages for row in _list(page, "policies", "/details")]
    if len(rows) > _MOST_POLICIES:
        raise _wrong("/details/policies", f"has more than {_MOST_POLICIES:,} entries")
    for number, row in enumerate(rows):
        at = f"/details/policies/{number}"
        fields = _object(row, at)
        text = json.dumps(fields, sort_keys=True, default=str)
        if text in seen:
            continue
        seen.add(text)
        policy = _policy(fields, at, documents, unread)
        uris.add(policy.uri)
        yield policy
    strange = [uri for uri in documents if uri not in uris]
    if strange:
        named = ", ".join(map(quoted, strange[:3]))
        notes.append(f"documents of policies that the record does not list are not used: {named}")


def _policy(
    fields: Mapping[str, Any],
    at: str,
    documents: Mapping[str, Any],
    unread: Mapping[str, str],
) -> RecordedPolicy:
    uri = _text(fields, "uri", at)
    attached = [_object(entry, f"{at}/attachedTo") for entry in _list(fields, "attachedTo", at)]
    source = _object(fields.get("policySource") or {}, f"{at}/policySource")
    policy = RecordedPolicy(
        uri=uri,
        type=_text(fields, "type", at),
        inline=fields.get("inline") is True,
        attached_to=tuple(
            arn for entry in attached if isinstance(arn := entry.get("arn"), str) and arn
        ),
        source={name: text for name, text in source.items() if isinstance(text, str)},
    )
    document = documents.get(uri, fields.get("policyDocument"))
    lack = unread.get(uri, "")
    known = _known_document(uri) if document is None else None
    if known is not None:
        return replace(policy, document=known, is_known=True)
    if document is None:
        return replace(policy, lack=lack or _not_captured(policy))
    document, lack = _usable(document, policy.layer)
    return replace(policy, document=document, lack=lack)


def _not_captured(policy: RecordedPolicy) -> str:
    grant = policy.source.get("grantId")
    if not grant:
        return "its document is not in the record (`get-request-authorization-policy` reads it)"
    keys = [arn for arn in policy.attached_to if _KEY.fullmatch(arn)]
    which = f" --key-id {keys[0]} --grant-id {grant}" if keys and _GRANT.fullmatch(grant) else ""
    return f"the KMS grant {quoted(grant)} has no document: {quoted(f'aws kms list-grants{which}', 300)} shows it"


def _known_document(uri: str) -> Mapping[str, Any] | None:
    for ending, more in _FULL_ACCESS.items():
        if uri.startswith("arn:") and uri.endswith(f"::aws{ending}"):
            statement = {"Effect": "Allow", **more, "Action": "*", "Resource": "*"}
            return {"Version": "2012-10-17", "Statement": [statement]}
    return None


def _usable(document: Any, layer: str) -> tuple[Mapping[str, Any] | None, str]:
    """The document as an object, and why it cannot be judged."""
    if isinstance(document, str):
        try:
            document = python_value(document)
        except (ValueError, RecursionError):
            return None, "its document is not JSON"
    if not isinstance(document, dict) or "Statement" not in document:
        return None, "its document is no policy"
    if not layer:
        return None, "its type is not known here"
    try:
        found = len(tuple(layers_of({layer: [document]}).all()))
    except InputError as error:
        return None, f"its document cannot be read: {error.message}"
    return (document, "") if found == 1 else (None, "its document is no policy")


def _object(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(at, "must be an object")
    return value


def _list(fields: Mapping[str, Any], name: str, at: str, *, needed: bool = False) -> list[Any]:
    value = fields.get(name)
    if value is None and not needed:
        return []
    if not isinstance(value, list):
        raise _wrong(f"{at}/{name}", "must be a list")
    return value


def _text(fields: Mapping[str, Any], name: str, at: str, *, needed: bool = False) -> str:
    value = fields.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise _wrong(f"{at}/{name}", "must be text")
    return value


def _wrong(at: str, why: str) -> InputError:
    return InputError(f"`authorization`: `{at or '/'}` {why}", hint=f"give {_FORM}")
