"""`kms key_policy`: a key policy from who administers and who uses the key, proved request by request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.modes.kms_creation import Format, created
from aws_iam.modes.kms_proof import proof
from aws_iam.modes.policy_validate import validate
from aws_iam.policy.arn import Arn
from aws_iam.policy.catalog import catalog
from aws_iam.policy.key_policy import MOST_BYTES, KeyWish, Usage
from aws_iam.policy.names import FORMS, checked
from aws_iam.policy.reference import key_services as services_table
from aws_iam.policy.reference.key_services import KeyService, key_services
from aws_iam.policy.reference.partition import partition_of
from aws_iam.policy.reference.service_names import meant_instead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.modes.kms_given import Given

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_PAGE = "references/kms-patterns.md#key-policy"
_MOST = 100
_SHORT = re.compile(r"(?:role|user)/.+")
_VIA = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_CONTEXT_KEY = re.compile(r"[A-Za-z0-9_+=,.@:/-]{1,128}")
_CONTEXT_VALUE = re.compile(r"[ -~]{1,1024}")
_MOST_PAIRS = 20
_SERVICES_IN = frozenset({"aws"})


def key_policy(given: Given, format_: Format | None) -> Answer:
    """The policy, its proof, and the commands or template that create the key."""
    wish = wish_of(given)
    document = wish.document()
    text = json.dumps(document, indent=2) + "\n"
    size = len(json.dumps(document, separators=(",", ":")).encode())
    if size > MOST_BYTES:
        raise InputError(
            f"the policy would have {size:,} bytes, more than the {MOST_BYTES:,} of a key policy",
            hint="name fewer principals: give the others grants, or let IAM policies allow them",
        )
    rows = proof(wish, document)
    policy = Artifact(
        name="key-policy.json",
        language="json",
        content=text,
        checked_by="policy validate, evaluate",
    )
    return Answer(
        summary=_summary(wish),
        findings=tuple(validate(text, "resource", "AWS::KMS::Key")),
        artifacts=(policy, created(wish, document, format_ or "cli")),
        facts=_facts(wish, rows, size),
        sources=tuple(dict.fromkeys((*_sources(wish), _PAGE))),
        next=(
            "aws-iam kms check --document key-policy.json",
            "aws-iam kms lockout --document key-policy.json --caller ARN",
        ),
        as_of=min(services_table.as_of(), catalog().as_of),
    )


def wish_of(given: Given) -> KeyWish:
    """The arguments as a wish; InputError names what is wrong with them."""
    account = checked("account", given.account, "account")
    usage = Usage(given.usage or Usage.ENCRYPT)
    region = checked("region", given.region, "region") if given.region else ""
    region = region or _region_of(given.via_service)
    partition = _partition(given, region)
    own = f"arn:{partition}:iam::{account}"
    admins = _principals("admins", given.admins, own, account)
    users = _principals("users", given.users, own, account)
    _refuse_both(admins, users)
    outside = tuple(_outside(given.external_accounts, partition, account))
    via = tuple(_via(given.via_service, region))
    context = _context(given.context)
    services = tuple(_services(given.services, partition, region))
    _refuse_misfits(given, usage, context, via, services, users)
    return KeyWish(
        account=account,
        partition=partition,
        region=region,
        admins=admins,
        users=users,
        outside=outside,
        via=via,
        only_via=given.only_via_service,
        context=context,
        services=services,
        source_arns=tuple(_sources_of(given.services, services)),
        usage=usage,
    )


def _listed(name: str, values: list[str] | None) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(values or ()))
    if len(found) > _MOST:
        raise InputError(
            f"`{name}` has {len(found)} entries, more than {_MOST}",
            hint="a role for all of them, or IAM policies, keep the key policy short",
        )
    return found


def _principals(name: str, values: list[str] | None, own: str, account: str) -> tuple[str, ...]:
    found = []
    for each in _listed(name, values):
        arn = checked(name, f"{own}:{each}" if _SHORT.fullmatch(each) else each, "principal_arn")
        if f"::{account}:" not in arn:
            why = (
                "PutKeyPolicy and most administration never cross accounts"
                if name == "admins"
                else "another account's principal also needs an IAM policy there"
            )
            raise InputError(
                f"`{name}`: {quoted(each)} is of another account: {why}",
                hint="give `external_accounts` for use from other accounts",
            )
        found.append(arn)
    return tuple(dict.fromkeys(found))


def _refuse_both(admins: tuple[str, ...], users: tuple[str, ...]) -> None:
    both = [each for each in admins if each in users]
    if both:
        raise InputError(
            f"{quoted(both[0])} is in `admins` and in `users`",
            hint="keep administration apart from use: two roles, of which one person may hold both",
        )


def _outside(values: list[str] | None, partition: str, account: str) -> Iterator[str]:
    for each in _listed("external_accounts", values):
        is_id = each.isascii() and each.isdigit()
        arn = (
            f"arn:{partition}:iam::{checked('external_accounts', each, 'account')}:root"
            if is_id
            else checked("external_accounts", each, "trusted_arn")
        )
        if f"::{account}:" in arn:
            raise InputError(
                f"`external_accounts`: {quoted(each)} is the key's own account",
                hint="name its roles and users in `users`",
            )
        yield arn


def _region_of(values: list[str] | None) -> str:
    """The Region that the services are named with, where one is."""
    found = {match["region"] for each in values or () if (match := _VIA.fullmatch(each))}
    return found.pop() if len(found) == 1 else ""


def _via(values: list[str] | None, region: str) -> Iterator[str]:
    for each in _listed("via_service", values):
        if found := _VIA.fullmatch(each):
            if region and found["region"] != region:
                raise InputError(
                    f"`via_service`: {quoted(each)} is not in {region}, the Region of the key",
                    hint="services use keys of their own Region",
                )
            yield _spelled(each)
            continue
        name = checked("via_service", each, "via_service")
        if not region:
            raise InputError(
                f"`via_service`: {quoted(each)} needs the key's Region",
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


def _services(values: list[str] | None, partition: str, region: str) -> Iterator[KeyService]:
    known = key_services()
    for each in _listed("services", values):
        if each.startswith("arn:"):
            continue
        found = known.get(each) or _of_principal(each)
        if found is None:
            near = closest(each, known)
            names = ", ".join(f"`{name}`" for name in known)
            raise InputError(
                f"`services`: {quoted(each, 80)} is none whose guard is known here",
                hint=f"did you mean `{near}`?" if near else f"known are {names}",
            )
        if partition not in _SERVICES_IN:
            raise InputError(
                f"`services`: the table speaks of partition aws, and the key is in {partition}",
                hint="take the statement from the service's page for this partition",
            )
        if found.regional and not region:
            raise InputError(
                f"`services`: {quoted(each)} needs the key's Region", hint="give `region`"
            )
        yield found


def _of_principal(text: str) -> KeyService | None:
    """The one use that a service principal stands for."""
    fits = [
        each
        for each in key_services().values()
        if re.fullmatch(
            re.escape(each.principal).replace(r"\{Region\}", FORMS["region"].pattern.pattern), text
        )
    ]
    return fits[0] if len(fits) == 1 else None


def _sources_of(values: list[str] | None, services: tuple[KeyService, ...]) -> Iterator[str]:
    wanted = {each.service_of_arns() for each in services} - {""}
    for each in _listed("services", values):
        if not each.startswith("arn:"):
            continue
        arn = checked("services", each, "source_arn")
        if arn.split(":")[2] not in wanted:
            raise InputError(
                f"`services`: {quoted(each)} is a source of none of the services named beside it",
                hint=f"their sources are ARNs of {', '.join(sorted(wanted))}"
                if wanted
                else "name the service, too, such as `cloudtrail`",
            )
        yield arn


def _partition(given: Given, region: str) -> str:
    every = (*(given.admins or ()), *(given.users or ()), *(given.external_accounts or ()))
    told = {arn.partition for each in every if (arn := Arn.of(each))}
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
    if usage is not Usage.ENCRYPT:
        for name, value in (("context", context), ("services", services)):
            if value:
                raise InputError(
                    f"`{name}` is for symmetric keys, and `usage` is {usage.value}",
                    hint="asymmetric and HMAC keys take no encryption context"
                    if name == "context"
                    else "the services of the table encrypt with symmetric keys",
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
    return (
        f"Key policy of account {wish.account}: {admins}, {users}{outside}{more}. The account keeps its statement: "
        "IAM policies may allow more, and nobody is locked out."
    )


def _facts(wish: KeyWish, rows: list[dict[str, str]], size: int) -> dict[str, Any]:
    allowed = [each for each in rows if each["outcome"] == "Allowed" and "iam" in each]
    by_key = [each for each in allowed if each["iam"] == "no IAM policy"]
    manage = [each["who"] for each in by_key if each["does"] == "kms:PutKeyPolicy"]
    return {
        "administrators": list(dict.fromkeys((*manage, *wish.admins))),
        "users": [{"who": each, "how": how} for each in wish.users for how in _ways(wish)],
        "account_statement": (
            f"{wish.root} is the account, not its root user alone: whoever an IAM policy of the account allows an action "
            "on this key gets it, so IAM administrators can give use to anybody; by itself it allows nobody"
        ),
        "proved": rows,
        "size_bytes": size,
        **({"services": [_told(each) for each in wish.services]} if wish.services else {}),
        "notes": [{"note": each} for each in _notes(wish)],
    }


def _ways(wish: KeyWish) -> Iterator[str]:
    if not wish.only_via:
        yield f"directly: {', '.join(wish.direct)}" + (
            ", with the encryption context" if wish.context else ""
        )
    yield from (f"through {each}" for each in wish.via)


def _told(service: KeyService) -> dict[str, str]:
    guard = service.guard or "none: AWS supports none here"
    note = {"note": service.note} if service.note else {}
    return {"service": service.name, "for": service.purpose, "guard": guard, **note}


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
    if wish.via and not wish.only_via:
        yield "direct use has a statement of its own: kms:ViaService alone would stop the application's own calls"


def _sources(wish: KeyWish) -> Iterator[str]:
    yield f"{_GUIDE}/key-policy-default.html"
    yield f"{_GUIDE}/conditions-kms.html"
    yield from (each.source for each in wish.services)
