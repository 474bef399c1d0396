"""The policies that a case asks, by layer: given in the call, in the file of cases, or in files that it names.

document: policy.json                               a file beside the file of cases
document: {file: main.tf, policy: aws_iam_role_policy.app}      one policy, or several, of those in it
policies: {identity: AdministratorAccess, scp: [[FullAWSAccess, guardrail.json]]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.sides.policy_pairs import is_named
from aws_iam.engine.evaluation.layers import KIND_OF_LAYER, LEVELLED
from aws_iam.engine.language.document import Kind, Policy, Source, policy_of
from aws_iam.engine.parsing.json_nodes import Form, Node, rooted
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.reference.named_policies import policy_named
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.sources.gathered import Gathered
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.policy_layers import layer_named
from aws_iam.tools.policy.cases.cases_file import plain_value
from aws_iam.tools.policy.cases.given_values import with_given_values
from aws_iam.tools.policy.cases.picked_policies import Held, names_of, together
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.gathered import Unread

_NAMED = 10
_MODULE = re.compile(r"module\.[^.\[]+(?:\[[^\]]*\])?\.")
_REFERENCE = frozenset({"file", "policy", "values"})
_LAYER_OF_KIND = {
    Kind.SCP: "scp",
    Kind.RCP: "rcp",
    Kind.BOUNDARY: "boundary",
    Kind.SESSION: "session",
    Kind.RESOURCE: "resource",
    Kind.TRUST: "resource",
}


@slotted
class AskedPolicy:
    """A policy in its layer and level, with the place in the input by which a decision names it."""

    layer: str
    level: int
    source: Source
    # The same policy as the conditions of its template may make it otherwise.
    others: tuple[Source, ...] = ()
    pointer: str = ""


@slotted
class AskedPolicies:
    """The policies of a case, the layers given as null, and what was not read of the documents that hold them."""

    policies: tuple[AskedPolicy, ...] = ()
    unreadable: frozenset[str] = frozenset()
    # Every layer that exists: one may be there without a policy.
    layers: frozenset[str] = frozenset()
    not_judged: tuple[Unread, ...] = ()

    def under(self, other: AskedPolicies) -> AskedPolicies:
        """These, with the layers of `other` in the place of the same ones here."""
        kept = self.layers - other.layers
        return AskedPolicies(
            policies=(*(own for own in self.policies if own.layer in kept), *other.policies),
            unreadable=(self.unreadable & kept) | other.unreadable,
            layers=self.layers | other.layers,
            not_judged=tuple(dict.fromkeys((*self.not_judged, *other.not_judged))),
        )


@dataclass(slots=True)
class PolicyReader:
    """Reads the policies of cases, each file once; `files` opens those that a file of cases names, on the command line only."""

    files: Files | None = None
    _read: dict[tuple[str, str, tuple[tuple[str, str], ...]], Gathered] = field(
        default_factory=dict
    )

    def of_fields(self, fields: Mapping[str, Node], cases: str) -> AskedPolicies:
        """The policies of the fields `document`, `policies`, `policy` and `values` of a file of cases, or of one case."""
        values = _values(fields["values"]) if "values" in fields else {}
        picks = _picks(fields["policy"]) if "policy" in fields else ()
        found = AskedPolicies()
        if "document" in fields:
            held = self._held(fields["document"], cases, values)
            found = self._by_kind(held.picked(picks))
        elif picks or (values and "policies" not in fields):
            raise InputError(
                "`policy` and `values` are about a `document`",
                hint="name the file, or give the policy, as `document`; `policy` picks one of several in it",
            )
        if "policies" in fields:
            found = _beside(found, self._by_layer(fields["policies"], cases, values))
        return found

    def of_arguments(self, document: Any, policies: Any, policy: str | None) -> AskedPolicies:
        """The policies of the arguments of a call, for all cases that name none."""
        found = AskedPolicies()
        if document is not None:
            held = Held(gathered=gathered(document))
            found = self._by_kind(held.picked((policy,) if policy else ()))
        elif policy:
            raise InputError("`policy` picks one of a `document`", hint="give `document`")
        if policies is not None:
            found = _beside(found, self._by_layer(from_value(policies), "", {}))
        return found

    def _by_layer(self, node: Node, cases: str, values: Mapping[str, str]) -> AskedPolicies:
        if node.form is not Form.OBJECT or node.member("Statement"):
            raise InputError(
                "`policies` must be an object of layers",
                hint="such as {identity: FILE, scp: FILE}; a policy by itself is a `document`",
            )
        found = AskedPolicies()
        for member in node.members:
            layer = layer_named(member.key)
            if layer is None:
                raise InputError(
                    f"{quoted(member.key)} is not a layer",
                    hint=f"the layers are {', '.join(f'`{own}`' for own in KIND_OF_LAYER)}",
                )
            if layer in found.layers:
                raise InputError(f"the layer `{layer}` is given twice", hint="give it once")
            found = found.under(self._layer(layer, member.value, cases, values))
        return found

    def _layer(
        self, layer: str, node: Node, cases: str, values: Mapping[str, str]
    ) -> AskedPolicies:
        if node.form is Form.NULL:
            return AskedPolicies(unreadable=frozenset({layer}), layers=frozenset({layer}))
        levels = node.listed() if layer in LEVELLED else (node,)
        placed: list[AskedPolicy] = []
        not_judged: list[Unread] = []
        for level, holder in enumerate(levels):
            for item in holder.listed():
                held = self._held(item, cases, values)
                chosen, unread = held.chosen(KIND_OF_LAYER[layer])
                placed += (
                    AskedPolicy(layer=layer, level=level, source=own.source, others=own.others)
                    for own in chosen
                )
                not_judged += unread
        return AskedPolicies(
            policies=tuple(placed), layers=frozenset({layer}), not_judged=tuple(not_judged)
        )

    @staticmethod
    def _by_kind(held: Held) -> AskedPolicies:
        """The policies of a document, each in the layer of its kind."""
        chosen, unread = held.chosen()
        placed = tuple(
            AskedPolicy(layer=_layer_of(own.source), level=0, source=own.source, others=own.others)
            for own in chosen
        )
        if len([own for own in placed if own.layer == "resource"]) > 1 and is_named(
            [own.source for own in placed]
        ):
            raise InputError(
                "a request is for one resource, and these are the policies of several:"
                f" {names_of([own.source for own in placed if own.layer == 'resource'])}",
                hint="pick one with `policy`",
            )
        return AskedPolicies(
            policies=placed,
            layers=frozenset(own.layer for own in placed),
            not_judged=tuple(unread),
        )

    def _held(self, node: Node, cases: str, values: Mapping[str, str]) -> Held:
        """What a node stands for: a policy, a list, the name of one of AWS's, or a file, all or one policy of it."""
        if node.form is Form.ARRAY:
            return together([self._held(item, cases, values) for item in node.items])
        if node.form is Form.OBJECT and node.member("Statement"):
            policy = policy_of(rooted(node), None, None)
            source = Source(name="", content=policy, file=cases or None)
            return Held(gathered=Gathered(sources=(source,)))
        if _is_reference(node):
            file, own = node.member("file"), node.member("values")
            if file is None or file.string() is None:
                raise InputError("`file` must be the name of a file")
            given = {**values, **(_values(own) if own else {})}
            held = Held(gathered=self._file(file.text, cases, given))
            return held.picked(_picks(node.member("policy")))
        if node.string() is None:
            if node.form is not Form.OBJECT:
                raise InputError(f"a policy is an object or the name of a file, not {node.form}")
            return Held(gathered=gathered(plain_value(node)))
        return Held(gathered=self._named(node.text, cases, values))

    def _named(self, text: str, cases: str, values: Mapping[str, str]) -> Gathered:
        if text.lstrip().startswith(("{", "[", "arn:")):
            return gathered(text)
        if known := policy_named(text):
            return gathered(known)
        return self._file(text, cases, values)

    def _file(self, name: str, cases: str, values: Mapping[str, str]) -> Gathered:
        if self.files is None:
            raise InputError(
                f"{quoted(name)} would be a file, which cases name on the command line only",
                hint="give the policy itself, or the name of an AWS managed policy",
            )
        key = (cases, name, tuple(sorted(values.items())))
        if key not in self._read:
            found = self.files.beside(cases, name)
            if found is None:
                raise InputError(f"the file {quoted(name)} cannot be read")
            held = gathered(_with_values(found, values))
            sources = tuple(with_given_values(own, values) for own in held.sources)
            self._read[key] = replace(held, sources=sources)
        return self._read[key]


