"""CIS controls on services that must be on in every Region: AWS Config, Security Hub, Access Analyzer."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from aws_iam.account.collect.detection.access_analyzer import ANALYZERS
from aws_iam.account.collect.detection.security_hub import SECURITY_HUB
from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.logging.config_recorders import (
    DELIVERY_CHANNELS,
    RECORDER_STATUSES,
    RECORDERS,
)
from aws_iam.account.collect.organization.organization import (
    ANALYZER_SERVICE,
    ORG_SERVICES,
    ORGANIZATION,
    administrators_of,
)
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.on_account import in_regions, where_offered
from aws_iam.rules.outcomes import Fail, Outcome, Pass, unread
from aws_iam.tools.audit.controls.control import ControlTerms, control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.detection.access_analyzer import Analyzer
    from aws_iam.account.collect.detection.security_hub import SecurityHub
    from aws_iam.account.collect.logging.config_recorders import Recorder, RecorderStatus
    from aws_iam.account.reading.snapshot import Account

_ALL_TYPES = "ALL_SUPPORTED_RESOURCE_TYPES"
_EXTERNAL = frozenset({"ACCOUNT", "ORGANIZATION"})
# The default name of a recorder.
_FIRST_NAME = "default"
_GLOBAL = "includeGlobalResourceTypes"
_ONCE = f"{_GLOBAL}=false (true in one Region only)"


class Step(Enum):
    """The commands of the fix for AWS Config, in order."""

    RECORD = auto()
    DELIVER = auto()
    START = auto()


@slotted
class Gap:
    """What AWS Config lacks in a Region, the steps that fix it, and the recorder that is at fault."""

    message: str
    steps: tuple[Step, ...]
    recorder: Recorder | None = None


@control("config_all_regions", needs=(RECORDERS, RECORDER_STATUSES, DELIVERY_CHANNELS))
def config(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A running recorder is not enough: it must record all resource types. A pending delivery does not fail.

    False alarm when another tool records the resources.
    """
    every = terms.threshold("every_recorder_all_supported")

    def test(region: str, recorders: tuple[Recorder, ...]) -> Iterator[Outcome]:
        gaps = _config_gaps(account, region, _own(recorders), every=every)
        if gaps:
            message = f"AWS Config in {region}: {'; '.join(gap.message for gap in gaps)}"
            fix, names = _config_fix(terms.control.fix, gaps)
            yield Fail(region, message, region, fix=fix, names=names)
        else:
            yield Pass(region, f"AWS Config records all resources in {region}", region)

    yield from in_regions(account, RECORDERS, test)
    yield from _global_types(account, terms.control.fix)


