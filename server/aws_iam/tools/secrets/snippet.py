"""`secrets snippet`: how a workload reads a secret, caches it for minutes, and refetches it when authentication fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact, next_call
from aws_iam.errors import InputError
from aws_iam.tools.secrets.names import SecretName, filled_asset, parameter_named, secret_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.answer import NextCall

Runtime = Literal["lambda", "ecs", "eks", "ec2"]
StoreName = Literal["secrets_manager", "parameter_store"]
Language = Literal["python", "typescript", "java", "go", "dotnet"]
Style = Literal[
    "library",
    "sdk",
    "powertools",
    "extension",
    "task_definition",
    "ascp",
    "external_secrets",
    "agent",
]

_PAGE = "references/secrets-patterns.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a snippet: the asset it is made from, its name, and what has checked it."""

    asset: str
    name: str
    language: str
    checked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One way to read a secret."""

    runtime: Runtime
    store: StoreName
    style: Style
    language: Language
    files: tuple[File, ...]
    freshness: str
    after_refusal: str
    source: str
    section: str
    notes: tuple[str, ...]


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("secret-snippets.json")
    return data


def snippets() -> tuple[Snippet, ...]:
    """Every snippet; the first one of a runtime, store and language is the default."""
    return tuple(
        _snippet(row, language)
        for row in _data()["snippets"]
        for language in _data()["languages"]
        if not _absence(row["style"], language)
    )


def _snippet(row: Mapping[str, Any], language: Language) -> Snippet:
    particulars = _data()["styles"].get(row["style"], {}).get(language, {})
    return Snippet(
        runtime=row["runtime"],
        store=row["store"],
        style=row["style"],
        language=language,
        files=tuple(
            _program(row["program"], language)
            if asset == "*"
            else File(asset=asset, **_data()["files"][asset])
            for asset in row["files"]
        ),
        freshness=row["freshness"],
        after_refusal=row["after_refusal"],
        source=particulars.get("source") or row["source"],
        section=row["section"],
        notes=(*row["notes"], *particulars.get("notes", ())),
    )


def _program(name: str, language: Language) -> File:
    row = _data()["languages"][language]
    return File(
        asset=f"{name}.{row['suffix']}",
        name=row["name"],
        language=row["syntax"],
        checked_by=row["checked_by"],
    )


def _title(language: Language) -> str:
    title: str = _data()["languages"][language]["title"]
    return title


def _absence(style: Style, language: Language) -> str:
    """Why the style does not exist in the language; empty if it does."""
    reason: str = _data()["styles"].get(style, {}).get(language, {}).get("absent", "")
    return reason


_NAME_READERS: dict[StoreName, Callable[[str], SecretName]] = {
    "secrets_manager": secret_named,
    "parameter_store": parameter_named,
}
_DEFAULT_NAMES: dict[StoreName, str] = {
    "secrets_manager": "prod/app/db",
    "parameter_store": "/prod/app/db",
}


def snippet(
    runtime: Runtime,
    store: StoreName,
    style: Style | None,
    language: Language,
    secret: str | None,
) -> Answer:
    """The files of one way to read a secret."""
    chosen = _chosen(runtime, store, style, language)
    name = _NAME_READERS[store](secret or _DEFAULT_NAMES[store])
    values = _values(chosen, name)
    return Answer(
        summary=(
            f"{chosen.style} for {runtime} and {store.replace('_', ' ')} in {_title(language)}: the value is {chosen.freshness}; "
            f"when authentication fails, {chosen.after_refusal}. No value is logged."
        ),
        artifacts=tuple(
            Artifact(
                name=file.name,
                language=file.language,
                content=filled_asset(f"snippets/{file.asset}", values),
                checked_by=file.checked_by,
            )
            for file in chosen.files
        ),
        facts={
            "runtime": runtime,
            "store": store,
            "style": chosen.style,
            "styles": [snippet.style for snippet in _snippets_for(runtime, store, language)],
            "language": language,
            "freshness": chosen.freshness,
            "after_refusal": chosen.after_refusal,
            "notes": [{"note": note} for note in (*chosen.notes, _key_note(store))],
            "placeholders": [
                {"replace": placeholder} for placeholder in _placeholders(chosen, name, values)
            ],
        },
        sources=(chosen.source, f"{_PAGE}#{chosen.section}"),
        next=_next(chosen, store, secret),
        as_of=_data()["as_of"],
    )


def _next(chosen: Snippet, store: StoreName, secret: str | None) -> tuple[NextCall, ...]:
    """Another way to read the same secret, and how the one that the caller named rotates."""
    same = ("runtime", "store", "language", "secret")
    styles = [one.style for one in _snippets_for(chosen.runtime, store, chosen.language)]
    others = [
        next_call("secrets", "snippet", f"the same with {style}", same, style=style)
        for style in styles
        if style != chosen.style
    ]
    if store != "secrets_manager" or secret is None:
        return tuple(others[:1])
    why = "how the secret rotates"
    return (next_call("secrets", "rotation", why, ("secret",), target="custom"), *others[:1])


def _snippets_for(runtime: Runtime, store: StoreName, language: Language) -> list[Snippet]:
    return [
        snippet
        for snippet in snippets()
        if (snippet.runtime, snippet.store, snippet.language) == (runtime, store, language)
    ]


def _chosen(
    runtime: Runtime, store: StoreName, style: Style | None, language: Language
) -> Snippet:
    available = _snippets_for(runtime, store, language)
    matching = [snippet for snippet in available if style in (None, snippet.style)]
    if matching:
        return matching[0]
    absence = _absence(style, language) if style else ""
    elsewhere = dict.fromkeys(
        f"{snippet.runtime} with {snippet.store}"
        for snippet in snippets()
        if (snippet.style, snippet.language) == (style, language)
    )
    raise InputError(
        f"there is no `{style}` for `{runtime}` and `{store}` in {_title(language)}"
        + (f": {absence}" if absence else ""),
        hint=f"there `style` is one of {', '.join(f'`{snippet.style}`' for snippet in available)}"
        + (f"; `{style}` exists for {', '.join(elsewhere)}" if elsewhere else ""),
    )


def _values(chosen: Snippet, name: SecretName) -> dict[str, str]:
    secret = chosen.store == "secrets_manager"
    return {
        # A name works only within the account: another account's secret is read by its ARN.
        "Secret": name.as_written,
        "SecretPattern": name.secret_pattern,
        "ParameterArn": name.parameter_arn,
        "Reference": name.secret_reference if secret else name.parameter_arn,
        "Account": name.account,
        "Region": name.region,
        "Partition": name.partition,
        "Namespace": "default",
        "ObjectType": "secretsmanager" if secret else "ssmparameter",
        "Service": "SecretsManager" if secret else "ParameterStore",
        "TokenFile": "/var/run/awssmatoken",
        "Wait": "150",
    }


def _placeholders(chosen: Snippet, name: SecretName, values: dict[str, str]) -> list[str]:
    """Sample values in the files that the caller has to replace."""
    text = "".join(filled_asset(f"snippets/{file.asset}", values) for file in chosen.files)
    samples = (*name.assumed, "-AbCdEf", "/app:1.0.0", "role/App", "namespace: default")
    return [sample for sample in samples if sample in text]


def _key_note(store: StoreName) -> str:
    service = "secretsmanager" if store == "secrets_manager" else "ssm"
    return (
        "if the value is encrypted with a customer managed key, the reader also needs kms:Decrypt on that key, "
        f"with kms:ViaService {service}.REGION.amazonaws.com"
    )
