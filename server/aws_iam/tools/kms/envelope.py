"""`kms envelope`: code that encrypts with data keys of a KMS key, bound to an encryption context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["python", "typescript", "java", "go", "dotnet"]
Library = Literal["encryption_sdk", "hierarchical", "sdk"]

_PAGE = "references/kms-patterns.md#envelope-encryption"
_CONTEXT_PAGE = "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeLibrary:
    """One library in one language: its code, the format of its records, and what to know about it."""

    description: str
    install: str
    code: tuple[Artifact, ...]
    policy: str
    permissions: tuple[str, ...]
    context: Mapping[str, str]
    record: Mapping[str, str]
    source: str
    notes: tuple[str, ...]


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("envelope-libraries.json")
    return data


def envelope_libraries(language: Language) -> Mapping[str, EnvelopeLibrary]:
    """The libraries of a language by name."""
    return {
        name: _library(row, language, _data()["languages"][language])
        for name, row in _data()["libraries"].items()
    }


def _library(
    row: Mapping[str, Any], language: Language, form: Mapping[str, Any]
) -> EnvelopeLibrary:
    particulars = row["languages"][language]
    return EnvelopeLibrary(
        description=particulars["description"],
        install=particulars["install"],
        code=tuple(
            Artifact(
                name=form["files"][role],
                language=form["syntax"],
                content=resources.text(f"assets/kms/{asset}.{form['suffix']}"),
                checked_by=form["checked_by"],
            )
            for role, asset in row["programs"].items()
        ),
        policy=row["policy"],
        permissions=tuple(row["permissions"]),
        context=row["context"],
        record=row["record"],
        source=row["source"],
        notes=(*row["notes"], *particulars["notes"]),
    )


def envelope(language: Language, library: Library) -> Answer:
    """The code, the format of its records, and what the caller's policy must allow."""
    libraries = envelope_libraries(language)
    chosen = libraries[library]
    # The caller needs it if the key policy leaves use of the key to IAM policies.
    policy = Artifact(
        name=chosen.policy,
        language="json",
        content=resources.text(f"assets/kms/{chosen.policy}"),
        checked_by="policy validate",
    )
    return Answer(
        summary=f"Envelope encryption in {_data()['languages'][language]['title']}: {chosen.description}. "
        "Each record has its own data key and is bound to its encryption context.",
        artifacts=(*chosen.code, policy),
        facts={
            "library": library,
            "libraries": list(libraries),
            "language": language,
            "install": chosen.install,
            "record": [{"field": name, "holds": text} for name, text in chosen.record.items()],
            "permissions": list(chosen.permissions),
            "notes": [{"note": note} for note in chosen.notes],
        },
        sources=(chosen.source, _CONTEXT_PAGE, _PAGE),
        as_of=_data()["as_of"],
    )
