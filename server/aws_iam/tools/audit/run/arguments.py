"""The arguments that `audit run` and `audit report` share."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.kit.parameters import Benchmark, Framework
from aws_iam.tools.kit.tool import Json, Parameter


@slotted
class AuditArguments:
    """Which controls to judge, what to accept, and what to compare with."""

    controls: Annotated[
        list[str] | None,
        Parameter(
            "control keys, ids or topics; absent: all",
            also=(
                "control",
                "control_ids",
                "checks",
                "ids",
                "id",
                "control_keys",
                *("service", "services", "section", "sections", "topic", "topics"),
            ),
            brief="keys, ids or topics",
        ),
    ] = None
    benchmark: Benchmark = None
    framework: Framework = None
    severity: Annotated[
        Literal["critical", "high", "medium", "low", "info"] | None,
        Parameter(
            "leave out findings below this",
            also=("min_severity", "minimum_severity", "severity_threshold"),
            brief="at least",
        ),
    ] = None
    mute: Annotated[
        Json,
        Parameter(
            "accepted findings: [{control, reason, resource?, until?}]",
            document=True,
            listed=True,
            brief="[{control, reason, until}]",
        ),
    ] = None
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None
    against: Annotated[
        str | None,
        Parameter("earlier snapshot, or earlier results of many accounts", cli_only=True),
    ] = None


@slotted
class ManyAccounts:
    """The accounts of a question over several, read now."""

    accounts: Annotated[
        list[str] | None,
        Parameter("account ids or role ARNs, or a file with one a line", cli_only=True),
    ] = None
    org: Annotated[bool, Parameter("every active account of the organization", cli_only=True)] = (
        False
    )

    def refuse_contradictions(self) -> None:
        """InputError where no account is named, or both forms are given."""
        if self.accounts is not None and not any(map(str.strip, self.accounts)):
            raise InputError(
                "`accounts` names no account",
                hint="give account ids, role ARNs, or a file with one of them per line",
            )
        if self.accounts and self.org:
            raise InputError(
                "`accounts` and `org` exclude each other", hint="give only one of them"
            )


@slotted
class FleetArguments(ManyAccounts):
    """The accounts of a run over many accounts, and how it is run."""

    shard: Annotated[
        str | None, Parameter("i/n: the part of the accounts to read", cli_only=True)
    ] = None
    out: Annotated[
        str | None,
        Parameter("results file (JSON lines), continued when it is there", cli_only=True),
    ] = None
    scheduler: Annotated[
        str | None, Parameter("address of a Dask scheduler to run on", cli_only=True)
    ] = None
    plain_scheduler: Annotated[
        bool,
        Parameter("take a scheduler of another machine without TLS", cli_only=True),
    ] = False
