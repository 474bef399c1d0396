"""What the name of a file says: whether its format is one that holds policies, and which kind of policies it suggests."""

from __future__ import annotations

import re

from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.attachment_types import KMS_KEY, REPOSITORY, VPC_ENDPOINT

_WORD = r"(?:^|[^A-Za-z])(?:{})(?:[^A-Za-z]|$)"
_KINDS = tuple(
    (re.compile(_WORD.format(words), re.IGNORECASE), kind)
    for words, kind in (
        (r"scps?|service[-_ ]?control[-_ ]?polic(?:y|ies)", Kind.SCP),
        (r"rcps?|resource[-_ ]?control[-_ ]?polic(?:y|ies)", Kind.RCP),
        (r"(?:permissions?[-_ ]?)?boundar(?:y|ies)", Kind.BOUNDARY),
    )
)
_ENDPOINT = re.compile(
    _WORD.format(
        r"vpces?|vpc[-_ ]?endpoints?(?:[-_ ]?polic(?:y|ies))?|endpoint[-_ ]?polic(?:y|ies)"
    ),
    re.IGNORECASE,
)
# `bucket-policy-vpce.json` is of a bucket that a VPC endpoint reaches.
_RESOURCE = re.compile(
    _WORD.format(r"buckets?|queues?|topics?|keys?|secrets?|tables?|repositor(?:y|ies)"),
    re.IGNORECASE,
)
_REPOSITORY = re.compile(
    r"ecr(?:[-_ ]?repositor(?:y|ies))?(?:[-_ ]?(?:resource[-_ ]?)?polic(?:y|ies))?\.\w+",
    re.IGNORECASE,
)
# `access-key-policy.json` is of no key of KMS, but has no policy with principals and actions of KMS either.
_KMS_KEY = re.compile(
    _WORD.format(r"(?:(?:kms|cmks?)[-_ ]?)?(?:keys?|kms|cmks?)[-_ ]?polic(?:y|ies)"), re.IGNORECASE
)
ENDINGS = (".json", ".yaml", ".yml", ".template", ".tf", ".tofu", ".tfvars")
"""The endings of the formats that hold policies and nothing else but data; Markdown and others are looked at too."""
# Folders further up may be named after anything.
_PARTS = 2


def suggested_by(path: str) -> tuple[Kind | None, str | None]:
    """The kind of policy and the type of resource that the file's name suggests, or else its folder's."""
    for part in reversed(re.split(r"[/\\]", path)[-_PARTS:]):
        for pattern, kind in _KINDS:
            if pattern.search(part):
                return kind, None
        if _ENDPOINT.search(part) and not _RESOURCE.search(part):
            return Kind.RESOURCE, VPC_ENDPOINT
        if _REPOSITORY.fullmatch(part):
            return Kind.RESOURCE, REPOSITORY
        if _KMS_KEY.search(part):
            return Kind.RESOURCE, KMS_KEY
    return None, None


def is_known(name: str) -> bool:
    """Whether the file's ending says that it can be read; a text without a name can be, too."""
    return not name or name.lower().endswith(ENDINGS)
