"""Workflows of GitHub Actions that get a role: a job of its own, or one that calls a reusable workflow."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.tools.irsa.manifest.parts import Ask, File, Manifest, file, pinned_action

if TYPE_CHECKING:
    from aws_iam.tools.irsa.providers.names import Names

_CHECKS = "check-jsonschema (GitHub workflows), actionlint, zizmor"
_DEFAULT_AUDIENCE = "sts.amazonaws.com"
_SHA = re.compile(r"[0-9a-f]{40}")
# In a filter these are patterns, and `!` at its beginning excludes; a ref is meant as it stands.
_PATTERN = re.compile(r"[+!]")


def github(ask: Ask) -> Manifest:
    """The workflow, or both where a reusable one is called."""
    called = ask.names.workflow
    trigger = _trigger(ask.names)
    files = (
        (_caller(trigger, called), _job(ask, "workflow_call:", _file_of(called)))
        if called
        else (_job(ask, trigger, "deploy.yml"),)
    )
    return Manifest(
        files=files,
        source="https://docs.github.com/en/actions/reference/security/oidc",
        placeholders=(ask.written_region,),
        notes=_notes(ask.names),
    )


def _trigger(names: Names) -> str:
    """The event whose token has the subject; where it does not tell one, a person starts the workflow."""
    if names.branch:
        return f"push:\n  branches: [{_filter(names.branch)}]"
    if names.tag:
        return f"push:\n  tags: [{_filter(names.tag)}]"
    return "pull_request:" if names.pull_request else "workflow_dispatch:"


def _filter(ref: str) -> str:
    return json.dumps(_PATTERN.sub(lambda found: f"\\{found[0]}", ref))


def _job(ask: Ask, trigger: str, name: str) -> File:
    usual = ask.audience == _DEFAULT_AUDIENCE
    place = f"{ask.names.workflow.partition('/.github')[0]}: " if ask.names.workflow else ""
    return file(
        "github.yml",
        name,
        _CHECKS,
        place=f"{place}.github/workflows/{name}",
        values={
            "Environment": ask.names.environment,
            "RoleArn": ask.role,
            "Region": ask.written_region,
            "Audience": None if usual else ask.audience,
        },
        blocks={
            "Trigger": trigger,
            "Checkout": f"- uses: {pinned_action('actions/checkout')}",
            "Credentials": f"- uses: {pinned_action('aws-actions/configure-aws-credentials')}",
        },
    )


def _caller(trigger: str, called: str) -> File:
    path, _, ref = called.partition("@")
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    uses = f"uses: {json.dumps(f'{path}@{short}')}"
    if not _SHA.fullmatch(short):
        uses += " # zizmor: ignore[unpinned-uses] the trust policy tests this ref"
    return file(
        "github-caller.yml",
        "call-deploy.yml",
        _CHECKS,
        place=".github/workflows/call-deploy.yml",
        values={},
        blocks={"Trigger": trigger, "Uses": uses},
    )


def _file_of(called: str) -> str:
    return called.partition("@")[0].rpartition("/")[2]


def _notes(names: Names) -> tuple[str, ...]:
    notes = []
    if names.pull_request:
        notes.append(
            "GitHub gives no id-token to pull requests from forks; never use pull_request_target instead, which runs their "
            "code with your rights"
        )
    if names.environment:
        notes.append(
            "the environment says who may use the role: give it protection rules for branches and reviewers"
        )
    if names.subject:
        notes.append("the subject does not tell which event sends it: workflow_dispatch stands in")
    if (names.issuer or "").rstrip("/").endswith("/_services/token"):
        notes.append(
            "GitHub Enterprise Server has no hosted runners: name your own in runs-on, and let them load both actions and "
            "reach STS"
        )
    return tuple(notes)
