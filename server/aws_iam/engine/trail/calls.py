"""The actions of a call with their resources: the calls, service by service, for which the general search is wrong.

Sources: DynamoDB Developer Guide, understanding-ddb-log-entries and specifying-conditions; KMS Developer Guide, ct-reencrypt;
Lambda Developer Guide, security_iam_id-based-policy; CloudWatch Logs User Guide, iam-access-control-overview-cwl;
Secrets Manager User Guide, auth-and-access_examples; API Gateway Developer Guide, api-gateway-iam-policy-resource.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail import api_gateway, s3
from aws_iam.engine.trail.event_resource import NOT_NAMED, EventResource, exact_pattern
from aws_iam.engine.trail.event_tables import actions_of
from aws_iam.engine.trail.find_resources import resources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.event_details import EventDetails

    Calls = Iterator[tuple[str, tuple[EventResource, ...] | None]]


def authorized(
    prefix: str, name: str, details: EventDetails
) -> Iterator[tuple[Action, tuple[EventResource, ...]]]:
    """Each action that a call needs, with its resources; nothing for a call that maps to no action."""
    special = _ACTIONS.get(f"{prefix}:{name}") or _ACTIONS.get(prefix)
    find = _RESOURCES.get(prefix, resources_of)
    general = ((action, None) for action in actions_of(prefix, name))
    for full_name, found in special(name, details) if special else general:
        action = catalog().action(full_name)
        if action:
            yield action, found or find(action, details)


def _dynamodb(name: str, details: EventDetails) -> Calls:
    for full_name in _dynamodb_actions(name, details):
        action = catalog().action(full_name)
        takes_index = action is not None and "index" in action.resource_types
        yield full_name, _indexes(details) if takes_index else None


_PARTIQL = {
    "SELECT": "dynamodb:PartiQLSelect",
    "EXISTS": "dynamodb:PartiQLSelect",
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
}
_ITEMS = {
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
    "check": "dynamodb:ConditionCheckItem",
    "conditioncheck": "dynamodb:ConditionCheckItem",
    "conditioncheckitem": "dynamodb:ConditionCheckItem",
}


def _dynamodb_actions(name: str, details: EventDetails) -> tuple[str, ...]:
    if name in {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}:
        statements = [text for name, text in details.parameters if name == "statement"]
        words = (
            text.lstrip(" (\n").partition(" ")[0].partition("(")[0].upper() for text in statements
        )
        return tuple(dict.fromkeys(_PARTIQL[word] for word in words if word in _PARTIQL))
    if name == "TransactWriteItems":
        kinds = [text.replace("_", "").lower() for text in details.by_name.get("operation", ())]
        listed = details.event.parameters.get("transactItems")
        for item in listed if isinstance(listed, list) else ():
            kinds += [key.lower() for key in item] if isinstance(item, dict) else []
        return tuple(dict.fromkeys(_ITEMS[kind] for kind in kinds if kind in _ITEMS))
    return actions_of("dynamodb", name)


def _indexes(details: EventDetails) -> tuple[EventResource, ...] | None:
    """Just the index when the query names one: AWS authorises on it and not on its table."""
    index = details.first("indexname")
    tables = [arn for arn in details.arns if _is_table(arn)]
    if index and len(tables) == 1:
        return (EventResource.of_arn(f"{tables[0]}/index/{index}"),)
    if index and (table := details.first("tablename")):
        head = details.located("arn:${Partition}:dynamodb:${Region}:${Account}:table/")
        return (EventResource.of_arn(f"{head}{table}/index/{index}"),)
    return None


def _is_table(text: str) -> bool:
    arn = Arn.of(text)
    return bool(arn and arn.service == "dynamodb" and arn.resource.count("/") == 1)


def _reencrypt(_name: str, details: EventDetails) -> Calls:
    """The record lists the key of the source first, the key of the destination second."""
    keys = [EventResource.of_arn(arn) for arn in details.event.arns]
    for at, (action, name) in enumerate(
        (("kms:ReEncryptFrom", "sourcekeyid"), ("kms:ReEncryptTo", "destinationkeyid"))
    ):
        if len(keys) in {1, 2}:
            yield action, (keys[min(at, len(keys) - 1)],)
        else:
            yield action, _key(details.first(name), details)


def _key(key: str, details: EventDetails) -> tuple[EventResource, ...]:
    if key.startswith("arn:") and ":key/" in key:
        return (EventResource.of_arn(key),)
    head = details.located("arn:${Partition}:kms:${Region}:${Account}:key/")
    if key and "alias/" not in key:
        return (EventResource.of_arn(head + key),)
    why = "the record names an alias, but AWS authorises on its key" if key else NOT_NAMED
    return (EventResource(pattern=f"{head}*", why=why),)


def _kms(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """A key, never its alias; only the actions on aliases have both."""
    found = []
    if "alias" in action.resource_types:
        aliases = details.by_name.get("aliasname", ())
        head = details.located("arn:${Partition}:kms:${Region}:${Account}:alias/")
        found += [EventResource.of_arn(head + alias.rpartition("alias/")[2]) for alias in aliases]
    keys = [arn for arn in details.event.arns if ":key/" in arn]
    if keys:
        return (*found, *map(EventResource.of_arn, keys))
    if "key" in action.resource_types:
        return (*found, *_key(details.first("targetkeyid", "keyid"), details))
    return tuple(found) or resources_of(action, details)


def _secret(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """A secret's ARN ends in six characters that AWS chooses: `-??????` where the record has only the name."""
    if not action.resource_types:
        return resources_of(action, details)
    head = details.located("arn:${Partition}:secretsmanager:${Region}:${Account}:secret:")
    if action.name == "CreateSecret" and (name := details.first("name")):
        why = "AWS chooses the six characters at the end during the call, or leaves them out"
        return tuple(
            EventResource(pattern=exact_pattern(head + name) + end, why=why)
            for end in ("", "-??????")
        )
    known = [arn for arn in (*details.event.arns, *details.response_arns) if ":secret:" in arn]
    ids = details.by_name.get("secretid", ()) or details.by_name.get("secretidlist", ())
    if known or not ids:
        return tuple(map(EventResource.of_arn, known)) or resources_of(action, details)
    return tuple(_named_secret(text, head) for text in ids)


