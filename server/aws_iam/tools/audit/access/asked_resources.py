"""What `on` names: one resource, a pattern, or every resource of a kind.

asked_resources(estate, "s3:GetObject", "arn:aws:s3:::books/*")   →   AskedResources: the ARNs to ask about, and patterns
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.storage.buckets import BUCKET_POLICIES
from aws_iam.engine.comparison.arn_formats import may_match_format
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.language.pattern import covers, is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import AwsError, InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.resource_policies import LISTINGS
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.reference.facts import Action, ResourceType
    from aws_iam.tools.audit.access.estate import Estate

_SHOWN = 3
_ACCESS_POINT = ":accesspoint/"
_MOST = 500


@slotted
class ResourcePattern:
    """A pattern of resources of some ARN formats; `lists_existing` says that any that exists is asked about by its ARN."""

    text: str
    formats: tuple[str, ...] = ()
    lists_existing: bool = False


@slotted
class AskedResources:
    """The resources to ask about: `arns` that exist or are named, and `patterns` whose parts decide one by one."""

    arns: tuple[str, ...] = ()
    patterns: tuple[ResourcePattern, ...] = ()
    understood: str = ""
    needed: tuple[tuple[str, ...], ...] = ()
    """The ARN formats of each kind of which a request names one, where these are several and all of them were asked about."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The ARNs, and the patterns as such."""
        return (*self.arns, *(own.text for own in self.patterns))


def asked_resources(estate: Estate, action: str, on: str) -> AskedResources:
    """The resources of the estate that `on` means for an action; InputError where it means none."""
    known = catalog().action(action)
    if known and not known.resource_types:
        return _without_resource(action, on)
    if not on or on == "*":
        return _of_all_kinds(estate, action, known)
    if not on.startswith("arn:"):
        return _of_kind(estate, known, on)
    arn = Arn.of(on)
    if arn is None:
        raise InputError(f"`on` {quoted(on)} is not an ARN", hint=_forms(known))
    understood = ""
    if known and not _takes(known, on):
        wanted = f"{on}/*"
        is_bucket = arn.service == "s3" and "/" not in arn.resource and not arn.region
        if not is_bucket or not _takes(known, wanted):
            nor = ", nor on its objects" if is_bucket else ""
            raise InputError(
                f"{quoted(action)} is never asked on {quoted(on)}{nor}",
                hint=f"give {_forms(known)}",
            )
        on, arn, understood = wanted, Arn.of(wanted) or arn, f"the objects {quoted(wanted)}"
    if is_literal(on):
        return AskedResources(arns=(on,))
    existing = [
        own
        for own in known_resources(estate)
        if matches(on, own) and (known is None or _takes(known, own))
    ]
    return AskedResources(
        arns=_bounded(existing),
        patterns=_patterns(estate, known, _in_places(estate, arn)),
        understood=understood,
    )


def _of_all_kinds(estate: Estate, action: str, known: Action | None) -> AskedResources:
    """Every resource that an action needs one of, whether it exists or not."""
    partitions = dict.fromkeys(own.account.partition for own in estate.members.values())
    formats = _formats(known, needed=True) if known else ()
    # Access points are not read, and what comes through one needs the bucket's policy as well.
    formats = tuple(text for text in formats if _ACCESS_POINT not in text) or formats
    forms = dict.fromkeys(
        without_variables(text.replace("${Partition}", partition), "*")
        for partition in partitions
        for text in formats
    )
    if not forms:
        raise InputError(
            f"{quoted(action)} is asked on a resource", hint=f"name it with `on`: {_forms(known)}"
        )
    found = [asked_resources(estate, action, text) for text in forms]
    shown = joined([quoted(text) for text in forms], shown=_SHOWN)
    return AskedResources(
        arns=_bounded(own for part in found for own in part.arns),
        patterns=tuple(dict.fromkeys(own for part in found for own in part.patterns)),
        understood=f"{quoted(action)} without `on`, as on {shown}",
        needed=_needed(known),
    )


