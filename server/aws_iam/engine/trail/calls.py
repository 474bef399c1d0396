"""The actions of a call with their resources, where the general way would be wrong: service by service.

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
from aws_iam.engine.trail.event_details import exact
from aws_iam.engine.trail.event_resource import UNNAMED, Spot
from aws_iam.engine.trail.find_resources import spots
from aws_iam.engine.trail.table import actions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.event_details import Seen

    Calls = Iterator[tuple[str, tuple[Spot, ...] | None]]


def called(prefix: str, name: str, seen: Seen) -> Iterator[tuple[Action, tuple[Spot, ...]]]:
    """Each action that a call needs with its resources; none for a call that maps to no action."""
    special = _SPECIAL.get(f"{prefix}:{name}") or _SPECIAL.get(prefix)
    pairs = special(name, seen) if special else ((each, None) for each in actions_of(prefix, name))
    for full_name, found in pairs:
        action = catalog().action(full_name)
        if action:
            fix = _FIXES.get(prefix)
            yield action, found or (fix(action, seen) if fix else spots(action, seen))


def _dynamodb(name: str, seen: Seen) -> Calls:
    for each in _dynamodb_actions(name, seen):
        action = catalog().action(each)
        indexed = action is not None and "index" in action.resource_types
        yield each, _indexes(seen) if indexed else None


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


def _dynamodb_actions(name: str, seen: Seen) -> tuple[str, ...]:
    if name in {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}:
        statements = [text for name, text in seen.parameters if name == "statement"]
        words = (
            text.lstrip(" (\n").partition(" ")[0].partition("(")[0].upper() for text in statements
        )
        return tuple(dict.fromkeys(_PARTIQL[word] for word in words if word in _PARTIQL))
    if name == "TransactWriteItems":
        kinds = [text.replace("_", "").lower() for text in seen.by_name.get("operation", ())]
        listed = seen.event.parameters.get("transactItems")
        for each in listed if isinstance(listed, list) else ():
            kinds += [key.lower() for key in each] if isinstance(each, dict) else []
        return tuple(dict.fromkeys(_ITEMS[kind] for kind in kinds if kind in _ITEMS))
    return actions_of("dynamodb", name)


def _indexes(seen: Seen) -> tuple[Spot, ...] | None:
    """The index alone where a query names one: AWS authorises on it, not on its table."""
    index = seen.first("indexname")
    tables = [arn for arn in seen.arns if _is_table(arn)]
    if index and len(tables) == 1:
        return (Spot.of(f"{tables[0]}/index/{index}"),)
    if index and (table := seen.first("tablename")):
        head = seen.template("arn:${Partition}:dynamodb:${Region}:${Account}:table/")
        return (Spot.of(f"{head}{table}/index/{index}"),)
    return None


def _is_table(text: str) -> bool:
    arn = Arn.of(text)
    return bool(arn and arn.service == "dynamodb" and arn.resource.count("/") == 1)


def _reencrypt(_name: str, seen: Seen) -> Calls:
    """The record lists the source's key first, the target's second."""
    keys = [Spot.of(arn) for arn in seen.event.arns]
    for at, (action, name) in enumerate(
        (("kms:ReEncryptFrom", "sourcekeyid"), ("kms:ReEncryptTo", "destinationkeyid"))
    ):
        if len(keys) in {1, 2}:
            yield action, (keys[min(at, len(keys) - 1)],)
        else:
            yield action, _key(seen.first(name), seen)


def _key(given: str, seen: Seen) -> tuple[Spot, ...]:
    if given.startswith("arn:") and ":key/" in given:
        return (Spot.of(given),)
    head = seen.template("arn:${Partition}:kms:${Region}:${Account}:key/")
    if given and "alias/" not in given:
        return (Spot.of(head + given),)
    why = "the record names an alias, and AWS authorises on its key" if given else UNNAMED
    return (Spot(resource=f"{head}*", why=why),)


def _kms(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """A key, never its alias; the actions on aliases have both."""
    found = []
    if "alias" in action.resource_types:
        aliases = seen.by_name.get("aliasname", ())
        head = seen.template("arn:${Partition}:kms:${Region}:${Account}:alias/")
        found += [Spot.of(head + alias.rpartition("alias/")[2]) for alias in aliases]
    keys = [arn for arn in seen.event.arns if ":key/" in arn]
    if keys:
        return (*found, *map(Spot.of, keys))
    if "key" in action.resource_types:
        return (*found, *_key(seen.first("targetkeyid", "keyid"), seen))
    return tuple(found) or spots(action, seen)


def _secret(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """A secret's ARN ends in six characters that AWS chose; `-??????` stands for them where the record has its name."""
    if not action.resource_types:
        return spots(action, seen)
    head = seen.template("arn:${Partition}:secretsmanager:${Region}:${Account}:secret:")
    if action.name == "CreateSecret" and (name := seen.first("name")):
        why = "the six characters at the end did not exist before the call; AWS may leave them out"
        return tuple(Spot(resource=exact(head + name) + end, why=why) for end in ("", "-??????"))
    known = [each for each in (*seen.event.arns, *seen.answered) if ":secret:" in each]
    given = seen.by_name.get("secretid", ()) or seen.by_name.get("secretidlist", ())
    if known or not given:
        return tuple(map(Spot.of, known)) or spots(action, seen)
    return tuple(_named_secret(each, head) for each in given)


def _named_secret(given: str, head: str) -> Spot:
    text = given if given.startswith("arn:") else head + given
    if given.startswith("arn:") and len(text.rpartition("-")[2]) == 6:  # noqa: PLR2004 - the characters AWS adds
        return Spot.of(text)
    return Spot(
        resource=f"{exact(text)}-??????",
        why="the record does not show the six characters that AWS added",
    )


