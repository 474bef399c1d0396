"""The cases of a file in YAML or JSON, or of a JSON value: a list, or an object that says once what holds for all of them.

document: policy.json                                  or `policies`, by layer; here for all cases, or in a case
request: {principal: arn:aws:iam::111122223333:role/app}        what the requests of all cases have
cases:
  - {name: reads reports, action: s3:GetObject, resource: arn:aws:s3:::reports/a, expect: Allowed}

In the place of `expect`, requests may stand under `allow` and `deny`, at the top or in a case; layers at the top are `policies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Where
from aws_iam.engine.language.usable import repeated_keys
from aws_iam.engine.parsing.json_nodes import Form, Member, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.files import MAX_FILE_CHARACTERS, Files
from aws_iam.errors import InputError, closest
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.policy_layers import layer_named
from aws_iam.tools.policy.cases import expectation
from aws_iam.tools.policy.cases.expectation import Expectation, expectation_of
from aws_iam.tools.policy.evaluate.requests import NAMES as REQUEST_NAMES
from aws_iam.tools.policy.evaluate.requests import (
    is_resource,
    meant_field,
    request_in_words,
    requests_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_CASES = 10_000
MOST_REQUESTS = 50_000
_LONGEST_NAME = 300
POLICIES = ("document", "policies", "policy", "values")
"""The fields that say which policies are asked: of all cases at the top of a file, or in a case."""
_OF_A_FILE = ("cases", *POLICIES, "request", "description")
_OF_A_CASE = ("name", "expect", *POLICIES, "request", "description")
_SIDES = {
    **dict.fromkeys(("allow", "allowed", "mustallow", "shouldallow"), "Allowed"),
    **dict.fromkeys(
        ("deny", "denied", "mustdeny", "shoulddeny", "mustnotallow"), expectation.DENIED
    ),
}
"""What is expected of the requests under a word."""
_SYNONYMS = {
    "tests": "cases",
    "testcases": "cases",
    **dict.fromkeys(
        ("expected", "expectation", "expectedoutcome", "expecteddecision", "expectedresult"),
        "expect",
    ),
    "title": "name",
    "layers": "policies",
    "policydocument": "document",
}
_HINT = "such as {name: reads, request: {principal: ARN, action: s3:GetObject, resource: ARN}, expect: Allowed}"

_WORDS_HINT = "such as `s3:GetObject on ARN`: one action and one ARN without spaces; more in an object: {action: [...], resource: [...]}"


@slotted
class Case:
    """Requests, of which every one is expected to be decided so; `policies` are the fields that say by what."""

    name: str
    requests: tuple[Mapping[str, Any], ...]
    expected: Expectation
    policies: Mapping[str, Node]
    where: Where
    understood: tuple[str, ...] = ()


@slotted
class CasesFile:
    """The cases of one file, in their order, and the policies that they have in common."""

    name: str
    cases: tuple[Case, ...]
    policies: Mapping[str, Node]


def cases_files(given: Any) -> tuple[CasesFile, ...]:
    """The cases of an argument: of each file, or of a text or a value; InputError where there is none."""
    if given is None:
        raise InputError("`cases` is missing", hint=_HINT)
    if isinstance(given, Files):
        found = tuple(_of_files(given))
    else:
        root = _scanned("", given) if isinstance(given, str) else from_value(given)
        found = (_file("", root),)
    for own in found:
        if not own.cases:
            raise InputError(f"{quoted(own.name or 'cases')} has no case", hint=_HINT)
    count = sum(len(own.cases) for own in found)
    if count > MOST_CASES:
        raise InputError(
            f"there are {count:,} cases, of which at most {MOST_CASES:,} are judged at once",
            hint="split the files",
        )
    requests = sum(len(case.requests) for own in found for case in own.cases)
    if requests > MOST_REQUESTS:
        raise InputError(f"the cases have {requests:,} requests, more than {MOST_REQUESTS:,}")
    return found


def _of_files(given: Files) -> Iterator[CasesFile]:
    if given.folder:
        raise InputError(
            f"{quoted(given.folder)} is a folder", hint="name the files that have the cases"
        )
    for file in given.files:
        if file.unreadable:
            raise InputError(f"{quoted(file.name)} cannot be read: {file.unreadable}")
        yield _file(file.name, _scanned(file.name, file.text))


def plain_value(node: Node) -> Any:
    """The node as Python's own types; numbers as they are written, as an account id may begin with a zero."""
    match node.form:
        case Form.OBJECT:
            return {member.key: plain_value(member.value) for member in node.members}
        case Form.ARRAY:
            return [plain_value(item) for item in node.items]
        case Form.BOOLEAN:
            return node.text == "true"
        case Form.NULL:
            return None
        case _:
            return node.text


