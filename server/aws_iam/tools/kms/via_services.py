"""The argument `via_service` of `kms key_policy`: the services through which principals use a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.reference import via_services as table
from aws_iam.engine.reference.service_principals import misspelled_principal
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kms.key_policy_arguments import unique_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.via_services import ViaService

_HOST = re.compile(
    r"(?P<name>[a-z0-9-]+(?:\.[a-z0-9-]+)*)\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
)


def region_of_hosts(values: list[str] | None) -> str:
    """The one Region in the services' names; empty if there is none or several."""
    found = {host["region"] for value in values or () if (host := _host(value))}
    return found.pop() if len(found) == 1 else ""


def via_hosts(values: list[str] | None, region: str) -> tuple[str, ...]:
    """The values of `kms:ViaService`; InputError for a word that names no known service."""
    return tuple(dict.fromkeys(_hosts(values, region)))


def _hosts(values: list[str] | None, region: str) -> Iterator[str]:
    for entry in unique_entries("via_service", values):
        host = _host(entry)
        name = _name_of_host(host) if host else _name_of_word(entry)
        if host and region and host["region"] != region:
            raise InputError(
                f"`via_service`: {quoted(entry)} is not in {region}, the Region of the key",
                hint="services use keys in their own Region",
            )
        where = host["region"] if host else region
        if not where:
            raise InputError(
                f"`via_service`: {quoted(entry)} needs the key's Region",
                hint=f"add `region`, or write {name}.REGION{table.SUFFIX}",
            )
        yield f"{name}.{checked_name('via_service', where, 'region')}{table.SUFFIX}"


def _host(entry: str) -> re.Match[str] | None:
    return _HOST.fullmatch(entry.strip().lower())


def _name_of_host(host: re.Match[str]) -> str:
    """The name in a full one: of the table, or as it is given unless it misspells a known one."""
    known = table.via_service(host["name"])
    if known:
        return known.name
    meant = misspelled_principal(host[0])
    if meant:
        raise InputError(
            f"`via_service`: {quoted(host[0])} is not a service", hint=f"did you mean `{meant}`?"
        )
    return host["name"]


def _name_of_word(word: str) -> str:
    known = table.via_service(word)
    if known:
        return known.name
    near = table.near_via_service(word)
    whole = (
        f"if the service's page names it, give that name in full: NAME.REGION{table.SUFFIX}; "
        "it is then taken as unconfirmed"
    )
    raise InputError(
        f"`via_service`: {quoted(word, 80)} names no known service of kms:ViaService "
        f"(AWS's list as of {table.as_of()}, and some later names)",
        hint=f"did you mean `{near}`? {whole[0].upper()}{whole[1:]}" if near else whole,
    )


def known_service(host: str) -> ViaService | None:
    """The row of the table for a value of `kms:ViaService`."""
    match = _HOST.fullmatch(host)
    return table.via_services().get(match["name"]) if match else None


def row_of(host: str) -> dict[str, str]:
    """What a value of `kms:ViaService` stands for, and whether a page of AWS has the name."""
    known = known_service(host)
    if known is None:
        note = (
            f"unconfirmed: not in AWS's list as of {table.as_of()} and not among the later names known here; check the service's page, because a statement with a "
            "name that KMS never sends allows nothing"
        )
        return {"value": host, "note": note}
    return {
        "value": host,
        "for": ", ".join(known.services),
        **({"note": known.note} if known.note else {}),
    }


def other_service(hosts: tuple[str, ...], region: str) -> str:
    """A service that is none of these, for a request that must be refused."""
    names = (f"{name}.{region}{table.SUFFIX}" for name in ("sqs", "s3", *table.via_services()))
    return next(host for host in names if host not in hosts)
