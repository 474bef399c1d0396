"""GitLab CI files: which jobs ask AWS for a role, on which branches and tags they run, and what their tokens say.

    pipeline_of(node, file)  →  Workflow(platform="gitlab", jobs=(Job(…),), …) or None

https://docs.gitlab.com/ci/secrets/id_token_authentication/ and https://docs.gitlab.com/ci/yaml/#rules
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.sources.ci_jobs import Job, Login, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Where

_FILE = re.compile(r"(?:.*[/\\])?[^/\\]*\.?gitlab-ci[^/\\]*\.ya?ml")
# Keys of the file that are no jobs: https://docs.gitlab.com/ci/yaml/#keywords
_NO_JOBS = frozenset(
    ("cache", "default", "image", "include", "services", "spec", "stages", "variables", "workflow")
)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+")
_EXCHANGES = re.compile(r"AWS_WEB_IDENTITY_TOKEN_FILE|assume-role-with-web-identity")
_NAMES_ROLE = re.compile(r"ROLE_ARN")
_ANY = "ref_type:*:ref:*"
_BRANCHES, _TAGS = "ref_type:branch:ref:*", "ref_type:tag:ref:*"
_OF_VARIABLE = {"CI_COMMIT_BRANCH": "branch", "CI_COMMIT_TAG": "tag", "CI_COMMIT_REF_NAME": "*"}
_CONDITION = re.compile(r"""\$(\w+)(?:\s*(==|=~)\s*(?:"([^"]*)"|'([^']*)'|(\S.*)))?""")
_DEEPEST_EXTENDS = 11


def pipeline_of(root: Node, file: str) -> Workflow | None:
    """The pipeline in a document; None where it is another one."""
    if root.form is not Form.OBJECT or root.member("kind") or root.member("jobs"):
        return None
    named = {
        member.name.value: member.value
        for member in root.members
        if member.value.form is Form.OBJECT and member.name.value not in _NO_JOBS
    }
    asks = any(node.member("id_tokens") for node in (*named.values(), *_defaults(root)))
    if not (asks or _FILE.fullmatch(file)):
        return None
    found = (_job(root, named, name, file) for name in named if not name.startswith("."))
    jobs = tuple(job for job in found if job)
    title = file or ".gitlab-ci.yml"
    return Workflow(platform="gitlab", title=title, file=file, name="", jobs=jobs)


def _job(root: Node, named: dict[str, Node], name: str, file: str) -> Job | None:
    """The job; None where it exchanges no token of AWS."""
    parts, whole = _extended(named, named[name])
    parts = (*parts, *_defaults(root))
    texts = [text for part in (*parts, *_variables(root)) for text in _texts(part)]
    roles = [match[0] for text in texts if (match := _ROLE.search(text))]
    exchanges = any(map(_EXCHANGES.search, texts))
    tokens = _first(parts, "id_tokens")
    if not (exchanges or (tokens and (roles or any(map(_NAMES_ROLE.search, texts))))):
        return None
    audiences = tuple(_audiences(tokens)) if tokens else ()
    where = _where(named[name], file)
    login = Login(
        role=roles[0] if len(set(roles)) == 1 else "",
        audiences=() if any("$" in audience for audience in audiences) else audiences,
        where=where,
    )
    known = whole and root.member("include") is None
    return Job(
        name=name,
        logins=(login,),
        environment=None,
        may_ask=True if tokens else False if known else None,
        ends=tuple(dict.fromkeys(_refs(parts))) if whole else (_ANY,),
        where=where,
    )


def _extended(named: dict[str, Node], job: Node) -> tuple[tuple[Node, ...], bool]:
    """The job and what it extends, nearest first; and whether all of it is in this file."""
    parts, queue, whole = [job], [job], True
    while queue and len(parts) <= _DEEPEST_EXTENDS:
        node = queue.pop(0).member("extends")
        # Of several the last one wins.
        for name in reversed(_words(node)):
            if name in named:
                parts.append(named[name])
                queue.append(named[name])
            else:
                whole = False
    return tuple(parts), whole and not queue