def at_place(where: Where) -> str:
    """A place as the beginning of a message: `cases.yaml:4:3`, or the pointer of a value without lines."""
    if where.line:
        file = f"{escaped(where.file, 200)}:" if where.file else "line "
        return f"{file}{where.line}:{where.column}"
    return quoted(where.pointer or "/")


def _scanned(name: str, text: str) -> Node:
    """The one value of a text, which is JSON where it begins so, else YAML."""
    is_json = text.lstrip().startswith(("{", "["))
    found: Node | Syntax = scan(text, MAX_FILE_CHARACTERS) if is_json else _yaml(name, text)
    if isinstance(found, Syntax):
        raise InputError(f"{at_place(_in(name, found.where))}: {found.message}", hint=found.hint)
    return found


def _yaml(name: str, text: str) -> Node | Syntax:
    # Imported here: cases over MCP are mostly JSON.
    from aws_iam.engine.parsing.yaml_text import scan_yaml

    found = scan_yaml(text) if len(text) <= MAX_FILE_CHARACTERS else ()
    if isinstance(found, Syntax):
        return found
    if len(found) != 1 or found[0].form not in {Form.OBJECT, Form.ARRAY}:
        what = f"{len(found)} YAML documents" if len(found) != 1 else found[0].form
        raise InputError(
            f"{quoted(name or 'cases')} must hold a list of cases, or an object with `cases`, not {what}",
            hint=_HINT,
        )
    return found[0]


def _in(name: str, where: Where) -> Where:
    return Where(pointer=where.pointer, line=where.line, column=where.column, file=name or None)


def _file(name: str, root: Node) -> CasesFile:
    repeated = next(repeated_keys(root), None)
    if repeated is not None:
        place = at_place(_in(name, repeated.where))
        raise InputError(f"{place}: the key {quoted(repeated.text)} stands twice in one object")
    if root.member("Statement"):
        raise InputError(
            f"{quoted(name or 'cases')} is a policy, and no cases",
            hint="give it as `document`; with `init` its first cases are written",
        )
    is_alone = not _is_file(root)
    if root.form is Form.ARRAY or is_alone:
        fields, usual = dict[str, Node](), dict[str, Any]()
        groups: list[tuple[str | None, Sequence[Node]]] = [(None, root.listed())]
    else:
        fields, sides, usual = _top(name, root)
        groups = [(side, node.listed()) for side, node in sides]
    cases = []
    names: dict[str, Node] = {}
    items = ((item, side) for side, listed in groups for item in listed)
    for number, (item, side) in enumerate(items, 1):
        case = _case(name, item, number, usual, side)
        first = names.setdefault(case.name, item)
        if first is not item:
            there = at_place(_in(name, first.where))
            raise InputError(
                f"{at_place(case.where)}: the name {quoted(case.name)} is that of another case ({there})",
                hint="give each case a name of its own: reports tell them apart by it",
            )
        cases.append(case)
    return CasesFile(name=name, cases=tuple(cases), policies=_policies(fields))


def _is_file(root: Node) -> bool:
    """Whether it holds cases: a list of them, or requests that are allowed beside such that are denied."""
    sides = [own for own in root.members if folded(own.key) in _SIDES]
    return (
        len({_SIDES[folded(own.key)] for own in sides}) > 1
        or any(own.value.form is Form.ARRAY for own in sides)
        or any(_named(own.key, ("cases",)) for own in root.members)
    )


