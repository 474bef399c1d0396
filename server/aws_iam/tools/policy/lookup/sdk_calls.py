"""`policy lookup` of a line of code that calls an SDK: `boto3.client("s3").list_objects_v2(Bucket="b")`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import (
    document_command,
    resource_operation,
    service_by_nickname,
    service_of_client,
    services_with_resource,
)
from aws_iam.tools.policy.lookup import api_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

# `client("s3")`, `boto3.resource('dynamodb', region_name="…")`.
_FACTORY = re.compile(r"\b(?:client|resource)\(\s*(?:service_name\s*=\s*)?[\"']([a-z0-9-]+)[\"']")
# The operation behind `get_paginator("list_objects_v2")`.
_PAGINATOR = re.compile(r"\bget_paginator\(\s*[\"'](\w+)[\"']")
# `get_waiter("instance_running")`, and `waitUntilInstanceRunning(` of the SDKs for Java and JavaScript.
_WAITER = re.compile(r"(?:\bget_waiter\(\s*[\"']|\bwaitUntil(?=[A-Z]))(\w+)")
_WAITING = re.compile(r"\b([\w$]+)\.(?:get_waiter|waiter\(\))")
_METHOD = re.compile(r"(?:\b([\w$]+)(?:\.|->))?([A-Za-z_]\w*)\s*(?:\(|$)")
# `new AWS.S3()` and `new S3Client({})` of the SDKs for JavaScript.
_JAVASCRIPT = re.compile(r"\bnew\s+(?:AWS\.(\w+)|(\w+)Client)\b")
# `new PutObjectCommand({…})` of the SDK for JavaScript.
_COMMAND = re.compile(r"\bnew\s+([A-Z]\w+)Command\b")
# `s3` and `Bucket` of `s3.Bucket("b").upload_file(…)`.
_RESOURCE = re.compile(r"(?:\b([\w$]+))?\.([A-Z]\w+)\(")
# `objects`, and what comes after it, of `bucket.objects.filter(…).delete()`.
_COLLECTION = re.compile(
    r"\.([a-z_]+)((?:\.(?:all|filter|limit|page_size|pages)\([^()]*\))+)(?:\.([a-z_]+)\()?"
)
# The operation behind `generate_presigned_url("get_object", …)`.
_PRESIGNED = re.compile(r"\bgenerate_presigned_url\(\s*(?:ClientMethod\s*=\s*)?[\"'](\w+)[\"']")
_STATEMENT_END = re.compile(r"\)\s*[;\n]\s*\S")
# `what does s3:GetObject (read) allow` is no code.
_QUESTION = re.compile(r"(?<![\w.\"'])[a-z0-9-]+:[A-Z]\w*\s+\(")
_CODE = re.compile(r"\bboto(?:3|core)\b|[\w)\]]\.[A-Za-z_]\w*\s*\(|\bnew\s+\w+Command\b")
_CLIENT_WORDS = re.compile(r"^_*(?:amazon|aws)(?=\w)|_?client$", re.IGNORECASE)
_NO_METHODS = frozenset({"client", "resource", "session", "get_paginator", "paginate"})
_MOST_METHODS = 8


def sdk_call(known: Catalog, query: str) -> Answer | None:
    """The actions for the last call of the line that is an API operation; None for a text that is no code."""
    if "(" not in query:
        return _in_words(known, query)
    if _QUESTION.search(query):
        return None
    factory = _FACTORY.search(query)
    client = factory[1] if factory else _javascript_client(known, query)
    for reading in (_of_waiter, _of_link, _of_collection, _of_calls, _unknown):
        if answer := reading(known, query, client):
            return answer
    return None


def _javascript_client(known: Catalog, query: str) -> str:
    """`s3` of `new AWS.S3()`; nothing for a client of no service, such as DynamoDB's document client."""
    found = _JAVASCRIPT.search(query)
    return _service(known, found[1] or found[2]) if found else ""


def calls_in(known: Catalog, query: str) -> tuple[str, ...]:
    """The statements of the code that call an API, if several do."""
    if "(" not in query or not _STATEMENT_END.search(query):
        return ()
    parts = [""]
    depth = 0
    for character in query:
        depth += (character in "([{") - (character in ")]}")
        if character in ";\n" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    calls = [part.strip() for part in parts if "(" in part]
    known_calls = [
        one for one in calls if (found := sdk_call(known, one)) and found.facts["known"]
    ]
    return tuple(dict.fromkeys(known_calls)) if len(known_calls) > 1 else ()


