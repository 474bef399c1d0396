"""Policies and permissions boundaries that a larger file attaches by ARN or by name.

PolicyAttachment(holder="Role", place="Role.ManagedPolicyArns", policy="arn:aws:iam::aws:policy/ReadOnlyAccess")
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.cases import ALWAYS, Cases
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.reference.managed_policies import managed_policy, managed_policy_of_arn
from aws_iam.engine.sources.containers.policy_places import texts_at, values_at
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.reference.managed_policies import ManagedPolicy


@slotted
class Reference:
    """An object of a cluster that another one names, or selects by labels; which file has it does not matter."""

    type: str
    name: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()


@slotted
class PolicyAttachment:
    """A policy that is attached to a role, a user, a group or a function: by ARN, by the name of an AWS managed policy.

    `policy` has `${…}` where the value is known only at deployment, and is a logical id for a policy of the template. With `is_boundary` it limits the others. `document` is
    the name of its document, where the same file has it; `target` is the principal, where the holder is none. `in_force`
    is that of the resource that attaches it (`Holder`), `alternatives` are values that `policy` may have instead. `cases` are those in which
    it is attached, and `when` calls them where the other side of a comparison has it in others. `roots` are the folders from
    which Terraform attaches it, each with the name of the document there and the cases. `part` counts the parts of the file in
    which something has the same name as the holder. `target_kind` is `role`, `user` or `group` where the target is named as one. `reference` is the object with the policy, and `to` the principal's, where these
    are named by references.
    """

    holder: str
    place: str
    policy: str
    is_boundary: bool = False
    file: str | None = None
    document: str = ""
    target: str = ""
    target_kind: str = ""
    in_force: bool | None = True
    alternatives: frozenset[Alternative] = frozenset()
    roots: tuple[tuple[str, str, Cases], ...] = ()
    part: int = 0
    cases: Cases = ALWAYS
    when: str = ""
    reference: Reference | None = None
    to: Reference | None = None

    @property
    def name(self) -> str:
        """The place with the name of the policy, and the principal."""
        to = f" of {self.target}" if self.target else ""
        when = f" ({self.when})" if self.when else ""
        return f"{self.place} ({self.policy.rpartition('/')[2]}){to}{when}"

    @property
    def identity(self) -> tuple[str, str, bool, str, str]:
        """What is the same for the same attachment in another file: by its document, where that is at hand."""
        return self.place, self.document or self.policy, self.is_boundary, self.target, self.when

    @property
    def is_known(self) -> bool:
        """Whether its document is at hand."""
        return bool(self.document or self.managed)

    @property
    def managed(self) -> ManagedPolicy | None:
        """The AWS managed policy, if it is one that is known."""
        if self.document or self.reference:
            return None
        if not self.policy.startswith("arn:"):
            return managed_policy(self.policy)
        try:
            return managed_policy_of_arn(self.policy)
        except InputError:
            return None


PRINCIPAL_KINDS = ("role", "user", "group")


@slotted
class AttachmentRow:
    """Where resources of a type name attached policies, and the principals that they attach them to."""

    type: str
    path: str
    boundary: bool = False
    targets: tuple[str, ...] = ()


@cache
def _rows(file: str) -> Mapping[str, tuple[AttachmentRow, ...]]:
    found: dict[str, tuple[AttachmentRow, ...]] = {}
    rows: list[dict[str, Any]] = resources.data(file)["attachments"]
    for row in rows:
        own = AttachmentRow(**(row | {"targets": tuple(row.get("targets", ()))}))
        found[own.type] = (*found.get(own.type, ()), own)
    return found


def attachment_rows(file: str, type_: str) -> tuple[AttachmentRow, ...]:
    """Where resources of a type name attached policies."""
    return _rows(file).get(type_, ())


def attachments(
    file: str, type_: str, values: Node, holder: str, shown: Callable[[str], str] = str
) -> Iterator[PolicyAttachment]:
    """The attached policies that the values of a resource name; `shown` spells values that are known later."""
    for row in attachment_rows(file, type_):
        targets = [
            (_kind_named(path), shown(text))
            for path in row.targets
            for text in texts_at(values, (path,))
        ]
        for _, value, _ in values_at(values, row.path):
            text = _named(value)
            for kind, target in (targets or (("", ""),)) if text else ():
                yield PolicyAttachment(
                    holder=holder,
                    place=f"{holder}.{row.path.removesuffix('[]')}",
                    policy=shown(text),
                    is_boundary=row.boundary,
                    target=target,
                    target_kind=kind,
                )


def _kind_named(path: str) -> str:
    """The kind of principal that an argument such as `roles[]` or `user_name` names; empty where it may be of any."""
    kind = path.removesuffix("_name").rstrip("s[]")
    return kind if kind in PRINCIPAL_KINDS else ""


def _named(value: Node) -> str:
    """The text of an ARN or a name, which a template may fill in (`{{ name }}`); a document can be written as text too."""
    text = value.text.strip() if value.form is Form.STRING else ""
    return text if text.startswith("{{") or not text.startswith("{") else ""