def _beside(document: AskedPolicies, by_layer: AskedPolicies) -> AskedPolicies:
    """The policies of a document, and those that are given by layer."""
    if twice := document.layers & by_layer.layers:
        raise InputError(
            f"`document` and `policies` both have the layer {joined(sorted(twice))}",
            hint="give its policies in one of them",
        )
    return document.under(by_layer)


def _is_reference(node: Node) -> bool:
    names = {member.key for member in node.members}
    return node.form is Form.OBJECT and "file" in names and names <= _REFERENCE


def _picks(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    words = [item.string() for item in node.listed()]
    if not words or not all(word is not None and word.text for word in words):
        raise InputError("`policy` must be the name of a policy, or a list of names")
    return tuple(word.text for word in words if word is not None)


def _values(node: Node) -> dict[str, str]:
    """The values of variables and parameters to read a document with."""
    if node.form is not Form.OBJECT or any(m.value.scalar() is None for m in node.members):
        raise InputError("`values` must be an object of names, each with a text or a number")
    return {member.key: member.value.text for member in node.members}


def _with_values(found: Files, values: Mapping[str, str]) -> Files:
    """The files with these values of parameters, of options, and of the variables of Terraform's root folder."""
    if not values:
        return found
    # Terraform reads a file of this name by itself, after all others.
    import json

    variables = {name: text for name, text in values.items() if name.isidentifier()}
    folder = found.folder or (found.files[0].name.rpartition("/")[0] if found.files else "")
    name = f"{folder}/zz-cases.auto.tfvars.json" if folder else "zz-cases.auto.tfvars.json"
    named = (File(name=name, text=json.dumps(variables)),) if variables else ()
    terraform = any(file.name.endswith((".tf", ".tofu")) for file in found.files)
    return replace(
        found,
        files=(*found.files, *(named if terraform else ())),
        choices={**found.choices, **values},
    )


def _layer_of(source: Source) -> str:
    content = source.content
    if not isinstance(content, Policy):
        return "identity"
    if any(own.principals or own.not_principals for own in content.statements):
        return "rcp" if content.kind is Kind.RCP else "resource"
    if content.kind is Kind.BOUNDARY and not source.holder.type:
        # Guessed from the name of its file alone: it is written as any policy of a caller.
        return "identity"
    return _LAYER_OF_KIND.get(content.kind, "identity")


def policies_asked(policies: AskedPolicies) -> Iterator[AskedPolicy]:
    """The policies with the places by which decisions name them: `/scp/0/1`."""
    counts: dict[tuple[str, int], int] = {}
    for own in policies.policies:
        number = counts.get((own.layer, own.level), 0)
        counts[own.layer, own.level] = number + 1
        level = f"/{own.level}" if own.layer in LEVELLED else ""
        yield replace(own, pointer=f"/{own.layer}{level}/{number}")
