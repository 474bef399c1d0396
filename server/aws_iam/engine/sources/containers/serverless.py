"""Policies in files of the Serverless Framework: of its role, of single functions, of the API, and in CloudFormation resources.

    provider.iam.role.statements, functions.NAME.iamRoleStatements, provider.apiGateway.resourcePolicy, resources.Resources,
    functions.NAME.url

The framework makes a template of the file; so does this module, and CloudFormation's reader reads it.
https://www.serverless.com/framework/docs/providers/aws/guide/iam
"""

from __future__ import annotations

import json
from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.sources.containers import cloudformation
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    canonical,
    role_settings,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.embedded_documents import bare_policy
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.other_files import NO_CHOICES, OtherFiles
from aws_iam.engine.sources.containers.placeholders import Placeholders
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    SkippedPlace,
)
from aws_iam.engine.sources.containers.serverless_variables import Variables
from aws_iam.engine.sources.template_holes import offsets_in
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.language.alternatives import Alternative

NAME = "Serverless Framework file"
_ROLE, _API, _FUNCTION = "AWS::IAM::Role", "AWS::ApiGateway::RestApi", "AWS::Serverless::Function"
_PROVIDER = "provider"
# The plugin that gives functions roles of their own.
_PER_FUNCTION = "serverless-iam-roles-per-function"
_STATEMENTS, _MANAGED, _BOUNDARY = "Policies", "ManagedPolicyArns", "PermissionsBoundary"
_DOCUMENT, _OF_THE_API = f"{_STATEMENTS}[0]", "Policy"
_URL = "FunctionUrlConfig"
_PROPERTIES = (_DOCUMENT, _OF_THE_API, _MANAGED, _BOUNDARY, _URL)
# https://github.com/functionalone/serverless-iam-roles-per-function
_INHERITED = "iamRoleStatementsInherit"
_API_EVENTS = {"http": ("authorizer", "private"), "httpApi": ("authorizer",)}
_OF_PROVIDER = {
    _STATEMENTS: ("iam.role.statements", "iamRoleStatements"),
    _MANAGED: ("iam.role.managedPolicies", "iamManagedPolicies"),
    _BOUNDARY: (
        "iam.role.permissionsBoundary",
        "iam.role.permissionBoundary",
        "rolePermissionsBoundary",
        "permissionsBoundary",
    ),
}
_OF_FUNCTION = {
    _STATEMENTS: ("iamRoleStatements",),
    _MANAGED: ("iamManagedPolicies",),
    _BOUNDARY: ("iamPermissionsBoundary",),
}
_OF_API = ("apiGateway.resourcePolicy", "resourcePolicy")
# A role that stands elsewhere: the second is the older name of the first.
_STATE_MACHINES = "stepFunctions"
_EXISTING = ("iam.role", "role")
# https://www.serverless.com/framework/docs/providers/aws/guide/iam#the-cloudformation-service-role
_DEPLOYING = ("iam.deploymentRole", "cfnRole")
_AUTHORIZED, _PUBLIC = "aws_iam", "NONE"
# Sections that are read above, and those without policies.
_READ = frozenset({_PROVIDER, "functions", "resources"})


def fits(root: Node) -> bool:
    """Whether it has a service on AWS, with what the framework deploys."""
    if root.form is not Form.OBJECT or root.member("service") is None:
        return False
    provider = root.member(_PROVIDER)
    name = provider.member("name") if provider else None
    if provider is None or (name is not None and name.text not in {"", "aws"}):
        return False
    return name is not None or any(
        map(root.member, ("functions", "resources", "frameworkVersion"))
    )


def documents_beside(
    root: Node,
    placeholders: Placeholders | None,
    others: OtherFiles,
    choices: Mapping[str, str] = NO_CHOICES,
) -> Iterator[object]:
    """The policies of the framework's roles, of the API and of the resources, then what else looks like a policy.

    The file takes some from `others`; `choices` are values of options and parameters.
    """
    placeholders = placeholders or Placeholders.unused_in(root)
    file = _File(root, Variables(root, placeholders, others, choices))
    made = tuple(file.resources())
    unread = [found for found in made if isinstance(found, SkippedPlace)]
    resources = [found for found in made if isinstance(found, _Made)]
    own = tuple(file.own_resources(unread))
    template = _template([*(found.member for found in resources), *own], file, root)
    holders = {found.path: found.holder for found in resources}
    read: set[int] = set()
    noted = file.variables.noted
    for found in cloudformation.documents_with(template, placeholders, noted, choices):
        if isinstance(found, FoundPolicy):
            read |= set(_statements(found))
        yield file.with_alternatives(_at_its_path(found, holders))
    yield from unread
    yield from file.existing_roles()
    yield from file.further_roles()
    yield from file.events()
    yield from file.inherited()
    for member in root.members:
        for policy in policies_in(member.value) if member.key not in _READ else ():
            found_ = policy.named(".".join(filter(None, (member.key, policy.dotted_path))))
            if isinstance(found_, SkippedPlace) or not read.intersection(_statements(found_)):
                yield found_