def _needed(known: Action | None) -> tuple[tuple[str, ...], ...]:
    service = catalog().service(known.service) if known else None
    types = [service.resource_types.get(own.lower()) for own in known.required] if known and service else []  # fmt: skip
    return tuple(own.arn_formats for own in types if own) if len(types) > 1 else ()


def _without_resource(action: str, on: str) -> AskedResources:
    if on in {"", "*"}:
        return AskedResources(arns=("*",))
    if Arn.of(on) is None and _kind(on) is None:
        raise InputError(
            f"`on` {quoted(on)} is neither an ARN nor a kind of resource",
            hint=f"{quoted(action)} takes no resource: leave `on` out",
        )
    return AskedResources(
        arns=("*",), understood=f"{quoted(action)} takes no resource and is asked on `*`"
    )


def _patterns(
    estate: Estate, known: Action | None, texts: Iterable[str]
) -> tuple[ResourcePattern, ...]:
    """The patterns, those of objects for each bucket that was read."""
    found = [
        ResourcePattern(
            text=own,
            formats=_formats_in(known, own),
            lists_existing=_are_listed(estate, text),
        )
        for text in texts
        for own in _in_buckets(estate, known, text)
    ]
    if len(found) > _MOST:
        raise _too_many(len(found))
    return tuple(found)


def _in_buckets(estate: Estate, known: Action | None, text: str) -> Iterator[str]:
    """A pattern of objects for each bucket that was read: the policy of the bucket decides."""
    arn = Arn.of(text)
    takes_objects = known is not None and _takes(known, "arn:aws:s3:::bucket/key")
    if arn is None or arn.service != "s3" or arn.region or not takes_objects:
        yield text
        return
    if "/" in arn.resource and is_literal(arn.resource.partition("/")[0]):
        yield text
        return
    found = [
        f"{own}/{rest}"
        for own in known_resources(estate)
        if own.startswith(f"arn:{arn.partition}:s3:::") and "/" not in own
        for rest in _keys(own, text)
    ]
    yield from dict.fromkeys(found or [text])


def _keys(bucket: str, text: str) -> Iterator[str]:
    """The patterns of the keys that objects of a bucket have under a pattern, whose `*` may stand for the slash as well."""
    before, slash, key = text.partition("/")
    found = [key] if slash and matches(before, bucket) else []
    for at, symbol in enumerate(before):
        wider = text[at:]
        if (
            symbol == "*"
            and matches(before[: at + 1], bucket)
            and not any(covers(own, wider) for own in found)
        ):
            found.append(wider)
    yield from found


def _are_listed(estate: Estate, text: str) -> bool:
    """Whether all resources of the pattern that exist were read."""
    arn = Arn.of(text)
    if arn is None or any(may_be_missing(estate, text)):
        return False
    if arn.service == "iam":
        return all(own.authorization is not None for own in estate.members.values())
    if arn.account and arn.account not in estate.members:
        return False
    return arn.service == "s3" or arn.service in LISTINGS


def _in_places(estate: Estate, arn: Arn) -> tuple[str, ...]:
    """The pattern for each account and Region that it may mean: policies decide by them."""
    members = [
        own for own in estate.members.values() if matches(arn.partition, own.account.partition)
    ]
    accounts = [own.account.id for own in members if matches(arn.account, own.account.id)]
    regions = sorted(
        {
            region
            for member in members
            for region in member.account.regions.read
            if matches(arn.region, region)
        }
    )
    return tuple(
        str(replace(arn, account=account, region=region))
        for account in (accounts if arn.account else [""])
        for region in (regions if arn.region else [""])
    ) or (str(arn),)


def may_be_missing(estate: Estate, on: str) -> Iterator[str]:
    """Why resources that `on` means may not have been listed; nothing where it names a single one."""
    arn = Arn.of(on)
    if arn is not None and is_literal(on):
        return
    service = arn.service if arn else on.partition(":")[0].lower()
    for member in estate.members.values():
        account = member.account
        if service in LISTINGS and not account.regions.complete:
            yield f"of account {account.id} {account.regions} were read"
        yield from map(str, _not_listed(account, service))


