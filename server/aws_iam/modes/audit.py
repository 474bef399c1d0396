"""The tool `audit`: an account against the CIS AWS Foundations Benchmark, read-only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_iam.answer import Answer, Severity
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.modes.parameters import Benchmark, Source
from aws_iam.modes.tool import Parameter, Progress, Tool

if TYPE_CHECKING:
    from aws_iam.account.fact import Fact

# The judges and the facts they need are imported inside the actions: a server that only lists its tools starts
# without them.

tool = Tool(
    "audit",
    title="CIS audit",
    description="Audit an AWS account read-only against CIS 1.2 to 7.0, or explain a control.",
    default="run",
    live=True,
)

Least = Annotated[
    Literal["critical", "high", "medium", "low", "info"] | None,
    Parameter("leave out findings below this"),
]


@tool.action
def run(
    source: Source,
    progress: Progress,
    controls: Annotated[list[str] | None, Parameter("control keys or ids; absent: all")] = None,
    benchmark: Benchmark = None,
    severity: Least = None,
    save: Annotated[str | None, Parameter("snapshot file to write", cli_only=True)] = None,
) -> Answer:
    """Judge every control of a CIS version on the account: score, what to fix first, evidence."""
    from aws_iam.modes import audit_account, audit_run
    from aws_iam.rules import benchmark as catalogue
    from aws_iam.rules.audit import needs

    version = catalogue.benchmark(benchmark)
    controls = controls or None
    # Names and places are checked before the account is read: a typing mistake must not cost a minute.
    if save is not None and not Path(save).absolute().parent.is_dir():
        raise InputError(f"{quoted(save)} cannot be written: there is no such folder")
    wanted = needs(version, controls=controls) if save is None or controls else _every_fact()
    watched = _Counted(progress)
    account = audit_account.read(source, wanted, watched)
    if save is not None:
        from aws_iam.account import snapshot

        snapshot.save(account, Path(save))
    return audit_run.answer(
        account,
        source,
        benchmark=version.version,
        controls=controls,
        severity=Severity(severity) if severity else None,
        reads=watched.done,
    )


@tool.action
def control(
    id_: Annotated[str, Parameter("control key, CIS number or Security Hub id")],
) -> Answer:
    """What a control checks, why, how, its remediation and its ids in all versions."""
    from aws_iam.modes import audit_catalogue

    return audit_catalogue.control(id_)


@tool.action
def checklist(
    benchmark: Benchmark = None,
    section: Annotated[str | None, Parameter("section number or name")] = None,
) -> Answer:
    """All controls of a CIS version, those that a person decides too; offline."""
    from aws_iam.modes import audit_catalogue

    return audit_catalogue.checklist(benchmark, section)


@tool.action
def cloudtrail(source: Source, progress: Progress, benchmark: Benchmark = None) -> Answer:
    """Verify every trail and give the commands that mend it."""
    from aws_iam.modes import audit_account, audit_trails
    from aws_iam.rules import benchmark as catalogue

    version = catalogue.benchmark(benchmark)
    account = audit_account.read(source, audit_trails.needed(), progress)
    return audit_trails.answer(account, source, version)


@tool.action
def access_analyzer(source: Source, progress: Progress) -> Answer:
    """Show the analyzers of each Region and their active findings."""
    from aws_iam.modes import audit_account, audit_analyzers

    account = audit_account.read(source, audit_analyzers.needed(), progress)
    return audit_analyzers.answer(account, source)


class _Counted:
    """A progress that also remembers how much was read."""

    def __init__(self, progress: Progress) -> None:
        self.done = 0
        self._progress = progress

    def __call__(self, done: int, total: int, text: str) -> None:
        self.done = max(self.done, done)
        self._progress(done, total, text)


def _every_fact() -> tuple[Fact[Any], ...]:
    """What a saved snapshot holds: enough to judge it under every version."""
    from aws_iam.rules import benchmark as catalogue
    from aws_iam.rules.audit import needs

    listed = (fact for version in catalogue.versions() for fact in needs(version))
    return tuple({fact.name: fact for fact in listed}.values())
