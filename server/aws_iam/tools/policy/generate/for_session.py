"""`policy generate --for session`: what was generated as one session policy that STS takes, with the calls that use it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.policy_quotas import MANAGED, QUOTAS, SESSION
from aws_iam.engine.shrink.shrink import Limit, shrink
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.shrink.shrink import artifacts, shrink_facts
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Answer, Finding
    from aws_iam.engine.shrink.shrink import Documents, Shrunk

_PAGE = "references/policy-design.md#session-policies"
_SOURCES = (
    "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
    "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html",
)
_CHECKED_BY = "policy validate; policy compare: equal to what was generated"
# Other services have no action that a federation token may not call.
_NOT_FEDERATED = frozenset({"iam", "sts"})
_LONGEST_STATEMENTS = 5
_MOST_ARNS = 10
# Stands in the calls for a role that nothing names.
_HOLE = "ROLE_ARN"


def session_policy(generated: Answer, principal: str | None) -> Answer:
    """The answer with one session policy in place of its policies; where it does not fit, managed ones to pass by ARN."""
    role = _role(generated, principal)
    hole = _hole_in_words(generated, principal) if role == _HOLE else ""
    generated = replace(generated, summary=f"{generated.summary} {hole}".rstrip())
    policies = [one_policy(file.content, Kind.SESSION) for file in generated.artifacts]
    found = shrink(policies, Limit(most=SESSION, quota=QUOTAS[Kind.SESSION]))
    if not found.result.fits:
        return _by_arn(generated, found, role)
    (file,) = artifacts(found.result, QUOTAS[Kind.SESSION])
    file = replace(file, checked_by=_CHECKED_BY)
    return replace(
        generated,
        summary=" ".join((*_fits(found), generated.summary)),
        findings=_findings(file),
        artifacts=(file, _calls(_policy_calls(found.result, role))),
        facts={**_session_facts(found), **_facts_of(generated)},
        sources=tuple(dict.fromkeys((_PAGE, *_SOURCES, *generated.sources))),
        # The next calls would generate for good what is wanted for a session.
        next=(),
    )


def _role(generated: Answer, principal: str | None) -> str:
    """The role to assume: the caller of the events, or the one that the caller names; a hole where that is none."""
    callers = [row["caller"] for row in generated.facts.get("callers", ())]
    for text in (*callers, principal):
        arn = Arn.of(text) if text else None
        if arn and arn.resource.startswith("role/"):
            return str(text)
    return _HOLE


def _hole_in_words(generated: Answer, principal: str | None) -> str:
    """That the calls lack the role, and why where one may think that it was given."""
    if principal and not generated.facts.get("callers"):
        return f"{quoted(principal)} is not the ARN of a role: `session.sh` has {_HOLE} in its place, replace it before use."
    return f"Replace {_HOLE} in `session.sh` before use."


def _findings(file: Artifact) -> tuple[Finding, ...]:
    # Imported here: the other actions must not load the rules.
    from aws_iam.rules.policy.run import validate

    return tuple(validate(file.content.rstrip(), "session"))


def _fits(found: Shrunk) -> Iterator[str]:
    (size,) = found.result.sizes
    yield f"A session policy of {size:,} of {SESSION:,} characters, on one line: white space counts."
    yield "It grants nothing: the session may do what the role or user may and this policy allows."
    yield "Whether its packed size fits is known only by the call (`PackedPolicySize`)."
    if found.result.wildcards:
        names = [quoted(own.pattern) for own in found.result.wildcards]
        yield (
            f"To fit, {joined(names)} {'stands' if len(names) == 1 else 'stand'} for names:"
            " no other action matches today, but actions that AWS adds later may."
        )


def _facts_of(generated: Answer) -> Mapping[str, Any]:
    """The facts of what was generated, apart from how long its policies were."""
    return {name: value for name, value in generated.facts.items() if name != "characters"}


def _session_facts(found: Shrunk) -> Mapping[str, Any]:
    return {
        "session": {
            "characters": found.result.sizes[0],
            "limit": SESSION,
            "packed_size": "known only by the call",
        },
        **shrink_facts(found.result),
    }


def _policy_calls(found: Documents, role: str) -> Iterator[str]:
    yield "# One of these, by the credentials that you have."
    yield "# With a role: at most as long as the role allows, and 3600 seconds for who calls with a role already."
    yield (
        f"aws sts assume-role --role-arn {shlex.quote(role)} --role-session-name task"
        " --policy file://policy.json --duration-seconds 3600"
    )
    yield "# With temporary credentials, which keep their identity: 1 second or more, no longer than they have left."
    yield "# At a Regional endpoint, not the global one."
    yield "aws sts get-scoped-credentials --policy file://policy.json --duration-seconds 3600"
    yield from _federation(found, "--policy file://policy.json")


def _federation(found: Documents, policy: str) -> Iterator[str]:
    yield "# With the long-term keys of an IAM user: 900 to 129600 seconds."
    services = {
        entry.partition(":")[0].lower()
        for statement in found.form.statements
        for entry in statement.entries(("Action",))
    }
    if unable := sorted(services & _NOT_FEDERATED):
        yield f"# Its credentials call no action of {joined(unable)} but sts:GetCallerIdentity."
    yield f"aws sts get-federation-token --name task {policy} --duration-seconds 3600"


def _calls(lines: Iterator[str]) -> Artifact:
    return Artifact(name="session.sh", language="bash", content="\n".join(lines) + "\n")


def _by_arn(generated: Answer, found: Shrunk, role: str) -> Answer:
    """The generated policies as managed ones, of which a session policy needs only the ARNs."""
    policies = [one_policy(file.content, Kind.IDENTITY) for file in generated.artifacts]
    managed = shrink(
        policies, Limit(most=MANAGED, quota=QUOTAS[Kind.IDENTITY], may_use_wildcards=False)
    ).result
    number = len(managed.documents)
    if number > _MOST_ARNS:
        raise InputError(
            f"a session takes {SESSION:,} characters and {_MOST_ARNS} managed policies, and this access needs {number}",
            hint="use ARN patterns, fewer access levels, or a role of its own",
        )
    files = artifacts(managed, QUOTAS[Kind.IDENTITY])
    # With the line end of the file, which the calls send too.
    longest = 1 + min(max(found.result.sizes), found.shortest or max(found.result.sizes))
    summary = (
        f"It does not fit a session policy: {counted(longest, 'character')} at the least, and {SESSION:,} are allowed;"
        f" nothing was left out and nothing widened. Instead, {counted(number, 'managed policy')} to create and pass by ARN"
        f" (up to {_MOST_ARNS}), which AssumeRole and GetFederationToken take, GetScopedCredentials does not."
    )
    return replace(
        generated,
        summary=f"{summary} {generated.summary}",
        artifacts=(
            *(replace(file, checked_by=_CHECKED_BY) for file in files),
            _calls(_arn_calls([file.name for file in files], managed, role)),
        ),
        facts={
            "session": {"characters": longest, "limit": SESSION, "too_many": longest - SESSION},
            "longest_statements": list(_longest(found)),
            **_facts_of(generated),
        },
        sources=tuple(dict.fromkeys((_PAGE, *_SOURCES, *generated.sources))),
        next=(),
    )


def _longest(found: Shrunk) -> Iterator[dict[str, Any]]:
    """The statements that take most of the room."""
    rows = sorted(found.result.form.statements, key=lambda own: -own.length)
    for statement in rows[:_LONGEST_STATEMENTS]:
        yield {
            "statement": statement.title,
            "characters": statement.length,
            "actions": len(statement.entries(("Action",))),
            "resources": len(statement.entries(("Resource",))),
        }


def _arn_calls(names: Sequence[str], managed: Documents, role: str) -> Iterator[str]:
    account = arn.account if (arn := Arn.of(role)) else "ACCOUNT"
    titles = {name: f"session-{name.removesuffix('.json')}" for name in names}
    arns = " ".join(f"arn=arn:aws:iam::{account}:policy/{title}" for title in titles.values())
    for name, title in titles.items():
        yield f"aws iam create-policy --policy-name {title} --policy-document file://{name}"
    yield "# Then one of these, by the credentials that you have."
    yield "# With a role: at most as long as the role allows, and 3600 seconds for who calls with a role already."
    yield (
        f"aws sts assume-role --role-arn {shlex.quote(role)} --role-session-name task"
        f" --policy-arns {arns} --duration-seconds 3600"
    )
    yield from _federation(managed, f"--policy-arns {arns}")