def _defaults(root: Node) -> tuple[Node, ...]:
    node = root.member("default")
    return (node,) if node and node.form is Form.OBJECT else ()


def _variables(root: Node) -> tuple[Node, ...]:
    node = root.member("variables")
    return (node,) if node else ()


def _first(parts: tuple[Node, ...], name: str) -> Node | None:
    return next((found for part in parts if (found := part.member(name))), None)


def _audiences(tokens: Node) -> Iterator[str]:
    for member in tokens.members if tokens.form is Form.OBJECT else ():
        yield from _words(member.value.member("aud") if member.value.form is Form.OBJECT else None)


def _refs(parts: tuple[Node, ...]) -> Iterator[str]:
    """Patterns of the branches and tags on which the job runs: any where its rules say something else."""
    rules, only = _first(parts, "rules"), _first(parts, "only")
    if rules is not None and rules.form is Form.ARRAY:
        for rule in rules.items:
            condition = rule.member("if") if rule.form is Form.OBJECT else None
            if rule.form is Form.OBJECT and _text(rule, "when") == "never":
                continue
            yield from _of_condition(condition.text if condition else "")
    elif only is not None:
        refs = only.member("refs") if only.form is Form.OBJECT else only
        yield from map(_of_only, _words(refs)) if refs is not None else (_ANY,)
    else:
        yield _ANY


def _of_condition(text: str) -> tuple[str, ...]:
    """The refs for which a condition may hold."""
    if not text or "(" in text:
        return (_ANY,)
    return tuple(_of_alternative(part) for part in text.split("||"))


def _of_alternative(text: str) -> str:
    """The refs for which all parts may hold: those of the part that says most."""
    found = [_of_comparison(part.strip()) for part in text.split("&&")]
    named = next((ref for ref in found if not ref.endswith("*")), None)
    return named or next((ref for ref in found if ref != _ANY), _ANY)


def _of_comparison(text: str) -> str:
    match = _CONDITION.fullmatch(text)
    kind = _OF_VARIABLE.get(match[1]) if match else None
    if match is None or kind is None:
        is_merge = 'CI_PIPELINE_SOURCE == "merge_request_event"' in text
        return _BRANCHES if is_merge else _ANY
    literal = match[3] or match[4]
    if match[2] == "==" and literal and "$" not in literal:
        return f"ref_type:{kind}:ref:{literal}"
    return f"ref_type:{kind}:ref:*"


def _of_only(word: str) -> str:
    keywords = {"branches": _BRANCHES, "tags": _TAGS, "merge_requests": _BRANCHES}
    plain = re.fullmatch(r"[\w./-]+", word) and not word.startswith("/")
    others = {"api", "chat", "external", "external_pull_requests", "pipelines", "pushes", "schedules", "triggers", "web"}  # fmt: skip
    return keywords.get(word) or (
        f"ref_type:*:ref:{word}" if plain and word not in others else _ANY
    )


def _words(node: Node | None) -> list[str]:
    if node is None:
        return []
    if node.form is Form.STRING:
        return [node.text]
    return [item.text for item in node.items if item.form is Form.STRING]


def _texts(node: Node) -> Iterator[str]:
    """Every key and text below the node."""
    queue = [node]
    while queue:
        at = queue.pop()
        if at.form is Form.STRING:
            yield at.text
        elif at.form is Form.ARRAY:
            queue.extend(at.items)
        elif at.form is Form.OBJECT:
            yield from (member.name.value for member in at.members)
            queue.extend(member.value for member in at.members)


def _text(node: Node, name: str) -> str:
    value = node.member(name)
    return value.text if value and value.form is Form.STRING else ""


def _where(node: Node, file: str) -> Where:
    return replace(node.where, file=file) if file else node.where
