"""The argument `services` of `kms key_policy`: uses of the key by AWS services, and ARNs that limit their sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import FORMS, checked
from aws_iam.engine.reference.key_services import key_services
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.kms.key_policy_arguments import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.key_services import KeyService

_SERVICES_IN = frozenset({"aws"})


def services_of(values: list[str] | None, partition: str, region: str) -> Iterator[KeyService]:
    """The uses of the key by AWS services that are named, by name or principal."""
    known = key_services()
    for service in listed("services", values):
        if service.startswith("arn:"):
            continue
        found = known.get(service) or _of_principal(service)
        if found is None:
            near = closest(service, known)
            names = ", ".join(f"`{name}`" for name in known)
            raise InputError(
                f"`services`: {quoted(service, 80)} is none whose guard is known here",
                hint=f"did you mean `{near}`?" if near else f"known are {names}",
            )
        if partition not in _SERVICES_IN:
            raise InputError(
                f"`services`: the table speaks of partition aws, and the key is in {partition}",
                hint="take the statement from the service's page for this partition",
            )
        if found.regional and not region:
            raise InputError(
                f"`services`: {quoted(service)} needs the key's Region", hint="give `region`"
            )
        if found.region and region != found.region:
            raise InputError(
                f"`services`: {quoted(service)} takes keys of {found.region} alone",
                hint=f"give `region` {found.region}",
            )
        yield found


def _of_principal(text: str) -> KeyService | None:
    """The one use that a service principal stands for; InputError where it has several."""
    fits = [
        service
        for service in key_services().values()
        if re.fullmatch(
            re.escape(service.principal).replace(r"\{Region\}", FORMS["region"].pattern.pattern),
            text,
        )
    ]
    if len(fits) > 1:
        names = ", ".join(f"`{fit.name}`" for fit in fits)
        raise InputError(
            f"`services`: {quoted(text)} uses keys in several ways", hint=f"give one of {names}"
        )
    return fits[0] if fits else None


def sources_of(values: list[str] | None, services: tuple[KeyService, ...]) -> tuple[str, ...]:
    """The ARNs among `services`: each a source of one of them, and those of one service of one account."""
    arns = tuple(_arns(values, services))
    _refuse_owners(services, arns)
    return arns


def _arns(values: list[str] | None, services: tuple[KeyService, ...]) -> Iterator[str]:
    wanted = dict.fromkeys(service.sources() for service in services if service.source_arn)
    for name in listed("services", values):
        if not name.startswith("arn:"):
            continue
        arn = checked("services", name, "source_arn")
        if not any(service.calls_for(arn) for service in services):
            raise InputError(
                f"`services`: {quoted(name)} is a source of none of the services named beside it",
                hint=f"their sources are such as {', '.join(wanted)}"
                if wanted
                else "name the service, too, such as `cloudtrail`",
            )
        yield arn


def _refuse_owners(services: tuple[KeyService, ...], arns: tuple[str, ...]) -> None:
    """A guard names one account: that of its sources."""
    for service in services:
        named = {arn.split(":")[4] for arn in arns if service.calls_for(arn)} - {""}
        if len(named) > 1:
            raise InputError(
                f"`services`: the sources of `{service.name}` are of several accounts: {', '.join(sorted(named))}",
                hint="name those of one account, and merge the statements",
            )