def _top(
    file: str, root: Node
) -> tuple[dict[str, Node], list[tuple[str | None, Node]], dict[str, Any]]:
    """The fields of a file, its cases and requests by what is expected of them, in order, and what all requests have."""
    own: list[Member] = []
    layers: list[Member] = []
    sides: list[tuple[str | None, Node]] = []
    usual: dict[str, Any] = {}
    for member in root.members:
        word = folded(member.key)
        if meant := _meant(member, _OF_A_FILE):
            own.append(member)
            sides += [(None, member.value)] if meant == "cases" else []
        elif word in _SIDES:
            sides.append((_SIDES[word], member.value))
        elif layer_named(member.key) and not _is_of_request(member):
            layers.append(member)
        elif word in _REQUEST_WORDS:
            usual[member.key] = plain_value(member.value)
        else:
            own.append(member)
    fields = _fields(file, own)
    if layers and "policies" in fields:
        place = at_place(_in(file, layers[0].name.where))
        raise InputError(
            f"{place}: the layer {quoted(layers[0].key)} stands beside `policies`",
            hint="put all layers into `policies`",
        )
    if layers:
        fields["policies"] = Node(Form.OBJECT, root.at, members=tuple(layers))
    if "request" in fields:
        usual = _joined(_request(file, fields["request"]), usual)
    return fields, sides, usual


def _is_of_request(member: Member) -> bool:
    """Whether `resource` is what requests are on, and no policy."""
    texts = [item.string() for item in member.value.listed()]
    return folded(member.key) in _REQUEST_WORDS and all(
        own is not None and is_resource(own.text) for own in texts
    )


