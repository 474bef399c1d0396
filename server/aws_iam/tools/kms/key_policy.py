"""`kms key_policy`: a key policy for the administrators and users of a key, each permission evaluated."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.reference import key_services as services_table
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.key_services import KeyService
from aws_iam.engine.reference.regions import partition_of
from aws_iam.engine.reference.service_principals import misspelled_principal
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.policy.run import validate
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.kms.key_creation import Format, RegionalKey, creation_files
from aws_iam.tools.kms.key_policy_arguments import unique_entries
from aws_iam.tools.kms.key_policy_proof import proof_rows
from aws_iam.tools.kms.reasoning.key_access import MOST_BYTES, KeyAccess, Usage
from aws_iam.tools.kms.service_principals import services_of, sources_of
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.tools.kms.key_policy_arguments import KeyPolicyArguments

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_PAGE = "references/kms-patterns.md#key-policy"
_FILE = "key-policy.json"
_SHORT = re.compile(r"(?:role|user)/.+")
_VIA = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,128}")
_CONTEXT_VALUE = re.compile(r"[ -~]{1,1024}")
_MOST_PAIRS = 20
_WITHOUT_KEM = {"cloudformation": "AWS::KMS::Key", "terraform": "aws_kms_key"}


def key_policy(arguments: KeyPolicyArguments, format_: Format | None) -> Answer:
    """The policy, the requests that prove it, and the commands or template that create the key."""
    access = key_access(arguments)
    form = format_ or "cli"
    _refuse_format(access.usage, form)
    keys = tuple(_regional_keys(access))
    policies = {key.file: _policy(key) for key in keys}
    size = max(map(_size, keys))
    if size > MOST_BYTES:
        raise InputError(
            f"the policy would have {size:,} bytes, more than the {MOST_BYTES:,} of a key policy",
            hint="name fewer principals, and allow the others with grants or IAM policies",
        )
    rows = proof_rows(access, keys[0].document)
    for key in keys[1:]:
        proof_rows(access.in_region(key.region), key.document)
    findings = (
        finding
        for policy in policies.values()
        for finding in validate(policy.content, "resource", "AWS::KMS::Key")
    )
    return Answer(
        summary=_summary(access),
        findings=tuple(dict.fromkeys(findings)),
        artifacts=(*policies.values(), *creation_files(access, keys, form)),
        facts=_facts(access, rows, size),
        sources=tuple(dict.fromkeys((*_sources(access), _PAGE))),
        next=(
            "aws-iam kms check --document key-policy.json",
            "aws-iam kms lockout --document key-policy.json --caller ARN",
        ),
        as_of=min(services_table.as_of(), catalog().as_of),
    )


def _regional_keys(access: KeyAccess) -> Iterator[RegionalKey]:
    """The key in each of its Regions; a replica with the primary's policy shares its file."""
    own = access.document()
    yield RegionalKey(region=access.region, file=_FILE, document=own)
    for region in access.replicas:
        there = access.in_region(region).document()
        file = _FILE if there == own else f"key-policy-{region}.json"
        yield RegionalKey(region=region, file=file, document=there)


def _policy(key: RegionalKey) -> Artifact:
    return Artifact(
        name=key.file,
        language="json",
        content=json.dumps(key.document, indent=2) + "\n",
        checked_by="policy validate, evaluate",
    )


def _size(key: RegionalKey) -> int:
    return len(json.dumps(key.document, separators=(",", ":")).encode())


def _refuse_format(usage: Usage, form: Format) -> None:
    if usage is Usage.KEY_ENCAPSULATION and form != "cli":
        raise InputError(
            f"`format` {form} may not support ML-KEM keys: {_WITHOUT_KEM[form]} does not list them "
            f"(as of {services_table.as_of()})",
            hint="use `format` cli",
        )


def key_access(arguments: KeyPolicyArguments) -> KeyAccess:
    """The checked arguments as a value; InputError names what is wrong with them."""
    account = checked_name("account", arguments.account, "account")
    usage = Usage(arguments.usage or Usage.ENCRYPT)
    region = checked_name("region", arguments.region, "region") if arguments.region else ""
    region = region or _region_of(arguments.via_service)
    partition = _partition(arguments, region)
    replicas = tuple(_replica_regions(arguments.replicas, region, partition))
    own = f"arn:{partition}:iam::{account}"
    admins = _principals("admins", arguments.admins, own, account)
    users = _principals("users", arguments.users, own, account)
    _refuse_admins_as_users(admins, users)
    outside = tuple(_outside_principals(arguments.external_accounts, partition, account))
    via = tuple(_via_services(arguments.via_service, region))
    context = _context(arguments.context)
    services = tuple(services_of(arguments.services, partition, region))
    _refuse_contradictions(arguments, usage, context, via, services, users)
    _refuse_replicas_of_bound_services(replicas, services)
    source_arns = sources_of(arguments.services, services)
    return KeyAccess(
        account=account,
        partition=partition,
        region=region,
        replicas=replicas,
        admins=admins,
        users=users,
        outside=outside,
        via=via,
        only_via=arguments.only_via_service,
        context=context,
        services=services,
        source_arns=source_arns,
        usage=usage,
    )


