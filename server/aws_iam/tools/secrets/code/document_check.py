"""`secrets check` with a document: secrets in plaintext in code, by names and shapes, with file and line."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Finding, Severity, Status
from aws_iam.engine.parsing.json_nodes import dump
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.data_files import values_of
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS, is_terraform
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.markdown_policies import is_markdown
from aws_iam.engine.sources.terraform.parsing.json_syntax import parsed_json
from aws_iam.engine.sources.terraform.parsing.native import parsed
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.report.order import by_urgency
from aws_iam.tools.kit.check_table import by_check, verdict
from aws_iam.tools.secrets.checks.catalogue import CHECKS
from aws_iam.tools.secrets.checks.plaintext import exposed
from aws_iam.tools.secrets.code.plain_places import (
    PARAMETER,
    STACK,
    in_data,
    in_terraform,
    is_known,
)
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.rules.check import Check
    from aws_iam.tools.secrets.code.plain_places import Held

_PAGE = "references/secrets-patterns.md#secrets-in-code"
_LOOKED_INTO = "variables of functions, containers and builds, user data, commands, definitions, parameters, outputs, passwords of databases, and Secrets and ConfigMaps of Kubernetes"
_PLACE = re.compile(r"\bline \d+(?::\d+)?")
_JSON_ENDING = ".tf.json"
# Every template, serverless.yml and object of Kubernetes has one of these.
_KINDS = ("AWS::", "provider", "apiVersion")
_OF_NO_KIND = "no template of CloudFormation or SAM, no serverless.yml, no object of Kubernetes and no Terraform: its secrets are not looked for"
_LEFT_OF_TERRAFORM = " Of Terraform, locals, arguments of modules and tfvars are not looked into."


def of_document(document: Any, chosen: Sequence[Check[Account]], as_of: str) -> Answer:
    """The secrets in plaintext of files, or of one document."""
    codes = {check.code for check in chosen}
    files = document.files if isinstance(document, Files) else (_unnamed(document),)
    found: list[Finding] = []
    unread: list[dict[str, str]] = []
    judged: list[File] = []
    others = 0
    for file in files:
        if file.unreadable:
            unread.append({"place": file.name, "why": file.unreadable})
            continue
        try:
            held = _held(file)
            found += (own for own in _findings(held or (), file) if own.code in codes)
        except InputError as refused:
            why = _why_unread(refused)
            if len(files) == 1:
                raise InputError(f"{quoted(file.name or 'the document')}: {why}") from None
            unread.append({"place": file.name, "why": why})
            continue
        if held is not None:
            judged.append(file)
        elif len(files) == 1:
            raise InputError(f"{quoted(file.name or 'the document')} is {_OF_NO_KIND}")
        else:
            others += 1
    findings = by_urgency(dict.fromkeys(found))
    what = f"{'what was judged of ' if unread or others else ''}{_named(files, document)}"
    sentences = (
        f"Secrets in plaintext in {what}: {verdict(findings) if judged else 'nothing was judged'}. No value is kept or shown.",
        f" {counted(len(unread), 'file')} could not be read." if unread else "",
        f" {counted(others, 'file')} of other kinds {'was' if others == 1 else 'were'} not looked into."
        if others
        else "",
        _LEFT_OF_TERRAFORM if any(map(_is_terraform, judged)) else "",
    )
    return Answer(
        summary="".join(sentences),
        findings=findings,
        facts={
            "files": len(files),
            "looked_into": _LOOKED_INTO,
            "files_judged": len(judged),
            **({} if judged else {"nothing_evaluated": True}),
            "by_check": by_check(findings, CHECKS),
            **({"files_not_read": len(unread), "not_judged": unread} if unread else {}),
        },
        sources=(_PAGE, "references/secrets-patterns.md#the-one-law"),
        as_of=as_of,
    )


def _named(files: Sequence[File], document: Any) -> str:
    folder = document.folder if isinstance(document, Files) else ""
    if folder:
        return f"the folder {quoted(folder)} ({counted(len(files), 'file')})"
    return (
        quoted(files[0].name)
        if len(files) == 1 and files[0].name
        else "the document"
        if len(files) == 1
        else counted(len(files), "file")
    )


def _why_unread(refused: InputError) -> str:
    """Where a text cannot be read: a parser's own words may quote a value."""
    place = _PLACE.search(refused.message)
    where = f" at {place[0]}" if place else ""
    return f"it cannot be read as JSON, YAML or Terraform{where}"


def _unnamed(document: Any) -> File:
    text = document if isinstance(document, str) else dump(from_value(document))
    return File(name="", text=text)


def _findings(held: Iterable[Held], file: File) -> Iterator[Finding]:
    for own in held:
        why = exposed(own.variable)
        if why is not None:
            yield _finding(own, *why, file)


def _held(file: File) -> list[Held] | None:
    """The variables and texts of a file; None for one of another kind."""
    if _is_terraform(file):
        is_json = file.name.lower().endswith(_JSON_ENDING)
        read = parsed_json if is_json else parsed
        return list(in_terraform(read(file.text, file.name or None)))
    if is_markdown(file.name) or not any(word in file.text for word in _KINDS):
        return None
    roots, shown = values_of(file)
    known = [root for root in roots if is_known(root)]
    return [own for root in known for own in in_data(root, shown)] if known else None


def _is_terraform(file: File) -> bool:
    name = file.name.lower()
    return name.endswith((_JSON_ENDING, *TERRAFORM_ENDINGS)) or is_terraform(file.text, file.name)


# What a check of an account says of a stack or a container is said of code in other words.
_OF_STACK = (
    "Code holds a secret in plaintext",
    "Rotate it, and let the deployment read it from Secrets Manager, or have Secrets Manager generate it; return the secret's ARN, not its value.",
)
_OF_OBJECT = (
    "Code holds a secret in plaintext",
    "Rotate it, store it in Secrets Manager, and let the cluster read or mount it: `secrets snippet` with `runtime: eks`.",
)
_OF_POD = (
    "A container has a secret in its environment or command",
    "Rotate it, store it in Secrets Manager, and let the pod read or mount it: `secrets snippet` with `runtime: eks`.",
)


def _finding(held: Held, why: str, is_guess: bool, file: File) -> Finding:  # noqa: FBT001 - as `exposed` says it
    check = CHECKS[held.check]
    title, fix = check.title, check.fix
    if check.code in {STACK, PARAMETER}:
        title, fix = _OF_OBJECT if held.is_pod else _OF_STACK
    elif held.is_pod:
        title, fix = _OF_POD
    subject = f"{quoted(held.variable.name)} " if held.variable.name else "its text "
    return Finding(
        code=check.code,
        title=title,
        severity=check.severity
        if not is_guess
        else min(check.severity, Severity.MEDIUM, key=lambda own: -own.rank),
        status=Status.FAIL,
        message=f"{held.place}: {subject}{why}",
        where=replace(held.where, file=file.name or None),
        resource=held.place,
        fix=fix,
        source=check.source,
        confidence="low" if is_guess else None,
    )