def _not_listed(account: Account, service: str) -> list[Miss]:
    """Why the resources of a service could not be listed."""
    if fact := LISTINGS.get(service):
        return [found for _, found in account.in_each(fact) if isinstance(found, Miss)]
    buckets = account.get(BUCKET_POLICIES)
    return [buckets] if service == "s3" and isinstance(buckets, Miss) else []


def known_resources(estate: Estate) -> Iterator[str]:
    """The ARNs of the resources that were read."""
    for member in estate.members.values():
        yield from member.resources
        if member.authorization is not None:
            yield from (user.arn for user in member.authorization.users)
            yield from (group.arn for group in member.authorization.groups)
            # AWS's own policies, which nobody else changes, are of no account.
            own = f"::{member.account.id}:"
            yield from (
                policy.arn for policy in member.authorization.policies if own in policy.arn
            )


def _of_kind(estate: Estate, known: Action | None, on: str) -> AskedResources:
    """Every resource of a kind, such as `s3:bucket`."""
    service, _, name = on.lower().partition(":")
    kind = _kind(on)
    if kind is None:
        found = catalog().service(service)
        near = closest(name, tuple(found.resource_types)) if found else None
        raise InputError(
            f"`on` {quoted(on)} is neither an ARN nor a kind of resource",
            hint=f"did you mean `{service}:{near}`?" if near else f"give {_forms(known)}",
        )
    existing = [
        own
        for own in known_resources(estate)
        if (arn := Arn.of(own)) and any(fits(arn, text) for text in kind.arn_formats)
    ]
    if not existing:
        why = next(may_be_missing(estate, on), "")
        # Where they could not be listed no better question helps.
        missed = any(_not_listed(own.account, service) for own in estate.members.values())
        raise (AwsError if missed else InputError)(
            f"no {quoted(on)} was read{f': {why}' if why else ''}",
            hint="name one by its ARN, or read its Region too",
        )
    fitting = [own for own in existing if not known or _takes(known, own)]
    if not fitting and known and service == "s3" and _takes(known, f"{existing[0]}/*"):
        return AskedResources(
            patterns=_patterns(estate, known, [f"{own}/*" for own in existing]),
            understood="the objects of each bucket",
        )
    if not fitting:
        raise InputError(
            f"{quoted(known.full_name if known else on)} is never asked on {quoted(on)}",
            hint=f"give {_forms(known)}",
        )
    return AskedResources(arns=_bounded(fitting))


def _kind(on: str) -> ResourceType | None:
    """The kind of resource that a text such as `s3:bucket` names."""
    service, _, name = on.lower().partition(":")
    found = catalog().service(service)
    return found.resource_types.get(name) if found else None


def _takes(known: Action, arn: str) -> bool:
    found = Arn.of(arn)
    return found is not None and any(
        fits(found, text) and may_match_format(arn, text) for text in _formats(known)
    )


def _formats(known: Action, *, needed: bool = False) -> tuple[str, ...]:
    """The formats of ARNs that an action is asked on; of those that it always needs, where it needs some."""
    service = catalog().service(known.service)
    names = (needed and known.required) or known.resource_types
    types = [service.resource_types.get(name.lower()) for name in names] if service else []
    return tuple(text for own in types if own for text in own.arn_formats)


def _forms(known: Action | None) -> str:
    forms = _formats(known) if known else ()
    return joined([quoted(text) for text in forms], "or", shown=_SHOWN) if forms else "an ARN"


def _formats_in(known: Action | None, text: str) -> tuple[str, ...]:
    """The ARN formats of the action that resources of the pattern can have, in the pattern's partition."""
    arn = Arn.of(text)
    if known is None or arn is None:
        return ()
    partition = arn.partition if is_literal(arn.partition) else "aws"
    return tuple(
        dict.fromkeys(
            form.replace("${Partition}", partition)
            for form in _formats(known)
            if fits(arn, form) and may_match_format(text, form)
        )
    )


def _bounded(arns: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(dict.fromkeys(arns))
    if len(listed) > _MOST:
        raise _too_many(len(listed))
    return listed


def _too_many(number: int) -> InputError:
    return InputError(
        f"`on` means {number:,} resources, more than {_MOST}",
        hint="name fewer, such as those of a name or a Region",
    )
