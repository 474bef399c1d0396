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
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.policy.run import validate
from aws_iam.tools.kit.json_object import json_object
from aws_iam.tools.kms import key_policy_facts
from aws_iam.tools.kms.key_creation import Format, RegionalKey, creation_files
from aws_iam.tools.kms.key_policy_arguments import unique_entries
from aws_iam.tools.kms.key_policy_proof import proof_rows
from aws_iam.tools.kms.principal_names import WHOLE_ACCOUNT, account_id, principal_arn
from aws_iam.tools.kms.reasoning.key_access import MOST_BYTES, KeyAccess, Usage, Use
from aws_iam.tools.kms.service_principals import services_for_callers, services_of, sources_of
from aws_iam.tools.kms.via_services import region_of_hosts, via_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.kms.key_policy_arguments import KeyPolicyArguments

_PAGE = "references/kms-patterns.md#key-policy"
_FILE = "key-policy.json"
_ORGANIZATION_ARN = re.compile(r"arn:[a-z-]+:organizations::[0-9]{12}:organization/(o-[a-z0-9]+)")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,128}")
_CONTEXT_VALUE = re.compile(r"[ -~]{1,1024}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9 _.:/=+@-]{1,256}")
_MOST_PAIRS = 20
_TWO_WAYS = frozenset({Usage.ENCRYPT, Usage.ASYMMETRIC_ENCRYPT})
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
    files = tuple(_files(access, keys, policies, format_))
    rows = proof_rows(access, keys[0].document)
    for key in keys[1:]:
        proof_rows(access.in_region(key.region), key.document)
    findings = (
        finding
        for policy in policies.values()
        for finding in validate(policy.content, "resource", "AWS::KMS::Key")
    )
    return Answer(
        summary=key_policy_facts.summary(access),
        findings=tuple(dict.fromkeys(findings)),
        artifacts=files,
        facts=key_policy_facts.facts(access, rows, size),
        sources=tuple(dict.fromkeys((*key_policy_facts.sources(access), _PAGE))),
        as_of=min(_dates(access)),
    )


def _dates(access: KeyAccess) -> Iterator[str]:
    """The dates of the tables that the policy relies on."""
    yield catalog().as_of
    if access.services:
        yield services_table.as_of()


def _files(
    access: KeyAccess,
    keys: tuple[RegionalKey, ...],
    policies: Mapping[str, Artifact],
    format_: Format | None,
) -> Iterator[Artifact]:
    """The file that was asked for comes first; templates and Terraform hold the policies themselves."""
    creation = creation_files(access, keys, format_ or "cli")
    if format_ is None:
        yield from policies.values()
        yield from creation
        return
    yield from creation
    if format_ == "cli":
        yield from policies.values()


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
    account = account_id("account", arguments.account)
    usage = Usage(arguments.usage or Usage.ENCRYPT)
    use = Use(arguments.use or Use.BOTH)
    region = (arguments.region or "").strip().lower()
    region = checked_name("region", region, "region") if region else ""
    region = region or region_of_hosts(arguments.via_service)
    partition = _partition(arguments, region)
    replicas = tuple(_replica_regions(arguments.replicas, region, partition))
    own = f"arn:{partition}:iam::{account}"
    admins = _principals("admins", arguments.admins, own, account)
    users = _principals("users", arguments.users, own, account)
    _refuse_admins_as_users(admins, users)
    outside = tuple(_outside_principals(arguments.external_accounts, partition, account))
    via = via_hosts(arguments.via_service, region)
    organization = _organization(arguments.organization)
    tags = _principal_tags(arguments.principal_tags)
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
        organization=organization,
        tags=tags,
        via=via,
        # Without users it can only limit the other accounts.
        only_via=arguments.only_via_service or bool(via and not users),
        context=context,
        services=services,
        for_callers=services_for_callers(arguments.services),
        source_arns=source_arns,
        usage=usage,
        use=use,
    )


def _principals(name: str, values: list[str] | None, own: str, account: str) -> tuple[str, ...]:
    arns = []
    for principal in unique_entries(name, values):
        whole = WHOLE_ACCOUNT.fullmatch(principal)
        if whole and whole[1] != account and name == "users":
            raise InputError(
                f"`{name}`: {quoted(principal)} is a whole account, not a role or user",
                hint=f"give the account in `external_accounts`: {whole[1]}",
            )
        arn = principal_arn(name, principal, own)
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


def _organization(text: str | None) -> str:
    """The id of the organization, also from its ARN."""
    if not text:
        return ""
    whole = _ORGANIZATION_ARN.fullmatch(text)
    return checked_name("organization", whole[1] if whole else text, "organization")


