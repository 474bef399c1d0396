"""What the answer of `kms key_policy` says about the policy: who uses the key and how, what was proved, what to know."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference import via_services as via_table
from aws_iam.engine.reference.key_services import key_services
from aws_iam.tools.kms.reasoning.key_access import Usage, Use
from aws_iam.tools.kms.via_services import known_service, row_of
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.reference.key_services import KeyService
    from aws_iam.engine.reference.via_services import ViaService
    from aws_iam.tools.kms.reasoning.key_access import KeyAccess

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
# Services through which a producer needs kms:Decrypt beside kms:GenerateDataKey, with the page that says so.
_DECRYPT_TO_WRITE = {
    "s3": "https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html",
    "sqs": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
}


def summary(access: KeyAccess) -> str:
    """The policy in a sentence."""
    admins = counted(len(access.admins), "administrator")
    users = counted(len(access.users), "user")
    if access.use is not Use.BOTH:
        users += f" that may {access.use.value} alone"
    only = f" only through {', '.join(access.via)}" if access.only_via else ""
    if access.only_via:
        users += only * bool(access.users)
    elif access.via:
        users += f", directly and through {', '.join(access.via)}"
    count = sum(bool(service.principal and service.statements) for service in access.services)
    more = f", {counted(count, 'AWS service')}" if count else ""
    outside = f", {len(access.outside)} from other accounts{only}" if access.outside else ""
    inside = f", organization {access.organization}" if access.organization else ""
    tagged = f", principals tagged {_tags_in_words(access)}" if access.tags else ""
    replicas = f", replicated to {', '.join(access.replicas)}" if access.replicas else ""
    return (
        f"Key policy of account {access.account}: {admins}, {users}{outside}{inside}{tagged}{more}{replicas}. It includes the "
        f"account statement: IAM policies can allow more, and nobody is locked out.{_callers_sentence(access)}{_in_doubt(access)}"
    )


def _in_doubt(access: KeyAccess) -> str:
    """The values of kms:ViaService that no page of AWS here names: the proof is about what KMS may never send."""
    unknown = [host for host in access.via if known_service(host) is None]
    if not unknown:
        return ""
    verb = "is" if len(unknown) == 1 else "are"
    return f" {joined(_as_code(unknown))} {verb} unconfirmed: if KMS never sends that, the statement allows nothing."


def _callers_sentence(access: KeyAccess) -> str:
    """Which of the named services got no statement, and why."""
    names = [service.name for service in access.for_callers]
    names += [service.name for service in access.services if service.caller]
    if not names:
        return ""
    uses = Counter(use for service in access.for_callers for use in _uses_with_statement(service))
    together = [use for use, count in uses.items() if count > 1]
    others = [use for use in uses if use not in together]
    linked = (
        f" If one of them sends to the other, give {joined(_as_code(together), 'or')}: that use needs a statement."
        if together
        else ""
    )
    more = f" For other uses give {joined(_as_code(others))}." if others else ""
    return (
        f"{linked} No statement names {joined(_as_code(names))}: a service that uses the key with its caller's permissions"
        f" needs none.{more}"
    )


def _as_code(names: Iterable[str]) -> list[str]:
    return [f"`{name}`" for name in names]


def _uses_with_statement(service: ViaService) -> list[str]:
    """The uses of a service's name that need a statement."""
    return [
        name
        for name, use in key_services().items()
        if service.name in name.split("-") and use.statements
    ]


def _tags_in_words(access: KeyAccess) -> str:
    return ", ".join(f"{key}={value}" for key, value in access.tags.items())


def facts(access: KeyAccess, rows: list[dict[str, str]], size: int) -> dict[str, Any]:
    """The facts of the answer; `rows` are the proof."""
    return {
        "administrators": list(access.admins),
        "users": [{"who": who, "how": how} for who, how in _uses(access)],
        "account_statement": (
            f"{access.root} stands for the whole account, not only its root user: IAM policies of the account can allow any "
            "action on this key, so IAM administrators can give anyone access; by itself the statement allows the root user, and no other user or role"
        ),
        "proved": rows,
        "size_bytes": size,
        **({"via_service": [row_of(host) for host in access.via]} if access.via else {}),
        # Much older than the rest of the data: it is no date of the whole answer.
        **(
            {"names_in_via_service_as_of": via_table.as_of()}
            if access.via or access.for_callers
            else {}
        ),
        **(
            {
                "services": [
                    *map(_service_row, access.services),
                    *map(_caller_row, access.for_callers),
                ]
            }
            if access.services or access.for_callers
            else {}
        ),
        "notes": [{"note": note} for note in _notes(access)],
    }


def _uses(access: KeyAccess) -> Iterator[tuple[str, str]]:
    """Who uses the key and how; each of these is in the proof."""
    context = ", with the encryption context" if access.context else ""
    directly = f"directly: {', '.join(access.direct)}{context}"
    for user in access.users:
        if not access.only_via:
            yield user, directly
        for host in access.via:
            yield user, f"through {host}: {', '.join(access.actions)}"
    also = "; also needs an IAM policy of the other account"
    of_others = f"directly: {', '.join(access.direct_of_others)}{context}{also}"
    if access.shares:
        of_others += "; and grants for AWS services"
    for outsider in access.outside:
        if not access.only_via:
            yield outsider, of_others
            continue
        for host in access.via:
            yield outsider, f"through {host}: {', '.join(access.actions)}{also}"
    tagged = f" tagged {_tags_in_words(access)}" if access.tags else ""
    if access.organization:
        yield f"principals of other accounts of {access.organization}{tagged}", of_others
    if access.tags:
        yield f"principals of account {access.account}{tagged}", directly


