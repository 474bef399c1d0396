"""Edits that correct what `validate` finds, where one edit is what the finding asks for.

    correction("S3_ACTION_MATCHES_NO_RESOURCE", "/Statement/0/Action", policy)   →   the ARN of the bucket, added to Resource

An action without a resource that it works on gets one by a repair, which proves that nothing else changes; the other edits
correct an entry that matches nothing, or a condition that also holds without its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair import correctable
from aws_iam.engine.repair.draft import statements_of
from aws_iam.engine.repair.edits import Edit
from aws_iam.engine.repair.judge import Judge
from aws_iam.engine.repair.narrowed_deny import listed
from aws_iam.engine.repair.repair import repair
from aws_iam.engine.repair.requirements import OF_RESOURCES, Effect, Requirement
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Policy

_BUCKET, _OBJECTS = "bucket", "/*"
_SERVICE, _REGION, _ACCOUNT = 2, 3, 4
# Beyond so many findings a reader wants another policy, not edits.
_MOST = 20
_NOTHING = {"Effect": "Deny", "Action": "none:None", "Resource": "*"}
_IF_EXISTS = "IfExists"


def corrections(findings: Iterable[Finding], policy: Policy) -> Iterator[dict[str, Any]]:
    """A row for each edit that corrects one of the findings, each made to the policy as it is."""
    found = [
        (own.code, own.where.pointer) for own in findings if own.where and own.code in _CORRECTIONS
    ]
    if not found or not _is_usable(policy):
        return
    for code, pointer in found[:_MOST]:
        for edit in correction(code, pointer, policy):
            yield {"code": code, **{n: own for n, own in edit.row().items() if n != "requests"}}


def _is_usable(policy: Policy) -> bool:
    try:
        refuse_unusable(policy, "/")
    except InputError:
        return False
    return True


def correction(code: str, pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The edits for a finding at a place of the policy; none where it takes a decision."""
    made = _CORRECTIONS.get(code)
    return made(pointer, policy) if made else ()


def _with_bucket(pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The bucket for an action on buckets that only has its objects, and the other way round."""
    document = plain(policy)
    statement = statements_of(document)[_number(pointer)]
    action = _at(document, pointer)
    effect = statement["Effect"]
    if policy.kind in OF_RESOURCES or not isinstance(action, str) or effect != "Allow":
        return ()
    known = catalog().action(action)
    of_bucket = known is not None and _BUCKET in known.resource_types
    resources = tuple(
        dict.fromkeys(
            own.partition("/")[0] if of_bucket else f"{own.rstrip('/')}{_OBJECTS}"
            for own in listed(statement.get("Resource"))
        )
    )
    requirement = Requirement(
        pointer=pointer,
        effect=Effect.ALLOW,
        actions=(action,),
        resources=resources,
        request=None,
        given={"action": action, "resource": list(resources)},
        is_pattern=True,
        # What is limited stays so.
        elements={"Condition": statement["Condition"]} if "Condition" in statement else None,
    )
    version = policy.version.value if policy.version else ""
    found = repair(_idle(document), (requirement,), Judge(kind=policy.kind, version=version))
    return found.edits if found.is_repaired else ()


def _idle(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with Denies of nothing in the places of its own: what they deny, they deny on purpose."""
    found = [
        {"Sid": own.get("Sid", ""), **_NOTHING} if own["Effect"] == "Deny" else own
        for own in statements_of(document)
    ]
    return (
        {**document, "Statement": found}
        if isinstance(document["Statement"], list)
        else dict(document)
    )


def _without_region(pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The ARN with an empty Region."""
    return _replaced_field(pointer, policy, _REGION, lambda _: "")


def _without_account(pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The ARN with an empty account."""
    return _replaced_field(pointer, policy, _ACCOUNT, lambda _: "")


def _with_small_service(pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The ARN with its service in lower case."""
    return _replaced_field(pointer, policy, _SERVICE, str.lower)


def _replaced_field(
    pointer: str, policy: Policy, number: int, change: Callable[[str], str]
) -> tuple[Edit, ...]:
    before = _at(plain(policy), pointer)
    if not isinstance(before, str) or Arn.of(before) is None:
        return ()
    fields = before.split(":", 5)
    fields[number] = change(fields[number])
    return (Edit(pointer=pointer, change="replaced", before=before, after=":".join(fields)),)


def _demanded(pointer: str, policy: Policy) -> tuple[Edit, ...]:
    """The condition under the same operator without IfExists."""
    block, _, operator = pointer.rpartition("/")
    before = _at(plain(policy), block)
    plainer = operator.removesuffix(_IF_EXISTS)
    if not isinstance(before, dict) or plainer == operator or plainer in before:
        return ()
    after = {plainer if name == operator else name: keys for name, keys in before.items()}
    keys = before[operator]
    if not isinstance(keys, dict) or len(keys) > 1:
        return ()
    return (Edit(pointer=block, change="replaced", before=before, after=after),)


_CORRECTIONS: Mapping[str, Callable[[str, Policy], tuple[Edit, ...]]] = {
    correctable.BUCKET_OR_OBJECT: _with_bucket,
    correctable.WITH_REGION: _without_region,
    correctable.WITH_ACCOUNT: _without_account,
    correctable.SERVICE_CASE: _with_small_service,
    correctable.SERVICE_OPTIONAL: _demanded,
}


def _number(pointer: str) -> int:
    """The number of the statement at a place."""
    token = pointer.strip("/").split("/")[1]
    return int(token) if token.isdecimal() else 0


def _at(document: Any, pointer: str) -> Any:
    for token in pointer.strip("/").split("/"):
        document = document[int(token) if isinstance(document, list) else token]
    return document
