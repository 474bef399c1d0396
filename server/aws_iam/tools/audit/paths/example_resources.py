"""Resources that do not exist yet: which ones to ask about where a principal may create something under some name.

examples(actor, "lambda:CreateFunction")   →   ("arn:aws:lambda:eu-west-1:111122223333:function:app-x", …)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.reference.facts import Action
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_MOST_REGIONS = 4
_MOST_EXAMPLES = 12


def allowed_together(
    actor: Actor, actions: Sequence[str]
) -> tuple[tuple[str, str, Access], ...] | None:
    """Each action with a resource on which it is allowed, the same for actions on the same kind; None where one never is."""
    return _chosen(actor, tuple(actions), ())


def _chosen(
    actor: Actor, actions: tuple[str, ...], so_far: tuple[tuple[str, str, Access], ...]
) -> tuple[tuple[str, str, Access], ...] | None:
    if not actions:
        return so_far
    action, *others = actions
    fixed = [
        resource
        for _, resource, _ in so_far
        if resource != "*" and takes_resource(action, resource)
    ]
    for resource in fixed[:1] or examples(actor, action):
        access = actor.proof(action, resource)
        if access.is_possible:
            found = _chosen(actor, tuple(others), (*so_far, (action, resource, access)))
            if found is not None:
                return found
    return None


def examples(actor: Actor, action: str) -> tuple[str, ...]:
    """Resources of the action that do not exist, named as the principal's policies allow it."""
    known = catalog().action(action)
    if known is None or not known.resource_types:
        return ("*",)
    found: dict[str, None] = {}
    for pattern in actor.patterns(action):
        filled = pattern.replace("*", "x").replace("?", "x")
        arn = Arn.of(filled)
        if arn and arn.account == actor.account and takes_resource(action, filled):
            found[filled] = None
    found |= dict.fromkeys(_from_formats(actor, known))
    return tuple(found)[:_MOST_EXAMPLES]


def _from_formats(actor: Actor, known: Action) -> Iterator[str]:
    account = actor.principal.member.account
    regions = account.regions.read[:_MOST_REGIONS] or ("us-east-1",)
    for text in _formats(known):
        for region in regions if "${Region}" in text else ("",):
            values = {"Partition": actor.partition, "Region": region, "Account": account.id}
            yield _HOLE.sub(lambda hole: values.get(hole[1], "x"), text)  # noqa: B023 - used at once


def takes_resource(action: str, resource: str) -> bool:
    """Whether an action is asked on resources of this form."""
    known, arn = catalog().action(action), Arn.of(resource)
    return bool(known and arn) and any(fits(arn, text) for text in _formats(known))  # type: ignore[arg-type]


def _formats(known: Action) -> tuple[str, ...]:
    service = catalog().service(known.service)
    names = known.required or known.resource_types
    types = [service.resource_types.get(name.lower()) for name in names] if service else []
    return tuple(text for own in types if own for text in own.arn_formats)