def _of_waiter(known: Catalog, query: str, client: str) -> Answer | None:
    waits = _WAITER.search(query)
    if waits is None:
        return None
    variable = _WAITING.search(query)
    client = client or (_service(known, variable[1]) if variable else "")
    return api_calls.waiter_call(known, query, client, waits[1])


def _of_link(known: Catalog, query: str, client: str) -> Answer | None:
    signed = _PRESIGNED.search(query)
    if signed is None:
        return None
    owners = (owner for owner, name in _calls(query) if name == "generate_presigned_url")
    client = client or _service(known, next(owners, ""))
    return api_calls.presigned_call(known, query, client, signed[1])


def _unknown(known: Catalog, query: str, client: str) -> Answer | None:
    if not _CODE.search(query):
        return None
    name = next((name for _, name in _calls(query)), "")
    # `ec2.Instance.terminate()`
    return api_calls.api_call(known, query) or api_calls.unknown_call(known, query, client, name)


def _of_collection(known: Catalog, query: str, client: str) -> Answer | None:
    """`boto3.resource("s3").Bucket("b").objects.filter(…).delete()`."""
    found = _COLLECTION.search(query)
    if found is None:
        return None
    collection, _, act = found.groups()
    before = query[: found.start()]
    holders = _RESOURCE.findall(before)
    holder, resource = holders[-1] if holders else ("", "")
    owner = re.search(r"(\w+)$", before)
    service = client or _service(known, holder or (owner[1] if owner else ""))
    # `bucket.objects.all()`, where the variable has the name of its resource.
    named = owner[1].rpartition("_")[2].title() if owner else ""
    for of in filter(None, (resource, named)) if not service else (resource, named, ""):
        for method in (f"{collection}.{act}", collection):
            if resource_operation(service or "s3", of, method):
                return api_calls.resource_call(
                    known, query, (service or "s3", of, *method.split("."))
                )
    return None


def _of_calls(known: Catalog, query: str, client: str) -> Answer | None:
    for owner, spelled in _calls(query):
        # `GetObjectAsync` of the SDK for .NET.
        method = spelled.removesuffix("Async")
        # `queue.send_messages(…)`: a variable with the name of a resource of boto3.
        named = owner.rpartition("_")[2].title()
        holders = services_with_resource(named) if named and not client else ()
        if len(holders) == 1 and not _service(known, owner):
            answer = api_calls.resource_call(known, query, (holders[0], named, method))
            if answer:
                return answer
        # `Object` of `resource("s3").Object("b", "k").put(…)`.
        for holder, resource in _RESOURCE.findall(query):
            service = client or _service(known, holder)
            answer = api_calls.resource_call(known, query, (service, resource, method))
            if answer:
                return answer
        service = client or _service(known, owner)
        # `get_queue_by_name` of `resource("sqs")` itself.
        answer = api_calls.call(known, query, service, method) or api_calls.resource_call(
            known, query, (service, "", method)
        )
        if answer:
            return answer
    return None


# `boto3 s3 client.upload_file`, `boto3 dynamodb Table.put_item`, `s3 client put_object`.
_SPOKEN = re.compile(
    r"(?:(boto3|botocore|aws[ -]sdk)[\s.:]+)?([a-z0-9-]+)[\s.]+(?:(client|resource)[\s.]+)?(?:([A-Z]\w+)[\s.]+)?([a-z]\w*)"
)


def _in_words(known: Catalog, query: str) -> Answer | None:
    """The call that SDK, client and method name without the code around them; None if it says less than that."""
    found = _SPOKEN.fullmatch(query.strip())
    if found is None or not (found[1] or found[3] or found[4]):
        return None
    client = _service(known, found[2])
    if not client:
        return None
    if found[4]:
        return api_calls.resource_call(known, query, (client, found[4], found[5]))
    return api_calls.call(known, query, client, found[5])


def _calls(query: str) -> Iterator[tuple[str, str]]:
    """The object and the name of each call, the last first."""
    for match in _PAGINATOR.finditer(query):
        yield "", match[1]
    for match in _COMMAND.finditer(query):
        of_document = document_command(match[1])
        yield "dynamodb" if of_document else "", of_document or match[1]
    calls = list(_METHOD.finditer(query))[-_MOST_METHODS:]
    for match in reversed(calls):
        if match[2].lower() not in _NO_METHODS:
            yield match[1] or "", match[2]


def _service(known: Catalog, owner: str) -> str:
    """The client that a variable such as `s3_client` or `dynamodb` holds; empty when its name does not say."""
    name = _CLIENT_WORDS.sub("", owner).replace("_", "-").strip("-").lower()
    if name and (known.service(name) or service_of_client(name)):
        return name
    return service_by_nickname(name) if name else ""