@control("securityhub", needs=(SECURITY_HUB,))
def security_hub(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """AWS reports `not subscribed` as an error, which means that the service is off.

    False alarm when another tool does the same job.
    """

    def test(region: str, hub: SecurityHub | None) -> Iterator[Outcome]:
        if hub:
            yield Pass(hub.arn, f"Security Hub CSPM is on in {region}", region)
        else:
            yield Fail(region, f"Security Hub CSPM is off in {region}", region)

    return in_regions(account, SECURITY_HUB, test)


@control("access_analyzer", needs=(ANALYZERS, ORGANIZATION, ORG_SERVICES))
def access_analyzer(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Analyzers for unused or internal access do not count, and open findings do not fail this control.

    False alarm when another tool reports what is shared outside the account.
    """

    def test(region: str, analyzers: tuple[Analyzer, ...]) -> Iterator[Outcome]:
        external = [analyzer for analyzer in analyzers if analyzer.type in _EXTERNAL]
        active = [analyzer for analyzer in external if analyzer.status == "ACTIVE"]
        if active:
            message = f"analyzer {quoted(active[0].name)} is active in {region}"
            yield Pass(active[0].arn, message, region)
            return
        _covered_elsewhere(account, region)
        states = ", ".join(
            f"{quoted(analyzer.name)} is {quoted(analyzer.status)}" for analyzer in external
        )
        others = f"{len(analyzers)} of another type" if analyzers and not external else ""
        why = f" ({states or others})" if states or others else ""
        yield Fail(region, f"no external-access analyzer is active in {region}{why}", region)

    return in_regions(account, ANALYZERS, test)


def _covered_elsewhere(account: Account, region: str) -> None:
    """An organization's analyzer exists in one account only, so the list of another account proves nothing."""
    organization = account.require(ORGANIZATION)
    if organization is None or region in organization.analyzers_read:
        return
    manager = organization.management_account
    if manager != account.id:
        holders = f"account {quoted(manager)} or its delegated administrator"
    else:
        named = administrators_of(account.require(ORG_SERVICES), ANALYZER_SERVICE)
        others = sorted(set(named) - {manager})
        if not others:
            return
        holders = f"the delegated administrator {', '.join(map(quoted, others))}"
    raise NotCollected(
        "an analyzer of the organization may cover this account; read the analyzers of"
        f" {holders}, or audit the accounts together on the command line: `audit run` with `org: true`",
        call="access-analyzer:ListAnalyzers",
        code="kept by another account",
        permission="access-analyzer:ListAnalyzers",
        region=region,
    )


def _own(recorders: tuple[Recorder, ...]) -> list[Recorder]:
    """The recorders without those that a service created for itself."""
    return [recorder for recorder in recorders if not recorder.service_principal]


def _config_gaps(account: Account, region: str, own: list[Recorder], *, every: bool) -> list[Gap]:
    """The proven gaps; NotCollected if there is none and a fact could not be read."""
    if not own:
        return [Gap(message="there is no recorder", steps=tuple(Step))]
    statuses = account.get_in(region, RECORDER_STATUSES)
    channels = account.get_in(region, DELIVERY_CHANNELS)
    gaps = [_recorder_gap(recorder, statuses) for recorder in own]
    faulty = [gap for gap in gaps if gap]
    proven = faulty if faulty and (every or len(faulty) == len(gaps)) else []
    if not isinstance(channels, Miss) and not any(channel.bucket for channel in channels):
        proven = [*proven, Gap(message="no delivery channel has a bucket", steps=(Step.DELIVER,))]
    if not proven:
        known(statuses)
        known(channels)
    return proven


def _recorder_gap(recorder: Recorder, statuses: tuple[RecorderStatus, ...] | Miss) -> Gap | None:
    name = f"recorder {quoted(recorder.name)}"
    if not (recorder.all_supported or recorder.strategy == _ALL_TYPES):
        message = f"{name} leaves out resource types"
        return Gap(message=message, steps=(Step.RECORD,), recorder=recorder)
    if isinstance(statuses, Miss):
        return None
    status = next((candidate for candidate in statuses if candidate.name == recorder.name), None)
    if status is None or not status.recording:
        return Gap(message=f"{name} is stopped", steps=(Step.START,), recorder=recorder)
    if (status.last_status or "").lower() != "failure":
        return None
    return Gap(message=f"{name} fails to deliver", steps=(Step.DELIVER,), recorder=recorder)


def _config_fix(fix: str, gaps: list[Gap]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The commands that close the gaps, with the name of the recorder if there is only one."""
    wanted = {step for gap in gaps for step in gap.steps}
    faulty = {gap.recorder.name: gap.recorder for gap in gaps if gap.recorder}
    only = next(iter(faulty.values())) if len(faulty) == 1 else None
    steps = _steps(fix, global_types=only.global_types if only else None)
    names = list(faulty) or [_FIRST_NAME]
    commands = "; ".join(command for step, command in steps.items() if step in wanted)
    return commands, tuple(("RECORDER", name) for name in names if len(names) == 1)


def _steps(fix: str, *, global_types: bool | None) -> dict[Step, str]:
    """The commands of the fix; None if it is open whether this Region records the global types."""
    if global_types is not None:
        fix = fix.replace(_ONCE, f"{_GLOBAL}={str(global_types).lower()}")
    return dict(zip(Step, fix.split("; "), strict=True))


def _global_types(account: Account, fix: str) -> Iterator[Outcome]:
    """Global resource types must be recorded in one Region; requiring them in every Region would be a false alarm."""
    missing: NotCollected | None = None
    places = [*where_offered(account, RECORDERS)]
    names: set[str] = set()
    for region, recorders in places:
        if isinstance(recorders, Miss):
            missing = recorders.error()
            continue
        own = _own(recorders)
        names |= {recorder.name for recorder in own}
        if any(recorder.global_types for recorder in own):
            message = f"global resource types are recorded in {region}"
            yield Pass(account.root_arn, message)
            return
    if missing is None and not account.regions.complete:
        missing = NotCollected(
            f"none of the Regions read records global resource types ({account.regions})",
            call="config:DescribeConfigurationRecorders",
            code="Region not read",
            permission="config:DescribeConfigurationRecorders",
        )
    if missing:
        yield unread(missing, account.root_arn)
    elif places:
        record = _steps(fix, global_types=True)[Step.RECORD]
        recorders_named = sorted(names or {_FIRST_NAME})
        yield Fail(
            account.root_arn,
            "no Region records global resource types",
            fix=f"In one Region: {record}",
            names=(("RECORDER", recorders_named[0]),) if len(recorders_named) == 1 else (),
        )
