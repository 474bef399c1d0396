"""What decides about access in a larger file and is no policy, such as a bucket's block of public access.

AccessSetting(holder="Bucket", place="Bucket.PublicAccessBlockConfiguration", subject=…, value='{"BlockPublicPolicy": "true"}')
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form, walk
from aws_iam.engine.sources.containers.api_operations import documents_of_api, operations
from aws_iam.engine.sources.containers.cluster_admins import cluster_admins, embedded_values
from aws_iam.engine.sources.containers.policy_places import texts_at, values_at
from aws_iam.engine.sources.containers.workload_roles import workload_roles
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.answer import Where
    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Node

_DATA = "access-settings.json"
# Properties that say nothing about access.
_DESCRIPTIVE = frozenset({"Description", "Tags"})
_NOTHING = frozenset({"", "[]", "{}", "null"})
_SHOWN = 4
_CLUSTER = "cluster_access"
_NOBODY = "NONE"


@slotted
class SettingSubject:
    """What a setting is about, and the page that says what it does to access; `limits`: it only takes access away."""

    what: str
    source: str
    limits: bool = False


@slotted
class AccessSetting:
    """A setting of a resource, or a resource that is one as a whole; `value` is the same text for the same setting.

    With `only_changed` it comes and goes with its resource without saying anything about the access of others, and with `is_computed`
    by itself, as the provider writes it. Without
    `is_known` a part of the value is known only at deployment. `admins` are principals that it makes administrators of a
    cluster; `is_open`: it lets in whoever calls; `is_compared`: what changes by it was compared, as far as the files have that. `alternatives` are values that it may have instead, `memberships` each user who gets what a group has. `in_force` is that of its resource
    (`Holder`), `where` its line, where files have some, `root` the folder that Terraform runs in.
    """

    holder: str
    place: str
    subject: SettingSubject
    value: str
    only_changed: bool = False
    file: str | None = None
    where: Where | None = None
    is_known: bool = True
    in_force: bool | None = True
    root: str = ""
    admins: frozenset[str] = frozenset()
    alternatives: frozenset[Alternative] = frozenset()
    memberships: tuple[tuple[str, str], ...] = ()
    is_computed: bool = False
    is_open: bool = False
    is_compared: bool = False

    @property
    def is_resource(self) -> bool:
        """Whether it is a resource of its own, which may have any name."""
        return self.place == self.holder


@slotted
class SettingRow:
    """Where resources of a type have a setting: at `path`, or without one in all of their properties or those of `paths`.

    `grants` are the properties that say who gets access to what, which no policy says. The row is of those resources
    alone that have the value `called` at the path `called_at`. `users` and `groups` lead to who joins what; without `users` it is the resource. Nobody has to be authorized
    where the value is `open`, or there is none, but for the value `unless` at the path `unless_at`.
    """

    type: str
    subject: str
    path: str = ""
    paths: tuple[str, ...] = ()
    only_changed: bool = False
    grants: tuple[str, ...] = ()
    called_at: str = ""
    called: str = ""
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    open: str = ""
    unless_at: str = ""
    unless: str = ""


@cache
def _rows(file_format: str) -> Mapping[str, tuple[SettingRow, ...]]:
    found: dict[str, tuple[SettingRow, ...]] = {}
    rows: list[dict[str, Any]] = resources.data(_DATA)[file_format]
    for row in rows:
        lists = {name: tuple(row.get(name, ())) for name in ("paths", "grants", "users", "groups")}
        own = SettingRow(**(row | lists))
        found[own.type] = (*found.get(own.type, ()), own)
    return found


def setting_rows(file_format: str, type_: str) -> tuple[SettingRow, ...]:
    """Where resources of a type have settings, in templates (`cloudformation`) or plans (`terraform`)."""
    return _rows(file_format).get(type_, ())


@cache
def subject_named(name: str) -> SettingSubject:
    """What the settings of a row are about."""
    return SettingSubject(**resources.data(_DATA)["subjects"][name])


def attached_to_paths(type_: str) -> tuple[str, ...]:
    """The properties of a policy's own resource that name what the policy is attached to."""
    return tuple(resources.data(_DATA)["attached_to"].get(type_, ()))


