"""How AWS's record of a denial is read: the words where it was not read, and the reading itself with `online`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Finding, NextCall, Severity, Status, next_call
from aws_iam.engine.denied.authorization.authorization_id import LONGEST, PAGE
from aws_iam.engine.denied.authorization.record import record_of
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.denied.authorization.authorization_id import AuthorizationId
    from aws_iam.engine.denied.authorization.record import AuthorizationRecord
    from aws_iam.tools.kit.parameters import Connection
    from aws_iam.tools.kit.tool import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """Why the record was not read, and what would help; `out_of_reach`: AWS could not be asked at all."""

    why: str
    fix: str
    out_of_reach: bool = False

    @property
    def hint(self) -> str:
        """What would help; the demonstration account has no such record."""
        return "; ".join(part for part in self.fix.split("; ") if "demo: true" not in part)


CODE = "AUTHORIZATION_RECORD_NOT_READ"
_KEPT = (
    "24 hours or more after the denial, in its Region, for callers of the denied principal's account or organization; across"
    " organizations each sees its own part alone"
)
_NEEDS = "iam:GetRequestAuthorizationDetails and iam:GetRequestAuthorizationPolicy"


def id_facts(ids: Sequence[AuthorizationId]) -> dict[str, Any]:
    """What the message's authorization ID is good for."""
    if not ids:
        return {}
    first = ids[0]
    facts: dict[str, Any] = {
        "id": first.text,
        **({"region": first.region} if first.region else {}),
        "what": "AWS's own record of this denial: every check, and the policies as they were at the request",
        "kept": _KEPT,
        "needs": _NEEDS,
    }
    if first.is_well_formed:
        region = first.region or "REGION"
        facts["read_with"] = (
            f"aws iam-toolbox get-request-authorization-details --authorization-id {first.text} --region {region}"
        )
        facts["and_each_policy_with"] = (
            f"aws iam-toolbox get-request-authorization-policy --authorization-id {first.text}"
            f" --region {region} --policy-uri URI"
        )
    else:
        facts["not_sent"] = "an ID of AWS has digits and lower-case letters alone"
    if len(ids) > 1:
        facts["other_ids"] = [other.text for other in ids[1:]]
    return {"authorization": facts}


def with_how_to_read(answer: Answer, ids: Sequence[AuthorizationId]) -> Answer:
    """The answer with how AWS's record is read, where the message has an ID."""
    if not ids:
        return answer
    answer = replace(
        answer,
        facts={**answer.facts, **id_facts(ids)},
        sources=tuple(dict.fromkeys((*answer.sources, PAGE))),
    )
    if not ids[0].is_well_formed:
        return answer
    how = "AWS keeps its own record of this denial for at least 24 hours: `online` reads it."
    return replace(answer, summary=f"{answer.summary} {how}", next=(*answer.next, _call()))


def _call() -> NextCall:
    why = "read AWS's own record of this denial, with every check and policy, while it is kept"
    return next_call("policy", "denied", why, same=("message",), online=True)


def read_online(
    ids: Sequence[AuthorizationId], resource: str, connection: Connection, progress: Progress
) -> tuple[AuthorizationRecord, dict[str, Any]] | NotRead:
    """The record of the first ID with where it was read, or why it was not."""
    # Imported here: importing boto3 takes a third of a second, and only this reads AWS.
    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.reading import authorization_record

    first = _first(ids)
    if first.region and connection.regions and first.region not in connection.regions:
        raise InputError(
            f"the message's link names {quoted(first.region)}, which is not among `regions`",
            hint="the record is only in the Region of the denial: leave `regions` out",
        )
    asked = replace(connection, regions=[first.region]) if first.region else connection
    # A service authorizes a request in the Region of its resource.
    arn = Arn.of(resource)
    likely = arn.region if arn else ""
    try:
        found = authorization_record.read_record(asked, first.text, progress, likely=likely)
    except AwsError as error:
        return NotRead(why=error.message, fix=error.hint, out_of_reach=True)
    if isinstance(found, Miss):
        why, fix = authorization_record.words_of(found)
        return NotRead(why=why, fix=fix, out_of_reach=found.is_out_of_reach)
    given = {"details": dict(found.details), "policies": dict(found.policies)}
    where = {"authorization_id": first.text, "region": found.region}
    return record_of(given, found.unread), where


def _first(ids: Sequence[AuthorizationId]) -> AuthorizationId:
    if not ids:
        raise InputError(
            "`online` reads AWS's record of a denial, and `message` has no authorization ID",
            hint="give the whole message, with its last sentence: `… with the following authorization id: …`. Not every denial"
            " has one; leave `online` out to explain the message alone",
        )
    if not ids[0].is_well_formed:
        raise InputError(
            f"{quoted(ids[0].text)} is no authorization ID: AWS's have up to {LONGEST} digits and lower-case letters",
            hint="give the message as AWS returned it",
        )
    return ids[0]


def with_not_read(answer: Answer, not_read: NotRead) -> Answer:
    """The answer by the message alone, with why the record was not read."""
    hint = not_read.hint
    finding = Finding(
        code=CODE,
        title="AWS's record of the denial was not read",
        severity=Severity.MEDIUM,
        status=Status.UNKNOWN,
        message="The answer rests on the message alone.",
        reason=not_read.why,
        fix=f"{hint[:1].upper()}{hint[1:]}." if hint else None,
        source=PAGE,
    )
    facts = {**answer.facts, **({"online": {"aws_read": False}} if not_read.out_of_reach else {})}
    return replace(
        answer,
        # The text of an answer shows no fix of what is unknown.
        summary=f"AWS's record was not read: {'; '.join(filter(None, (not_read.why, hint)))}. {answer.summary}",
        findings=(*answer.findings, finding),
        facts=facts,
    )