_NO_STATEMENT = "none needed: it has no statement"


def _service_row(service: KeyService) -> dict[str, str]:
    if service.caller:
        return {
            "service": service.name,
            "for": service.purpose,
            "guard": _NO_STATEMENT,
            "note": "; ".join(
                filter(
                    None,
                    (
                        f"it uses the key with the permissions of {service.caller}: name that principal in `users`",
                        service.note,
                    ),
                )
            ),
        }
    guard = service.guard or (
        "none needed: the principal is a role of the account"
        if service.principal.startswith("arn:")
        else "none: AWS supports none for this service"
    )
    without_guard = service.unguarded() if service.guard and not service.for_others else ()
    unguarded = (
        {"unguarded": f"{', '.join(without_guard)}: AWS documents no guard"}
        if without_guard
        else {}
    )
    note = {"note": service.note} if service.note else {}
    return {
        "service": service.name,
        "for": service.purpose,
        "guard": guard,
        **unguarded,
        **note,
    }


def _caller_row(service: ViaService) -> dict[str, str]:
    """A service that needs no statement, and the uses of its name that do."""
    uses = _uses_with_statement(service)
    only = f" ({service.note})" if service.note else ""
    more = f"; for uses with a statement of their own give {', '.join(uses)}" if uses else ""
    return {
        "service": service.name,
        "for": ", ".join(service.services),
        "guard": _NO_STATEMENT,
        "note": (
            "it calls KMS for a principal, with that principal's permissions or grants: name the user or role that "
            f"works with it (pass `users`), and limit it (pass `via_service: {service.name}`{only}{more})"
        ),
    }


def _notes(access: KeyAccess) -> Iterator[str]:
    if access.admins:
        yield (
            "administrators can change the policy and so give themselves use of the key: KMS does not enforce the "
            "separation; monitor PutKeyPolicy in CloudTrail"
        )
    else:
        yield "`admins` is empty: IAM policies of the account decide who administers the key"
    yield from _notes_on_others(access)
    if access.organization:
        yield (
            "principals of the organization's other accounts also need an IAM policy there; AWS services have no "
            "aws:PrincipalOrgID, and the statement does not let them in"
        )
    if access.tags:
        yield (
            "whoever may tag roles, users or sessions (iam:TagRole, iam:TagUser, sts:TagSession) can give them use of "
            "the key"
        )
    yield from _notes_on_one_way(access)
    if access.partition != "aws" and access.services:
        yield (
            f"AWS's pages describe these statements for partition aws; that each service offers this use in "
            f"{access.partition} is unconfirmed"
        )
    if access.context:
        yield "the encryption context appears in CloudTrail in plain text: put nothing secret in it"
    if access.replicas:
        yield (
            "each replica has its own policy, and KMS does not synchronize them: `kms check` compares them (KMS-MR-DRIFT); "
            "a CloudFormation stack creates a replica in the stack's own Region"
        )
    if access.via and not access.only_via and not access.through_services():
        yield (
            "no statement has kms:ViaService: what the users may call directly they may call through services too; pass "
            "`only_via_service` if they never call KMS themselves"
        )
    elif access.via and not access.only_via:
        yield "direct use has a separate statement, because kms:ViaService alone would block the application's own calls"


def _notes_on_others(access: KeyAccess) -> Iterator[str]:
    if not access.outside:
        return
    yield "principals of other accounts also need an IAM policy there, with this key's ARN; grants work for them too"
    if access.only_via:
        yield (
            f"principals of other accounts may use the key only through {', '.join(access.via)}: KMS refuses their direct calls"
        )


def _notes_on_one_way(access: KeyAccess) -> Iterator[str]:
    if access.use is Use.BOTH:
        return
    yield "kms:ReEncryptFrom and kms:ReEncryptTo are left out: add them if the users re-encrypt"
    if access.usage is Usage.ENCRYPT:
        yield "the users may not create grants: a grant for a service would work in both directions"
    needing = [host for host in access.via if host.split(".")[0] in _DECRYPT_TO_WRITE]
    if access.use is Use.ENCRYPT and needing:
        yield (
            f"writing through {', '.join(needing)} can need kms:Decrypt too: S3 for multipart uploads, SQS for every "
            "producer"
        )


def sources(access: KeyAccess) -> Iterator[str]:
    """The pages of AWS that the policy follows."""
    yield f"{_GUIDE}/key-policy-default.html"
    yield f"{_GUIDE}/conditions-kms.html"
    yield from (known.source for host in access.via if (known := known_service(host)))
    if access.use is Use.ENCRYPT:
        yield from (
            page for name, page in _DECRYPT_TO_WRITE.items() if f"{name}." in "".join(access.via)
        )
    yield from (use.source for use in access.services)
    yield from (service.source for service in access.for_callers)
