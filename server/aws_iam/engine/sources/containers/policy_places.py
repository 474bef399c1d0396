"""Where policies stand in larger files, and what is found there.

PolicyPlace(path="Policies[].PolicyDocument", kind=Kind.IDENTITY, name="PolicyName")     one row of `assets/data`
values_at(node, path)                                                                    the values at a path
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.cases import ALWAYS, Cases
from aws_iam.engine.language.document import NO_HOLDER, Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.parsing.json_text import Syntax
    from aws_iam.engine.sources.containers.placeholders import Variants


@slotted
class FoundPolicy:
    """A policy document inside a larger file; `content` is a `Syntax` where the text should be a policy but is not JSON.

    Where values are known only at deployment, `unresolved` holds their JSON pointers and `variants` the same document
    with other values there. `other_side_of` names the place whose document this is when all conditions are false.
    `holder` is the resource of the file that has the document, `alternatives` are values that it may have instead, `cases` those
    in which it is as it was read, `roots` are the same policy in each folder that Terraform runs in, its `root`.
    """

    name: str
    content: Node | Syntax
    kind: Kind | None = None
    resource_type: str | None = None
    text: str | None = None
    variants: tuple[Node, ...] = ()
    unresolved: frozenset[str] = frozenset()
    # The words in those places, with what is written there.
    written: tuple[tuple[str, str], ...] = ()
    other_side_of: str = ""
    holder: Holder = NO_HOLDER
    alternatives: frozenset[Alternative] = frozenset()
    root: str = ""
    roots: tuple[FoundPolicy, ...] = ()
    cases: Cases = ALWAYS

    def filled(self, found: Variants) -> FoundPolicy:
        """The same with values in the place of what is not known."""
        return replace(
            self,
            content=found.nodes[0],
            text=None,
            variants=found.nodes[1:],
            unresolved=found.places,
            written=found.written,
        )


@slotted
class SkippedPlace:
    """A place that should hold a policy, and why none was checked there.

    `unreadable`: a part of the file that other values at deployment do not explain; `is_none`: there is no policy in force.
    """

    name: str
    why: str
    unreadable: bool = False
    is_none: bool = False


@slotted
class FoundResource:
    """A resource of a larger file, whether or not it has a policy; `root` is the folder that Terraform runs in.

    `own_name` is what AWS or a cluster knows it by, with its type, where the file gives it; `formerly` are the addresses that it
    had before, as the file says. `labels` are those by which others select it in a cluster.
    """

    name: str
    file: str | None = None
    root: str = ""
    own_name: str = ""
    formerly: tuple[str, ...] = ()
    labels: frozenset[tuple[str, str]] = frozenset()


@slotted
class PolicyPlace:
    """A path to policy documents, `Policies[].PolicyDocument`; `name` is the member next to a document that names it.

    `skip` says why the document there is not an IAM policy. `bare`: the service takes one statement, or a list of them,
    and builds the policy itself. `listed`: the list holds names of policies as well as documents. `targets` are the paths to
    the principals that a resource attaches its policy to.
    """

    path: str
    kind: Kind | None = None
    resource_type: str | None = None
    name: str = ""
    skip: str = ""
    bare: bool = False
    listed: bool = False
    targets: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> PolicyPlace:
        """The place that a row of `assets/data` describes."""
        fields = {k: v for k, v in row.items() if k not in {"type", "kind", "targets"}}
        kind = Kind(row["kind"]) if "kind" in row else None
        return cls(kind=kind, targets=tuple(row.get("targets", ())), **fields)


# 30 µs to 2 ns: a template asks for the places of every resource.
@cache
def places_by_type(file: str) -> Mapping[str, tuple[PolicyPlace, ...]]:
    """The places of each resource type in a data file of that name."""
    places: dict[str, tuple[PolicyPlace, ...]] = {}
    for row in resources.data(file)["policies"]:
        places[row["type"]] = (*places.get(row["type"], ()), PolicyPlace.of_row(row))
    return places


ORGANIZATION_KINDS: Mapping[str, Kind] = {
    "SERVICE_CONTROL_POLICY": Kind.SCP,
    "RESOURCE_CONTROL_POLICY": Kind.RCP,
}
"""The policy types of AWS Organizations that are IAM policies; backup, tag and other policies are not."""


def organization_place(path: str, policy_type: str) -> PolicyPlace:
    """The place of an organization's policy, whose kind follows from its type."""
    kind = ORGANIZATION_KINDS.get(policy_type)
    skip = "" if kind else f"a policy of type {policy_type}, not an IAM policy"
    return PolicyPlace(path=path, kind=kind, skip=skip)


def texts_at(node: Node, paths: Iterable[str]) -> Iterator[str]:
    """The strings at the paths."""
    for path in paths:
        yield from (v.text for _, v, _ in values_at(node, path) if v.form is Form.STRING)


def values_at(node: Node, path: str) -> Iterator[tuple[str, Node, Node]]:
    """Each value at the path: its path with list indexes, the value, and the object or list that holds it."""
    head, _, rest = path.partition(".")
    key = head.rstrip("[]")
    value = node.member(key)
    if value is None:
        return
    if not head.endswith("[]"):
        if not rest:
            yield key, value, node
            return
        for inner, found, holder in values_at(value, rest):
            yield f"{key}.{inner}", found, holder
        return
    for number, item in enumerate(value.listed()):
        place = f"{key}[{number}]" if value.form is Form.ARRAY else key
        if not rest:
            yield place, item, value
            continue
        for inner, found, holder in values_at(item, rest):
            yield f"{place}.{inner}", found, holder