def _joined(request: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    """A request, and the fields that stand beside it; InputError where both name one."""
    names = {meant_field(name): name for name in request}
    if twice := [names[meant] for name in beside if (meant := meant_field(name)) in names]:
        raise InputError(f"{quoted(min(twice))} is given twice", hint="give it once")
    return {**request, **beside}


def _case(file: str, item: Node, number: int, usual: Mapping[str, Any], side: str | None) -> Case:
    where = _in(file, item.where)
    try:
        return _case_of(file, item, number, usual, side)
    except InputError as error:
        name = item.member("name")
        named = f" of the case {quoted(name.text)}" if name and name.text else ""
        if error.message.startswith(f"{escaped(file, 200)}:" if file else "line "):
            raise
        raise InputError(f"{at_place(where)}{named}: {error.message}", hint=error.hint) from None


def _case_of(
    file: str, item: Node, number: int, usual: Mapping[str, Any], side: str | None
) -> Case:
    in_words = _in_words(item) if side else None
    if item.form is not Form.OBJECT and in_words is None:
        text = item.string() if side else None
        if text is not None:
            raise InputError(f"{quoted(text.text)} is no request in words", hint=_WORDS_HINT)
        raise InputError(f"a case must be an object, not {item.form}", hint=_HINT)
    # A case may have the fields of its request, and of what it expects, without an object around them.
    expects: dict[str, Any] = {"outcome": side} if side else {}
    beside: dict[str, Any] = {}
    fields: dict[str, Node] = {}
    for member in item.members:
        word = folded(member.key)
        if meant := _meant(member, _OF_A_CASE):
            _take(fields, meant, member.value)
        elif word in _SIDES:
            _take_outcome(expects, _outcome(_SIDES[word], member.value), member.key)
            if member.value.form is not Form.BOOLEAN:
                _take(fields, "request", member.value)
        elif word in _REQUEST_WORDS:
            beside[member.key] = plain_value(member.value)
        elif word in expectation.NAMES:
            _take(expects, expectation.NAMES[word], plain_value(member.value))
        else:
            raise _unknown(member.key, (*_OF_A_CASE, *REQUEST_NAMES.values(), *expectation.FIELDS))
    own = _request(file, fields["request"]) if "request" in fields else in_words or {}
    request = _with_usual(_joined(own, beside), usual)
    if not request:
        raise InputError("the case has no `request`", hint=_HINT)
    expect = plain_value(fields["expect"]) if "expect" in fields else None
    asked = requests_of(request)
    requests = tuple(own for of_action in asked.by_action for own in of_action)
    return Case(
        name=_name(fields.get("name"), requests, number),
        requests=requests,
        expected=expectation_of(expect, expects),
        policies=_policies(fields),
        where=_in(file, item.where),
        understood=asked.understood,
    )


def _outcome(side: str, node: Node) -> str:
    """What is expected under `allow` or `deny`, which hold a request, or true or false."""
    is_turned = node.form is Form.BOOLEAN and node.text == "false"
    return (expectation.DENIED if side == "Allowed" else "Allowed") if is_turned else side


def _in_words(node: Node) -> dict[str, Any] | None:
    word = node.string()
    return request_in_words(word.text) if word is not None else None


_REQUEST_WORDS = frozenset(map(folded, REQUEST_NAMES))


def _request(file: str, node: Node) -> dict[str, Any]:
    if in_words := _in_words(node):
        return in_words
    if node.form is not Form.OBJECT:
        place = at_place(_in(file, node.where))
        raise InputError(f"{place}: `request` must be an object, not {node.form}", hint=_HINT)
    return {member.key: plain_value(member.value) for member in node.members}


def _with_usual(own: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The request with what the requests of all cases have; a case's own values come first, key by key in the context."""
    named = {meant_field(name): value for name, value in own.items()}
    request = {k: v for k, v in usual.items() if meant_field(k) not in named} | dict(own)
    mine = named.get("context")
    theirs = next((v for k, v in usual.items() if meant_field(k) == "context"), None)
    if isinstance(mine, dict) and isinstance(theirs, dict):
        lower = {key.lower() for key in mine}
        kept = {key: value for key, value in theirs.items() if key.lower() not in lower}
        request = {k: v for k, v in request.items() if meant_field(k) != "context"}
        request["context"] = {**kept, **mine}
    return request


def _name(node: Node | None, requests: Sequence[Any], number: int) -> str:
    """The case's own name, else what it is about: its first request, and how many more it has."""
    if node is None:
        first = requests[0] if isinstance(requests[0], dict) else {}
        words = (first.get("action"), first.get("resource"))
        about = " on ".join(own for own in words if isinstance(own, str) and own)
        more = f" and {len(requests) - 1} more" if len(requests) > 1 else ""
        named = f"case {number}: {about}" if about else f"case {number}"
        return named[: _LONGEST_NAME - len(more)] + more
    if node.scalar() is None or not node.text.strip():
        raise InputError("`name` must be text")
    if len(node.text) > _LONGEST_NAME:
        raise InputError(f"`name` has more than {_LONGEST_NAME} characters")
    return node.text.strip()


def _policies(fields: Mapping[str, Node]) -> dict[str, Node]:
    return {name: fields[name] for name in POLICIES if name in fields}


def _fields(file: str, members: Iterable[Member]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for member in members:
        meant = _meant(member, _OF_A_FILE)
        try:
            if meant is None:
                raise _unknown(member.key, _OF_A_FILE)
            _take(found, meant, member.value)
        except InputError as error:
            place = at_place(_in(file, member.name.where))
            raise InputError(f"{place}: {error.message}", hint=error.hint) from None
    return found


def _meant(member: Member, known: Sequence[str]) -> str | None:
    """The field that a member is; a whole policy under `policy`, the name of one, is the document."""
    meant = _named(member.key, known)
    return "document" if meant == "policy" and member.value.form is Form.OBJECT else meant


def _named(word: str, known: Sequence[str]) -> str | None:
    meant = _SYNONYMS.get(folded(word), word)
    return next((name for name in known if folded(name) == folded(meant)), None)


def _take(found: dict[str, Any], name: str, value: Any) -> None:
    if name in found:
        raise InputError(f"`{name}` is given twice", hint="give it once")
    found[name] = value


def _take_outcome(expects: dict[str, Any], outcome: str, word: str) -> None:
    if "outcome" in expects:
        raise InputError(
            f"{quoted(word)} stands where another outcome is expected already",
            hint="make a case of each",
        )
    expects["outcome"] = outcome


def _unknown(word: str, known: Sequence[str]) -> InputError:
    near = closest(word, known)
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(known))
    return InputError(
        f"there is no field {quoted(word)}",
        hint=f"did you mean `{near}`?" if near else f"it takes {names}",
    )


def all_cases(files: Sequence[CasesFile]) -> Iterator[tuple[CasesFile, Case]]:
    """Every case with its file."""
    for own in files:
        for case in own.cases:
            yield own, case
