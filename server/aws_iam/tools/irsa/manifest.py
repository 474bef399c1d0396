"""`irsa manifest`: the files that make a workload use its role, for every provider."""

from __future__ import annotations

import re
from typing import Any

from aws_iam.answer import Answer, NextCall, next_call
from aws_iam.engine.language.aws_names import checked_account, checked_name
from aws_iam.engine.reference.regions import partition_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import pins_as_of
from aws_iam.tools.irsa.names import Names, understood_names
from aws_iam.tools.irsa.provider import ManifestRequest, Provider, Request, one_column
from aws_iam.tools.irsa.provider_catalogue import PROVIDERS, describe, understood
from aws_iam.tools.kit.tool import with_understood

_ROLE_NAME = re.compile(r"[\w+=,.@/-]{1,128}", re.ASCII)


def manifest(
    name: str, role: str, names: Names, audience: str | None, account: str | None
) -> Answer:
    """The files of a provider, for exactly the workload that `trust_policy` lets in when it gets the same names."""
    account = account and checked_account("account", account)
    arn = checked_name("role", _role_arn(role, account), "role_arn")
    _refuse_other_account(arn, account)
    account, partition = arn.split(":")[4], arn.split(":")[1]
    request = Request(names=names, account=account, audience=audience, partition=partition)
    workload = describe(name, request, for_manifest=True)
    given, names = names, understood(names, PROVIDERS[name])
    _refuse_other_partition(workload.region, partition)
    provider = PROVIDERS[name]
    written = provider.manifest(ManifestRequest(role=arn, names=names, workload=workload))
    answer = Answer(
        summary=f"{provider.title}: how the workload gets {arn}. `irsa trust_policy` with the same names writes its trust policy.",
        artifacts=tuple(file.artifact for file in written.files),
        facts={
            "provider": name,
            "role": arn,
            "files": [{"file": file.artifact.name, "place": file.place} for file in written.files],
            **one_column("placeholders", "replace", written.placeholders),
            **one_column("notes", "note", written.notes),
        },
        sources=(
            written.source or provider.source,
            f"references/irsa-oidc.md#{provider.section}",
        ),
        next=_next(name, provider, request),
        as_of=pins_as_of(),
    )  # fmt: skip
    return with_understood(answer, understood_names(given, names))


def _role_arn(role: str, account: str | None) -> str:
    """The ARN of a role that is given by its name, where the account is known."""
    if role.startswith("arn:"):
        return role
    if account is None:
        raise InputError(
            f"`role` {quoted(role, 80)} is no ARN, and no `account` says where it is",
            hint=f"give `account` too, or the ARN: arn:aws:iam::111122223333:role/{_bare(role)}",
        )
    return f"arn:aws:iam::{account}:role/{role.removeprefix('role/')}"


def _bare(role: str) -> str:
    """The name of a role for an example; NAME where it is none."""
    name = role.removeprefix("role/")
    return name if _ROLE_NAME.fullmatch(name) else "NAME"


def _refuse_other_account(arn: str, account: str | None) -> None:
    if account is not None and account not in arn.split(":"):
        raise InputError(
            f"`role` belongs to another account than `account` {quoted(account)}",
            hint="leave out `account`: the ARN has it",
        )


def _refuse_other_partition(region: str | None, partition: str) -> None:
    if region and (found := partition_of(region)) != partition:
        raise InputError(
            f"`role` is in partition `{partition}`, but the cluster in `{found}`",
            hint="credentials of one partition are not valid in another: name a role in the cluster's partition",
        )


def _next(name: str, provider: Provider, request: Request) -> tuple[NextCall, ...]:
    """The call that writes the role's trust policy for the same workload, if all it needs is known."""
    names = request.names
    if any(needed not in names.given for needed in provider.only_in_trust):
        return ()
    arguments: dict[str, Any] = {"provider": name, "account": request.account}
    arguments |= {given: getattr(names, given) for given in names.given}
    if request.audience:
        arguments["audience"] = request.audience
    if request.partition not in (None, "aws"):
        arguments["partition"] = str(request.partition)
    why = "the trust policy of the role, for exactly this workload"
    return (next_call("irsa", "trust_policy", why, **arguments),)
