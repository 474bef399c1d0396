"""CIS: services that watch every Region: AWS Config, Security Hub, Access Analyzer."""

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
from aws_iam.engine.language.frozen import slotted
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
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
# The name that AWS Config gives a recorder by itself.
_FIRST_NAME = "default"
_GLOBAL = "includeGlobalResourceTypes"
_ONCE = f"{_GLOBAL}=false (true in one Region only)"


class Step(Enum):
    """The commands of the fix of AWS Config, in their order."""

    RECORD = auto()
    DELIVER = auto()
    START = auto()


@slotted
class Gap:
    """What AWS Config lacks in a Region, the steps that mend it, and the recorder that is at fault."""

    told: str
    steps: tuple[Step, ...]
    recorder: Recorder | None = None


@control("config_all_regions", needs=(RECORDERS, RECORDER_STATUSES, DELIVERY_CHANNELS))
def config(account: Account, terms: ControlTerms) -> Iterator[Outcome]:
    """A recorder that is on is not enough: what it records counts.

    A pending delivery does not fail. Wrong where the resources are recorded by another tool.
    """
    wants_each = terms.threshold("every_recorder_all_supported")

    def test(region: str, recorders: tuple[Recorder, ...]) -> Iterator[Outcome]:
        gaps = _config_gaps(account, region, _own(recorders), every=wants_each)
        if gaps:
            message = f"AWS Config in {region}: {'; '.join(gap.told for gap in gaps)}"
            fix, names = _config_fix(terms.control.fix, gaps)
            yield Fail(region, message, region, fix=fix, names=names)
        else:
            yield Pass(region, f"AWS Config records all resources in {region}", region)

    yield from in_regions(account, RECORDERS, test)
    yield from _global_types(account, terms.control.fix)


@control("securityhub", needs=(SECURITY_HUB,))
def security_hub(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """`Not subscribed` arrives as an error and is the answer.

    Wrong where another tool does its work.
    """

    def test(region: str, hub: SecurityHub | None) -> Iterator[Outcome]:
        if hub:
            yield Pass(hub.arn, f"Security Hub CSPM is on in {region}", region)
        else:
            yield Fail(region, f"Security Hub CSPM is off in {region}", region)

    return in_regions(account, SECURITY_HUB, test)


@control("access_analyzer", needs=(ANALYZERS, ORGANIZATION, ORG_SERVICES))
def access_analyzer(account: Account, _terms: ControlTerms) -> Iterator[Outcome]:
    """Analyzers of unused or internal access do not count; open findings do not fail it."""

    def test(region: str, analyzers: tuple[Analyzer, ...]) -> Iterator[Outcome]:
        external = [analyzer for analyzer in analyzers if analyzer.type in _EXTERNAL]
        active = [analyzer for analyzer in external if analyzer.status == "ACTIVE"]
        if active:
            message = f"analyzer {quoted(active[0].name)} is active in {region}"
            yield Pass(active[0].arn, message, region)
            return
        _covered_elsewhere(account, region)
        states = ", ".join(f"{quoted(one.name)} is {quoted(one.status)}" for one in external)
        others = f"{len(analyzers)} of another type" if analyzers and not external else ""
        found = states or others
        why = f" ({found})" if found else ""
        yield Fail(region, f"no external-access analyzer is active in {region}{why}", region)

    return in_regions(account, ANALYZERS, test)


def _covered_elsewhere(account: Account, region: str) -> None:
    """An organization's analyzer lives in one of its accounts: the list of another one proves nothing."""
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
        f" {holders}, or audit the accounts together with `--org`",
        call="access-analyzer:ListAnalyzers",
        code="kept by another account",
        permission="access-analyzer:ListAnalyzers",
        region=region,
    )


def _own(recorders: tuple[Recorder, ...]) -> list[Recorder]:
    """Recorders that a service made for itself do not count."""
    return [recorder for recorder in recorders if not recorder.service_principal]


def _config_gaps(account: Account, region: str, own: list[Recorder], *, every: bool) -> list[Gap]:
    """The gaps that are proved; NotCollected when there is none and a fact could not be read."""
    if not own:
        return [Gap(told="there is no recorder", steps=tuple(Step))]
    statuses = account.get_in(region, RECORDER_STATUSES)
    channels = account.get_in(region, DELIVERY_CHANNELS)
    gaps = [_recorder_gap(recorder, statuses) for recorder in own]
    bad = [gap for gap in gaps if gap]
    found = bad if bad and (every or len(bad) == len(gaps)) else []
    if not isinstance(channels, Miss) and not any(channel.bucket for channel in channels):
        found = [*found, Gap(told="no delivery channel has a bucket", steps=(Step.DELIVER,))]
    if not found:
        known(statuses)
        known(channels)
    return found


def _recorder_gap(recorder: Recorder, statuses: tuple[RecorderStatus, ...] | Miss) -> Gap | None:
    name = f"recorder {quoted(recorder.name)}"
    if not (recorder.all_supported or recorder.strategy == _ALL_TYPES):
        message = f"{name} leaves out resource types"
        return Gap(told=message, steps=(Step.RECORD,), recorder=recorder)
    if isinstance(statuses, Miss):
        return None
    status = next((candidate for candidate in statuses if candidate.name == recorder.name), None)
    if status is None or not status.recording:
        return Gap(told=f"{name} is stopped", steps=(Step.START,), recorder=recorder)
    if (status.last_status or "").lower() != "failure":
        return None
    return Gap(told=f"{name} fails to deliver", steps=(Step.DELIVER,), recorder=recorder)


def _config_fix(fix: str, gaps: list[Gap]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The commands that the gaps ask for, and the recorder they mean where there is no other."""
    wanted = {step for gap in gaps for step in gap.steps}
    faulty = {gap.recorder.name: gap.recorder for gap in gaps if gap.recorder}
    only = next(iter(faulty.values())) if len(faulty) == 1 else None
    steps = _steps(fix, global_types=only.global_types if only else None)
    names = list(faulty) or [_FIRST_NAME]
    message = "; ".join(command for step, command in steps.items() if step in wanted)
    return message, tuple(("RECORDER", name) for name in names if len(names) == 1)


def _steps(fix: str, *, global_types: bool | None) -> dict[Step, str]:
    """The commands of the fix; None leaves open whether this Region is the one with the global types."""
    if global_types is not None:
        fix = fix.replace(_ONCE, f"{_GLOBAL}={str(global_types).lower()}")
    return dict(zip(Step, fix.split("; "), strict=True))


def _global_types(account: Account, fix: str) -> Iterator[Outcome]:
    """Global types belong in one Region; asking for them in all would be a false alarm."""
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
            f"global resource types are recorded in none of the Regions read ({account.regions})",
            call="config:DescribeConfigurationRecorders",
            code="Region not read",
            permission="config:DescribeConfigurationRecorders",
        )
    if missing:
        yield unread(missing, account.root_arn)
    elif places:
        record = _steps(fix, global_types=True)[Step.RECORD]
        same = sorted(names or {_FIRST_NAME})
        yield Fail(
            account.root_arn,
            "global resource types are recorded in no Region",
            fix=f"In one Region: {record}",
            names=(("RECORDER", same[0]),) if len(same) == 1 else (),
        )