def _refuse_admins_as_users(admins: tuple[str, ...], users: tuple[str, ...]) -> None:
    both = [admin for admin in admins if admin in users]
    if both:
        raise InputError(
            f"{quoted(both[0])} is in `admins` and in `users`",
            hint="separate administration from use: give each its own role; one person may hold both roles",
        )


def _outside_principals(values: list[str] | None, partition: str, account: str) -> Iterator[str]:
    for outside in unique_entries("external_accounts", values):
        arn = (
            checked_name("external_accounts", outside, "trusted_arn")
            if outside.startswith("arn:")
            else f"arn:{partition}:iam::{account_id('external_accounts', outside)}:root"
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


def _principal_tags(tags: Any) -> dict[str, str]:
    pairs = json_object("principal_tags", tags, example='{"team": "orders"}')
    if len(pairs) > _MOST_PAIRS:
        raise InputError(f"`principal_tags` has more than {_MOST_PAIRS} pairs")
    for key, value in pairs.items():
        checked_name("principal_tags", key, "tag_key")
        if not isinstance(value, str) or not _TAG_VALUE.fullmatch(value):
            raise InputError(
                f"`principal_tags`: the value of {quoted(key, 80)} is not a tag value",
                hint="use 1 to 256 letters, digits, spaces and _.:/=+@-; the value is compared exactly",
            )
    return pairs


def _partition(arguments: KeyPolicyArguments, region: str) -> str:
    principals = (
        arguments.account,
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
    if arguments.use is not None and usage not in _TWO_WAYS:
        raise InputError(
            f"`use` is for keys that encrypt, and `usage` is {usage.value}",
            hint="leave `use` out: the usage of the key decides what its users may do",
        )
    if usage is not Usage.ENCRYPT and context:
        raise InputError(
            f"`context` is for symmetric keys, and `usage` is {usage.value}",
            hint="asymmetric and HMAC keys have no encryption context",
        )
    _refuse_unused_sharing(arguments, context, services)
    _refuse_use_by_nobody(arguments, users)
    for service in services:
        if service.usage != usage.value:
            raise InputError(
                f"`services`: `{service.name}` needs a key of `usage` {service.usage}, not {usage.value}",
                hint="a key has one usage: create a key for each",
            )
    if arguments.only_via_service and not via:
        raise InputError("`only_via_service` needs `via_service`", hint="such as `s3`")
    limits = "only_via_service" if arguments.only_via_service else "via_service"
    if limits == "via_service" and (users or not via):
        return
    if context:
        raise InputError(
            f"`context` applies to direct use, which `{limits}` excludes",
            hint="services set their own encryption context",
        )
    others = ("organization", "principal_tags")
    direct = next((name for name in others if getattr(arguments, name)), None)
    if direct:
        raise InputError(
            f"`{limits}` limits `users` and `external_accounts` alone: those of `{direct}` would call KMS directly",
            hint=f"leave out `{direct}` or `{limits}`",
        )
    sharing = next((service for service in services if service.for_others), None)
    if sharing:
        raise InputError(
            f"`services`: `{sharing.name}` cannot be combined with `{limits}`",
            hint="the other accounts use the key through that service too",
        )


def _refuse_unused_sharing(
    arguments: KeyPolicyArguments, context: Mapping[str, str], services: tuple[KeyService, ...]
) -> None:
    sharing = next((service for service in services if service.for_others), None)
    if sharing is None:
        return
    if not (arguments.external_accounts or arguments.organization):
        raise InputError(
            f"`services`: `{sharing.name}` needs `external_accounts` or `organization`",
            hint="name the accounts that the snapshots are shared with",
        )
    for name, value in (("context", context), ("use", arguments.use not in {None, Use.BOTH})):
        if value:
            raise InputError(
                f"`services`: `{sharing.name}` cannot be combined with `{name}`",
                hint="the service encrypts and decrypts for the other account, with an encryption context of its own",
            )


def _refuse_use_by_nobody(arguments: KeyPolicyArguments, users: tuple[str, ...]) -> None:
    others = arguments.external_accounts or arguments.organization or arguments.principal_tags
    if arguments.via_service and not (users or arguments.external_accounts):
        raise InputError(
            "`via_service` needs `users` or `external_accounts`",
            hint="name who uses the key this way",
        )
    for name in ("context", "use"):
        if getattr(arguments, name) and not (users or others):
            raise InputError(f"`{name}` needs `users`", hint="name who uses the key this way")
