"""`kms key_policy`: a key policy from who administers and who uses the key, proved request by request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference import key_services as services_table
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.key_services import KeyService
from aws_iam.engine.reference.regions import partition_of
from aws_iam.engine.reference.service_names import meant_instead
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.policy.run import validate
from aws_iam.tools.kms.key_creation import Copy, Format, created
from aws_iam.tools.kms.key_policy_arguments import listed
from aws_iam.tools.kms.key_policy_proof import proof
from aws_iam.tools.kms.reasoning.model import MOST_BYTES, KeyWish, Usage
from aws_iam.tools.kms.service_principals import services_of, sources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.tools.kms.key_policy_arguments import Given

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_PAGE = "references/kms-patterns.md#key-policy"
_FILE = "key-policy.json"
_SHORT = re.compile(r"(?:role|user)/.+")
_VIA = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,128}")
_CONTEXT_VALUE = re.compile(r"[ -~]{1,1024}")
_MOST_PAIRS = 20
_WITHOUT_KEM = {"cloudformation": "AWS::KMS::Key", "terraform": "aws_kms_key"}


def key_policy(given: Given, format_: Format | None) -> Answer:
    """The policy, its proof, and the commands or template that create the key."""
    wish = wish_of(given)
    form = format_ or "cli"
    _refuse_format(wish.usage, form)
    copies = tuple(_copies(wish))
    policies = {copy.file: _policy(copy) for copy in copies}
    size = max(map(_size, copies))
    if size > MOST_BYTES:
        raise InputError(
            f"the policy would have {size:,} bytes, more than the {MOST_BYTES:,} of a key policy",
            hint="name fewer principals: give the others grants, or let IAM policies allow them",
        )
    rows = proof(wish, copies[0].document)
    for copy in copies[1:]:
        proof(wish.in_region(copy.region), copy.document)
    found = (
        finding
        for policy in policies.values()
        for finding in validate(policy.content, "resource", "AWS::KMS::Key")
    )
    return Answer(
        summary=_summary(wish),
        findings=tuple(dict.fromkeys(found)),
        artifacts=(*policies.values(), *created(wish, copies, form)),
        facts=_facts(wish, rows, size),
        sources=tuple(dict.fromkeys((*_sources(wish), _PAGE))),
        next=(
            "aws-iam kms check --document key-policy.json",
            "aws-iam kms lockout --document key-policy.json --caller ARN",
        ),
        as_of=min(services_table.as_of(), catalog().as_of),
    )


def _copies(wish: KeyWish) -> Iterator[Copy]:
    """The key in each of its Regions; one whose policy is the primary's has the same file."""
    own = wish.document()
    yield Copy(region=wish.region, file=_FILE, document=own)
    for region in wish.replicas:
        there = wish.in_region(region).document()
        file = _FILE if there == own else f"key-policy-{region}.json"
        yield Copy(region=region, file=file, document=there)


def _policy(copy: Copy) -> Artifact:
    return Artifact(
        name=copy.file,
        language="json",
        content=json.dumps(copy.document, indent=2) + "\n",
        checked_by="policy validate, evaluate",
    )


def _size(copy: Copy) -> int:
    return len(json.dumps(copy.document, separators=(",", ":")).encode())


def _refuse_format(usage: Usage, form: Format) -> None:
    if usage is Usage.KEY_ENCAPSULATION and form != "cli":
        raise InputError(
            f"`format` {form} is not known to make ML-KEM keys: {_WITHOUT_KEM[form]} does not list them "
            f"({services_table.as_of()})",
            hint="take `format` cli",
        )


def wish_of(given: Given) -> KeyWish:
    """The arguments as a wish; InputError names what is wrong with them."""
    account = checked("account", given.account, "account")
    usage = Usage(given.usage or Usage.ENCRYPT)
    region = checked("region", given.region, "region") if given.region else ""
    region = region or _region_of(given.via_service)
    partition = _partition(given, region)
    replicas = tuple(_replicas(given.replicas, region, partition))
    own = f"arn:{partition}:iam::{account}"
    admins = _principals("admins", given.admins, own, account)
    users = _principals("users", given.users, own, account)
    _refuse_both(admins, users)
    outside = tuple(_outside(given.external_accounts, partition, account))
    via = tuple(_via(given.via_service, region))
    context = _context(given.context)
    services = tuple(services_of(given.services, partition, region))
    _refuse_misfits(given, usage, context, via, services, users)
    _refuse_copies(replicas, services)
    source_arns = sources_of(given.services, services)
    return KeyWish(
        account=account,
        partition=partition,
        region=region,
        replicas=replicas,
        admins=admins,
        users=users,
        outside=outside,
        via=via,
        only_via=given.only_via_service,
        context=context,
        services=services,
        source_arns=source_arns,
        usage=usage,
    )


