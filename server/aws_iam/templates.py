"""The policy templates: list them, show one unfilled, fill one.

A template is a pasteable JSON file in `assets/policy-templates/`, described in the `index.json` beside it. Its
placeholders are written `{{Name}}`; `${…}` is an IAM policy variable and stays. Filling works on the parsed JSON, so no
value can end a string, and every value is checked against the form that its parameter declares.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.aws_names import checked_account, checked_name
from aws_iam.engine.reference.regions import partition_of
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = "assets/policy-templates"
PLACEHOLDER = re.compile(r"\{\{([A-Z][A-Za-z0-9]*)\}\}")
_MOST_VALUES = 100
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_SHORT = {
    "org": "organization",
    "orgs": "organizations",
    "repo": "repository",
    "env": "environment",
}
_GENERAL = frozenset({"id", "arn", "name", "number", "aws"})

Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A placeholder: what it stands for, the form of its value, and a sample; `many` accepts a list."""

    name: str
    description: str
    form: str
    sample: tuple[str, ...]
    many: bool = False
    default: str | None = None
    optional: bool = False
    """Whether the conditions that have the placeholder are left out when there is no value."""

    @property
    def required(self) -> bool:
        """Whether the caller must set it; the partition follows from Regions and ARNs."""
        return self.default is None and self.form != "partition" and not self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The code of a finding that the template causes on purpose, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A policy with placeholders, and what to know before pasting it."""

    name: str
    title: str
    keywords: tuple[str, ...]
    """What else people call it: a search reads them beside name and title."""
    kind: str
    when: str
    source: str
    parameters: tuple[Parameter, ...]
    accepted: tuple[Accepted, ...] = ()

    @property
    def text(self) -> str:
        """The file as it is, placeholders included."""
        return resources.text(f"{FOLDER}/{self.name}.json")

    @property
    def samples(self) -> dict[str, str | list[str]]:
        """A value for every placeholder, as a caller would pass them."""
        return {
            parameter.name: list(parameter.sample) if parameter.many else parameter.sample[0]
            for parameter in self.parameters
        }


def listed() -> tuple[Template, ...]:
    """Every template, in the order of the index."""
    index = json.loads(resources.text(f"{FOLDER}/index.json"))
    return tuple(_template(row) for row in index["templates"])


def template(name: str) -> Template:
    """The template of that name, with or without `.json`."""
    found = named(name)
    if found:
        return found
    near = closest(name.removesuffix(".json"), [template.name for template in listed()])
    raise InputError(
        f"there is no template {quoted(name)}",
        hint=f"did you mean `{near}`?" if near else "leave out `name` to list them",
    )


def named(name: str) -> Template | None:
    """The template whose name has the same letters and digits, such as `Region restriction`; None if there is none."""
    wanted = _letters(name.removesuffix(".json"))
    return next((template for template in listed() if _letters(template.name) == wanted), None)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def fill(chosen: Template, given: Mapping[str, Any]) -> str:
    """The template with every placeholder filled, as JSON; rejects unknown, missing and malformed values by name."""
    given = named_values(chosen, given)
    _reject_unknown(chosen, given)
    values = {
        parameter.name: _checked_values(parameter, given[parameter.name])
        for parameter in chosen.parameters
        if parameter.name in given
    }
    missing = _missing(chosen, values)
    if missing:
        names = _described(missing)
        samples = {absent.name: chosen.samples[absent.name] for absent in missing}
        raise InputError(
            f"`{chosen.name}` needs {names}",
            hint=f"such as {json.dumps(samples)}",
        )
    defaults = {
        parameter.name: (parameter.default,)
        for parameter in chosen.parameters
        if parameter.default
    }
    complete = _with_partition(chosen, {**defaults, **values})
    content = _without(json.loads(chosen.text), left_out(chosen, values))
    return json.dumps(_filled(content, complete), indent=2, ensure_ascii=False)


def can_fill(chosen: Template, given: Mapping[str, Any]) -> bool:
    """Whether the values fill the template: all it needs, and each well formed."""
    try:
        fill(chosen, given)
    except InputError:
        return False
    return True


def named_values(chosen: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values by placeholder: people write `organization` or `org_id` for OrganizationId; other names stay."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        meant = _placeholder(chosen, name)
        if meant in found:
            raise InputError(
                f"{quoted(name)} is `{meant}`, which has a value", hint="give it once"
            )
        found[meant] = value
    return found


def _placeholder(chosen: Template, name: str) -> str:
    """The placeholder that a name means: written alike, else the only one that is the same but for id, name or number."""
    words = _words(name)
    for alike in (_whole, _stem):
        meant = [own.name for own in chosen.parameters if alike(_words(own.name)) == alike(words)]
        if len(meant) == 1:
            return meant[0]
    return name


def _words(name: str) -> list[str]:
    """`AWSAccount_ids` → aws, account, ids; short forms in full."""
    parts = _WORDS.findall(name)
    return [_SHORT.get(part.lower(), part.lower()) for part in parts]


def _whole(words: list[str]) -> str:
    return "".join(words)


def _stem(words: list[str]) -> str:
    kept = [word for word in words if not {word, word.removesuffix("s")} & _GENERAL]
    return "".join(kept or words).removesuffix("s")


def _missing(chosen: Template, given: Iterable[str]) -> list[Parameter]:
    named = set(given)
    return [own for own in chosen.parameters if own.required and own.name not in named]


def _described(parameters: Iterable[Parameter]) -> str:
    return ", ".join(f"`{own.name}` ({own.description})" for own in parameters)


def left_out(chosen: Template, given: Iterable[str]) -> frozenset[str]:
    """The optional placeholders without a value."""
    names = {name.lower() for name in given}
    return frozenset(
        p.name for p in chosen.parameters if p.optional and p.name.lower() not in names
    )


def _template(row: dict[str, Any]) -> Template:
    parameters = tuple(
        Parameter(
            name=parameter["name"],
            description=parameter["description"],
            form=parameter["form"],
            sample=tuple(parameter["sample"])
            if isinstance(parameter["sample"], list)
            else (parameter["sample"],),
            many=parameter.get("many", False),
            default=parameter.get("default"),
            optional=parameter.get("optional", False),
        )
        for parameter in row["parameters"]
    )
    accepted = tuple(Accepted(**finding) for finding in row.get("accepted", ()))
    words = {key: row[key] for key in ("name", "title", "kind", "when", "source")}
    keywords = tuple(row["keywords"])
    return Template(**words, keywords=keywords, parameters=parameters, accepted=accepted)


def _reject_unknown(chosen: Template, given: Mapping[str, Any]) -> None:
    known = {parameter.name for parameter in chosen.parameters}
    for name in given:
        if name in known:
            continue
        near = closest(name, known)
        accepted = (
            ", ".join(f"`{parameter.name}`" for parameter in chosen.parameters) or "no values"
        )
        missing = [own for own in _missing(chosen, given) if own.name != near]
        also = f"; it also needs {_described(missing)}" if missing and near else ""
        raise InputError(
            f"`{chosen.name}` has no value {quoted(name)}",
            hint=f"did you mean `{near}`?{also}" if near else f"it takes {accepted}",
        )


def _checked_values(parameter: Parameter, value: Any) -> tuple[str, ...]:
    if parameter.many and isinstance(value, str) and "," in value:
        value = _split(parameter, value)
    texts = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not parameter.many:
        raise InputError(f"`{parameter.name}` takes one value, not a list")
    if not 0 < len(texts) <= _MOST_VALUES:
        raise InputError(f"`{parameter.name}` takes 1 to {_MOST_VALUES} values, not {len(texts)}")
    return tuple(_checked_value(parameter, text) for text in texts)


def _split(parameter: Parameter, text: str) -> str | list[str]:
    """The values between commas; names of IAM may have commas in them."""
    try:
        return _checked_value(parameter, text)
    except InputError:
        return [part.strip() for part in text.split(",") if part.strip()]


def _checked_value(parameter: Parameter, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and parameter.form == "number_id":
        value = str(value)
    if not isinstance(value, str):
        raise InputError(
            f"`{parameter.name}` must be text", hint=f"such as `{parameter.sample[0]}`"
        )
    if parameter.form == "account":
        return checked_account(parameter.name, value)
    return checked_name(parameter.name, value, parameter.form)


def _with_partition(chosen: Template, values: Values) -> Values:
    """The values with a partition: the given one, else that of the Regions and ARNs, else `aws`."""
    implied = {
        partition: (parameter.name, text)
        for parameter in chosen.parameters
        for text in values.get(parameter.name, ())
        if (partition := _partition_in(parameter.form, text))
    }
    given = next(iter(values.get("Partition", ())), None)
    partition = given or next(iter(implied), "aws")
    for other, (name, text) in implied.items():
        if other != partition:
            raise InputError(
                f"`{name}` {quoted(text)} is in partition `{other}`, the rest in `{partition}`",
                hint="a policy works in one partition only",
            )
    return {**values, "Partition": (partition,)}


def _partition_in(form: str, text: str) -> str | None:
    if text.startswith("arn:"):
        return text.split(":", 2)[1]
    return partition_of(text) if form == "region" else None


def _without(node: Any, names: frozenset[str]) -> Any:
    """The JSON without the members that have one of the placeholders, or that are empty without them."""
    if not isinstance(node, dict):
        return [_without(item, names) for item in node] if isinstance(node, list) else node
    kept = {}
    for key, item in node.items():
        if isinstance(item, str) and not names.isdisjoint(PLACEHOLDER.findall(item)):
            continue
        rest = _without(item, names)
        if rest or not item:
            kept[key] = rest
    return kept


def _filled(node: Any, values: Values) -> Any:
    if isinstance(node, dict):
        return {_scalar(key, values): _filled(item, values) for key, item in node.items()}
    if isinstance(node, list):
        spread: list[Any] = []
        for item in node:
            filled = _filled(item, values)
            spread += filled if isinstance(item, str) and isinstance(filled, list) else [filled]
        return spread
    return _text(node, values) if isinstance(node, str) else node


def _text(text: str, values: Values) -> str | list[str]:
    """The text filled; a placeholder with several values makes it a list, one text for each value."""
    many = next((name for name in PLACEHOLDER.findall(text) if len(values[name]) > 1), None)
    if many is None:
        return _scalar(text, values)
    return [_scalar(text, {**values, many: (value,)}) for value in values[many]]


def _scalar(text: str, values: Values) -> str:
    return PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]][0], text)