def _logs(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """Log groups stand in policies with `:*` at the end, but for the actions on their tags."""
    return tuple(
        spot
        if spot.type != "log-group" or "Tag" in action.name or spot.resource.endswith(":*")
        else replace(spot, resource=f"{spot.resource}:*")
        for spot in spots(action, seen)
    )


def _lambda(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """A function by name, part of an ARN or ARN; with the version or alias that the call names."""
    if "function" not in action.resource_types:
        return spots(action, seen)
    given = seen.first("functionname")
    arns = [arn for arn in seen.event.arns if ":function:" in arn]
    if not given and not arns:
        return spots(action, seen)
    qualifier = seen.first("qualifier")
    text = given or arns[0]
    if not text.startswith("arn:"):
        account, colon, rest = text.partition(":function:")
        head = seen.template("arn:${Partition}:lambda:${Region}:")
        text = f"{head}{account if colon else seen.account}:function:{rest if colon else text}"
    if qualifier and text.count(":") == 6:  # noqa: PLR2004 - an ARN without a version
        text = f"{text}:{qualifier}"
    return (Spot.of(text),)


def _ssm(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """A path and all below it; documents of AWS belong to no account."""
    head = seen.template("arn:${Partition}:ssm:${Region}:${Account}:parameter")
    if action.name == "GetParametersByPath" and (path := seen.first("path")):
        text = exact(head + "/" + path.strip("/")).rstrip("/")
        why = "the call reads what is below a path"
        return Spot(resource=text), Spot(resource=f"{text}/*", why=why)
    document = seen.first("documentname", "name") if "document" in action.resource_types else ""
    found = spots(action, seen)
    if document.startswith(("AWS-", "AWSEC2-", "AWSSupport-")):
        own = seen.template("arn:${Partition}:ssm:${Region}:*:document/") + exact(document)
        why = "a document of AWS, in no account of yours"
        return tuple(
            replace(each, resource=own, why=why) if each.type == "document" else each
            for each in found
        )
    return found


def _ecs(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """Task definitions by family, with or without a revision."""
    given = seen.first("taskdefinition")
    found = spots(action, seen)
    if "task-definition" not in action.resource_types or not given or given.startswith("arn:"):
        return found
    text = seen.template("arn:${Partition}:ecs:${Region}:${Account}:task-definition/") + exact(
        given
    )
    why = "" if ":" in given else "the call names no revision: the newest is meant"
    own = Spot(resource=text if ":" in given else f"{text}:*", why=why)
    return (own, *(each for each in found if each.type != "task-definition" and each.type))


# Inference profiles of AWS begin with where they lead to.
_GEOGRAPHIES = frozenset({"us", "eu", "apac", "jp", "au", "ca", "us-gov", "global"})


def _bedrock(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """A model by its id: a foundation model, or a profile of AWS that calls one in several Regions."""
    given = seen.first("modelid")
    if (
        "foundation-model" not in action.resource_types
        or not given
        or ":" in given.replace(":0", "")
    ):
        return spots(action, seen)
    place, _, rest = given.partition(".")
    head = seen.template("arn:${Partition}:bedrock:${Region}:")
    if place not in _GEOGRAPHIES:
        return (Spot.of(f"{head}:foundation-model/{given}"),)
    why = "a profile calls the model in several Regions, and AWS authorises on both"
    model = f"arn:{seen.partition}:bedrock:*::foundation-model/{exact(rest)}"
    return Spot.of(f"{head}{seen.account}:inference-profile/{given}"), Spot(
        resource=model, why=why
    )


def _ec2(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """An instance that is started makes its root volume as well, unless its image has none."""
    found = spots(action, seen)
    if action.name != "RunInstances" or ("rootdevicetype", "instance-store") in seen.answers:
        return found
    text = seen.template("arn:${Partition}:ec2:${Region}:${Account}:volume/*")
    return (
        *found,
        Spot(resource=text, type="volume", why="the call makes the volumes of the instance"),
    )


def _sts(name: str, seen: Seen) -> Calls:
    role = tuple(Spot.of(arn) for arn in seen.arns if ":role/" in arn)[:1] or None
    for action in actions_of("sts", name):
        yield action, role
    if name == "AssumeRole" and role:
        if seen.event.parameters.get("tags") or seen.event.parameters.get("transitiveTagKeys"):
            yield "sts:TagSession", role
        if seen.first("sourceidentity"):
            yield "sts:SetSourceIdentity", role


def _published(_name: str, seen: Seen) -> Calls:
    """A text message to a telephone has no topic."""
    why = "a text message to a telephone has no topic: AWS authorises it on `*`"
    named = any(name == "phonenumber" for name, _ in seen.parameters)
    yield "sns:Publish", (Spot(resource="*", why=why),) if named else None


_SPECIAL: Mapping[str, Callable[[str, Seen], Calls]] = {
    "s3": s3.calls,
    "dynamodb": _dynamodb,
    "kms:ReEncrypt": _reencrypt,
    "sts": _sts,
    "sns:Publish": _published,
    "apigateway": api_gateway.calls,
}
_FIXES: Mapping[str, Callable[[Action, Seen], tuple[Spot, ...]]] = {
    "bedrock": _bedrock,
    "ec2": _ec2,
    "ecs": _ecs,
    "kms": _kms,
    "secretsmanager": _secret,
    "logs": _logs,
    "lambda": _lambda,
    "ssm": _ssm,
}