def _principals(name: str, values: list[str] | None, own: str, account: str) -> tuple[str, ...]:
    found = []
    for principal in listed(name, values):
        arn = checked(
            name,
            f"{own}:{principal}" if _SHORT.fullmatch(principal) else principal,
            "principal_arn",
        )
        if f"::{account}:" not in arn:
            why = (
                "PutKeyPolicy and most administration never cross accounts"
                if name == "admins"
                else "another account's principal also needs an IAM policy there"
            )
            raise InputError(
                f"`{name}`: {quoted(principal)} is of another account: {why}",
                hint="give `external_accounts` for use from other accounts",
            )
        found.append(arn)
    return tuple(dict.fromkeys(found))


def _refuse_both(admins: tuple[str, ...], users: tuple[str, ...]) -> None:
    both = [admin for admin in admins if admin in users]
    if both:
        raise InputError(
            f"{quoted(both[0])} is in `admins` and in `users`",
            hint="keep administration apart from use: two roles, of which one person may hold both",
        )


def _outside(values: list[str] | None, partition: str, account: str) -> Iterator[str]:
    for outside in listed("external_accounts", values):
        is_id = outside.isascii() and outside.isdigit()
        arn = (
            f"arn:{partition}:iam::{checked('external_accounts', outside, 'account')}:root"
            if is_id
            else checked("external_accounts", outside, "trusted_arn")
        )
        if f"::{account}:" in arn:
            raise InputError(
                f"`external_accounts`: {quoted(outside)} is the key's own account",
                hint="name its roles and users in `users`",
            )
        yield arn


def _replicas(values: list[str] | None, region: str, partition: str) -> Iterator[str]:
    for copy in listed("replicas", values):
        if not region:
            raise InputError("`replicas` needs the primary key's Region", hint="give `region`")
        if checked("replicas", copy, "region") == region:
            raise InputError(f"`replicas`: {quoted(copy)} is the primary key's own Region")
        if partition_of(copy) != partition:
            raise InputError(
                f"`replicas`: {quoted(copy)} is no Region of partition {partition}",
                hint="a key is copied within its partition",
            )
        yield copy


def _refuse_copies(replicas: tuple[str, ...], services: tuple[KeyService, ...]) -> None:
    bound = next((service for service in services if service.region), None)
    if replicas and bound:
        raise InputError(
            f"`services`: `{bound.name}` takes keys of {bound.region} alone",
            hint="leave `replicas` out",
        )


def _region_of(values: list[str] | None) -> str:
    """The Region that the services are named with, where one is."""
    found = {match["region"] for value in values or () if (match := _VIA.fullmatch(value))}
    return found.pop() if len(found) == 1 else ""


def _via(values: list[str] | None, region: str) -> Iterator[str]:
    for service in listed("via_service", values):
        if found := _VIA.fullmatch(service):
            if region and found["region"] != region:
                raise InputError(
                    f"`via_service`: {quoted(service)} is not in {region}, the Region of the key",
                    hint="services use keys of their own Region",
                )
            yield _spelled(service)
            continue
        name = checked("via_service", service, "via_service")
        if not region:
            raise InputError(
                f"`via_service`: {quoted(service)} needs the key's Region",
                hint=f"give `region`, or write {name}.REGION.amazonaws.com",
            )
        if partition_of(region) == "aws-cn":
            raise InputError(
                f"`via_service`: give the whole name in {region}",
                hint=f"as the service's page writes it, such as {name}.{region}.amazonaws.com.cn",
            )
        yield _spelled(f"{name}.{region}.amazonaws.com")


def _spelled(host: str) -> str:
    meant = meant_instead(host)
    if meant:
        raise InputError(
            f"`via_service`: {quoted(host)} is no service", hint=f"did you mean `{meant}`?"
        )
    return host


def _context(given: Any) -> dict[str, str]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise InputError("`context` is no JSON", hint='such as {"app": "orders"}') from None
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > _MOST_PAIRS:
        raise InputError(
            f"`context` must be an object of at most {_MOST_PAIRS} texts",
            hint='such as {"app": "orders"}',
        )
    for key, value in given.items():
        if not _CONTEXT_KEY.fullmatch(key):
            raise InputError(
                f"`context`: {quoted(key, 80)} is no key", hint="letters, digits and _+=,.@:/-"
            )
        if not isinstance(value, str) or not _CONTEXT_VALUE.fullmatch(value) or "${" in value:
            raise InputError(
                f"`context`: the value of {quoted(key, 80)} must be plain text",
                hint="1 to 1,024 printable ASCII characters, without `${`; it is compared exactly",
            )
    return dict(given)


def _partition(given: Given, region: str) -> str:
    every = (*(given.admins or ()), *(given.users or ()), *(given.external_accounts or ()))
    told = {arn.partition for principal in every if (arn := Arn.of(principal))}
    if region and (of_region := partition_of(region)):
        told.add(of_region)
    if len(told) > 1:
        raise InputError(
            f"the ARNs and the Region are of several partitions: {', '.join(sorted(told))}",
            hint="a key and its principals are of one",
        )
    return checked("partition", told.pop(), "partition") if told else "aws"