@positional
class _Made:
    """A resource that the framework makes of one value of the file; its logical id is the path of the value."""

    path: str
    holder: str
    member: Member


@positional
class _File:
    root: Node
    variables: Variables
    # What may stand in place of the policies that a list attaches.
    attached: dict[str, frozenset[Alternative]] = field(default_factory=dict)

    def with_alternatives(self, found: object) -> object:
        """What was found, with what may stand in place of its values at deployment."""
        noted = self.variables.noted
        if isinstance(found, FoundPolicy) and noted and isinstance(found.content, Node):
            offsets = frozenset(offsets_in(found.content))
            own = frozenset(own for at, own in noted if at & offsets)
            return replace(found, alternatives=found.alternatives | own)
        if isinstance(found, PolicyAttachment):
            own = self.attached.get(found.place, frozenset())
            return replace(found, alternatives=found.alternatives | own)
        return found

    def resources(self) -> Iterator[_Made | SkippedPlace]:
        """The roles of the provider and of functions, and the API, as resources; and what of them is in other files."""
        provider = self._section(_PROVIDER)
        if provider is not None and provider.form is Form.OBJECT:
            yield from self._role(_PROVIDER, _PROVIDER, provider, _OF_PROVIDER)
            yield from self._api(provider)
        functions = self._section("functions")
        for part in functions.listed() if functions is not None else ():
            if self._is_unknown(part) and self._has_roles_per_function():
                yield self._elsewhere("functions", part)
        for name, written in self._functions():
            function = self.variables.value(written)
            if self._is_unknown(function) and self._has_roles_per_function():
                yield self._elsewhere(f"functions.{name}", function)
            yield from self._role(name, f"functions.{name}", function, _OF_FUNCTION)
            yield from self._url(name, function)

    def existing_roles(self) -> Iterator[AccessSetting]:
        """The roles of the provider and of functions that are not of this file; none is told from one."""
        provider = self._section(_PROVIDER)
        sections: list[tuple[str, str, Node, tuple[str, ...]]] = []
        if provider is not None:
            sections.append((_PROVIDER, _PROVIDER, provider, _EXISTING))
        sections += [(n, f"functions.{n}", f, _EXISTING[1:]) for n, f in self._functions()]
        for holder, path, section, places in sections:
            yield self._role_of("workload_role", holder, path, section, places)
        if provider is not None:
            own = (_PROVIDER, _PROVIDER, provider, _DEPLOYING)
            yield self._role_of("deployment_role", *own)

    def _role_of(
        self, subject: str, holder: str, path: str, section: Node, places: tuple[str, ...]
    ) -> AccessSetting:
        """The role at the first of the places that has one, or that there is none."""
        before = len(self.variables.noted)
        found = (self._value(section, place) for place in places)
        role = next((own for own in found if own is not None and _is_reference(own)), None)
        others = frozenset(own for _, own in self.variables.noted[before:])
        return AccessSetting(
            holder=holder,
            place=f"{path}.{places[0]}",
            subject=subject_named(subject),
            value=self.variables.shown(canonical(role)) if role is not None else "",
            only_changed=True,
            alternatives=others if role is not None else frozenset(),
        )

    def further_roles(self) -> Iterator[AccessSetting]:
        """The roles of what starts functions, and of the state machines of a plugin.

        https://www.serverless.com/plugins/serverless-step-functions
        """
        parts = [(f"functions.{name}.events", name, own) for name, own in self._events()]
        machines = self._section(_STATE_MACHINES)
        if machines is not None:
            parts.append((_STATE_MACHINES, _STATE_MACHINES, machines))
        for path, holder, own in parts:
            for setting in role_settings("serverless", own, path):
                yield replace(setting, holder=holder, value=self.variables.shown(setting.value))

    def _events(self) -> Iterator[tuple[str, Node]]:
        for name, written in self._functions():
            events = self._value(self.variables.value(written), "events")
            if events is not None:
                yield name, events

    def events(self) -> Iterator[AccessSetting]:
        """Who may call each path of an API: by its authorizer, and whether it takes a key.

        https://www.serverless.com/framework/docs/providers/aws/events/apigateway
        https://www.serverless.com/framework/docs/providers/aws/events/http-api
        """
        for name, events in self._events():
            for event in events.items:
                for type_, keys in _API_EVENTS.items():
                    own = self._value(event, type_)
                    if own is None:
                        continue
                    parts = {key: self._value(own, key) for key in keys}
                    path = self._called(own)
                    yield AccessSetting(
                        holder=name,
                        place=f"functions.{name}.events.{type_}({path})",
                        subject=subject_named("api_event"),
                        value=self.variables.shown(
                            json.dumps(
                                {k: canonical(v) for k, v in parts.items() if v is not None}
                            )
                        ),
                        only_changed=True,
                        is_open=not any(map(_is_asked_for, parts.values())),
                    )

    def _called(self, event: Node) -> str:
        """The method and the path of an event."""
        if event.form is Form.STRING:
            return event.text
        found = (self._value(event, key) for key in ("method", "path"))
        return " ".join(own.text for own in found if own is not None)

    def inherited(self) -> Iterator[AccessSetting]:
        """Whether the role of a function has the provider's statements, too, where functions have roles of their own."""
        for name, written in self._functions():
            if not self._has_roles_per_function():
                return
            value = self._value(self.variables.value(written), _INHERITED)
            text = value.text.lower() if value is not None else ""
            yield AccessSetting(
                holder=name,
                place=f"functions.{name}.{_INHERITED}",
                subject=subject_named("workload_role"),
                value="" if text == "false" else self.variables.shown(text),
                only_changed=True,
            )

    def _functions(self) -> Iterator[tuple[str, Node]]:
        """The functions by name, as they are written."""
        section = self._section("functions")
        for part in section.listed() if section is not None else ():
            known = self.variables.value(part) if part.form is Form.STRING else part
            yield from ((own.key, own.value) for own in known.members)

    def _url(self, name: str, function: Node) -> Iterator[_Made | SkippedPlace]:
        """The URL of a function: without an authorizer everybody may call it.

        https://www.serverless.com/framework/docs/providers/aws/guide/functions#aws-lambda-function-urls
        """
        url, path = self._value(function, "url"), f"functions.{name}.url"
        if url is None or url.text.lower() == "false":
            return
        if self._is_unknown(url):
            yield self._elsewhere(path, url)
            return
        authorizer = url.member("authorizer")
        kind = authorizer.text if authorizer is not None else _PUBLIC
        if authorizer is not None and self._is_unknown(authorizer):
            yield self._elsewhere(f"{path}.authorizer", authorizer)
            return
        if kind and kind != _AUTHORIZED:
            kind = _PUBLIC
        config = _object(url.at, (("AuthType", string(kind, url.at)),))
        yield _made(name, _FUNCTION, _URL, config, path)

    def own_resources(self, unread: list[SkippedPlace]) -> Iterator[Member]:
        """The resources in CloudFormation's language; `unread` gets those in other files."""
        section = self._section("resources")
        for number, part in enumerate(section.listed() if section is not None else ()):
            own = self.variables.value(part)
            is_list = section is not None and section.form is Form.ARRAY
            path = f"resources[{number}]" if is_list else "resources"
            for name in ("", "Resources", "extensions"):
                found = own.member(name) if name else own
                if found is None:
                    continue
                if self._is_unknown(found):
                    unread.append(self._elsewhere(f"{path}.{name}".rstrip("."), found))
                elif name and found.form is Form.OBJECT:
                    yield from found.members

    def section(self, part: str) -> Iterator[Member]:
        """The members of a section of the CloudFormation part, such as its parameters."""
        section = self._section("resources")
        for own in section.listed() if section is not None else ():
            found = own.member(part)
            yield from self.variables.value(found).members if found is not None else ()

    def _section(self, name: str) -> Node | None:
        found = self.root.member(name)
        if found is None or found.form is not Form.STRING:
            return found
        return self.variables.value(found)

    def _role(
        self, holder: str, path: str, section: Node, places: Mapping[str, tuple[str, ...]]
    ) -> Iterator[_Made | SkippedPlace]:
        for key, alternatives in places.items():
            for written in alternatives:
                before = len(self.variables.noted)
                value = self._value(section, written)
                if value is None:
                    continue
                here = f"{path}.{written}"
                self.attached[here] = frozenset(own for _, own in self.variables.noted[before:])
                if key is not _STATEMENTS:
                    yield _made(holder, _ROLE, key, value, here)
                    continue
                yield from self._statements(holder, _ROLE, here, value)

    def _api(self, provider: Node) -> Iterator[_Made | SkippedPlace]:
        for written in _OF_API:
            value = self._value(provider, written)
            if value is not None:
                yield from self._statements(_PROVIDER, _API, f"{_PROVIDER}.{written}", value)

    def _statements(
        self, holder: str, type_: str, path: str, value: Node
    ) -> Iterator[_Made | SkippedPlace]:
        """The policy of a list of statements, without those that are in other files."""
        if self._is_unknown(value):
            yield self._elsewhere(path, value)
            return
        items: list[Node] = []
        for number, item in enumerate(value.listed()):
            # A reference to a list of statements within a list of statements.
            for inner in item.listed():
                if self._is_unknown(inner):
                    yield self._elsewhere(f"{path}[{number}]", inner)
                else:
                    items.append(inner)
        if not items:
            return
        listed = Node(
            form=Form.ARRAY, stand=value.at, items=tuple(map(_numbered, enumerate(items)))
        )
        policy = bare_policy(listed)
        if isinstance(policy, Node):
            yield _made(
                holder, type_, _STATEMENTS if type_ == _ROLE else _OF_THE_API, policy, path
            )

    def _value(self, section: Node, path: str) -> Node | None:
        found: Node | None = section
        for step in path.split("."):
            if found is not None and found.form is Form.STRING:
                found = self.variables.value(found)
            found = found.member(step) if found is not None else None
        if found is None or found.form is Form.NULL:
            return None
        return self.variables.value(found)

    def _is_unknown(self, node: Node) -> bool:
        text = node.text
        return node.form is Form.STRING and self.variables.placeholders.within(text)

    def _elsewhere(self, path: str, node: Node) -> SkippedPlace:
        shown = self.variables.shown(node.text)
        if "file(" in shown:
            return SkippedPlace(
                name=path,
                why=f"`{shown[:200]}` is another file, which is not read for it",
            )
        return SkippedPlace(name=path, why=f"`{shown[:200]}` is known only at deployment")

    def _has_roles_per_function(self) -> bool:
        plugins = self.root.member("plugins")
        modules = plugins.member("modules") if plugins else None
        listed = (modules or plugins).listed() if plugins else ()
        return any(plugin.text == _PER_FUNCTION for plugin in listed)


