"""A tool reads its arguments strictly and refuses by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from aws_iam.answer import Answer, Finding, Severity, Status
from aws_iam.errors import InputError
from aws_iam.tools.kit.tool import Parameter, Progress, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    region: Annotated[str | None, Parameter("a Region")] = None
    here: Annotated[bool, Parameter("a flag")] = False
    file: Annotated[str | None, Parameter("a path", cli_only=True)] = None


tool = Tool("toy", title="Toy", subject="A toy", asked={}, default="echo")


@tool.action
def echo(
    place: Place,
    text: Annotated[str | None, Parameter("some text")] = None,
    names: Annotated[list[str] | None, Parameter("names")] = None,
    choice: Annotated[Literal["one", "two"] | None, Parameter("a choice")] = None,
    document: Annotated[Any, Parameter("a document", document=True)] = None,
) -> Answer:
    """Return the arguments."""
    given = {"text": text, "names": names, "choice": choice}
    return Answer(summary="echo", facts={**given, "document": document, "place": place})


@tool.artifact_action
def need(what: Annotated[str, Parameter("what to do")], progress: Progress) -> Answer:
    """Report progress."""
    progress(1, 1, what)
    finding = Finding(code="X", title="t", severity=Severity.LOW, status=Status.FAIL)
    return Answer(summary="done", findings=(finding,))


READ: list[tuple[str, Any, Any]] = [
    ("text", "a", "a"),
    ("names", ["a", "b"], ["a", "b"]),
    ("names", '["a", "b"]', ["a", "b"]),
    ("names", "a, b", ["a", "b"]),
    ("choice", "two", "two"),
    ("document", {"a": 1}, {"a": 1}),
    ("document", '{"a":1,"a":2}', '{"a":1,"a":2}'),
]


@pytest.mark.parametrize(("name", "given", "read"), READ)
def test_a_value_is_read_as_its_type(name: str, given: Any, read: Any) -> None:
    assert tool.run({name: given}).facts[name] == read


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"text": {}}, "`text` must be text, not an object"),
    ({"names": [{}]}, "`names` must be a list of strings, not a list"),
    ({"names": "[" * 100_000}, "must be a list of strings"),
    ({"choice": "tow"}, "did you mean `two`?"),
    ({"here": "maybe"}, "`here` must be true or false"),
    ({"txt": "a"}, "has no argument `txt`; did you mean `text`?"),
    ({"what": "a"}, "`toy echo` has no argument `what`; it belongs to `toy need`"),
    ({"action": "need"}, "`toy need` needs `what` (what to do)"),
    ({"action": "ecko"}, "toy has no action `ecko`; did you mean `echo`?"),
    ({"file": "/etc/passwd"}, "has no argument `file`"),
    ({"a\u202eb": 1}, "has no argument `a\\u202eb`"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_what_a_tool_does_not_understand_is_refused_by_name(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        tool.run(given)
    assert said in str(refused.value)


def test_arguments_of_a_group_are_flat_for_the_caller() -> None:
    place = tool.run({"region": "eu-west-1", "here": "true", "file": "x"}, cli=True).facts["place"]
    assert place == Place(region="eu-west-1", here=True, file="x")


def test_progress_is_passed_through_and_the_answer_is_stamped() -> None:
    seen: list[tuple[int, int, str]] = []
    answer = tool.run({"action": "need", "what": "dig"}, progress=lambda *step: seen.append(step))
    assert seen == [(1, 1, "dig")]
    assert (answer.tool, answer.action) == ("toy", "need")
    assert answer.counts is not None
    assert answer.counts.status == {"fail": 1}


def test_an_argument_without_words_is_a_bug_at_declaration() -> None:
    def broken(text: str) -> Answer:
        return Answer(summary=text)

    with pytest.raises(TypeError, match="Parameter"):
        tool.action(broken)
