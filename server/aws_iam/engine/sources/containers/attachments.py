"""Policies and permissions boundaries that a larger file attaches by ARN or by name, without their documents.

PolicyAttachment(place="Role.ManagedPolicyArns", policy="arn:aws:iam::aws:policy/ReadOnlyAccess")
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.reference.managed_policies import managed_policy, managed_policy_of_arn
from aws_iam.engine.sources.containers.policy_places import values_at
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.reference.managed_policies import ManagedPolicy


@slotted
class PolicyAttachment:
    """A policy that is attached to a role, a user, a group or a function: by ARN, by the name of an AWS managed policy.

    `policy` has `${…}` where the value is known only at deployment. With `is_boundary` it limits the others.
    """

    place: str
    policy: str
    is_boundary: bool = False
    file: str | None = None

    @property
    def name(self) -> str:
        """The place with the name of the policy."""
        return f"{self.place} ({self.policy.rpartition('/')[2]})"

    @property
    def managed(self) -> ManagedPolicy | None:
        """The AWS managed policy, if it is one that is known."""
        if not self.policy.startswith("arn:"):
            return managed_policy(self.policy)
        try:
            return managed_policy_of_arn(self.policy)
        except InputError:
            return None


@slotted
class _Row:
    type: str
    path: str
    boundary: bool = False


@cache
def _rows(file: str) -> Mapping[str, tuple[_Row, ...]]:
    found: dict[str, tuple[_Row, ...]] = {}
    rows: list[dict[str, Any]] = resources.data(file)["attachments"]
    for row in rows:
        found[row["type"]] = (*found.get(row["type"], ()), _Row(**row))
    return found


def attachment_paths(file: str, type_: str) -> Mapping[str, bool]:
    """Where resources of a type name attached policies, and whether these are permissions boundaries."""
    return {row.path: row.boundary for row in _rows(file).get(type_, ())}


def attachments(
    file: str, type_: str, values: Node, holder: str, shown: Callable[[str], str] = str
) -> Iterator[PolicyAttachment]:
    """The attached policies that the values of a resource name; `shown` spells values that are known later."""
    for path, is_boundary in attachment_paths(file, type_).items():
        for _, value, _ in values_at(values, path):
            text = _named(value)
            if text:
                yield PolicyAttachment(
                    place=f"{holder}.{path.removesuffix('[]')}",
                    policy=shown(text),
                    is_boundary=is_boundary,
                )


def _named(value: Node) -> str:
    """The text of an ARN or a name; of an object the name of the SAM policy template."""
    if value.form is Form.STRING:
        # A document can be written as text.
        return "" if value.text.lstrip().startswith("{") else value.text.strip()
    if value.form is Form.OBJECT and len(value.members) == 1 and not value.member("Statement"):
        return value.members[0].key
    return ""
