"""`policy lookup` of a line of code that calls an SDK: `boto3.client("s3").list_objects_v2(Bucket="b")`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import service_of_client
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
_METHOD = re.compile(r"(?:\b([\w$]+)\.)?([A-Za-z_]\w*)\s*(?:\(|$)")
# `new PutObjectCommand({…})` of the SDK for JavaScript.
_COMMAND = re.compile(r"\bnew\s+([A-Z]\w+)Command\b")
# `s3` and `Bucket` of `s3.Bucket("b").upload_file(…)`.
_RESOURCE = re.compile(r"(?:\b([\w$]+))?\.([A-Z]\w+)\(")
_CLIENT_WORDS = re.compile(r"_?client$", re.IGNORECASE)
_NO_METHODS = frozenset({"client", "resource", "session", "get_paginator", "paginate"})
_MOST_METHODS = 8


def sdk_call(known: Catalog, query: str) -> Answer | None:
    """The actions for the last call of the line that is an API operation; None for a text that is no code."""
    if "(" not in query:
        return _in_words(known, query)
    factory = _FACTORY.search(query)
    client = factory[1] if factory else ""
    if waits := _WAITER.search(query):
        variable = _WAITING.search(query)
        client = client or (_service(known, variable[1]) if variable else "")
        return api_calls.waiter_call(known, query, client, waits[1])
    for owner, method in _calls(query):
        # `Object` of `resource("s3").Object("b", "k").put(…)`.
        for holder, resource in _RESOURCE.findall(query):
            service = client or _service(known, holder)
            answer = api_calls.resource_call(known, query, (service, resource, method))
            if answer:
                return answer
        answer = api_calls.call(known, query, client or _service(known, owner), method)
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
    for pattern in (_PAGINATOR, _COMMAND):
        for match in pattern.finditer(query):
            yield "", match[1]
    calls = list(_METHOD.finditer(query))[-_MOST_METHODS:]
    for match in reversed(calls):
        if match[2].lower() not in _NO_METHODS:
            yield match[1] or "", match[2]


def _service(known: Catalog, owner: str) -> str:
    """The client that a variable such as `s3_client` or `dynamodb` holds; empty when its name does not say."""
    name = _CLIENT_WORDS.sub("", owner).replace("_", "-").lower()
    return name if name and (known.service(name) or service_of_client(name)) else ""
