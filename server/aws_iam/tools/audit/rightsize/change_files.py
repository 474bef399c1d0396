"""The changes as one file in the language of a tool: AWS CLI, CloudFormation or Terraform.

First comes what is added, last what is taken away, each with the command that turns it back. CloudFormation and Terraform add
policies beside those that exist, because neither takes over what it did not create.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact
from aws_iam.escape import escaped
from aws_iam.frozen import slotted
from aws_iam.tools.audit.rightsize.proof import proved_words
from aws_iam.tools.audit.rightsize.smaller_policy import written_policy
from aws_iam.tools.audit.rightsize.unused_principals import unused_steps
from aws_iam.tools.kit.terraform_json import terraform_json
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.policies_in_use import Entity, PolicyInUse
    from aws_iam.tools.audit.rightsize.policy_changes import PolicyChange
    from aws_iam.tools.audit.rightsize.recorded_use import Window

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")
_BEGINNING = "Smaller policies for account {account}, from what was used until {day}. Nothing has been changed yet: read it first."
_BESIDE = (
    "It adds policies beside those that exist; where your own code has a policy, put its document there instead. An identity has"
    " at most 10 managed policies, and its inline ones together a length, unless the quota was raised."
)
_LAST = "Last, when everything that is added works:"


@slotted
class _Change:
    """A change with the names that its parts have in the files."""

    change: PolicyChange
    label: str
    account: Account

    @property
    def policy(self) -> PolicyInUse:
        return self.change.policy

    @property
    def document(self) -> str:
        return json.dumps(self.change.document, indent=2)

    @property
    def copy_arn(self) -> str:
        return (
            f"arn:{self.account.partition}:iam::{self.account.id}:policy/{self.change.copy_name}"
        )

    @property
    def words(self) -> str:
        """What it is about, on one line."""
        policy = self.policy
        entities = joined([f"{own.kind} {escaped(own.name, 64)}" for own in self.change.entities])
        what = (
            f"inline policy {escaped(policy.name, 128)} of {entities}"
            if self.change.is_inline
            else f"policy {escaped(policy.arn or policy.name, 200)} for {entities}"
        )
        served = joined([escaped(arn.rpartition(":")[2], 80) for arn in policy.serves])
        why = f"; {self.change.why}" if self.change.why else ""
        return f"{what}; it serves {served}{why}"


def change_file(
    format_: str,
    account: Account,
    window: Window,
    changes: Iterable[PolicyChange],
    principals: Iterable[JudgedPrincipal],
) -> Artifact:
    """The file of all changes."""
    labels: set[str] = set()
    named = [
        _Change(change=change, label=_label(change, labels), account=account) for change in changes
    ]
    chosen = [own for own in principals if own.verdict in {"smaller", "unused"}]
    of = f"-{chosen[0].kind}-{chosen[0].identity.name}" if len(chosen) == 1 else ""
    language = _LANGUAGES[format_]
    first = _BEGINNING.format(account=account.id, day=f"{window.now:%Y-%m-%d}")
    lines = [*language.head, f"# {first}", *language.write(named), *_unused(chosen, window)]
    return Artifact(
        name=f"rightsize{of}{language.ending}",
        language=language.language,
        content="\n".join(lines) + "\n",
        checked_by=f"policy compare: {proved_words(window)}" if named else None,
    )


def _label(change: PolicyChange, taken: set[str]) -> str:
    """A name for files, `role-web.p0`, or of a managed policy its own."""
    policy = change.policy
    entity = policy.entities[0]
    label = change.copy_name if change.change == "replace" else policy.name
    if change.is_inline:
        label = f"{entity.kind}-{entity.name}.{policy.name}"
    label = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in label)
    wanted, number = label, 2
    while label.lower() in taken:
        label, number = f"{wanted}-{number}", number + 1
    taken.add(label.lower())
    return label


# The AWS CLI.


def _cli(changes: list[_Change]) -> Iterator[str]:
    for own in changes:
        if own.change.document is not None:
            yield from ("", f"# {own.words}")
            yield from _additions(own)
    if removals := _all_removals(changes, is_in_place=True):
        yield from ("", f"# {_LAST}", *removals)


def _additions(own: _Change) -> Iterator[str]:
    policy, file = own.policy, f"{own.label}.json"
    before = f"{own.label}.before.json"
    yield from _file(file, own.document)
    if own.change.change == "put":
        put = _inline("put", policy.entities[0], policy.name)
        yield from _file(before, _as_it_is(policy))
        yield f"{put} --policy-document {shlex.quote(f'file://{file}')}"
        yield f"# Rollback: {put} --policy-document {shlex.quote(f'file://{before}')}"
    elif own.change.change == "version":
        of = f"--policy-arn {shlex.quote(policy.arn)}"
        back = f"aws iam set-default-policy-version {of} --version-id"
        yield "# AWS keeps five versions: where there are five, first delete one that is not the default."
        yield f'BEFORE="$(aws iam get-policy {of} --query Policy.DefaultVersionId --output text)"'
        yield f'echo {shlex.quote(f"Rollback: {back}")} "$BEFORE"'
        yield f"aws iam create-policy-version {of} --policy-document {shlex.quote(f'file://{file}')} --set-as-default"
        yield f'# Rollback: {back} "$BEFORE"'
    else:
        name = shlex.quote(own.change.copy_name)
        yield f"aws iam create-policy --policy-name {name} --policy-document {shlex.quote(f'file://{file}')}"
        for entity in own.change.entities:
            yield _attached("attach", entity, own.copy_arn)
            yield f"# Rollback: {_attached('detach', entity, own.copy_arn)}"


def _all_removals(changes: list[_Change], *, is_in_place: bool) -> list[str]:
    """The removals of all changes, each once: a group is left once for all of its policies."""
    blocks = dict.fromkeys(tuple(_removals(own, is_in_place=is_in_place)) for own in changes)
    return [line for block in blocks for line in block]


def _removals(own: _Change, *, is_in_place: bool) -> Iterator[str]:
    """The commands that take away what is replaced or not needed."""
    policy, change = own.policy, own.change
    if is_in_place and change.change in {"put", "version"}:
        return
    if change.leaves:
        names = f"--group-name {shlex.quote(change.leaves.name)} --user-name {shlex.quote(change.entities[0].name)}"
        yield f"aws iam remove-user-from-group {names}"
        yield f"# Rollback: aws iam add-user-to-group {names}"
        return
    if policy.is_inline:
        entity = policy.entities[0]
        before = f"{own.label}.before.json"
        yield from _file(before, _as_it_is(policy))
        yield _inline("delete", entity, policy.name)
        put = _inline("put", entity, policy.name)
        yield f"# Rollback: {put} --policy-document {shlex.quote(f'file://{before}')}"
        return
    for entity in change.entities:
        yield _attached("detach", entity, policy.arn)
        yield f"# Rollback: {_attached('attach', entity, policy.arn)}"


def _file(name: str, content: str) -> tuple[str, ...]:
    return (f"cat > {shlex.quote(name)} <<'POLICY'", content, "POLICY")


def _as_it_is(policy: PolicyInUse) -> str:
    return json.dumps(written_policy(policy.text), indent=2)


def _inline(verb: str, entity: Entity, name: str) -> str:
    return (
        f"aws iam {verb}-{entity.kind}-policy --{entity.kind}-name {shlex.quote(entity.name)}"
        f" --policy-name {shlex.quote(name)}"
    )


def _attached(verb: str, entity: Entity, arn: str) -> str:
    return (
        f"aws iam {verb}-{entity.kind}-policy --{entity.kind}-name {shlex.quote(entity.name)}"
        f" --policy-arn {shlex.quote(arn)}"
    )


# CloudFormation.

_INLINE_TYPES = {
    "role": ("AWS::IAM::RolePolicy", "RoleName"),
    "user": ("AWS::IAM::UserPolicy", "UserName"),
    "group": ("AWS::IAM::GroupPolicy", "GroupName"),
}


def _cloudformation(changes: list[_Change]) -> Iterator[str]:
    import yaml

    yield f"# {_BESIDE}"
    found: dict[str, Any] = {}
    for own in changes:
        if own.change.document is not None:
            name = _NOT_IN_NAMES.sub("", own.label.title()) or "Policy"
            wanted, number = name, 2
            while name in found:
                name, number = f"{wanted}{number}", number + 1
            found[name] = _resource(own)
    if found:
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": found}
        yield yaml.safe_dump(template, sort_keys=False, width=1_000).rstrip()
    yield from _afterwards(changes)


def _resource(own: _Change) -> dict[str, Any]:
    policy, change = own.policy, own.change
    # Without the tuples and shared parts of what was read.
    document = json.loads(own.document)
    if change.is_inline:
        type_, name = _INLINE_TYPES[policy.entities[0].kind]
        properties: dict[str, Any] = {
            name: policy.entities[0].name,
            "PolicyName": change.copy_name,
            "PolicyDocument": document,
        }
        return {"Type": type_, "Properties": properties}
    properties = {"ManagedPolicyName": change.copy_name, "PolicyDocument": document}
    for kind, name in (("role", "Roles"), ("user", "Users"), ("group", "Groups")):
        if names := [entity.name for entity in change.entities if entity.kind == kind]:
            properties[name] = names
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


# Terraform.


def _terraform(changes: list[_Change]) -> Iterator[str]:
    yield f"# {_BESIDE}"
    for own in changes:
        if own.change.document is not None:
            yield from ("", f"# {own.words}")
            yield from _blocks(own)
    yield from _afterwards(changes)


def _blocks(own: _Change) -> Iterator[str]:
    policy, change = own.policy, own.change
    label = _NOT_IN_NAMES.sub("_", own.label).strip("_") or "policy"
    # A name begins with a letter or an underscore.
    label = f"_{label}" if label[0].isdigit() else label
    document = f"jsonencode({terraform_json(change.document or {})})"
    name = _text(change.copy_name)
    if change.is_inline:
        entity = policy.entities[0]
        yield f'resource "aws_iam_{entity.kind}_policy" "{label}" {{'
        yield f"  {entity.kind} = {_text(entity.name)}\n  name = {name}\n  policy = {document}\n}}"
        return
    yield f'resource "aws_iam_policy" "{label}" {{'
    yield f"  name = {name}\n  policy = {document}\n}}"
    for number, entity in enumerate(change.entities, 1):
        yield f'resource "aws_iam_{entity.kind}_policy_attachment" "{label}_{number}" {{'
        yield f"  {entity.kind} = {_text(entity.name)}\n  policy_arn = aws_iam_policy.{label}.arn\n}}"


def _text(value: str) -> str:
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _afterwards(changes: list[_Change]) -> Iterator[str]:
    """The removals as comments: these tools do not remove what they did not create."""
    removals = _all_removals(changes, is_in_place=False)
    lines = [part for line in removals for part in line.split("\n")]
    if lines:
        yield from ("", f"# {_LAST}", *(f"#   {line.removeprefix('# ')}" for line in lines))


def _unused(principals: Iterable[JudgedPrincipal], window: Window) -> Iterator[str]:
    """What to do about those that nobody uses, as comments: each step waits for a person."""
    for own in principals:
        if own.verdict != "unused":
            continue
        yield ""
        yield f"# Unused: {own.kind} {escaped(own.identity.name, 64)}"
        for step in unused_steps(own, window):
            yield f"#   {step['step']}: {step['why']}"
            for command in step.get("commands", ()):
                yield f"#     {escaped(command, 500)}"
            if "rollback" in step:
                yield f"#     rollback: {escaped(step['rollback'], 500)}"


@slotted
class _Language:
    ending: str
    language: str
    write: Callable[[list[_Change]], Iterator[str]]
    head: tuple[str, ...] = field(default=())


_LANGUAGES: Mapping[str, _Language] = {
    "cli": _Language(
        ending=".sh",
        language="bash",
        write=_cli,
        head=("#!/usr/bin/env bash", "set -euo pipefail"),
    ),
    "cloudformation": _Language(ending=".yaml", language="yaml", write=_cloudformation),
    "terraform": _Language(ending=".tf", language="hcl", write=_terraform),
}
