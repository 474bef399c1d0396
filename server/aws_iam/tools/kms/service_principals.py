"""The argument `services` of `kms key_policy`: AWS services that use the key, and ARNs that limit their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.reference.key_services import key_services
from aws_iam.engine.reference.via_services import service_word, via_service
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.tools.kms.key_policy_arguments import unique_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.reference.key_services import KeyService
    from aws_iam.engine.reference.via_services import ViaService

_WORDS = {
    "logs": "cloudwatch-logs",
    "logs.amazonaws.com": "cloudwatch-logs",
    "autoscaling": "auto-scaling",
    "pipes": "eventbridge-pipes",
    "ami-sharing": "snapshot-sharing",
    "ebs-sharing": "snapshot-sharing",
    "ebs-snapshots": "snapshot-sharing",
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-cmk-policy.html
    "flow-logs": "log-delivery",
    "security-hub": "securityhub-connectors",
    "securityhub": "securityhub-connectors",
    "securityhub.amazonaws.com": "securityhub-connectors",
    "vpc-flow-logs": "log-delivery",
}
_SERVICES_IN = frozenset({"aws", "aws-cn", "aws-us-gov"})


def services_for_callers(values: list[str] | None) -> tuple[ViaService, ...]:
    """The named services that use a key with the permissions of their caller: they need no statement."""
    words = (word for word in unique_entries("services", values) if _own_use(word) is None)
    found = (via_service(word.removesuffix(".amazonaws.com")) for word in words)
    return tuple(
        dict.fromkeys(service for service in found if service and not service.own_statements)
    )


def _own_use(word: str) -> KeyService | None:
    name = service_word(word)
    return key_services().get(_WORDS.get(name, name)) or _of_principal(word.strip().lower())


def services_of(values: list[str] | None, partition: str, region: str) -> Iterator[KeyService]:
    """The named AWS services that call KMS as themselves, given by name or by service principal."""
    for service in unique_entries("services", values):
        if service.startswith("arn:"):
            continue
        found = _own_use(service)
        if found is None and services_for_callers([service]):
            continue
        # Only then: for most services the name alone stands for use by their callers.
        found = found or _of_principal(f"{service_word(service)}.amazonaws.com")
        if found is None:
            raise _unknown(service)
        if partition not in _SERVICES_IN:
            raise InputError(
                f"`services`: the table does not cover the key's partition, {partition}",
                hint="copy the statement from the service's documentation for this partition",
            )
        if found.regional and not region:
            raise InputError(
                f"`services`: {quoted(service)} needs the key's Region", hint="add `region`"
            )
        if found.region and region != found.region:
            raise InputError(
                f"`services`: {quoted(service)} accepts only keys in {found.region}",
                hint=f"give `region` {found.region}",
            )
        yield found


def _unknown(service: str) -> InputError:
    word, known = service_word(service), key_services()
    uses = [name for name in known if word in name.split("-")]
    near = next(iter(nearest(word, known)), None)
    if uses:
        hint = f"give one of {_names(uses)}"
    else:
        hint = (
            f"did you mean `{near}`?"
            if near
            else "whether it needs a statement is not known here: its own documentation says, and most services use a key with the"
            f" permissions of their callers; the table has {_names(known)}"
        )
    return InputError(
        f"`services`: {quoted(service, 80)} is not in the table of services with known guards",
        hint=hint,
    )


def _names(services: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in services)


def _of_principal(text: str) -> KeyService | None:
    """The service with that principal; InputError if it uses keys in several ways."""
    matching = [service for service in key_services().values() if service.is_principal(text)]
    if len(matching) > 1:
        names = _names(service.name for service in matching)
        raise InputError(
            f"`services`: {quoted(text)} uses keys in several ways", hint=f"give one of {names}"
        )
    return matching[0] if matching else None


def sources_of(values: list[str] | None, services: tuple[KeyService, ...]) -> tuple[str, ...]:
    """The ARNs in `services`: each is a source of a named service; those of one service share an account."""
    arns = tuple(_arns(values, services))
    _refuse_owners(services, arns)
    return arns


def _arns(values: list[str] | None, services: tuple[KeyService, ...]) -> Iterator[str]:
    examples = dict.fromkeys(service.sources() for service in services if service.source_arn)
    for text in unique_entries("services", values):
        if not text.startswith("arn:"):
            continue
        arn = checked_name("services", text, "source_arn")
        if not any(service.calls_for(arn) for service in services):
            raise InputError(
                f"`services`: {quoted(text)} is not a source of any of the named services",
                hint=f"their sources look like {', '.join(examples)}"
                if examples
                else "name the service too, such as `cloudtrail`",
            )
        yield arn


def _refuse_owners(services: tuple[KeyService, ...], arns: tuple[str, ...]) -> None:
    """Refuse sources of several accounts for one service: its guard names one account."""
    for service in services:
        named = {arn.split(":")[4] for arn in arns if service.calls_for(arn)} - {""}
        if len(named) > 1:
            raise InputError(
                f"`services`: the sources of `{service.name}` belong to several accounts: {', '.join(sorted(named))}",
                hint="generate a policy for each account, and merge the statements",
            )
