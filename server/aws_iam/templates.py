"""The policy templates: list them, show one raw, fill one.

A template is a pasteable JSON file in `assets/policy-templates/`, described in the `index.json` beside it. Its holes
are written `{{Name}}`; `${…}` in it is an IAM policy variable and stays. Filling works on the parsed JSON, so that no
value can end a string, and every value is checked against the form its parameter declares.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference.partition import partition_of
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "assets/policy-templates"
HOLE = re.compile(r"\{\{([A-Z][A-Za-z0-9]*)\}\}")
_MOST_VALUES = 100

Values = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A hole: what goes into it, in which form, and a value that fits. `many` takes a list."""

    name: str
    description: str
    form: str
    sample: tuple[str, ...]
    many: bool = False
    default: str | None = None

    @property
    def required(self) -> bool:
        """Whether a value must be given; the partition follows from Regions and ARNs."""
        return self.default is None and self.form != "partition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A finding code that the template draws on purpose, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A policy with holes and what to know before pasting it."""

    name: str
    title: str
    kind: str
    when: str
    source: str
    parameters: tuple[Parameter, ...]
    accepted: tuple[Accepted, ...] = ()

    @property
    def text(self) -> str:
        """The raw file, holes and all."""
        return resources.text(f"{FOLDER}/{self.name}.json")

    @property
    def samples(self) -> dict[str, str | list[str]]:
        """A value for every hole, as a caller would give them."""
        return {
            parameter.name: list(parameter.sample) if parameter.many else parameter.sample[0]
            for parameter in self.parameters
        }


@cache
def listed() -> tuple[Template, ...]:
    """Every template, in the order of the index."""
    index = json.loads(resources.text(f"{FOLDER}/index.json"))
    return tuple(_template(row) for row in index["templates"])


def template(name: str) -> Template:
    """The template of that name; a `.json` at its end is understood."""
    by_name = {each.name: each for each in listed()}
    wanted = name.removesuffix(".json")
    if wanted in by_name:
        return by_name[wanted]
    near = closest(wanted, by_name)
    raise InputError(
        f"no template is called {quoted(name)}",
        hint=f"did you mean `{near}`?" if near else "without `name` the answer lists them",
    )


def fill(chosen: Template, given: Mapping[str, Any]) -> str:
    """The template with every hole filled, as JSON; refuses unknown, missing and ill-formed values by name."""
    _refuse_strangers(chosen, given)
    values = {
        parameter.name: _read(parameter, given[parameter.name])
        for parameter in chosen.parameters
        if parameter.name in given
    }
    missing = [
        parameter
        for parameter in chosen.parameters
        if parameter.required and parameter.name not in values
    ]
    if missing:
        wanted = ", ".join(f"`{each.name}` ({each.description})" for each in missing)
        raise InputError(
            f"`{chosen.name}` needs {wanted}",
            hint=f"such as {json.dumps({each.name: chosen.samples[each.name] for each in missing})}",
        )
    defaults = {
        parameter.name: (parameter.default,)
        for parameter in chosen.parameters
        if parameter.default
    }
    complete = _with_partition(chosen, {**defaults, **values})
    return json.dumps(_filled(json.loads(chosen.text), complete), indent=2, ensure_ascii=False)


def _template(row: dict[str, Any]) -> Template:
    parameters = tuple(
        Parameter(
            name=each["name"],
            description=each["description"],
            form=each["form"],
            sample=tuple(each["sample"])
            if isinstance(each["sample"], list)
            else (each["sample"],),
            many=each.get("many", False),
            default=each.get("default"),
        )
        for each in row["parameters"]
    )
    accepted = tuple(Accepted(**each) for each in row.get("accepted", ()))
    words = {key: row[key] for key in ("name", "title", "kind", "when", "source")}
    return Template(**words, parameters=parameters, accepted=accepted)


def _refuse_strangers(chosen: Template, given: Mapping[str, Any]) -> None:
    known = {parameter.name for parameter in chosen.parameters}
    for name in given:
        if name in known:
            continue
        near = closest(name, known)
        takes = ", ".join(f"`{parameter.name}`" for parameter in chosen.parameters) or "no values"
        raise InputError(
            f"`{chosen.name}` has no value {quoted(name)}",
            hint=f"did you mean `{near}`?" if near else f"it takes {takes}",
        )


def _read(parameter: Parameter, value: Any) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not parameter.many:
        raise InputError(f"`{parameter.name}` takes one value, not a list")
    if not 0 < len(texts) <= _MOST_VALUES:
        raise InputError(f"`{parameter.name}` takes 1 to {_MOST_VALUES} values, not {len(texts)}")
    return tuple(_one(parameter, each) for each in texts)


def _one(parameter: Parameter, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and parameter.form == "number_id":
        value = str(value)
    if not isinstance(value, str):
        raise InputError(
            f"`{parameter.name}` must be text", hint=f"such as `{parameter.sample[0]}`"
        )
    return checked(parameter.name, value, parameter.form)


def _with_partition(chosen: Template, values: Values) -> Values:
    """The values with their partition: the given one, else that of the Regions and ARNs, else `aws`."""
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
                f"`{name}` {quoted(text)} lies in partition `{other}`, the rest in `{partition}`",
                hint="partitions do not mix: one policy, one partition",
            )
    return {**values, "Partition": (partition,)}


def _partition_in(form: str, text: str) -> str | None:
    if text.startswith("arn:"):
        return text.split(":", 2)[1]
    return partition_of(text) if form == "region" else None


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
    """The text filled; one with a list in a hole becomes a list, one text for each value."""
    many = next((name for name in HOLE.findall(text) if len(values[name]) > 1), None)
    if many is None:
        return _scalar(text, values)
    return [_scalar(text, {**values, many: (value,)}) for value in values[many]]


def _scalar(text: str, values: Values) -> str:
    return HOLE.sub(lambda hole: values[hole[1]][0], text)
