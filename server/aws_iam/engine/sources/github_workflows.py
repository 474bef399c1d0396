"""GitHub workflows: which of their jobs ask for an AWS role, by which events they start, and what their tokens say.

workflow_of(node, file)  →  Workflow(jobs=(Job(…),), …) or None
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import intersects
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.ci_jobs import Job, Login, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Where
    from aws_iam.engine.parsing.json_nodes import Member

_IN_PATTERNS = re.compile(r"[*?+\[\]!]")
_ACTION = re.compile(r"aws-actions/configure-aws-credentials(?:@.*)?", re.IGNORECASE)
_DEFAULT_AUDIENCE = "sts.amazonaws.com"
_EXPRESSION = "${{"
# https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
_PULL = "pull_request"
_TAGS = frozenset({"release"})


def workflow_of(root: Node, file: str) -> Workflow | None:
    """The workflow in a document; None where it is another one."""
    # YAML 1.1 reads the key `on` as a boolean.
    jobs, events = root.member("jobs"), root.member("on") or root.member("true")
    if jobs is None or events is None or jobs.form is not Form.OBJECT or root.member("kind"):
        return None
    called = "workflow_call" in _events(events)
    rights = _may_ask(root.member("permissions"))
    ends = () if called else tuple(dict.fromkeys(_ends(events)))
    excluded = () if called else tuple(_excluded(events))
    found = tuple(
        _job(member, file, rights=rights, called=called, runs=(ends, excluded))
        for member in jobs.members
    )
    return Workflow(
        platform="github",
        title=_text(root, "name") or file or "workflow",
        file=file,
        name=_literal(_text(root, "name")),
        jobs=tuple(job for job in found if job.logins or job.calls),
        called=called,
    )


def _job(
    member: Member,
    file: str,
    *,
    rights: bool | None,
    called: bool,
    runs: tuple[tuple[str, ...], tuple[str, ...]],
) -> Job:
    node = member.value
    (ends, excluded), condition = runs, _text(node, "if")
    never_on: tuple[str, ...] = ()
    if named := _named_refs(condition):
        started = tuple(ref for ref in named if any(intersects(ref, end) for end in ends))
        never_on = named if ends and not started else ()
        ends = started if ends else named
    own = node.member("permissions")
    may_ask = rights if own is None else _may_ask(own)
    if may_ask is None and not called:
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
        may_ask = False
    environment = _environment(node.member("environment"))
    refs = tuple(end.removeprefix("ref:") for end in ends if end.startswith("ref:"))
    return Job(
        name=member.name.value,
        logins=tuple(_logins(node, file)),
        environment=environment,
        may_ask=may_ask,
        ends=ends if environment is None else _named(environment),
        refs=refs if len(refs) == len(ends) else (),
        excluded=excluded,
        has_condition=any(
            _ABOUT_RUNS.search(text) and not _named_refs(text)
            for text in (condition, *_conditions_of_logins(node))
        ),
        never_on=never_on,
        calls=_literal(_text(node, "uses")),
        where=_where(node, file),
    )


_ABOUT_RUNS = re.compile(r"github\.(?:ref|head_ref|base_ref|event)")
_ONE_REF = re.compile(r"github\.(?P<key>ref|ref_name)\s*==\s*'(?P<value>[^'*?]+)'", re.IGNORECASE)


def _named_refs(condition: str) -> tuple[str, ...]:
    """The ends of subjects that an `if` with one test of the ref lets run; empty where it is another condition."""
    text = condition.strip().removeprefix("${{").removesuffix("}}").strip()
    found = _ONE_REF.fullmatch(text)
    if found is None:
        return ()
    value = found["value"]
    if found["key"].lower() == "ref":
        return (f"ref:{value}",)
    return (f"ref:refs/heads/{value}", f"ref:refs/tags/{value}")


def _conditions_of_logins(job: Node) -> Iterator[str]:
    steps = job.member("steps")
    for step in steps.items if steps else ():
        if _ACTION.fullmatch(_text(step, "uses")):
            yield _text(step, "if")


def _named(environment: str) -> tuple[str, ...]:
    # GitHub writes a colon inside a value as %3A.
    return (f"environment:{environment.replace(':', '%3A')}",) if environment else ()


def _logins(job: Node, file: str) -> Iterator[Login]:
    steps = job.member("steps")
    for step in steps.items if steps else ():
        given = step.member("with")
        if _ACTION.fullmatch(_text(step, "uses")) and given and _by_token(given):
            audience = _literal(_text(given, "audience") or _DEFAULT_AUDIENCE)
            yield Login(
                role=_literal(_text(given, "role-to-assume")),
                audiences=(audience,) if audience else (),
                where=_where(step, file),
            )


def _by_token(given: Node) -> bool:
    """Whether the action asks for a token of GitHub: not where it has other credentials to assume the role with.

    https://github.com/aws-actions/configure-aws-credentials#credential-lifetime
    """
    chained = given.member("role-chaining")
    others = any(given.member(name) for name in ("aws-access-key-id", "web-identity-token-file"))
    return bool(given.member("role-to-assume")) and not (
        others
        or (
            chained is not None
            and (chained.text if chained.form is Form.STRING else "true") != "false"
        )
    )


def _environment(node: Node | None) -> str | None:
    if node is None:
        return None
    return _literal(_text(node, "name") if node.form is Form.OBJECT else node.text)


def _may_ask(permissions: Node | None) -> bool | None:
    """Whether the permissions let a job ask for a token; None where there are none."""
    if permissions is None:
        return None
    if permissions.form is Form.STRING:
        return permissions.text == "write-all"
    return _text(permissions, "id-token") == "write"


def _events(events: Node) -> dict[str, Node | None]:
    if events.form is Form.STRING:
        return {events.text: None}
    if events.form is Form.ARRAY:
        return {item.text: None for item in events.items if item.form is Form.STRING}
    return {member.name.value: member.value for member in events.members}


def _ends(events: Node) -> Iterator[str]:
    """How subjects of runs without environment end, event by event."""
    for event, filters in _events(events).items():
        if event == "push":
            yield from _pushed(filters)
        elif event == _PULL:
            yield _PULL
        elif event.startswith(_PULL):
            # Which of both these send is not documented.
            yield from (_PULL, "ref:refs/*")
        elif event in _TAGS:
            yield "ref:refs/tags/*"
        else:
            # A run by hand or by schedule, or for an event without a ref of its own, has a branch or tag.
            yield "ref:refs/*"


def _pushed(filters: Node | None) -> Iterator[str]:
    branches, tags = _listed(filters, "branches"), _listed(filters, "tags")
    for kind, names, other in (("heads", branches, tags), ("tags", tags, branches)):
        # A filter of branches alone starts no run for tags, and the other way round:
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onpushbranchestagsbranches-ignoretags-ignore
        if names is None and other is not None:
            continue
        yield from (f"ref:refs/{kind}/{_pattern(name)}" for name in (names or ("**",)))


def _excluded(events: Node) -> Iterator[str]:
    """The ends of subjects that the filters of pushes leave out, where the workflow starts by pushes alone."""
    found = _events(events)
    filters = found.get("push")
    if set(found) != {"push"} or filters is None or filters.form is not Form.OBJECT:
        return
    for kind, name in (("heads", "branches"), ("tags", "tags")):
        left_out = _names(filters.member(f"{name}-ignore"))
        listed = _names(filters.member(name))
        # A later pattern may bring back what an earlier one leaves out.
        while listed and listed[-1].startswith("!"):
            left_out += (listed[-1][1:],)
            listed = listed[:-1]
        for pattern in left_out:
            if not _IN_PATTERNS.search(pattern.replace("**", "")):
                yield f"ref:refs/{kind}/{pattern.replace('**', '*')}"


def _listed(filters: Node | None, name: str) -> tuple[str, ...] | None:
    """The names that a filter lists, every name where it lists those that are left out; None without one."""
    if filters is None or filters.form is not Form.OBJECT:
        return None
    if filters.member(name) is None:
        return ("**",) if filters.member(f"{name}-ignore") else None
    return tuple(name for name in _names(filters.member(name)) if not name.startswith("!"))


def _names(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    return (node.text,) if node.form is Form.STRING else tuple(item.text for item in node.items)


def _pattern(name: str) -> str:
    """A filter of GitHub as a wider pattern of IAM: what GitHub alone has becomes a wildcard."""
    return re.sub(r"\*+", "*", re.sub(r"\[[^]]*\]|\S[+?]", "*", name))


def _literal(text: str) -> str:
    return "" if _EXPRESSION in text else text


def _text(node: Node, name: str) -> str:
    value = node.member(name) if node.form is Form.OBJECT else None
    return value.text if value and value.form is Form.STRING else ""


def _where(node: Node, file: str) -> Where:
    return replace(node.where, file=file) if file else node.where