def _refuse_misfits(
    given: Given,
    usage: Usage,
    context: Mapping[str, str],
    via: tuple[str, ...],
    services: tuple[KeyService, ...],
    users: tuple[str, ...],
) -> None:
    if usage is not Usage.ENCRYPT and context:
        raise InputError(
            f"`context` is for symmetric keys, and `usage` is {usage.value}",
            hint="asymmetric and HMAC keys take no encryption context",
        )
    for service in services:
        if service.usage != usage.value:
            raise InputError(
                f"`services`: `{service.name}` needs a key of `usage` {service.usage}, and it is {usage.value}",
                hint="a key has one usage: write a policy for each",
            )
    if given.only_via_service and not via:
        raise InputError("`only_via_service` needs `via_service`", hint="such as `s3`")
    if given.only_via_service and context:
        raise InputError(
            "`context` is for direct use, which `only_via_service` rules out",
            hint="services set their own encryption context",
        )
    if (via or context) and not (users or given.external_accounts):
        name = "via_service" if via else "context"
        raise InputError(f"`{name}` needs `users`", hint="say who uses the key so")


def _summary(wish: KeyWish) -> str:
    admins = f"{len(wish.admins)} administrators" if len(wish.admins) != 1 else "1 administrator"
    users = f"{len(wish.users)} users" if len(wish.users) != 1 else "1 user"
    if wish.only_via:
        users += f" through {', '.join(wish.via)} alone"
    elif wish.via:
        users += f", directly and through {', '.join(wish.via)}"
    more = f", {len(wish.services)} AWS services" if wish.services else ""
    outside = f", {len(wish.outside)} from other accounts" if wish.outside else ""
    copies = f", copied to {', '.join(wish.replicas)}" if wish.replicas else ""
    return (
        f"Key policy of account {wish.account}: {admins}, {users}{outside}{more}{copies}. The account keeps its statement: "
        "IAM policies may allow more, and nobody is locked out."
    )


def _facts(wish: KeyWish, rows: list[dict[str, str]], size: int) -> dict[str, Any]:
    allowed = [row for row in rows if row["outcome"] == "Allowed" and "iam" in row]
    by_key = [row for row in allowed if row["iam"] == "no IAM policy"]
    manage = [row["who"] for row in by_key if row["does"] == "kms:PutKeyPolicy"]
    return {
        "administrators": list(dict.fromkeys((*manage, *wish.admins))),
        "users": [{"who": user, "how": how} for user in wish.users for how in _ways(wish)],
        "account_statement": (
            f"{wish.root} is the account, not its root user alone: whoever an IAM policy of the account allows an action "
            "on this key gets it, so IAM administrators can give use to anybody; by itself it allows nobody"
        ),
        "proved": rows,
        "size_bytes": size,
        **({"services": [_told(service) for service in wish.services]} if wish.services else {}),
        "notes": [{"note": note} for note in _notes(wish)],
    }


def _ways(wish: KeyWish) -> Iterator[str]:
    if not wish.only_via:
        yield f"directly: {', '.join(wish.direct)}" + (
            ", with the encryption context" if wish.context else ""
        )
    yield from (f"through {service}" for service in wish.via)


def _told(service: KeyService) -> dict[str, str]:
    guard = service.guard or "none: AWS supports none here"
    open_ = service.unguarded() if service.guard else ()
    unguarded = {"unguarded": f"{', '.join(open_)}: AWS documents no guard"} if open_ else {}
    note = {"note": service.note} if service.note else {}
    return {
        "service": service.name,
        "for": service.purpose,
        "guard": guard,
        **unguarded,
        **note,
    }


def _notes(wish: KeyWish) -> Iterable[str]:
    if wish.admins:
        yield (
            "administrators can change the policy, so they can give themselves use: the separation is watched in "
            "CloudTrail (PutKeyPolicy), not enforced by KMS"
        )
    else:
        yield "no administrator is named: IAM policies of the account decide who administers the key"
    if wish.outside:
        yield "principals of other accounts need an IAM policy there too, with this key's ARN; grants reach them as well"
    if wish.context:
        yield "the encryption context stands in CloudTrail in clear: nothing secret belongs in it"
    if wish.replicas:
        yield (
            "each copy has a policy of its own, which KMS does not keep alike: `kms check` compares them (KMS-MR-DRIFT); "
            "a CloudFormation stack makes a replica in the stack's own Region"
        )
    if wish.via and not wish.only_via:
        yield "direct use has a statement of its own: kms:ViaService alone would stop the application's own calls"


def _sources(wish: KeyWish) -> Iterator[str]:
    yield f"{_GUIDE}/key-policy-default.html"
    yield f"{_GUIDE}/conditions-kms.html"
    yield from (service.source for service in wish.services)