def _is_asked_for(value: Node | None) -> bool:
    """Whether an authorizer or a key is asked for."""
    return value is not None and value.text.lower() not in {"false", "none"}


def _is_reference(role: Node) -> bool:
    """Whether a role is an ARN, a name or a function that returns one, not one that the file describes."""
    if role.form is Form.OBJECT:
        return any(member.key == "Ref" or member.key.startswith("Fn::") for member in role.members)
    return role.form is Form.STRING


def _numbered(numbered: tuple[int, Node]) -> Node:
    number, node = numbered
    return node.but(stand=Place(node.at.parent, number, node.at.spot, node.at.lines))


def _made(holder: str, type_: str, key: str, value: Node, path: str) -> _Made:
    at = value.at
    if key == _STATEMENTS:
        document = _object(at, (("PolicyDocument", value),))
        value = Node(form=Form.ARRAY, stand=at, items=(document,))
    properties = _object(at, ((key, value),))
    resource = _object(at, (("Type", string(type_, at)), ("Properties", properties)))
    return _Made(path, holder, _member(path, resource))


def _template(resources: list[Member], file: _File, root: Node) -> Node:
    sections = [
        ("Resources", Node(form=Form.OBJECT, stand=root.at, members=tuple(resources))),
        *(
            (part, Node(form=Form.OBJECT, stand=root.at, members=tuple(file.section(part))))
            for part in ("Parameters", "Mappings", "Conditions")
        ),
    ]
    return _object(root.at, tuple(sections))


