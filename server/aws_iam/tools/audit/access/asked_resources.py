"""What `on` names: one resource, a pattern, or every resource of a kind.

asked_resources(estate, "s3:GetObject", "arn:aws:s3:::books/*")   →   AskedResources: the ARNs to ask about, and patterns
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.storage.buckets import BUCKET_POLICIES
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.meeting_text import meeting_text
from aws_iam.tools.audit.access.resource_policies import LISTINGS
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.reference.facts import Action
    from aws_iam.tools.audit.access.estate import Estate

_SHOWN = 3
_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedResources:
    """The resources to ask about: `arns` that exist or are named, and `patterns` whose parts decide one by one."""

    arns: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    understood: str = ""

    def parts(self, resources: Iterable[str]) -> Iterator[str]:
        """The ARNs, and for a pattern one for each way in which the resources of a policy overlap it."""
        yield from self.arns
        if not self.patterns:
            return
        written = [without_variables(text, "*") for text in dict.fromkeys(resources)]
        for pattern in self.patterns:
            # A name is never empty.
            wanted = pattern.replace("*", "?*")
            yield pattern.replace("*", "x").replace("?", "x")
            yield from filter(None, (meeting_text(text, wanted) for text in written))


def asked_resources(estate: Estate, action: str, on: str) -> AskedResources:
    """The resources of the estate that `on` means for an action; InputError where it means none."""
    known = catalog().action(action)
    if known and not known.resource_types:
        return AskedResources(arns=("*",))
    if not on or on == "*":
        raise InputError(
            f"{quoted(action)} is asked on a resource",
            hint=f"name it with `on`: {_forms(known)}",
        )
    if not on.startswith("arn:"):
        return _of_kind(estate, known, on)
    arn = Arn.of(on)
    if arn is None:
        raise InputError(f"`on` {quoted(on)} is not an ARN", hint=_forms(known))
    if known and not any(fits(arn, text) for text in _formats(known)):
        if arn.service == "s3" and "/" not in arn.resource and not arn.region:
            wanted = _objects(on)
            return AskedResources(patterns=(wanted,), understood=f"the objects {quoted(wanted)}")
        raise InputError(
            f"{quoted(action)} is never asked on {quoted(on)}", hint=f"give {_forms(known)}"
        )
    if is_literal(on):
        return AskedResources(arns=(on,))
    existing = tuple(own for own in known_resources(estate) if matches(on, own))
    return AskedResources(
        arns=_bounded(existing), patterns=() if existing else _in_places(estate, arn)
    )


def _in_places(estate: Estate, arn: Arn) -> tuple[str, ...]:
    """The pattern for each account and Region that it may mean: policies decide by them."""
    accounts = [own for own in estate.members if matches(arn.account, own)]
    regions = sorted(
        {
            region
            for member in estate.members.values()
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
    fact = LISTINGS.get(service)
    for member in estate.members.values():
        account = member.account
        if fact is not None:
            misses = [found for _, found in account.in_each(fact) if isinstance(found, Miss)]
            if not account.regions.complete:
                yield f"of account {account.id} {account.regions} were read"
        else:
            buckets = account.get(BUCKET_POLICIES)
            misses = [buckets] if service == "s3" and isinstance(buckets, Miss) else []
        yield from map(str, misses)


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
    found = catalog().service(service)
    kind = found.resource_types.get(name) if found else None
    if kind is None:
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
        raise InputError(
            f"no {quoted(on)} was read{f': {why}' if why else ''}",
            hint="name one by its ARN, or read its Region too",
        )
    fitting = [own for own in existing if not known or _takes(known, own)]
    if not fitting and service == "s3":
        return AskedResources(
            arns=_bounded([f"{own}/x" for own in existing]), understood="one object of each bucket"
        )
    return AskedResources(arns=_bounded(fitting))


def _takes(known: Action, arn: str) -> bool:
    found = Arn.of(arn)
    return found is not None and any(fits(found, text) for text in _formats(known))


def _formats(known: Action) -> tuple[str, ...]:
    service = catalog().service(known.service)
    types = (
        [service.resource_types.get(name.lower()) for name in known.resource_types]
        if service
        else []
    )
    return tuple(text for own in types if own for text in own.arn_formats)


def _forms(known: Action | None) -> str:
    forms = _formats(known) if known else ()
    return joined([quoted(text) for text in forms], "or", shown=_SHOWN) if forms else "an ARN"


def _objects(bucket: str) -> str:
    return f"{bucket}/*" if not bucket.endswith("*") else bucket


def _bounded(arns: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(arns)
    if len(listed) > _MOST:
        raise InputError(
            f"`on` means {len(listed):,} resources, more than {_MOST}",
            hint="name fewer, such as those of a name or a Region",
        )
    return listed
