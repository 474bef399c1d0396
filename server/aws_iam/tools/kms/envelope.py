"""`kms envelope`: tested code that encrypts with data keys of a KMS key, bound to an encryption context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Answer, Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["python"]
Library = Literal["encryption_sdk", "boto3"]

_PAGE = "references/kms-patterns.md#envelope-encryption"
_CONTEXT_PAGE = "https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html"
_CHECKED_BY = (
    "compiled and run against moto: a megabyte encrypted and decrypted, another context refused"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeLibrary:
    """One library: its code, the format of its records, and what to know about it."""

    asset: str
    description: str
    install: str
    record: Mapping[str, str]
    source: str
    notes: tuple[str, ...]


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("envelope-libraries.json")
    return data


def envelope_libraries() -> Mapping[str, EnvelopeLibrary]:
    """The libraries by name."""
    return {
        name: EnvelopeLibrary(**{**row, "notes": tuple(row["notes"])})
        for name, row in _data()["libraries"].items()
    }


def envelope(language: Language, library: Library) -> Answer:
    """The code, the format of its records, and what the caller's policy must allow."""
    chosen = envelope_libraries()[library]
    code = Artifact(
        name="envelope.py",
        language=language,
        content=resources.text(f"assets/kms/{chosen.asset}"),
        checked_by=_CHECKED_BY,
    )
    # The caller needs it if the key policy leaves use of the key to IAM policies.
    policy = Artifact(
        name="use-key.json",
        language="json",
        content=resources.text("assets/kms/use-key.json"),
        checked_by="policy validate",
    )
    return Answer(
        summary=f"Envelope encryption in Python: {chosen.description}. "
        "Each record has its own data key and is bound to its encryption context.",
        artifacts=(code, policy),
        facts={
            "library": library,
            "libraries": list(envelope_libraries()),
            "install": chosen.install,
            "record": [{"field": name, "holds": text} for name, text in chosen.record.items()],
            "permissions": ["kms:Decrypt", "kms:GenerateDataKey"],
            "notes": [{"note": note} for note in chosen.notes],
        },
        sources=(chosen.source, _CONTEXT_PAGE, _PAGE),
        next=(
            'aws-iam kms key_policy --account ACCOUNT --admins role/KeyAdmin --users role/App --context \'{"app": "orders"}\'',
        ),
        as_of=_data()["as_of"],
    )
