"""The jobs of a CI system that ask AWS for a role: what is known of the token that each of them sends.

Only what decides about a token is kept: a workflow may hold anything. What an expression or another file decides is
not known, and left empty.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.answer import Where

Platform = Literal["github", "gitlab"]


@slotted
class Login:
    """One request for a role; a token has one of the audiences."""

    role: str
    audiences: tuple[str, ...]
    where: Where = field(compare=False)


@slotted
class Job:
    """A job that asks for a role. `environment` is None without one; `calls` is the reusable workflow that runs in its place."""

    name: str
    logins: tuple[Login, ...]
    environment: str | None
    may_ask: bool | None
    """Whether it may ask for a token; None where the caller of the workflow decides."""
    ends: tuple[str, ...]
    """Patterns of what follows the repository in the subject."""
    refs: tuple[str, ...] = ()
    """Patterns of the refs that it runs on; empty where one is not known, as that of a pull request."""
    excluded: tuple[str, ...] = ()
    """Patterns of what never follows the repository, though `ends` has it: branches and tags that the events leave out."""
    has_condition: bool = False
    """Whether an `if` that is not understood decides on which refs or events it runs."""
    never_on: tuple[str, ...] = ()
    """The ends that its `if` asks for, where no event starts the workflow for any of them, so that it never runs."""
    calls: str = ""
    where: Where = field(compare=False)


@slotted
class Workflow:
    """The jobs of one workflow, or of one pipeline; `called`: another workflow calls it."""

    platform: Platform
    title: str
    file: str
    name: str
    jobs: tuple[Job, ...]
    called: bool = False

    def subjects(self, repository: str, end: str) -> tuple[str, ...]:
        """Patterns of the default subjects of its tokens with that end; an empty repository is any."""
        if self.platform == "gitlab":
            return (f"project_path:{repository or '*'}:{end}",)
        if not repository:
            return (f"repo:*:{end}",)
        owner, _, name = repository.partition("/")
        # The immutable subject has the ids of both, which no file names.
        return (f"repo:{repository}:{end}", f"repo:{owner}@*/{name}@*:{end}")

    def paths(self, job: Job, repository: str) -> tuple[str, ...]:
        """Patterns of the claim job_workflow_ref of a job; empty where it is not known."""
        path, _, ref = job.calls.partition("@")
        if job.calls and not path.startswith("./"):
            # A call names a branch or tag by its short name, the claim in full.
            return (f"{path}@{ref}", f"{path}@refs/heads/{ref}", f"{path}@refs/tags/{ref}")
        file = self.file.replace("\\", "/").rpartition("/")[2]
        own = path.removeprefix("./") or (f".github/workflows/{file}" if file else "")
        refs = job.refs or ("*",)
        return tuple(f"{repository or '*'}/{own}@{ref}" for ref in refs) if own else ()
