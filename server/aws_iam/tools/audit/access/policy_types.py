"""Which resources can have a policy of their own, by the form of their ARN.

may_have_policy("arn:aws:glue:eu-west-1:111122223333:table/sales/orders")   →   True
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.attachment_types import attachment_types
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator


def may_have_policy(arn: str) -> bool:
    """Whether resources of this kind can have a policy of their own."""
    found = Arn.of(arn)
    if found is None:
        return False
    if found.service == "iam":
        return is_role(found)
    forms = (own for service, own in _forms().items() if intersects(found.service, service))
    return any(_follows(found, form) for own in forms for form in own)


def is_role(arn: Arn) -> bool:
    """Whether it is a role, whose trust policy decides who assumes it."""
    return arn.service == "iam" and arn.resource.startswith("role/")


def _follows(arn: Arn, form: Arn) -> bool:
    """Whether the ARN, or some ARN that the pattern matches, has the form; parts may be empty, as a package's namespace is."""
    pairs = ((arn.resource, form.resource), (arn.region, form.region), (arn.account, form.account))
    return all(intersects(own, wanted) for own, wanted in pairs)


@cache
def _forms() -> dict[str, tuple[Arn, ...]]:
    """The patterns of such ARNs by service."""
    found: dict[str, dict[Arn, None]] = {}
    for service, text in _formats():
        form = Arn.of(without_variables(text, "*"))
        if form is not None:
            # The format of a recovery point has any service; those of others have no policy but the vault's.
            own = service if form.service == "*" else form.service
            found.setdefault(own, {})[form] = None
    return {service: tuple(forms) for service, forms in found.items()}


def _formats() -> Iterator[tuple[str, str]]:
    for kind in attachment_types().values():
        if kind.service:
            yield from ((kind.service, text) for text in kind.arn_formats())
    for prefix, names in resources.data("types-with-policy.json")["types"].items():
        service = catalog().service(prefix)
        types = [service.resource_types.get(name.lower()) for name in names] if service else []
        for type_ in filter(None, types):
            yield from ((prefix, text) for text in type_.arn_formats)