def _principals(name: str, values: list[str] | None, own: str, account: str) -> tuple[str, ...]:
    arns = []
    for principal in unique_entries(name, values):
        arn = checked_name(
            name,
            f"{own}:{principal}" if _SHORT.fullmatch(principal) else principal,
            "principal_arn",
        )
        if f"::{account}:" not in arn:
            why = (
                "PutKeyPolicy and most administration work only within the key's account"
                if name == "admins"
                else "a principal of another account also needs an IAM policy there"
            )
            raise InputError(
                f"`{name}`: {quoted(principal)} belongs to another account: {why}",
                hint="for use from other accounts give `external_accounts`",
            )
        arns.append(arn)
    return tuple(dict.fromkeys(arns))


def _refuse_admins_as_users(admins: tuple[str, ...], users: tuple[str, ...]) -> None:
    both = [admin for admin in admins if admin in users]
    if both:
        raise InputError(
            f"{quoted(both[0])} is in `admins` and in `users`",
            hint="separate administration from use: give each its own role; one person may hold both roles",
        )


def _outside_principals(values: list[str] | None, partition: str, account: str) -> Iterator[str]:
    for outside in unique_entries("external_accounts", values):
        is_id = outside.isascii() and outside.isdigit()
        arn = (
            f"arn:{partition}:iam::{checked_name('external_accounts', outside, 'account')}:root"
            if is_id
            else checked_name("external_accounts", outside, "trusted_arn")
        )
        if f"::{account}:" in arn:
            raise InputError(
                f"`external_accounts`: {quoted(outside)} is the key's own account",
                hint="name its roles and users in `users`",
            )
        yield arn


def _replica_regions(values: list[str] | None, region: str, partition: str) -> Iterator[str]:
    for replica in unique_entries("replicas", values):
        if not region:
            raise InputError("`replicas` needs the primary key's Region", hint="add `region`")
        if checked_name("replicas", replica, "region") == region:
            raise InputError(f"`replicas`: {quoted(replica)} is the primary key's own Region")
        if partition_of(replica) != partition:
            raise InputError(
                f"`replicas`: {quoted(replica)} is not a Region of partition {partition}",
                hint="a key can only be replicated within its partition",
            )
        yield replica


def _refuse_replicas_of_bound_services(
    replicas: tuple[str, ...], services: tuple[KeyService, ...]
) -> None:
    bound = next((service for service in services if service.region), None)
    if replicas and bound:
        raise InputError(
            f"`services`: `{bound.name}` accepts only keys in {bound.region}",
            hint="leave `replicas` out",
        )


def _region_of(values: list[str] | None) -> str:
    """The one Region in the services' names; empty if there is none or several."""
    found = {match["region"] for value in values or () if (match := _VIA.fullmatch(value))}
    return found.pop() if len(found) == 1 else ""


def _via_services(values: list[str] | None, region: str) -> Iterator[str]:
    for service in unique_entries("via_service", values):
        if host := _VIA.fullmatch(service):
            if region and host["region"] != region:
                raise InputError(
                    f"`via_service`: {quoted(service)} is not in {region}, the Region of the key",
                    hint="services use keys in their own Region",
                )
            yield _without_misspelling(service)
            continue
        name = checked_name("via_service", service, "via_service")
        if not region:
            raise InputError(
                f"`via_service`: {quoted(service)} needs the key's Region",
                hint=f"add `region`, or write {name}.REGION.amazonaws.com",
            )
        if partition_of(region) == "aws-cn":
            raise InputError(
                f"`via_service`: give the full name in {region}",
                hint=f"as the service's page writes it, such as {name}.{region}.amazonaws.com.cn",
            )
        yield _without_misspelling(f"{name}.{region}.amazonaws.com")


def _without_misspelling(host: str) -> str:
    meant = misspelled_principal(host)
    if meant:
        raise InputError(
            f"`via_service`: {quoted(host)} is not a service", hint=f"did you mean `{meant}`?"
        )
    return host


def _context(context: Any) -> dict[str, str]:
    pairs = json_object("context", context, example='{"app": "orders"}')
    if len(pairs) > _MOST_PAIRS:
        raise InputError(f"`context` has more than {_MOST_PAIRS} pairs", hint="leave some out")
    for key, value in pairs.items():
        if not _CONTEXT_KEY.fullmatch(key):
            raise InputError(
                f"`context`: {quoted(key, 80)} is not a valid key",
                hint="use letters, digits and _+=,.@:/-",
            )
        if not isinstance(value, str) or not _CONTEXT_VALUE.fullmatch(value) or "${" in value:
            raise InputError(
                f"`context`: the value of {quoted(key, 80)} must be plain text",
                hint="use 1 to 1,024 printable ASCII characters, without `${`; the value is compared exactly",
            )
    return pairs