def _named_secret(secret_id: str, head: str) -> EventResource:
    text = secret_id if secret_id.startswith("arn:") else head + secret_id
    if secret_id.startswith("arn:") and len(text.rpartition("-")[2]) == 6:  # noqa: PLR2004 - the characters AWS adds
        return EventResource.of_arn(text)
    return EventResource(
        pattern=f"{exact_pattern(text)}-??????",
        why="the record does not show the six characters that AWS added",
    )


def _logs(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """The ARN of a log group ends in `:*` in policies, except for the actions on its tags; the record may have it with that."""
    of_groups = "" if "Tag" in action.name else ":*"
    return tuple(
        resource
        if resource.type != "log-group" or resource.pattern.endswith(":*")
        else replace(resource, pattern=f"{resource.pattern.removesuffix(_ANY_STREAM)}{of_groups}")
        for resource in resources_of(action, details)
    )


# `:*` of an ARN in a record, which is escaped as if it were a name.
_ANY_STREAM = ":${*}"


def _lambda(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """A function by name, partial ARN or ARN, with the version or alias that the call names."""
    if "function" not in action.resource_types:
        return resources_of(action, details)
    name = details.first("functionname")
    arns = [arn for arn in details.event.arns if ":function:" in arn]
    if not name and not arns:
        return resources_of(action, details)
    qualifier = details.first("qualifier")
    text = name or arns[0]
    if not text.startswith("arn:"):
        account, colon, rest = text.partition(":function:")
        head = details.located("arn:${Partition}:lambda:${Region}:")
        text = f"{head}{account if colon else details.account}:function:{rest if colon else text}"
    if qualifier and text.count(":") == 6:  # noqa: PLR2004 - an ARN without a version
        text = f"{text}:{qualifier}"
    return (EventResource.of_arn(text),)


def _ssm(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """A path and everything below it; documents of AWS belong to no account."""
    head = details.located("arn:${Partition}:ssm:${Region}:${Account}:parameter")
    if action.name == "GetParametersByPath" and (path := details.first("path")):
        text = exact_pattern(head + "/" + path.strip("/")).rstrip("/")
        why = "the call reads the parameters below a path"
        return EventResource(pattern=text), EventResource(pattern=f"{text}/*", why=why)
    document = details.first("documentname", "name") if "document" in action.resource_types else ""
    found = resources_of(action, details)
    if document.startswith(("AWS-", "AWSEC2-", "AWSSupport-")):
        own = details.located("arn:${Partition}:ssm:${Region}:*:document/") + exact_pattern(
            document
        )
        why = "a document of AWS, which is in none of your accounts"
        return tuple(
            replace(resource, pattern=own, why=why) if resource.type == "document" else resource
            for resource in found
        )
    return found


def _ecs(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """Task definitions by family, with or without a revision."""
    name = details.first("taskdefinition")
    found = resources_of(action, details)
    if "task-definition" not in action.resource_types or not name or name.startswith("arn:"):
        return found
    head = details.located("arn:${Partition}:ecs:${Region}:${Account}:task-definition/")
    pattern = head + exact_pattern(name)
    has_revision = ":" in name
    definition = EventResource(
        pattern=pattern if has_revision else f"{pattern}:*",
        why="" if has_revision else "the call names no revision, so it means the newest",
    )
    return (definition, *(r for r in found if r.type not in {"task-definition", ""}))


# Inference profiles of AWS begin with where they lead to.
_GEOGRAPHIES = frozenset({"us", "eu", "apac", "jp", "au", "ca", "us-gov", "global"})


def _bedrock(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """A model by its id: a foundation model, or an inference profile of AWS that calls one in several Regions."""
    model_id = details.first("modelid")
    if (
        "foundation-model" not in action.resource_types
        or not model_id
        or ":" in model_id.replace(":0", "")
    ):
        return resources_of(action, details)
    place, _, rest = model_id.partition(".")
    head = details.located("arn:${Partition}:bedrock:${Region}:")
    if place not in _GEOGRAPHIES:
        return (EventResource.of_arn(f"{head}:foundation-model/{model_id}"),)
    why = "an inference profile calls the model in several Regions; AWS authorises on both"
    model = f"arn:{details.partition}:bedrock:*::foundation-model/{exact_pattern(rest)}"
    return EventResource.of_arn(
        f"{head}{details.account}:inference-profile/{model_id}"
    ), EventResource(pattern=model, why=why)


def _ec2(action: Action, details: EventDetails) -> tuple[EventResource, ...]:
    """Starting an instance also creates its root volume, unless its image has none."""
    found = resources_of(action, details)
    if (
        action.name != "RunInstances"
        or ("rootdevicetype", "instance-store") in details.response_texts
    ):
        return found
    text = details.located("arn:${Partition}:ec2:${Region}:${Account}:volume/*")
    return (
        *found,
        EventResource(
            pattern=text, type="volume", why="the call creates the volumes of the instance"
        ),
    )


def _sts(name: str, details: EventDetails) -> Calls:
    role = tuple(EventResource.of_arn(arn) for arn in details.arns if ":role/" in arn)[:1] or None
    for action in actions_of("sts", name):
        yield action, role
    if name == "AssumeRole" and role:
        if details.event.parameters.get("tags") or details.event.parameters.get(
            "transitiveTagKeys"
        ):
            yield "sts:TagSession", role
        if details.first("sourceidentity"):
            yield "sts:SetSourceIdentity", role


def _published(_name: str, details: EventDetails) -> Calls:
    """A text message to a phone has no topic."""
    why = "a text message to a phone has no topic: AWS authorises it on `*`"
    named = any(name == "phonenumber" for name, _ in details.parameters)
    yield "sns:Publish", (EventResource(pattern="*", why=why),) if named else None


# By call or service: the actions of a call, with their resources where those are special too.
_ACTIONS: Mapping[str, Callable[[str, EventDetails], Calls]] = {
    "s3": s3.calls,
    "dynamodb": _dynamodb,
    "kms:ReEncrypt": _reencrypt,
    "sts": _sts,
    "sns:Publish": _published,
    "apigateway": api_gateway.calls,
}
# By service: the resources of an action.
_RESOURCES: Mapping[str, Callable[[Action, EventDetails], tuple[EventResource, ...]]] = {
    "bedrock": _bedrock,
    "ec2": _ec2,
    "ecs": _ecs,
    "kms": _kms,
    "secretsmanager": _secret,
    "logs": _logs,
    "lambda": _lambda,
    "ssm": _ssm,
}