def _object(at: Place, members: tuple[tuple[str, Node], ...]) -> Node:
    return Node(
        form=Form.OBJECT, stand=at, members=tuple(_member(key, value) for key, value in members)
    )


def _member(key: str, value: Node) -> Member:
    at = value.at
    return Member.named(string(key, Place(at.parent, key, at.spot, at.lines)), value)


def _at_its_path(found: object, holders: Mapping[str, str]) -> object:
    """What was found, named by where it stands in the file instead of in the template."""

    def renamed(name: str) -> str:
        for written in _PROPERTIES:
            end = name.find(f".{written}")
            if end > 0 and name[:end] in holders:
                return name[:end] + name[end + 1 + len(written) :]
        return name

    match found:
        case FoundPolicy():
            holder = replace(found.holder, name=holders.get(found.holder.name, found.holder.name))
            other = found.other_side_of and renamed(found.other_side_of)
            return replace(found, name=renamed(found.name), holder=holder, other_side_of=other)
        case PolicyAttachment() | AccessSetting():
            name = holders.get(found.holder, found.holder)
            return replace(found, place=renamed(found.place), holder=name)
        case FoundResource():
            return replace(found, name=holders.get(found.name, found.name))
        case SkippedPlace():
            return replace(found, name=renamed(found.name))
        case _:
            return found


def _statements(found: FoundPolicy) -> Iterator[int]:
    """Where the statements of a policy stand."""
    content = found.content
    body = content.member("Statement") if isinstance(content, Node) else None
    yield from (item.at.offset for item in (body.listed() if body else ()))
