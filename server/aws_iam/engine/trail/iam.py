"""IAM's names and their paths: a call names a user or role without its path, and its ARN has one.

The path is taken from the answer of a call or from any other ARN in the log; else `/` is assumed, and said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.trail.event_details import exact
from aws_iam.engine.trail.event_resource import Spot
from aws_iam.engine.trail.find_resources import spots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.engine.trail.event_details import Seen

ASSUMED = "the record does not show its path: `/` is assumed"
_TYPES = {
    "role": "rolename",
    "user": "username",
    "group": "groupname",
    "instance-profile": "instanceprofilename",
    "policy": "policyname",
}


def paths(arns: Iterable[str]) -> Mapping[tuple[str, str, str], str]:
    """The ARN of each user, role, group, profile and policy that the log shows, by account, type and name."""
    found = {}
    for text in arns:
        arn = Arn.of(text)
        if arn and arn.service == "iam":
            kind, _, rest = arn.resource.partition("/")
            if kind in _TYPES:
                found[arn.account, kind, rest.rpartition("/")[2]] = text
    return found


def of(action: Action, seen: Seen, known: Mapping[tuple[str, str, str], str]) -> tuple[Spot, ...]:
    """The resources of an IAM action; the caller itself where a call on a user names none."""
    if action.name == "CreateServiceLinkedRole":
        return (_of_service(seen),)
    found: list[Spot] = []
    for kind in action.resource_types:
        names = seen.by_name.get(_TYPES.get(kind, ""), ())
        made = action.name == f"Create{kind.title().replace('-', '')}"
        found += [named(kind, name, seen, known, made=made) for name in names]
    if found:
        return tuple(found)
    own = Arn.of(seen.event.caller)
    if action.resource_types == ("user",) and own and own.resource.startswith("user/"):
        return (Spot.of(seen.event.caller),)
    return spots(action, seen)


def _of_service(seen: Seen) -> Spot:
    """A service-linked role: its service chooses name and path."""
    made = next((each for each in seen.answered if ":role/aws-service-role/" in each), "")
    if made:
        return Spot.of(made)
    head = f"arn:{seen.partition}:iam::{seen.account}:role/aws-service-role/"
    service = exact(seen.first("awsservicename")) or "*"
    return Spot(resource=f"{head}{service}/*", why="its service chooses the name of the role")


def named(
    kind: str,
    name: str,
    seen: Seen,
    known: Mapping[tuple[str, str, str], str],
    *,
    made: bool = False,
) -> Spot:
    """The ARN of a name, with its path as far as anything tells it."""
    arn = known.get((seen.account, kind, name))
    if arn and not made:
        return Spot.of(arn)
    path = seen.first("path").strip("/")
    text = f"arn:{seen.partition}:iam::{seen.account}:{kind}/{f'{path}/' if path else ''}{name}"
    # Whoever makes one and gives no path gets `/`.
    return Spot.of(text) if path or made else Spot(resource=Spot.of(text).resource, why=ASSUMED)