def _partition(arguments: KeyPolicyArguments, region: str) -> str:
    principals = (
        *(arguments.admins or ()),
        *(arguments.users or ()),
        *(arguments.external_accounts or ()),
    )
    partitions = {arn.partition for principal in principals if (arn := Arn.of(principal))}
    if region and (of_region := partition_of(region)):
        partitions.add(of_region)
    if len(partitions) > 1:
        raise InputError(
            f"the ARNs and the Region belong to several partitions: {', '.join(sorted(partitions))}",
            hint="a key and its principals must be in the same partition",
        )
    return checked_name("partition", partitions.pop(), "partition") if partitions else "aws"


def _refuse_contradictions(
    arguments: KeyPolicyArguments,
    usage: Usage,
    context: Mapping[str, str],
    via: tuple[str, ...],
    services: tuple[KeyService, ...],
    users: tuple[str, ...],
) -> None:
    if usage is not Usage.ENCRYPT and context:
        raise InputError(
            f"`context` is for symmetric keys, and `usage` is {usage.value}",
            hint="asymmetric and HMAC keys have no encryption context",
        )
    for service in services:
        if service.usage != usage.value:
            raise InputError(
                f"`services`: `{service.name}` needs a key of `usage` {service.usage}, not {usage.value}",
                hint="a key has one usage: create a key for each",
            )
    if arguments.only_via_service and not via:
        raise InputError("`only_via_service` needs `via_service`", hint="such as `s3`")
    if arguments.only_via_service and context:
        raise InputError(
            "`context` applies to direct use, which `only_via_service` excludes",
            hint="services set their own encryption context",
        )
    if (via or context) and not (users or arguments.external_accounts):
        name = "via_service" if via else "context"
        raise InputError(f"`{name}` needs `users`", hint="name who uses the key this way")


def _summary(access: KeyAccess) -> str:
    admins = counted(len(access.admins), "administrator")
    users = counted(len(access.users), "user")
    if access.only_via:
        users += f" only through {', '.join(access.via)}"
    elif access.via:
        users += f", directly and through {', '.join(access.via)}"
    more = f", {counted(len(access.services), 'AWS service')}" if access.services else ""
    outside = f", {len(access.outside)} from other accounts" if access.outside else ""
    replicas = f", replicated to {', '.join(access.replicas)}" if access.replicas else ""
    return (
        f"Key policy of account {access.account}: {admins}, {users}{outside}{more}{replicas}. It includes the "
        "account statement: IAM policies can allow more, and nobody is locked out."
    )


def _facts(access: KeyAccess, rows: list[dict[str, str]], size: int) -> dict[str, Any]:
    allowed = [row for row in rows if row["outcome"] == "Allowed" and "iam" in row]
    by_key = [row for row in allowed if row["iam"] == "no IAM policy"]
    manage = [row["who"] for row in by_key if row["does"] == "kms:PutKeyPolicy"]
    return {
        "administrators": list(dict.fromkeys((*manage, *access.admins))),
        "users": [
            {"who": user, "how": how} for user in access.users for how in _ways_of_use(access)
        ],
        "account_statement": (
            f"{access.root} stands for the whole account, not only its root user: IAM policies of the account can allow any "
            "action on this key, so IAM administrators can give anyone access; by itself the statement allows nobody"
        ),
        "proved": rows,
        "size_bytes": size,
        **(
            {"services": [_service_row(service) for service in access.services]}
            if access.services
            else {}
        ),
        "notes": [{"note": note} for note in _notes(access)],
    }


def _ways_of_use(access: KeyAccess) -> Iterator[str]:
    if not access.only_via:
        yield f"directly: {', '.join(access.direct)}" + (
            ", with the encryption context" if access.context else ""
        )
    yield from (f"through {service}" for service in access.via)


def _service_row(service: KeyService) -> dict[str, str]:
    guard = service.guard or "none: AWS supports none for this service"
    without_guard = service.unguarded() if service.guard else ()
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


def _notes(access: KeyAccess) -> Iterable[str]:
    if access.admins:
        yield (
            "administrators can change the policy and so give themselves use of the key: KMS does not enforce the "
            "separation; monitor PutKeyPolicy in CloudTrail"
        )
    else:
        yield "`admins` is empty: IAM policies of the account decide who administers the key"
    if access.outside:
        yield "principals of other accounts also need an IAM policy there, with this key's ARN; grants work for them too"
    if access.context:
        yield "the encryption context appears in CloudTrail in plain text: put nothing secret in it"
    if access.replicas:
        yield (
            "each replica has its own policy, and KMS does not synchronize them: `kms check` compares them (KMS-MR-DRIFT); "
            "a CloudFormation stack creates a replica in the stack's own Region"
        )
    if access.via and not access.only_via:
        yield "direct use has a separate statement, because kms:ViaService alone would block the application's own calls"


def _sources(access: KeyAccess) -> Iterator[str]:
    yield f"{_GUIDE}/key-policy-default.html"
    yield f"{_GUIDE}/conditions-kms.html"
    yield from (service.source for service in access.services)