def access_settings(
    file_format: str,
    type_: str,
    values: Node,
    holder: str,
    named: Callable[[str], str] = lambda _: "",
) -> Iterator[AccessSetting]:
    """The settings of a resource; `named` has the names of the resources that properties refer to."""
    for row in setting_rows(file_format, type_):
        if row.called and row.called not in texts_at(values, (row.called_at,)):
            continue
        paths = (row.path,) if row.path else row.paths or _properties(values)
        parts = {path: named(path) or _at(values, path) for path in paths}
        parts = {path: text for path, text in parts.items() if text not in _NOTHING}
        if row.open and not parts:
            parts = {row.path: row.open}
        if parts or not row.path:
            yield AccessSetting(
                holder=holder,
                place=f"{holder}.{row.path}" if row.path else holder,
                subject=subject_named(row.subject),
                value=json.dumps(parts, sort_keys=True),
                only_changed=row.only_changed,
                admins=_admins(row, values),
                is_open=_is_open(row, parts, values),
                memberships=tuple(
                    (user, group)
                    for user in (texts_at(values, row.users) if row.users else (holder,))
                    for group in texts_at(values, row.groups)
                ),
            )

    for name, document in documents_of_api(type_, values):
        yield from operation_settings(document, holder, f"{holder}.{name}")
    for own in role_settings(type_, values, holder, named):
        if not _has_row(file_format, type_, own.place.removeprefix(f"{holder}.")):
            yield own


def operation_settings(document: Node, holder: str, start: str) -> Iterator[AccessSetting]:
    """Who may call each operation of an OpenAPI document."""
    for place, security, is_open in operations(document):
        yield AccessSetting(
            holder=holder,
            place=f"{start}.{place}",
            subject=subject_named("api_authorization"),
            value=_NOBODY if security is None or is_open else canonical(security),
            only_changed=True,
            # One more operation for those who are authorized opens nothing to others.
            is_computed=not is_open,
            is_open=is_open,
        )


def _is_open(row: SettingRow, parts: Mapping[str, str], values: Node) -> bool:
    """Whether nobody has to be authorized."""
    if not row.open or parts[row.path].upper() != row.open:
        return False
    texts = texts_at(values, (row.unless_at,)) if row.unless else ()
    return row.unless not in {text.upper() for text in texts}


def role_settings(
    type_: str,
    values: Node,
    holder: str,
    named: Callable[[str], str] = lambda _: "",
    subject: str = "workload_role",
) -> Iterator[AccessSetting]:
    """Which roles something of a resource, or of a document, runs under."""
    for place, roles in workload_roles(type_, values).items():
        text = named(place) or " ".join(map(canonical, roles))
        if text not in _NOTHING:
            yield AccessSetting(
                holder=holder,
                place=f"{holder}.{place}" if holder else place,
                subject=subject_named(subject),
                value=json.dumps({place: text}),
                only_changed=True,
            )


def _has_row(file_format: str, type_: str, place: str) -> bool:
    """Whether a row is about the place, about what holds it, or about all of the resource."""
    for row in setting_rows(file_format, type_):
        paths = [path.replace("[]", "") for path in (row.path, *row.paths) if path]
        if not paths or f"{place.replace('[]', '')}.".startswith(tuple(f"{p}." for p in paths)):
            return True
    return False


def _admins(row: SettingRow, values: Node) -> frozenset[str]:
    """Whom a row about the access to a cluster makes an administrator of it."""
    if row.subject != _CLUSTER:
        return frozenset()
    found = [own for _, own, _ in values_at(values, row.path)] if row.path else [values]
    return frozenset(admin for own in found for admin in cluster_admins(own))


def granting_settings(
    file_format: str, type_: str, values: Node, holder: str
) -> Iterator[tuple[str, str]]:
    """Where a resource grants access without a policy, and what it grants to whom."""
    for row in setting_rows(file_format, type_):
        found = {path: _listed(values, path) for path in row.grants}
        named = [f"{path} {texts}" for path, texts in found.items() if texts]
        if named:
            place = f"{holder}.{row.path}" if row.path else holder
            yield (
                place,
                f"{subject_named(row.subject).what}, which is no policy: {'; '.join(named)}",
            )


def _listed(values: Node, path: str) -> str:
    texts = [text for _, value, _ in values_at(values, path) for text in _texts(value)]
    return joined([quoted(text) for text in texts], shown=_SHOWN)


def _texts(node: Node) -> Iterator[str]:
    return (own.text for own in walk(node) if own.text)


def _properties(values: Node) -> tuple[str, ...]:
    return tuple(member.key for member in values.members if member.key not in _DESCRIPTIVE)


def _at(values: Node, path: str) -> str:
    return " ".join(canonical(value) for _, value, _ in values_at(values, path))


def canonical(node: Node) -> str:
    """The same text for the same value: names and lists in order, `true` and `"true"` alike, and lists in YAML as text."""
    if node.form is Form.OBJECT:
        named = {member.key: canonical(member.value) for member in node.members}
        return json.dumps(named, sort_keys=True)
    if node.form is Form.ARRAY:
        return json.dumps(sorted(map(canonical, node.items)))
    inner = embedded_values(node.text) if node.text.lstrip().startswith("- ") else None
    return node.text if inner is None else canonical(inner)
