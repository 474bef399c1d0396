"""The argument `request` as people give it: names in other case, several actions or resources, no resource where it is always `*`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from aws_iam.engine.evaluation.request import FIELDS
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import argument_named, folded
from aws_iam.tools.kit.json_object import json_value

_SYNONYMS = {
    "actions": "action",
    "action_name": "action",
    "action_names": "action",
    "operation": "action",
    "resources": "resource",
    "resource_arn": "resource",
    "arn": "resource",
    "principal_arn": "principal",
    "caller": "principal",
    "caller_arn": "principal",
    "user": "principal",
    "role": "principal",
    "context_keys": "context",
    "condition_context": "context",
    "condition": "context",
    "conditions": "context",
}
NAMES = _SYNONYMS | {name: name for name in FIELDS}
_EXAMPLE = '{"principal": "ARN", "action": "s3:GetObject", "resource": "ARN"}'
_MOST = 100
_S3 = "s3://"
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class AskedRequests:
    """The requests by action, one for each resource that the call names, and how names were understood."""

    by_action: tuple[tuple[Any, ...], ...]
    understood: tuple[str, ...]


def requests_of(request: Any) -> AskedRequests:
    """The requests of a call; InputError where a list has too many entries."""
    understood: list[str] = []
    if isinstance(request, list) and len(request) == 1:
        (request,) = request
    if (in_words := request_in_words(request)) is not None:
        request = in_words
    request = json_value("request", request, example=_EXAMPLE)
    if isinstance(request, list) and len(request) == 1:
        (request,) = request
    if not isinstance(request, dict):
        return AskedRequests(by_action=((request,),), understood=())
    request = understood_fields(request, understood)
    actions = [
        with_prefix(action, request.get("resource"), understood)
        for action in _listed(request, "action", "one action")
    ]
    groups = []
    for action in actions:
        one_action = {**request, "action": action} if "action" in request else request
        if "resource" not in request and _has_no_resource(action):
            one_action["resource"] = "*"
            understood.append(f"{quoted(action)} has no resource types: on `*`")
        resources = _listed(one_action, "resource", "one ARN")
        groups.append(
            tuple(
                {**one_action, "resource": resource} if "resource" in one_action else one_action
                for resource in resources
            )
        )
    if sum(map(len, groups)) > _MOST:
        raise InputError(f"the request has more than {_MOST} pairs of an action and a resource")
    return AskedRequests(by_action=tuple(groups), understood=tuple(understood))


# An action, and what it is on: `s3:GetObject on arn:aws:s3:::bucket/key`.
_IN_WORDS = re.compile(
    r"(?P<action>\*|[A-Za-z][A-Za-z0-9-]*:[A-Za-z0-9*?_-]+)(?:\s+(?i:on\s+|for\s+|to\s+)?(?P<resource>\*|arn:\S+|s3://\S+))?"
)


def request_in_words(text: Any) -> dict[str, Any] | None:
    """The request in a text such as `s3:GetObject on ARN`, or None for anything else."""
    found = (
        _IN_WORDS.fullmatch(text.strip())
        if isinstance(text, str) and len(text) <= _LONGEST
        else None
    )
    return {name: own for name, own in found.groupdict().items() if own} if found else None


def listed_requests(name: str, given: Any, *, example: str) -> list[Any]:
    """The requests of an argument, one or several, as objects or in words line by line; none where it is absent."""
    if isinstance(given, str):
        lines = [line for line in given.splitlines() if line.strip()]
        if lines and all(map(request_in_words, lines)):
            return lines
    value = json_value(name, given, example=example)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_resource(text: str) -> bool:
    """Whether a text is a resource as people write them: an ARN, an address of S3, or `*`."""
    return text == "*" or text.lower().startswith(_S3) or Arn.of(text) is not None


def meant_field(name: str) -> str:
    """The field of a request that a name means, or the name itself."""
    return argument_named(name, NAMES) or name


def understood_fields(request: dict[str, Any], understood: list[str]) -> dict[str, Any]:
    """The fields of a request by their own names, with ARNs; `understood` gets how others were taken."""
    return _with_arns(_renamed(request, understood), understood)


def _renamed(request: dict[str, Any], understood: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in request.items():
        meant = meant_field(name)
        if meant in fields:
            raise InputError(f"the request names `{meant}` twice", hint="keep one of them")
        fields[meant] = value
        if folded(name) != folded(meant):
            understood.append(f"{quoted(name)} as `{meant}`")
    principal = fields.get("principal")
    if isinstance(principal, dict) and len(principal) == 1:
        (fields["principal"],) = principal.values()
    if isinstance(fields.get("context"), list):
        fields["context"] = _of_entries(fields["context"])
        understood.append("`context`: the entries as keys and values")
    return fields


def _with_arns(request: dict[str, Any], understood: list[str]) -> dict[str, Any]:
    """The request with the ARN for each address of S3, in the partition of the caller."""
    resource = request.get("resource")
    listed = resource if isinstance(resource, list) else [resource]
    if not any(isinstance(text, str) and text.lower().startswith(_S3) for text in listed):
        return request
    caller = Arn.of(str(request.get("principal", "")))
    partition = caller.partition if caller else "aws"
    arns = [_s3_arn(text, partition, understood) for text in listed]
    return {**request, "resource": arns if isinstance(resource, list) else arns[0]}


def _s3_arn(text: Any, partition: str, understood: list[str]) -> Any:
    if not isinstance(text, str) or not text.lower().startswith(_S3):
        return text
    path = text[len(_S3) :]
    bucket, _, key = path.partition("/")
    # `s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/key` holds an ARN; what is not a name is refused as it is.
    if bucket.startswith("arn:") or not bucket:
        return text
    arn = f"arn:{partition}:s3:::{bucket}" + (f"/{key}" if key else "")
    understood.append(f"{quoted(text)} as {quoted(arn)}")
    return arn


def with_prefix(action: Any, resource: Any, understood: list[str]) -> Any:
    """The action with the prefix of the resource's service, or of the only service that has such an action."""
    if not isinstance(action, str) or ":" in action or not action:
        return action
    listed = resource if isinstance(resource, list) else [resource]
    arns = [arn for text in listed if isinstance(text, str) and (arn := Arn.of(text))]
    services = {arn.service for arn in arns}
    named = [known for service in services if (known := catalog().action(f"{service}:{action}"))]
    if not arns:
        having = catalog().having(action)
        named = [known for name in having if (known := catalog().action(name))]
    if len(named) != 1:
        return action
    (found,) = named
    understood.append(f"{quoted(action)} as `{found.full_name}`")
    return found.full_name


def _of_entries(entries: list[Any]) -> Any:
    """The keys and values of `ContextEntries`, as AWS's simulator takes them; any other list as it is."""
    read: dict[str, Any] = {}
    for entry in entries:
        names = (
            {folded(name): value for name, value in entry.items()}
            if isinstance(entry, dict)
            else {}
        )
        key, values = names.get("contextkeyname"), names.get("contextkeyvalues")
        if not isinstance(key, str) or values is None or key in read:
            return entries
        read[key] = values
    return read


def _listed(request: dict[str, Any], name: str, example: str) -> list[Any]:
    """The values of a field that also comes as a list."""
    value = request.get(name)
    if not isinstance(value, list):
        return [value]
    if not value or len(value) > _MOST:
        raise InputError(f"`{name}` must be {example} or a list of 1 to {_MOST}")
    return value


def _has_no_resource(action: Any) -> bool:
    known = catalog().action(action) if isinstance(action, str) else None
    return known is not None and not known.resource_types
